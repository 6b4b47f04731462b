// Package risk checks orders before they leave: pure functions of limits, of what a
// strategy has at stake, and of the market.
//
// # Which limit holds
//
// Limits come for every strategy (defaults), for a strategy by its number, and for an
// instrument. A strategy's own limit takes the place of the default of that name. Those of
// the strategy and those of the instrument then both hold, so the lower one decides. A
// limit is either said or waived ("none"): none of the defaults may be missing, so nothing
// is unlimited because somebody forgot a line.
//
// # What is counted
//
// Quantities are checked at their worst: a position is what it would be if all open orders
// of its side were filled, and an order that would reduce it meanwhile does not help. A
// replace counts with what it adds. Cancels are not checked: they always may go.
//
// Sums and products are exact: a notional has 128 bits, and nothing wraps around.
package risk
