package gateway

import (
	"fmt"
	"math"
	"testing"

	"github.com/tickring/tickring/order"
)

// answerOf is the frame that an input got, in short.
func answerOf(f frame) string {
	switch f.typ {
	case order.MsgExecutionReport:
		r, _ := order.AsExecutionReport(f.msg)
		return fmt.Sprintf("rejected %d %v", r.OrdRejReason, r.Text)
	case order.MsgOrderCancelReject:
		r, _ := order.AsOrderCancelReject(f.msg)
		return fmt.Sprintf("cancel rejected %c %d %v", r.CxlRejResponseTo, r.CxlRejReason, r.Text)
	case order.MsgBusinessMessageReject:
		r, _ := order.AsBusinessMessageReject(f.msg)
		return fmt.Sprintf("business reject %d %v", r.BusinessRejectReason, r.Text)
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
		return "forwarded"
	}
	return fmt.Sprintf("type %v", f.typ)
}

// last returns what the strategy's last message got.
func (s *strategy) last() frame {
	s.Helper()
	s.run()
	var got []frame
	for _, f := range s.follow() {
		if o, ok := f.origin(); ok && o.Ring == s.n && o.Seq == uint32(s.pub.Seq()) {
			got = append(got, f)
		}
	}
	if len(got) != 1 {
		s.Fatalf("message %d of strategy %d got %d frames", s.pub.Seq(), s.n, len(got))
	}
	return got[0]
}

// withOrder returns a rig with an open order 1 of strategy 7: buy 10, of which 4 are filled.
func withOrder(t *testing.T) (*rig, *strategy) {
	r := newRig(t)
	v := r.startVenue()
	r.start()
	s := r.strategy(7)
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 10, px))
	r.run()
	v.answer(1)
	r.run()
	v.fill(7, 1, 4)
	r.run()
	r.follow()
	return r, s
}

