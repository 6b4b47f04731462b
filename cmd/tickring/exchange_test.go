package main

import (
	"os"
	"syscall"
	"testing"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// everything is limits that refuse nothing.
const everything = `
defaults:
  max_qty: none
  max_notional: none
  max_position: none
  max_orders: none
  collar_ppm: none
  rate: none
instruments:
  others: {}
`

// desk is a strategy that is alone in the market.
type desk struct {
	*host
	c *order.Client
}

// until polls until the strategy is told this of a request, and returns the event.
func (d *desk) until(clOrdID uint64, kind order.EventKind) order.Event {
	d.Helper()
	var got order.Event
	d.host.until(func() bool {
		for {
			e := d.c.Poll()
			if e == nil {
				return false
			}
			if e.Kind == order.EventIllegal {
				d.Fatal(e.Err)
			}
			if e.ClOrdID == clOrdID && e.Kind == kind {
				got = *e
				return true
			}
		}
	})
	return got
}

func (d *desk) send(side order.Side, typ order.OrdType, price int64, qty int32) uint64 {
	d.Helper()
	id, err := d.c.NewOrder(&order.Request{SecurityID: 7, Side: side, OrdType: typ, TimeInForce: order.Day, Price: price, OrderQty: qty})
	if err != nil {
		d.Fatal(err)
	}
	return id
}

func TestExchange(t *testing.T) {
	h := newHost(t)
	limits := h.write("limits.yaml", []byte(everything))
	md, err := ring.Create("md", ring.Config{Dir: h.dir, Capacity: 1 << 20, Schema: dbnKind{version: dbn.MaxVersion, schema: dbn.SchemaMbo}.String()})
	if err != nil {
		t.Fatal(err)
	}
	defer md.Close()
	show := func(action dbn.Action, id uint64, side dbn.Side, price int64, size uint32) {
		t.Helper()
		m := dbn.MboMsg{RecordHeader: dbn.RecordHeader{Length: dbn.MboSize / 4, RType: dbn.RTypeMbo, InstrumentID: 7, PublisherID: 1},
			OrderID: id, Price: price, Size: size, Action: action, Side: side, Flags: dbn.FlagLast, TsRecv: 1}
		if err := md.Publish(uint16(dbn.RTypeMbo), m.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	show(dbn.ActionAdd, 1, dbn.SideBid, 99, 5)
	show(dbn.ActionAdd, 2, dbn.SideAsk, 101, 5)

	gateway := h.start("gateway", "gw", "--venue", "sim", "--limits", limits, "--md", "md", "--json")
	x := h.start("exchange", "sim", "--gateway", "gw", "--md", "md", "--json")
	x.await("the gateway is up")
	c, err := order.Dial(order.ClientConfig{Gateway: "gw", Strategy: 3, Dir: h.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := &desk{h, c}
	h.until(func() bool { c.Poll(); return c.Ready() && c.Gateway() == ring.Live })

	if e := d.until(d.send(order.Buy, order.Limit, 101, 3), order.EventFill); e.LastQty != 3 || e.LastPx != 101 {
		t.Errorf("a fill of %d at %d", e.LastQty, e.LastPx)
	}
	rests := d.send(order.Buy, order.Limit, 99, 4)
	d.until(rests, order.EventNew)
	show(dbn.ActionTrade, 0, dbn.SideAsk, 98, 3)
	if e := d.until(rests, order.EventFill); e.LastQty != 3 || e.LastPx != 99 {
		t.Errorf("a fill of %d at %d", e.LastQty, e.LastPx)
	}
	// Killed, it knows the order again.
	x.signal(syscall.SIGKILL)
	<-x.done
	x = h.start("exchange", "sim", "--gateway", "gw", "--md", "md", "--json")
	canceled, err := c.Cancel(rests, 0)
	if err != nil {
		t.Fatal(err)
	}
	d.until(canceled, order.EventCanceled)
	if e := d.until(d.send(order.Sell, order.Market, 0, 9), order.EventFill); e.LastQty != 5 || e.LastPx != 99 {
		t.Errorf("a fill of %d at %d", e.LastQty, e.LastPx)
	}
	if len(c.Orders()) != 0 {
		h.until(func() bool { c.Poll(); return len(c.Orders()) == 0 })
	}
	if p := c.Position(7); p.Net != 1 {
		t.Errorf("position %d, want 3 + 3 - 5", p.Net)
	}

	x.signal(os.Interrupt)
	var r exchangeReport
	x.want(0).json(&r)
	if r.Requests != 2 || r.Recovered != 1 || r.Fills != 1 || r.Open != 0 || r.Canceled[""] != 1 ||
		r.Expired[order.TextNoLiquidity.String()] != 1 || r.Md.Last != 3 || r.Md.Anomalies != 0 {
		t.Errorf("%+v", r)
	}
	gateway.signal(os.Interrupt)
	var g gatewayReport
	gateway.want(0).json(&g)
	if g.Forwarded != 4 || g.Illegal != 0 || g.Open != 0 || g.Unanswered != 0 {
		t.Errorf("%+v", g)
	}
}

func TestExchangeUsage(t *testing.T) {
	h := newHost(t)
	h.run("exchange", "sim", "--gateway", "gw").want(2).sentence("md")
	h.run("exchange", "sim", "--gateway", "sim", "--md", "md").want(2).sentence("own gateway")
	h.run("exchange", "sim", "--gateway", "gw", "--md", "md", "--day-ends", "25h").want(2).sentence("24h")
	h.run("exchange", "sim", "--gateway", "gw", "--md", "sim").want(2).sentence("another name")
	day, err := ring.Create("day", ring.Config{Dir: h.dir, Capacity: 1 << 20, Schema: "dbn3/mbo"})
	if err != nil {
		t.Fatal(err)
	}
	day.Close()
	h.run("exchange", "day", "--gateway", "gw", "--md", "md").want(2).sentence("day", "dbn3/mbo", "another name")
}
