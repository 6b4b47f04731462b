package main

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// ledger writes a gateway's ring, message by message.
type ledger struct {
	*host
	pub *ring.Publisher
	st  *order.State
}

func (h *host) newLedger(name string) *ledger {
	h.Helper()
	pub, err := ring.Create(name, ring.Config{Dir: h.dir, Capacity: 256 << 10, Schema: order.Schema})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { pub.Close() })
	return &ledger{h, pub, order.NewState(order.Bounds{})}
}

// put publishes a message and returns its number.
func (d *ledger) put(typ order.MsgType, msg []byte) uint64 {
	d.Helper()
	if err := d.st.Apply(d.pub.Seq()+1, typ, msg); err != nil {
		d.Fatal(err)
	}
	if err := d.pub.Publish(uint16(typ), msg); err != nil {
		d.Fatal(err)
	}
	return d.pub.Seq()
}

func (d *ledger) checkpoint() {
	d.Helper()
	msgs := d.st.AppendCheckpoint(nil, d.pub.MaxMessage())
	if err := d.pub.PublishSnapshot(msgs); err != nil {
		d.Fatal(err)
	}
	d.st.Skip(len(msgs))
}

func (d *ledger) up(n uint16) {
	ss := order.SessionStatus{RingID: 5, Epoch: 3, Ring: n, Status: order.SessionUp}
	d.put(order.MsgSessionStatus, ss.Bytes())
}

// request forwards a request of a strategy.
func (d *ledger) request(typ order.MsgType, strategy uint16, r order.Request) uint64 {
	r.Origin = d.origin(strategy)
	return d.put(typ, r.Bytes())
}

func (d *ledger) origin(n uint16) order.Origin {
	return order.Origin{Seq: uint32(d.st.Session(n).Seq) + 1, Epoch: 3, Ring: n}
}

// report passes a report of the venue on for the order with this ClOrdID.
func (d *ledger) report(strategy uint16, clOrdID uint64, exec order.ExecType, status order.OrdStatus, qty int32, px int64) uint64 {
	o := d.st.Order(strategy, clOrdID)
	er := order.ExecutionReport{ClOrdID: clOrdID, OrderID: o.OrderID, LastPx: px, LastQty: qty, CumQty: o.CumQty + qty, LeavesQty: o.OrderQty - o.CumQty - qty,
		SecurityID: o.SecurityID, Strategy: strategy, Side: o.Side, ExecType: exec, OrdStatus: status, Origin: d.origin(order.RingVenue)}
	if exec == order.ExecOrderStatus {
		er.Text = order.TextInDoubt
	}
	return d.put(order.MsgExecutionReport, er.Bytes())
}

// trade is a day with a checkpoint in it.
func (d *ledger) trade() {
	d.up(order.RingVenue)
	d.up(order.RingOperator)
	d.up(7)
	d.up(2)
	limit := order.Request{ClOrdID: 10, MdSeq: 44, Price: 4821_250000000, OrderQty: 5, SecurityID: 206222, Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GTC}
	d.request(order.MsgNewOrderSingle, 7, limit)
	d.report(7, 10, order.ExecNew, order.StatusNew, 0, 0)
	d.report(7, 10, order.ExecTrade, order.StatusPartiallyFilled, 1, 4821_000000000)
	d.checkpoint()
	d.report(7, 10, order.ExecTrade, order.StatusPartiallyFilled, 2, 4820_500000001)
	limit.ClOrdID, limit.Side, limit.Price, limit.TimeInForce = 11, order.Sell, -1_500000000, order.Day
	d.request(order.MsgNewOrderSingle, 7, limit)
	d.report(7, 11, order.ExecOrderStatus, order.StatusPendingNew, 0, 0)
	d.request(order.MsgOrderCancelRequest, 7, order.Request{ClOrdID: 12, OrigClOrdID: 10, SecurityID: 206222, Side: order.Buy})
	er := order.ExecutionReport{ClOrdID: 13, Strategy: 7, ExecType: order.ExecRejected, OrdStatus: order.StatusRejected, OrdRejReason: order.RejExceedsLimit,
		Text: order.TextMaxQty, SecurityID: 206222, Side: order.Buy, Origin: d.origin(7)}
	d.put(order.MsgExecutionReport, er.Bytes())
	cr := order.OrderCancelReject{ClOrdID: 1, OrigClOrdID: 9, Strategy: 2, Text: order.TextUnknownOrder, OrdStatus: order.StatusRejected,
		CxlRejReason: order.CxlUnknownOrder, CxlRejResponseTo: order.ToReplace, Origin: d.origin(2)}
	d.put(order.MsgOrderCancelReject, cr.Bytes())
	br := order.BusinessMessageReject{Text: order.TextIllegal, RefMsgType: order.MsgExecutionReport, Origin: d.origin(order.RingVenue)}
	d.put(order.MsgBusinessMessageReject, br.Bytes())
	k := order.KillSwitch{Strategy: 2, Engaged: 1, Cancel: 1, Origin: d.origin(order.RingOperator)}
	d.put(order.MsgKillSwitch, k.Bytes())
}

