package itch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"unsafe"

	"github.com/tickring/tickring/feed/dbn"
)

func TestMboSize(t *testing.T) {
	if n := unsafe.Sizeof(dbn.MboMsg{}); n != mboSize {
		t.Errorf("MboMsg has %d bytes, want %d", n, mboSize)
	}
	if n := unsafe.Sizeof(order{}); n != 24 {
		t.Errorf("order has %d bytes, want 24", n)
	}
}

// apply gives one message to n and returns a copy of the records.
func apply(n *Normalizer, m Message) []dbn.MboMsg {
	var out [MaxRecords]dbn.MboMsg
	k := n.Apply(m.Append(nil), &out)
	return append([]dbn.MboMsg{}, out[:k]...)
}

// brief writes a record as "A bid 100 @ 12.3400 #7 stock 5", with "last" at the
// end if it is the last of its event.
func brief(r dbn.MboMsg) string {
	side := map[dbn.Side]string{dbn.SideBid: "bid", dbn.SideAsk: "ask", dbn.SideNone: "none"}[r.Side]
	s := fmt.Sprintf("%c %s %d @ %v #%d stock %d", r.Action, side, r.Size, Price4(r.Price/100_000), r.OrderID, r.InstrumentID)
	if r.Flags == dbn.FlagLast {
		s += " last"
	} else if r.Flags != 0 {
		s += fmt.Sprintf(" flags %#x", r.Flags)
	}
	return s
}

