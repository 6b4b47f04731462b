package order

import (
	"errors"
	"fmt"

	"github.com/tickring/tickring/ring"
)

// pollMost is how many messages of others one Poll reads at most, so that it comes back.
const pollMost = 64

// Poll reads on in the gateway's ring and returns the next event of this strategy, nil if
// there is none. The event is good until the next Poll.
//
// It does not allocate, and makes no system call but at most every 10 ms, when there is
// nothing to read, to see whether the gateway lives, and when that has changed. Call it
// until it returns nil, and again soon: who comes too late reads a snapshot instead of events
// ([EventResync]), and who does not come does not learn that the gateway has died.
//
// A ring's file that is cut short while it is mapped is a fault: run the loop inside
// mmap.Guard.
func (c *Client) Poll() *Event {
	for range pollMost {
		sub, msg, st := c.poller.Next()
		switch st {
		case ring.Message:
			if c.frame(sub.Seq(), MsgType(sub.Type()), msg) {
				return &c.event
			}
		case ring.Gap:
			c.lapped()
		case ring.Empty:
			return c.idle(false)
		case ring.Corrupt:
			return c.unreadable(c.out.Err())
		default: // Closed, Superseded
			return c.idle(true)
		}
	}
	return nil
}

// tell makes the event.
func (c *Client) tell(kind EventKind, seq uint64) *Event {
	c.event = Event{Kind: kind, Seq: seq}
	return &c.event
}

// frame takes a message of the gateway's ring in, and says whether that made an event.
func (c *Client) frame(seq uint64, typ MsgType, msg []byte) bool {
	if !c.synced {
		return c.load(seq, typ, msg)
	}
	if err := c.state.Apply(seq, typ, msg); err != nil {
		return c.illegal(seq, typ, err)
	}
	judged := c.unjudged.judged(c.vector())
	switch typ {
	case MsgNewOrderSingle, MsgOrderCancelRequest, MsgOrderCancelReplaceRequest:
		r, ok := AsRequest(msg)
		if !ok || r.Origin.Ring != c.cfg.Strategy {
			return false
		}
		c.tellOrder(EventForwarded, seq, r.ClOrdID, TextNone)
	case MsgExecutionReport:
		er, ok := AsExecutionReport(msg)
		if !ok || er.Strategy != c.cfg.Strategy {
			return false
		}
		e := c.tellOrder(kindOf(er), seq, er.ClOrdID, er.Text)
		e.LastQty, e.LastPx, e.OrdRejReason = er.LastQty, er.LastPx, er.OrdRejReason
		e.Side = er.Side
	case MsgOrderCancelReject:
		cr, ok := AsOrderCancelReject(msg)
		if !ok || cr.Strategy != c.cfg.Strategy {
			return false
		}
		kind := EventCancelReject
		if cr.Text == TextInDoubt {
			kind = EventInDoubt
		}
		e := c.tellOrder(kind, seq, cr.ClOrdID, cr.Text)
		e.CxlRejReason = cr.CxlRejReason
		if o := c.Order(cr.OrigClOrdID); o != nil { // as it was, if the gateway refused
			e.Order, e.Side = *o, o.Side
		}
	case MsgBusinessMessageReject:
		r, ok := AsBusinessMessageReject(msg)
		if !ok || r.Strategy != c.cfg.Strategy {
			return false
		}
		e := c.tellOrder(EventRefused, seq, r.ClOrdID, r.Text)
		if r.Text == TextIllegal {
			e.Kind, e.Err = EventIllegal, ErrTransition
		}
	case MsgKillSwitch:
		k, ok := AsKillSwitch(msg)
		if !ok || k.Strategy != 0 && k.Strategy != c.cfg.Strategy {
			return false
		}
		e := c.tell(EventKill, seq)
		e.Ring, e.Up = k.Strategy, k.Engaged == 0
	case MsgSessionStatus:
		s, ok := AsSessionStatus(msg)
		if !ok || s.Ring != c.cfg.Strategy && s.Ring != RingVenue {
			return false
		}
		e := c.tell(EventSession, seq)
		e.Ring, e.Up, e.Text = s.Ring, s.Status == SessionUp, s.Text
		if judged > 0 { // by whom?
			e.Kind, e.Err = EventLost, fmt.Errorf("order: the gateway has passed over %d requests, up to number %d, without judging them", judged, c.vector())
		}
	default:
		return false
	}
	return true
}

// tellOrder makes an event about the order that the message was about.
func (c *Client) tellOrder(kind EventKind, seq, clOrdID uint64, text Text) *Event {
	e := c.tell(kind, seq)
	e.ClOrdID, e.Text = clOrdID, text
	if o := c.state.Last(); o != nil {
		e.Order, e.Side = *o, o.Side
	}
	return e
}

// vector is the number of the last request in the strategy's ring that the gateway has
// judged, as far as its ring was read.
func (c *Client) vector() uint64 {
	if s := c.state.Session(c.cfg.Strategy); s != nil && s.RingID == c.self {
		return s.Seq
	}
	return 0 // it has not found this ring yet
}

// idle is for when there is nothing to read: it looks, now and then or at once, how the
// gateway does.
func (c *Client) idle(now bool) *Event {
	ticks := c.clock.Now()
	if !now && ticks-c.looked < c.every || c.closed {
		return nil
	}
	c.looked = ticks
	life := ring.Ended
	if c.out == nil {
		switch err := c.join(); {
		case err == nil:
			c.looked -= c.every // when what it has was read
			return c.Poll()
		case !errors.Is(err, ring.ErrNoRing) && c.broken == nil:
			return c.unreadable(err)
		}
	}
	if c.out != nil {
		if life = c.out.Publisher(); life == ring.Replaced {
			c.rejoin()
			life = ring.Ended
		}
	}
	if life == c.life {
		return nil
	}
	c.life = life
	c.setReady()
	c.tell(EventGateway, 0).Life = life
	return &c.event
}
