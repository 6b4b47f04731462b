package gateway

import (
	"strings"
	"testing"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// withFlagged is withOrder with an order that is to be canceled when its process ends.
func withFlagged(t *testing.T) (*rig, *strategy) {
	r := newRig(t)
	r.startVenue()
	r.start()
	s := r.strategy(7)
	q := s.limit(order.Buy, 10, px)
	q.Flags = order.CancelOnDisconnect
	s.send(order.MsgNewOrderSingle, q)
	r.run()
	r.venue.answer(1)
	r.run()
	return r, s
}

// removeRing takes a strategy's ring away.
func (s *strategy) removeRing() {
	s.Helper()
	s.pub.Close()
	if err := ring.Remove(s.dir, order.InputRing(gw, s.n)); err != nil {
		s.Fatal(err)
	}
	s.clOrd = 0
}

// gone fails if an order is left that was to be canceled.
func (r *rig) gone() {
	r.Helper()
	r.venue.answer(9)
	r.run()
	r.venue.answer(9)
	r.run()
	if n := len(r.g.state.Orders()); n != 0 {
		r.Errorf("%d orders of a process that has ended are still open", n)
	}
	r.venue.agrees()
	r.sameState()
}

// What a process leaves behind is canceled, whatever became of its ring, and when.
func TestRingGone(t *testing.T) {
	t.Run("while no gateway was there", func(t *testing.T) {
		r, s := withFlagged(t)
		r.kill()
		s.removeRing()
		r.start()
		r.run()
		r.gone()
		if got := r.g.state.Session(7).Status; got != order.SessionDown {
			t.Errorf("status %d", got)
		}
	})
	t.Run("and made anew while no gateway was there", func(t *testing.T) {
		r, s := withFlagged(t)
		r.kill()
		s.removeRing()
		r.strategy(7)
		r.start()
		r.run()
		r.gone()
	})
	t.Run("and made anew before the cancel could go", func(t *testing.T) {
		r, s := withFlagged(t)
		replace := s.limit(order.Buy, 20, px)
		replace.OrigClOrdID, replace.Flags = 1, order.CancelOnDisconnect
		s.send(order.MsgOrderCancelReplaceRequest, replace)
		r.run()
		s.removeRing()
		r.run()
		r.strategy(7)
		r.run()
		r.gone()
	})
}

// A strategy that stops to wait for the gateway loses requests: it is read no more, which is said
// once, and counts as ended.
func TestRequestsLost(t *testing.T) {
	for _, dies := range []bool{false, true} {
		r, s := withFlagged(t)
		if err := s.pub.RemoveGate(gw); err != nil {
			t.Fatal(err)
		}
		for range 10_000 {
			s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
		}
		if dies {
			r.kill()
			r.start()
		}
		for range 20 { // before its chores, which close it
			if _, err := r.g.step(); err != nil {
				t.Fatal(err)
			}
		}
		r.run()
		if n := strings.Count(strings.Join(r.notes, "\n"), "the ring is read no more"); n != 1 && !dies {
			t.Errorf("it was said %d times that the ring is read no more", n)
		}
		r.gone()
	}
}

// A cancel of the gateway's own waits while one of the same ClOrdID is still to be answered:
// the journal must not have what nobody can read.
func TestOwnCancelTwice(t *testing.T) {
	r, s := withFlagged(t)
	s.pub.Close()
	r.run()                // the venue is to cancel 1
	r.venue.fill(7, 1, 10) // and has filled it before
	r.run()
	s.removeRing()
	r.run()
	s = r.strategy(7)
	q := s.limit(order.Buy, 3, px)
	q.Flags = order.CancelOnDisconnect
	s.send(order.MsgNewOrderSingle, q)
	r.run()
	if r.g.state.Order(7, 1) == nil {
		t.Fatal("the new order was not forwarded")
	}
	s.pub.Close()
	r.run()
	r.kill()
	r.start()
	r.run()
	r.gone()
}

// Strategies of which the checkpoint could not tell are not let in, and the others go on.
func TestTooManyStrategies(t *testing.T) {
	r := newRig(t)
	r.startVenue()
	r.start()
	for n := range uint16(60) {
		r.strategy(n + 1)
	}
	r.run()
	if err := r.g.writeCheckpoint(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(r.notes, "\n"), "has no room for another one") {
		t.Errorf("notes %q", r.notes)
	}
	r.kill()
	r.start()
	r.run()
	r.sameState()
}

// The quotes of market data that is gone are none.
func TestMarketGone(t *testing.T) {
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
	m := dbn.Mbp1Msg{Level: dbn.BidAskPair{BidPx: px, AskPx: px}}
	m.InstrumentID, m.Price, m.Action = es, dbn.UndefPrice, dbn.ActionAdd
	if err := md.Publish(uint16(dbn.RTypeMbp1), m.Append(nil)); err != nil {
		t.Fatal(err)
	}
	r.start()
	s := r.strategy(7)
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
	if got := answerOf(s.last()); got != "forwarded" {
		t.Error(got)
	}
	md.Close()
	if err := ring.Remove(r.dir, "md"); err != nil {
		t.Fatal(err)
	}
	r.run()
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px))
	if got := answerOf(s.last()); got != "rejected 0 no market to hold the price against" {
		t.Error(got)
	}
}
