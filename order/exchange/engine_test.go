package exchange

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// pit is an engine and what is needed to talk to it in tests.
type pit struct {
	*testing.T
	e   *Engine
	out *venue.Reports
	seq uint64
}

func newPit(t *testing.T) *pit {
	return &pit{t, NewEngine(22 * time.Hour), venue.NewReports(), 0}
}

func (p *pit) show(action dbn.Action, id uint64, side dbn.Side, price int64, size uint32) []string {
	return p.showAt(1, action, id, side, price, size)
}

func (p *pit) showAt(ts uint64, action dbn.Action, id uint64, side dbn.Side, price int64, size uint32) []string {
	p.Helper()
	p.e.Market(&dbn.MboMsg{RecordHeader: dbn.RecordHeader{InstrumentID: 1}, OrderID: id, Price: price, Size: size,
		Action: action, Side: side, Flags: dbn.FlagLast, TsRecv: ts})
	p.out.Reset(venue.MaxReports)
	if !p.e.Work(p.out) {
		p.Fatal("not done")
	}
	return reported(p.out)
}

func (p *pit) order(side order.Side, typ order.OrdType, tif order.TimeInForce, price int64, qty int32) []string {
	p.Helper()
	return p.send(order.MsgNewOrderSingle, order.Request{Side: side, OrdType: typ, TimeInForce: tif, Price: price, OrderQty: qty}, false)
}

// send sends a request; its ClOrdID is its number unless it has one.
func (p *pit) send(typ order.MsgType, r order.Request, expired bool) []string {
	p.Helper()
	p.seq++
	if r.ClOrdID == 0 {
		r.ClOrdID = p.seq
	}
	if r.SecurityID == 0 {
		r.SecurityID = 1
	}
	r.Origin.Ring = 5
	p.out.Reset(venue.MaxReports)
	p.e.Request(p.seq, typ, &r, expired, p.out)
	if p.out.Len() == 0 {
		p.Fatal("a request without an answer")
	}
	return reported(p.out)
}

func (p *pit) want(got []string, want ...string) {
	p.Helper()
	if !slices.Equal(got, want) {
		p.Errorf("reported %q, want %q", got, want)
	}
}

func TestReasons(t *testing.T) {
	p := newPit(t)
	p.want(p.order(order.Buy, order.Limit, order.Day, 5, 1), "rejected 5/1")
	p.show(dbn.ActionAdd, 1, dbn.SideAsk, 10, 1)
	p.order(order.Buy, order.Limit, order.Day, 5, 1) // 2
	rejects := func(typ order.MsgType, r order.Request, expired bool, why order.OrdRejReason, text order.Text) {
		t.Helper()
		p.send(typ, r, expired)
		if er := p.out.Execution(0); er == nil || er.ExecType != order.ExecRejected || er.OrdRejReason != why || er.Text != text ||
			er.OrderID != 0 || er.Strategy != 5 {
			t.Errorf("%+v, want reason %d, %v", er, why, text)
		}
	}
	refuses := func(typ order.MsgType, r order.Request, expired bool, why order.CxlRejReason, text order.Text, status order.OrdStatus) {
		t.Helper()
		p.send(typ, r, expired)
		if cr := p.out.CancelRejection(0); cr == nil || cr.CxlRejReason != why || cr.Text != text || cr.OrdStatus != status || cr.OrigClOrdID != r.OrigClOrdID {
			t.Errorf("%+v, want reason %d, %v, order %v", cr, why, text, status)
		}
	}
	d, f, g := order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest
	good := order.Request{Side: order.Buy, OrdType: order.Limit, TimeInForce: order.Day, Price: 5, OrderQty: 1}
	with := func(change func(r *order.Request)) order.Request {
		r := good
		change(&r)
		return r
	}
	rejects(d, good, true, order.RejTooLate, order.TextExpired)
	rejects(d, with(func(r *order.Request) { r.SecurityID = 2 }), false, order.RejUnknownSymbol, order.TextUnknownSecurity)
	rejects(d, with(func(r *order.Request) { r.ClOrdID = 2 }), false, order.RejDuplicateOrder, order.TextDuplicate)
	rejects(d, with(func(r *order.Request) { r.OrderQty = -1 }), false, order.RejIncorrectQty, order.TextQty)
	rejects(d, with(func(r *order.Request) { r.OrdType = '9' }), false, order.RejUnsupported, order.TextOrdType)
	rejects(d, with(func(r *order.Request) { r.TimeInForce = '9' }), false, order.RejUnsupported, order.TextTimeInForce)
	rejects(d, with(func(r *order.Request) { r.Side = '9' }), false, order.RejOther, order.TextSide)
	rejects(d, with(func(r *order.Request) { r.Price = 0 }), false, order.RejOther, order.TextPrice)

	cancel := order.Request{Side: order.Buy, OrigClOrdID: 2}
	refuses(f, cancel, true, order.CxlTooLate, order.TextExpired, order.StatusNew)
	refuses(f, order.Request{Side: order.Buy, OrigClOrdID: 77}, false, order.CxlUnknownOrder, order.TextUnknownOrder, order.StatusRejected)
	refuses(f, order.Request{Side: order.Sell, OrigClOrdID: 2}, false, order.CxlOther, order.TextOtherSecurity, order.StatusRejected)
	refuses(f, order.Request{OrigClOrdID: 2}, false, order.CxlOther, order.TextSide, order.StatusNew)
	good.OrigClOrdID = 2
	refuses(g, with(func(r *order.Request) { r.OrdType = order.Stop }), false, order.CxlOther, order.TextOrdType, order.StatusNew)
	refuses(g, with(func(r *order.Request) { r.TimeInForce = order.GTC }), false, order.CxlOther, order.TextTimeInForce, order.StatusNew)
	refuses(g, with(func(r *order.Request) { r.ClOrdID = 2 }), false, order.CxlDuplicate, order.TextDuplicate, order.StatusNew)
	p.want(p.send(f, order.Request{ClOrdID: 99, Side: order.Buy, OrigClOrdID: 2}, false), "canceled 5/99: 0")
	refuses(f, cancel, false, order.CxlTooLate, order.TextUnknownOrder, order.StatusCanceled)
	refuses(g, good, false, order.CxlTooLate, order.TextUnknownOrder, order.StatusCanceled)

	// A closed order is remembered for a while, and not for ever.
	for range remembered {
		p.order(order.Buy, order.Market, order.IOC, 0, 1)
	}
	refuses(f, cancel, false, order.CxlUnknownOrder, order.TextUnknownOrder, order.StatusRejected)
	if c := p.e.Counts(); c.Open != 0 || c.Rejected[order.TextUnknownSecurity] != 2 || len(p.e.orders) > remembered+10 {
		t.Errorf("%d open of %d, %v", c.Open, len(p.e.orders), c.Rejected)
	}
}

