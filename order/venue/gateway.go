package venue

import (
	"errors"
	"fmt"
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// This file is the runner as a reader of the gateway's ring.

// timeToLook says whether it is time to ask the system again.
func (r *runner) timeToLook() bool {
	now := time.Now()
	if now.Sub(r.looked) < lookEvery {
		return false
	}
	r.looked = now
	return true
}

// join opens the gateway's ring, if it is there and waits for this venue.
func (r *runner) join() error {
	if !r.timeToLook() {
		return nil
	}
	sub, err := ring.Open(r.cfg.Gateway, ring.Options{Dir: r.cfg.Dir, Name: r.cfg.Name, New: ring.FromOldest})
	switch {
	case errors.Is(err, ring.ErrNoRing):
		return nil
	case errors.Is(err, ring.ErrSubscriberActive):
		return r.refuse(err)
	case err != nil:
		return fmt.Errorf("venue: %w", err)
	}
	if sub.Gate() != ring.GateHolding {
		sub.Close()
		return r.refuse(fmt.Errorf("%w: ring %q has no gate %q; start the gateway with this venue", ErrNoGate, r.cfg.Gateway, r.cfg.Name))
	}
	r.refused = time.Time{}
	if err := r.recover(sub); err != nil {
		sub.Abandon()
		return err
	}
	r.sub = sub
	return nil
}

// refuse is err once it has been so for too long.
func (r *runner) refuse(err error) error {
	switch {
	case r.refused.IsZero():
		r.refused = r.looked
	case r.looked.Sub(r.refused) > r.cfg.Patience:
		return fmt.Errorf("venue: %w", err)
	}
	return nil
}

// receive reads a message of the gateway and has it dealt with. It is false if there is none.
func (r *runner) receive() (bool, error) {
	msg, status := r.sub.Next()
	switch status {
	case ring.Message:
		return true, r.message(r.sub.Seq(), order.MsgType(r.sub.Type()), msg)
	case ring.Empty, ring.Closed:
		r.look()
	case ring.Superseded:
		r.leave()
	case ring.Gap:
		first, last := r.sub.Gap()
		return false, fmt.Errorf("venue: messages %d to %d of ring %q: %w", first, last, r.cfg.Gateway, ErrLost)
	case ring.Demoted:
		return false, fmt.Errorf("venue: ring %q: %w any more", r.cfg.Gateway, ErrNoGate)
	default:
		return false, fmt.Errorf("venue: ring %q: %w", r.cfg.Gateway, r.sub.Err())
	}
	return false, nil
}

// leave lets go of a ring that has another in its place, or none.
func (r *runner) leave() {
	r.sub.Close()
	r.sub, r.looked = nil, time.Time{}
	r.tell(false)
}

// look asks now and then whether the gateway lives. What is in hand of a ring that was
// replaced is published before it is left.
func (r *runner) look() {
	if r.sub == nil || !r.timeToLook() {
		return
	}
	switch r.sub.Publisher() {
	case ring.Live, ring.Hung:
		r.tell(true)
	case ring.Replaced:
		if !r.held {
			r.leave()
		}
	default:
		r.tell(false)
	}
}

func (r *runner) tell(up bool) {
	if r.up == up {
		return
	}
	r.up = up
	if up {
		r.notify(GatewayUp)
	} else {
		r.notify(GatewayDown)
	}
}

func (r *runner) notify(e Event) {
	if r.cfg.Notify != nil {
		r.cfg.Notify(e)
	}
}

// message deals with a message of the gateway's ring.
func (r *runner) message(seq uint64, typ order.MsgType, msg []byte) error {
	if r.next == 0 && r.owed != 0 && seq > r.owed || r.next != 0 && seq != r.next {
		return fmt.Errorf("venue: ring %q goes on with message %d, and %d was to come: %w",
			r.cfg.Gateway, seq, max(r.next, r.owed), ErrLost)
	}
	r.next = seq + 1
	switch typ {
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
		if seq <= r.dealt {
			return nil
		}
		req, ok := order.AsRequest(msg)
		if !ok {
			return fmt.Errorf("venue: message %d of ring %q has %d bytes: %w", seq, r.cfg.Gateway, len(msg), order.ErrJournal)
		}
		return r.request(seq, typ, req)
	}
	if o, ok := originOf(typ, msg); ok && o.Ring == order.RingVenue {
		r.read = near(r.pub.Seq(), o.Seq)
	}
	if seq > r.dealt {
		r.dealt = seq
	}
	return nil
}

// originOf returns what a message that is no request answers.
func originOf(typ order.MsgType, msg []byte) (o order.Origin, ok bool) {
	switch typ {
	case order.MsgExecutionReport:
		if er, ok := order.AsExecutionReport(msg); ok {
			return er.Origin, true
		}
	case order.MsgOrderCancelReject:
		if cr, ok := order.AsOrderCancelReject(msg); ok {
			return cr.Origin, true
		}
	case order.MsgBusinessMessageReject:
		if br, ok := order.AsBusinessMessageReject(msg); ok {
			return br.Origin, true
		}
	case order.MsgVenueStatus:
		if vs, ok := order.AsVenueStatus(msg); ok {
			return vs.Origin, true
		}
	}
	return order.Origin{}, false
}

// near returns the number nearest to known that has this low half.
func near(known uint64, low uint32) uint64 { return known + uint64(int64(int32(low-uint32(known)))) }
