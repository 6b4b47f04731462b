package order

import "unsafe"

// This file is the layout of a gateway's state: rows without pointers and without holes, so
// that a checkpoint is a copy of their bytes. docs/orders.md has the same as tables.

// row is a row of the state.
type row interface {
	Session | Position | Order | Unanswered
}

func rowSize[T row]() int {
	var v T
	return int(unsafe.Sizeof(v))
}

// Session is what the gateway knows of an input: a strategy's ring, the operator's, or the
// venue's (RingVenue).
type Session struct {
	RingID      uint64 // 0: not found yet
	Epoch       uint64 // of the ring, as the last SessionStatus said
	Seq         uint64 // number of the last message that was judged: where to resume
	LastClOrdID uint64 // highest that was judged
	LastMdSeq   uint64 // of the last request that was accepted with one, in LastEpoch
	Forwarded   uint64 // requests that were accepted; of the venue and the operator: messages
	Refused     uint64 // requests that were refused; of the venue: reports that were illegal
	Reports     uint64 // reports of the venue about its orders
	Fills       uint64 // those that are fills
	// Rate is the gateway's memory of the message rate. It is no part of what frames add
	// up to: the gateway sets it, others find it in checkpoints.
	Rate      [2]uint64
	Ring      uint16
	LastEpoch uint16 // Origin.Epoch of the last request that was accepted
	Open      int32  // open orders
	Status    SessionState
	Killed    Kill // its own kill switch; see also State.Killed
	_         [6]byte
}

// Position is what a strategy has of an instrument, and what its open orders may add.
type Position struct {
	Cash       Int128 // received for what was sold less paid for what was bought, in 1e-9
	Net        int64  // Bought less Sold
	Bought     int64
	Sold       int64
	OpenBuy    int64 // what open orders to buy may still buy: with a replace pending, the larger quantity
	OpenSell   int64
	SecurityID uint32
	Strategy   uint16
	_          [2]byte
}

// Profit returns cash and position, valued at price.
func (p *Position) Profit(price int64) Int128 { return p.Cash.Add(mul(price, p.Net)) }

// Pending is a request to cancel or replace an order that the venue has not granted or
// refused yet. An order has at most one.
type Pending struct {
	ClOrdID  uint64 // 1<<63 and the order's: the gateway's own cancel
	Seq      uint64 // of the request in the gateway's ring
	MdSeq    uint64 // of the request
	Price    int64  // replace: what the order will have
	OrderQty int32  // replace: what the order will have
	Epoch    uint16 // of the request
	Kind     Kind   // PendingNone: there is none
	Flags    Flags  // replace: what the order will have
}

// Kind of a pending request.
type Kind uint8

const (
	PendingNone    Kind = 0
	PendingCancel  Kind = 'F'
	PendingReplace Kind = 'G'
)

// Order is an open order, or one that the last frame closed.
type Order struct {
	OrderID     uint64 // number of its NewOrderSingle in the gateway's ring
	ClOrdID     uint64 // of its last accepted D or G
	MdSeq       uint64 // of the same
	Price       int64  // limit, or stop price
	Priority    uint64 // number in the gateway's ring of its D, or of the last G that moved its price or raised its quantity
	Paid        Int128 // sum of LastPx * LastQty
	Pending     Pending
	SecurityID  uint32
	OrderQty    int32
	CumQty      int32
	Strategy    uint16
	Epoch       uint16 // Origin.Epoch of its last accepted D or G; 0: that ring was made anew since
	Side        Side
	OrdType     OrdType
	TimeInForce TimeInForce
	Flags       Flags
	Venue       VenueKnows
	Closed      OrdStatus // Filled, Canceled, Rejected or Expired; 0 while it is open
	_           [2]byte
}

// VenueKnows says, in bits, what is known of an order at its venue.
type VenueKnows uint8

const (
	VenueAnswered        VenueKnows = 1 << iota // the venue has said something about the order
	VenueAccepted                               // it is an order there
	VenueInDoubt                                // whether the venue has it cannot be known for now
	VenuePendingAnswered                        // the venue has said something about the pending request
)

// Unanswered is a request to cancel or replace an order that was closed before the venue
// answered it. The answer, a refusal, is still to come.
type Unanswered struct {
	ClOrdID     uint64
	OrigClOrdID uint64
	OrderID     uint64
	Seq         uint64 // of the request in the gateway's ring
	SecurityID  uint32
	Strategy    uint16
	Kind        Kind
	Answered    uint8 // 1: the venue has said something about it, but not the last word
}
