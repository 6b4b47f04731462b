package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

func (r *rig) operator() *strategy {
	return &strategy{rig: r, n: order.RingOperator, pub: r.create(order.InputRing(gw, order.RingOperator))}
}

func (s *strategy) command(k order.KillSwitch) {
	s.Helper()
	k.Origin = s.origin()
	s.raw(order.MsgKillSwitch, k.Bytes())
}

// A kill switch holds new orders and replaces back, lets cancels through, outlives the gateway,
// and so does what is still to be canceled by it.
func TestKillSwitch(t *testing.T) {
	for _, of := range []uint16{0, 7} {
		r, s := withOrder(t)
		op := r.operator()
		s.send(order.MsgNewOrderSingle, s.limit(order.Sell, 5, px))
		r.run()
		r.venue.answer(9)
		replace := s.limit(order.Buy, 20, px)
		replace.OrigClOrdID = 1
		s.send(order.MsgOrderCancelReplaceRequest, replace) // which is in the way of a cancel
		r.run()
		op.command(order.KillSwitch{Strategy: of, Engaged: 1, Cancel: 1})
		r.run()
		r.kill()
		r.start()
		s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
		if got := answerOf(s.last()); got != "rejected 0 kill switch" {
			t.Error(got)
		}
		r.venue.answer(9)
		r.run()
		r.venue.answer(9)
		r.run()
		if n := len(r.g.state.Orders()); n != 0 {
			t.Errorf("%d open orders", n)
		}
		r.venue.agrees()
		op.command(order.KillSwitch{Strategy: of})
		r.run()
		s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
		if got := answerOf(s.last()); got != "forwarded" {
			t.Error(got)
		}
		r.sameState()
	}
}

