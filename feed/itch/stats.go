package itch

import "fmt"

// Counts is a number for each message type, indexed by Type.
type Counts [256]uint64

// Of returns the count of one type.
func (c *Counts) Of(t Type) uint64 { return c[t] }

// Total returns the sum over all types.
func (c *Counts) Total() (n uint64) {
	for _, v := range c {
		n += v
	}
	return n
}

// Kind is a way in which a message does not fit the messages before it.
type Kind uint8

// The kinds of anomaly, and what the Normalizer does about each.
const (
	// UnknownReference: E, C, X, D or U names an order that is not live, be it
	// that it was never added or that it is gone. Nothing is emitted: side and
	// price are not known. The new order of such a U is not added either.
	UnknownReference Kind = iota
	// DuplicateReference: A, F or U adds an order whose reference is live. The
	// old order is cancelled, the new one is added.
	DuplicateReference
	// TooManyShares: E, C or X takes more shares than remain. The trade and the
	// fill have the size that the message says; what is cancelled is what
	// remains, and the order is gone.
	TooManyShares
	// NoShares: an order, execution, cancel or trade of 0 shares. Nothing is
	// emitted for it; a replace by 0 shares is a cancel of the old order. (A
	// cross of 0 shares is not an anomaly, see EmptyCrosses.)
	NoShares
	// BadSide: an order that is neither Buy nor Sell. Nothing is emitted and
	// the order is not added.
	BadSide
	// OtherStock: E, C, X, D or U has another stock locate than its order. The
	// order's own is used.
	OtherStock
	// HugeCross: a cross of more shares than a DBN size can hold. The trade has
	// the largest size there is.
	HugeCross
	// NotAMessage: Apply was given bytes whose length is not that of their
	// type. Nothing is emitted.
	NotAMessage

	kinds = iota
)

// String returns the kind in words.
func (k Kind) String() string {
	switch k {
	case UnknownReference:
		return "unknown order reference"
	case DuplicateReference:
		return "order reference already live"
	case TooManyShares:
		return "more shares than remain"
	case NoShares:
		return "no shares"
	case BadSide:
		return "neither buy nor sell"
	case OtherStock:
		return "stock locate differs from the order's"
	case HugeCross:
		return "cross too large for a record"
	case NotAMessage:
		return "not a message"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Kinds returns every kind of anomaly.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Anomaly is one message that does not fit. Message and Offset are right if
// Apply was given every message of a file from the first.
type Anomaly struct {
	Kind      Kind
	Type      Type
	Message   uint64 // number of the message, from 1
	Offset    int64  // of its length prefix in the uncompressed file
	Reference uint64 // of the order, or the match number of a cross
}

// String describes the anomaly in one line.
func (a Anomaly) String() string {
	return fmt.Sprintf("message %d (%v) at offset %d: %v: %d", a.Message, a.Type, a.Offset, a.Kind, a.Reference)
}

// examples is how many anomalies of each kind are kept.
const examples = 4

// Stats says what a Normalizer has seen and made.
type Stats struct {
	Messages uint64 // given to Apply
	Records  uint64 // emitted
	ByType   Counts // messages of each type; those that are NotAMessage are not in it

	LiveOrders int // in the book now

	// NonPrintable is the number of C messages that emitted no trade.
	NonPrintable uint64
	// EmptyCrosses is the number of Q messages of 0 shares, which say that no
	// cross took place. They emit nothing.
	EmptyCrosses uint64

	// Anomalies counts each kind: Anomalies[UnknownReference].
	Anomalies [kinds]uint64
	// Unknown is the number of UnknownReference by the type of the message.
	Unknown Counts
	// First holds the first four anomalies of each kind, in the order of the
	// messages.
	First []Anomaly
}
