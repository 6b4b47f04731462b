package order

import (
	"errors"
	"fmt"

	"github.com/tickring/tickring/ring"
)

// learn takes in all that the two rings know.
func (c *Client) learn() error {
	if err := c.join(); err != nil && !errors.Is(err, ring.ErrNoRing) {
		return err
	}
	if c.out != nil {
		if err := c.catchUp(); err != nil {
			return err
		}
		c.life = c.out.Publisher()
	}
	if err := c.ownRequests(); err != nil {
		return err
	}
	c.setReady()
	return nil
}

// join opens the gateway's ring at its last snapshot.
func (c *Client) join() (err error) {
	c.out, err = ring.Open(c.cfg.Gateway, ring.Options{
		Dir: c.cfg.Dir, Owner: c.cfg.Owner, From: ring.FromMark, Rejoin: ring.RejoinMark,
	})
	if err != nil {
		c.out = nil // and not a pointer to one that is closed
		return err
	}
	if schema, _ := c.out.Schema(); schema != Schema {
		c.leave()
		return fmt.Errorf("%w: ring %q carries %q, and a gateway's carries %q", ring.ErrSchema, c.cfg.Gateway, schema, Schema)
	}
	c.poller.Add(c.out, 0)
	return nil
}

// catchUp reads what the gateway's ring has when it is called.
func (c *Client) catchUp() error {
	info, err := ring.Stat(c.cfg.Dir, c.cfg.Gateway)
	if err != nil {
		return err
	}
	for {
		sub, msg, st := c.poller.Next()
		switch st {
		case ring.Message:
			c.frame(sub.Seq(), MsgType(sub.Type()), msg)
			if c.broken != nil {
				return c.broken
			}
			if sub.Seq() >= info.Last {
				return nil
			}
		case ring.Gap:
			c.lapped()
		case ring.Corrupt:
			return c.out.Err()
		default:
			return nil
		}
	}
}

// ownRequests reads the strategy's own ring: the requests that the gateway has not judged
// yet, which it keeps as the gateway's gate, and the last ClOrdID, of those and of some
// before.
func (c *Client) ownRequests() error {
	c.goOnAbove()
	end := c.pub.Seq()
	if end == 0 {
		return nil
	}
	judged := c.vector()
	own, err := ring.Open(c.pub.Name(), ring.Options{Dir: c.cfg.Dir, From: ring.FromSeq, Seq: 1})
	if err != nil {
		return err
	}
	defer own.Close()
	for {
		msg, st := own.Next()
		switch st {
		case ring.Message:
			r, ok := AsRequest(msg)
			if ok && !r.ByGateway() {
				c.last = max(c.last, r.ClOrdID)
			}
			if own.Seq() > judged {
				if !ok {
					r = new(Request) // somebody else's; it has its place in the queue
				}
				c.unjudged.push(own.Seq(), MsgType(own.Type()), r)
			}
			if own.Seq() >= end {
				return nil
			}
		case ring.Gap: // judged long ago
		case ring.Corrupt:
			return own.Err()
		default:
			return fmt.Errorf("%w: ring %q ends at message %d and not at %d", ring.ErrCorrupt, own.Name(), own.Seq(), end)
		}
	}
}

// goOnAbove takes over the last ClOrdID that the gateway knows. If the strategy's ring was made
// anew it may know none; those of open orders are not to be used again even so.
func (c *Client) goOnAbove() {
	if s := c.state.Session(c.cfg.Strategy); s != nil {
		c.last = max(c.last, s.LastClOrdID)
	}
	for i := range c.state.Orders() {
		o := &c.state.Orders()[i]
		c.last = max(c.last, o.ClOrdID, o.Pending.ClOrdID&^GatewayBit)
	}
}

// lapped begins anew with the next snapshot, when messages of the gateway's ring were lost.
func (c *Client) lapped() {
	first, last := c.out.Gap()
	if c.synced || c.lost == nil {
		c.lost = fmt.Errorf("order: messages %d to %d of ring %q had left the ring before they were read", first, last, c.cfg.Gateway)
	}
	c.unsync()
}

// rejoin begins anew with another ring of the gateway's name.
func (c *Client) rejoin() {
	c.lost = fmt.Errorf("order: ring %q was made anew", c.cfg.Gateway)
	c.resync = 0
	c.unsync()
	c.leave() // the next look finds the new one
	c.looked -= c.every
}

func (c *Client) unsync() {
	c.synced, c.loading = false, false
	c.setReady()
}

// load takes in a message while the client waits for a snapshot, or reads one. It says
// whether there is an event.
func (c *Client) load(seq uint64, typ MsgType, msg []byte) bool {
	if !c.loading {
		if typ != MsgCheckpoint && seq != 1 || seq <= c.resync {
			return false
		}
		c.state.Reset() // not before: until then the old one is good for cancels
		c.loading = true
	}
	if err := c.state.Apply(seq, typ, msg); err != nil {
		return c.illegal(seq, typ, err)
	}
	if !c.state.Ready() {
		return false
	}
	c.synced, c.loading, c.broken = true, false, nil
	c.setReady()
	c.unjudged.judged(c.vector())
	c.goOnAbove()
	e := c.tell(EventResync, seq)
	e.Err, c.lost = c.lost, nil
	return true
}

// illegal makes err the reason why no orders can be sent: message seq of the gateway's ring is
// what its rules forbid. What follows cannot be understood without it, but for a snapshot that
// does not depend on it. It says whether there is an event.
func (c *Client) illegal(seq uint64, typ MsgType, err error) bool {
	told := c.broken != nil
	c.broken = fmt.Errorf("order: ring %q of the gateway: %w", c.cfg.Gateway, err)
	c.resync = seq
	if c.synced && typ >= MsgCheckpoint {
		// A snapshot that is not what was understood before may be right, and not that.
		c.resync = c.state.Seq()
		c.leave()
		c.join()
	}
	c.unsync()
	c.tell(EventIllegal, seq).Err = c.broken
	return !told
}

// unreadable is for a ring of the gateway that cannot be read: it is tried again, from its last
// snapshot.
func (c *Client) unreadable(err error) *Event {
	c.broken = fmt.Errorf("order: ring %q of the gateway: %w", c.cfg.Gateway, err)
	c.leave()
	c.unsync()
	e := c.tell(EventIllegal, 0)
	e.Err = c.broken
	return e
}
