package venue

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// join steps until the runner reads the gateway's ring.
func (g *rig) join() {
	g.t.Helper()
	for deadline := time.Now().Add(time.Minute); g.run.sub == nil; {
		g.step()
		if time.Now().After(deadline) {
			g.t.Fatal("the gateway's ring is never found")
		}
	}
}

// some has requests made and answered.
func (g *rig) some(n int) {
	g.t.Helper()
	for range n {
		g.desk.request()
		g.step()
		for g.desk.pass() {
		}
	}
}

// The gateway's ring is removed and made again: nothing is open, and message 1 is a new one.
func TestGatewayMadeAnew(t *testing.T) {
	g := newRig(t, 3)
	var events []Event
	g.run.cfg.Notify = func(e Event) { events = append(events, e) }
	g.join()
	g.some(300)
	g.settle()
	if len(g.audit.open) == 0 || g.v.recover != 1 {
		t.Fatalf("%d open orders, recovered %d times", len(g.audit.open), g.v.recover)
	}
	g.desk.kill()
	if err := ring.Remove(g.dir, "g"); err != nil {
		t.Fatal(err)
	}
	g.audit.open, g.audit.answered, g.audit.answers = map[uint64]*book{}, map[uint32]bool{}, nil
	g.audit.closed = map[uint64]bool{}
	g.desk = newDesk(t, g.dir, g.rng)
	for deadline := time.Now().Add(time.Minute); g.v.recover < 2; {
		g.step()
		if time.Now().After(deadline) {
			t.Fatal("the new ring is never found")
		}
	}
	g.some(100)
	g.restart() // it knows the new ring from the old one, too
	g.join()
	g.some(100)
	g.settle()
	if !slices.Contains(events, GatewayNew) || !slices.Contains(events, GatewayFound) {
		t.Errorf("told of %v", events)
	}
	g.run.close()
	g.desk.kill()
}

// The gateway's ring moves to another file, of the same sequence: the venue goes on.
func TestGatewayInAnotherFile(t *testing.T) {
	g := newRig(t, 4)
	g.join()
	g.some(100)
	g.settle()
	g.step() // the last message is not in hand any more
	g.desk.kill()
	pub, err := ring.Create("g", ring.Config{Dir: g.dir, Capacity: 16 << 20, Schema: order.Schema, Gates: []ring.Gate{{Name: "v"}}})
	if err != nil {
		t.Fatal(err)
	}
	g.desk.pub = pub
	g.desk.msgs = g.desk.st.AppendCheckpoint(g.desk.msgs[:0], pub.MaxMessage())
	if err := pub.PublishSnapshot(g.desk.msgs); err != nil {
		t.Fatal(err)
	}
	g.desk.st.Skip(len(g.desk.msgs))
	g.some(100)
	g.settle()
	if g.v.recover != 1 {
		t.Errorf("recovered %d times", g.v.recover)
	}
	g.run.close()
	g.desk.kill()
}

// broken answers with n reports.
type broken struct {
	scripted
	n int
}

func (b *broken) Recover(Recovery) error { return nil }
func (b *broken) Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *Reports) error {
	for range b.n {
		out.Report(order.ExecutionReport{})
	}
	return nil
}

func TestBrokenContract(t *testing.T) {
	for _, n := range []int{0, MaxReports + 1} {
		g := newRig(t, 5)
		g.run.close()
		for len(g.desk.sent) == 0 {
			g.desk.request()
		}
		b := &broken{scripted: scripted{rng: g.rng}, n: n}
		cfg := Config{Dir: g.dir, Name: "v", Gateway: "g", Capacity: leastCapacity}
		if _, err := Run(context.Background(), cfg, b); !errors.Is(err, ErrReports) {
			t.Errorf("%d reports: %v", n, err)
		}
		// The request is still to be dealt with.
		g.start()
		g.settle()
		g.run.close()
		g.desk.kill()
	}
}

