package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
	"github.com/tickring/tickring/ring"
)

// dealer is a venue that trades with everybody: orders that have to fill at once do, or
// expire, and some of the others fill later; it does as it is asked otherwise.
type dealer struct {
	orders map[uint64]*order.Order
	rnd    *rand.Rand
}

func (d *dealer) Recover(r venue.Recovery) error {
	d.orders = map[uint64]*order.Order{}
	for _, o := range r.Orders {
		d.orders[o.OrderID] = &o
	}
	return nil
}

func (d *dealer) MdSeq() uint64                     { return 0 }
func (d *dealer) Turn(*venue.Reports) (bool, error) { return false, nil }

func (d *dealer) find(r *order.Request) *order.Order {
	for _, o := range d.orders {
		if o.Strategy == r.Origin.Ring && o.ClOrdID == r.OrigClOrdID {
			return o
		}
	}
	return nil
}

func (d *dealer) report(out *venue.Reports, o *order.Order, exec order.ExecType, status order.OrdStatus, qty int32) {
	er := order.ExecutionReport{ClOrdID: o.ClOrdID, OrderID: o.OrderID, SecurityID: o.SecurityID, Strategy: o.Strategy, Side: o.Side,
		ExecType: exec, OrdStatus: status, LastQty: qty}
	if o.CumQty += qty; qty > 0 {
		er.LastPx = o.Price
	}
	if er.CumQty = o.CumQty; status.Open() {
		er.LeavesQty = o.OrderQty - o.CumQty
	} else {
		delete(d.orders, o.OrderID)
	}
	out.Report(er)
}

func (d *dealer) Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *venue.Reports) error {
	if typ == order.MsgNewOrderSingle {
		o := &order.Order{OrderID: seq, ClOrdID: r.ClOrdID, SecurityID: r.SecurityID, Strategy: r.Origin.Ring, Side: r.Side, Price: r.Price, OrderQty: r.OrderQty}
		d.orders[seq] = o
		d.report(out, o, order.ExecNew, order.StatusNew, 0)
		switch {
		case r.TimeInForce == order.IOC && d.rnd.IntN(2) == 0:
			d.report(out, o, order.ExecExpired, order.StatusExpired, 0)
		case r.TimeInForce == order.IOC || d.rnd.IntN(4) == 0:
			d.report(out, o, order.ExecTrade, order.StatusFilled, o.OrderQty)
		}
		return nil
	}
	o := d.find(r)
	if o == nil {
		kind := order.ToCancel
		if typ == order.MsgOrderCancelReplaceRequest {
			kind = order.ToReplace
		}
		out.CancelReject(order.OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, SecurityID: r.SecurityID, Strategy: r.Origin.Ring,
			OrdStatus: order.StatusRejected, CxlRejReason: order.CxlTooLate, CxlRejResponseTo: kind})
		return nil
	}
	o.ClOrdID = r.ClOrdID
	if typ == order.MsgOrderCancelRequest {
		d.report(out, o, order.ExecCanceled, order.StatusCanceled, 0)
		return nil
	}
	o.Price, o.OrderQty = r.Price, r.OrderQty
	d.report(out, o, order.ExecReplaced, order.StatusNew, 0)
	return nil
}

const testLimits = `
defaults: {max_qty: 100, max_notional: none, max_position: 50, max_orders: 20, collar_ppm: none, rate: none}
instruments: {others: {}}
`

// market has a gateway and a venue on the host. The venue trades until the test ends.
func (h *host) market(gateway ...string) *process {
	h.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := venue.Run(ctx, venue.Config{Dir: h.dir, Name: "vx", Gateway: "gw", Capacity: 1 << 20}, &dealer{rnd: rand.New(rand.NewPCG(1, 2))})
		done <- err
	}()
	h.Cleanup(func() {
		cancel()
		<-done
	})
	p := h.start(append([]string{"gateway", "gw", "--venue", "vx", "--md", "md", "--limits", h.write("limits.yaml", []byte(testLimits)), "--capacity", "1MiB"}, gateway...)...)
	h.stat("gw", func(i ring.Info) bool { return i.Publisher == ring.Live })
	return p
}

// journal folds the gateway's ring.
func (h *host) journal() *order.State {
	h.Helper()
	info, err := ring.Stat(h.dir, "gw")
	if err != nil {
		h.Fatal(err)
	}
	sub, err := ring.Open("gw", ring.Options{Dir: h.dir, From: ring.FromMark})
	if err != nil {
		h.Fatal(err)
	}
	defer sub.Close()
	s := order.NewState(order.Bounds{})
	if err := order.Recover(sub, s, info.Last); err != nil {
		h.Fatal(err)
	}
	return s
}

