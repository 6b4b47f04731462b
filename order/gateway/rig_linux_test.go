package gateway

import (
	"context"
	"fmt"
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
	fds    map[string]bool // that are not the gateway's
	venue  *fakeVenue
	strats map[uint16]*strategy
	out    *order.Follower // what everybody sees
	sub    *ring.Subscriber
	notes  []string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{TB: t, dir: shmDir(t), strats: map[uint16]*strategy{}, fds: map[string]bool{}}
	r.cfg = Config{Dir: r.dir, Name: gw, Venue: venue, Limits: mustLimits(t, testLimits), Capacity: 256 << 10,
		heartbeat: -1, Notify: func(s string) { r.notes = append(r.notes, s) }}
	t.Cleanup(func() {
		if r.g != nil {
			r.g.Close()
		}
	})
	return r
}

// shmDir is a directory in memory, where rings belong.
func shmDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tickring-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
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

// mine runs f, whose files are not the gateway's.
func (r *rig) mine(f func()) {
	before := r.openFDs()
	f()
	for fd := range r.openFDs() {
		if !before[fd] {
			r.fds[fd] = true
		}
	}
}

// start opens the gateway.
func (r *rig) start() {
	r.Helper()
	if err := r.tryStart(); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) tryStart() error {
	g, err := Open(context.Background(), r.cfg)
	r.g = g
	return err
}

// kill ends the gateway as SIGKILL would: its locks end and its files are closed, and nothing
// happens to what is in shared memory. The mappings stay, unused.
func (r *rig) kill() {
	for fd := range r.openFDs() {
		if !r.fds[fd] {
			var n int
			fmt.Sscan(fd, &n)
			unlock := unix.Flock_t{Type: unix.F_UNLCK} // the mappings would keep the locks
			if err := unix.FcntlFlock(uintptr(n), unix.F_OFD_SETLK, &unlock); err != nil {
				r.Fatal(err)
			}
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
	s.pub = r.create(order.InputRing(gw, n))
	return s
}

// create becomes the publisher of a ring that the gateway reads.
func (r *rig) create(name string) (pub *ring.Publisher) {
	r.Helper()
	r.mine(func() {
		var err error
		pub, err = ring.Create(name, ring.Config{Dir: r.dir, Capacity: 256 << 10, Schema: order.Schema,
			Heartbeat: -1, Gates: []ring.Gate{{Name: gw}}})
		if err != nil {
			r.Fatal(err)
		}
	})
	r.Cleanup(func() { pub.Close() })
	return pub
}

// openRing opens a ring as a subscriber that is not the gateway.
func (r *rig) openRing(name string, opt ring.Options) (sub *ring.Subscriber) {
	r.Helper()
	opt.Dir, opt.NoStepOff = r.dir, true
	r.mine(func() {
		var err error
		if sub, err = ring.Open(name, opt); err != nil {
			r.Fatal(err)
		}
	})
	r.Cleanup(func() { sub.Close() })
	return sub
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
		r.sub = r.openRing(gw, ring.Options{From: ring.FromOldest})
		r.out = order.NewFollower(r.sub, order.Bounds{})
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

const px = 5000 * 1e9