// Every kind of bad request gets its own refusal, and the good one behind it goes through.
func TestBadInput(t *testing.T) {
	type sent struct {
		typ   order.MsgType
		r     order.Request
		bytes []byte // instead of r
		keep  bool   // r.Origin as it is
	}
	const d, f, g = order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest
	cases := []struct {
		name string
		make func(s *strategy) sent
		want string
	}{
		{"unknown kind", func(s *strategy) sent { return sent{typ: 'Q', r: s.limit(order.Buy, 1, px)} }, "business reject 3 unknown kind of message"},
		{"execution report", func(s *strategy) sent {
			return sent{typ: order.MsgExecutionReport, r: s.limit(order.Buy, 1, px)}
		}, "business reject 3 unknown kind of message"},
		{"checkpoint", func(s *strategy) sent { return sent{typ: order.MsgCheckpoint, r: s.limit(order.Buy, 1, px)} }, "business reject 3 unknown kind of message"},
		{"kill switch", func(s *strategy) sent { return sent{typ: order.MsgKillSwitch, r: s.limit(order.Buy, 1, px)} }, "business reject 3 unknown kind of message"},
		{"empty", func(s *strategy) sent { return sent{typ: d, bytes: []byte{}} }, "business reject 5 not the length of a request"},
		{"short", func(s *strategy) sent { return sent{typ: d, bytes: make([]byte, 55)} }, "business reject 5 not the length of a request"},
		{"long", func(s *strategy) sent { return sent{typ: f, bytes: make([]byte, 1000)} }, "business reject 5 not the length of a request"},
		{"zeros", func(s *strategy) sent { return sent{typ: d, bytes: make([]byte, order.Size)} }, "rejected 99 the strategy is not that of the ring"},
		{"another strategy's number", func(s *strategy) sent {
			r := s.limit(order.Buy, 1, px)
			r.Origin = s.origin()
			r.Origin.Ring = 8
			return sent{typ: d, r: r, keep: true}
		}, "rejected 99 the strategy is not that of the ring"},
		{"the gateway's number", func(s *strategy) sent {
			r := s.cancel(order.Buy, 1)
			r.Origin = s.origin()
			r.Origin.Ring = order.RingGateway
			return sent{typ: f, r: r, keep: true}
		}, "cancel rejected 1 99 the strategy is not that of the ring"},
		{"an old sequence number", func(s *strategy) sent {
			r := s.limit(order.Buy, 1, px)
			r.Origin = s.origin()
			r.Origin.Seq--
			return sent{typ: d, r: r, keep: true}
		}, "rejected 99 sequence number or epoch are not those of the message"},
		{"an epoch to come", func(s *strategy) sent {
			r := s.limit(order.Buy, 1, px)
			r.Origin = s.origin()
			r.Origin.Epoch++
			return sent{typ: d, r: r, keep: true}
		}, "rejected 99 sequence number or epoch are not those of the message"},
		{"an epoch gone by", func(s *strategy) sent {
			r := s.limit(order.Buy, 1, px)
			r.Origin = s.origin()
			r.Origin.Epoch--
			return sent{typ: d, r: r, keep: true}
		}, "rejected 99 sequence number or epoch are not those of the message"},
		{"ClOrdID 0", func(s *strategy) sent { r := s.limit(order.Buy, 1, px); r.ClOrdID = 0; return sent{typ: d, r: r} }, "rejected 99 ClOrdID out of range"},
		{"ClOrdID of the gateway", func(s *strategy) sent {
			r := s.cancel(order.Buy, 1)
			r.ClOrdID = 1<<63 | 1
			return sent{typ: f, r: r}
		}, "cancel rejected 1 99 ClOrdID out of range"},
		{"ClOrdID again", func(s *strategy) sent { r := s.limit(order.Buy, 1, px); r.ClOrdID = 1; return sent{typ: d, r: r} }, "rejected 6 ClOrdID is not above that of an earlier request"},
		{"cancel with a ClOrdID again", func(s *strategy) sent { r := s.cancel(order.Buy, 1); r.ClOrdID = 1; return sent{typ: f, r: r} }, "cancel rejected 1 6 ClOrdID is not above that of an earlier request"},
		{"no side", func(s *strategy) sent { r := s.limit('3', 1, px); return sent{typ: d, r: r} }, "rejected 11 no such Side"},
		{"no type", func(s *strategy) sent { r := s.limit(order.Buy, 1, px); r.OrdType = 'P'; return sent{typ: d, r: r} }, "rejected 11 no such OrdType"},
		{"no time in force", func(s *strategy) sent {
			r := s.limit(order.Buy, 1, px)
			r.TimeInForce = '9'
			return sent{typ: d, r: r}
		}, "rejected 11 no such TimeInForce, or not with this OrdType"},
		{"flags", func(s *strategy) sent { r := s.limit(order.Buy, 1, px); r.Flags = 0x80; return sent{typ: d, r: r} }, "rejected 11 unknown flags"},
		{"negative quantity", func(s *strategy) sent { return sent{typ: d, r: s.limit(order.Buy, -1, px)} }, "rejected 13 OrderQty is not above 0 and what is filled"},
		{"smallest quantity", func(s *strategy) sent { return sent{typ: d, r: s.limit(order.Sell, math.MinInt32, px)} }, "rejected 13 OrderQty is not above 0 and what is filled"},
		{"no quantity", func(s *strategy) sent { return sent{typ: d, r: s.limit(order.Buy, 0, px)} }, "rejected 13 OrderQty is not above 0 and what is filled"},
		{"largest quantity", func(s *strategy) sent { return sent{typ: d, r: s.limit(order.Buy, math.MaxInt32, math.MaxInt64-1)} }, "rejected 3 OrderQty above the limit"},
		{"largest price", func(s *strategy) sent { return sent{typ: d, r: s.limit(order.Sell, 100, math.MaxInt64-1)} }, "rejected 3 notional above the limit"},
		{"smallest price", func(s *strategy) sent { return sent{typ: d, r: s.limit(order.Buy, 100, math.MinInt64+1)} }, "rejected 3 notional above the limit"},
		{"undefined price", func(s *strategy) sent { return sent{typ: d, r: s.limit(order.Sell, 1, math.MaxInt64)} }, "rejected 11 a price is missing or does not belong here"},
		{"no price", func(s *strategy) sent { return sent{typ: d, r: s.limit(order.Sell, 1, 0)} }, "rejected 11 a price is missing or does not belong here"},
		{"market order with a price", func(s *strategy) sent {
			r := s.limit(order.Buy, 1, px)
			r.OrdType = order.Market
			return sent{typ: d, r: r}
		}, "rejected 11 a price is missing or does not belong here"},
		{"market order without a market", func(s *strategy) sent {
			r := s.limit(order.Buy, 1, 0)
			r.OrdType = order.Market
			return sent{typ: d, r: r}
		}, "rejected 0 no market to hold the price against"},
		{"OrigClOrdID of a new order", func(s *strategy) sent {
			r := s.limit(order.Buy, 1, px)
			r.OrigClOrdID = 1
			return sent{typ: d, r: r}
		}, "rejected 11 a field does not belong to this message"},
		{"unknown instrument", func(s *strategy) sent {
			r := s.limit(order.Buy, 1, px)
			r.SecurityID = 99
			return sent{typ: d, r: r}
		}, "rejected 1 unknown instrument"},
		{"instrument's own limit", func(s *strategy) sent {
			r := s.limit(order.Buy, 6, px)
			r.SecurityID = 7
			return sent{typ: d, r: r}
		}, "rejected 3 OrderQty above the limit"},
		{"cancel of an unknown order", func(s *strategy) sent { return sent{typ: f, r: s.cancel(order.Buy, 77)} }, "cancel rejected 1 1 no such open order"},
		{"cancel of nothing", func(s *strategy) sent { return sent{typ: f, r: s.cancel(order.Buy, 0)} }, "cancel rejected 1 1 no such open order"},
		{"cancel of the other side", func(s *strategy) sent { return sent{typ: f, r: s.cancel(order.Sell, 1)} }, "cancel rejected 1 99 SecurityID or Side are not the order's"},
		{"cancel with a price", func(s *strategy) sent { r := s.cancel(order.Buy, 1); r.Price = 1; return sent{typ: f, r: r} }, "cancel rejected 1 99 a field does not belong to this message"},
		{"replace of an unknown order", func(s *strategy) sent {
			r := s.limit(order.Buy, 20, px)
			r.OrigClOrdID = 55
			return sent{typ: g, r: r}
		}, "cancel rejected 2 1 no such open order"},
		{"replace to what is filled", func(s *strategy) sent {
			r := s.limit(order.Buy, 4, px)
			r.OrigClOrdID = 1
			return sent{typ: g, r: r}
		}, "cancel rejected 2 99 OrderQty is not above 0 and what is filled"},
		{"replace with another instrument", func(s *strategy) sent {
			r := s.limit(order.Buy, 20, px)
			r.OrigClOrdID, r.SecurityID = 1, 7
			return sent{typ: g, r: r}
		}, "cancel rejected 2 99 SecurityID or Side are not the order's"},
		{"replace to too much", func(s *strategy) sent {
			r := s.limit(order.Buy, 101, px)
			r.OrigClOrdID = 1
			return sent{typ: g, r: r}
		}, "cancel rejected 2 2 OrderQty above the limit"},
	}
	r, s := withOrder(t)
	for _, c := range cases {
		m := c.make(s)
		switch {
		case m.bytes != nil:
			s.raw(m.typ, m.bytes)
		case m.keep:
			s.raw(m.typ, m.r.Bytes())
		default:
			s.send(m.typ, m.r)
		}
		if got := answerOf(s.last()); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if o := r.g.state.Order(7, 1); o == nil || o.LeavesQty() != 6 || o.Pending.Kind != order.PendingNone {
			t.Fatalf("%s: the order that was there before is %+v", c.name, o)
		}
		s.send(order.MsgNewOrderSingle, s.limit(order.Sell, 1, px))
		if got := answerOf(s.last()); got != "forwarded" {
			t.Fatalf("%s: the good request behind it: %q", c.name, got)
		}
		r.venue.answer(1)
		r.venue.fill(7, s.clOrd, 1)
	}
	r.sameState()
}

