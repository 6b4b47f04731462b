package order

import (
	"errors"
	"math"
	"testing"
)

func TestRequestCheck(t *testing.T) {
	ok := Request{ClOrdID: 1, Price: 5, OrderQty: 1, SecurityID: 3, Side: Buy, OrdType: Limit, TimeInForce: Day}
	change := func(f func(*Request)) Request { r := ok; f(&r); return r }
	replace := change(func(r *Request) { r.OrigClOrdID = 1 })
	cancel := Request{ClOrdID: 2, OrigClOrdID: 1, SecurityID: 3, Side: Sell}
	for _, c := range []struct {
		typ  MsgType
		r    Request
		want Text
	}{
		{'D', ok, TextNone},
		{'D', change(func(r *Request) { r.OrdType, r.Price = Market, 0 }), TextNone},
		{'D', change(func(r *Request) { r.OrdType = Market }), TextPrice},
		{'D', change(func(r *Request) { r.OrdType, r.Price, r.TimeInForce = Market, 0, GTC }), TextTimeInForce},
		{'D', change(func(r *Request) { r.OrdType = Stop }), TextNone},
		{'D', change(func(r *Request) { r.OrdType, r.TimeInForce = Stop, IOC }), TextTimeInForce},
		{'D', change(func(r *Request) { r.OrdType = 'P' }), TextOrdType},
		{'D', change(func(r *Request) { r.TimeInForce = '2' }), TextTimeInForce},
		{'D', change(func(r *Request) { r.TimeInForce = FOK }), TextNone},
		{'D', change(func(r *Request) { r.Price = 0 }), TextPrice},
		{'D', change(func(r *Request) { r.Price = -5 }), TextNone}, // spreads
		{'D', change(func(r *Request) { r.Price = math.MaxInt64 }), TextPrice},
		{'D', change(func(r *Request) { r.OrderQty = 0 }), TextQty},
		{'D', change(func(r *Request) { r.OrderQty = -1 }), TextQty},
		{'D', change(func(r *Request) { r.Side = '5' }), TextSide},
		{'D', change(func(r *Request) { r.Flags = 2 }), TextFlags},
		{'D', replace, TextField},
		{'G', replace, TextNone},
		{'G', ok, TextUnknownOrder},
		{'F', cancel, TextNone},
		{'F', Request{ClOrdID: 2, SecurityID: 3, Side: Sell}, TextUnknownOrder},
		{'F', Request{ClOrdID: 2, OrigClOrdID: 1, SecurityID: 3}, TextSide},
		{'F', Request{ClOrdID: 2, OrigClOrdID: 1, SecurityID: 3, Side: Sell, Flags: 0x80}, TextFlags},
		{'F', replace, TextField},
		{'8', ok, TextUnknownType},
		{0, ok, TextUnknownType},
	} {
		if got := c.r.Check(c.typ); got != c.want {
			t.Errorf("%c %+v: %q, want %q", rune(c.typ), c.r, got, c.want)
		}
	}
}

// gateway is a state with strategy 2, whose order 10 (100 to buy of instrument 3) is open, and 1.
type gateway struct {
	t     *testing.T
	st    *State
	order uint64 // its OrderID
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{t: t, st: NewState(Bounds{})}
	for _, ring := range []uint16{1, 2, RingVenue, RingOperator} {
		must(t, g.st.ApplySession(g.st.Seq()+1, &SessionStatus{RingID: 1, Epoch: 2, Ring: ring, Status: SessionUp}))
	}
	must(t, g.request('D', Request{ClOrdID: 10, MdSeq: 50, Price: 6, OrderQty: 100, SecurityID: 3, Side: Buy, OrdType: Limit, TimeInForce: Day}))
	g.order = g.st.Seq()
	return g
}

// request forwards a request of strategy 2.
func (g *gateway) request(typ MsgType, r Request) error {
	g.own(&r)
	return g.st.ApplyRequest(g.st.Seq()+1, typ, &r)
}

func (g *gateway) own(r *Request) {
	if r.Origin == (Origin{}) {
		r.Origin = Origin{Seq: uint32(g.st.Session(2).Seq) + 1, Epoch: 2, Ring: 2}
	}
}

func (g *gateway) report(er ExecutionReport) error {
	er.OrderID = g.order
	er.Origin = Origin{Seq: uint32(g.st.Session(RingVenue).Seq) + 1, Epoch: 2, Ring: RingVenue}
	asked := g.st.CheckReport(&er)
	err := g.st.ApplyReport(g.st.Seq()+1, &er)
	if (asked == nil) != (err == nil) || err != nil && (!errors.Is(asked, ErrTransition) || !errors.Is(err, ErrTransition) || !errors.Is(err, ErrJournal)) {
		g.t.Fatalf("CheckReport: %v, ApplyReport: %v", asked, err)
	}
	return err
}

