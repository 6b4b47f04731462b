package order

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tickring/tickring/ring"
)

// scripted is a gateway that does what a test says. Its state is the oracle: a full fold
// of all that it publishes.
type scripted struct {
	t     testing.TB
	dir   string
	pub   *ring.Publisher
	in    *ring.Subscriber // the ring of strategy 7
	state *State
	venue uint64 // messages of the venue so far
	sent  uint64 // requests of strategy 8, which is nobody
}

const (
	testGateway  = "gw"
	testStrategy = 7
	testSecurity = 42
)

// startGateway makes the ring of a gateway with a first checkpoint, or goes on with it.
func startGateway(t testing.TB, dir string) *scripted {
	t.Helper()
	g := &scripted{t: t, dir: dir, state: NewState(Bounds{})}
	var err error
	g.pub, err = ring.Create(testGateway, ring.Config{Dir: dir, Capacity: 256 << 10, Schema: Schema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.close)
	if g.pub.Seq() == 0 {
		g.checkpoint()
		return g
	}
	sub, err := ring.Open(testGateway, ring.Options{Dir: dir, From: ring.FromMark})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	if err := Recover(sub, g.state, g.pub.Seq()); err != nil {
		t.Fatal(err)
	}
	if s := g.state.Session(RingVenue); s != nil {
		g.venue = s.Seq
	}
	if s := g.state.Session(8); s != nil {
		g.sent = s.Seq
	}
	return g
}

func (g *scripted) close() {
	if g.in != nil {
		g.in.Close()
	}
	g.pub.Close()
}

func (g *scripted) checkpoint() {
	g.t.Helper()
	msgs := g.state.AppendCheckpoint(nil, g.pub.MaxMessage())
	if err := g.pub.PublishSnapshot(msgs); err != nil {
		g.t.Fatal(err)
	}
	g.state.Skip(len(msgs))
}

// raw publishes a frame and nothing else.
func (g *scripted) raw(typ MsgType, msg []byte) {
	g.t.Helper()
	if err := g.pub.Publish(uint16(typ), msg); err != nil {
		g.t.Fatal(err)
	}
}

// publish publishes a frame, which has to be a legal one.
func (g *scripted) publish(typ MsgType, msg []byte) {
	g.t.Helper()
	g.raw(typ, msg)
	if err := g.state.Apply(g.pub.Seq(), typ, msg); err != nil {
		g.t.Fatal(err)
	}
}

// find opens the strategy's ring, and says so.
func (g *scripted) find() {
	g.t.Helper()
	var err error
	g.in, err = ring.Open(InputRing(testGateway, testStrategy), ring.Options{Dir: g.dir, Name: testGateway})
	if err != nil {
		g.t.Fatal(err)
	}
	ss := SessionStatus{RingID: g.in.RingID(), Epoch: g.in.Epoch(), Ring: testStrategy, Status: SessionUp}
	if s := g.state.Session(testStrategy); s != nil && s.RingID == ss.RingID {
		ss.Seq = s.Seq
	}
	g.publish(MsgSessionStatus, ss.Bytes())
	if g.state.Session(RingVenue) == nil {
		g.publish(MsgSessionStatus, (&SessionStatus{RingID: 1, Epoch: 1, Ring: RingVenue, Status: SessionUp}).Bytes())
	}
}

// request reads the strategy's next request; false: there is none.
func (g *scripted) request() (MsgType, Request, bool) {
	g.t.Helper()
	for {
		msg, st := g.in.Next()
		switch st {
		case ring.Message:
			if s := g.state.Session(testStrategy); g.in.Seq() <= s.Seq {
				continue // judged before a restart
			}
			r, ok := AsRequest(msg)
			if !ok || r.Origin != (Origin{uint32(g.in.Seq()), uint16(g.in.Epoch()), testStrategy}) && r.Origin.Epoch == uint16(g.in.Epoch()) {
				g.t.Fatalf("message %d of the strategy: %d bytes, origin %+v", g.in.Seq(), len(msg), r.Origin)
			}
			return MsgType(g.in.Type()), *r, true
		case ring.Empty, ring.Closed:
			return 0, Request{}, false
		default:
			g.t.Fatalf("ring of the strategy: %v", st)
		}
	}
}

// judge forwards the next request, or refuses it, also if it cannot be forwarded.
func (g *scripted) judge(refuse bool) bool {
	g.t.Helper()
	typ, r, ok := g.request()
	if !ok {
		return false
	}
	text := g.state.CheckRequest(typ, &r)
	switch {
	case text == TextNone && !refuse:
		g.publish(typ, r.Bytes())
	case typ == MsgNewOrderSingle:
		er := ExecutionReport{ClOrdID: r.ClOrdID, Origin: r.Origin, SecurityID: r.SecurityID, Strategy: testStrategy,
			Text: TextMaxQty, ExecType: ExecRejected, OrdStatus: StatusRejected, Side: r.Side, OrdRejReason: RejExceedsLimit}
		g.publish(MsgExecutionReport, er.Bytes())
	default:
		cr := OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, Origin: r.Origin, SecurityID: r.SecurityID,
			Strategy: testStrategy, Text: text, CxlRejReason: CxlUnknownOrder, CxlRejResponseTo: Kind(typ).responseTo()}
		g.publish(MsgOrderCancelReject, cr.Bytes())
	}
	return true
}