// What is no proper command is refused, and the next one is done.
func TestBadCommands(t *testing.T) {
	r := newRig(t)
	r.start()
	op := r.operator()
	good := order.KillSwitch{Engaged: 1}
	good.Origin = op.origin()
	op.raw(order.MsgNewOrderSingle, good.Bytes())
	op.raw(order.MsgKillSwitch, []byte{1, 2, 3})
	good.Origin = op.origin()
	good.Origin.Seq += 5
	op.raw(order.MsgKillSwitch, good.Bytes())
	op.command(order.KillSwitch{Engaged: 2})
	op.command(order.KillSwitch{Cancel: 1})
	op.command(order.KillSwitch{Engaged: 1, Strategy: order.MaxStrategy + 1})
	op.command(order.KillSwitch{Engaged: 1, Strategy: 9})
	r.run()
	var got []string
	for _, f := range r.follow() {
		if o, ok := f.origin(); ok && o.Ring == order.RingOperator {
			got = append(got, answerOf(f))
		}
	}
	want := []string{"business reject 3 unknown kind of message", "business reject 5 not the length of a request",
		"business reject 0 sequence number or epoch are not those of the message",
		"business reject 0 a field does not belong to this message", "business reject 0 a field does not belong to this message",
		"business reject 0 a field does not belong to this message", "type KillSwitch"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r.g.state.Session(9).Killed != order.KillEngaged || r.g.state.Killed() != 0 {
		t.Errorf("strategy 9 %+v, all %d", r.g.state.Session(9), r.g.state.Killed())
	}
	r.sameState()
}

// What the venue says that does not fit is told and not applied.
func TestIllegalReports(t *testing.T) {
	r, _ := withOrder(t)
	v := r.venue
	before := dump(r.g.state)
	o := *r.g.state.Order(7, 1)
	er := order.ExecutionReport{ClOrdID: 1, OrderID: o.OrderID, LastPx: px, LastQty: 7, CumQty: 11, SecurityID: es, Strategy: 7,
		ExecType: order.ExecTrade, OrdStatus: order.StatusFilled, Side: order.Buy, Origin: order.Origin{Ring: order.RingVenue}}
	v.say(order.MsgExecutionReport, er.Bytes()) // more than is left
	er.Strategy = 99
	v.say(order.MsgExecutionReport, er.Bytes())
	v.say(order.MsgExecutionReport, []byte("short"))
	v.say('D', make([]byte, order.Size))
	cr := order.OrderCancelReject{ClOrdID: 5, Strategy: 7}
	v.say(order.MsgOrderCancelReject, cr.Bytes())
	r.run()
	if c := r.g.Counts(); c.Illegal != 5 {
		t.Errorf("%d illegal reports, want 5", c.Illegal)
	}
	frames := r.follow()
	if got := answerOf(frames[len(frames)-1]); got != "business reject 0 the venue's report does not fit the order" {
		t.Error(got)
	}
	after := dump(r.g.state)
	if cut := strings.Index(before, "RingID"); cut < 0 || strings.Contains(after, "CumQty:11") || r.g.state.Position(7, es).Net != 4 {
		t.Errorf("state %s", after)
	}
	v.fill(7, 1, 6)
	r.run()
	if len(r.g.state.Orders()) != 0 || r.g.state.Position(7, es).Net != 10 {
		t.Error("the good report behind them was not applied")
	}
	r.sameState()
}

// A request whose time to live has passed is refused; otherwise it goes with what is left.
func TestTimeToLive(t *testing.T) {
	r, s := withOrder(t)
	q := s.limit(order.Buy, 1, px)
	q.TTL = 1
	s.send(order.MsgNewOrderSingle, q)
	time.Sleep(time.Millisecond)
	if got := answerOf(s.last()); got != "rejected 4 time to live has passed" {
		t.Error(got)
	}
	q = s.limit(order.Buy, 1, px)
	q.TTL = 4e9
	s.send(order.MsgNewOrderSingle, q)
	f := s.last()
	if fwd, _ := order.AsRequest(f.msg); answerOf(f) != "forwarded" || fwd.TTL == 0 || fwd.TTL > q.TTL {
		t.Errorf("%s with TTL %d", answerOf(f), fwd.TTL)
	}
	// On a ring without times nobody knows.
	blind := &strategy{rig: r, n: 8}
	r.mine(func() {
		var err error
		blind.pub, err = ring.Create(order.InputRing(gw, 8), ring.Config{Dir: r.dir, Capacity: 256 << 10, Schema: order.Schema,
			Stamps: ring.StampNone, Heartbeat: -1, Gates: []ring.Gate{{Name: gw}}})
		if err != nil {
			t.Fatal(err)
		}
	})
	defer blind.pub.Close()
	q = blind.limit(order.Buy, 1, px)
	q.TTL = 4e9
	blind.send(order.MsgNewOrderSingle, q)
	if got := answerOf(blind.last()); got != "rejected 4 time to live has passed" {
		t.Error(got)
	}
	r.sameState()
}

// A venue that answers nothing gets no more than a window of requests. What waits in hand dies
// when its time has passed, and goes when there is an answer.
func TestWindow(t *testing.T) {
	r := newRig(t)
	v := r.startVenue()
	r.start()
	s := r.strategy(7)
	r.run()
	window := r.g.window
	if window != 256<<10/64/4/64 {
		t.Fatalf("window %d", window)
	}
	for range window + 2 {
		s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
	}
	q := s.limit(order.Buy, 1, px)
	q.TTL = 1
	s.send(order.MsgNewOrderSingle, q)
	r.run()
	if n := r.g.state.Unanswered(); n != window || r.g.counts.Held == 0 {
		t.Fatalf("%d unanswered, window %d", n, window)
	}
	v.answer(1)
	r.run()
	if n := r.g.state.Unanswered(); n != window || r.g.counts.Forwarded != uint64(window)+1 {
		t.Fatalf("%d unanswered, %d forwarded", n, r.g.counts.Forwarded)
	}
	v.answer(1)
	time.Sleep(time.Millisecond)
	if got := answerOf(s.last()); got != "rejected 4 time to live has passed" {
		t.Error(got)
	}
	r.sameState()
}

// The rate holds through the end of a gateway.
func TestRateThroughRestart(t *testing.T) {
	r := newRig(t)
	r.cfg.Limits = mustLimits(t, strings.Replace(testLimits, "rate: none", "rate: 1\n  burst: 3", 1))
	v := r.startVenue()
	r.start()
	s := r.strategy(7)
	send := func(want string) {
		t.Helper()
		s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
		if got := answerOf(s.last()); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		v.answer(9)
	}
	send("forwarded")
	send("forwarded")
	r.kill()
	r.start()
	send("forwarded")
	send("rejected 3 too many messages a second")
	r.g.Close()
	r.start()
	send("rejected 3 too many messages a second")
	if err := r.g.writeCheckpoint(); err != nil { // from here on the rate is that of the checkpoint
		t.Fatal(err)
	}
	r.kill()
	r.start()
	send("rejected 3 too many messages a second")
}

// Limits change between two requests.
func TestSetLimits(t *testing.T) {
	r, s := withOrder(t)
	r.g.SetLimits(mustLimits(t, strings.Replace(testLimits, "max_qty: 100", "max_qty: 3", 1)))
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 4, px))
	if got := answerOf(s.last()); got != "rejected 3 OrderQty above the limit" {
		t.Error(got)
	}
	r.g.SetLimits(nil)
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 3, px))
	if got := answerOf(s.last()); got != "forwarded" {
		t.Error(got)
	}
}

