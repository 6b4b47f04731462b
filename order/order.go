package order

import (
	"fmt"
	"math/bits"
)

// LeavesQty returns what may still be filled: 0 if the order is closed.
func (o *Order) LeavesQty() int32 {
	if o.Closed != 0 {
		return 0
	}
	return o.OrderQty - o.CumQty
}

// Open says whether the order can still be filled.
func (o *Order) Open() bool { return o.Closed == 0 }

// OrdStatus returns the state of the order, with what FIX gives precedence: a pending
// request, then what is filled.
func (o *Order) OrdStatus() OrdStatus {
	switch {
	case o.Closed != 0:
		return o.Closed
	case o.Pending.Kind == PendingCancel:
		return StatusPendingCancel
	case o.Pending.Kind == PendingReplace:
		return StatusPendingReplace
	case o.CumQty > 0:
		return StatusPartiallyFilled
	case o.Venue&VenueAccepted == 0:
		return StatusPendingNew
	}
	return StatusNew
}

// InDoubt says that whether the venue has the order, or its pending request, is not known.
func (o *Order) InDoubt() bool { return o.Venue&VenueInDoubt != 0 }

// AvgPx returns the average price of what was filled, in 1e-9, exact but for the rounding
// to it, which is to the nearest and away from zero between two. 0 if nothing was filled.
func (o *Order) AvgPx() int64 {
	if o.CumQty <= 0 {
		return 0
	}
	n := uint64(o.CumQty)
	hi, lo, negative := o.Paid.magnitude()
	q, r := bits.Div64(hi%n, lo, n) // no sum of fills has hi >= n
	if r >= n-r {
		q++
	}
	if negative {
		return -int64(q)
	}
	return int64(q)
}

// exposure is what the order may still fill at most, whichever way the venue answers.
func (o *Order) exposure() int64 {
	if o.Closed != 0 {
		return 0
	}
	qty := o.OrderQty
	if o.Pending.Kind == PendingReplace {
		qty = max(qty, o.Pending.OrderQty)
	}
	return int64(qty) - int64(o.CumQty)
}

// waiting is how many requests of the order the venue has not said a word about.
func (o *Order) waiting() (n int) {
	if o.Venue&VenueAnswered == 0 {
		n++
	}
	if o.Pending.Kind != PendingNone && o.Venue&VenuePendingAnswered == 0 {
		n++
	}
	return n
}

// begin makes o, whatever it was, the order of a NewOrderSingle, forwarded as message seq.
func (o *Order) begin(seq uint64, r *Request) {
	o.OrderID = seq
	o.ClOrdID = r.ClOrdID
	o.MdSeq = r.MdSeq
	o.Price = r.Price
	o.Priority = seq
	o.Paid = Int128{}
	o.Pending = Pending{}
	o.SecurityID = r.SecurityID
	o.OrderQty = r.OrderQty
	o.CumQty = 0
	o.Strategy = r.Origin.Ring
	o.Epoch = r.Origin.Epoch
	o.Side, o.OrdType, o.TimeInForce, o.Flags = r.Side, r.OrdType, r.TimeInForce, r.Flags
	o.Venue, o.Closed = 0, 0
}

// request makes a cancel or replace that passed CheckRequest pending.
func (o *Order) request(seq uint64, typ MsgType, r *Request) {
	o.Pending = Pending{ClOrdID: r.ClOrdID, Seq: seq, MdSeq: r.MdSeq, Price: r.Price,
		OrderQty: r.OrderQty, Epoch: r.Origin.Epoch, Kind: Kind(typ), Flags: r.Flags}
}

// Report applies a report of the venue to the order.
//
// Errors: [ErrTransition] if the order is in no state for it, or if its numbers do not add
// up; the order is unchanged then.
func (o *Order) Report(er *ExecutionReport) error {
	if why := o.objection(er); why != "" {
		return o.refuse(er, why)
	}
	o.report(er)
	return nil
}