// TestMapping is the table of the package comment, message by message, on one
// book that goes on from step to step.
func TestMapping(t *testing.T) {
	h := Header{StockLocate: 5, Timestamp: 34_200_000_000_123}
	other := Header{StockLocate: 6, Timestamp: 34_200_000_000_123}
	sym := NewAlpha8("ZVZZT")
	type step struct {
		name string
		msg  Message
		want []string
	}
	steps := []step{
		{"system event", &SystemEvent{h, EventStartOfMessages}, nil},
		{"directory", &StockDirectory{Header: h, Stock: sym}, nil},
		{"halt", &StockTradingAction{Header: h, Stock: sym, TradingState: StateHalted}, nil},
		{"add", &AddOrder{h, 7, Buy, 100, sym, 123_400}, []string{"A bid 100 @ 12.3400 #7 stock 5 last"}},
		{"add with MPID", &AddOrderMPID{h, 8, Sell, 200, sym, 123_500, NewAlpha4("MMKR")}, []string{"A ask 200 @ 12.3500 #8 stock 5 last"}},
		{"part executed", &OrderExecuted{h, 7, 30, 1}, []string{"T ask 30 @ 12.3400 #0 stock 5", "F bid 30 @ 12.3400 #7 stock 5", "C bid 30 @ 12.3400 #7 stock 5 last"}},
		{"sell order executed", &OrderExecuted{h, 8, 50, 2}, []string{"T bid 50 @ 12.3500 #0 stock 5", "F ask 50 @ 12.3500 #8 stock 5", "C ask 50 @ 12.3500 #8 stock 5 last"}},
		{"executed at a price", &OrderExecutedWithPrice{h, 8, 10, 3, Yes, 123_450}, []string{"T bid 10 @ 12.3450 #0 stock 5", "F ask 10 @ 12.3450 #8 stock 5", "C ask 10 @ 12.3500 #8 stock 5 last"}},
		{"not printable", &OrderExecutedWithPrice{h, 8, 20, 4, No, 123_450}, []string{"F ask 20 @ 12.3450 #8 stock 5", "C ask 20 @ 12.3500 #8 stock 5 last"}},
		{"cancel", &OrderCancel{h, 7, 25}, []string{"C bid 25 @ 12.3400 #7 stock 5 last"}},
		{"delete", &OrderDelete{h, 7}, []string{"C bid 45 @ 12.3400 #7 stock 5 last"}},
		{"delete again", &OrderDelete{h, 7}, nil},
		{"replace", &OrderReplace{h, 8, 9, 500, 123_600}, []string{"C ask 120 @ 12.3500 #8 stock 5", "A ask 500 @ 12.3600 #9 stock 5 last"}},
		{"the old one is gone", &OrderExecuted{h, 8, 1, 5}, nil},
		{"replace of an unknown order", &OrderReplace{h, 8, 10, 500, 123_600}, nil},
		{"its new order is unknown", &OrderDelete{h, 10}, nil},
		{"replace to the same reference", &OrderReplace{h, 9, 9, 400, 123_700}, []string{"C ask 500 @ 12.3600 #9 stock 5", "A ask 400 @ 12.3700 #9 stock 5 last"}},
		{"executed to the end", &OrderExecuted{h, 9, 400, 6}, []string{"T bid 400 @ 12.3700 #0 stock 5", "F ask 400 @ 12.3700 #9 stock 5", "C ask 400 @ 12.3700 #9 stock 5 last"}},
		{"hidden trade", &Trade{h, 0, Buy, 60, sym, 123_300, 7}, []string{"T none 60 @ 12.3300 #0 stock 5 last"}},
		{"cross", &CrossTrade{h, 7000, sym, 123_000, 8, CrossOpening}, []string{"T none 7000 @ 12.3000 #0 stock 5 last"}},
		{"no cross", &CrossTrade{h, 0, sym, 123_000, 9, CrossClosing}, nil},
		{"huge cross", &CrossTrade{h, 1 << 40, sym, 123_000, 9, CrossClosing}, []string{"T none 4294967295 @ 12.3000 #0 stock 5 last"}},
		{"broken trade", &BrokenTrade{h, 8}, nil},
		{"add", &AddOrder{h, 20, Buy, 100, sym, 100}, []string{"A bid 100 @ 0.0100 #20 stock 5 last"}},
		{"add the same again", &AddOrder{other, 20, Sell, 300, sym, 200}, []string{"C bid 100 @ 0.0100 #20 stock 5", "A ask 300 @ 0.0200 #20 stock 6 last"}},
		{"other stock", &OrderCancel{h, 20, 100}, []string{"C ask 100 @ 0.0200 #20 stock 6 last"}},
		{"too many shares", &OrderExecuted{other, 20, 500, 10}, []string{"T bid 500 @ 0.0200 #0 stock 6", "F ask 500 @ 0.0200 #20 stock 6", "C ask 200 @ 0.0200 #20 stock 6 last"}},
		{"gone by that", &OrderDelete{other, 20}, nil},
		{"no shares", &AddOrder{h, 21, Buy, 0, sym, 100}, nil},
		{"bad side", &AddOrder{h, 22, 'X', 100, sym, 100}, nil},
		{"was not added", &OrderDelete{h, 22}, nil},
		{"add", &AddOrder{h, 23, Buy, 100, sym, 100}, []string{"A bid 100 @ 0.0100 #23 stock 5 last"}},
		{"add", &AddOrder{h, 24, Buy, 200, sym, 100}, []string{"A bid 200 @ 0.0100 #24 stock 5 last"}},
		{"cancel of no shares", &OrderCancel{h, 23, 0}, nil},
		{"execution of no shares", &OrderExecuted{h, 23, 0, 0}, nil},
		{"cancel of too many", &OrderCancel{h, 23, 101}, []string{"C bid 100 @ 0.0100 #23 stock 5 last"}},
		{"add", &AddOrder{h, 23, Buy, 100, sym, 100}, []string{"A bid 100 @ 0.0100 #23 stock 5 last"}},
		{"replace onto a live order", &OrderReplace{h, 23, 24, 50, 300}, []string{"C bid 100 @ 0.0100 #23 stock 5", "C bid 200 @ 0.0100 #24 stock 5", "A bid 50 @ 0.0300 #24 stock 5 last"}},
		{"replace by no shares", &OrderReplace{h, 24, 25, 0, 300}, []string{"C bid 50 @ 0.0300 #24 stock 5 last"}},
		{"hidden trade of no shares", &Trade{h, 0, Buy, 0, sym, 1, 1}, nil},
	}
	// The types that are in no step say nothing about the book either.
	for _, ty := range Types() {
		switch ty {
		case 'A', 'F', 'E', 'C', 'X', 'D', 'U', 'P', 'Q':
		default:
			m, _ := Decode(pattern(ty))
			steps = append(steps, step{"type " + ty.String(), m, nil})
		}
	}

	const midnight = 1_548_824_400_000_000_000
	n := NewNormalizer(NormalizerConfig{PublisherID: 2, Midnight: midnight})
	records := uint64(0)
	for i, s := range steps {
		got := apply(n, s.msg)
		var lines []string
		for _, r := range got {
			lines = append(lines, brief(r))
			if r.Length != 14 || r.RType != dbn.RTypeMbo || r.PublisherID != 2 || r.ChannelID != 0 || r.TsInDelta != 0 ||
				r.TsEvent != midnight+34_200_000_000_123 || r.TsRecv != r.TsEvent || r.Sequence != uint32(i+1) {
				t.Errorf("%s: %+v", s.name, r)
			}
		}
		records += uint64(len(got))
		if fmt.Sprint(lines) != fmt.Sprint(s.want) {
			t.Errorf("%s:\n got %q\nwant %q", s.name, lines, s.want)
		}
	}
	s := n.Stats()
	want := [kinds]uint64{UnknownReference: 6, DuplicateReference: 2, TooManyShares: 2, NoShares: 5, BadSide: 1, OtherStock: 1, HugeCross: 1}
	if s.Anomalies != want {
		t.Errorf("anomalies %v, want %v", s.Anomalies, want)
	}
	if s.Messages != uint64(len(steps)) || s.Records != records || s.LiveOrders != 0 || s.NonPrintable != 1 || s.EmptyCrosses != 1 {
		t.Errorf("stats %+v", s)
	}
	if s.Unknown.Of('D') != 4 || s.Unknown.Of('E') != 1 || s.Unknown.Of('U') != 1 || s.Unknown.Total() != 6 {
		t.Errorf("unknown by type: D %d E %d U %d of %d", s.Unknown['D'], s.Unknown['E'], s.Unknown['U'], s.Unknown.Total())
	}
	if s.ByType.Total() != s.Messages || s.ByType.Of('Q') != 3 {
		t.Errorf("by type: %d of %d, Q %d", s.ByType.Total(), s.Messages, s.ByType['Q'])
	}
}

