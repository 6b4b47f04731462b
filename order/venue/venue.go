package venue

import "github.com/tickring/tickring/order"

// MaxReports is how many reports one call may make: so many messages are published at once.
const MaxReports = order.MaxReports

// Venue is what deals with orders. Its methods are called by one goroutine, and what a call
// reports is published, all at once, before the next call of any of them. So a venue that
// sends orders on reports its intent first, and sends with the next call.
//
// What a venue of this process reports should follow from the calls alone, not from the time
// or the order of a map: then a run can be repeated.
type Venue interface {
	// Recover sets what the venue is to know. It is called before anything else, and again if
	// the gateway's ring was removed and made again: then nothing is open.
	Recover(Recovery) error

	// Request deals with a NewOrderSingle, OrderCancelRequest or OrderCancelReplaceRequest,
	// and reports at least one and at most MaxReports times. seq is its number in the
	// gateway's ring: of a NewOrderSingle, the OrderID of the order. r is good until Request
	// returns. Requests come in order and once, but for those that were open when the process
	// was killed: their answers were not published.
	//
	// expired: the time to live has passed. Such a request is refused (TextExpired). Otherwise
	// r.TTL is what is left of it.
	//
	// An error ends the runner. What was reported is not published; the request comes again
	// when the next runner starts.
	Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *Reports) error

	// Turn is called between requests, and over and over while there are none. The venue
	// reports what happened by itself, at most out.Room() times: that may be 0, and what did
	// not fit waits for the next turn. It says whether it did anything; if not, the runner may
	// wait some time before it calls again.
	Turn(out *Reports) (busy bool, err error)

	// MdSeq is up to where market data has been taken in, 0 if there is none.
	MdSeq() uint64
}

// Recovery is what a venue begins with. The slices are good until Recover returns.
type Recovery struct {
	// Orders are the open orders, by OrderID. A pending request of theirs has been reported
	// about, but has not got its last word: of a venue that grants or refuses at once there is
	// none. Requests are such requests whose orders are closed.
	Orders   []order.Order
	Requests []order.Unanswered

	GatewayID  uint64 // RingID of the gateway's ring
	GatewaySeq uint64 // up to here its requests have been dealt with
	MdSeq      uint64 // MdSeq of the last VenueStatus
}