// The collar is that of the market data that the request answers, if that was published.
func TestCollar(t *testing.T) {
	r := newRig(t)
	r.cfg.MarketData = "md"
	r.cfg.Limits = mustLimits(t, strings.Replace(testLimits, "collar_ppm: none", "collar_ppm: 1000", 1))
	r.startVenue()
	var md *ring.Publisher
	r.mine(func() {
		var err error
		if md, err = ring.Create("md", ring.Config{Dir: r.dir, Capacity: 256 << 10, Schema: "dbn3/mbp-1", Heartbeat: -1}); err != nil {
			t.Fatal(err)
		}
	})
	defer md.Close()
	r.start()
	s := r.strategy(7)
	send := func(side order.Side, price int64, mdSeq uint64, want string) {
		t.Helper()
		q := s.limit(side, 1, price*1e9)
		q.MdSeq = mdSeq
		s.send(order.MsgNewOrderSingle, q)
		if got := answerOf(s.last()); got != want {
			t.Errorf("%d: %s, want %s", price, got, want)
		}
		r.venue.answer(9)
	}
	tick := func(bid, ask int64) {
		m := dbn.Mbp1Msg{Level: dbn.BidAskPair{BidPx: bid * 1e9, AskPx: ask * 1e9}}
		m.InstrumentID, m.Price, m.Action = es, dbn.UndefPrice, dbn.ActionAdd
		if err := md.Publish(uint16(dbn.RTypeMbp1), m.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	send(order.Buy, 5000, 0, "rejected 0 no market to hold the price against")
	tick(4999, 5000)
	send(order.Buy, 5005, 1, "forwarded")
	send(order.Buy, 5006, 1, "rejected 3 price too far from the market")
	send(order.Sell, 4994, 1, "rejected 3 price too far from the market")
	tick(5099, 5100)
	// The request is judged by what it answers, however little the gateway has read.
	r.g.market.poll.Remove(r.g.market.sub)
	r.g.market.poll.Add(r.g.market.sub, 0)
	send(order.Buy, 5105, 2, "forwarded")
	send(order.Sell, 5094, 2, "forwarded")
	send(order.Buy, 5106, 9, "rejected 3 price too far from the market")
	for range 5000 { // the gateway is lapped: what it knew is old
		tick(1, 2)
	}
	send(order.Buy, 3, 0, "rejected 3 price too far from the market")
	if r.g.counts.Lapped == 0 {
		t.Error("market data was not lost")
	}
	r.sameState()
}

// A strategy that comes back is another process: what the first one left is canceled if it
// asked for that, before or after the second one's first request, and ClOrdIDs go on.
func TestReconnect(t *testing.T) {
	r := newRig(t)
	v := r.startVenue()
	r.start()
	s := r.strategy(7)
	q := s.limit(order.Buy, 10, px)
	q.Flags = order.CancelOnDisconnect
	s.send(order.MsgNewOrderSingle, q)
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 11, px))
	r.run()
	v.answer(9)
	s.pub.Close()
	s = r.strategy(7)
	q = s.limit(order.Buy, 12, px)
	q.Flags = order.CancelOnDisconnect
	s.send(order.MsgNewOrderSingle, q)
	r.run()
	v.answer(9)
	r.run()
	if o := r.g.state.Order(7, 1); o != nil {
		t.Errorf("the first process's order is still there: %+v", o)
	}
	if r.g.state.Order(7, 2) == nil || r.g.state.Order(7, 3) == nil {
		t.Error("an order was canceled that ought to stay")
	}
	q.ClOrdID = 2
	s.send(order.MsgNewOrderSingle, q)
	if got := answerOf(s.last()); got != "rejected 6 ClOrdID is not above that of an earlier request" {
		t.Error(got)
	}
	v.agrees()
	r.sameState()
}

