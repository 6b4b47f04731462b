package risk

import (
	"math/bits"

	"github.com/tickring/tickring/order"
)

// Exposure is what a strategy has at stake.
type Exposure struct {
	Net      int64 // position in the instrument, in lots; below 0: short
	OpenBuy  int64 // what its open orders may yet buy and sell of it, at worst
	OpenSell int64
	Orders   int // its open orders, in all instruments
}

// Order is what is to be checked: a NewOrderSingle, or what a replace makes of an order.
// Fields are as in order.Request and have been checked by themselves: a quantity above 0,
// a side and a type that exist.
type Order struct {
	Price   int64 // limit, stop price, or 0
	Qty     int32 // the whole order's
	Adds    int32 // to what is open: Qty of a new order; what a replace adds, or less than 0
	Side    order.Side
	OrdType order.OrdType
	Replace bool // of an order that is open already
}

// Check returns why an order must not leave: [order.TextNone] if it may. i is nil for
// instruments that are not in the limits.
func Check(s *Strategy, i *Instrument, m *Market, x *Exposure, o *Order) order.Text {
	if i == nil {
		return order.TextUnknownSecurity
	}
	if int64(o.Qty) > min(s.MaxQty, i.MaxQty) {
		return order.TextMaxQty
	}
	if !o.Replace && x.Orders >= s.MaxOrders {
		return order.TextOpenOrders
	}
	if t := checkPosition(min(s.MaxPosition, i.MaxPosition), x, o); t != order.TextNone {
		return t
	}
	return checkPrice(s, i, m, o)
}

// checkPosition holds the position against the limit as it is if everything of this side is
// filled and nothing of the other.
func checkPosition(most int64, x *Exposure, o *Order) order.Text {
	if most == noQty || o.Adds <= 0 {
		return order.TextNone
	}
	worst, open := x.Net, x.OpenBuy
	if o.Side == order.Sell {
		worst, open = -x.Net, x.OpenSell
	}
	if addSat(addSat(worst, open), int64(o.Adds)) > most {
		return order.TextPosition
	}
	return order.TextNone
}

// addSat adds, and stops at the ends of int64.
func addSat(a, b int64) int64 {
	sum := a + b
	switch {
	case a > 0 && b > 0 && sum < 0:
		return noQty
	case a < 0 && b < 0 && sum >= 0:
		return -noQty
	}
	return sum
}

func checkPrice(s *Strategy, i *Instrument, m *Market, o *Order) order.Text {
	reference, there := m.against(o.Side)
	price := o.Price
	switch o.OrdType {
	case order.Limit:
		if t := checkCollar(s, i, reference, there, o); t != order.TextNone {
			return t
		}
	case order.Stop:
		if !there {
			return order.TextNoMarket
		}
	default:
		if !there {
			return order.TextNoMarket
		}
		price = reference
	}
	// The stricter of the two, without a branch on which that is.
	n := notional(magnitude(price), uint32(o.Qty), i.Multiplier)
	if n.above(s.MaxNotional) || n.above(i.MaxNotional) {
		return order.TextMaxNotional
	}
	return order.TextNone
}

// checkCollar refuses to buy far above the market and to sell far below it. A price on the
// near side of the market does no harm: the order rests.
func checkCollar(s *Strategy, i *Instrument, reference int64, there bool, o *Order) order.Text {
	ppm, collar := min(s.CollarPPM, i.CollarPPM), min(s.Collar, i.Collar)
	if ppm == noCollar && collar == noCollar {
		return order.TextNone
	}
	if !there {
		return order.TextNoMarket
	}
	high, low := o.Price, reference
	if o.Side == order.Sell {
		high, low = low, high
	}
	if high <= low {
		return order.TextNone
	}
	beyond := uint64(high) - uint64(low) // right also where the signs differ
	if beyond > collar || ppm != noCollar && exceedsPPM(beyond, magnitude(reference), ppm) {
		return order.TextCollar
	}
	return order.TextNone
}

// exceedsPPM says whether part is more than ppm millionths of whole.
func exceedsPPM(part, whole, ppm uint64) bool {
	aHi, aLo := bits.Mul64(part, 1e6)
	bHi, bLo := bits.Mul64(whole, ppm)
	return aHi > bHi || aHi == bHi && aLo > bLo
}

// magnitude is |price|, of the smallest int64 too.
func magnitude(price int64) uint64 {
	if price < 0 {
		return -uint64(price)
	}
	return uint64(price)
}
