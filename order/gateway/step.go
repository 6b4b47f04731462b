package gateway

import (
	"errors"
	"fmt"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// step takes some market data and one input, or goes on with the one in hand. It is false
// if there was nothing to do, or nothing that could be done now.
func (g *Gateway) step() (bool, error) {
	worked := g.market.read(&g.counts)
	if g.urgent.src == nil {
		if err := g.next(&g.first, &g.urgent); err != nil {
			return false, err
		}
	}
	if g.urgent.src != nil {
		done, err := g.settle(&g.urgent)
		return worked || done, err
	}
	if g.held.src == nil {
		if err := g.next(&g.second, &g.held); err != nil {
			return false, err
		}
	}
	if g.held.src == nil {
		return worked, nil
	}
	done, err := g.settle(&g.held)
	return worked || done, err
}

// next takes the next message of a poller in hand, if there is one that is to be judged.
func (g *Gateway) next(p *ring.Poller, in *input) error {
	sub, msg, st := p.Next()
	if st == ring.Empty {
		return nil
	}
	src := g.sources.find(sub)
	src.quiet = false
	switch st {
	case ring.Message:
		seq := sub.Seq()
		if seq < src.next {
			g.counts.Skipped++ // its frame was published, and then its judge ended
			return nil
		}
		if seq > src.next {
			return g.lost(src, fmt.Sprintf("message %d is the next, but %d is to be judged", seq, src.next))
		}
		*in = input{src: src, msg: msg, typ: order.MsgType(sub.Type()), seq: seq}
	case ring.Gap:
		first, last := sub.Gap()
		return g.lost(src, fmt.Sprintf("messages %d to %d are gone", first, last))
	case ring.Corrupt:
		return g.lost(src, sub.Err().Error())
	case ring.Superseded:
		src.gone = true
	case ring.Demoted:
		g.notify("ring %s waits for the gateway no more; it may lose requests", sub.Name())
	}
	return nil
}

// settle judges the input in hand. Its hand is empty then, unless it cannot be published
// now.
func (g *Gateway) settle(in *input) (bool, error) {
	var err error
	switch in.src.number {
	case order.RingVenue:
		err = g.takeReport(in)
	case order.RingOperator:
		err = g.takeCommand(in)
	default:
		err = g.takeRequest(in)
	}
	switch {
	case err == nil:
		in.src.next = in.seq + 1
		in.src = nil
		return true, nil
	case err == errHeld:
		return false, nil
	case errors.Is(err, ring.ErrBackPressure):
		g.counts.Full++
		return false, nil
	}
	return false, err
}

// lost ends what a source was: nothing of it can be judged once a message is missing. A
// strategy alone is concerned by its requests; without a report of the venue the state of
// no order can be known.
func (g *Gateway) lost(src *source, what string) error {
	err := fmt.Errorf("gateway: ring %s: %s: %w", src.sub.Name(), what, ErrLost)
	if src.number == order.RingVenue {
		return err
	}
	src.lost, src.gone = true, true
	g.notify("%v; the ring is read no more until it is made anew", err)
	return nil
}