func TestTimesWithoutMidnight(t *testing.T) {
	n := NewNormalizer(NormalizerConfig{})
	r := apply(n, &AddOrder{Header{1, 0, 1<<48 - 1}, 1, Buy, 1, Alpha8{}, math.MaxUint32})
	if len(r) != 1 || r[0].TsEvent != 1<<48-1 || r[0].Price != math.MaxUint32*100_000 {
		t.Errorf("%+v", r)
	}
}

// TestAnomaliesSayWhere looks up each reported anomaly in the file.
func TestAnomaliesSayWhere(t *testing.T) {
	var file []byte
	for i := range uint64(10) {
		file = AppendMessage(file, &SystemEvent{})
		file = AppendMessage(file, &OrderDelete{OrderReferenceNumber: 1000 + i})
		file = AppendMessage(file, &OrderExecuted{OrderReferenceNumber: 2000 + i, ExecutedShares: 1})
	}
	n := NewNormalizer(NormalizerConfig{})
	var out [MaxRecords]dbn.MboMsg
	for _, m := range split(file) {
		n.Apply(m, &out)
	}
	n.Apply([]byte("A nonsense"), &out)
	n.Apply(nil, &out)
	s := n.Stats()
	if len(s.First) != examples+2 || s.Anomalies[UnknownReference] != 20 || s.Anomalies[NotAMessage] != 2 {
		t.Fatalf("%d examples of %v", len(s.First), s.Anomalies)
	}
	for i, a := range s.First[:examples] {
		want := uint64(1000 + i/2)
		if i%2 == 1 {
			want += 1000
		}
		msg := split(file[a.Offset:])[0]
		if a.Kind != UnknownReference || a.Reference != want || Type(msg[0]) != a.Type ||
			!bytes.Equal(msg, split(file)[a.Message-1]) {
			t.Errorf("%v: message there is %x", a, msg)
		}
	}
	if got, want := s.First[0].String(), "message 2 (D) at offset 14: unknown order reference: 1000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if a := s.First[examples]; a.Kind != NotAMessage || a.Offset != int64(len(file)) || a.Message != 31 {
		t.Errorf("%+v", a)
	}
	s.First[0].Reference = 5
	if n.Stats().First[0].Reference != 1000 {
		t.Error("Stats shares its slice with the Normalizer")
	}
	for _, k := range Kinds() {
		if k.String() == "" || k.String()[0] == 'k' {
			t.Errorf("kind %d has no words", k)
		}
	}
}

