package gateway

import (
	"errors"
	"slices"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// mourn says of the strategies whose rings were removed, or made useless, while no gateway was
// there that they are down, so that what they leave behind is canceled. names are the rings
// that there are, in order.
func (g *Gateway) mourn(names []string) error {
	for i := len(g.missing) - 1; i >= 0; i-- {
		n := g.missing[i]
		if g.sources.number(n) == nil {
			name := order.InputRing(g.cfg.Name, n)
			if _, there := slices.BinarySearch(names, name); there && !g.complaints[name].final {
				continue // it is to be found yet
			}
			s := g.state.Session(n)
			err := g.announceStatus(order.SessionStatus{RingID: s.RingID, Epoch: s.Epoch, Seq: s.Seq, Ring: n, Status: order.SessionDown})
			if errors.Is(err, ring.ErrBackPressure) {
				return nil // the next look comes
			}
			if err != nil {
				return err
			}
			g.notify("ring %s is not there any more, or cannot be read", name)
		}
		g.missing = slices.Delete(g.missing, i, i+1)
	}
	return nil
}
