package exchange

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// floor is a market, strategies and a gateway's journal, made up from a seed. What the
// strategies send is what a gateway would forward: by what the journal has, which the venue's
// reports reach later.
type floor struct {
	t       testing.TB
	rng     *rand.Rand
	st      *order.State
	ids     [4]uint64 // by strategy: ClOrdID of the last request
	seqs    [4]uint64 // ... and its number in the strategy's ring
	reports uint64    // of the venue
	late    []message // not yet in the journal
	shown   []dbn.MboMsg
	history []dbn.MboMsg
}

type message struct {
	typ order.MsgType
	msg []byte
}

const instruments = 2

func newFloor(t testing.TB, seed uint64) *floor {
	f := &floor{t: t, rng: rand.New(rand.NewPCG(seed, 7)), st: order.NewState(order.Bounds{})}
	for _, ring := range []uint16{order.RingVenue, 1, 2, 3} {
		f.frame(order.MsgSessionStatus, (&order.SessionStatus{RingID: 1, Epoch: 1, Ring: ring, Status: order.SessionUp}).Bytes())
	}
	return f
}

// frame puts a message into the journal.
func (f *floor) frame(typ order.MsgType, msg []byte) {
	f.t.Helper()
	if err := f.st.Apply(f.st.Seq()+1, typ, msg); err != nil {
		f.t.Fatalf("the journal refuses what the exchange has done: %v", err)
	}
}

// report takes what the exchange reports: it is in the journal some time later.
func (f *floor) report(out *venue.Reports) {
	for i := range out.Len() {
		f.reports++
		from := order.Origin{Seq: uint32(f.reports), Epoch: 1, Ring: order.RingVenue}
		if er := out.Execution(i); er != nil {
			er.Origin = from
			f.late = append(f.late, message{order.MsgExecutionReport, bytes.Clone(er.Bytes())})
		} else {
			cr := out.CancelRejection(i)
			cr.Origin = from
			f.late = append(f.late, message{order.MsgOrderCancelReject, bytes.Clone(cr.Bytes())})
		}
	}
}

func (f *floor) deliver(n int) {
	for _, m := range f.late[:n] {
		f.frame(m.typ, m.msg)
	}
	f.late = slices.Delete(f.late, 0, n)
}

// request makes a request and puts it into the journal; ok is false if it made none.
func (f *floor) request() (seq uint64, typ order.MsgType, r order.Request, ok bool) {
	if f.rng.IntN(3) > 0 {
		f.deliver(f.rng.IntN(len(f.late) + 1))
	}
	r = order.Request{SecurityID: 1 + f.rng.Uint32N(instruments), Side: order.Buy + order.Side(f.rng.IntN(2)),
		OrdType: order.Limit, TimeInForce: order.Day, OrderQty: 1 + f.rng.Int32N(20)}
	typ = order.MsgNewOrderSingle
	strategy := 1 + f.rng.IntN(3)
	if open := f.st.Orders(); len(open) > 0 && f.rng.IntN(3) == 0 || len(open) > 30 {
		o := open[f.rng.IntN(len(open))]
		if o.Pending.Kind != order.PendingNone {
			return 0, 0, r, false
		}
		strategy = int(o.Strategy)
		r.SecurityID, r.Side, r.OrigClOrdID, r.OrdType, r.TimeInForce = o.SecurityID, o.Side, o.ClOrdID, o.OrdType, o.TimeInForce
		r.OrderQty, r.Price = o.CumQty+1+f.rng.Int32N(20), o.Price
		typ = order.MsgOrderCancelReplaceRequest
		switch f.rng.IntN(4) {
		case 0, 1:
			r.Price, r.OrderQty, r.OrdType, r.TimeInForce = 0, 0, 0, 0
			typ = order.MsgOrderCancelRequest
		case 2:
			if r.Price != 0 {
				r.Price = f.price()
			}
		}
	} else {
		switch f.rng.IntN(12) {
		case 0:
			r.OrdType = order.Market
		case 1:
			r.OrdType = order.Stop
		case 2:
			r.TimeInForce = order.IOC
		case 3:
			r.TimeInForce = order.FOK
		case 4:
			r.TimeInForce = order.GTC
		case 5:
			r.OrderQty = 100
		}
		if r.OrdType != order.Market {
			r.Price = f.price()
		}
	}
	f.ids[strategy] += 1 + f.rng.Uint64N(3)
	f.seqs[strategy]++
	r.ClOrdID = f.ids[strategy]
	r.Origin = order.Origin{Seq: uint32(f.seqs[strategy]), Epoch: 1, Ring: uint16(strategy)}
	if text := f.st.CheckRequest(typ, &r); text != order.TextNone {
		f.ids[strategy]--
		f.seqs[strategy]--
		return 0, 0, r, false
	}
	f.frame(typ, r.Bytes())
	return f.st.Seq(), typ, r, true
}

func (f *floor) price() int64 { return 94 + f.rng.Int64N(13) }