// TestTooManyFills: an answer has at most MaxReports reports, and says what became of the rest.
func TestTooManyFills(t *testing.T) {
	fill := func() *pit {
		p := newPit(t)
		for i := range int64(100) {
			p.show(dbn.ActionAdd, uint64(1+i), dbn.SideAsk, 10+i, 1)
		}
		return p
	}
	p := fill()
	got := p.order(order.Buy, order.Limit, order.Day, 200, 100)
	if len(got) > venue.MaxReports || len(got) < venue.MaxReports-4 {
		t.Errorf("%d reports", len(got))
	}
	last := p.out.Execution(len(got) - 1)
	if last.ExecType != order.ExecCanceled || last.Text != order.TextFills || int(last.CumQty) != len(got)-2 {
		t.Errorf("%+v", last)
	}
	filled := last.CumQty
	p = fill()
	p.want(p.order(order.Buy, order.Limit, order.FOK, 200, 100), "new 5/1", "expired 5/1: 0")
	if got := p.order(order.Buy, order.Limit, order.FOK, 200, filled); len(got) != int(filled)+1 {
		t.Errorf("FOK of %d: %d reports", filled, len(got))
	}
	p = fill()
	p.want(p.order(order.Buy, order.Limit, order.FOK, 200, filled+1), "new 5/1", "expired 5/1: 0")
	// What is shown at one price is one fill.
	p = newPit(t)
	for i := range uint64(1000) {
		p.show(dbn.ActionAdd, 1+i, dbn.SideAsk, 10, 1)
	}
	p.want(p.order(order.Buy, order.Market, order.Day, 0, 1000), "new 5/1", "fill 5/1: 1000 at 10, 1000 of 1000")
}

func TestDay(t *testing.T) {
	const hour = uint64(time.Hour)
	p := newPit(t)
	p.showAt(20*hour, dbn.ActionAdd, 1, dbn.SideAsk, 10, 1)
	p.order(order.Buy, order.Limit, order.Day, 5, 1)
	p.order(order.Buy, order.Limit, order.GTC, 5, 1)
	p.order(order.Sell, order.Stop, order.Day, 5, 1)
	p.want(p.showAt(22*hour-1, dbn.ActionNone, 0, dbn.SideNone, 0, 0))
	p.want(p.showAt(dbn.UndefTime, dbn.ActionNone, 0, dbn.SideNone, 0, 0))
	p.want(p.showAt(22*hour, dbn.ActionNone, 0, dbn.SideNone, 0, 0), "expired 5/1: 0", "expired 5/3: 0")
	if er := p.out.Execution(0); er.Text != order.TextEndOfDay {
		t.Errorf("%+v", er)
	}
	p.want(p.showAt(23*hour, dbn.ActionNone, 0, dbn.SideNone, 0, 0))
	p.want(p.showAt(46*hour, dbn.ActionNone, 0, dbn.SideNone, 0, 0))
	if n := p.e.Counts().Open; n != 1 {
		t.Errorf("%d orders are open", n)
	}
}