func TestRings(t *testing.T) {
	dir := t.TempDir()
	pub, err := ring.Create("g", ring.Config{Dir: dir, Capacity: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	cfg := Config{Dir: dir, Name: "v", Gateway: "g", Patience: time.Millisecond}
	if _, err := Run(context.Background(), cfg, &broken{}); !errors.Is(err, ErrNoGate) || !strings.Contains(err.Error(), `"g"`) {
		t.Errorf("a ring without the gate: %v", err)
	}
	other, err := ring.Create("v", ring.Config{Dir: dir, Capacity: leastCapacity, Schema: order.Schema})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), cfg, &broken{}); !errors.Is(err, ring.ErrPublisherActive) {
		t.Errorf("a venue that is there: %v", err)
	}
	// One that is going away.
	cfg.Patience = time.Minute
	done := make(chan error)
	go func() {
		r, err := newRunner(context.Background(), cfg, &broken{})
		if err == nil {
			r.close()
		}
		done <- err
	}()
	time.Sleep(10 * time.Millisecond)
	other.Close()
	if err := <-done; err != nil {
		t.Errorf("after a venue that has gone: %v", err)
	}
	for _, bad := range []Config{{Name: "v"}, {Gateway: "g"}, {Name: "v", Gateway: "v"}, {Name: "v/", Gateway: "g"}, {Name: "v", Gateway: "g", Capacity: 1 << 19}} {
		if _, err := Run(context.Background(), bad, &broken{}); !errors.Is(err, ErrConfig) && !errors.Is(err, ring.ErrName) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// A ring of another kind is not replaced by the venue's.
func TestRingOfAnotherKind(t *testing.T) {
	for name, other := range map[string]ring.Config{
		"market data":       {Schema: "dbn3/mbo"},
		"another's journal": {Schema: order.Schema, Gates: []ring.Gate{{Name: "sim"}}},
	} {
		dir := t.TempDir()
		other.Dir, other.Capacity = dir, leastCapacity
		pub, err := ring.Create("v", other)
		if err != nil {
			t.Fatal(err)
		}
		if err := pub.Publish(1, []byte("kept")); err != nil {
			t.Fatal(err)
		}
		gate, err := ring.Open("v", ring.Options{Dir: dir, Name: "sim", New: ring.FromOldest})
		if err != nil {
			t.Fatal(err)
		}
		gate.Next()
		gate.Next() // so it has read all, and nothing else is in the way
		gate.Close()
		pub.Close()
		if r, err := newRunner(context.Background(), Config{Dir: dir, Name: "v", Gateway: "g"}, &broken{}); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
			if err == nil {
				r.close()
			}
		}
		if info, err := ring.Stat(dir, "v"); err != nil || info.Oldest != 1 || info.Last != 1 || info.Schema != other.Schema {
			t.Errorf("%s was replaced: %+v, %v", name, info, err)
		}
	}
}

// A time to live that has passed is told to the venue; cancels have none.
func TestExpired(t *testing.T) {
	g := newRig(t, 6)
	g.join()
	in := g.desk.st.Session(1)
	r := order.Request{ClOrdID: 1, Price: 1, OrderQty: 1, SecurityID: 7, Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GTC,
		Origin: order.Origin{Seq: uint32(in.Seq + 1), Epoch: 1, Ring: 1}, TTL: 1}
	if !g.desk.publish(order.MsgNewOrderSingle, r.Bytes()) {
		t.Fatal("no room")
	}
	g.desk.sent = append(g.desk.sent, g.desk.pub.Seq())
	time.Sleep(time.Millisecond)
	g.settle()
	if g.run.counts.Expired != 1 || len(g.audit.open) != 0 {
		t.Errorf("%d expired, %d open", g.run.counts.Expired, len(g.audit.open))
	}
	g.run.close()
	g.desk.kill()
}

// Run goes on until its context ends; the gateway may come after it.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(7, 7))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	v := &quiet{}
	found := make(chan Event, 100)
	type result struct {
		Counts
		err error
	}
	done := make(chan result)
	go func() {
		c, err := Run(ctx, Config{Dir: dir, Name: "v", Gateway: "g", Notify: func(e Event) { found <- e }}, v)
		done <- result{c, err}
	}()
	d := newDesk(t, dir, rng)
	defer d.kill()
	if e := <-found; e != GatewayFound {
		t.Errorf("told of %v", e)
	}
	for deadline := time.Now().Add(time.Minute); len(d.sent) < 100 || d.st.Unanswered() > 0; {
		if len(d.sent) < 100 {
			d.request()
		}
		for d.pass() {
		}
		if time.Now().After(deadline) {
			t.Fatal("no answers")
		}
	}
	cancel()
	if r := <-done; r.err != nil || r.Requests != 100 || r.Reports != 100 {
		t.Errorf("%+v", r)
	}
}

// quiet is a venue that refuses everything.
type quiet struct{}

func (quiet) Recover(Recovery) error      { return nil }
func (quiet) Turn(*Reports) (bool, error) { return false, nil }
func (quiet) MdSeq() uint64               { return 0 }
func (quiet) Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *Reports) error {
	if typ == order.MsgNewOrderSingle {
		out.Report(order.ExecutionReport{ClOrdID: r.ClOrdID, SecurityID: r.SecurityID, Strategy: r.Origin.Ring, Side: r.Side,
			ExecType: order.ExecRejected, OrdStatus: order.StatusRejected})
		return nil
	}
	to := order.ToCancel
	if typ == order.MsgOrderCancelReplaceRequest {
		to = order.ToReplace
	}
	out.CancelReject(order.OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, SecurityID: r.SecurityID, Strategy: r.Origin.Ring,
		OrdStatus: order.StatusRejected, CxlRejResponseTo: to})
	return nil
}