func TestOrders(t *testing.T) {
	h := newHost(t)
	h.run("orders", "gw").want(exitError).sentence("gw", "tickring ls")
	d := h.newLedger("gw")
	var r ordersReport
	h.run("orders", "gw", "--json").want(exitOK).json(&r)
	if r.Seq != 0 || len(r.Strategies) != 0 {
		t.Errorf("of nothing: %+v", r)
	}
	d.trade()
	before := h.snapshot()
	h.run("orders", "gw", "--json").want(exitOK).json(&r)
	if r.Seq != d.pub.Seq() || r.Publisher != "live" || r.InDoubt != 1 || r.Unanswered != 1 || len(r.Strategies) != 2 || r.Venue == nil || r.Venue.Illegal != 1 {
		t.Fatalf("%+v", r)
	}
	two, seven := r.Strategies[0], r.Strategies[1]
	if two.Strategy != 2 || two.Killed != "stopped and canceled" || two.Refused != 1 || len(two.Orders) != 0 {
		t.Errorf("%+v", two)
	}
	if seven.Strategy != 7 || seven.Status != "up" || seven.Forwarded != 3 || seven.Refused != 1 || seven.Fills != 2 || seven.LastClOrdID != 13 || len(seven.Orders) != 2 {
		t.Fatalf("%+v", seven)
	}
	want := positionReport{206222, 3, 3, 0, 4, 5, "-14462.000000002"}
	want.OpenBuy = 2
	if len(seven.Positions) != 1 || seven.Positions[0] != want {
		t.Errorf("%+v, want %+v", seven.Positions, want)
	}
	o := seven.Orders[0]
	if o.ClOrdID != 10 || o.OrdStatus != "PendingCancel" || o.Pending != 12 || o.CumQty != 3 || o.LeavesQty != 2 || o.AvgPx.String() != "4820.666666667" || o.Price.String() != "4821.25" || o.MdSeq != 44 {
		t.Errorf("%+v", o)
	}
	if o := seven.Orders[1]; !o.InDoubt || o.OrdStatus != "PendingNew" || o.AvgPx != nil || o.Price.String() != "-1.50" || o.Side != "Sell" {
		t.Errorf("%+v", o)
	}
	text := h.run("orders", "gw").want(exitOK).stdout.String()
	for _, w := range []string{"gw, live, as of message", "2 orders, 1 request unanswered, 1 in doubt", "strategy 2: up, stopped and canceled", "PendingNew?", "-14462.000000002", "4820.666666667", "1 illegal"} {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
	if text := h.run("orders", "gw", "--strategy", "2").want(exitOK).stdout.String(); strings.Contains(text, "strategy 7") || !strings.Contains(text, "strategy 2") {
		t.Errorf("strategy 2 only:\n%s", text)
	}
	h.run("orders", "gw", "--strategy", "3").want(exitError).sentence("never seen strategy 3")
	h.run("orders", "gw", "--strategy", "65500").want(exitUsage)
	if after := h.snapshot(); after != before {
		t.Errorf("looking has changed something:\n%s\n%s", before, after)
	}
	path, _, _ := h.mboFile("session.dbn", 10)
	h.replay(path, "--ring", "feed")
	for _, cmd := range []string{"orders", "executions"} {
		h.run(cmd, "feed").want(exitError).sentence("is no gateway's", "dbn3/mbo")
	}
	// A ring that contradicts itself is no state.
	er := order.ExecutionReport{ClOrdID: 99, Strategy: 7, OrderID: 99, ExecType: order.ExecTrade, Origin: d.origin(order.RingVenue)}
	if err := d.pub.Publish(uint16(order.MsgExecutionReport), er.Bytes()); err != nil {
		t.Fatal(err)
	}
	h.run("orders", "gw").want(exitError).sentence("contradicts itself", "no such open order")
}

func TestExecutions(t *testing.T) {
	h := newHost(t)
	h.run("executions", "gw", "--once").want(exitError).sentence("gw", "tickring ls")
	follow := h.start("executions", "gw", "--until-closed", "--name", "drop", "--json", "--requests")
	follow.await("waiting for it")
	d := h.newLedger("gw")
	d.trade()
	once := h.run("executions", "gw", "--once").want(exitOK).stdout.String()
	lines := strings.Split(strings.TrimSpace(once), "\n")
	for i, words := range []string{
		"venue up, epoch 3", "operator up, epoch 3", "strategy 7 up, epoch 3", "strategy 2 up, epoch 3",
		"strategy 7 New New Buy order 5 ClOrdID 10 cum 0 leaves 5 instrument 206222",
		"strategy 7 Trade PartiallyFilled Buy 1 @ 4821.00 order 5 ClOrdID 10 cum 1 leaves 4 instrument 206222",
		"strategy 7 Trade PartiallyFilled Buy 2 @ 4820.500000001 order 5 ClOrdID 10 cum 3 leaves 2",
		"strategy 7 OrderStatus PendingNew Sell order",
		"strategy 7 Rejected Rejected Buy ClOrdID 13 instrument 206222: OrderQty above the limit",
		"strategy 2 OrderCancelReject of Replace, Rejected ClOrdID 1 OrigClOrdID 9: no such open order",
		"venue BusinessMessageReject of ExecutionReport: the venue's report does not fit the order",
		"strategy 2 stopped by kill switch, open orders canceled",
	} {
		if i >= len(lines) || !strings.Contains(lines[i], words) {
			t.Fatalf("line %d is not %q in\n%s", i, words, once)
		}
	}
	if len(lines) != 12 {
		t.Errorf("%d lines:\n%s", len(lines), once)
	}
	seven := h.run("executions", "gw", "--once", "--strategy", "7", "--requests", "--count", "7").want(exitOK).stdout.String()
	if n := strings.Count(seven, "strategy 7"); n != 5 || strings.Contains(seven, "strategy 2") || !strings.Contains(seven, "NewOrderSingle Buy 5 Limit GTC @ 4821.25 order 5 ClOrdID 10") {
		t.Errorf("%d lines of strategy 7:\n%s", n, seven)
	}
	h.run("executions", "gw", "--once", "--until-closed").want(exitUsage)
	h.run("executions", "gw", "--count", "0").want(exitUsage)
	h.run("executions", "gw", "--name", "a/b").want(exitUsage)

	d.pub.Close()
	out := follow.want(exitOK).stdout.String()
	var got []execution
	for s := bufio.NewScanner(strings.NewReader(out)); s.Scan(); {
		var e execution
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Fatalf("%v in %s", err, s.Text())
		}
		if e.Time == nil || e.MsgType == "" || len(got) > 0 && e.ExecID <= got[len(got)-1].ExecID {
			t.Errorf("%s", s.Text())
		}
		got = append(got, e)
	}
	if len(got) != 15 {
		t.Fatalf("%d lines:\n%s", len(got), out)
	}
	if e := got[6]; e.ExecType != "Trade" || e.LastPx.String() != "4821.00" || e.LastQty != 1 || *e.CumQty != 1 || *e.LeavesQty != 4 || e.OrderID != 5 {
		t.Errorf("%+v", e)
	}
	if e := got[4]; e.MsgType != "NewOrderSingle" || e.MdSeq != 44 || e.OrderID != 5 || e.Price.String() != "4821.25" || e.TimeInForce != "GTC" {
		t.Errorf("%+v", e)
	}
	if e := got[11]; e.ExecType != "Rejected" || *e.OrdRejReason != 3 || e.Text == "" {
		t.Errorf("%+v", e)
	}
	// The drop copy has a place of its own: nothing twice.
	if again := h.run("executions", "gw", "--once", "--name", "drop").want(exitOK).stdout.String(); again != "" {
		t.Errorf("again:\n%s", again)
	}
}
