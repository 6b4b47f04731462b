package exchange

import "github.com/tickring/tickring/order"

// Counts is what an exchange has done. The arrays are by order.Text.
type Counts struct {
	Orders   uint64 // NewOrderSingles
	Cancels  uint64 // OrderCancelRequests
	Replaces uint64 // OrderCancelReplaceRequests
	Accepted uint64 // of Orders
	Replaced uint64
	Fills    uint64
	Quantity uint64 // of all fills: each side of a trade between clients counts
	Open     int    // orders, now

	Rejected  [texts]uint64 // of Orders
	Refused   [texts]uint64 // of Cancels and Replaces
	Canceled  [texts]uint64 // without a reason: by a cancel
	Expired   [texts]uint64
	Triggered uint64 // stop orders

	Records   uint64 // of market data
	Lost      uint64 // messages of market data
	Anomalies uint64 // of the market's books
}

const texts = int(order.TextVenue) + 1

// Counts returns the counts so far.
func (e *Engine) Counts() Counts {
	c := e.counts
	st := e.market.Stats()
	c.Records = st.Records
	for _, n := range st.Anomalies {
		c.Anomalies += n
	}
	return c
}
