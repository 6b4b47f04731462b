package order_test

import (
	"fmt"

	"github.com/tickring/tickring/order"
)

// A state is the sum of a gateway's messages: here two processes that are found, an order
// that is forwarded, and its first fill.
func ExampleState() {
	s := order.NewState(order.Bounds{})
	for _, ring := range []uint16{order.RingVenue, 7} {
		up := order.SessionStatus{RingID: 1, Epoch: 1, Ring: ring, Status: order.SessionUp}
		if err := s.Apply(s.Seq()+1, order.MsgSessionStatus, up.Bytes()); err != nil {
			fmt.Println(err)
			return
		}
	}
	buy := order.Request{
		ClOrdID: 1, Origin: order.Origin{Seq: 1, Epoch: 1, Ring: 7}, MdSeq: 1234,
		SecurityID: 17077, Side: order.Buy, OrdType: order.Limit, TimeInForce: order.Day, OrderQty: 5, Price: 5250_250000000,
	}
	if err := s.Apply(s.Seq()+1, order.MsgNewOrderSingle, buy.Bytes()); err != nil {
		fmt.Println(err)
		return
	}
	fill := order.ExecutionReport{
		ClOrdID: 1, OrderID: s.Seq(), Origin: order.Origin{Seq: 1, Epoch: 1, Ring: order.RingVenue},
		ExecType: order.ExecTrade, OrdStatus: order.StatusPartiallyFilled, LastQty: 2, LastPx: 5250_000000000, CumQty: 2, LeavesQty: 3,
		Strategy: 7, SecurityID: 17077, Side: order.Buy,
	}
	if err := s.Apply(s.Seq()+1, order.MsgExecutionReport, fill.Bytes()); err != nil {
		fmt.Println(err)
		return
	}
	o, p := s.Order(7, 1), s.Position(7, 17077)
	fmt.Println("order", o.OrderID, o.OrdStatus(), o.CumQty, "of", o.OrderQty)
	fmt.Println("position", p.Net, "cash", p.Cash, "and may buy", p.OpenBuy, "more")

	// The same fill again is no message of this gateway.
	fmt.Println(s.Apply(s.Seq()+1, order.MsgExecutionReport, fill.Bytes()))
	// Output:
	// order 3 PartiallyFilled 2 of 5
	// position 2 cash -10500 and may buy 3 more
	// order: message 5 (ExecutionReport): it is for message 1 (low half) of input 65535, whose next one is 2: the gateway's ring contradicts itself
}