// What CheckRequest refuses, Apply takes for a contradiction.
func TestCheckRequest(t *testing.T) {
	limit := Request{ClOrdID: 11, Price: 6, OrderQty: 100, SecurityID: 3, Side: Buy, OrdType: Limit, TimeInForce: Day}
	cancel := Request{ClOrdID: 11, OrigClOrdID: 10, SecurityID: 3, Side: Buy}
	replace := limit
	replace.OrigClOrdID = 10
	change := func(r Request, f func(*Request)) Request { f(&r); return r }
	kill := func(strategy uint16) func(*gateway) {
		return func(g *gateway) {
			must(t, g.st.ApplyKill(g.st.Seq()+1, &KillSwitch{Strategy: strategy, Engaged: 1}))
		}
	}
	pending := func(g *gateway) { must(t, g.request('F', cancel)) }
	epoch := func(n uint64) func(*gateway) { // of strategy 2
		return func(g *gateway) {
			in := g.st.Session(2)
			must(t, g.st.ApplySession(g.st.Seq()+1, &SessionStatus{RingID: in.RingID, Epoch: n, Seq: in.Seq, Ring: 2, Status: SessionUp}))
		}
	}
	later := func(r Request) Request { r.ClOrdID = 12; return r }
	for i, c := range []struct {
		first func(*gateway)
		typ   MsgType
		r     Request
		want  Text
	}{
		{nil, 'D', limit, TextNone},
		{nil, 'F', cancel, TextNone},
		{nil, 'G', replace, TextNone},
		{nil, 'D', change(limit, func(r *Request) { r.ClOrdID = 0 }), TextClOrdID},
		{nil, 'D', change(limit, func(r *Request) { r.ClOrdID = 1<<63 | 11 }), TextClOrdID},
		{nil, 'F', change(cancel, func(r *Request) { r.ClOrdID = 1<<63 | 11 }), TextClOrdID},
		{nil, 'F', change(cancel, func(r *Request) { r.ClOrdID = 1<<63 | 10 }), TextNone}, // the gateway's own
		{nil, 'D', change(limit, func(r *Request) { r.ClOrdID = 10 }), TextDuplicate},
		{nil, 'D', change(limit, func(r *Request) { r.ClOrdID = 9 }), TextDuplicate},
		{nil, 'D', change(limit, func(r *Request) { r.Origin = Origin{Seq: 2, Epoch: 1, Ring: 2} }), TextSequence},
		{nil, 'D', change(limit, func(r *Request) { r.Origin = Origin{Seq: 1, Epoch: 2, Ring: 3} }), TextStrategy},
		{nil, 'D', change(limit, func(r *Request) { r.Origin = Origin{Seq: 1, Epoch: 2, Ring: RingVenue} }), TextStrategy},
		{nil, 'D', change(limit, func(r *Request) { r.MdSeq = 49 }), TextMdSeq},
		{nil, 'D', change(limit, func(r *Request) { r.MdSeq = 50 }), TextNone},
		{epoch(3), 'D', change(limit, func(r *Request) { r.MdSeq, r.Origin = 49, Origin{Seq: 2, Epoch: 3, Ring: 2} }), TextNone}, // another process
		{epoch(3), 'D', change(limit, func(r *Request) { r.Origin = Origin{Seq: 2, Epoch: 1, Ring: 2} }), TextSequence},
		// Many processes later, none of which has sent anything.
		{epoch(40_002), 'D', change(limit, func(r *Request) { r.Origin = Origin{Seq: 2, Epoch: 40_002, Ring: 2} }), TextNone},
		{nil, 'F', change(cancel, func(r *Request) { r.OrigClOrdID = 9 }), TextUnknownOrder},
		{nil, 'F', change(cancel, func(r *Request) { r.Origin = Origin{Seq: 1, Epoch: 2, Ring: 1} }), TextUnknownOrder}, // somebody else's
		{nil, 'F', change(cancel, func(r *Request) { r.SecurityID = 4 }), TextOtherSecurity},
		{nil, 'G', change(replace, func(r *Request) { r.Side = Sell }), TextOtherSecurity},
		{nil, 'G', change(replace, func(r *Request) { r.OrdType = Stop }), TextOrdType},
		{nil, 'G', change(replace, func(r *Request) { r.TimeInForce = GTC }), TextTimeInForce},
		{pending, 'F', later(cancel), TextPending},
		{pending, 'G', later(replace), TextPending},
		{pending, 'F', change(later(cancel), func(r *Request) { r.OrigClOrdID = 11 }), TextPending}, // it is no order's yet
		{func(g *gateway) { must(t, g.report(report(10, ExecTrade, StatusPartiallyFilled, 40, 40, 60))) }, 'G',
			change(replace, func(r *Request) { r.OrderQty = 40 }), TextQty},
		{func(g *gateway) { must(t, g.report(report(10, ExecTrade, StatusFilled, 100, 100, 0))) }, 'G', replace, TextUnknownOrder},
		{kill(2), 'D', limit, TextKilled},
		{kill(0), 'D', limit, TextKilled},
		{kill(0), 'G', replace, TextKilled},
		{kill(2), 'F', cancel, TextNone},
		{kill(1), 'D', limit, TextNone},
		{func(g *gateway) { g.st.bounds.Rows = 1 }, 'D', limit, TextFull},
		{func(g *gateway) { // its ring was made again, but the order is open yet
			must(t, g.st.ApplySession(g.st.Seq()+1, &SessionStatus{RingID: 9, Epoch: 1, Ring: 2, Status: SessionUp}))
		}, 'D', change(limit, func(r *Request) { r.ClOrdID = 10 }), TextDuplicate},
	} {
		g := newGateway(t)
		if c.first != nil {
			c.first(g)
		}
		g.own(&c.r)
		if got := g.st.CheckRequest(c.typ, &c.r); got != c.want {
			t.Errorf("%d: %q, want %q", i, got, c.want)
		}
		before := dump(g.st)
		err := g.request(c.typ, c.r)
		if (err == nil) != (c.want == TextNone) || err != nil && (!errors.Is(err, ErrJournal) || string(before) != string(dump(g.st))) {
			t.Errorf("%d: %v, changed: %t", i, err, string(before) != string(dump(g.st)))
		}
	}
}

