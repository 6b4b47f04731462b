package gateway

import (
	"errors"

	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/ring"
)

// survive finds the rings that a fault in memory came from: those whose owner has cut their
// file short. That ends what the gateway has to do with them, but not the gateway, unless
// it is the venue's, or its own. err is the fault.
func (g *Gateway) survive(err error) error {
	found := false
	for _, src := range g.sources.all {
		if !faults(src.sub) {
			continue
		}
		found = true
		for _, in := range []*input{&g.urgent, &g.held} {
			if in.src == src {
				*in = input{}
			}
		}
		if err := g.lost(src, "its file was cut short"); err != nil {
			return err
		}
	}
	if g.market.sub != nil && faults(g.market.sub) {
		g.market.close()
		found = true
	}
	if !found {
		return err
	}
	return nil
}

// faults says whether what a subscriber looks at is there no more.
func faults(sub *ring.Subscriber) bool {
	return errors.Is(mmap.Guard(func() error {
		sub.Epoch()
		sub.Ready()
		return nil
	}), mmap.ErrFault)
}