// TestTakenOnce: what was taken of an order of the market is there again when it is another
// order in all but its name.
func TestTakenOnce(t *testing.T) {
	p := newPit(t)
	p.show(dbn.ActionAdd, 1, dbn.SideAsk, 10, 5)
	p.want(p.order(order.Buy, order.Limit, order.IOC, 10, 3), "new 5/1", "fill 5/1: 3 at 10, 3 of 3")
	p.want(p.order(order.Buy, order.Limit, order.IOC, 10, 9), "new 5/2", "fill 5/2: 2 at 10, 2 of 9", "expired 5/2: 2")
	p.want(p.order(order.Buy, order.Limit, order.IOC, 10, 9), "new 5/3", "expired 5/3: 0")
	p.show(dbn.ActionModify, 1, dbn.SideAsk, 10, 4) // less: as before
	p.want(p.order(order.Buy, order.Limit, order.IOC, 10, 9), "new 5/4", "expired 5/4: 0")
	p.show(dbn.ActionModify, 1, dbn.SideAsk, 10, 6) // more: another one
	p.want(p.order(order.Buy, order.Limit, order.IOC, 10, 5), "new 5/5", "fill 5/5: 5 at 10, 5 of 5")
	p.show(dbn.ActionModify, 1, dbn.SideAsk, 11, 6)
	p.want(p.order(order.Buy, order.Limit, order.IOC, 11, 9), "new 5/6", "fill 5/6: 6 at 11, 6 of 9", "expired 5/6: 6")
	p.show(dbn.ActionAdd, 2, dbn.SideAsk, 12, 1)
	p.e.Lost(10)
	p.want(p.order(order.Buy, order.Market, order.Day, 0, 1), "new 5/7", "expired 5/7: 0")
	if c := p.e.Counts(); c.Lost != 10 {
		t.Errorf("%d lost", c.Lost)
	}
}

// TestNothingWhileCrossed: before an opening the market's book is no liquidity.
func TestNothingWhileCrossed(t *testing.T) {
	p := newPit(t)
	p.show(dbn.ActionAdd, 1, dbn.SideAsk, 10, 5)
	p.show(dbn.ActionAdd, 2, dbn.SideBid, 12, 5)
	p.want(p.order(order.Buy, order.Limit, order.Day, 11, 3), "new 5/1")
	p.want(p.show(dbn.ActionCancel, 2, dbn.SideBid, 12, 5), "fill 5/1: 3 at 11, 3 of 3")
}

// TestRepeats: the same calls have the same bytes reported, by an engine that began empty and
// by one that recovered.
func TestRepeats(t *testing.T) {
	run := func(recovered bool) []byte {
		f := newFloor(t, 3)
		e, out := NewEngine(0), venue.NewReports()
		var all []byte
		for step := range 4000 {
			if recovered && step == 2000 {
				f.deliver(len(f.late))
				e = NewEngine(0)
				for i := range f.history {
					e.Load(&f.history[i])
				}
				e.Restore(f.st.Orders())
				f.workAll(e, out)
			}
			if f.rng.IntN(2) == 0 {
				if seq, typ, r, ok := f.request(); ok {
					out.Reset(venue.MaxReports)
					e.Request(seq, typ, &r, false, out)
					f.report(out)
				}
			} else {
				e.Market(f.record())
				f.workAll(e, out)
			}
			for _, m := range f.late[max(0, len(f.late)-out.Len()):] {
				all = append(all, m.msg...)
			}
		}
		return all
	}
	for _, recovered := range []bool{false, true} {
		a, b := run(recovered), run(recovered)
		if len(a) < 1000*order.Size || !bytes.Equal(a, b) {
			t.Errorf("recovered %v: %d and %d bytes were reported, not the same", recovered, len(a), len(b))
		}
	}
}

// A stop order waits for a whole answer's room: what becomes of it does not depend on how far the
// gateway has read.
func TestStopWaitsForRoom(t *testing.T) {
	p := newPit(t)
	for n := range int64(30) {
		p.show(dbn.ActionAdd, uint64(n+1), dbn.SideAsk, 11+n, 1)
	}
	p.order(order.Buy, order.Stop, order.Day, 10, 20)
	p.e.Market(&dbn.MboMsg{RecordHeader: dbn.RecordHeader{InstrumentID: 1}, Price: 10, Size: 1, Action: dbn.ActionTrade, Flags: dbn.FlagLast, TsRecv: 1})
	p.out.Reset(venue.MaxReports / 3)
	if p.e.Work(p.out) || p.out.Len() != 0 {
		t.Errorf("with little room: %q", reported(p.out))
	}
	p.out.Reset(venue.MaxReports)
	if !p.e.Work(p.out) || p.out.Len() != 20 {
		t.Errorf("with room for a whole answer: %q", reported(p.out))
	}
}
