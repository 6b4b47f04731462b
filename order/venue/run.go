package venue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// Run publishes the ring of a venue until ctx is done, which is no error. The gateway and its
// ring may come later, end and be replaced.
//
// Errors: [ErrConfig], [ErrNoGate], [ErrLost], [ErrReports], order.ErrJournal, those of the
// venue and of package ring, mmap.ErrFault if a ring's file was cut short. What was not
// published when it returned is dealt with by the next runner.
func Run(ctx context.Context, cfg Config, v Venue) (Counts, error) {
	r, err := newRunner(ctx, cfg, v)
	if err != nil {
		return Counts{}, err
	}
	defer r.close()
	// A ring whose file is cut short is an error, not the end of the process.
	err = mmap.Guard(func() error { return r.loop(ctx) })
	return r.counts, err
}

func (r *runner) loop(ctx context.Context) error {
	for idle := 0; ctx.Err() == nil; {
		busy, err := r.step()
		if err != nil {
			return err
		}
		if busy {
			idle = 0
			continue
		}
		idle++
		r.cfg.Wait.Wait(idle)
	}
	return nil
}

// runner is one process's turn at being the venue.
type runner struct {
	cfg Config
	v   Venue
	pub *ring.Publisher
	sub *ring.Subscriber // on the gateway's ring; nil: it is not there, or not ours yet

	known     bool   // the venue has recovered: it may be asked
	gatewayID uint64 // RingID of the gateway's ring that what follows is about
	next      uint64 // number of its next message; 0: not known before it comes
	owed      uint64 // the first request that is to come again, if there is one: next is not above it
	dealt     uint64 // up to here its requests have been dealt with, and the reports published
	read      uint64 // up to here the gateway has read our ring

	req    order.Request
	hand   *Reports // what the venue reported last
	held   bool     // and is not published yet
	seq    uint64   // the request that it answers; 0: none, the venue's own
	due    bool     // a VenueStatus is to be published first
	marked bool     // one was, since the venue reported
	status order.VenueStatus
	mark   [1]ring.Outgoing

	looked  time.Time // when the gateway was last looked for, or at
	refused time.Time // since when the ring has not been ours to read
	up      bool
	counts  Counts
}

// burst is how many messages of the gateway are read between two turns of the venue.
const burst = 64

// lookEvery is how often the system is asked about rings and processes.
const lookEvery = 20 * time.Millisecond

// newRunner becomes the publisher of the venue's ring.
func newRunner(ctx context.Context, cfg Config, v Venue) (*runner, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := cfg.checkRing(); err != nil {
		return nil, err
	}
	rc := ring.Config{
		Dir: cfg.Dir, Capacity: cfg.Capacity, Schema: order.Schema, Source: cfg.Source,
		Gates: []ring.Gate{{Name: cfg.Gateway}},
	}
	if rc.Capacity == 0 {
		rc.Capacity = defaultCapacity
		if info, err := ring.Stat(cfg.Dir, cfg.Name); err == nil && info.Capacity >= leastCapacity {
			rc.Capacity = info.Capacity
		}
	}
	r := &runner{cfg: cfg, v: v, hand: NewReports()}
	for begun := time.Now(); ; {
		var err error
		if r.pub, err = ring.Create(cfg.Name, rc); err == nil {
			return r, nil
		}
		if !errors.Is(err, ring.ErrPublisherActive) || time.Since(begun) > cfg.Patience {
			return nil, fmt.Errorf("venue: %w", err)
		}
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("venue: ring %q has another publisher: %w", cfg.Name, err)
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(lookEvery / 4):
		return nil
	}
}

// close lets go of the rings. The message in hand comes again: if it was a request whose
// answer is not published, it has to.
func (r *runner) close() {
	if r.sub != nil {
		r.sub.Abandon()
	}
	r.pub.Close()
}

