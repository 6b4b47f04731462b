package gateway

import (
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/risk"
)

// takeRequest judges what came by a strategy's ring, forwards or refuses it.
func (g *Gateway) takeRequest(in *input) error {
	r, ok := order.AsRequest(in.msg)
	sess, err := g.announced(in, r)
	if err != nil {
		return err
	}
	switch in.typ {
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
	default:
		return g.refuseMessage(in, sess, order.TextUnknownType, order.BusinessUnsupportedType)
	}
	if !ok {
		return g.refuseMessage(in, sess, order.TextLength, order.BusinessRequiredMissing)
	}
	left, text := g.judge(in, sess, r)
	if text != order.TextNone {
		if in.typ == order.MsgNewOrderSingle {
			return g.refuseOrder(in, sess, r, text)
		}
		return g.refuseChange(in, sess, r, text)
	}
	if g.state.Unanswered() >= g.window {
		return errHeld
	}
	g.request = *r
	g.request.TTL = left
	if err := g.publish(in.typ, g.request.Bytes()); err != nil {
		return err
	}
	if err := g.done(g.state.ApplyRequest(g.pub.Seq(), in.typ, &g.request)); err != nil {
		return err
	}
	sess.Rate[0] = in.src.limits.Rate.Count(sess.Rate[0], g.now)
	g.counts.Requests++
	g.counts.Forwarded++
	return nil
}

// judge says why a request must not go to the venue; [order.TextNone]: it may. left is what
// is left of its TTL then.
func (g *Gateway) judge(in *input, sess *order.Session, r *order.Request) (left uint32, _ order.Text) {
	o := r.Origin
	switch {
	case o.Ring != in.src.number:
		return 0, order.TextStrategy
	case o.Seq != uint32(in.seq) || o.Epoch != uint16(sess.Epoch):
		return 0, order.TextSequence
	case r.ByGateway():
		return 0, order.TextClOrdID // the gateway's own are no inputs
	}
	if t := r.Check(in.typ); t != order.TextNone {
		return 0, t
	}
	t := g.state.CheckRequest(in.typ, r)
	if r.TTL != 0 && (t == order.TextNone || t > order.TextKilled) {
		age, known := in.src.sub.Age()
		µs := uint64(max(age, 0) / time.Microsecond)
		if !known || µs >= uint64(r.TTL) { // a ring without times promises nothing
			return 0, order.TextExpired
		}
		left = r.TTL - uint32(µs)
	}
	if t != order.TextNone || in.typ == order.MsgOrderCancelRequest {
		return left, t
	}
	return left, g.checkRisk(in, sess, r)
}

// checkRisk holds a new order, or what a replace makes of one, against the limits.
func (g *Gateway) checkRisk(in *input, sess *order.Session, r *order.Request) order.Text {
	if r.MdSeq > g.market.seq {
		g.market.readTo(r.MdSeq, &g.counts)
	}
	o := risk.Order{Price: r.Price, Qty: r.OrderQty, Adds: r.OrderQty, Side: r.Side, OrdType: r.OrdType}
	if in.typ == order.MsgOrderCancelReplaceRequest {
		o.Replace = true
		o.Adds -= g.state.Order(in.src.number, r.OrigClOrdID).OrderQty
	} else if g.full() {
		return order.TextFull
	}
	x := risk.Exposure{Orders: int(sess.Open)}
	if p := g.state.Position(in.src.number, r.SecurityID); p != nil {
		x.Net, x.OpenBuy, x.OpenSell = p.Net, p.OpenBuy, p.OpenSell
	}
	limits := in.src.limits
	if t := risk.Check(limits, g.limits.Instrument(r.SecurityID), g.market.of(r.SecurityID), &x, &o); t != order.TextNone {
		return t
	}
	if limits.Rate.Exceeded(sess.Rate[0], g.now) {
		return order.TextRate
	}
	return order.TextNone
}

// full says that the checkpoint of one more order might not fit into its block.
func (g *Gateway) full() bool {
	s := g.state
	rows := len(s.Orders()) + len(s.Positions()) + len(s.Requests()) + len(s.Sessions())
	return rows*newOrderRoom > g.room && s.CheckpointBytes(g.pub.MaxMessage())+newOrderRoom > g.room
}

// newOrderRoom is more than an order, its position and a request that outlives it take in a
// checkpoint.
const newOrderRoom = 512

// refuseOrder publishes an ExecutionReport of type Rejected.
func (g *Gateway) refuseOrder(in *input, sess *order.Session, r *order.Request, text order.Text) error {
	g.report = order.ExecutionReport{ClOrdID: r.ClOrdID, Origin: in.origin(sess.Epoch), SecurityID: r.SecurityID,
		Strategy: in.src.number, Text: text, ExecType: order.ExecRejected, OrdStatus: order.StatusRejected,
		Side: r.Side, OrdRejReason: ordRejReason(text)}
	if err := g.publish(order.MsgExecutionReport, g.report.Bytes()); err != nil {
		return err
	}
	g.refused(text)
	return g.done(g.state.ApplyReport(g.pub.Seq(), &g.report))
}

// refuseChange publishes an OrderCancelReject.
func (g *Gateway) refuseChange(in *input, sess *order.Session, r *order.Request, text order.Text) error {
	g.reject = order.OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, MdSeq: r.MdSeq,
		Origin: in.origin(sess.Epoch), SecurityID: r.SecurityID, Strategy: in.src.number, Text: text,
		OrdStatus: order.StatusRejected, CxlRejReason: cxlRejReason(text), CxlRejResponseTo: order.ToCancel}
	if in.typ == order.MsgOrderCancelReplaceRequest {
		g.reject.CxlRejResponseTo = order.ToReplace
	}
	if o := g.state.Order(in.src.number, r.OrigClOrdID); o != nil {
		g.reject.OrderID, g.reject.OrdStatus = o.OrderID, o.OrdStatus()
	}
	if err := g.publish(order.MsgOrderCancelReject, g.reject.Bytes()); err != nil {
		return err
	}
	g.refused(text)
	return g.done(g.state.ApplyCancelReject(g.pub.Seq(), &g.reject))
}

// refuseMessage publishes a BusinessMessageReject: the message is nothing that could be
// refused by its own kind.
func (g *Gateway) refuseMessage(in *input, sess *order.Session, text order.Text, reason order.BusinessRejectReason) error {
	g.business = order.BusinessMessageReject{Origin: in.origin(sess.Epoch), RefMsgType: in.typ, Length: uint32(len(in.msg)),
		Text: text, BusinessRejectReason: reason}
	if in.src.number <= order.MaxStrategy {
		g.business.Strategy = in.src.number
	}
	if r, ok := order.AsRequest(in.msg); ok {
		g.business.ClOrdID = r.ClOrdID
	}
	if err := g.publish(order.MsgBusinessMessageReject, g.business.Bytes()); err != nil {
		return err
	}
	if in.src.number <= order.MaxStrategy {
		g.refused(text)
	}
	return g.done(g.state.ApplyBusinessReject(g.pub.Seq(), &g.business))
}

func (g *Gateway) refused(text order.Text) {
	g.counts.Requests++
	g.counts.Refused++
	g.counts.ByText[int(text)%len(g.counts.ByText)]++
}
