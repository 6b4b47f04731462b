package gateway

import (
	"github.com/tickring/tickring/order"
)

// takeCommand does what came by the operator's ring, and says so when it is in force.
func (g *Gateway) takeCommand(in *input) error {
	k, ok := order.AsKillSwitch(in.msg)
	var claimed *order.Request
	if ok {
		claimed = &order.Request{Origin: k.Origin}
	}
	sess, err := g.announced(in, claimed)
	if err != nil {
		return err
	}
	switch {
	case in.typ != order.MsgKillSwitch:
		return g.refuseMessage(in, sess, order.TextUnknownType, order.BusinessUnsupportedType)
	case !ok:
		return g.refuseMessage(in, sess, order.TextLength, order.BusinessRequiredMissing)
	case k.Origin != in.origin(sess.Epoch):
		return g.refuseMessage(in, sess, order.TextSequence, order.BusinessOther)
	case k.Strategy > order.MaxStrategy || k.Engaged > 1 || k.Cancel > k.Engaged:
		return g.refuseMessage(in, sess, order.TextField, order.BusinessOther)
	case k.Strategy != 0 && !g.roomForSession(k.Strategy):
		return g.refuseMessage(in, sess, order.TextFull, order.BusinessNotAvailable)
	}
	g.kill = *k
	if err := g.publish(in.typ, g.kill.Bytes()); err != nil {
		return err
	}
	g.counts.Commands++
	g.sweepDue, g.choresDue = true, 0
	return g.done(g.state.ApplyKill(g.pub.Seq(), &g.kill))
}
