package gateway

import (
	"errors"
	"fmt"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

const (
	line = 64 // of a ring: what a record takes there
	// A checkpoint comes when there is room for no more than a line beside the next record.
	checkpointRoom = 2 * line
)

// errHeld: the venue has too many requests that it has not answered.
var errHeld = errors.New("the venue has to answer first")

// publish appends a record to the journal, behind a checkpoint if the block begins with it.
// ring.ErrBackPressure: nothing has happened.
func (g *Gateway) publish(typ order.MsgType, record []byte) error {
	if g.pub.Room() < checkpointRoom {
		if err := g.writeCheckpoint(); err != nil {
			return err
		}
	}
	g.reached(judged)
	if err := g.pub.Publish(uint16(typ), record); err != nil {
		return err
	}
	g.reached(published)
	return nil
}

// done takes the error of applying what was just published. There is none, unless the
// gateway has published what its own state does not allow.
func (g *Gateway) done(err error) error {
	if err != nil {
		return fmt.Errorf("gateway: ring %s: %w", g.cfg.Name, err)
	}
	g.reached(applied)
	return nil
}

// writeCheckpoint publishes the state, so that who comes next begins there.
func (g *Gateway) writeCheckpoint() error {
	g.reached(judged)
	g.checkpoint = g.state.AppendCheckpoint(g.checkpoint[:0], g.pub.MaxMessage())
	if err := g.pub.PublishSnapshot(g.checkpoint); err != nil {
		if errors.Is(err, ring.ErrTooLarge) {
			return fmt.Errorf("gateway: ring %s: a checkpoint of %d orders and %d positions does not fit into a block of %d bytes; make the ring larger: %w",
				g.cfg.Name, len(g.state.Orders()), len(g.state.Positions()), g.pub.Block(), err)
		}
		return err
	}
	g.reached(published)
	g.state.Skip(len(g.checkpoint))
	g.counts.Checks++
	g.reached(checkpointed)
	return nil
}

// reached is for tests, which end gateways at every moment.
func (g *Gateway) reached(m moment) {
	if g.at != nil {
		g.at(m)
	}
}
