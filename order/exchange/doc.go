// Package exchange is a simulated exchange: it matches orders by price and time, with each
// other and with the orders of a real market that is replayed beside it.
//
// [Engine] is the matching, [Exchange] is the venue that a gateway's runner (package
// order/venue) drives: it has an Engine and reads the market data.
//
// # What an order trades with
//
// Each instrument has the market's own book, built of its market-by-order records, and the
// orders of the clients. An incoming order takes the best price first, and within a price
// whoever was there first, of the market or of the clients:
//
//   - What the market shows can be taken once. What was taken of an order stays taken until
//     that order goes, moves to another price, or grows. The market's own records are not
//     changed by it.
//   - What is taken of the market at one price is one fill, and so one report, however many
//     orders it comes from. A trade between clients is a fill for each of the two, at the
//     price of the one that was there first.
//
// # What fills an order that rests
//
//   - Another client's order.
//   - A trade of the market at a worse price than its own: the market's aggressor would have
//     met it first. All trades of hidden orders and auctions count for both sides.
//   - A trade at its own price, if the order that the market filled (F) was behind it in
//     the queue. The places are exact: an order of a client is behind all that the market
//     shows at its price when it comes, and before all that is queued later. The orders
//     before it take their part of the aggressor first.
//   - An order that the market comes to show at its price or better, at the end of an event.
//
// It fills at its own price. One trade of the market fills no more than its size, on either
// side.
//
// # The kinds of orders
//
// Limit; Market, what is left of it expires; Stop, which waits for a trade of the market at
// its price or beyond, not for one of clients, and is a market order then. Day orders expire
// when the clock of the market data passes the end of the day, GTC orders do not; of IOC what
// does not fill at once expires, FOK fills whole or expires. A replace keeps its place if it
// only lowers the quantity. What would need more than venue.MaxReports reports is canceled
// (TextFills); a FOK order that would is not filled.
//
// # What it does not model
//
// Clients do not move the market: what they took is there for the market's own aggressors
// too, and nobody reacts to their orders. There are no auctions and no trading phases: while
// the market's own book is crossed, as before an opening, nothing trades with it. There is no
// pro-rata matching, no hidden size, no protection from trading with oneself, no fees and no
// delay. Of an instrument that several publishers have, the one seen first is the market.
//
// # After the process was killed
//
// The runner hands it the orders that are open. The books are built again of what the
// market-data ring still has; what it says up to then fills nothing. Restored orders are
// behind all that the market shows, and what was taken of the market before is there again.
package exchange
