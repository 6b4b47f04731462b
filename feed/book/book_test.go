package book

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tickring/tickring/feed/dbn"
)

func mbo(action dbn.Action, id uint64, side dbn.Side, price int64, size uint32, flags uint8) *dbn.MboMsg {
	return &dbn.MboMsg{
		RecordHeader: dbn.RecordHeader{Length: dbn.MboSize / 4, RType: dbn.RTypeMbo, PublisherID: 1, InstrumentID: 7},
		OrderID:      id, Price: price, Size: size, Flags: flags, Action: action, Side: side,
	}
}

// compare compares all that a book says with the reference.
func compare(t testing.TB, s *Books, b *Book, r *reference) {
	t.Helper()
	for _, side := range []dbn.Side{dbn.SideBid, dbn.SideAsk} {
		want := r.depth(side)
		got := b.Depth(nil, side, math.MaxInt)
		if !slices.Equal(got, want) {
			t.Fatalf("side %c: depth %v, want %v", side, got, want)
		}
		if n := b.Levels(side); n != len(want) {
			t.Fatalf("side %c: %d levels, want %d", side, n, len(want))
		}
		best := Level{Price: dbn.UndefPrice}
		if len(want) > 0 {
			best = want[0]
		}
		if got := b.Best(side); got != best {
			t.Fatalf("side %c: best %v, want %v", side, got, best)
		}
		w := b.Walk(side)
		if w.Ref() != b.First(side) {
			t.Fatalf("side %c: the first order is %d, the walk begins with %d", side, b.First(side), w.Ref())
		}
		ahead, size := 0, uint64(0)
		queue := r.queue(side)
		for i, o := range queue {
			if i > 0 && queue[i-1].price != o.price {
				ahead, size = 0, 0
			}
			got := s.Order(w.Ref())
			if got.ID != o.id || got.Price != o.price || got.Size != o.size || got.Side != o.side {
				t.Fatalf("side %c: order %d is %+v, want %+v", side, i, got, o)
			}
			if !o.top && b.Find(o.id) != w.Ref() {
				t.Fatalf("order %d is found at %d, walked at %d", o.id, b.Find(o.id), w.Ref())
			}
			if n, sz := s.Ahead(w.Ref()); n != ahead || sz != size {
				t.Fatalf("order %d: %d orders, size %d ahead, want %d, %d", o.id, n, sz, ahead, size)
			}
			ahead, size = ahead+1, size+uint64(o.size)
			w.Next()
		}
		if w.Ref() != 0 {
			t.Fatalf("side %c: order %+v too many", side, s.Order(w.Ref()))
		}
	}
}

func randomRecord(r *rand.Rand, m *dbn.MboMsg) {
	m.InstrumentID, m.PublisherID = r.Uint32N(3), uint16(r.Uint32N(2))
	m.OrderID = r.Uint64N(60)
	m.Action = []dbn.Action{'A', 'A', 'A', 'A', 'C', 'C', 'M', 'M', 'T', 'F', 'N'}[r.IntN(11)]
	m.Side = []dbn.Side{dbn.SideBid, dbn.SideAsk}[r.IntN(2)]
	m.Price = int64(r.IntN(40)) - 10
	m.Size = r.Uint32N(10)
	m.Flags = uint8(r.IntN(2)) * dbn.FlagLast
	switch r.IntN(200) {
	case 0:
		m.Action = 'R'
	case 1, 2:
		m.Flags |= dbn.FlagTOB
	case 3:
		m.Price = dbn.UndefPrice
	case 4:
		m.Side = dbn.SideNone
	case 5:
		m.Action = dbn.Action(r.Uint32())
	case 6:
		m.Price = math.MinInt64 + int64(r.IntN(2))
	case 7:
		m.Size = math.MaxUint32
	}
}

func TestAgainstReference(t *testing.T) {
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := New(Config{})
		refs := map[*Book]*reference{}
		m := mbo(0, 0, 0, 0, 0, 0)
		for range 3000 {
			randomRecord(r, m)
			c := s.Apply(m)
			if refs[c.Book] == nil {
				refs[c.Book] = &reference{}
			}
			refs[c.Book].apply(m)
			compare(t, s, c.Book, refs[c.Book])
			if c.Ref != 0 && s.Order(c.Ref).Size == 0 {
				t.Fatalf("%+v of a dead order after %+v", c, m)
			}
		}
		live := 0
		for b, ref := range refs {
			compare(t, s, b, ref)
			if s.Venue(b.Instrument(), b.Publisher()) != b {
				t.Error("a book is not found")
			}
			live += len(ref.orders)
			for _, o := range ref.orders {
				if o.top {
					live-- // is no order
				}
			}
		}
		if st := s.Stats(); st.Orders != live || st.Books != len(refs) || st.Records != 3000 {
			t.Errorf("%+v, want %d orders, %d books", st, live, len(refs))
		}
		s.Clear()
		if st := s.Stats(); st.Orders != 0 {
			t.Errorf("%d orders after Clear", st.Orders)
		}
		for b := range refs {
			compare(t, s, b, &reference{})
		}
	}
}

