package venue_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// closed is a venue that is closed: it refuses every order, and has none to cancel.
type closed struct{}

func (closed) Recover(venue.Recovery) error      { return nil }
func (closed) Turn(*venue.Reports) (bool, error) { return false, nil }
func (closed) MdSeq() uint64                     { return 0 }

func (closed) Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *venue.Reports) error {
	switch typ {
	case order.MsgNewOrderSingle:
		out.Report(order.ExecutionReport{ClOrdID: r.ClOrdID, OrderID: seq, SecurityID: r.SecurityID, Strategy: r.Origin.Ring,
			Side: r.Side, ExecType: order.ExecRejected, OrdStatus: order.StatusRejected, OrdRejReason: order.RejExchangeClosed})
	default:
		cr := order.OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, SecurityID: r.SecurityID, Strategy: r.Origin.Ring,
			OrdStatus: order.StatusRejected, CxlRejReason: order.CxlUnknownOrder, CxlRejResponseTo: order.ToCancel}
		if typ == order.MsgOrderCancelReplaceRequest {
			cr.CxlRejResponseTo = order.ToReplace
		}
		out.CancelReject(cr)
	}
	return nil
}

// A venue, and the process that it is.
func Example() {
	out := venue.NewReports()
	_ = closed{}.Request(17, order.MsgNewOrderSingle, &order.Request{ClOrdID: 1, OrderQty: 2, Side: order.Buy}, false, out)
	fmt.Println(out.Len(), out.Execution(0).OrderID, out.Execution(0).ExecType == order.ExecRejected)

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := venue.Run(ctx, venue.Config{Name: "closed", Gateway: "closed"}, closed{})
	fmt.Println(errors.Is(err, venue.ErrConfig)) // its own gateway
	// Output:
	// 1 17 true
	// true
}