func TestNormalizerRealFile(t *testing.T) {
	path := dataFile(t, "ritch-ex20101224.fixedlen.itch50")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rd, err := NewReader(bytes.NewReader(file), ReaderConfig{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	n := NewNormalizer(NormalizerConfig{})
	book := mboBook{}
	actions := map[dbn.Action]uint64{}
	var out [MaxRecords]dbn.MboMsg
	for {
		m, err := rd.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out[:n.Apply(m, &out)] {
			actions[r.Action]++
			if err := book.apply(r); err != nil {
				t.Fatalf("message at %d: %v", rd.Offset(), err)
			}
		}
	}
	s := n.Stats()
	if s.Messages != 12_012 || s.Anomalies != [kinds]uint64{UnknownReference: 117} || s.Unknown.Total() != 117 {
		t.Errorf("%d messages, anomalies %v", s.Messages, s.Anomalies)
	}
	by := func(t Type) uint64 { return s.ByType[t] - s.Unknown[t] }
	executed := by('E') + by('C')
	want := map[dbn.Action]uint64{
		'A': by('A') + by('F') + by('U'),
		'C': executed + by('X') + by('D') + by('U'),
		'T': by('P') + by('Q') + executed,
		'F': executed,
	}
	if fmt.Sprint(actions) != fmt.Sprint(want) {
		t.Errorf("records by action %v, want %v", actions, want)
	}
	if len(book) != s.LiveOrders {
		t.Errorf("book of %d orders, the Normalizer has %d", len(book), s.LiveOrders)
	}
	for _, a := range s.First {
		msg := split(file[a.Offset : a.Offset+2+int64(a.Type.Size())])[0]
		if u := (&event{msg: msg}).u64(offRef); u != a.Reference || Type(msg[0]) != a.Type {
			t.Errorf("%v: message there names %d", a, u)
		}
	}
}

// mboBook is the book that a consumer of MBO records keeps: adds, cancels and
// modifies change it, and nothing else.
type mboBook map[uint64]dbn.MboMsg

func (b mboBook) apply(r dbn.MboMsg) error {
	o, live := b[r.OrderID]
	switch r.Action {
	case dbn.ActionAdd:
		if live {
			return fmt.Errorf("add of live order: %s", brief(r))
		}
		b[r.OrderID] = r
	case dbn.ActionCancel:
		if !live || r.Size == 0 || r.Size > o.Size || r.Side != o.Side || r.Price != o.Price || r.InstrumentID != o.InstrumentID {
			return fmt.Errorf("cancel that fits no order: %s, order %s", brief(r), brief(o))
		}
		if o.Size -= r.Size; o.Size == 0 {
			delete(b, r.OrderID)
		} else {
			b[r.OrderID] = o
		}
	case dbn.ActionModify:
		if !live {
			return fmt.Errorf("modify of no order: %s", brief(r))
		}
		b[r.OrderID] = r
	case dbn.ActionFill:
		if !live || r.Side != o.Side || r.InstrumentID != o.InstrumentID {
			return fmt.Errorf("fill that fits no order: %s, order %s", brief(r), brief(o))
		}
	case dbn.ActionTrade:
		if r.OrderID != 0 || r.Size == 0 {
			return fmt.Errorf("trade: %s", brief(r))
		}
	default:
		return fmt.Errorf("action: %s", brief(r))
	}
	return nil
}

// oracle is the book by the words of Nasdaq's specification: a map and the
// decoded structs, and nothing shared with the Normalizer.
type oracle struct {
	live    map[uint64]oracleOrder
	unknown uint64
	volume  uint64 // shares traded, as the messages say
}

type oracleOrder struct {
	buy    bool
	shares uint32
	price  Price4
	locate uint16
}

func (q *oracle) add(ref uint64, o oracleOrder) {
	if o.shares > 0 {
		q.live[ref] = o
	}
}

func (q *oracle) take(ref uint64, shares uint32, traded bool) {
	o, ok := q.live[ref]
	if !ok {
		q.unknown++
		return
	}
	if traded {
		q.volume += uint64(shares)
	}
	if shares >= o.shares {
		delete(q.live, ref)
		return
	}
	o.shares -= shares
	q.live[ref] = o
}

func (q *oracle) apply(m Message) {
	switch m := m.(type) {
	case *AddOrder:
		if m.BuySellIndicator == Buy || m.BuySellIndicator == Sell {
			q.add(m.OrderReferenceNumber, oracleOrder{m.BuySellIndicator == Buy, m.Shares, m.Price, m.StockLocate})
		}
	case *AddOrderMPID:
		if m.BuySellIndicator == Buy || m.BuySellIndicator == Sell {
			q.add(m.OrderReferenceNumber, oracleOrder{m.BuySellIndicator == Buy, m.Shares, m.Price, m.StockLocate})
		}
	case *OrderExecuted:
		q.take(m.OrderReferenceNumber, m.ExecutedShares, true)
	case *OrderExecutedWithPrice:
		q.take(m.OrderReferenceNumber, m.ExecutedShares, m.Printable != No)
	case *OrderCancel:
		q.take(m.OrderReferenceNumber, m.CancelledShares, false)
	case *OrderDelete:
		q.take(m.OrderReferenceNumber, math.MaxUint32, false)
	case *OrderReplace:
		o, ok := q.live[m.OriginalOrderReferenceNumber]
		if !ok {
			q.unknown++
			return
		}
		delete(q.live, m.OriginalOrderReferenceNumber)
		o.shares, o.price = m.Shares, m.Price
		q.add(m.NewOrderReferenceNumber, o)
	case *Trade:
		q.volume += uint64(m.Shares)
	case *CrossTrade:
		q.volume += min(m.Shares, math.MaxUint32)
	}
}

func (q *oracle) same(b mboBook) error {
	if len(b) != len(q.live) {
		return fmt.Errorf("book has %d orders, want %d", len(b), len(q.live))
	}
	for ref := range q.live {
		if err := q.sameOrder(b, ref); err != nil {
			return err
		}
	}
	return nil
}

func (q *oracle) sameOrder(b mboBook, ref uint64) error {
	want, ok := q.live[ref]
	got, has := b[ref]
	if ok != has {
		return fmt.Errorf("order %d: in the book %v, want %v", ref, has, ok)
	}
	side := dbn.SideAsk
	if want.buy {
		side = dbn.SideBid
	}
	if ok && (got.Side != side || got.Size != want.shares || got.Price != int64(want.price)*100_000 || got.InstrumentID != uint32(want.locate)) {
		return fmt.Errorf("order %d: got %s, want %+v", ref, brief(got), want)
	}
	return nil
}

// randomMessage makes a message of any type whose reference is often live, often
// gone and sometimes live already when it is added.
func randomMessage(r *rand.Rand, ref func() uint64) Message {
	h := Header{StockLocate: uint16(r.IntN(3)), Timestamp: r.Uint64N(1 << 48)}
	shares := func() uint32 { return uint32(r.IntN(50)) }
	side := Buy
	if r.IntN(2) == 0 {
		side = Sell
	}
	if r.IntN(50) == 0 {
		side = Char(r.IntN(256))
	}
	price := Price4(r.Uint32())
	printable := Yes
	if r.IntN(3) == 0 {
		printable = No
	}
	switch r.IntN(16) {
	case 0, 1, 2, 3:
		return &AddOrder{h, ref(), side, shares() * 4, Alpha8{}, price}
	case 4:
		return &AddOrderMPID{h, ref(), side, shares() * 4, Alpha8{}, price, Alpha4{}}
	case 5, 6:
		return &OrderExecuted{h, ref(), shares(), 1}
	case 7:
		return &OrderExecutedWithPrice{h, ref(), shares(), 1, printable, price}
	case 8, 9:
		return &OrderCancel{h, ref(), shares()}
	case 10, 11:
		return &OrderDelete{h, ref()}
	case 12, 13:
		return &OrderReplace{h, ref(), ref(), shares() * 4, price}
	case 14:
		return &Trade{h, 0, side, shares(), Alpha8{}, price, 1}
	default:
		if r.IntN(2) == 0 {
			return &CrossTrade{h, uint64(shares()), Alpha8{}, price, 1, CrossOpening}
		}
		m, _ := Decode(pattern(Types()[r.IntN(10)]))
		return m
	}
}

func TestNormalizerAgainstOracle(t *testing.T) {
	for name, ref := range map[string]func(r *rand.Rand) uint64{
		"crowded":        func(r *rand.Rand) uint64 { return r.Uint64N(200) },
		"wide":           func(r *rand.Rand) uint64 { return r.Uint64N(20_000) * 4 },
		"one young slot": func(r *rand.Rand) uint64 { return r.Uint64N(2_000) << 32 },
		"top":            func(r *rand.Rand) uint64 { return math.MaxUint64 - r.Uint64N(1_000) },
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 8))
			n := NewNormalizer(NormalizerConfig{})
			q := &oracle{live: map[uint64]oracleOrder{}}
			book := mboBook{}
			var out [MaxRecords]dbn.MboMsg
			var volume, records uint64
			buf := make([]byte, 0, MaxMessageSize)
			for i := 1; i <= 60_000; i++ {
				m := randomMessage(r, func() uint64 { return ref(r) })
				q.apply(m)
				buf = m.Append(buf[:0])
				k := n.Apply(buf, &out)
				for j, rec := range out[:k] {
					if err := book.apply(rec); err != nil {
						t.Fatalf("message %d, %+v: %v", i, m, err)
					}
					if (rec.Flags == dbn.FlagLast) != (j == k-1) || rec.Flags&^dbn.FlagLast != 0 || rec.Sequence != uint32(i) {
						t.Fatalf("message %d: record %d of %d: %+v", i, j, k, rec)
					}
					if rec.Action == dbn.ActionTrade {
						volume += uint64(rec.Size)
					}
					if err := q.sameOrder(book, rec.OrderID); rec.OrderID != 0 && j == k-1 && err != nil {
						t.Fatalf("message %d, %+v: %v", i, m, err)
					}
				}
				records += uint64(k)
				if len(book) != len(q.live) {
					t.Fatalf("message %d, %+v: book has %d orders, want %d", i, m, len(book), len(q.live))
				}
				if i%5_000 == 0 {
					if err := errors.Join(q.same(book), n.orders.check()); err != nil {
						t.Fatalf("message %d: %v", i, err)
					}
				}
			}
			s := n.Stats()
			if s.Anomalies[UnknownReference] != q.unknown || s.Unknown.Total() != q.unknown {
				t.Errorf("%d unknown references, %d by type, want %d", s.Anomalies[UnknownReference], s.Unknown.Total(), q.unknown)
			}
			if volume != q.volume || s.Records != records || s.LiveOrders != len(q.live) {
				t.Errorf("volume %d, want %d; %d records, counted %d; %d orders, want %d", volume, q.volume, records, s.Records, s.LiveOrders, len(q.live))
			}
		})
	}
}