// record makes a record of market data: mostly of an event that could be.
func (f *floor) record() *dbn.MboMsg {
	if len(f.shown) > 0 {
		m := f.shown[0]
		f.shown = f.shown[1:]
		return f.keep(m)
	}
	m := dbn.MboMsg{RecordHeader: dbn.RecordHeader{InstrumentID: 1 + f.rng.Uint32N(instruments), PublisherID: 1},
		OrderID: 1 + f.rng.Uint64N(25), Size: 1 + f.rng.Uint32N(12), Flags: dbn.FlagLast, TsRecv: 1}
	m.OrderID += 100 * uint64(m.InstrumentID)
	// Odd ids are bids; both sides reach a little into each other, so that books cross at times.
	m.Side, m.Price = dbn.SideBid, 93+f.rng.Int64N(8)
	if m.OrderID%2 == 0 {
		m.Side, m.Price = dbn.SideAsk, 100+f.rng.Int64N(8)
	}
	switch f.rng.IntN(20) {
	case 0, 1, 2, 3, 4, 5, 6:
		m.Action = dbn.ActionAdd
	case 7, 8, 9:
		m.Action = dbn.ActionCancel
	case 10, 11, 12:
		m.Action = dbn.ActionModify
	case 13:
		m.Action = dbn.ActionAdd
		if slices.ContainsFunc(f.history, func(h dbn.MboMsg) bool { return h.InstrumentID == m.InstrumentID }) {
			m.PublisherID = 2 // the second one, of whom the exchange takes nothing
		}
	case 14:
		m.Action = dbn.ActionClear
		if f.rng.IntN(10) > 0 {
			m.Action = dbn.ActionNone
		}
	case 15: // hidden
		m.Action, m.Price, m.Side = dbn.ActionTrade, f.price(), dbn.SideNone
	case 16: // of nobody that is shown
		m.Action, m.Price = dbn.ActionTrade, f.price()
	default:
		return f.trade(m)
	}
	return f.keep(m)
}

// trade begins an event in which the order of m, and maybe another one, is hit.
func (f *floor) trade(m dbn.MboMsg) *dbn.MboMsg {
	m.Flags = 0
	hits := []dbn.MboMsg{m, m}
	hits[1].OrderID += 2 // of the same side
	hits = hits[:1+f.rng.IntN(2)]
	m.Action, m.OrderID = dbn.ActionTrade, 0
	m.Side = dbn.SideAsk + dbn.SideBid - m.Side
	m.Size *= uint32(len(hits))
	for _, action := range []dbn.Action{dbn.ActionFill, dbn.ActionCancel} {
		for _, hit := range hits {
			hit.Action = action
			f.shown = append(f.shown, hit)
		}
	}
	f.shown[len(f.shown)-1].Flags = dbn.FlagLast
	return f.keep(m)
}

func (f *floor) keep(m dbn.MboMsg) *dbn.MboMsg {
	f.history = append(f.history, m)
	return &f.history[len(f.history)-1]
}

// workAll has the engine report all that there is, in pieces.
func (f *floor) workAll(e *Engine, out *venue.Reports) (said []string) {
	for {
		out.Reset(stopRoom + f.rng.IntN(venue.MaxReports-stopRoom+1))
		done := e.Work(out)
		f.report(out)
		said = append(said, reported(out)...)
		if done {
			return said
		}
		if out.Len() == 0 {
			f.t.Fatal("there is room, and work to be done, and nothing was done")
		}
	}
}

// TestAgainstReference runs the engine beside the reference, and everything it reports
// through a gateway's journal, which refuses what cannot be.
func TestAgainstReference(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(12) {
		f := newFloor(t, seed)
		e, r := NewEngine(0), newReference()
		out := venue.NewReports()
		for step := range 3000 {
			var got []string
			if f.rng.IntN(2) == 0 {
				seq, typ, req, ok := f.request()
				if !ok {
					continue
				}
				out.Reset(venue.MaxReports)
				e.Request(seq, typ, &req, false, out)
				f.report(out)
				got = reported(out)
				r.request(seq, typ, &req)
			} else {
				m := f.record()
				e.Market(m)
				got = f.workAll(e, out)
				r.said = nil
				if m.PublisherID == 1 {
					r.market(m, true)
				}
			}
			if !slices.Equal(got, r.said) {
				t.Fatalf("seed %d, step %d: reported\n%q, want\n%q", seed, step, got, r.said)
			}
			for _, s := range got {
				kinds[s[:4]]++
			}
			if step%1000 == 999 { // killed
				f.deliver(len(f.late))
				if n := e.Counts().Open; n != len(f.st.Orders()) {
					t.Fatalf("%d orders are open; %d in the journal", n, len(f.st.Orders()))
				}
				e = NewEngine(0)
				for i := range f.history {
					e.Load(&f.history[i])
				}
				e.Restore(slices.Clone(f.st.Orders()))
				r.restore(slices.Clone(f.st.Orders()))
				got := f.workAll(e, out)
				for i := len(e.list) - 1; i >= 0; i-- {
					r.uncross(e.list[i].id)
				}
				if !slices.Equal(got, r.said) {
					t.Fatalf("seed %d, step %d, recovered: reported\n%q, want\n%q", seed, step, got, r.said)
				}
			}
		}
	}
	for _, kind := range []string{"new ", "fill", "canc", "expi", "repl", "refu", "reje"} {
		if kinds[kind] == 0 {
			t.Errorf("nothing was %q: %v", kind, kinds)
		}
	}
	t.Log(kinds)
}
