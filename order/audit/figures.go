package audit

import (
	"fmt"
	"slices"

	"github.com/tickring/tickring/order"
)

// Figures are what an audit has counted.
type Figures struct {
	Whole bool `json:"whole"` // everything was read, from the first message on

	Frames      uint64 `json:"frames"` // of G
	Checkpoints uint64 `json:"checkpoint_frames"`
	Sessions    uint64 `json:"session_frames"`
	Commands    uint64 `json:"operator_commands"`
	OwnCancels  uint64 `json:"gateway_cancels"` // that the gateway made: a strategy's end, or the kill switch
	Reports     uint64 `json:"venue_messages"`

	Unjudged   uint64 `json:"unjudged"`   // messages without a frame in G
	Unanswered uint64 `json:"unanswered"` // requests that the venue has not answered
	Reused     uint64 `json:"reused"`     // requests whose ClOrdID is not above that of an earlier one; they are to be refused
	Illegal    uint64 `json:"illegal"`    // reports that the gateway found illegal
	Faults     uint64 `json:"faults"`

	Unseen uint64 `json:"unseen"` // inputs that were overwritten before they were read
	Older  uint64 `json:"older"`  // requests for orders, and reports on them, that are older than what was read

	Open       int                   `json:"open"`
	Refusals   map[order.Text]uint64 `json:"-"`
	Reasons    map[string]uint64     `json:"refusals,omitempty"` // of the gateway, by reason
	Strategies map[uint16]*Counts    `json:"strategies"`
}

// Counts are those of one strategy.
type Counts struct {
	Sent          uint64 `json:"sent"` // messages of its ring, judged
	Forwarded     uint64 `json:"forwarded"`
	Refused       uint64 `json:"refused"`
	OwnCancels    uint64 `json:"gateway_cancels"`
	Acknowledged  uint64 `json:"acknowledged"`
	Rejected      uint64 `json:"rejected"` // by the venue
	CancelRejects uint64 `json:"cancel_rejects"`
	Replaced      uint64 `json:"replaced"`
	Fills         uint64 `json:"fills"`
	Quantity      int64  `json:"quantity"` // of the fills
	Filled        uint64 `json:"filled"`   // orders, to the end
	Canceled      uint64 `json:"canceled"`
	Expired       uint64 `json:"expired"`
	Open          uint64 `json:"open"`
}

func (c *Counts) add(d *Counts) {
	c.Sent += d.Sent
	c.Forwarded += d.Forwarded
	c.Refused += d.Refused
	c.OwnCancels += d.OwnCancels
	c.Acknowledged += d.Acknowledged
	c.Rejected += d.Rejected
	c.CancelRejects += d.CancelRejects
	c.Replaced += d.Replaced
	c.Fills += d.Fills
	c.Quantity += d.Quantity
	c.Filled += d.Filled
	c.Canceled += d.Canceled
	c.Expired += d.Expired
	c.Open += d.Open
}

// Total adds up the strategies.
func (f Figures) Total() Counts {
	var all Counts
	for _, c := range f.Strategies {
		all.add(c)
	}
	return all
}

// Figures returns what was counted up to now.
func (a *Auditor) Figures() Figures {
	f := a.figures
	f.Open = len(a.book.orders)
	for _, q := range a.forwards {
		if !q.answered {
			f.Unanswered++
		}
	}
	f.Reasons = map[string]uint64{}
	for t, n := range a.figures.Refusals {
		f.Reasons[t.String()] = n
	}
	f.Strategies = map[uint16]*Counts{}
	for n, c := range a.figures.Strategies {
		d := *c
		f.Strategies[n] = &d
	}
	for _, o := range a.book.orders {
		if c := f.Strategies[o.strategy]; c != nil {
			c.Open++
		}
	}
	return f
}

func (a *Auditor) refusedFor(t order.Text) {
	if a.figures.Refusals == nil {
		a.figures.Refusals = map[order.Text]uint64{}
	}
	a.figures.Refusals[t]++
}

// Order is an open order, as the rings tell.
type Order struct {
	OrderID    uint64     `json:"order_id"`
	Strategy   uint16     `json:"strategy"`
	ClOrdID    uint64     `json:"cl_ord_id"` // of the last request that was accepted
	SecurityID uint32     `json:"security_id"`
	Side       order.Side `json:"side"`
	OrderQty   int32      `json:"order_qty"`
	CumQty     int32      `json:"cum_qty"`
	Price      int64      `json:"price"`
}

// Open returns the open orders, by OrderID.
func (a *Auditor) Open() []Order {
	open := []Order{}
	for _, o := range a.book.orders {
		open = append(open, Order{o.id, o.strategy, o.cl, o.security, o.side, o.qty, o.sum, o.price})
	}
	sortRows(open, nil)
	return open
}

// Position is what a strategy has of an instrument.
type Position struct {
	Strategy   uint16 `json:"strategy"`
	SecurityID uint32 `json:"security_id"`
	Net        int64  `json:"net"`
}

// Positions returns what the fills add up to, but for what is 0, by strategy and instrument.
func (a *Auditor) Positions() []Position {
	all := []Position{}
	for h, net := range a.book.net {
		if net != 0 {
			all = append(all, Position{h.Strategy, h.SecurityID, net})
		}
	}
	sortRows(nil, all)
	return all
}

// Differences says in words which rows only one of the two has.
func Differences[T comparable](own, other []T) []string {
	var all []string
	for _, r := range own {
		if !slices.Contains(other, r) {
			all = append(all, fmt.Sprintf("missing %+v", r))
		}
	}
	for _, r := range other {
		if !slices.Contains(own, r) {
			all = append(all, fmt.Sprintf("more: %+v", r))
		}
	}
	return all
}