func TestDeadOrderAndPending(t *testing.T) {
	r, s := withOrder(t)
	s.send(order.MsgOrderCancelRequest, s.cancel(order.Buy, 1))
	r.run()
	again := s.limit(order.Buy, 20, px)
	again.OrigClOrdID = 1
	s.send(order.MsgOrderCancelReplaceRequest, again)
	if got := answerOf(s.last()); got != "cancel rejected 2 3 the order has a cancel or replace pending" {
		t.Error(got)
	}
	r.venue.answer(9)
	r.run()
	again.ClOrdID++
	s.send(order.MsgOrderCancelReplaceRequest, again)
	if got := answerOf(s.last()); got != "cancel rejected 2 1 no such open order" {
		t.Error(got)
	}
	r.sameState()
}

func TestMdSeqRunsBackwards(t *testing.T) {
	r, s := withOrder(t)
	for _, c := range []struct {
		seq  uint64
		want string
	}{{10, "forwarded"}, {10, "forwarded"}, {9, "rejected 99 MdSeq runs backwards"}, {0, "forwarded"}, {11, "forwarded"}} {
		q := s.limit(order.Buy, 1, px)
		q.MdSeq = c.seq
		s.send(order.MsgNewOrderSingle, q)
		if got := answerOf(s.last()); got != c.want {
			t.Errorf("MdSeq %d: %s, want %s", c.seq, got, c.want)
		}
	}
	r.sameState()
}
