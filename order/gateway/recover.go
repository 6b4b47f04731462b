package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// take becomes the publisher of the gateway's ring.
func (g *Gateway) take(ctx context.Context) error {
	if err := g.checkRing(); err != nil {
		return err
	}
	cfg := ring.Config{Dir: g.cfg.Dir, Capacity: g.cfg.Capacity, Stamps: ring.StampEvery, Schema: order.Schema, Source: g.cfg.Source,
		HugePages: g.cfg.HugePages, Spikes: g.cfg.Spikes, Heartbeat: g.cfg.heartbeat, Gates: []ring.Gate{{Name: g.cfg.Venue}}}
	var err error
	if g.cfg.Standby {
		g.pub, err = ring.Standby(ctx, g.cfg.Name, cfg)
	} else {
		g.pub, err = ring.Create(g.cfg.Name, cfg)
	}
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	if why := g.pub.Replaced(); why != nil {
		err := fmt.Errorf("gateway: ring %s was made anew (%w), and its journal is gone: remove it ('tickring rm %s') to begin with no orders: %w",
			g.cfg.Name, why, g.cfg.Name, ErrReplaced)
		g.pub.Close()
		return err
	}
	g.room = int(g.pub.Block() / 4 * 3)
	return nil
}

// checkRing refuses a ring that Create would replace: the journal would be gone.
func (g *Gateway) checkRing() error {
	info, err := ring.Stat(g.cfg.Dir, g.cfg.Name)
	if errors.Is(err, ring.ErrNoRing) {
		return nil
	}
	if err == nil {
		err = info.Err
	}
	if err != nil {
		return fmt.Errorf("gateway: ring %s cannot be the journal to go on with (remove it with 'tickring rm %s' to begin with no orders): %w: %w",
			g.cfg.Name, g.cfg.Name, ErrReplaced, err)
	}
	switch {
	case info.Schema != order.Schema:
		return fmt.Errorf("gateway: ring %s carries %q and is no gateway's; choose another name: %w", g.cfg.Name, info.Schema, ErrReplaced)
	case info.Stamps != ring.StampEvery:
		return fmt.Errorf("gateway: ring %s has no times; choose another name: %w", g.cfg.Name, ErrReplaced)
	case g.cfg.Capacity != 0 && g.cfg.Capacity != info.Capacity:
		return fmt.Errorf("gateway: ring %s has %d bytes and not %d; it is the journal and stays as it is (remove it with 'tickring rm %s' to begin with no orders): %w",
			g.cfg.Name, info.Capacity, g.cfg.Capacity, g.cfg.Name, ErrReplaced)
	}
	if g.cfg.Source == "" {
		g.cfg.Source = info.Source
	}
	return nil
}

// recover reads the journal: the last checkpoint and what follows.
func (g *Gateway) recover() error {
	sub, err := ring.Open(g.cfg.Name, ring.Options{Dir: g.cfg.Dir, From: ring.FromMark, NoStepOff: true, NoPrefault: true})
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	defer sub.Close()
	g.now = g.clock.read()
	for g.state.Seq() < g.pub.Seq() {
		msg, st := sub.Next()
		if st != ring.Message {
			return fmt.Errorf("gateway: ring %s: the journal ends at message %d of %d (%s): %w", g.cfg.Name, g.state.Seq(), g.pub.Seq(), st, order.ErrJournal)
		}
		typ := order.MsgType(sub.Type())
		if err := g.state.Apply(sub.Seq(), typ, msg); err != nil {
			return fmt.Errorf("gateway: ring %s: %w; remove it ('tickring rm %s') to begin with no orders, after a look at the venue's", g.cfg.Name, err, g.cfg.Name)
		}
		g.recount(sub, typ, msg)
	}
	g.sweepDue = true // whatever the last one had left to cancel
	for _, s := range g.state.Sessions() {
		if s.Ring <= order.MaxStrategy && s.Status == order.SessionUp {
			g.missing = append(g.missing, s.Ring)
		}
	}
	return nil
}

// recount counts a forwarded request against the rate of its strategy, as it was counted
// when it was forwarded.
func (g *Gateway) recount(sub *ring.Subscriber, typ order.MsgType, msg []byte) {
	switch typ {
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
	default:
		return
	}
	r, ok := order.AsRequest(msg)
	if !ok || r.ByGateway() {
		return
	}
	age, known := sub.Age()
	if !known || age < 0 {
		age = 0
	}
	sess := g.state.Session(r.Origin.Ring)
	sess.Rate[0] = g.limits.Strategy(r.Origin.Ring).Rate.Count(sess.Rate[0], g.clock.read()-uint64(age))
}
