package gateway

import (
	"github.com/tickring/tickring/order"
)

// takeReport passes on what came by the venue's ring. What does not fit the state is not
// believed: it becomes a BusinessMessageReject, for people and programs to see.
func (g *Gateway) takeReport(in *input) error {
	sess, err := g.announced(in, nil)
	if err != nil {
		return err
	}
	origin := in.origin(sess.Epoch)
	switch in.typ {
	case order.MsgExecutionReport:
		er, ok := order.AsExecutionReport(in.msg)
		if !ok {
			return g.refuseReport(in, sess, order.TextLength, order.BusinessRequiredMissing)
		}
		g.report = *er
		g.report.Origin = origin
		if g.state.CheckReport(&g.report) != nil {
			return g.refuseReport(in, sess, order.TextIllegal, order.BusinessOther)
		}
		if err := g.publish(in.typ, g.report.Bytes()); err != nil {
			return err
		}
		g.counts.Reports++
		return g.done(g.state.ApplyReport(g.pub.Seq(), &g.report))
	case order.MsgOrderCancelReject:
		cr, ok := order.AsOrderCancelReject(in.msg)
		if !ok {
			return g.refuseReport(in, sess, order.TextLength, order.BusinessRequiredMissing)
		}
		g.reject = *cr
		g.reject.Origin = origin
		if g.state.CheckCancelReject(&g.reject) != nil {
			return g.refuseReport(in, sess, order.TextIllegal, order.BusinessOther)
		}
		if err := g.publish(in.typ, g.reject.Bytes()); err != nil {
			return err
		}
		g.counts.Reports++
		if err := g.done(g.state.ApplyCancelReject(g.pub.Seq(), &g.reject)); err != nil {
			return err
		}
		g.cancelRefused()
		return nil
	case order.MsgVenueStatus:
		vs, ok := order.AsVenueStatus(in.msg)
		if !ok {
			return g.refuseReport(in, sess, order.TextLength, order.BusinessRequiredMissing)
		}
		g.venue = *vs
		g.venue.Origin = origin
		if err := g.publish(in.typ, g.venue.Bytes()); err != nil {
			return err
		}
		return g.done(g.state.ApplyVenueStatus(g.pub.Seq(), &g.venue))
	}
	return g.refuseReport(in, sess, order.TextUnknownType, order.BusinessUnsupportedType)
}

// refuseReport says of a report that it was not applied.
func (g *Gateway) refuseReport(in *input, sess *order.Session, text order.Text, reason order.BusinessRejectReason) error {
	if err := g.refuseMessage(in, sess, text, reason); err != nil {
		return err
	}
	g.counts.Illegal++
	return nil
}
