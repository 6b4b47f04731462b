//go:build linux

package strategy_test

import (
	"testing"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/strategy"
)

const (
	newOrder = order.MsgNewOrderSingle
	replace  = order.MsgOrderCancelReplaceRequest
	cancel   = order.MsgOrderCancelRequest
)

func trader(d *desk) strategy.Trader {
	return strategy.Trader{Client: d.client, SecurityID: security, Qty: 2, MaxPosition: 3}
}

func TestMaker(t *testing.T) {
	d, f := openDesk(t.TempDir()), &feed{}
	defer func() { d.close() }()
	m := &strategy.Maker{Trader: trader(d)}
	d.work(m)
	book := func(bid, ask float64) {
		t.Helper()
		if err := m.Book(f.quote(bid, ask), f.seq); err != nil {
			t.Fatal(err)
		}
	}
	book(100, 101)
	book(100, 102) // its answers are still to come
	check(t, "both sides", d.work(m), want{newOrder, order.Buy, 100}, want{newOrder, order.Sell, 101})
	book(100, 102)
	check(t, "the ask moves", d.work(m), want{replace, order.Sell, 102})
	book(100, 102)
	check(t, "nothing moves", d.work(m))
	book(103, 102)
	check(t, "a crossed book is no market", d.work(m), want{cancel, order.Buy, 0}, want{cancel, order.Sell, 0})
	book(100, 101)
	check(t, "there is one again", d.work(m), want{newOrder, order.Buy, 100}, want{newOrder, order.Sell, 101})

	// Another process goes on with the same orders.
	d.client.Close()
	d.dial()
	m = &strategy.Maker{Trader: trader(d)}
	book(101, 103)
	check(t, "started again", d.work(m), want{replace, order.Buy, 101}, want{replace, order.Sell, 103})

	for i := range d.state.Orders() {
		if o := &d.state.Orders()[i]; o.Side == order.Buy {
			d.fill(o)
			break
		}
	}
	d.work(m)
	book(101, 103)
	check(t, "long 2 of at most 3: no bid for 2 more", d.work(m))

	d.refuse = true
	m.MaxPosition = 10
	book(101, 103)
	check(t, "a bid that is refused", d.work(m), want{newOrder, order.Buy, 101})
	book(101, 103)
	check(t, "is not tried again", d.work(m))
	book(100, 103)
	check(t, "but at another price", d.work(m), want{newOrder, order.Buy, 100})
}

func TestTaker(t *testing.T) {
	d, f := openDesk(t.TempDir()), &feed{}
	defer d.close()
	s := &strategy.Taker{Trader: trader(d), Window: 4, Threshold: unit / 2}
	trade := func(price float64) {
		t.Helper()
		f.quote(price-1, price+1)
		if err := s.Book(f.trade(price), f.seq); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		trade(100)
	}
	check(t, "a calm market", d.work(s))
	trade(103)
	check(t, "trades run ahead", d.work(s), want{newOrder, order.Buy, 104})
	if o := d.state.Orders()[0]; o.TimeInForce != order.IOC || o.OrderQty != 2 || o.MdSeq != f.seq {
		t.Errorf("%+v", o)
	}
	trade(105)
	check(t, "one order at a time", d.work(s))
	d.fill(&d.state.Orders()[0])
	d.work(s)
	trade(107)
	check(t, "up to the largest position", d.work(s), want{newOrder, order.Buy, 108})
	if o := d.state.Orders()[0]; o.OrderQty != 1 {
		t.Errorf("%+v", o)
	}
	d.fill(&d.state.Orders()[0])
	d.work(s)
	trade(109)
	check(t, "and no further", d.work(s))
	trade(90)
	check(t, "out again", d.work(s), want{newOrder, order.Sell, 89})
}

func TestEcho(t *testing.T) {
	d, f := openDesk(t.TempDir()), &feed{}
	e := &strategy.Echo{Trader: trader(d)}
	d.work(e)
	for _, q := range [][2]float64{{100, 101}, {102, 101}, {99, 100}} {
		if err := e.Book(f.quote(q[0], q[1]), f.seq); err != nil {
			t.Fatal(err)
		}
	}
	check(t, "every book that is a market", d.work(e), want{newOrder, order.Buy, 100}, want{newOrder, order.Buy, 99})
	// Without a gateway orders are skipped, and nothing else happens.
	d.close()
	d.client.Close()
	client, err := order.Dial(order.ClientConfig{Gateway: "gw", Strategy: 7, Dir: d.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	e.Client = client
	if err := e.Book(f.quote(100, 101), f.seq); err != nil || e.Skipped != 1 {
		t.Errorf("%v, %d skipped", err, e.Skipped)
	}
}