// TestNormalizerFlow runs a long believable flow, in which nothing is wrong.
func TestNormalizerFlow(t *testing.T) {
	n := NewNormalizer(NormalizerConfig{})
	q := &oracle{live: map[uint64]oracleOrder{}}
	book := mboBook{}
	var out [MaxRecords]dbn.MboMsg
	for _, msg := range split(flow(9, 150_000, 30_000)) {
		m, err := Decode(msg)
		if err != nil {
			t.Fatal(err)
		}
		q.apply(m)
		for _, rec := range out[:n.Apply(msg, &out)] {
			if err := book.apply(rec); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(q.same(book), n.orders.check()); err != nil {
		t.Error(err)
	}
	if s := n.Stats(); len(s.First) != 0 {
		t.Errorf("anomalies in a clean flow: %v", s.First)
	}
}

func TestNormalizerAllocatesNothing(t *testing.T) {
	const live = 50_000
	n := NewNormalizer(NormalizerConfig{Orders: 2 * live})
	var out [MaxRecords]dbn.MboMsg
	for _, m := range split(openingBook(3, live)) {
		n.Apply(m, &out)
	}
	day := split(dayFlow(3, 50_000, live))
	for i := range examples { // the first anomalies are kept, later ones only counted
		n.Apply((&OrderDelete{OrderReferenceNumber: uint64(i)<<50 | 1}).Append(nil), &out)
	}
	unknown := (&OrderDelete{OrderReferenceNumber: 1}).Append(nil)
	i := 0
	if a := testing.AllocsPerRun(len(day)-1, func() {
		n.Apply(day[i], &out)
		n.Apply(unknown, &out)
		i++
	}); a != 0 {
		t.Errorf("%v allocations per message", a)
	}
}

func FuzzNormalizer(f *testing.F) {
	var seed []byte
	for _, m := range split(flow(1, 40, 4)) {
		seed = append(seed, m...)
	}
	f.Add(seed, false)
	for _, ty := range Types() {
		f.Add(bytes.Repeat(pattern(ty), 3), true)
	}
	r := rand.New(rand.NewPCG(1, 1))
	var crowded []byte
	for range 200 {
		crowded = randomMessage(r, func() uint64 { return r.Uint64N(20) }).Append(crowded)
	}
	f.Add(crowded, true)
	f.Fuzz(func(t *testing.T, in []byte, narrow bool) {
		n := NewNormalizer(NormalizerConfig{})
		q := &oracle{live: map[uint64]oracleOrder{}}
		book := mboBook{}
		var out [MaxRecords]dbn.MboMsg
		for len(in) > 0 {
			size := Type(in[0]).Size()
			msg := in[:min(max(size, 1), len(in))]
			in = in[len(msg):]
			if narrow && size == len(msg) {
				// Few references, so that the messages meet.
				msg = bytes.Clone(msg)
				if size >= offRef+8 {
					clear(msg[offRef : offRef+7])
				}
				if Type(msg[0]) == TypeOrderReplace {
					clear(msg[offNewRef : offNewRef+7])
				}
			}
			if m, err := Decode(msg); err == nil {
				q.apply(m)
			}
			k := n.Apply(msg, &out)
			for _, rec := range out[:k] {
				if err := book.apply(rec); err != nil {
					t.Fatalf("message %x: %v", msg, err)
				}
			}
			if k > 0 && out[k-1].Flags != dbn.FlagLast {
				t.Fatalf("message %x: flags %#x", msg, out[k-1].Flags)
			}
		}
		if err := errors.Join(q.same(book), n.orders.check()); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkNormalizer(b *testing.B) {
	for _, live := range []int{1_000, 100_000, 1_000_000} {
		name := fmt.Sprintf("live=%d", live)
		book := split(openingBook(1, live))
		file := dayFlow(1, 2_000_000, live)
		msgs := countMessages(file)
		run := func(b *testing.B, do func(n *Normalizer, count int)) {
			b.StopTimer()
			b.ReportAllocs()
			var cpu cpuTimer
			var out [MaxRecords]dbn.MboMsg
			for done := 0; done < b.N; {
				n := NewNormalizer(NormalizerConfig{Orders: live})
				for _, m := range book {
					n.Apply(m, &out)
				}
				count := min(msgs, b.N-done)
				b.StartTimer()
				cpu.start()
				do(n, count)
				cpu.stop()
				b.StopTimer()
				done += count
				if s := n.Stats(); len(s.First) != 0 {
					b.Fatalf("flow is wrong: %v", s.First)
				}
			}
			cpu.report(b)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mmsg/s")
		}
		b.Run("apply/"+name, func(b *testing.B) {
			var out [MaxRecords]dbn.MboMsg
			run(b, func(n *Normalizer, count int) {
				for rest := file; count > 0; count-- {
					end := 2 + int(rest[1])
					n.Apply(rest[2:end], &out)
					rest = rest[end:]
				}
			})
		})
		b.Run("read+apply/"+name, func(b *testing.B) {
			var out [MaxRecords]dbn.MboMsg
			src := bytes.NewReader(file)
			run(b, func(n *Normalizer, count int) {
				src.Reset(file)
				rd, err := NewReader(src, ReaderConfig{})
				if err != nil {
					b.Fatal(err)
				}
				for range count {
					m, err := rd.Next()
					if err != nil {
						b.Fatal(err)
					}
					n.Apply(m, &out)
				}
			})
		})
	}
}

// split returns the messages of a file.
func split(file []byte) (msgs [][]byte) {
	for len(file) > 0 {
		n := 2 + int(file[1])
		msgs = append(msgs, file[2:n])
		file = file[n:]
	}
	return msgs
}
