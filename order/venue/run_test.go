package venue

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tickring/tickring/order"
)

var errCrash = errors.New("crash")

// scripted is a venue whose answers are chance, but legal. It crashes now and then: after it
// was asked, before the answer is published.
type scripted struct {
	t       *testing.T
	rng     *rand.Rand
	audit   *auditor
	orders  []order.Order
	mdSeq   uint64
	crash   int // one call in so many; 0: never
	recover int
	verbose bool // many reports for each request
}

func (v *scripted) MdSeq() uint64 { return v.mdSeq }

func (v *scripted) Recover(rec Recovery) error {
	v.audit.read()
	if err := v.audit.check(rec); err != nil {
		v.t.Fatal(err)
	}
	v.orders, v.mdSeq = slices.Clone(rec.Orders), rec.MdSeq
	v.recover++
	return nil
}

func (v *scripted) crashes() error {
	if v.crash > 0 && v.rng.IntN(v.crash) == 0 {
		return errCrash
	}
	return nil
}

func (v *scripted) find(strategy uint16, clOrdID uint64) int {
	return slices.IndexFunc(v.orders, func(o order.Order) bool { return o.Strategy == strategy && o.ClOrdID == clOrdID })
}

func report(o *order.Order, what order.ExecType) order.ExecutionReport {
	er := order.ExecutionReport{ClOrdID: o.ClOrdID, OrderID: o.OrderID, CumQty: o.CumQty, LeavesQty: o.LeavesQty(),
		SecurityID: o.SecurityID, Strategy: o.Strategy, ExecType: what, Side: o.Side, OrdStatus: order.StatusNew}
	if o.CumQty > 0 {
		er.OrdStatus = order.StatusPartiallyFilled
	}
	return er
}

func (v *scripted) fill(i int, qty int32, out *Reports) {
	o := &v.orders[i]
	o.CumQty += qty
	er := report(o, order.ExecTrade)
	er.LastQty, er.LastPx = qty, o.Price
	if o.CumQty == o.OrderQty {
		er.OrdStatus = order.StatusFilled
		v.orders = slices.Delete(v.orders, i, i+1)
	}
	out.Report(er)
}

func (v *scripted) Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *Reports) error {
	v.mdSeq++
	if typ == order.MsgNewOrderSingle {
		o := order.Order{OrderID: seq, ClOrdID: r.ClOrdID, Price: r.Price, SecurityID: r.SecurityID, OrderQty: r.OrderQty,
			Strategy: r.Origin.Ring, Side: r.Side, OrdType: r.OrdType, TimeInForce: r.TimeInForce}
		if expired || v.rng.IntN(8) == 0 {
			er := report(&o, order.ExecRejected)
			er.OrdStatus, er.LeavesQty, er.OrdRejReason = order.StatusRejected, 0, order.RejOther
			out.Report(er)
			return v.crashes()
		}
		out.Report(report(&o, order.ExecNew))
		v.orders = append(v.orders, o)
		for i := len(v.orders) - 1; out.Room() > 0 && i < len(v.orders) && (v.verbose || v.rng.IntN(3) == 0); {
			v.fill(i, 1, out)
		}
		return v.crashes()
	}
	i := v.find(r.Origin.Ring, r.OrigClOrdID)
	if i < 0 || expired || v.rng.IntN(5) == 0 || typ == order.MsgOrderCancelReplaceRequest && r.OrderQty <= v.orders[i].CumQty {
		cr := order.OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, SecurityID: r.SecurityID, Strategy: r.Origin.Ring,
			OrdStatus: order.StatusRejected, CxlRejReason: order.CxlTooLate, CxlRejResponseTo: order.ToCancel}
		if typ == order.MsgOrderCancelReplaceRequest {
			cr.CxlRejResponseTo = order.ToReplace
		}
		if i >= 0 {
			cr.OrderID = v.orders[i].OrderID
		}
		out.CancelReject(cr)
		return v.crashes()
	}
	o := &v.orders[i]
	o.ClOrdID = r.ClOrdID
	if typ == order.MsgOrderCancelRequest {
		er := report(o, order.ExecCanceled)
		er.OrdStatus, er.LeavesQty = order.StatusCanceled, 0
		out.Report(er)
		v.orders = slices.Delete(v.orders, i, i+1)
		return v.crashes()
	}
	o.Price, o.OrderQty = r.Price, r.OrderQty
	out.Report(report(o, order.ExecReplaced))
	return v.crashes()
}

func (v *scripted) Turn(out *Reports) (bool, error) {
	n := 0
	for ; n < 3 && len(v.orders) > 0 && out.Room() > 0 && v.rng.IntN(6) == 0; n++ {
		v.fill(v.rng.IntN(len(v.orders)), 1, out)
	}
	return n > 0, v.crashes()
}

