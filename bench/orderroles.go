package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/order"
	strategies "github.com/tickring/tickring/order/strategy"
	"github.com/tickring/tickring/ring"
)

// Names of the rings, and what is traded.
const (
	orderMd       = "md"
	orderGateway  = "gw"
	orderStrategy = 1
	orderSecurity = 1
	orderTicks    = 250_000_000 // the instrument's tick: 0.25
)

// desk is the publisher of market data and the gateway in one: it publishes a tick and waits
// for the order, as a gateway does, in a poller. Then it forwards the order and reports that it
// has expired, so that the strategy's client has all of its work to do.
type desk struct {
	dir    string
	md, gw *ring.Publisher
	in     *ring.Subscriber
	poll   ring.Poller
	state  *order.State
	venue  uint32 // reports so far
	n      uint64 // ticks so far
	tick   dbn.MboMsg
	msgs   []ring.Outgoing
	gone   *atomic.Bool
}

func openDesk(dir string, capacity uint64) (d *desk, err error) {
	d = &desk{dir: dir, state: order.NewState(order.Bounds{})}
	d.tick.Length, d.tick.RType, d.tick.InstrumentID = dbn.MboSize/4, dbn.RTypeMbo, orderSecurity
	d.tick.Flags = dbn.FlagLast
	if d.md, err = ring.Create(orderMd, ring.Config{Dir: dir, Capacity: capacity, Schema: "dbn3/mbo"}); err != nil {
		return nil, err
	}
	// Without a heart: where both CPUs are taken by who spins, it would stop, and the strategy
	// not send to a gateway that hangs.
	if d.gw, err = ring.Create(orderGateway, ring.Config{Dir: dir, Capacity: capacity, Schema: order.Schema, Heartbeat: -1}); err == nil {
		err = d.checkpoint()
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *desk) close() {
	for _, p := range []*ring.Publisher{d.md, d.gw} {
		if p != nil {
			p.Close()
		}
	}
	if d.in != nil {
		d.in.Close()
	}
}

// find opens the ring of the strategy, and says so.
func (d *desk) find() (err error) {
	d.in, err = ring.Open(order.InputRing(orderGateway, orderStrategy), ring.Options{Dir: d.dir, Name: orderGateway, NoHistogram: true})
	if err != nil {
		return err
	}
	d.poll.Add(d.in, 0)
	for _, ss := range []order.SessionStatus{
		{RingID: d.in.RingID(), Epoch: d.in.Epoch(), Ring: orderStrategy, Status: order.SessionUp},
		{RingID: 1, Epoch: 1, Ring: order.RingVenue, Status: order.SessionUp},
	} {
		if err := d.say(order.MsgSessionStatus, ss.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) checkpoint() error {
	d.msgs = d.state.AppendCheckpoint(d.msgs[:0], d.gw.MaxMessage())
	err := d.gw.PublishSnapshot(d.msgs)
	d.state.Skip(len(d.msgs))
	return err
}

// say publishes a message of the gateway.
func (d *desk) say(typ order.MsgType, msg []byte) error {
	if d.gw.Room() < 2*lineSize {
		if err := d.checkpoint(); err != nil {
			return err
		}
	}
	if err := d.gw.Publish(uint16(typ), msg); err != nil {
		return err
	}
	return d.state.Apply(d.gw.Seq(), typ, msg)
}

// next makes the next tick: a book of one bid and one ask, and above that bid another one
// that comes and goes.
func (d *desk) next() {
	t := &d.tick
	d.n++
	t.OrderID, t.Size, t.Action, t.Side = 3, 1, dbn.ActionAdd, dbn.SideBid
	switch {
	case d.n == 1:
		t.OrderID, t.Price = 1, 100*orderTicks
	case d.n == 2:
		t.OrderID, t.Price, t.Side = 2, 110*orderTicks, dbn.SideAsk
	case d.n%2 == 1:
		t.Price = 101 * orderTicks
	default:
		t.Price, t.Action = 101*orderTicks, dbn.ActionCancel
	}
}

// breath is how long the desk waits with the next tick, in which the strategy reads what the
// gateway has said.
const breath = 2 * time.Microsecond

// orders publishes ticks and waits for each one's order, and stores how many ticks of the
// clock it took. It ends with errGone if the strategy does.
func (d *desk) orders(clock *tick.Clock, scale *tick.Scale, ticks []uint64) error {
	pause := scale.Ticks(uint64(breath))
	for i := range ticks {
		d.next()
		for from := clock.Now(); clock.Now()-from < pause; {
		}
		t := clock.Now()
		if err := d.md.Publish(uint16(dbn.RTypeMbo), d.tick.Bytes()); err != nil {
			return err
		}
		_, m, st := d.poll.Next()
		for polls := 1; st == ring.Empty; polls++ {
			if polls%askEvery == 0 && d.gone.Load() {
				return errGone
			}
			_, m, st = d.poll.Next()
		}
		ticks[i] = clock.Now() - t
		if st != ring.Message {
			return fmt.Errorf("ring %s: %v", d.in.Name(), st)
		}
		if err := d.answer(m); err != nil {
			return err
		}
	}
	return nil
}

// answer forwards an order, and reports its end.
func (d *desk) answer(m []byte) error {
	r, ok := order.AsRequest(m)
	if !ok || r.MdSeq != d.md.Seq() {
		return errors.New("the strategy has not answered the tick")
	}
	if err := d.say(order.MsgNewOrderSingle, m); err != nil {
		return err
	}
	o := d.state.Last()
	d.venue++
	er := order.ExecutionReport{
		ClOrdID: o.ClOrdID, OrderID: o.OrderID, Origin: order.Origin{Seq: d.venue, Epoch: 1, Ring: order.RingVenue},
		SecurityID: o.SecurityID, Strategy: o.Strategy, ExecType: order.ExecExpired, OrdStatus: order.StatusExpired, Side: o.Side,
	}
	return d.say(order.MsgExecutionReport, er.Bytes())
}

type strategistParams struct{ Dir, Lines string }

// strategist is the other process: the strategy.
func strategist(c *child) error {
	var p strategistParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return err
	}
	words, err := openLines(p.Lines, lineSize)
	if err != nil {
		return err
	}
	defer words.close()
	t := &trader{books: book.New(book.Config{})}
	if t.client, err = order.Dial(order.ClientConfig{Gateway: orderGateway, Strategy: orderStrategy, Dir: p.Dir}); err != nil {
		return err
	}
	defer t.client.Close()
	if t.md, err = ring.Open(orderMd, ring.Options{Dir: p.Dir, Name: "strategy", From: ring.FromOldest, NoHistogram: true}); err != nil {
		return err
	}
	defer t.md.Close()
	t.echo.Client, t.echo.SecurityID, t.echo.Qty = t.client, orderSecurity, 1
	t.order = order.Request{SecurityID: orderSecurity, Side: order.Buy, OrdType: order.Limit, TimeInForce: order.IOC, OrderQty: 1}
	noCollector()
	if err := c.reply(nil); err != nil {
		return err
	}
	var cmd echoCommand
	for c.next(&cmd) {
		switch cmd.Way {
		case orderLimit:
			words.pongs(cmd.N)
		default:
			if err := t.trade(cmd.N, cmd.Way == orderBook); err != nil {
				return err
			}
		}
		if err := c.reply(nil); err != nil {
			return err
		}
	}
	return nil
}

// trader answers ticks.
type trader struct {
	client *order.Client
	md     *ring.Subscriber
	books  *book.Books
	echo   strategies.Echo
	order  order.Request
}

// trade answers n ticks. All that it does between two is to read what the gateway says.
func (t *trader) trade(n int, withBook bool) error {
	for range n {
		msg, st := t.md.Next()
		for st == ring.Empty {
			for t.client.Poll() != nil {
			}
			msg, st = t.md.Next()
		}
		m, ok := dbn.AsMbo(msg)
		if st != ring.Message || !ok {
			return fmt.Errorf("ring %s: %v", t.md.Name(), st)
		}
		if !withBook {
			t.order.Price, t.order.MdSeq = m.Price, t.md.Seq()
			if _, err := t.client.NewOrder(&t.order); err != nil {
				return err
			}
			t.books.Apply(m) // it is one feed
			continue
		}
		b := t.books.Apply(m).Book
		sent := t.client.LastClOrdID()
		if err := t.echo.Book(b, t.md.Seq()); err != nil {
			return err
		}
		if t.client.LastClOrdID() == sent {
			return errors.New("the strategy has sent nothing")
		}
	}
	return nil
}