func (o *Order) refuse(er *ExecutionReport, why string) error {
	return fmt.Errorf("order: report of ExecType %s for order %d of strategy %d, which is %s with %d of %d filled: %s: %w",
		er.ExecType, er.OrderID, er.Strategy, o.OrdStatus(), o.CumQty, o.OrderQty, why, ErrTransition)
}

// answersPending says whether a report with this ClOrdID is about the pending request.
func (o *Order) answersPending(clOrdID uint64) bool {
	return o.Pending.Kind != PendingNone && clOrdID == o.Pending.ClOrdID
}

// objection returns what is wrong with a report; empty: nothing.
func (o *Order) objection(er *ExecutionReport) string {
	pending := o.answersPending(er.ClOrdID)
	switch {
	case o.Closed != 0:
		return "the order is closed"
	case er.OrderID != o.OrderID && (er.OrderID != 0 || er.ExecType != ExecRejected):
		return "OrderID is not the order's"
	case er.SecurityID != o.SecurityID || er.Side != o.Side || er.Strategy != o.Strategy:
		return "SecurityID, Side or Strategy are not the order's"
	case !pending && er.ClOrdID != o.ClOrdID:
		return "ClOrdID is neither the order's nor that of its pending request"
	}
	cum, qty := int64(o.CumQty), int64(o.OrderQty)
	switch er.ExecType {
	case ExecTrade:
		switch {
		case pending:
			return "a fill has the ClOrdID of a request that is not granted yet"
		case er.LastQty <= 0:
			return "a fill of nothing"
		case int64(er.LastQty) > qty-cum:
			return "a fill of more than is left"
		}
		cum += int64(er.LastQty)
	case ExecReplaced:
		if !pending || o.Pending.Kind != PendingReplace {
			return "no replace of this ClOrdID is pending"
		}
		if qty = int64(o.Pending.OrderQty); qty < cum {
			return "replaced to less than is filled"
		}
	}
	if er.ExecType != ExecTrade && (er.LastQty != 0 || er.LastPx != 0) {
		return "LastQty or LastPx, but no fill"
	}
	leaves := qty - cum
	status := false
	switch er.ExecType {
	case ExecTrade, ExecReplaced:
		status = leaves == 0 && er.OrdStatus == StatusFilled || leaves > 0 && er.OrdStatus.working() &&
			(cum == 0 || er.OrdStatus != StatusNew)
	case ExecPendingNew:
		if pending || o.Venue&VenueAccepted != 0 {
			return "the venue has accepted the order before"
		}
		status = er.OrdStatus == StatusPendingNew
	case ExecNew:
		if pending || o.Venue&VenueAccepted != 0 {
			return "the venue has accepted the order before"
		}
		status = er.OrdStatus.working()
	case ExecRejected:
		if pending || o.Venue&VenueAccepted != 0 || cum != 0 {
			return "the venue has accepted the order before"
		}
		leaves, status = 0, er.OrdStatus == StatusRejected
	case ExecCanceled:
		leaves, status = 0, er.OrdStatus == StatusCanceled
	case ExecExpired:
		if pending {
			return "expired with the ClOrdID of a request that is not granted yet"
		}
		leaves, status = 0, er.OrdStatus == StatusExpired
	case ExecPendingCancel:
		if !pending || o.Pending.Kind != PendingCancel {
			return "no cancel of this ClOrdID is pending"
		}
		status = er.OrdStatus == StatusPendingCancel
	case ExecPendingReplace:
		if !pending || o.Pending.Kind != PendingReplace {
			return "no replace of this ClOrdID is pending"
		}
		status = er.OrdStatus == StatusPendingReplace
	case ExecOrderStatus:
		status = er.OrdStatus.Open()
	default:
		return "unknown ExecType"
	}
	switch {
	case !status:
		return "OrdStatus does not fit"
	case int64(er.CumQty) != cum:
		return "CumQty does not add up"
	case int64(er.LeavesQty) != leaves:
		return "LeavesQty does not add up"
	}
	return ""
}

