//go:build linux

package order

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tickring/tickring/ring"
)

func clientConfig(dir string) ClientConfig {
	return ClientConfig{Gateway: testGateway, Strategy: testStrategy, Name: "test", Dir: dir, Capacity: 256 << 10}
}

func dialTest(t testing.TB, cfg ClientConfig) *Client {
	t.Helper()
	c, err := Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// trading is a gateway and a client that know of each other.
func trading(t testing.TB) (*scripted, *Client) {
	t.Helper()
	dir := t.TempDir()
	g := startGateway(t, dir)
	c := dialTest(t, clientConfig(dir))
	g.find()
	events(c)
	return g, c
}

// events polls until there are no more.
func events(c *Client) (all []Event) {
	for e := c.Poll(); e != nil; e = c.Poll() {
		all = append(all, *e)
	}
	return all
}

func buy(qty int32, price int64) *Request {
	return &Request{SecurityID: testSecurity, Side: Buy, OrdType: Limit, TimeInForce: Day, Price: price, OrderQty: qty}
}

func send(t testing.TB, id uint64, err error) uint64 {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// one demands that there is exactly one event, of a kind.
func one(t *testing.T, c *Client, kind EventKind, clOrdID uint64) Event {
	t.Helper()
	all := events(c)
	if len(all) != 1 || all[0].Kind != kind || all[0].ClOrdID != clOrdID {
		t.Fatalf("events %+v, want one that is %v of %d", all, kind, clOrdID)
	}
	return all[0]
}

func TestClientLifeOfAnOrder(t *testing.T) {
	g, c := trading(t)
	id, err := c.NewOrder(buy(10, 100))
	send(t, id, err)
	if u := c.Unjudged(); len(u) != 1 || u[0].Type != MsgNewOrderSingle || u[0].Request.ClOrdID != id || c.Order(id) != nil {
		t.Fatalf("unjudged %+v, order %v", u, c.Order(id))
	}
	g.judge(false)
	if e := one(t, c, EventForwarded, id); e.Order.OrdStatus() != StatusPendingNew || e.Order.OrderID != e.Seq || e.ByGateway() {
		t.Errorf("%+v", e)
	}
	if len(c.Unjudged()) != 0 || len(c.Orders()) != 1 {
		t.Error("it is judged and not in the right place")
	}
	g.report(g.state.Last(), ExecPendingNew, 0, 0)
	one(t, c, EventPending, id)
	g.report(g.state.Last(), ExecNew, 0, 0)
	if e := one(t, c, EventNew, id); e.Order.OrdStatus() != StatusNew || e.Order.LeavesQty() != 10 || e.Side != Buy {
		t.Errorf("%+v", e)
	}
	g.report(g.state.Last(), ExecTrade, 4, 90)
	if e := one(t, c, EventFill, id); e.LastQty != 4 || e.LastPx != 90 || e.Order.LeavesQty() != 6 || e.Order.CumQty != 4 || e.Order.OrdStatus() != StatusPartiallyFilled {
		t.Errorf("%+v", e)
	}

	replace, err := c.Replace(id, &Request{Price: 101, OrderQty: 8})
	send(t, replace, err)
	g.judge(false)
	if e := one(t, c, EventForwarded, replace); e.Order.OrdStatus() != StatusPendingReplace || c.Order(id) == nil || c.Order(replace) == nil {
		t.Errorf("%+v", e)
	}
	g.cancelReject(g.state.Last())
	if e := one(t, c, EventCancelReject, replace); e.CxlRejReason != CxlTooLate || e.Order.Price != 100 || c.Order(replace) != nil {
		t.Errorf("%+v", e)
	}
	replace, err = c.Replace(id, &Request{Price: 101, OrderQty: 8})
	send(t, replace, err)
	g.judge(false)
	one(t, c, EventForwarded, replace)
	g.report(g.state.Last(), ExecReplaced, 0, 0)
	if e := one(t, c, EventReplaced, replace); e.Order.Price != 101 || e.Order.LeavesQty() != 4 || c.Order(id) != nil || c.Order(replace) == nil {
		t.Errorf("%+v", e)
	}
	g.report(g.state.Last(), ExecTrade, 1, 100)
	if e := one(t, c, EventFill, replace); e.Order.AvgPx() != 92 || e.Order.Paid.Lo != 460 {
		t.Errorf("average %d, %+v", e.Order.AvgPx(), e)
	}

	cancel, err := c.Cancel(replace, 77)
	send(t, cancel, err)
	g.judge(false)
	if e := one(t, c, EventForwarded, cancel); e.Order.OrdStatus() != StatusPendingCancel || e.Order.Pending.MdSeq != 77 {
		t.Errorf("%+v", e)
	}
	g.report(g.state.Last(), ExecCanceled, 0, 0)
	if e := one(t, c, EventCanceled, cancel); e.Order.OrdStatus() != StatusCanceled || e.Order.CumQty != 5 || len(c.Orders()) != 0 {
		t.Errorf("%+v", e)
	}
	if p := c.Position(testSecurity); p == nil || p.Net != 5 || p.Bought != 5 || p.OpenBuy != 0 || p.Profit(100) != (Int128{Lo: 40}) {
		t.Errorf("position %+v", p)
	}
	if c.LastClOrdID() != 4 || len(c.Positions()) != 1 {
		t.Errorf("last %d, %d positions", c.LastClOrdID(), len(c.Positions()))
	}
}

func TestClientRefusals(t *testing.T) {
	g, c := trading(t)
	id, err := c.NewOrder(buy(1_000_000, 100))
	send(t, id, err)
	g.judge(true)
	if e := one(t, c, EventRejected, id); e.OrdRejReason != RejExceedsLimit || e.Text != TextMaxQty || e.Order.OrderID != 0 || e.Side != Buy {
		t.Errorf("%+v", e)
	}
	id, err = c.NewOrder(buy(1, 100))
	send(t, id, err)
	g.judge(false)
	g.report(g.state.Last(), ExecRejected, 0, 0)
	if all := events(c); len(all) != 2 || all[1].Kind != EventRejected || all[1].Order.OrdStatus() != StatusRejected {
		t.Errorf("%+v", all)
	}
	id, err = c.NewOrder(buy(1, 100))
	send(t, id, err)
	g.judge(false)
	g.report(g.state.Last(), ExecOrderStatus, 0, 0)
	if all := events(c); len(all) != 2 || all[1].Kind != EventInDoubt || !all[1].Order.InDoubt() {
		t.Errorf("%+v", all)
	}
	g.report(g.state.Last(), ExecExpired, 0, 0)
	one(t, c, EventExpired, id)

	id, err = c.NewOrder(buy(1, 100))
	send(t, id, err)
	cancel, err := c.Cancel(id, 0) // on its way
	send(t, cancel, err)
	g.judge(false)
	g.judge(true)
	if all := events(c); len(all) != 2 || all[1].Kind != EventCancelReject || all[1].ClOrdID != cancel || all[1].Order.ClOrdID != id {
		t.Errorf("%+v", all)
	}
	// The gateway's own cancel.
	own := GatewayCancel(g.state.OrderByID(c.Order(id).OrderID))
	g.publish(MsgOrderCancelRequest, own.Bytes())
	if e := one(t, c, EventForwarded, own.ClOrdID); !e.ByGateway() || e.Order.OrdStatus() != StatusPendingCancel {
		t.Errorf("%+v", e)
	}
	br := BusinessMessageReject{Origin: g.origin(), Strategy: testStrategy, RefMsgType: MsgExecutionReport, Text: TextIllegal}
	g.publish(MsgBusinessMessageReject, br.Bytes())
	if e := one(t, c, EventIllegal, 0); !errors.Is(e.Err, ErrTransition) || c.Err() != nil || !c.Ready() {
		t.Errorf("%+v", e)
	}
	g.other()
	k := KillSwitch{Strategy: 8, Engaged: 1}
	g.publish(MsgKillSwitch, k.Bytes())
	if all := events(c); len(all) != 0 {
		t.Errorf("events of another strategy: %+v", all)
	}
	k = KillSwitch{Engaged: 1}
	g.publish(MsgKillSwitch, k.Bytes())
	if e := one(t, c, EventKill, 0); e.Ring != 0 || e.Up {
		t.Errorf("%+v", e)
	}
}

// Whatever cannot be in a gateway's ring is told, stops new orders, and is over with the
// next snapshot.
func TestClientIllegal(t *testing.T) {
	for name, frame := range map[string]func(g *scripted, o *Order) (MsgType, []byte){
		"a fill of too much": func(g *scripted, o *Order) (MsgType, []byte) {
			er := g.execution(o, ExecTrade, 11, 100)
			return MsgExecutionReport, er.Bytes()
		},
		"replaced, and no replace is pending": func(g *scripted, o *Order) (MsgType, []byte) {
			er := g.execution(o, ExecReplaced, 0, 0)
			return MsgExecutionReport, er.Bytes()
		},
		"accepted twice": func(g *scripted, o *Order) (MsgType, []byte) {
			er := g.execution(o, ExecNew, 0, 0)
			return MsgExecutionReport, er.Bytes()
		},
		"rejected after it was accepted": func(g *scripted, o *Order) (MsgType, []byte) {
			er := g.execution(o, ExecRejected, 0, 0)
			return MsgExecutionReport, er.Bytes()
		},
		"a report of an order that never was": func(g *scripted, o *Order) (MsgType, []byte) {
			er := g.execution(o, ExecTrade, 1, 100)
			er.ClOrdID = 999
			return MsgExecutionReport, er.Bytes()
		},
		"an unknown ExecType": func(g *scripted, o *Order) (MsgType, []byte) {
			er := g.execution(o, ExecType('?'), 0, 0)
			return MsgExecutionReport, er.Bytes()
		},
		"a refusal of a cancel that never was": func(g *scripted, o *Order) (MsgType, []byte) {
			cr := OrderCancelReject{ClOrdID: 5, OrigClOrdID: o.ClOrdID, Origin: g.origin(), SecurityID: o.SecurityID, Strategy: testStrategy, CxlRejResponseTo: ToCancel}
			return MsgOrderCancelReject, cr.Bytes()
		},
		"an order that was never sent": func(g *scripted, o *Order) (MsgType, []byte) {
			r := buy(1, 100)
			r.ClOrdID, r.Origin = 9, Origin{9, 1, testStrategy}
			return MsgNewOrderSingle, r.Bytes()
		},
		"a report that is cut short": func(g *scripted, o *Order) (MsgType, []byte) {
			er := g.execution(o, ExecTrade, 1, 100)
			return MsgExecutionReport, er.Bytes()[:40]
		},
		"an unknown type": func(g *scripted, o *Order) (MsgType, []byte) { return 0x777, make([]byte, Size) },
	} {
		t.Run(name, func(t *testing.T) {
			g, c := trading(t)
			id, err := c.NewOrder(buy(10, 100))
			send(t, id, err)
			g.judge(false)
			g.report(g.state.Last(), ExecNew, 0, 0)
			events(c)
			g.raw(frame(g, g.state.Last()))
			e := one(t, c, EventIllegal, 0)
			if !errors.Is(e.Err, ErrJournal) || e.Seq != g.pub.Seq() || !errors.Is(c.Err(), ErrJournal) || c.Ready() {
				t.Errorf("%+v, client %v, ready %v", e, c.Err(), c.Ready())
			}
			if _, err := c.NewOrder(buy(1, 1)); !errors.Is(err, ErrJournal) {
				t.Errorf("an order was sent: %v", err)
			}
			if o := c.Order(id); o == nil || o.LeavesQty() != 10 {
				t.Errorf("the order is not as it was: %+v", o)
			}
			if _, err := c.Cancel(id, 0); err != nil {
				t.Errorf("a cancel: %v", err)
			}
			// The gateway has it that it never happened.
			g.state.Reset()
			sub, err := ring.Open(testGateway, ring.Options{Dir: g.dir, From: ring.FromSeq, Seq: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			if err := Recover(sub, g.state, g.pub.Seq()-1); err != nil {
				t.Fatal(err)
			}
			g.state.Skip(1)
			g.checkpoint()
			if e := one(t, c, EventResync, 0); e.Seq != g.pub.Seq() {
				t.Errorf("%+v", e)
			}
			if c.Err() != nil || !c.Ready() || c.Order(id) == nil || len(c.Unjudged()) != 1 {
				t.Errorf("client %v, ready %v, order %v", c.Err(), c.Ready(), c.Order(id))
			}
		})
	}
}

// A snapshot that is not what was said before is told, and then believed.
func TestClientOtherSnapshot(t *testing.T) {
	g, c := trading(t)
	id, err := c.NewOrder(buy(10, 100))
	send(t, id, err)
	g.judge(false)
	one(t, c, EventForwarded, id)
	g.state.Reset()
	g.state.Skip(int(g.pub.Seq()))
	g.checkpoint()
	all := events(c)
	if len(all) != 2 || all[0].Kind != EventIllegal || !errors.Is(all[0].Err, ErrJournal) || all[1].Kind != EventResync {
		t.Fatalf("%+v", all)
	}
	if len(c.Orders()) != 0 || !c.Ready() {
		t.Errorf("orders %+v, ready %v", c.Orders(), c.Ready())
	}
	// One that nobody can believe is told once.
	g.raw(MsgCheckpoint, (&Checkpoint{}).Bytes())
	one(t, c, EventIllegal, 0)
	if c.Ready() {
		t.Error("ready")
	}
	g.close()
	await(t, c, EventGateway)
	if _, err := c.Cancel(id, 0); !errors.Is(err, ErrNoGateway) {
		t.Errorf("a cancel without a gateway: %v", err)
	}
}

func TestClientWithoutGateway(t *testing.T) {
	dir := t.TempDir()
	c := dialTest(t, clientConfig(dir))
	if c.Gateway() != ring.Ended || c.Ready() {
		t.Errorf("gateway %v, ready %v", c.Gateway(), c.Ready())
	}
	for _, send := range []func() (uint64, error){
		func() (uint64, error) { return c.NewOrder(buy(1, 1)) },
		func() (uint64, error) { return c.Replace(1, buy(1, 1)) },
		func() (uint64, error) { return c.Cancel(1, 0) },
	} {
		if id, err := send(); id != 0 || !errors.Is(err, ErrNoGateway) {
			t.Errorf("sent %d, %v", id, err)
		}
	}
	g := startGateway(t, dir)
	if e := await(t, c, EventGateway); e.Life != ring.Live || !c.Ready() {
		t.Errorf("%+v, ready %v", e, c.Ready())
	}
	g.find()
	if e := await(t, c, EventSession); e.Ring != testStrategy || !e.Up {
		t.Errorf("%+v", e)
	}
	id, err := c.NewOrder(buy(1, 1))
	send(t, id, err)
	g.judge(false)
	await(t, c, EventForwarded)
	g.close()
	if e := await(t, c, EventGateway); e.Life != ring.Ended || c.Gateway() != ring.Ended {
		t.Errorf("%+v", e)
	}
	if _, err := c.Cancel(id, 0); !errors.Is(err, ErrNoGateway) {
		t.Errorf("sent, %v", err)
	}
	startGateway(t, dir)
	await(t, c, EventGateway)
	if _, err := c.Cancel(id, 0); err != nil {
		t.Error(err)
	}
	// It is removed and made again: another gateway, which knows nothing.
	c.Close()
}

// await polls until there is an event of a kind.
func await(t testing.TB, c *Client, kind EventKind) Event {
	t.Helper()
	for end := time.Now().Add(50 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for e := c.Poll(); e != nil; e = c.Poll() {
			if e.Kind == kind {
				return *e
			}
		}
	}
	t.Fatalf("no event of kind %v", kind)
	return Event{}
}

func TestClientQueues(t *testing.T) {
	dir := t.TempDir()
	cfg := clientConfig(dir)
	cfg.Queue, cfg.TTL, cfg.CancelOnDisconnect = true, time.Second, true
	c := dialTest(t, cfg)
	for i := range 3 {
		id, err := c.NewOrder(buy(1, 1))
		if send(t, id, err) != uint64(i+1) {
			t.Errorf("ClOrdID %d", id)
		}
	}
	if u := c.Unjudged(); len(u) != 3 || u[2].Request.TTL != 1_000_000 || u[2].Request.Flags != CancelOnDisconnect {
		t.Errorf("unjudged %+v", u)
	}
	c.Close()
	c = dialTest(t, cfg) // again without a gateway
	if len(c.Unjudged()) != 3 || c.LastClOrdID() != 3 {
		t.Errorf("unjudged %d, last %d", len(c.Unjudged()), c.LastClOrdID())
	}
	g := startGateway(t, dir)
	g.find()
	for g.judge(false) {
	}
	await(t, c, EventForwarded)
	events(c)
	if len(c.Unjudged()) != 0 || len(c.Orders()) != 3 {
		t.Errorf("unjudged %d, orders %d", len(c.Unjudged()), len(c.Orders()))
	}
}

// The ring of a gateway is removed, and made again: nothing that was known holds.
func TestClientGatewayMadeAnew(t *testing.T) {
	g, c := trading(t)
	id, err := c.NewOrder(buy(1, 1))
	send(t, id, err)
	g.judge(false)
	events(c)
	unjudged, err := c.NewOrder(buy(2, 1))
	send(t, unjudged, err)
	g.close()
	if err := ring.Remove(g.dir, testGateway); err != nil {
		t.Fatal(err)
	}
	g2 := startGateway(t, g.dir)
	e := await(t, c, EventResync)
	if e.Err == nil || len(c.Orders()) != 0 || len(c.Unjudged()) != 1 || c.LastClOrdID() != unjudged {
		t.Errorf("%+v, orders %d, unjudged %d", e, len(c.Orders()), len(c.Unjudged()))
	}
	// The new one does not judge what the old one may have read.
	in, err := ring.Open(InputRing(testGateway, testStrategy), ring.Options{Dir: g.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	g2.publish(MsgSessionStatus, (&SessionStatus{RingID: in.RingID(), Epoch: 1, Seq: 2, Ring: testStrategy, Status: SessionUp}).Bytes())
	if e := await(t, c, EventLost); e.Err == nil || len(c.Unjudged()) != 0 {
		t.Errorf("%+v", e)
	}
}

// A client whose ring was made anew, and found by the gateway before the client has looked, goes
// on above the ClOrdIDs of its open orders.
func TestClientRingMadeAnew(t *testing.T) {
	g, c := trading(t)
	for range 3 {
		id, err := c.NewOrder(buy(1, 1))
		send(t, id, err)
		g.judge(false)
	}
	c.Close()
	if err := ring.Remove(g.dir, InputRing(testGateway, testStrategy)); err != nil {
		t.Fatal(err)
	}
	g.publish(MsgSessionStatus, (&SessionStatus{RingID: 99, Epoch: 1, Ring: testStrategy, Status: SessionUp}).Bytes())
	c = dialTest(t, clientConfig(g.dir))
	if n := len(c.Orders()); n != 3 || c.LastClOrdID() != 3 {
		t.Errorf("%d open orders, the last ClOrdID is %d", n, c.LastClOrdID())
	}
}

// The strategy's own ring is removed, and made again: its messages begin with 1, its ClOrdIDs
// go on, and what is open stays so.
func TestClientOwnRingMadeAnew(t *testing.T) {
	g, c := trading(t)
	for range 3 {
		id, err := c.NewOrder(buy(1, 1))
		send(t, id, err)
		g.judge(false)
	}
	c.Close()
	g.in.Close()
	if err := ring.Remove(g.dir, InputRing(testGateway, testStrategy)); err != nil {
		t.Fatal(err)
	}
	c = dialTest(t, clientConfig(g.dir))
	if len(c.Orders()) != 3 || c.LastClOrdID() != 3 || len(c.Unjudged()) != 0 {
		t.Errorf("orders %d, last %d, unjudged %d", len(c.Orders()), c.LastClOrdID(), len(c.Unjudged()))
	}
	id, err := c.NewOrder(buy(1, 1))
	if send(t, id, err) != 4 {
		t.Errorf("ClOrdID %d", id)
	}
	g.other()
	if events(c); len(c.Unjudged()) != 1 {
		t.Errorf("a request was judged by the number of another ring's")
	}
	g.find()
	g.judge(false)
	if all := events(c); len(all) != 2 || all[1].Kind != EventForwarded || len(c.Unjudged()) != 0 || len(c.Orders()) != 4 {
		t.Errorf("%+v, unjudged %d, orders %d", all, len(c.Unjudged()), len(c.Orders()))
	}
}

func TestClientLapped(t *testing.T) {
	g, c := trading(t)
	id, err := c.NewOrder(buy(10, 100))
	send(t, id, err)
	g.judge(false)
	late, err := c.NewOrder(buy(1, 100))
	send(t, late, err)
	events(c)
	g.report(g.state.Order(testStrategy, id), ExecTrade, 3, 99)
	g.judge(false)
	for range 5000 {
		if g.pub.Room() < 2*64 {
			g.checkpoint()
		}
		g.other()
	}
	g.checkpoint() // and nothing after it that would say what was judged
	all := events(c)
	if len(all) == 0 || all[0].Kind != EventResync || all[0].Err == nil {
		t.Fatalf("%+v", all)
	}
	if o := c.Order(id); o == nil || o.CumQty != 3 || c.Order(late) == nil || len(c.Unjudged()) != 0 || !c.Ready() {
		t.Errorf("order %+v, late %v, unjudged %d", o, c.Order(late), len(c.Unjudged()))
	}
}

// A ring of the gateway that turns to rubbish is told, and stops new orders.
func TestClientCorrupt(t *testing.T) {
	g, c := trading(t)
	path := filepath.Join(g.dir, testGateway, "ring")
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	frames := info.Size() - 256<<10
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xFF}, 64<<10), frames); err != nil {
		t.Fatal(err)
	}
	e := await(t, c, EventIllegal)
	if !errors.Is(e.Err, ring.ErrCorrupt) || !errors.Is(c.Err(), ring.ErrCorrupt) || c.Ready() {
		t.Errorf("%+v, client %v, ready %v", e, c.Err(), c.Ready())
	}
	if _, err := c.NewOrder(buy(1, 1)); !errors.Is(err, ring.ErrCorrupt) {
		t.Error(err)
	}
	for range 3 {
		if e := c.Poll(); e != nil && e.Kind == EventIllegal {
			t.Errorf("told twice: %+v", e)
		}
	}
}

func TestClientTwice(t *testing.T) {
	dir := t.TempDir()
	dialTest(t, clientConfig(dir))
	if c, err := Dial(clientConfig(dir)); !errors.Is(err, ErrActive) || !errors.Is(err, ring.ErrPublisherActive) {
		t.Errorf("%v, %v", c, err)
	}
}

func TestClientBadParameters(t *testing.T) {
	for _, cfg := range []ClientConfig{
		{},
		{Gateway: "gw"},
		{Gateway: "gw", Strategy: MaxStrategy + 1},
		{Gateway: "../gw", Strategy: 1},
		{Gateway: "gw", Strategy: 1, TTL: -1},
		{Gateway: "gw", Strategy: 1, TTL: 1},
		{Gateway: "gw", Strategy: 1, TTL: 2 * time.Hour},
		{Gateway: "gw", Strategy: 1, Capacity: 1000},
	} {
		cfg.Dir = t.TempDir()
		if c, err := Dial(cfg); err == nil {
			t.Errorf("%+v: dialed %v", cfg, c)
		}
	}
	_, c := trading(t)
	if _, err := c.NewOrder(nil); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
	if _, err := c.Replace(1, nil); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
	if _, err := c.Replace(1, buy(1, 1)); !errors.Is(err, ErrUnknownOrder) {
		t.Error(err)
	}
	if _, err := c.Cancel(1, 1); !errors.Is(err, ErrUnknownOrder) {
		t.Error(err)
	}
	c.Close()
	if _, err := c.NewOrder(buy(1, 1)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if e := c.Poll(); e != nil {
		t.Errorf("%+v", e)
	}
}

func TestClientBackPressure(t *testing.T) {
	g, c := trading(t)
	var err error
	n := 0
	for ; err == nil && n < 1<<16; n++ {
		_, err = c.NewOrder(buy(1, 1))
	}
	if !errors.Is(err, ring.ErrBackPressure) && !errors.Is(err, ErrPoll) {
		t.Fatal(err)
	}
	last := c.LastClOrdID()
	if last != uint64(n-1) || len(c.Unjudged()) != n-1 {
		t.Errorf("last %d of %d, unjudged %d", last, n-1, len(c.Unjudged()))
	}
	for g.judge(true) {
		if g.pub.Room() < 2*64 {
			g.checkpoint()
		}
	}
	events(c)
	id, err := c.NewOrder(buy(1, 1))
	if send(t, id, err) != last+1 {
		t.Errorf("ClOrdID %d after %d", id, last)
	}
}

// The queue of requests that were not judged, against a slice.
func TestUnjudged(t *testing.T) {
	var u unjudged
	u.init(4)
	var want []uint64
	seq := uint64(10)
	for step := range 1000 {
		if step%7%3 == 0 && len(want) > 0 || u.full() {
			n := step%3 + 1
			n = min(n, len(want))
			if got := u.judged(want[n-1]); got != n {
				t.Fatalf("step %d: took %d, want %d", step, got, n)
			}
			want = want[n:]
		} else {
			u.push(seq, MsgNewOrderSingle, &Request{ClOrdID: seq})
			want = append(want, seq)
			seq++
		}
		var got []uint64
		for _, s := range u.all() {
			got = append(got, s.Request.ClOrdID)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("step %d: %v, want %v", step, got, want)
		}
		if len(want) > 0 && (u.judged(want[0]-1) != 0 || u.find(want[0]) == nil) {
			t.Fatalf("step %d: something was judged, or not found", step)
		}
	}
}

func TestClientDoesNotAllocate(t *testing.T) {
	g, c := trading(t)
	r := buy(1, 100)
	const n = 10
	allocs := testing.AllocsPerRun(n, func() {
		if _, err := c.NewOrder(r); err != nil {
			t.Error(err)
		}
	})
	cancel := testing.AllocsPerRun(n, func() {
		if _, err := c.Cancel(1, 1); err != nil {
			t.Error(err)
		}
		if _, err := c.Replace(1, r); err != nil {
			t.Error(err)
		}
	})
	for g.judge(false) {
		if g.pub.Room() < 2*64 {
			g.checkpoint()
		}
	}
	for len(g.state.Orders()) > 0 {
		g.report(&g.state.Orders()[0], ExecTrade, g.state.Orders()[0].LeavesQty(), 100)
	}
	seen := 0
	poll := func() {
		if c.Poll() != nil {
			seen++
		}
	}
	for range n { // the state has grown to its size
		poll()
	}
	polls := testing.AllocsPerRun(3*n, poll)
	m := make([]byte, Size)
	record, _ := AsRequest(m)
	m[0] = 1
	portable := record.ClOrdID == 0 // by copies
	if allocs+cancel+polls != 0 && !portable {
		t.Errorf("allocations: new order %v, cancel and replace %v, poll %v", allocs, cancel, polls)
	}
	if seen < n {
		t.Errorf("only %d events", seen)
	}
}
