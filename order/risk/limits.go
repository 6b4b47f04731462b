package risk

import (
	"math"

	"github.com/tickring/tickring/order"
)

// Limits says what strategies may do. It is made by [Parse] or [Load] and does not change,
// so any goroutine may read it.
type Limits struct {
	defaults    Strategy
	strategies  map[uint16]*Strategy
	instruments map[uint32]*Instrument
	others      *Instrument // for those not listed; nil: they are not traded
}

// Bounds are the limits that a strategy and an instrument both have.
type Bounds struct {
	MaxQty      int64    // of an order
	MaxNotional Notional // of an order: price times quantity times multiplier
	MaxPosition int64    // long or short, with what is open

	// How far beyond the market the price of a limit order may be, as a part of the market's
	// price in millionths, and in 1e-9 of the price's unit.
	CollarPPM uint64
	Collar    uint64
}

// No bound at all.
const (
	noQty    = math.MaxInt64
	noCollar = math.MaxUint64
	noOrders = math.MaxInt
)

func unbounded() Bounds {
	return Bounds{MaxQty: noQty, MaxNotional: noNotional, MaxPosition: noQty, CollarPPM: noCollar, Collar: noCollar}
}

// Strategy is the limits of a strategy.
type Strategy struct {
	Bounds
	MaxOrders int  // open orders, in all instruments
	Rate      Rate // of requests
}

// Instrument is the limits of an instrument.
type Instrument struct {
	Bounds
	Multiplier uint32 // what one unit of the price is worth; at least 1
	Symbol     string // for people; may be empty
}

// Strategy returns the limits of a strategy: its own or the defaults. It is never nil.
func (l *Limits) Strategy(number uint16) *Strategy {
	if s := l.strategies[number]; s != nil {
		return s
	}
	return &l.defaults
}

// Instrument returns the limits of an instrument, nil if it must not be traded.
func (l *Limits) Instrument(security uint32) *Instrument {
	if i := l.instruments[security]; i != nil {
		return i
	}
	return l.others
}

// Strategies returns how many strategies have limits of their own.
func (l *Limits) Strategies() int { return len(l.strategies) }

// Instruments returns how many instruments are listed, and whether others may be traded.
func (l *Limits) Instruments() (listed int, others bool) { return len(l.instruments), l.others != nil }

// Reason returns the OrdRejReason that goes with what Check says.
func Reason(t order.Text) order.OrdRejReason {
	switch t {
	case order.TextMaxQty, order.TextMaxNotional, order.TextPosition, order.TextOpenOrders, order.TextRate, order.TextCollar:
		return order.RejExceedsLimit
	case order.TextUnknownSecurity:
		return order.RejUnknownSymbol
	}
	return order.RejBroker
}
