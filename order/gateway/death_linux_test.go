package gateway

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// died is what a gateway panics with that is to end at a moment.
type died struct{ at moment }

// runUntil lets the gateway work and ends it at the n-th moment that stop wants, as a kill
// does. It says whether that came.
func (r *rig) runUntil(stop func(moment) bool) (dead bool) {
	r.Helper()
	r.g.at = func(m moment) {
		if stop(m) {
			panic(died{m})
		}
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
			r.g.at = nil
		case died:
			r.kill()
			dead = true
		default:
			panic(p)
		}
	}()
	if err := r.g.settleAll(); err != nil {
		r.Fatal(err)
	}
	return false
}

// ledger is what the gateway's ring has said, and holds it against what was sent: each input
// has one frame, in its order.
type ledger struct {
	*rig
	next map[uint16]uint32 // by ring: the input whose frame is due
	sent map[uint16][]frame
	own  map[uint64]bool
}

func newLedger(r *rig) *ledger {
	return &ledger{rig: r, next: map[uint16]uint32{}, sent: map[uint16][]frame{}, own: map[uint64]bool{}}
}

// read reads what is new.
func (l *ledger) read() {
	l.Helper()
	for _, f := range l.follow() {
		o, ok := f.origin()
		if !ok {
			continue
		}
		if l.next[o.Ring]++; o.Seq != l.next[o.Ring] {
			l.Fatalf("message %d is for message %d of ring %d, and %d is due", f.seq, o.Seq, o.Ring, l.next[o.Ring])
		}
		if o.Ring > order.MaxStrategy {
			continue
		}
		asked := l.sent[o.Ring][o.Seq-1]
		switch f.typ {
		case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
			if f.typ != asked.typ || string(f.msg) != string(asked.msg) {
				l.Fatalf("message %d forwards %q, sent was %q", f.seq, f.msg, asked.msg)
			}
		}
	}
}

// whole fails if an input has no frame.
func (l *ledger) whole() {
	l.Helper()
	l.read()
	for n, sent := range l.sent {
		if int(l.next[n]) != len(sent) {
			l.Errorf("strategy %d sent %d messages, %d have a frame", n, len(sent), l.next[n])
		}
	}
	if v := l.venue; v != nil && uint64(l.next[order.RingVenue]) != v.pub.Seq() {
		l.Errorf("the venue said %d messages, %d have a frame", v.pub.Seq(), l.next[order.RingVenue])
	}
}

func (l *ledger) send(s *strategy, typ order.MsgType, r order.Request) {
	l.Helper()
	r.Origin = s.origin()
	l.sent[s.n] = append(l.sent[s.n], frame{typ: typ, msg: append([]byte(nil), r.Bytes()...)})
	s.raw(typ, r.Bytes())
}

// A gateway is ended at every moment of a small session, one after the other; its successor
// goes on, and what comes out is the same.
func TestEndedAtEveryMoment(t *testing.T) {
	last := false
	for n := 1; !last; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := newRig(t)
			v := r.startVenue()
			l := newLedger(r)
			r.start()
			s := r.strategy(7)
			count := 0
			work := func() {
				for {
					if !r.runUntil(func(moment) bool { count++; return count == n }) {
						return
					}
					r.start()
				}
			}
			first := s.limit(order.Buy, 10, px)
			first.Flags = order.CancelOnDisconnect
			l.send(s, order.MsgNewOrderSingle, first)
			l.send(s, order.MsgNewOrderSingle, s.limit(order.Sell, -1, px)) // refused
			l.send(s, order.MsgNewOrderSingle, s.limit(order.Sell, 3, px))
			work()
			v.answer(2)
			replace := s.limit(order.Buy, 12, px)
			replace.OrigClOrdID, replace.Flags = 1, order.CancelOnDisconnect
			l.send(s, order.MsgOrderCancelReplaceRequest, replace)
			work()
			v.fill(7, 1, 4)
			v.answer(1)
			work()
			s.pub.Close() // the strategy ends, and one of its orders is to be canceled
			work()
			v.answer(9)
			work()
			l.whole()
			v.agrees()
			r.sameState()
			if got := len(r.g.state.Orders()); got != 1 {
				t.Errorf("%d open orders, want that without CancelOnDisconnect", got)
			}
			if p := r.g.state.Position(7, es); p.Net != 4 || p.OpenSell != 3 || p.OpenBuy != 0 {
				t.Errorf("position %+v", p)
			}
			last = count < n
		})
	}
}

