package order

import "github.com/tickring/tickring/ring"

// What sends does what it must before the message is published, and all else afterwards.
// Should the process be killed in between, its successor finds the message in the ring.

// NewOrder sends a NewOrderSingle and returns its ClOrdID. Of r the caller fills in
// SecurityID, Side, OrdType, TimeInForce, Price, OrderQty and, if it likes, MdSeq, TTL and
// Flags; the client fills in the rest, in r.
//
// Whether the order is a good one is for the gateway to say: see [EventRejected].
//
// Errors: [ErrNoGateway], [ring.ErrBackPressure] if the gateway has not read what the request
// would overwrite, [ErrPoll], [ErrRequest] for nil, [ErrClosed], and that of [Client.Err].
// Nothing was sent then. They come bare, so that sending never allocates. It makes no system
// call, but as [ring.Publisher.Publish] does.
func (c *Client) NewOrder(r *Request) (clOrdID uint64, err error) {
	if r == nil {
		return 0, ErrRequest
	}
	if !c.ready {
		return 0, c.unready()
	}
	r.OrigClOrdID = 0
	if c.cfg.CancelOnDisconnect {
		r.Flags |= CancelOnDisconnect
	}
	if r.TTL == 0 {
		r.TTL = c.ttl
	}
	return c.send(MsgNewOrderSingle, r)
}

// Replace sends an OrderCancelReplaceRequest for the open order with ClOrdID orig, which can
// be one that is still on its way, and returns the request's own ClOrdID: the order's, once it
// is replaced. Of r the caller fills in Price and OrderQty, that of the whole order, and, if
// it likes, MdSeq and TTL; the client fills in the rest, in r.
//
// Errors: as NewOrder, and [ErrUnknownOrder].
func (c *Client) Replace(orig uint64, r *Request) (clOrdID uint64, err error) {
	if r == nil {
		return 0, ErrRequest
	}
	if !c.ready {
		return 0, c.unready()
	}
	if !c.identify(orig, r) {
		return 0, ErrUnknownOrder
	}
	if r.TTL == 0 {
		r.TTL = c.ttl
	}
	return c.send(MsgOrderCancelReplaceRequest, r)
}

// Cancel sends an OrderCancelRequest for the open order with ClOrdID orig, which can be one
// that is still on its way, and returns the request's own ClOrdID. mdSeq is the number of the
// market-data message that it answers, 0 for none. A cancel has no TTL.
//
// Errors: as Replace, but that of [Client.Err]: to cancel is always tried.
func (c *Client) Cancel(orig, mdSeq uint64) (clOrdID uint64, err error) {
	if !c.ready {
		if err := c.unready(); err != c.broken {
			return 0, err
		}
		if c.life != ring.Live && !c.cfg.Queue {
			return 0, ErrNoGateway
		}
	}
	var r Request
	if !c.identify(orig, &r) {
		return 0, ErrUnknownOrder
	}
	// Flags say what becomes of the order that a request makes: this makes none.
	r = Request{OrigClOrdID: r.OrigClOrdID, MdSeq: mdSeq, SecurityID: r.SecurityID, Side: r.Side}
	return c.send(MsgOrderCancelRequest, &r)
}

// identify says in r which order it is about.
func (c *Client) identify(orig uint64, r *Request) bool {
	if o := c.Order(orig); o != nil {
		r.SecurityID, r.Side, r.OrdType, r.TimeInForce, r.Flags = o.SecurityID, o.Side, o.OrdType, o.TimeInForce, o.Flags
	} else if u := c.unjudged.find(orig); u != nil {
		r.SecurityID, r.Side, r.OrdType, r.TimeInForce, r.Flags = u.SecurityID, u.Side, u.OrdType, u.TimeInForce, u.Flags
	} else {
		return false
	}
	r.OrigClOrdID = orig
	return true
}

func (c *Client) send(typ MsgType, r *Request) (uint64, error) {
	if c.unjudged.full() {
		return 0, ErrPoll
	}
	seq := c.pub.Seq() + 1
	r.ClOrdID = c.last + 1
	r.Origin = Origin{Seq: uint32(seq), Epoch: c.epoch, Ring: c.cfg.Strategy}
	if err := c.pub.Publish(uint16(typ), r.Bytes()); err != nil {
		return 0, err
	}
	c.last++
	c.unjudged.push(seq, typ, r)
	return r.ClOrdID, nil
}

// unready says why nothing can be sent.
func (c *Client) unready() error {
	switch {
	case c.closed:
		return ErrClosed
	case c.broken != nil:
		return c.broken
	}
	return ErrNoGateway
}

// setReady decides whether requests can be sent.
func (c *Client) setReady() {
	alive := c.synced && c.life == ring.Live
	c.ready = !c.closed && c.broken == nil && (alive || c.cfg.Queue)
}