// A request that outlives its order is answered once, with a refusal.
func TestOutlivedRequest(t *testing.T) {
	g := newGateway(t)
	must(t, g.request('F', Request{ClOrdID: 11, OrigClOrdID: 10, SecurityID: 3, Side: Buy}))
	if g.st.Unanswered() != 2 {
		t.Fatalf("%d unanswered", g.st.Unanswered())
	}
	must(t, g.report(report(10, ExecTrade, StatusFilled, 100, 100, 0)))
	if o := g.st.Last(); o == nil || o.ClOrdID != 10 || o.OrdStatus() != StatusFilled || o.Pending.ClOrdID != 11 {
		t.Fatalf("the last order is %+v", o)
	}
	if len(g.st.Orders()) != 0 || len(g.st.Requests()) != 1 || g.st.Unanswered() != 1 || g.st.Order(2, 11) != nil {
		t.Fatal("the request has not outlived its order")
	}
	for _, er := range []ExecutionReport{
		report(11, ExecTrade, StatusFilled, 1, 101, 0),
		report(11, ExecCanceled, StatusCanceled, 0, 100, 0),
		report(10, ExecTrade, StatusFilled, 100, 100, 0),
	} {
		if err := g.report(er); err == nil {
			t.Errorf("%+v of a closed order", er)
		}
	}
	must(t, g.report(report(11, ExecPendingCancel, StatusPendingCancel, 0, 100, 0)))
	must(t, g.report(report(11, ExecPendingCancel, StatusPendingCancel, 0, 100, 0)))
	if g.st.Unanswered() != 0 {
		t.Errorf("%d unanswered", g.st.Unanswered())
	}
	cr := OrderCancelReject{ClOrdID: 11, OrigClOrdID: 10, OrderID: g.order, SecurityID: 3, Strategy: 2, CxlRejResponseTo: ToCancel, CxlRejReason: CxlTooLate}
	for i := range 2 {
		cr.Origin = Origin{Seq: uint32(g.st.Session(RingVenue).Seq) + 1, Ring: RingVenue}
		asked, err := g.st.CheckCancelReject(&cr), g.st.ApplyCancelReject(g.st.Seq()+1, &cr)
		if (i == 0) != (err == nil) || (err == nil) != (asked == nil) {
			t.Errorf("answer %d: %v, %v", i, asked, err)
		}
	}
	if len(g.st.Requests()) != 0 {
		t.Error("the request is still there")
	}
}

// Who tries many instruments leaves no rows behind, but for those that it trades or may trade.
func TestForget(t *testing.T) {
	g := newGateway(t)
	for n := range uint32(300) {
		clOrdID := uint64(100 + n)
		must(t, g.request('D', Request{ClOrdID: clOrdID, Price: 6, OrderQty: 100, SecurityID: 1000 + n, Side: Sell, OrdType: Limit, TimeInForce: Day}))
		er := report(clOrdID, ExecCanceled, StatusCanceled, 0, 0, 0)
		er.SecurityID, er.Side = 1000+n, Sell
		switch n {
		case 100: // stays open
			continue
		case 200: // is filled
			er.ExecType, er.OrdStatus, er.LastQty, er.CumQty, er.LastPx = ExecTrade, StatusFilled, 100, 100, 6
		}
		g.order = g.st.Seq()
		must(t, g.report(er))
	}
	follower := restored(t, dump(g.st), g.st.Seq())
	for _, st := range []*State{g.st, follower} {
		if len(st.Positions()) != 3 || st.Position(2, 3).OpenBuy != 100 || st.Position(2, 1100).OpenSell != 100 || st.Position(2, 1200).Net != -100 || st.Position(2, 1000) != nil {
			t.Errorf("%+v", st.Positions())
		}
		// What is open yet is filled into its own row.
		o := st.Order(2, 200)
		er := report(200, ExecTrade, StatusFilled, 100, 100, 0)
		er.OrderID, er.SecurityID, er.Side, er.Origin = o.OrderID, 1100, Sell, Origin{Seq: uint32(st.Session(RingVenue).Seq) + 1, Ring: RingVenue}
		must(t, st.ApplyReport(st.Seq()+1, &er))
		if p := st.Position(2, 1100); p.Net != -100 || p.OpenSell != 0 {
			t.Errorf("%+v", p)
		}
	}
}
