package venue

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// This file finds out what was dealt with, and which orders are open, from the two rings.

// recover takes up where the venue was on the gateway's ring that sub has just joined: after
// a start, and when the ring was replaced.
func (r *runner) recover(sub *ring.Subscriber) error {
	id := sub.RingID()
	if r.known && id == r.gatewayID { // another file of the same ring: it goes on
		r.notify(GatewayFound)
		return nil
	}
	again := r.known
	st, err := r.foldGateway(sub)
	if err != nil {
		return err
	}
	said, err := r.foldOwn(st, id)
	if err != nil {
		return err
	}
	r.gatewayID, r.next, r.dealt, r.read = id, 0, said.dealt, said.read
	if !said.known {
		r.dealt = before(st)
	}
	rec := Recovery{GatewayID: id, GatewaySeq: r.dealt, MdSeq: said.mdSeq}
	r.owed = rec.collect(st)
	if err := r.v.Recover(rec); err != nil {
		return err
	}
	r.counts.Recovered = len(rec.Orders)
	r.known = true
	if again {
		r.notify(GatewayNew)
	} else {
		r.notify(GatewayFound)
	}
	return r.announce()
}

// announce publishes where the venue is, so that it is known from now on which ring of the
// gateway its reports are about.
func (r *runner) announce() error {
	r.hand.Reset(0)
	r.held, r.seq, r.due, r.marked = true, 0, true, false
	_, err := r.publish()
	return err
}

// collect takes over what is open of what was dealt with, and returns the first request that
// was not; 0: there is none.
func (rec *Recovery) collect(st *order.State) (owed uint64) {
	owe := func(seq uint64) {
		if owed == 0 || seq < owed {
			owed = seq
		}
	}
	for _, o := range st.Orders() {
		if o.Pending.Kind != order.PendingNone && o.Pending.Seq > rec.GatewaySeq {
			owe(o.Pending.Seq)
			o.Pending = order.Pending{}
			o.Venue &^= order.VenuePendingAnswered
		}
		if o.OrderID > rec.GatewaySeq {
			owe(o.OrderID)
			continue
		}
		rec.Orders = append(rec.Orders, o)
	}
	for _, u := range st.Requests() {
		if u.Seq > rec.GatewaySeq {
			owe(u.Seq)
			continue
		}
		rec.Requests = append(rec.Requests, u)
	}
	slices.SortFunc(rec.Orders, func(a, b order.Order) int { return cmp.Compare(a.OrderID, b.OrderID) })
	slices.SortFunc(rec.Requests, func(a, b order.Unanswered) int { return cmp.Compare(a.Seq, b.Seq) })
	return owed
}

// before returns up to where the requests have been dealt with, by the gateway's ring alone:
// they are answered in order, so it is what is before the first that is not.
func before(st *order.State) uint64 {
	first := st.Seq() + 1
	for _, o := range st.Orders() {
		if o.Venue&order.VenueAnswered == 0 {
			first = min(first, o.OrderID)
		}
		if o.Pending.Kind != order.PendingNone && o.Venue&order.VenuePendingAnswered == 0 {
			first = min(first, o.Pending.Seq)
		}
	}
	for _, u := range st.Requests() {
		if u.Answered == 0 {
			first = min(first, u.Seq)
		}
	}
	return first - 1
}

// foldGateway folds the gateway's ring, from its mark to where it is now.
func (r *runner) foldGateway(sub *ring.Subscriber) (*order.State, error) {
	// The gate holds the ring, so only a slow start at an old mark can be lapped.
	for tries := 0; ; tries++ {
		st, err := r.tryFold(sub.RingID())
		if !errors.Is(err, errAgain) || tries == 100 {
			return st, err
		}
	}
}

var errAgain = errors.New("the ring changed while it was read")

func (r *runner) tryFold(id uint64) (*order.State, error) {
	sub, err := ring.Open(r.cfg.Gateway, ring.Options{Dir: r.cfg.Dir, From: ring.FromMark})
	if err != nil {
		return nil, fmt.Errorf("venue: %w", err)
	}
	defer sub.Close()
	if sub.RingID() != id {
		return nil, errAgain
	}
	st := order.NewState(order.Bounds{})
	for {
		msg, status := sub.Next()
		switch status {
		case ring.Message:
			if _, err := st.Take(sub.Seq(), order.MsgType(sub.Type()), msg); err != nil {
				return nil, fmt.Errorf("venue: ring %q: %w", r.cfg.Gateway, err)
			}
		case ring.Gap:
			return nil, errAgain
		case ring.Corrupt:
			return nil, fmt.Errorf("venue: ring %q: %w", r.cfg.Gateway, sub.Err())
		default:
			return st, nil
		}
	}
}

// said is what the venue's own ring says of the gateway's.
type said struct {
	known bool // it says something of this one
	dealt uint64
	mdSeq uint64
	read  uint64 // up to here the gateway has passed the venue's messages on
}

// foldOwn reads the venue's ring and applies what the gateway has not passed on to the state.
func (r *runner) foldOwn(st *order.State, id uint64) (s said, err error) {
	own, err := r.openOwn(st, &s)
	if err != nil {
		return s, err
	}
	defer own.Close()
	last := r.pub.Seq()
	for at := uint64(0); at < last; {
		msg, status := own.Next()
		if status != ring.Message {
			if at == 0 && status == ring.Empty && s.read == last {
				return s, nil // a new file, in which there is nothing yet, and nothing to say
			}
			return s, fmt.Errorf("venue: ring %q has messages up to %d, and then is %v: %w", r.cfg.Name, last, status, ErrLost)
		}
		at = own.Seq()
		typ := order.MsgType(own.Type())
		if vs, ok := order.AsVenueStatus(msg); ok && typ == order.MsgVenueStatus {
			s.known, s.dealt, s.mdSeq = vs.GatewayID == id, vs.GatewaySeq, vs.MdSeq
		} else if o, ok := originOf(typ, msg); ok && o.Ring != order.RingVenue {
			s.dealt = near(s.dealt, o.Seq)
		}
		if at > s.read {
			// What does not fit the order changes nothing: the gateway will refuse it likewise.
			if err := st.ApplyVenue(at, typ, msg); err != nil && !errors.Is(err, order.ErrTransition) {
				return s, fmt.Errorf("venue: ring %q: %w", r.cfg.Name, err)
			}
		}
	}
	return s, nil
}

// openOwn opens the venue's ring at its mark, or before it, where the gateway has not read on.
func (r *runner) openOwn(st *order.State, s *said) (*ring.Subscriber, error) {
	opt := ring.Options{Dir: r.cfg.Dir, From: ring.FromMark}
	own, err := ring.Open(r.cfg.Name, opt)
	if err != nil {
		return nil, fmt.Errorf("venue: %w", err)
	}
	if in := st.Session(order.RingVenue); in != nil && in.RingID == own.RingID() {
		s.read = in.Seq
	}
	if mark := own.Mark(); mark == 0 || mark <= s.read+1 {
		return own, nil
	}
	own.Close()
	opt.From, opt.Seq = ring.FromSeq, s.read+1
	if s.read == 0 {
		opt.From = ring.FromOldest
	}
	if own, err = ring.Open(r.cfg.Name, opt); err != nil {
		return nil, fmt.Errorf("venue: %w", err)
	}
	return own, nil
}
