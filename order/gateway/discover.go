package gateway

import (
	"errors"
	"fmt"

	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// complaint is why a ring is not read.
type complaint struct {
	what  string
	until uint64 // when to look again
	id    uint64 // a message of this ring was lost; only another one is read
	final bool   // it will not be read as it is
}

const complainEvery = 1e9 // ns

// discover opens the rings that are there and not read yet.
func (g *Gateway) discover() error {
	if g.sources.number(order.RingVenue) == nil {
		if err := g.find(g.cfg.Venue, order.RingVenue); err != nil {
			return err
		}
	}
	if g.cfg.MarketData != "" && g.market.closed() {
		if c, ok := g.complaints[g.cfg.MarketData]; !ok || g.now >= c.until {
			g.complain(g.cfg.MarketData, g.market.open(g.cfg, &g.counts))
		}
	}
	names, err := ring.List(g.cfg.Dir)
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	for _, name := range names {
		n, ok := order.InputNumber(g.cfg.Name, name)
		if !ok || g.sources.number(n) != nil {
			continue
		}
		if err := g.find(name, n); err != nil {
			return err
		}
	}
	return g.mourn(names)
}

// find opens a ring if it can be read.
func (g *Gateway) find(name string, number uint16) error {
	was, complained := g.complaints[name]
	if complained && g.now < was.until {
		return nil
	}
	var src *source
	err := mmap.Guard(func() (err error) { // it is not among the sources yet, for survive to find
		src, err = g.open(name, number)
		return err
	})
	if err == nil && number <= order.MaxStrategy && !g.roomForSession(number) {
		src.sub.Abandon()
		err = fmt.Errorf("gateway: ring %s: a checkpoint of %d sessions and all else has no room for another one in a block of %d bytes; make the ring of the gateway larger: %w",
			name, len(g.state.Sessions()), g.pub.Block(), ring.ErrTooLarge)
	}
	if err == nil && was.id != 0 && was.id == src.id {
		src.sub.Abandon()
		was.until = g.now + complainEvery
		g.complaints[name] = was
		return nil
	}
	if err != nil && errors.Is(err, ErrLost) && number == order.RingVenue {
		return err
	}
	g.complain(name, err)
	if err != nil {
		return nil
	}
	switch number {
	case order.RingVenue:
		g.first.Add(src.sub, 1)
		g.window = int(src.sub.Capacity() / line / 4 / order.MaxReports)
	case order.RingOperator:
		g.first.Add(src.sub, 0)
	default:
		g.second.Add(src.sub, 0)
	}
	g.sources.all = append(g.sources.all, src)
	return nil
}

// roomForSession says whether a checkpoint has room for a strategy, beside those that were
// found and are to be announced yet.
func (g *Gateway) roomForSession(number uint16) bool {
	if g.state.Session(number) != nil {
		return true
	}
	sessions := 1
	for _, src := range g.sources.all {
		if g.state.Session(src.number) == nil {
			sessions++
		}
	}
	return g.state.CheckpointBytes(g.pub.MaxMessage())+sessions*newSessionRoom <= g.room
}

// newSessionRoom is more than a session takes in a checkpoint.
const newSessionRoom = 128

// complain tells of an error once.
func (g *Gateway) complain(name string, err error) {
	was, complained := g.complaints[name]
	switch {
	case err == nil:
		delete(g.complaints, name)
	case errors.Is(err, ring.ErrNoRing):
		if !complained {
			g.notify("ring %s is not there yet", name)
		}
		g.complaints[name] = complaint{until: g.now + lookEvery}
	default:
		if !complained || was.what != err.Error() {
			g.notify("%v", err)
		}
		wait := uint64(complainEvery)
		if errors.Is(err, ring.ErrSubscriberActive) {
			wait = lookEvery // of a predecessor that the kernel is taking down
		}
		final := errors.Is(err, ErrLost) || errors.Is(err, ring.ErrConfig) || errors.Is(err, ring.ErrSchema) || errors.Is(err, ring.ErrCorrupt)
		g.complaints[name] = complaint{what: err.Error(), until: g.now + wait, final: final}
	}
}

// open opens a ring as a source that goes on where the journal ends.
func (g *Gateway) open(name string, number uint16) (*source, error) {
	opt := ring.Options{Dir: g.cfg.Dir, Name: g.cfg.Name, New: ring.FromOldest, NoHistogram: g.measure == nil, NoStepOff: true}
	timed := opt
	timed.Spikes, timed.NoHistogram = g.cfg.Spikes, opt.NoHistogram && g.cfg.Spikes == 0
	sub, err := ring.Open(name, timed)
	if g.cfg.Spikes != 0 && errors.Is(err, ring.ErrConfig) {
		sub, err = ring.Open(name, opt) // its messages carry no time
	}
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	good := false
	defer func() {
		if !good { // there was an error, or a fault
			sub.Abandon()
		}
	}()
	refuse := func(err error) (*source, error) { return nil, fmt.Errorf("gateway: ring %s: %w", name, err) }
	if schema, _ := sub.Schema(); schema != order.Schema {
		return refuse(fmt.Errorf("its schema is %q and not %q: %w", schema, order.Schema, ring.ErrSchema))
	}
	if sub.Gate() != ring.GateHolding {
		return refuse(fmt.Errorf("it does not wait for the gateway (ring.Config.Gates has to name %s), so requests could be lost: %w", g.cfg.Name, ring.ErrConfig))
	}
	info, ok := sub.Info()
	if !ok {
		return refuse(ring.ErrClosed)
	}
	src := &source{sub: sub, number: number, id: sub.RingID(), next: max(info.Cursor, 1), limits: g.limits.Strategy(number)}
	if sess := g.state.Session(number); sess != nil && sess.RingID == src.id {
		if src.next > sess.Seq+1 {
			return refuse(fmt.Errorf("it goes on with message %d, but %d was not judged: %w", src.next, sess.Seq+1, ErrLost))
		}
		src.next = sess.Seq + 1
	}
	good = true
	return src, nil
}
