package gateway

import (
	"errors"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// chores is what is done between inputs, every millisecond. What cannot be published now
// is tried again the next time.
func (g *Gateway) chores() error {
	g.choresDue = g.now + choreEvery
	if l := g.wanted.Load(); l != g.limits {
		g.limits = l
		for _, src := range g.sources.all {
			src.limits = l.Strategy(src.number)
		}
		g.notify("the limits were reloaded")
	}
	if g.now >= g.clockDue {
		g.clockDue = g.now + clockEvery
		g.clock.set()
	}
	if g.now >= g.lookDue {
		g.lookDue = g.now + lookEvery
		if err := g.discover(); err != nil {
			return err
		}
	}
	err := g.attend()
	if err == nil && g.sweepDue {
		err = g.sweep()
	}
	if errors.Is(err, ring.ErrBackPressure) {
		return nil
	}
	return err
}

// attend looks after some of the sources, so that each has its turn every ten times.
func (g *Gateway) attend() error {
	for range (len(g.sources.all) + 9) / 10 {
		if g.attended++; g.attended >= len(g.sources.all) {
			g.attended = 0
		}
		if err := g.attendTo(g.sources.all[g.attended]); err != nil {
			return err
		}
	}
	return nil
}

// attendTo notices that the process at the other end of a source has ended, or is another
// one, once everything that it has sent is judged.
func (g *Gateway) attendTo(src *source) error {
	if src.gone { // and its memory, perhaps
		return g.leave(src)
	}
	epoch := src.sub.Epoch() // before the looks at what there is to read
	life := ring.Live
	if src.quiet {
		life = src.sub.Publisher()
	}
	src.quiet = true
	if g.urgent.src == src || g.held.src == src || src.sub.Ready() {
		return nil
	}
	sess := g.state.Session(src.number)
	switch {
	case sess == nil || sess.RingID != src.id || epoch > sess.Epoch:
		g.notify("ring %s is there, epoch %d", src.sub.Name(), epoch)
		return g.announce(src, epoch, order.SessionUp)
	case life == ring.Replaced:
		src.gone = true
	case (life == ring.Dead || life == ring.Ended) && sess.Status != order.SessionDown:
		g.notify("ring %s: its publisher is %s", src.sub.Name(), life)
		return g.announce(src, sess.Epoch, order.SessionDown)
	}
	return nil
}

// leave closes a source that has come to its end.
func (g *Gateway) leave(src *source) error {
	if g.urgent.src == src || g.held.src == src {
		return nil
	}
	if sess := g.state.Session(src.number); sess != nil && sess.RingID == src.id && sess.Status == order.SessionUp {
		if err := g.announce(src, sess.Epoch, order.SessionDown); err != nil {
			return err
		}
	}
	g.first.Remove(src.sub)
	g.second.Remove(src.sub)
	g.sources.remove(src)
	if src.lost {
		g.complaints[src.sub.Name()] = complaint{id: src.id, until: g.now}
	} else {
		g.notify("ring %s was removed or replaced", src.sub.Name())
	}
	if src.number == order.RingVenue {
		g.window = 0
	}
	src.sub.Abandon()
	return nil
}
