package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/risk"
	"github.com/tickring/tickring/ring"
)

// Gateway judges requests. Its methods are for one goroutine, but SetLimits.
type Gateway struct {
	cfg   Config
	pub   *ring.Publisher
	state *order.State
	clock clock
	now   uint64 // CLOCK_MONOTONIC ns, of some inputs ago at most

	// Venue and operator first, strategies after them.
	first, second     ring.Poller
	sources           sources
	urgent, held      input // in hand, of the first and of the others
	window            int   // requests that the venue may leave unanswered
	limits            *risk.Limits
	wanted            atomic.Pointer[risk.Limits]
	market            market
	measure           *measure
	checkpoint        []ring.Outgoing
	room              int // bytes that a checkpoint may take
	choresDue         uint64
	lookDue, clockDue uint64
	attended          int // whose turn it is to be attended to
	complaints        map[string]complaint
	sweepDue          bool
	doomed            []doomed
	missing           []uint16          // strategies that the predecessor had, and whose rings were not found yet
	refusedCancels    map[uint64]uint64 // OrderID: when to try again
	counts            Counts

	// What is being published; here, as what is passed to Publish may not be on the stack.
	request  order.Request
	report   order.ExecutionReport
	reject   order.OrderCancelReject
	business order.BusinessMessageReject
	status   order.SessionStatus
	venue    order.VenueStatus
	kill     order.KillSwitch

	at func(moment) // of tests; nil: nobody wants to know
}

// moment is a place in the life of an input.
type moment uint8

const (
	judged moment = iota
	published
	applied
	checkpointed
)

// choreEvery is how often the gateway looks up from its inputs, in ns, and lookEvery how
// often it looks for rings and at the life of each source.
const (
	choreEvery = 1e6
	lookEvery  = 10e6
	clockEvery = 1e9
)

// Open becomes the gateway of its name: it makes its ring, or goes on with it, from what is
// in there. With Standby it first waits until the ring has no publisher, or ctx is done.
//
// Errors: order.ErrJournal if what is in the ring does not add up, ErrReplaced if the ring
// is not one to go on with; and those of ring.Create.
func Open(ctx context.Context, cfg Config) (*Gateway, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Wait == nil {
		cfg.Wait = ring.Backoff{Spins: 2000, Yields: 50, Sleep: 100 * time.Microsecond}
	}
	g := &Gateway{cfg: cfg, limits: cfg.Limits, clock: newClock(), state: order.NewState(order.Bounds{}),
		complaints: map[string]complaint{}, refusedCancels: map[uint64]uint64{}}
	g.wanted.Store(cfg.Limits)
	g.market.init()
	if cfg.Measure {
		g.measure = newMeasure()
		g.market.measure = g.measure
	}
	if err := g.take(ctx); err != nil {
		return nil, err
	}
	err := mmap.Guard(g.recover)
	if err == nil {
		err = mmap.Guard(g.writeCheckpoint)
		if errors.Is(err, ring.ErrBackPressure) {
			err = nil // the loop tries again before anything else
		}
	}
	if err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// Run judges until ctx is done, and returns its cause, or until something is wrong that
// does not mend itself. Call Close then.
func (g *Gateway) Run(ctx context.Context) error {
	for {
		err := mmap.Guard(func() error { return g.run(ctx) })
		if errors.Is(err, mmap.ErrFault) {
			err = g.survive(err)
		}
		if err != nil {
			return err
		}
	}
}

func (g *Gateway) run(ctx context.Context) error {
	idle := 0
	for n := 0; ; n++ {
		if n&7 == 0 || idle > 0 {
			g.now = g.clock.read()
			if g.now >= g.choresDue {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if err := g.chores(); err != nil {
					return err
				}
			}
		}
		worked, err := g.step()
		if err != nil {
			return err
		}
		if worked {
			idle = 0
			continue
		}
		idle++
		g.cfg.Wait.Wait(idle)
	}
}

// SetLimits puts others in the place of the limits, between two inputs. It is for any
// goroutine, and returns at once.
func (g *Gateway) SetLimits(l *risk.Limits) {
	if l != nil {
		g.wanted.Store(l)
	}
}

// Counts returns what the gateway has done. Call it when Run has returned.
func (g *Gateway) Counts() Counts { return g.counts }

// State returns what the gateway's ring adds up to. Call it when Run has returned, and only
// read it.
func (g *Gateway) State() *order.State { return g.state }

// Close lets go of the rings. An input in hand that was not judged is left to the next
// gateway.
func (g *Gateway) Close() error {
	for _, src := range g.sources.all {
		src.sub.Abandon()
	}
	g.sources.all = nil
	g.market.close()
	if g.pub != nil {
		g.pub.Close()
	}
	return nil
}

func (g *Gateway) notify(format string, args ...any) {
	if g.cfg.Notify != nil {
		g.cfg.Notify(fmt.Sprintf(format, args...))
	}
}
