package gateway

import (
	"errors"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// What is to be canceled follows from the state: orders of a process that has ended and
// that asked for it, and those of strategies that the operator has stopped with a cancel. So it is
// found again by whoever comes next.

// doomed is an order that is to be canceled. Rows of the state move when it changes.
type doomed struct {
	strategy uint16
	clOrdID  uint64
}

// retryEvery is how long a cancel that the venue has refused waits for the next try, in ns.
const retryEvery = 1e9

// sweep cancels what is to be canceled. It comes again while there is something that cannot
// be canceled yet.
func (g *Gateway) sweep() error {
	g.sweepDue = false
	g.doomed = g.doomed[:0]
	for i := range g.state.Orders() {
		o := &g.state.Orders()[i]
		if !g.isDoomed(o) {
			continue
		}
		switch {
		case o.Pending.Kind == order.PendingCancel:
			if !isOwn(o.Pending.ClOrdID) {
				g.sweepDue = true // it may be refused
			}
		case o.Pending.Kind == order.PendingReplace, g.now < g.refusedCancels[o.OrderID]:
			g.sweepDue = true
		default:
			g.doomed = append(g.doomed, doomed{o.Strategy, o.ClOrdID})
		}
	}
	for _, d := range g.doomed {
		if g.state.Unanswered() >= 2*g.window {
			g.sweepDue = true
			return nil
		}
		o := g.state.Order(d.strategy, d.clOrdID)
		if o == nil {
			continue
		}
		g.request = order.GatewayCancel(o)
		if g.state.CheckRequest(order.MsgOrderCancelRequest, &g.request) != order.TextNone {
			g.sweepDue = true // the venue still owes an answer to a cancel of the same ClOrdID
			continue
		}
		err := g.publish(order.MsgOrderCancelRequest, g.request.Bytes())
		if errors.Is(err, ring.ErrBackPressure) {
			g.sweepDue = true
		}
		if err != nil {
			return err
		}
		if err := g.done(g.state.ApplyRequest(g.pub.Seq(), order.MsgOrderCancelRequest, &g.request)); err != nil {
			return err
		}
		g.counts.Cancels++
	}
	return nil
}

func (g *Gateway) isDoomed(o *order.Order) bool {
	sess := g.state.Session(o.Strategy)
	if (g.state.Killed()|sess.Killed)&order.KillCancels != 0 {
		return true
	}
	return o.Flags&order.CancelOnDisconnect != 0 && (sess.Status == order.SessionDown || uint16(sess.Epoch) != o.Epoch)
}

func isOwn(clOrdID uint64) bool { return clOrdID&order.GatewayBit != 0 }

// cancelRefused remembers that the venue has refused a cancel of the gateway's, which is in
// g.reject, so that it is not tried again at once and for ever.
func (g *Gateway) cancelRefused() {
	if !isOwn(g.reject.ClOrdID) {
		return
	}
	for id, at := range g.refusedCancels {
		if g.now > at+retryEvery {
			delete(g.refusedCancels, id)
		}
	}
	if o := g.state.Last(); o != nil {
		g.refusedCancels[o.OrderID] = g.now + retryEvery
		g.sweepDue = true
	}
}
