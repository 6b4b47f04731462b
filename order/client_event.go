package order

import (
	"strconv"

	"github.com/tickring/tickring/ring"
)

// EventKind says what happened.
type EventKind uint8

const (
	_ EventKind = iota

	// What became of a request or an order. The first two are of the gateway, the others of
	// the venue, but for those which the gateway refuses: EventRejected, EventCancelReject.

	EventForwarded // the gateway has passed the request on; or cancels the order itself: [Event.ByGateway]
	EventRefused   // the gateway has refused what is no proper message at all
	EventPending   // the venue has, or has been sent, the request: PendingNew, PendingCancel, PendingReplace
	EventNew       // the order is in the market
	EventFill      // a partial fill or the last one
	EventReplaced
	EventCanceled
	EventExpired
	EventRejected     // a new order was refused, by the gateway or the venue
	EventCancelReject // a cancel or replace was refused; the order is as it was
	EventStatus       // the order's state as the venue knows it, after doubt
	EventInDoubt      // whether the venue has the order, or the request, cannot be known for now

	// What became of the others.

	EventGateway // a gateway lives now, or does not live any more: Life
	EventSession // the gateway has found, or lost, this strategy's ring, or the venue: Ring, Up
	EventKill    // the kill switch of this strategy, or of all, was engaged or released: Ring 0 for all, Up if released

	// What must not be, or was not seen.

	// EventIllegal: something does not fit, and Err says what. If the gateway's ring has it
	// that the venue's report did not fit the order, that is as it was. If the gateway's ring
	// itself does not fit, or cannot be read, no orders can be sent until the next EventResync:
	// see [Client.Err].
	EventIllegal
	// EventLost: the gateway has gone beyond requests that it has not judged in its ring, which
	// was lost or made anew. What became of them is not known; Err has their numbers.
	EventLost
	// EventResync: all that the client knows was learned anew, from a snapshot in the gateway's
	// ring, because it had come too late to read what was before, or that did not fit, or the
	// ring was made anew. Events were missed: look at orders and positions again.
	EventResync
)

var eventNames = [...]string{
	EventForwarded:    "forwarded",
	EventRefused:      "refused",
	EventPending:      "pending",
	EventNew:          "new",
	EventFill:         "fill",
	EventReplaced:     "replaced",
	EventCanceled:     "canceled",
	EventExpired:      "expired",
	EventRejected:     "rejected",
	EventCancelReject: "cancel rejected",
	EventStatus:       "status",
	EventInDoubt:      "in doubt",
	EventGateway:      "gateway",
	EventSession:      "session",
	EventKill:         "kill switch",
	EventIllegal:      "illegal",
	EventLost:         "lost",
	EventResync:       "resync",
}

func (k EventKind) String() string {
	if int(k) < len(eventNames) && k != 0 {
		return eventNames[k]
	}
	return "event " + strconv.Itoa(int(k))
}

// Event is one thing that happened, as [Client.Poll] tells it. Fields that do not belong to
// its kind are 0.
type Event struct {
	Kind EventKind
	Side Side // of the order
	Text Text // why, in detail

	// Seq is the number of the message in the gateway's ring that tells it: FIX's ExecID.
	Seq uint64
	// ClOrdID is that of the request that was answered, or, if none was, of the order.
	ClOrdID uint64
	// Order is the order as it is now, open or not. Its OrderID is 0 if the request made none,
	// or was for none.
	Order Order

	LastQty int32 // of a fill
	LastPx  int64 // of a fill

	OrdRejReason OrdRejReason // of EventRejected
	CxlRejReason CxlRejReason // of EventCancelReject

	Life ring.Life // of EventGateway
	Ring uint16    // of EventSession and EventKill
	Up   bool      // of EventSession and EventKill
	Err  error     // of EventIllegal, EventLost and EventResync, where there is more to say
}

// ByGateway says whether the event is about a cancel that the gateway has made itself,
// because the strategy's process ended or a kill switch was engaged.
func (e *Event) ByGateway() bool { return e.ClOrdID&GatewayBit != 0 }

// kindOf is what an ExecutionReport tells.
func kindOf(er *ExecutionReport) EventKind {
	switch er.ExecType {
	case ExecPendingNew, ExecPendingCancel, ExecPendingReplace:
		return EventPending
	case ExecNew:
		return EventNew
	case ExecTrade:
		return EventFill
	case ExecReplaced:
		return EventReplaced
	case ExecCanceled:
		return EventCanceled
	case ExecExpired:
		return EventExpired
	case ExecRejected:
		return EventRejected
	case ExecOrderStatus:
		if er.Text == TextInDoubt {
			return EventInDoubt
		}
	}
	return EventStatus
}