func TestStrategies(t *testing.T) {
	h := newHost(t)
	h.market()
	file, _ := h.itchFile("day.itch50", 30_000)
	kinds := []string{"maker", "taker", "echo"}
	var running []*process
	for i, kind := range kinds {
		running = append(running, h.start("strategy", kind, "--gateway", "gw", "--id", strconv.Itoa(i+1), "--md", "md", "--until-closed", "--history", "--json", "--patience", patience.String()))
	}
	for i := range kinds { // they are there before the market opens
		h.stat(order.InputRing("gw", uint16(i+1)), func(i ring.Info) bool { return i.Publisher == ring.Live })
	}
	h.run("replay", file, "--ring", "md", "--rate", "50000").want(exitOK)
	for i, p := range running {
		var r strategyReport
		p.want(exitOK).json(&r)
		s := h.journal()
		pos := s.Position(uint16(i+1), r.Instrument)
		if pos == nil {
			pos = new(order.Position)
		}
		if r.Strategy != kinds[i] || r.Ticks == 0 || r.Orders == 0 || r.Open != 0 || r.Unjudged != 0 || r.Illegal != 0 || r.Position != pos.Net || r.Bought != pos.Bought {
			t.Errorf("%+v\nthe gateway has it that the position is %+v", r, pos)
		}
		var ended uint64
		for _, n := range r.States {
			ended += n
		}
		if session := s.Session(uint16(i + 1)); ended != r.Orders || r.Forwarded != session.Forwarded || r.Refused != session.Refused || r.Fills != session.Fills || session.Open != 0 {
			t.Errorf("%d of %d orders ended; %+v; the gateway has it that %+v", ended, r.Orders, r, session)
		}
		if r.OrderToExecution.Count == 0 || r.Profit == nil {
			t.Errorf("%+v", r)
		}
	}
}

// A strategy that is killed and started again knows its open orders and its position.
func TestStrategyKilled(t *testing.T) {
	h := newHost(t)
	h.market()
	file, _ := h.itchFile("day.itch50", 30_000)
	args := []string{"strategy", "maker", "--gateway", "gw", "--id", "9", "--md", "md", "--until-closed", "--history", "--keep-orders", "--patience", patience.String()}
	p := h.start(args...)
	feed := h.start("replay", file, "--ring", "md", "--rate", "10000", "--json")
	for range 3 {
		info := h.stat(order.InputRing("gw", 9), func(i ring.Info) bool { return i.Publisher == ring.Live })
		h.stat(order.InputRing("gw", 9), func(i ring.Info) bool { return i.Last >= info.Last+5 || ended(p) })
		if !ended(p) { // or killed afterwards: no matter
			_ = p.cmd.Process.Kill()
		}
		p.end()
		p = h.start(args...)
	}
	feed.want(exitOK)
	p.want(exitOK)
	s := h.journal()
	if session := s.Session(9); session == nil || session.Open != 0 || len(s.Orders()) != 0 || session.Forwarded == 0 {
		t.Errorf("%+v, orders %+v", session, s.Orders())
	}
}

func ended(p *process) bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func TestStrategyBadFlags(t *testing.T) {
	h := newHost(t)
	for _, args := range [][]string{
		{"maker"},
		{"maker", "--gateway", "gw", "--md", "md"},
		{"maker", "--gateway", "gw", "--md", "md", "--id", "0"},
		{"maker", "--gateway", "gw", "--md", "md", "--id", "70000"},
		{"maker", "--gateway", "..", "--md", "md", "--id", "1"},
		{"maker", "--gateway", "gw", "--md", "md", "--id", "1", "--qty", "0"},
		{"taker", "--gateway", "gw", "--md", "md", "--id", "1", "--threshold", "-1"},
		{"echo", "--gateway", "gw", "--md", "md", "--id", "1", "--max-position", "1"},
		{"maker", "--gateway", "gw", "--md", "md", "--id", "1", "--ttl", "-1s"},
		{"nonsense"},
	} {
		h.run(append([]string{"strategy"}, args...)...).want(exitUsage)
	}
	// Another process has the number.
	first := h.start("strategy", "echo", "--gateway", "gw", "--md", "md", "--id", "1")
	h.stat(order.InputRing("gw", 1), func(i ring.Info) bool { return i.Publisher == ring.Live })
	h.run("strategy", "maker", "--gateway", "gw", "--md", "md", "--id", "1").want(exitError).sentence("strategy runs already")
	first.signal(syscall.SIGTERM)
	first.want(exitOK)
}
