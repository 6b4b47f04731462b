// Package strategy has three strategies to learn from: a market maker, a momentum taker, and
// one that answers every tick, for measuring. Each shows how an engine embeds tickring: market
// data in through a ring and package book, orders out and executions in through [order.Client].
//
// They keep no list of their orders. The client knows every open order and every request on
// its way, also those of a process that was killed, so a strategy looks there and does what is
// missing; it need not know whether it has just been started or started again.
//
// None of them is meant to earn money.
package strategy

import (
	"errors"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// Strategy is what an engine runs. Its methods are called by one goroutine, the client's.
type Strategy interface {
	// Book is told that the book of the strategy's instrument has changed and is as it is at
	// the venue. mdSeq is the number of the message that changed it.
	//
	// An error is one that trying again later does not mend.
	Book(b *book.Book, mdSeq uint64) error
	// Event is told what became of orders and of the gateway.
	Event(e *order.Event)
}

// Trader is what the strategies have in common.
type Trader struct {
	Client      *order.Client
	SecurityID  uint32 // instrument_id of the feed
	Qty         int32  // of each order
	MaxPosition int64  // long or short
	// Skipped counts orders that were not sent: no gateway lived, or it had not caught up.
	Skipped uint64
}

// position returns what the strategy holds.
func (t *Trader) position() int64 {
	if p := t.Client.Position(t.SecurityID); p != nil {
		return p.Net
	}
	return 0
}

// working returns the open order of a side, nil if there is none; busy says that a request
// for that side is on its way, or pending, so that it is better to wait.
func (t *Trader) working(side order.Side) (o *order.Order, busy bool) {
	for _, s := range t.Client.Unjudged() {
		if r := &s.Request; r.Side == side && r.SecurityID == t.SecurityID {
			return nil, true
		}
	}
	orders := t.Client.Orders()
	for i := range orders {
		if o := &orders[i]; o.Side == side && o.SecurityID == t.SecurityID {
			return o, o.OrdStatus() != order.StatusNew && o.OrdStatus() != order.StatusPartiallyFilled
		}
	}
	return nil, false
}

// sent looks at what came of sending: what could not be sent now is skipped.
func (t *Trader) sent(_ uint64, err error) error {
	if errors.Is(err, order.ErrNoGateway) || errors.Is(err, ring.ErrBackPressure) || errors.Is(err, order.ErrPoll) {
		t.Skipped++
		return nil
	}
	return err
}

// send sends an order.
func (t *Trader) send(side order.Side, tif order.TimeInForce, price int64, qty int32, mdSeq uint64) error {
	return t.sent(t.Client.NewOrder(&order.Request{
		SecurityID:  t.SecurityID,
		Side:        side,
		OrdType:     order.Limit,
		TimeInForce: tif,
		Price:       price,
		OrderQty:    qty,
		MdSeq:       mdSeq,
	}))
}