func TestChange(t *testing.T) {
	s := New(Config{})
	for i, c := range []struct {
		m    *dbn.MboMsg
		want Kind
		bad  int // anomaly, -1 for none
	}{
		{mbo('A', 1, 'B', 100, 5, 0), Added, -1},
		{mbo('A', 2, 'B', 100, 5, 0), Added, -1},
		{mbo('M', 1, 'B', 100, 4, 0), Reduced, -1},
		{mbo('M', 1, 'B', 100, 6, 0), Moved, -1},
		{mbo('M', 1, 'B', 101, 6, 0), Moved, -1},
		{mbo('C', 1, 'B', 101, 2, 0), Reduced, -1},
		{mbo('C', 1, 'B', 101, 9, 0), Removed, int(TooLarge)},
		{mbo('C', 1, 'B', 101, 9, 0), None, int(UnknownOrder)},
		{mbo('M', 1, 'B', 101, 9, 0), Added, int(UnknownOrder)},
		{mbo('A', 1, 'B', 99, 9, 0), Added, int(DuplicateOrder)},
		{mbo('A', 3, 'N', 99, 9, 0), None, int(BadSide)},
		{mbo('M', 3, 'N', 99, 9, 0), None, int(BadSide)},
		{mbo('A', 3, 'A', dbn.UndefPrice, 9, 0), None, int(BadPrice)},
		{mbo('A', 3, 'A', 99, 0, 0), None, int(BadSize)},
		{mbo('A', 3, 'A', 100, 1, dbn.FlagLast), Added, int(CrossedBook)},
		{mbo('M', 2, 'A', 102, 1, dbn.FlagLast), Moved, int(OtherSide)},
		{mbo('M', 2, 'A', 102, 0, dbn.FlagLast), Removed, int(BadSize)},
		{mbo('?', 2, 'A', 102, 0, dbn.FlagLast), None, int(UnknownAction)},
		{mbo('T', 2, 'A', 102, 3, 0), None, -1},
		{mbo('A', 0, 'B', 50, 1, dbn.FlagTOB), Added, -1},
		{mbo('A', 0, 'B', dbn.UndefPrice, 1, dbn.FlagTOB), Cleared, -1},
		{mbo('R', 0, 'N', dbn.UndefPrice, 0, 0), Cleared, -1},
	} {
		before := s.Stats().Anomalies
		got := s.Apply(c.m)
		if c.bad >= 0 {
			before[c.bad]++
		}
		if got.Kind != c.want || s.Stats().Anomalies != before {
			t.Errorf("record %d: %v, anomalies %v, want %v, %v", i, got.Kind, s.Stats().Anomalies, c.want, before)
		}
	}
	want := Trade{Price: 102, Size: 3, Side: dbn.SideAsk, Number: 1}
	if got := s.Get(7).LastTrade(); got != want {
		t.Errorf("last trade %+v, want %+v", got, want)
	}
}

// TestTopIsRemoved: what a venue shows without orders has no id to be found by.
func TestTopIsRemoved(t *testing.T) {
	s := New(Config{})
	s.Apply(mbo('A', 0, 'B', 50, 1, dbn.FlagTOB))
	b := s.Get(7)
	w := b.Walk(dbn.SideBid)
	b.Remove(w.Ref())
	compare(t, s, b, &reference{})
	if b.Insert(0, dbn.SideBid, 50, 1) == 0 {
		t.Error("its id is taken")
	}
}

func TestInsert(t *testing.T) {
	s := New(Config{Orders: 1 << 12})
	b := s.Make(3, 4)
	if b != s.Get(3) || s.Make(3, 5) != b.Next() || s.Get(4) != nil {
		t.Error("books of an instrument")
	}
	r := b.Insert(1, dbn.SideAsk, 5, 6)
	if r == 0 || s.Priority() != s.Order(r).Priority {
		t.Errorf("ref %d, priority %d", r, s.Priority())
	}
	for _, bad := range []Ref{
		b.Insert(1, dbn.SideAsk, 5, 6), b.Insert(2, dbn.SideNone, 5, 6),
		b.Insert(2, dbn.SideAsk, dbn.UndefPrice, 6), b.Insert(2, dbn.SideAsk, 5, 0),
	} {
		if bad != 0 {
			t.Error("inserted")
		}
	}
}

func FuzzApply(f *testing.F) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 2))
		m := mbo(0, 0, 0, 0, 0, 0)
		var b []byte
		for range 20 {
			randomRecord(r, m)
			b = m.Append(b)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(Config{})
		refs := map[*Book]*reference{}
		for len(data) >= dbn.MboSize {
			var m dbn.MboMsg
			rec := slices.Clone(data[:dbn.MboSize])
			data = data[dbn.MboSize:]
			rec[0], rec[1] = dbn.MboSize/4, byte(dbn.RTypeMbo)
			if m.Decode(rec) != nil {
				return
			}
			c := s.Apply(&m)
			if refs[c.Book] == nil {
				refs[c.Book] = &reference{}
			}
			refs[c.Book].apply(&m)
			compare(t, s, c.Book, refs[c.Book])
		}
	})
}