// simulate drives strategies and a venue at random, and ends the gateway at random moments. It returns how often.
func simulate(t *testing.T, seed uint64, steps int) (deaths int) {
	rnd := rand.New(rand.NewPCG(seed, 5))
	r := newRig(t)
	v := r.startVenue()
	l := newLedger(r)
	r.start()
	strats := []*strategy{r.strategy(1), r.strategy(2), r.strategy(3)}
	for range steps {
		switch rnd.IntN(8) {
		case 0, 1, 2, 3:
			s := strats[rnd.IntN(len(strats))]
			for range rnd.IntN(6) {
				l.randomRequest(s, rnd)
			}
		case 4:
			v.answer(rnd.IntN(12))
		case 5:
			if len(v.keys) > 0 {
				k := v.keys[rnd.IntN(len(v.keys))]
				o := v.orders[k]
				v.fill(k.strategy, k.clOrdID, 1+rnd.Int32N(o.qty-o.cum))
			}
		case 6:
			if rnd.IntN(4) == 0 {
				s := strats[rnd.IntN(len(strats))]
				s.pub.Close()
				r.strategy(s.n)
			}
		case 7:
			left := rnd.IntN(20)
			if r.runUntil(func(moment) bool { left--; return left < 0 }) {
				deaths++
				r.start()
			}
		}
		if rnd.IntN(3) == 0 {
			r.run()
		}
		l.read()
	}
	for range 4 {
		v.answer(1 << 30)
		r.run()
	}
	l.whole()
	v.agrees()
	r.sameState()
	if c := r.g.Counts(); c.Illegal != 0 {
		t.Errorf("%d reports did not fit", c.Illegal)
	}
	return deaths
}

// randomRequest sends a request that is mostly a good one.
func (l *ledger) randomRequest(s *strategy, rnd *rand.Rand) {
	side, orig := order.Buy, uint64(0)
	if rnd.IntN(2) == 0 {
		side = order.Sell
	}
	if s.clOrd > 0 {
		orig = 1 + rnd.Uint64N(s.clOrd)
		if o := l.g.state.Order(s.n, orig); o != nil {
			side = o.Side
		}
	}
	q := s.limit(side, 1+rnd.Int32N(20), px+int64(rnd.IntN(9))*1e9)
	if rnd.IntN(3) == 0 {
		q.Flags = order.CancelOnDisconnect
	}
	switch rnd.IntN(8) {
	case 0, 1, 2:
		l.send(s, order.MsgNewOrderSingle, q)
	case 3, 4:
		l.send(s, order.MsgOrderCancelRequest, order.Request{ClOrdID: q.ClOrdID, OrigClOrdID: orig, SecurityID: es, Side: side})
	case 5, 6:
		q.OrigClOrdID = orig
		l.send(s, order.MsgOrderCancelReplaceRequest, q)
	default:
		switch rnd.IntN(4) {
		case 0:
			q.OrderQty = -q.OrderQty
		case 1:
			q.ClOrdID = orig
		case 2:
			q.SecurityID = 99
		case 3:
			q.Side = 'x'
		}
		l.send(s, order.MsgNewOrderSingle, q)
	}
}

func TestSimulation(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 3
	}
	deaths := 0
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { deaths += simulate(t, seed, 300) })
	}
	if deaths < 3*seeds {
		t.Errorf("the gateway ended %d times in %d sessions", deaths, seeds)
	}
}

// A venue that reads nothing holds the gateway; the input stays in hand, and is judged once
// there is room, or by the next gateway.
func TestBackPressure(t *testing.T) {
	for _, dies := range []bool{false, true} {
		t.Run(fmt.Sprint("dies ", dies), func(t *testing.T) {
			r := newRig(t)
			v := r.startVenue()
			l := newLedger(r)
			r.start()
			s := r.strategy(7)
			for range 2 {
				for {
					q := s.limit(order.Buy, -1, px)
					q.Origin = s.origin()
					if err := s.pub.Publish(uint16(order.MsgNewOrderSingle), q.Bytes()); errors.Is(err, ring.ErrBackPressure) {
						s.clOrd--
						break
					}
					l.sent[7] = append(l.sent[7], frame{typ: order.MsgNewOrderSingle, msg: append([]byte(nil), q.Bytes()...)})
				}
				r.run()
				l.read()
			}
			if r.g.counts.Full == 0 {
				t.Fatal("the gateway was not held")
			}
			if dies {
				r.kill()
			} else {
				r.g.Close()
			}
			r.start()
			for int(l.next[7]) < len(l.sent[7]) {
				before := l.next[7]
				v.read()
				r.run()
				l.read()
				if l.next[7] == before {
					t.Fatalf("%d of %d are judged, and it does not go on", before, len(l.sent[7]))
				}
			}
			l.whole()
			r.sameState()
		})
	}
}
