package exchange_test

import (
	"fmt"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/exchange"
	"github.com/tickring/tickring/order/venue"
)

// The market shows an offer. An order takes a part of it, and rests with what is left; then
// the market trades below it.
func ExampleEngine() {
	e := exchange.NewEngine(0)
	out := venue.NewReports()
	show := func() {
		for i := range out.Len() {
			if er := out.Execution(i); er.ExecType == order.ExecTrade {
				fmt.Printf("%d at %d, %d left\n", er.LastQty, er.LastPx/1e9, er.LeavesQty)
			}
		}
	}
	market := func(action dbn.Action, side dbn.Side, price int64, size uint32) {
		e.Market(&dbn.MboMsg{RecordHeader: dbn.RecordHeader{InstrumentID: 7}, OrderID: 1, Action: action, Side: side,
			Price: price * 1e9, Size: size, Flags: dbn.FlagLast})
		for done := false; !done; show() {
			out.Reset(venue.MaxReports)
			done = e.Work(out)
		}
	}
	market(dbn.ActionAdd, dbn.SideAsk, 4801, 2)

	out.Reset(venue.MaxReports)
	e.Request(1, order.MsgNewOrderSingle, &order.Request{ClOrdID: 1, SecurityID: 7, Side: order.Buy, OrdType: order.Limit,
		TimeInForce: order.Day, Price: 4801 * 1e9, OrderQty: 5}, false, out)
	show()
	market(dbn.ActionTrade, dbn.SideAsk, 4800, 1) // a seller would have met the order first
	// Output:
	// 2 at 4801, 3 left
	// 1 at 4801, 2 left
}