// rig is a desk, an auditor, and a venue that is started again and again.
type rig struct {
	t     *testing.T
	dir   string
	rng   *rand.Rand
	desk  *desk
	audit *auditor
	v     *scripted
	run   *runner
	kills int
}

func newRig(t *testing.T, seed uint64) *rig {
	rng := rand.New(rand.NewPCG(seed, 5))
	g := &rig{t: t, dir: t.TempDir(), rng: rng}
	g.desk = newDesk(t, g.dir, rng)
	g.start()
	return g
}

func (g *rig) start() {
	g.t.Helper()
	v := &scripted{t: g.t, rng: g.rng}
	if g.v != nil {
		v.crash, v.verbose = g.v.crash, g.v.verbose
	}
	run, err := newRunner(context.Background(), Config{Dir: g.dir, Name: "v", Gateway: "g", Capacity: leastCapacity}, v)
	if err != nil {
		g.t.Fatal(err)
	}
	if g.audit == nil {
		g.audit = newAuditor(g.t, g.dir)
		g.t.Cleanup(func() { g.audit.sub.Close() })
	}
	v.audit = g.audit
	g.v, g.run = v, run
}

// restart plays a kill: what is in hand is not dealt with.
func (g *rig) restart() {
	g.t.Helper()
	g.kills++
	g.run.close()
	g.start()
}

func (g *rig) step() bool {
	g.t.Helper()
	busy, err := g.run.step()
	if errors.Is(err, errCrash) {
		g.restart()
		return true
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.audit.read()
	return busy
}

// settle goes on until nothing happens any more, and checks the books.
func (g *rig) settle() {
	g.t.Helper()
	g.v.crash = 0
	done := func() bool {
		for _, seq := range g.desk.sent {
			if !g.audit.answered[uint32(seq)] {
				return false
			}
		}
		in := g.desk.st.Session(order.RingVenue)
		return !g.run.held && in != nil && in.Seq == g.run.pub.Seq()
	}
	for deadline := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(deadline) {
			g.t.Fatalf("requests are unanswered after a minute: %d sent, %d answered", len(g.desk.sent), len(g.audit.answers))
		}
		busy := g.step()
		for g.desk.pass() {
			busy = true
		}
		if !busy {
			time.Sleep(time.Millisecond)
		}
	}
	if len(g.audit.answers) != len(g.desk.sent) {
		g.t.Errorf("%d answers to %d requests", len(g.audit.answers), len(g.desk.sent))
	}
	if n := g.desk.st.Unanswered(); n != 0 {
		g.t.Errorf("the gateway waits for %d answers", n)
	}
	var rec Recovery
	rec.GatewaySeq = ^uint64(0)
	rec.collect(g.desk.st)
	if err := g.audit.check(rec); err != nil {
		g.t.Errorf("the gateway and the venue disagree: %v", err)
	}
}

// Killed at any step, or between the venue's answer and its publishing, with the gateway
// killed at any step as well: each request is answered once, and no order is forgotten.
func TestKilledAtAnyStep(t *testing.T) {
	for seed := range uint64(4) {
		g := newRig(t, seed)
		g.v.crash = []int{0, 30, 300}[seed%3]
		joined := false
		for range 5000 {
			switch d := g.rng.IntN(100); {
			case d < 40:
				g.desk.request()
			case d < 70:
				if g.rng.IntN(4) > 0 { // behind, now and then
					g.desk.pass()
				}
			case d < 98:
				g.step()
			case d == 98:
				g.restart()
			case g.rng.IntN(3) == 0:
				g.desk.kill()
				g.desk.start()
			}
			if !joined { // the runner looks for the ring by the clock
				for g.run.sub == nil {
					g.step()
				}
			}
			joined = g.run.sub != nil
		}
		g.settle()
		t.Logf("seed %d: %d kills, %d requests, %d reports, %d VenueStatus", seed, g.kills, len(g.desk.sent), g.audit.reports, g.audit.statuses)
		g.run.close()
		g.desk.kill()
	}
}

// A gateway that does not read: the venue stops reading when its ring is full, keeps the
// answer in hand, and loses nothing, killed or not.
func TestBackPressureKeepsTheAnswer(t *testing.T) {
	g := newRig(t, 1)
	g.v.verbose, g.desk.large = true, true
	for n := 0; !g.run.held; n++ {
		if n == 1e6 {
			t.Fatal("the venue's ring is never full")
		}
		g.desk.request()
		g.step()
	}
	for range 5 {
		if g.step() || !g.run.held {
			t.Fatal("the venue went on although its ring is full")
		}
		g.restart()
		for deadline := time.Now().Add(time.Minute); !g.run.held; {
			g.step()
			if time.Now().After(deadline) {
				t.Fatal("the request in hand did not come again")
			}
		}
	}
	g.settle()
	g.run.close()
	g.desk.kill()
}