// What a process sent before it ended is judged as its own, however late the gateway comes: after
// its end, and after that of its successor.
func TestGatewayComesLate(t *testing.T) {
	r := newRig(t)
	v := r.startVenue()
	s := r.strategy(7)
	for n := range 3 {
		q := s.limit(order.Buy, int32(n+1), px)
		q.Flags = order.CancelOnDisconnect
		s.send(order.MsgNewOrderSingle, q)
		s.pub.Close()
		if n < 2 {
			s = r.strategy(7)
		}
	}
	r.start()
	r.run()
	v.answer(9)
	r.run()
	v.answer(9)
	r.run()
	if c := r.g.Counts(); c.Forwarded != 3 || c.Refused != 0 || c.Cancels != 3 {
		t.Errorf("%+v", c)
	}
	if sess := r.g.state.Session(7); sess.Epoch != 3 || sess.Status != order.SessionDown || len(r.g.state.Orders()) != 0 {
		t.Errorf("session %+v, %d open orders", sess, len(r.g.state.Orders()))
	}
	v.agrees()
	r.sameState()
}

// A ring that was removed and made again begins anew; orders stay.
func TestRingMadeAnew(t *testing.T) {
	r, s := withOrder(t)
	id := r.g.state.Session(7).RingID
	s.pub.Close()
	r.run()
	if got := r.g.state.Session(7).Status; got != order.SessionDown {
		t.Errorf("status %d", got)
	}
	if err := ring.Remove(r.dir, order.InputRing(gw, 7)); err != nil {
		t.Fatal(err)
	}
	r.run()
	s.clOrd = 1
	s = r.strategy(7)
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
	if got := answerOf(s.last()); got != "forwarded" {
		t.Error(got)
	}
	sess := r.g.state.Session(7)
	if sess.RingID == id || sess.Seq != 1 || r.g.state.Order(7, 1) == nil {
		t.Errorf("session %+v", sess)
	}
	r.sameState()
}

// What the process of a removed ring left behind is canceled, though the new ring's epochs
// begin again and a replace is in the way; the gateway may end meanwhile.
func TestRingMadeAnewWithOrders(t *testing.T) {
	for _, dies := range []bool{false, true} {
		r := newRig(t)
		v := r.startVenue()
		r.start()
		s := r.strategy(7)
		q := s.limit(order.Buy, 10, px)
		q.Flags = order.CancelOnDisconnect
		s.send(order.MsgNewOrderSingle, q)
		r.run()
		v.answer(1)
		q.ClOrdID, q.OrigClOrdID = 2, 1
		s.send(order.MsgOrderCancelReplaceRequest, q) // in the way of the cancel
		r.run()
		if dies {
			r.kill()
		}
		s.pub.Close()
		if err := ring.Remove(r.dir, order.InputRing(gw, 7)); err != nil {
			t.Fatal(err)
		}
		s = r.strategy(7)
		s.clOrd = 10
		if dies {
			r.start()
		}
		fresh := s.limit(order.Buy, 1, px)
		fresh.Flags = order.CancelOnDisconnect
		s.send(order.MsgNewOrderSingle, fresh)
		r.run()
		for range 3 {
			v.answer(9)
			r.run()
		}
		if o := r.g.state.Orders(); len(o) != 1 || o[0].ClOrdID != 11 {
			t.Errorf("dies %t: open orders %+v", dies, o)
		}
		v.agrees()
		r.sameState()
	}
}

