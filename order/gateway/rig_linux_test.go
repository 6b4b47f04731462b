package gateway

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/risk"
	"github.com/tickring/tickring/ring"
)

const (
	gw    = "gw"
	venue = "vx"
	es    = 5602
)

const testLimits = `
defaults:
  max_qty: 100
  max_notional: 1_000_000
  max_position: 1000
  max_orders: 50
  collar_ppm: none
  rate: none
instruments:
  5602: {multiplier: 2}
  7: {max_qty: 5}
`

func mustLimits(t testing.TB, text string) *risk.Limits {
	t.Helper()
	l, err := risk.Parse("limits.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// rig is a gateway in a directory of its own, its venue and its strategies, all in this
// goroutine.
type rig struct {
	testing.TB
	dir    string
	cfg    Config
	g      *Gateway
	fds    map[string]bool // that were open before the gateway
	venue  *fakeVenue
	strats map[uint16]*strategy
	out    *order.Follower // what everybody sees
	sub    *ring.Subscriber
	notes  []string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{TB: t, dir: t.TempDir(), strats: map[uint16]*strategy{}}
	r.cfg = Config{Dir: r.dir, Name: gw, Venue: venue, Limits: mustLimits(t, testLimits), Capacity: 256 << 10,
		heartbeat: -1, Notify: func(s string) { r.notes = append(r.notes, s) }}
	t.Cleanup(func() {
		if r.g != nil {
			r.g.Close()
		}
	})
	return r
}

// openFDs are the open files below the directory, with their numbers.
func (r *rig) openFDs() map[string]bool {
	all := map[string]bool{}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && strings.HasPrefix(to, r.dir) {
			all[e.Name()] = true
		}
	}
	return all
}

// start opens the gateway.
func (r *rig) start() {
	r.Helper()
	if err := r.tryStart(); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) tryStart() error {
	r.fds = r.openFDs()
	g, err := Open(context.Background(), r.cfg)
	r.g = g
	return err
}

// kill ends the gateway as SIGKILL would: its files are closed, which ends its locks, and
// nothing else happens to what is in shared memory. The mappings stay, unused.
func (r *rig) kill() {
	for fd := range r.openFDs() {
		if !r.fds[fd] {
			var n int
			fmt.Sscan(fd, &n)
			unix.Close(n)
		}
	}
	r.g = nil
}

// run lets the gateway work until it has nothing to do, twice in a row with the chores in
// between.
func (r *rig) run() {
	r.Helper()
	if err := r.g.settleAll(); err != nil {
		r.Fatal(err)
	}
}

// settleAll does chores and steps until nothing happens any more.
func (g *Gateway) settleAll() error {
	for quiet := 0; quiet < 3; quiet++ {
		g.now, g.lookDue = g.clock.read(), 0
		for range g.sources.all {
			if err := g.chores(); err != nil {
				return err
			}
		}
		if err := g.chores(); err != nil {
			return err
		}
		for {
			before := g.pub.Seq()
			worked, err := g.step()
			if err != nil {
				return err
			}
			if g.pub.Seq() != before {
				quiet = 0
			}
			if !worked {
				break
			}
		}
	}
	return nil
}

// strategy is a strategy's ring, without the client.
type strategy struct {
	*rig
	n     uint16
	pub   *ring.Publisher
	clOrd uint64
}

func (r *rig) strategy(n uint16) *strategy {
	r.Helper()
	s := r.strats[n]
	if s == nil {
		s = &strategy{rig: r, n: n}
		r.strats[n] = s
	}
	pub, err := ring.Create(order.InputRing(gw, n), ring.Config{Dir: r.dir, Capacity: 256 << 10, Schema: order.Schema,
		Heartbeat: -1, Gates: []ring.Gate{{Name: gw}}})
	if err != nil {
		r.Fatal(err)
	}
	s.pub = pub
	r.Cleanup(func() { pub.Close() })
	return s
}

// origin is that of the next message.
func (s *strategy) origin() order.Origin {
	return order.Origin{Seq: uint32(s.pub.Seq() + 1), Epoch: uint16(s.pub.Epoch()), Ring: s.n}
}

// limit returns a new limit order.
func (s *strategy) limit(side order.Side, qty int32, price int64) order.Request {
	s.clOrd++
	return order.Request{ClOrdID: s.clOrd, Price: price, OrderQty: qty, SecurityID: es, Side: side,
		OrdType: order.Limit, TimeInForce: order.Day}
}

// cancel returns a cancel of an order to buy or sell es.
func (s *strategy) cancel(side order.Side, orig uint64) order.Request {
	s.clOrd++
	return order.Request{ClOrdID: s.clOrd, OrigClOrdID: orig, SecurityID: es, Side: side}
}

// send publishes a request with its proper origin.
func (s *strategy) send(typ order.MsgType, r order.Request) {
	s.Helper()
	r.Origin = s.origin()
	s.raw(typ, r.Bytes())
}

func (s *strategy) raw(typ order.MsgType, msg []byte) {
	s.Helper()
	if err := s.pub.Publish(uint16(typ), msg); err != nil {
		s.Fatal(err)
	}
}

// follow reads the gateway's ring with a state of its own, and returns what is new.
func (r *rig) follow() (frames []frame) {
	r.Helper()
	if r.out == nil {
		sub, err := ring.Open(gw, ring.Options{Dir: r.dir, From: ring.FromOldest, NoStepOff: true})
		if err != nil {
			r.Fatal(err)
		}
		r.Cleanup(func() { sub.Close() })
		r.sub, r.out = sub, order.NewFollower(sub, order.Bounds{})
	}
	for {
		msg, st, err := r.out.Next()
		if err != nil {
			r.Fatal(err)
		}
		switch st {
		case ring.Message:
			frames = append(frames, frame{r.sub.Seq(), order.MsgType(r.sub.Type()), append([]byte(nil), msg...)})
		case ring.Gap:
			r.Fatal("the follower was lapped")
		default:
			return frames
		}
	}
}

type frame struct {
	seq uint64
	typ order.MsgType
	msg []byte
}

// origin returns the input that a frame is for; false: it has none.
func (f frame) origin() (order.Origin, bool) {
	var o order.Origin
	switch f.typ {
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
		r, _ := order.AsRequest(f.msg)
		if r.ByGateway() {
			return o, false
		}
		o = r.Origin
	case order.MsgExecutionReport:
		r, _ := order.AsExecutionReport(f.msg)
		o = r.Origin
	case order.MsgOrderCancelReject:
		r, _ := order.AsOrderCancelReject(f.msg)
		o = r.Origin
	case order.MsgBusinessMessageReject:
		r, _ := order.AsBusinessMessageReject(f.msg)
		o = r.Origin
	case order.MsgVenueStatus:
		r, _ := order.AsVenueStatus(f.msg)
		o = r.Origin
	case order.MsgKillSwitch:
		r, _ := order.AsKillSwitch(f.msg)
		o = r.Origin
	default:
		return o, false
	}
	return o, o.Ring != order.RingGateway
}

// fakeVenue accepts everything and fills when it is told to.
type fakeVenue struct {
	*rig
	pub   *ring.Publisher
	sub   *ring.Subscriber
	state *order.State // of what it has read
	seen  uint64
	asked []frame // requests that are not answered yet
}

func (r *rig) startVenue() *fakeVenue {
	r.Helper()
	pub, err := ring.Create(venue, ring.Config{Dir: r.dir, Capacity: 256 << 10, Schema: order.Schema,
		Heartbeat: -1, Gates: []ring.Gate{{Name: gw}}})
	if err != nil {
		r.Fatal(err)
	}
	r.venue = &fakeVenue{rig: r, pub: pub}
	r.Cleanup(func() { pub.Close() })
	return r.venue
}

// read reads the gateway's ring as its gate.
func (v *fakeVenue) read() {
	v.Helper()
	if v.sub == nil {
		sub, err := ring.Open(gw, ring.Options{Dir: v.dir, Name: venue, NoStepOff: true})
		if err != nil {
			v.Fatal(err)
		}
		v.sub = sub
		v.Cleanup(func() { sub.Close() })
	}
	for {
		msg, st := v.sub.Next()
		switch st {
		case ring.Message:
			switch typ := order.MsgType(v.sub.Type()); typ {
			case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
				v.asked = append(v.asked, frame{v.sub.Seq(), typ, append([]byte(nil), msg...)})
			}
		case ring.Empty:
			return
		default:
			v.Fatalf("the venue's subscriber: %v %v", st, v.sub.Err())
		}
	}
}

// answer answers up to n requests as a venue does that fills nothing.
func (v *fakeVenue) answer(n int) {
	v.Helper()
	v.read()
	for len(v.asked) > 0 && n > 0 {
		f := v.asked[0]
		r, _ := order.AsRequest(f.msg)
		o := v.order(r)
		origin := order.Origin{Seq: uint32(f.seq), Ring: r.Origin.Ring}
		er := order.ExecutionReport{ClOrdID: r.ClOrdID, Origin: origin, SecurityID: r.SecurityID, Strategy: r.Origin.Ring, Side: r.Side}
		switch f.typ {
		case order.MsgNewOrderSingle:
			er.OrderID, er.LeavesQty, er.ExecType, er.OrdStatus = f.seq, r.OrderQty, order.ExecNew, order.StatusNew
		case order.MsgOrderCancelRequest:
			if o == nil {
				v.refuse(f, r, origin)
				er.OrderID = 0
				break
			}
			er.OrderID, er.CumQty, er.ExecType, er.OrdStatus = o.OrderID, o.CumQty, order.ExecCanceled, order.StatusCanceled
		case order.MsgOrderCancelReplaceRequest:
			if o == nil {
				v.refuse(f, r, origin)
				break
			}
			er.OrderID, er.CumQty, er.LeavesQty, er.ExecType, er.OrdStatus = o.OrderID, o.CumQty, r.OrderQty-o.CumQty, order.ExecReplaced, order.StatusNew
		}
		if er.OrderID != 0 {
			v.say(order.MsgExecutionReport, er.Bytes())
		}
		v.asked = v.asked[1:]
		n--
	}
}

// order finds the order of a request as the gateway has it: the venue of these tests is of
// one mind with it.
func (v *fakeVenue) order(r *order.Request) *order.Order {
	if r.OrigClOrdID == 0 || v.g == nil {
		return nil
	}
	return v.g.state.Order(r.Origin.Ring, r.OrigClOrdID)
}

func (v *fakeVenue) refuse(f frame, r *order.Request, origin order.Origin) {
	cr := order.OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, Origin: origin, SecurityID: r.SecurityID,
		Strategy: r.Origin.Ring, Text: order.TextUnknownOrder, OrdStatus: order.StatusRejected, CxlRejReason: order.CxlTooLate, CxlRejResponseTo: order.ToCancel}
	if f.typ == order.MsgOrderCancelReplaceRequest {
		cr.CxlRejResponseTo = order.ToReplace
	}
	v.say(order.MsgOrderCancelReject, cr.Bytes())
}