// working says whether an order of this status is in the venue's book.
func (s OrdStatus) working() bool {
	switch s {
	case StatusNew, StatusPartiallyFilled, StatusPendingCancel, StatusPendingReplace:
		return true
	}
	return false
}

// report applies a report that no objection was found to.
func (o *Order) report(er *ExecutionReport) {
	pending := o.answersPending(er.ClOrdID)
	o.Venue |= VenueAnswered
	if pending {
		o.Venue |= VenuePendingAnswered
	}
	switch er.ExecType {
	case ExecPendingNew, ExecPendingCancel, ExecPendingReplace:
		return
	case ExecOrderStatus:
		if er.Text == TextInDoubt {
			o.Venue |= VenueInDoubt
			return
		}
		o.Venue &^= VenueInDoubt
		if er.OrdStatus.working() {
			o.Venue |= VenueAccepted
		}
		return
	case ExecNew:
	case ExecTrade:
		o.CumQty += er.LastQty
		o.Paid = o.Paid.Add(mul(er.LastPx, int64(er.LastQty)))
		if o.CumQty == o.OrderQty {
			o.Closed = StatusFilled
		}
	case ExecReplaced:
		p := &o.Pending
		if p.Price != o.Price || p.OrderQty > o.OrderQty {
			o.Priority = p.Seq
		}
		o.ClOrdID, o.MdSeq, o.Price, o.OrderQty = p.ClOrdID, p.MdSeq, p.Price, p.OrderQty
		o.Epoch, o.Flags = p.Epoch, p.Flags
		o.settle()
		if o.CumQty == o.OrderQty {
			o.Closed = StatusFilled
		}
	default: // Canceled, Rejected, Expired
		o.Closed = er.OrdStatus
		if pending {
			o.settle()
		}
	}
	o.Venue = o.Venue&^VenueInDoubt | VenueAccepted
}

// settle ends the pending request.
func (o *Order) settle() {
	o.Pending = Pending{}
	o.Venue &^= VenuePendingAnswered
}

// CancelReject applies a venue's refusal of the pending request: the order is as it was
// before it.
//
// Errors: [ErrTransition] if it refuses no pending request of the order; the order is
// unchanged then.
func (o *Order) CancelReject(cr *OrderCancelReject) error {
	if why := o.objectionToReject(cr); why != "" {
		return fmt.Errorf("order: OrderCancelReject of %d for order %d of strategy %d, which is %s: %s: %w",
			cr.ClOrdID, o.OrderID, o.Strategy, o.OrdStatus(), why, ErrTransition)
	}
	o.cancelReject()
	return nil
}

func (o *Order) objectionToReject(cr *OrderCancelReject) string {
	if !o.answersPending(cr.ClOrdID) {
		return "no request of this ClOrdID is pending"
	}
	return objectionToReject(cr, o.Pending.Kind, o.ClOrdID, o.OrderID, o.SecurityID)
}

func objectionToReject(cr *OrderCancelReject, kind Kind, orig, orderID uint64, security uint32) string {
	switch {
	case cr.CxlRejResponseTo != kind.responseTo():
		return "CxlRejResponseTo is not the request's"
	case cr.OrigClOrdID != orig || cr.SecurityID != security || cr.OrderID != orderID && cr.OrderID != 0:
		return "OrigClOrdID, SecurityID or OrderID are not the order's"
	}
	return ""
}

func (k Kind) responseTo() CxlRejResponseTo {
	if k == PendingReplace {
		return ToReplace
	}
	return ToCancel
}

func (o *Order) cancelReject() {
	o.settle()
	o.Venue |= VenueAnswered
	if o.Venue&VenueAccepted != 0 {
		o.Venue &^= VenueInDoubt
	}
}
