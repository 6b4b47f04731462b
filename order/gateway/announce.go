package gateway

import (
	"github.com/tickring/tickring/order"
)

// announced returns the session of the input's source. A source of which the journal does
// not know yet, or whose message is that of another process than the journal says, is
// announced first: its messages follow a SessionStatus that says whose they are. claimed is
// the message, if it says of which epoch it is.
func (g *Gateway) announced(in *input, claimed *order.Request) (*order.Session, error) {
	src := in.src
	sess := g.state.Session(src.number)
	known := sess != nil && sess.RingID == src.id
	if known && (claimed == nil || claimed.Origin.Epoch == uint16(sess.Epoch)) && sess.Status == order.SessionUp {
		return sess, nil
	}
	present, epoch := src.sub.Epoch(), uint64(1)
	if known {
		epoch = sess.Epoch
	}
	epoch = max(epoch, 1)
	if claimed != nil {
		// The epoch with these low bits that is nearest below the present one.
		if e := present - uint64(uint16(present)-claimed.Origin.Epoch); e <= present && e >= epoch {
			epoch = e
		}
	} else if src.number == order.RingVenue {
		epoch = max(epoch, present)
	}
	if known && epoch == sess.Epoch && sess.Status == order.SessionUp {
		return sess, nil // the message claims an epoch that it cannot be of
	}
	if err := g.announce(src, epoch, order.SessionUp); err != nil {
		return nil, err
	}
	return g.state.Session(src.number), nil
}

// announce publishes a SessionStatus.
func (g *Gateway) announce(src *source, epoch uint64, status order.SessionState) error {
	return g.announceStatus(order.SessionStatus{RingID: src.id, Epoch: epoch, Seq: src.next - 1, Ring: src.number, Status: status})
}

func (g *Gateway) announceStatus(s order.SessionStatus) error {
	g.status = s
	if s.Status == order.SessionDown {
		g.status.Text = order.TextDisconnect
	}
	if err := g.publish(order.MsgSessionStatus, g.status.Bytes()); err != nil {
		return err
	}
	g.counts.Sessions++
	g.sweepDue, g.choresDue = true, 0
	return g.done(g.state.ApplySession(g.pub.Seq(), &g.status))
}