func (g *scripted) origin() Origin {
	g.venue++
	return Origin{Seq: uint32(g.venue), Epoch: 1, Ring: RingVenue}
}

// report is the venue's for an order: exec for its pending request (qty 0), or a fill.
func (g *scripted) report(o *Order, exec ExecType, qty int32, px int64) {
	g.t.Helper()
	er := g.execution(o, exec, qty, px)
	g.publish(MsgExecutionReport, er.Bytes())
}

func (g *scripted) execution(o *Order, exec ExecType, qty int32, px int64) ExecutionReport {
	er := ExecutionReport{ClOrdID: o.ClOrdID, OrderID: o.OrderID, LastPx: px, Origin: g.origin(), LastQty: qty,
		CumQty: o.CumQty + qty, LeavesQty: o.LeavesQty() - qty, SecurityID: o.SecurityID, Strategy: o.Strategy,
		ExecType: exec, OrdStatus: o.OrdStatus(), Side: o.Side}
	switch exec {
	case ExecReplaced, ExecCanceled, ExecPendingCancel, ExecPendingReplace:
		if o.Pending.Kind != PendingNone {
			er.ClOrdID = o.Pending.ClOrdID
		}
	}
	switch exec {
	case ExecTrade:
		if er.OrdStatus = StatusPartiallyFilled; er.LeavesQty == 0 {
			er.OrdStatus = StatusFilled
		}
	case ExecNew:
		if er.OrdStatus = StatusNew; o.CumQty > 0 {
			er.OrdStatus = StatusPartiallyFilled
		}
	case ExecPendingNew:
		er.OrdStatus = StatusPendingNew
	case ExecReplaced:
		er.LeavesQty = o.Pending.OrderQty - o.CumQty
		switch er.OrdStatus = StatusNew; {
		case er.LeavesQty == 0:
			er.OrdStatus = StatusFilled
		case o.CumQty > 0:
			er.OrdStatus = StatusPartiallyFilled
		}
	case ExecCanceled, ExecRejected, ExecExpired:
		er.LeavesQty, er.OrdStatus = 0, OrdStatus(exec)
	case ExecOrderStatus:
		er.Text = TextInDoubt
	}
	return er
}

// cancelReject is the venue's refusal of an order's pending request.
func (g *scripted) cancelReject(o *Order) {
	g.t.Helper()
	cr := OrderCancelReject{ClOrdID: o.Pending.ClOrdID, OrigClOrdID: o.ClOrdID, OrderID: o.OrderID, Origin: g.origin(),
		SecurityID: o.SecurityID, Strategy: o.Strategy, OrdStatus: StatusNew, CxlRejReason: CxlTooLate,
		CxlRejResponseTo: o.Pending.Kind.responseTo()}
	g.publish(MsgOrderCancelReject, cr.Bytes())
}

// other publishes frames of strategy 8.
func (g *scripted) other() {
	g.t.Helper()
	if g.state.Session(8) == nil {
		g.publish(MsgSessionStatus, (&SessionStatus{RingID: 8, Epoch: 1, Ring: 8, Status: SessionUp}).Bytes())
	}
	g.sent++
	r := Request{ClOrdID: g.sent, Origin: Origin{uint32(g.sent), 1, 8}, OrderQty: 1, SecurityID: testSecurity, Side: Buy, OrdType: Market, TimeInForce: Day}
	g.publish(MsgNewOrderSingle, r.Bytes())
	g.report(g.state.Last(), ExecTrade, 1, 5)
}

// ringDir is a directory for rings, in memory if there is one, until the test ends.
func ringDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tickring-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// copyDir makes a copy of a directory of rings, as it is: what a process would find there
// that comes after one that was killed at this moment.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := ringDir(t)
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			if err := os.MkdirAll(target, info.Mode()); err != nil {
				return err
			}
			return os.Chmod(target, info.Mode())
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(target, data, info.Mode()); err != nil {
			return err
		}
		return os.Chmod(target, info.Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
