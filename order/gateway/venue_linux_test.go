package gateway

import (
	"slices"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// fakeVenue accepts everything, and fills when it is told to. It has orders of its own, so
// that what it and the gateway think of them can be compared.
type fakeVenue struct {
	*rig
	pub    *ring.Publisher
	sub    *ring.Subscriber
	asked  []frame // requests that are not answered yet
	orders map[orderKey]*venueOrder
	keys   []orderKey // in the order in which they came
}

type orderKey struct {
	strategy uint16
	clOrdID  uint64
}

type venueOrder struct {
	id, clOrdID uint64
	price       int64
	qty, cum    int32
	security    uint32
	side        order.Side
}

func (o *venueOrder) working() order.OrdStatus {
	if o.cum > 0 {
		return order.StatusPartiallyFilled
	}
	return order.StatusNew
}

func (r *rig) startVenue() *fakeVenue {
	r.Helper()
	r.venue = &fakeVenue{rig: r, pub: r.create(venue), orders: map[orderKey]*venueOrder{}}
	return r.venue
}

// read reads the gateway's ring as its gate.
func (v *fakeVenue) read() {
	v.Helper()
	if v.sub == nil {
		v.sub = v.openRing(gw, ring.Options{Name: venue})
	}
	for {
		msg, st := v.sub.Next()
		switch st {
		case ring.Message:
			switch typ := order.MsgType(v.sub.Type()); typ {
			case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
				v.asked = append(v.asked, frame{v.sub.Seq(), typ, append([]byte(nil), msg...)})
			}
		case ring.Empty, ring.Closed:
			return
		default:
			v.Fatalf("the venue's subscriber: %v %v", st, v.sub.Err())
		}
	}
}

// answer answers up to n requests as a venue does that fills nothing.
func (v *fakeVenue) answer(n int) {
	v.Helper()
	v.read()
	for ; len(v.asked) > 0 && n > 0; n-- {
		f := v.asked[0]
		v.asked = v.asked[1:]
		r, _ := order.AsRequest(f.msg)
		from := order.Origin{Seq: uint32(f.seq), Ring: r.Origin.Ring}
		if f.typ == order.MsgNewOrderSingle {
			o := &venueOrder{f.seq, r.ClOrdID, r.Price, r.OrderQty, 0, r.SecurityID, r.Side}
			v.keep(r.Origin.Ring, o)
			v.report(r.Origin.Ring, o, from, order.ExecNew, order.StatusNew, r.ClOrdID)
			continue
		}
		key := orderKey{r.Origin.Ring, r.OrigClOrdID}
		o := v.orders[key]
		if o == nil || f.typ == order.MsgOrderCancelReplaceRequest && r.OrderQty < o.cum {
			v.refuse(f, r, from, o)
			continue
		}
		v.forget(key)
		if f.typ == order.MsgOrderCancelRequest {
			o.qty = o.cum
			v.report(r.Origin.Ring, o, from, order.ExecCanceled, order.StatusCanceled, r.ClOrdID)
			continue
		}
		o.clOrdID, o.price, o.qty = r.ClOrdID, r.Price, r.OrderQty
		if o.qty == o.cum {
			v.report(r.Origin.Ring, o, from, order.ExecReplaced, order.StatusFilled, r.ClOrdID)
			continue
		}
		v.keep(r.Origin.Ring, o)
		v.report(r.Origin.Ring, o, from, order.ExecReplaced, o.working(), r.ClOrdID)
	}
}

func (v *fakeVenue) keep(strategy uint16, o *venueOrder) {
	key := orderKey{strategy, o.clOrdID}
	v.orders[key] = o
	v.keys = append(v.keys, key)
}

func (v *fakeVenue) forget(key orderKey) {
	delete(v.orders, key)
	v.keys = slices.DeleteFunc(v.keys, func(k orderKey) bool { return k == key })
}

func (v *fakeVenue) report(strategy uint16, o *venueOrder, from order.Origin, exec order.ExecType, status order.OrdStatus, clOrdID uint64) {
	v.Helper()
	er := order.ExecutionReport{ClOrdID: clOrdID, OrderID: o.id, Origin: from, CumQty: o.cum, LeavesQty: o.qty - o.cum,
		SecurityID: o.security, Strategy: strategy, ExecType: exec, OrdStatus: status, Side: o.side}
	v.say(order.MsgExecutionReport, er.Bytes())
}

func (v *fakeVenue) refuse(f frame, r *order.Request, from order.Origin, o *venueOrder) {
	v.Helper()
	cr := order.OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, Origin: from, SecurityID: r.SecurityID,
		Strategy: r.Origin.Ring, Text: order.TextUnknownOrder, OrdStatus: order.StatusRejected, CxlRejReason: order.CxlTooLate, CxlRejResponseTo: order.ToCancel}
	if f.typ == order.MsgOrderCancelReplaceRequest {
		cr.CxlRejResponseTo = order.ToReplace
	}
	if o != nil {
		cr.OrderID, cr.OrdStatus = o.id, o.working()
	}
	v.say(order.MsgOrderCancelReject, cr.Bytes())
}

func (v *fakeVenue) say(typ order.MsgType, msg []byte) {
	v.Helper()
	if err := v.pub.Publish(uint16(typ), msg); err != nil {
		v.Fatal(err)
	}
}

// fill fills some of an open order, as an event of the venue's own.
func (v *fakeVenue) fill(strategy uint16, clOrdID uint64, qty int32) {
	v.Helper()
	key := orderKey{strategy, clOrdID}
	o := v.orders[key]
	o.cum += qty
	er := order.ExecutionReport{ClOrdID: o.clOrdID, OrderID: o.id, LastPx: o.price, Origin: order.Origin{Ring: order.RingVenue}, LastQty: qty,
		CumQty: o.cum, LeavesQty: o.qty - o.cum, SecurityID: o.security, Strategy: strategy,
		ExecType: order.ExecTrade, OrdStatus: order.StatusPartiallyFilled, Side: o.side}
	if er.LeavesQty == 0 {
		er.OrdStatus = order.StatusFilled
		v.forget(key)
	}
	v.say(order.MsgExecutionReport, er.Bytes())
}

// agrees fails if venue and gateway do not think the same of every order. Everything has
// been read by both.
func (v *fakeVenue) agrees() {
	v.Helper()
	open := v.g.state.Orders()
	if len(open) != len(v.orders) {
		v.Errorf("the gateway has %d open orders, the venue %d", len(open), len(v.orders))
	}
	for i := range open {
		g := &open[i]
		o := v.orders[orderKey{g.Strategy, g.ClOrdID}]
		if o == nil || o.id != g.OrderID || o.qty != g.OrderQty || o.cum != g.CumQty || o.price != g.Price || o.side != g.Side {
			v.Errorf("the gateway has %+v,\nthe venue %+v", g, o)
		}
	}
	if n := v.g.state.Unanswered(); n != 0 {
		v.Errorf("%d requests unanswered", n)
	}
}
