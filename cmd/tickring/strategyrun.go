package main

import (
	"context"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/strategy"
	"github.com/tickring/tickring/ring"
)

// engine is what a strategy runs in: it reads market data, builds the book, and asks the
// strategy; it polls the client and tells the strategy.
type engine struct {
	follow   *follower
	client   *order.Client
	books    *book.Books
	book     *book.Book // of the instrument; nil until there was a record of it
	strategy strategy.Strategy
	trader   *strategy.Trader
	head     uint64 // up to this message the ring had when it was joined: history
	gaps     uint64 // that the books know of

	began     time.Time
	last      time.Time
	ticks     uint64
	o         strategyOptions
	before    order.Session // when it began
	events    [256]uint64   // by kind
	states    map[order.OrdStatus]uint64
	sent      map[order.MsgType]uint64
	filled    uint64 // quantity
	answers   answers
	tickOrder *hdrhistogram.Histogram // tick's publishing to order's
	slowest   time.Duration
}

func newEngine(f *follower, c *order.Client, o strategyOptions) *engine {
	e := &engine{
		follow: f, client: c, books: book.New(book.Config{}), o: o,
		states: map[order.OrdStatus]uint64{}, sent: map[order.MsgType]uint64{},
		answers: newAnswers(), tickOrder: hdrhistogram.New(1, int64(10*time.Second), 2),
	}
	e.strategy, e.trader = newStrategy(o)
	if s := c.Session(); s != nil {
		e.before = *s
	}
	return e
}

// run trades until there is no more market data or a signal came, and then winds down.
func (e *engine) run(ctx context.Context) error {
	err := e.follow.join(ctx)
	if err == nil {
		err = e.begin()
	}
	e.began = time.Now()
	if err == nil {
		err = e.follow.guard(func() error { return e.trade(ctx) })
	}
	e.last = time.Now()
	e.follow.leave()
	if werr := e.follow.guard(e.windDown); err == nil {
		err = werr
	}
	return err
}

// begin looks what is in the ring already: from that the book is built, and nothing is done.
func (e *engine) begin() error {
	schema, _ := e.follow.sub.Schema()
	if kind, ok := parseDBNKind(schema); !ok || kind.schema != dbn.SchemaMbo {
		return fmt.Errorf("ring %q carries %q; a strategy builds its book from dbn/mbo", e.follow.cfg.ring, schema)
	}
	info, err := ring.Stat(e.follow.cfg.dir, e.follow.cfg.ring)
	if err != nil {
		return err
	}
	if !e.o.history {
		e.head = info.Last
	}
	return nil
}

func (e *engine) trade(ctx context.Context) error {
	for {
		msg, st := e.follow.sub.Next()
		if st == ring.Message {
			e.follow.polls = 0
			if err := e.tick(msg); err != nil {
				return err
			}
			e.poll()
			if e.follow.stop.Load() {
				return nil
			}
			continue
		}
		if e.poll() && st == ring.Empty {
			continue
		}
		was := e.follow.sub
		done, err := e.follow.pause(ctx, st)
		if done || err != nil {
			return err
		}
		if e.follow.sub != was || e.follow.gaps != e.gaps {
			// What was missed could have ended any order of the book.
			e.gaps = e.follow.gaps
			e.books.Clear()
			if e.follow.sub != was {
				if err := e.begin(); err != nil {
					return err
				}
			}
		}
	}
}

// tick takes a record in, and asks the strategy if the book is one to look at.
func (e *engine) tick(msg []byte) error {
	m, ok := dbn.AsMbo(msg)
	if !ok {
		return nil // a record of another type
	}
	c := e.books.Apply(m)
	if e.book == nil && (e.trader.SecurityID == 0 || e.trader.SecurityID == m.InstrumentID) {
		e.trader.SecurityID, e.book = m.InstrumentID, c.Book
	}
	e.ticks++
	seq := e.follow.sub.Seq()
	if c.Book != e.book || !e.book.Settled() || seq <= e.head {
		return nil
	}
	last := e.client.LastClOrdID()
	err := e.strategy.Book(e.book, seq)
	if e.client.LastClOrdID() != last {
		e.answers.sent(last+1, e.client.LastClOrdID())
		if age, ok := e.follow.sub.Age(); ok {
			e.slowest = max(e.slowest, age)
			_ = e.tickOrder.RecordValue(min(max(int64(age), 1), int64(10*time.Second))) // in range
		}
		e.countSent(last)
	}
	return err
}

// countSent counts the requests above last, which were just sent.
func (e *engine) countSent(last uint64) {
	all := e.client.Unjudged()
	for i := len(all) - 1; i >= 0 && all[i].Request.ClOrdID > last; i-- {
		e.sent[all[i].Type]++
	}
}

// poll takes in what the gateway says. It is true if there was anything.
func (e *engine) poll() (any bool) {
	for ev := e.client.Poll(); ev != nil; ev = e.client.Poll() {
		any = true
		e.event(ev)
		e.strategy.Event(ev)
	}
	return any
}

func (e *engine) event(ev *order.Event) {
	e.events[ev.Kind]++
	switch ev.Kind {
	case order.EventNew, order.EventFill, order.EventReplaced, order.EventCanceled, order.EventExpired, order.EventRejected, order.EventCancelReject:
		e.answers.answered(ev.ClOrdID)
		switch {
		case ev.Order.Closed != 0:
			e.states[ev.Order.Closed]++
		case ev.Kind == order.EventRejected:
			e.states[order.StatusRejected]++
		}
		e.filled += uint64(ev.LastQty)
	case order.EventGateway:
		e.follow.note("gateway %q is %v", e.o.gateway, ev.Life)
	case order.EventKill:
		if ev.Up {
			e.follow.note("the kill switch was released")
		} else {
			e.follow.note("the kill switch was engaged")
		}
	case order.EventIllegal, order.EventLost, order.EventResync:
		if ev.Err != nil {
			e.follow.note("%v: %v", ev.Kind, ev.Err)
		}
	}
}

// windDown cancels what is open and waits until everything is answered.
func (e *engine) windDown() error {
	const again = 100 * time.Millisecond
	var asked time.Time
	for end := time.Now().Add(e.o.patience); ; {
		if !e.poll() {
			time.Sleep(100 * time.Microsecond)
		}
		if e.client.Settled() || e.client.LastClOrdID() == 0 {
			return nil
		}
		now := time.Now()
		if now.After(end) {
			return fmt.Errorf("%s still open, %s unjudged after %v: %s", text.CountOf(uint64(len(e.client.Orders())), "order", "orders"),
				text.CountOf(uint64(len(e.client.Unjudged())), "request", "requests"), e.o.patience, e.gatewayText())
		}
		if now.Sub(asked) < again {
			continue
		}
		asked = now
		e.cancelAll()
	}
}

// cancelAll cancels the open orders of which no request is pending or on its way.
func (e *engine) cancelAll() {
	if len(e.client.Unjudged()) > 0 {
		return // and perhaps makes an order, or is a cancel
	}
	orders := e.client.Orders()
	for i := range orders {
		if orders[i].Pending.Kind != order.PendingNone {
			continue
		}
		last := e.client.LastClOrdID()
		if _, err := e.client.Cancel(orders[i].ClOrdID, 0); err != nil {
			return // it is tried again
		}
		e.answers.sent(last+1, last+1)
		e.countSent(last)
	}
}

func (e *engine) gatewayText() string {
	if life := e.client.Gateway(); life != ring.Live {
		return fmt.Sprintf("the gateway is %v; what is open stays so until one comes", life)
	}
	return "the venue has not answered"
}
