package gateway

import (
	"errors"
	"fmt"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// Turns are how many inputs of a kind are judged before the others are looked at again.
const (
	firstTurn  = 16
	secondTurn = 4
)

// step takes some market data and some inputs, or goes on with those in hand. It is false if
// there was nothing to do, or nothing that could be done now.
func (g *Gateway) step() (bool, error) {
	worked := g.market.read(&g.counts)
	done, err := g.turn(&g.first, &g.urgent, firstTurn)
	if err != nil || g.urgent.src != nil {
		return worked || done, err
	}
	worked = worked || done
	done, err = g.turn(&g.second, &g.held, secondTurn)
	return worked || done, err
}

// turn judges up to most inputs of a poller. It says whether it has judged any.
func (g *Gateway) turn(p *ring.Poller, in *input, most int) (worked bool, err error) {
	for range most {
		if in.src == nil {
			if err := g.next(p, in); err != nil {
				return worked, err
			}
			if in.src == nil {
				return worked, nil
			}
		}
		done, err := g.settle(in)
		if err != nil || !done {
			return worked, err
		}
		worked = true
	}
	return worked, nil
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
		in.waited = false
		in.src, in.msg, in.typ, in.seq = src, msg, order.MsgType(sub.Type()), seq
		if g.measure != nil && src.number <= order.MaxStrategy {
			g.measure.arrived(g, in)
		}
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
		if !in.waited {
			g.counts.Held++
		}
	case errors.Is(err, ring.ErrBackPressure):
		if !in.waited {
			g.counts.Full++
		}
	default:
		return false, err
	}
	in.waited = true
	return false, nil
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
	g.first.Remove(src.sub)
	g.second.Remove(src.sub)
	g.notify("%v; the ring is read no more until it is made anew", err)
	return nil
}
