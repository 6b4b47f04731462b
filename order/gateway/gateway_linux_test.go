package gateway

import (
	"testing"

	"github.com/tickring/tickring/order"
)

func TestForwardsAndPassesOn(t *testing.T) {
	r := newRig(t)
	v := r.startVenue()
	r.start()
	s := r.strategy(7)
	s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 10, px))
	r.run()
	v.answer(1)
	r.run()
	o := r.g.state.Order(7, 1)
	if o == nil || o.OrdStatus() != order.StatusNew {
		t.Fatalf("order 1 of strategy 7 is %+v", o)
	}
	v.fill(7, 1, 4)
	r.run()
	s.send(order.MsgOrderCancelRequest, s.cancel(order.Buy, 1))
	r.run()
	v.answer(1)
	r.run()
	if p := r.g.state.Position(7, es); p == nil || p.Net != 4 || p.OpenBuy != 0 {
		t.Errorf("position %+v", p)
	}
	if n := len(r.g.state.Orders()); n != 0 {
		t.Errorf("%d open orders", n)
	}
	r.sameState()
	if c := r.g.Counts(); c.Forwarded != 2 || c.Refused != 0 || c.Reports != 3 || c.Illegal != 0 {
		t.Errorf("counts %+v", c)
	}
}
