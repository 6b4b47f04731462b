package exchange

import (
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// Request deals with a request: see venue.Venue.
func (e *Engine) Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *venue.Reports) {
	switch typ {
	case order.MsgNewOrderSingle:
		e.counts.Orders++
		e.create(seq, r, expired, out)
	case order.MsgOrderCancelRequest:
		e.counts.Cancels++
		e.cancel(typ, r, expired, out)
	default:
		e.counts.Replaces++
		e.replace(typ, r, expired, out)
	}
}

func (e *Engine) create(seq uint64, r *order.Request, expired bool, out *venue.Reports) {
	in := e.known[r.SecurityID]
	why, text := order.RejOther, r.Check(order.MsgNewOrderSingle)
	switch {
	case expired:
		why, text = order.RejTooLate, order.TextExpired
	case text == order.TextQty:
		why = order.RejIncorrectQty
	case text == order.TextOrdType || text == order.TextTimeInForce:
		why = order.RejUnsupported
	case text != order.TextNone:
	case in == nil || in.market == nil:
		why, text = order.RejUnknownSymbol, order.TextUnknownSecurity
	case e.names.find(r.Origin.Ring, r.ClOrdID) != 0:
		why, text = order.RejDuplicateOrder, order.TextDuplicate
	}
	if text != order.TextNone {
		e.counts.Rejected[text]++
		out.Report(order.ExecutionReport{
			ClOrdID: r.ClOrdID, SecurityID: r.SecurityID, Strategy: r.Origin.Ring, Text: text,
			ExecType: order.ExecRejected, OrdStatus: order.StatusRejected, Side: r.Side, OrdRejReason: why,
		})
		return
	}
	e.counts.Accepted++
	i := e.newOrder(seq, r.ClOrdID, r.Origin.Ring, r.SecurityID)
	c := &e.orders[i]
	c.price, c.qty = r.Price, r.OrderQty
	c.side, c.ordType, c.tif, c.status = r.Side, r.OrdType, r.TimeInForce, order.StatusNew
	out.Report(c.report(order.ExecNew))
	if c.ordType == order.Stop {
		e.wait(i)
		return
	}
	if c.tif == order.FOK && !e.fillable(i, out) {
		e.end(i, order.ExecExpired, order.TextNoLiquidity, r.ClOrdID, out)
		return
	}
	e.trade(i, out)
}

// trade matches an order that is in no book, and puts what is left of it where it belongs.
func (e *Engine) trade(i uint32, out *venue.Reports) {
	full := e.match(i, out)
	c := &e.orders[i]
	switch {
	case !c.status.Open():
	case full:
		e.end(i, order.ExecCanceled, order.TextFills, c.clOrdID, out)
	case c.ordType != order.Limit || c.tif == order.IOC || c.tif == order.FOK:
		e.end(i, order.ExecExpired, order.TextNoLiquidity, c.clOrdID, out)
	default:
		e.rest(i)
	}
}

// find returns the open order that a cancel or replace names, and refuses the request if
// there is none.
func (e *Engine) find(typ order.MsgType, r *order.Request, expired bool, out *venue.Reports) uint32 {
	i := e.names.find(r.Origin.Ring, r.OrigClOrdID)
	text := r.Check(typ)
	switch {
	case expired:
		e.refuse(typ, r, i, order.CxlTooLate, order.TextExpired, out)
	case text != order.TextNone:
		e.refuse(typ, r, i, order.CxlOther, text, out)
	case i == 0:
		e.refuse(typ, r, 0, order.CxlUnknownOrder, order.TextUnknownOrder, out)
	case e.orders[i].in.id != r.SecurityID || e.orders[i].side != r.Side:
		e.refuse(typ, r, 0, order.CxlOther, order.TextOtherSecurity, out)
	case !e.orders[i].status.Open():
		e.refuse(typ, r, i, order.CxlTooLate, order.TextUnknownOrder, out)
	default:
		return i
	}
	return 0
}

func (e *Engine) refuse(typ order.MsgType, r *order.Request, i uint32, why order.CxlRejReason, text order.Text, out *venue.Reports) {
	e.counts.Refused[text]++
	cr := order.OrderCancelReject{
		ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, MdSeq: r.MdSeq, SecurityID: r.SecurityID,
		Strategy: r.Origin.Ring, Text: text, OrdStatus: order.StatusRejected, CxlRejReason: why,
		CxlRejResponseTo: order.ToReplace,
	}
	if typ == order.MsgOrderCancelRequest {
		cr.CxlRejResponseTo = order.ToCancel
	}
	if i != 0 {
		cr.OrderID, cr.OrdStatus = e.orders[i].orderID, e.orders[i].status
	}
	out.CancelReject(cr)
}

func (e *Engine) cancel(typ order.MsgType, r *order.Request, expired bool, out *venue.Reports) {
	if i := e.find(typ, r, expired, out); i != 0 {
		e.end(i, order.ExecCanceled, order.TextNone, r.ClOrdID, out)
	}
}

func (e *Engine) replace(typ order.MsgType, r *order.Request, expired bool, out *venue.Reports) {
	i := e.find(typ, r, expired, out)
	if i == 0 {
		return
	}
	c := &e.orders[i]
	switch {
	case c.ordType != r.OrdType:
		e.refuse(typ, r, i, order.CxlOther, order.TextOrdType, out)
		return
	case c.tif != r.TimeInForce:
		e.refuse(typ, r, i, order.CxlOther, order.TextTimeInForce, out)
		return
	case r.OrderQty <= c.cum: // filled meanwhile
		e.refuse(typ, r, i, order.CxlTooLate, order.TextQty, out)
		return
	case e.names.find(r.Origin.Ring, r.ClOrdID) != 0:
		e.refuse(typ, r, i, order.CxlDuplicate, order.TextDuplicate, out)
		return
	}
	e.counts.Replaced++
	e.names.remove(c.strategy, c.clOrdID)
	e.names.insert(c.strategy, r.ClOrdID, i)
	c.clOrdID = r.ClOrdID
	keeps := r.Price == c.price && r.OrderQty <= c.qty
	if keeps {
		less := uint32(c.qty - r.OrderQty)
		if less > 0 && c.place == resting {
			c.in.clients.Reduce(c.ref, less)
		} else if less > 0 {
			c.in.stops.Reduce(c.ref, less)
		}
	} else {
		e.unplace(c)
	}
	c.price, c.qty = r.Price, r.OrderQty
	out.Report(c.report(order.ExecReplaced))
	switch {
	case keeps:
	case c.ordType == order.Stop:
		e.wait(i)
	default:
		e.trade(i, out)
	}
}