// step does a bit of what there is to do, and says whether there was anything.
func (r *runner) step() (busy bool, err error) {
	if r.held {
		if done, err := r.publish(); !done {
			r.look()
			return false, err
		}
	}
	if r.sub == nil {
		if err := r.join(); err != nil {
			return false, err
		}
	}
	for n := 0; r.sub != nil && n < burst; n++ {
		more, err := r.receive()
		if err != nil {
			return false, err
		}
		busy = busy || more
		if !more || r.held {
			break
		}
	}
	if r.held || !r.known {
		return busy, nil
	}
	acted, err := r.turn()
	return busy || acted, err
}

// ownShare of the ring is for what the venue reports by itself. Answers may take half of it;
// a quarter of each block is lost at worst, as batches do not fit into what is left of it, and
// two blocks are the gate's.
const ownShare = 8

// turn lets the venue report by itself.
func (r *runner) turn() (busy bool, err error) {
	own := int64(r.pub.Capacity() / frame / ownShare)
	outstanding := int64(r.pub.Seq() - r.read)
	r.hand.Reset(int(min(own-outstanding, MaxReports)))
	if busy, err = r.v.Turn(r.hand); err != nil {
		return false, err
	}
	return busy, r.take(0, order.Origin{Ring: order.RingVenue})
}

// request has the venue deal with a request, the message in hand.
func (r *runner) request(seq uint64, typ order.MsgType, req *order.Request) error {
	expired := false
	r.req = *req
	if age, ok := r.sub.Age(); ok && req.TTL != 0 {
		left := int64(req.TTL) - age.Microseconds()
		expired = left < 0 && typ != order.MsgOrderCancelRequest
		r.req.TTL = uint32(min(max(left, 1), int64(req.TTL)))
	}
	r.hand.Reset(MaxReports)
	if err := r.v.Request(seq, typ, &r.req, expired, r.hand); err != nil {
		return err
	}
	if r.hand.n == 0 {
		return fmt.Errorf("venue: request %d was not answered: %w", seq, ErrReports)
	}
	if expired {
		r.counts.Expired++
	}
	return r.take(seq, order.Origin{Seq: uint32(seq), Epoch: uint16(r.sub.Epoch()), Ring: req.Origin.Ring})
}

// take takes what the venue has reported, and publishes it if it can.
func (r *runner) take(seq uint64, o order.Origin) error {
	if r.hand.over {
		return fmt.Errorf("venue: more than %d reports at once: %w", r.hand.room, ErrReports)
	}
	if r.hand.n == 0 {
		return nil
	}
	r.hand.setOrigin(o)
	r.held, r.seq, r.marked = true, seq, false
	done, err := r.publish()
	if !done && err == nil {
		r.counts.Held++
	}
	return err
}

// publish publishes what is in hand, and before it, if it does not fit into the present block,
// a VenueStatus. It is false while the gateway is in the way.
func (r *runner) publish() (bool, error) {
	// A stamped ring may take a line of its own.
	if r.due || !r.marked && r.pub.Room() < frame*uint64(r.hand.n+2) {
		if done, err := r.publishStatus(); !done {
			return false, err
		}
	}
	switch err := r.pub.PublishBatch(r.hand.out[:r.hand.n]); {
	case errors.Is(err, ring.ErrBackPressure):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("venue: ring %q: %w", r.cfg.Name, err)
	}
	r.held = false
	r.counts.Reports += uint64(r.hand.n)
	if r.seq != 0 {
		r.counts.Requests++
		r.dealt = r.seq
	}
	return true, nil
}

// publishStatus publishes a VenueStatus as the mark to begin with.
func (r *runner) publishStatus() (bool, error) {
	r.status = order.VenueStatus{GatewaySeq: r.dealt, GatewayID: r.gatewayID, MdSeq: r.v.MdSeq(),
		Origin: order.Origin{Ring: order.RingVenue}}
	r.mark[0] = ring.Outgoing{Type: uint16(order.MsgVenueStatus), Data: r.status.Bytes()}
	switch err := r.pub.PublishSnapshot(r.mark[:]); {
	case errors.Is(err, ring.ErrBackPressure):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("venue: ring %q: %w", r.cfg.Name, err)
	}
	r.due, r.marked = false, true
	return true, nil
}
