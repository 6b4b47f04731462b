package book

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/feed/synth"
)

// realSession returns the records of a day of one future, or skips the test.
func realSession(t testing.TB) []dbn.MboMsg {
	t.Helper()
	dir := os.Getenv("TICKRING_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, "dbn", "esh4-glbx-mdp3-20231225.mbo.dbn.zst")
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no real market data here: %v (TICKRING_TESTDATA names its folder)", err)
	}
	defer f.Close()
	r, err := dbn.NewReader(f, dbn.ReaderConfig{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var recs []dbn.MboMsg
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return recs
		}
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := dbn.AsMbo(rec); ok {
			recs = append(recs, *m)
		}
	}
}

func syntheticSession(t testing.TB, messages int) []dbn.MboMsg {
	t.Helper()
	g, err := synth.New(synth.Config{Messages: messages})
	if err != nil {
		t.Fatal(err)
	}
	n := itch.NewNormalizer(itch.NormalizerConfig{})
	var out [itch.MaxRecords]dbn.MboMsg
	var recs []dbn.MboMsg
	for msg, ok := g.Next(); ok; msg, ok = g.Next() {
		recs = append(recs, out[:n.Apply(msg, &out)]...)
	}
	return recs
}

// sums compares the totals of a book with its orders.
func sums(t *testing.T, s *Books, b *Book) {
	t.Helper()
	for _, side := range []dbn.Side{dbn.SideBid, dbn.SideAsk} {
		w := b.Walk(side)
		for i, l := range b.Depth(nil, side, math.MaxInt) {
			var got Level
			got.Price = l.Price
			for ; w.Ref() != 0 && s.Order(w.Ref()).Price == l.Price; w.Next() {
				got.Size += uint64(s.Order(w.Ref()).Size)
				got.Count++
			}
			if got != l {
				t.Fatalf("side %c: level %d is %+v, its orders make %+v", side, i, l, got)
			}
		}
		if w.Ref() != 0 {
			t.Fatalf("side %c: orders outside all levels", side)
		}
	}
}

// TestRealSession: what must hold in a session of one future that is whole from its opening
// auction on. The data here has no records by order and by price of the same time, so the
// book is held against what traded: each fill names the order that was first, and its price.
func TestRealSession(t *testing.T) {
	recs := realSession(t)
	s := New(Config{})
	var trade *dbn.MboMsg // that the fills are of
	open := false         // after the auction
	var events, trades, fills, hidden, passed int
	filled := map[Ref]uint32{}  // by the trades of this event
	sizes := map[Ref]uint32{}   // before them
	skipped := map[uint64]int{} // orders that were ahead of a filled one, and the record
	replenished := map[uint64]bool{}
	for i := range recs {
		m := &recs[i]
		switch {
		case m.Action == dbn.ActionTrade:
			trade = m
			trades++
		case m.Action == dbn.ActionFill && trade.Side != dbn.SideNone && m.Side != trade.Side:
			// Not those of the auction, nor of the aggressor, if it was an order of the book.
			fills++
			b := s.Get(m.InstrumentID)
			r := b.Find(m.OrderID)
			if r == 0 {
				t.Fatalf("record %d: fill of an order that is not there", i)
			}
			if o := s.Order(r); o.Price != m.Price || o.Side != m.Side {
				t.Fatalf("record %d: %+v of %+v", i, m, o)
			} else if o.Size < filled[r]+m.Size {
				hidden++ // it had more than it showed
			}
			w := b.Walk(m.Side)
			for ; w.Ref() != r; w.Next() {
				if o := s.Order(w.Ref()); filled[w.Ref()] < o.Size {
					skipped[o.ID] = i
				}
			}
			filled[r] += m.Size
			sizes[r] = s.Order(r).Size
		}
		c := s.Apply(m)
		b := c.Book
		if m.Action == dbn.ActionModify && filled[c.Ref] > 0 && s.Order(c.Ref).Size != sizes[c.Ref]-filled[c.Ref] {
			replenished[m.OrderID] = true
		}
		if !b.Settled() {
			continue
		}
		if events++; events%1000 == 0 {
			sums(t, s, b)
		}
		open = open || trades > 0
		if open && b.Crossed() {
			t.Fatalf("record %d: crossed", i)
		}
		// Who is passed over would trade with itself and goes, or was replenished before.
		for id, record := range skipped {
			if b.Find(id) == 0 {
				continue
			}
			if passed++; !replenished[id] {
				t.Errorf("record %d: order %d was first and is passed over", record, id)
			}
		}
		clear(filled)
		clear(skipped)
	}
	st := s.Stats()
	if trades != 2973 || fills != 6229 || passed > 50 {
		t.Errorf("%d trades, %d fills, %d passed over", trades, fills, passed)
	}
	for a, n := range st.Anomalies {
		if n != 0 && Anomaly(a) != CrossedBook {
			t.Errorf("%d: %v", n, Anomaly(a))
		}
	}
	t.Logf("%d events, %d trades, %d fills, %d of hidden size, %d passed, %+v", events, trades, fills, hidden, passed, st)
}