func (v *fakeVenue) say(typ order.MsgType, msg []byte) {
	v.Helper()
	if err := v.pub.Publish(uint16(typ), msg); err != nil {
		v.Fatal(err)
	}
}

// fill fills some of an open order.
func (v *fakeVenue) fill(o *order.Order, qty int32) {
	v.Helper()
	er := order.ExecutionReport{ClOrdID: o.ClOrdID, OrderID: o.OrderID, LastPx: o.Price, Origin: order.Origin{Ring: order.RingVenue}, LastQty: qty,
		CumQty: o.CumQty + qty, LeavesQty: o.LeavesQty() - qty, SecurityID: o.SecurityID, Strategy: o.Strategy,
		ExecType: order.ExecTrade, OrdStatus: order.StatusPartiallyFilled, Side: o.Side}
	if er.LeavesQty == 0 {
		er.OrdStatus = order.StatusFilled
	}
	v.say(order.MsgExecutionReport, er.Bytes())
}

// sameState fails if what the gateway knows is not what its ring adds up to.
func (r *rig) sameState() {
	r.Helper()
	r.follow()
	a, b := r.g.state, r.out.State
	if a.Seq() != b.Seq() {
		r.Fatalf("the gateway is at message %d, its ring at %d", a.Seq(), b.Seq())
	}
	if got, want := dump(b), dump(a); got != want {
		r.Fatalf("the gateway's ring adds up to\n%s\nand not to what the gateway has:\n%s", got, want)
	}
}

// dump is all rows of a state but the rates.
func dump(s *order.State) string {
	var b strings.Builder
	fmt.Fprintln(&b, "killed", s.Killed(), "unanswered", s.Unanswered())
	for _, x := range s.Sessions() {
		x.Rate = [2]uint64{}
		fmt.Fprintf(&b, "%+v\n", x)
	}
	for _, x := range s.Positions() {
		fmt.Fprintf(&b, "%+v\n", x)
	}
	orders := map[uint64]order.Order{}
	for _, x := range s.Orders() {
		orders[x.OrderID] = x
	}
	fmt.Fprintln(&b, orders)
	fmt.Fprintf(&b, "%+v\n", s.Requests())
	return b.String()
}

var errStop = errors.New("the process ends here")

const px = 5000 * 1e9

var _ = math.MaxInt64