// A ring that does not wait for the gateway is not read, and said so once.
func TestRingWithoutGate(t *testing.T) {
	r := newRig(t)
	r.start()
	r.mine(func() {
		pub, err := ring.Create(order.InputRing(gw, 5), ring.Config{Dir: r.dir, Capacity: 256 << 10, Schema: order.Schema, Heartbeat: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { pub.Close() })
		other, err := ring.Create(order.InputRing(gw, 6), ring.Config{Dir: r.dir, Capacity: 256 << 10, Schema: "other", Heartbeat: -1, Gates: []ring.Gate{{Name: gw}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { other.Close() })
	})
	r.run()
	r.run()
	notes := strings.Join(r.notes, "\n")
	if strings.Count(notes, "gw.in.5: it does not wait for the gateway") != 1 || strings.Count(notes, `its schema is "other"`) != 1 {
		t.Errorf("notes:\n%s", notes)
	}
}

// The journal is never replaced silently.
func TestJournalIsKept(t *testing.T) {
	r, _ := withOrder(t)
	r.g.Close()
	r.cfg.Capacity = 512 << 10
	if err := r.tryStart(); !errors.Is(err, ErrReplaced) {
		t.Errorf("another capacity: %v", err)
	}
	r.cfg.Capacity = 0
	r.start()
	if r.g.state.Order(7, 1) == nil {
		t.Error("the order is gone")
	}
	r.g.Close()

	r.cfg.Name = "other"
	pub, err := ring.Create("other", ring.Config{Dir: r.dir, Capacity: 256 << 10, Schema: "dbn3/mbo"})
	if err != nil {
		t.Fatal(err)
	}
	pub.Close()
	if err := r.tryStart(); !errors.Is(err, ErrReplaced) {
		t.Errorf("another schema: %v", err)
	}
	r.cfg.Name = "bad"
	if pub, err = ring.Create("bad", ring.Config{Dir: r.dir, Capacity: 256 << 10, Schema: order.Schema}); err != nil {
		t.Fatal(err)
	}
	junk := order.ExecutionReport{Origin: order.Origin{Seq: 1, Ring: 3}}
	if err := pub.Publish(uint16(order.MsgExecutionReport), junk.Bytes()); err != nil {
		t.Fatal(err)
	}
	pub.Close()
	if err := r.tryStart(); !errors.Is(err, order.ErrJournal) {
		t.Errorf("a journal that does not add up: %v", err)
	}
	r.g = nil
}

// A standby goes on when the gateway ends.
func TestStandby(t *testing.T) {
	r, s := withOrder(t)
	first := r.g
	r.cfg.Standby = true
	type opened struct {
		g   *Gateway
		err error
	}
	done := make(chan opened)
	go func() {
		g, err := Open(context.Background(), r.cfg)
		done <- opened{g, err}
	}()
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
	r.run()
	first.Close()
	second := <-done
	if second.err != nil {
		t.Fatal(second.err)
	}
	r.g = second.g
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 2, px))
	if got := answerOf(s.last()); got != "forwarded" {
		t.Error(got)
	}
	if n := len(r.g.state.Orders()); n != 3 {
		t.Errorf("%d open orders", n)
	}
	r.sameState()
}

// Run judges in its own goroutine until it is told to end.
func TestRun(t *testing.T) {
	r := newRig(t)
	v := r.startVenue()
	r.start()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.g.Run(ctx) }()
	s := r.strategy(7)
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
	for len(v.asked) == 0 {
		v.read()
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	r.sameState()
}
