// Package synth makes up a trading session: a valid Nasdaq TotalView-ITCH 5.0
// BinaryFILE with an order flow like that of a real day, for demonstrations,
// tests and benchmarks that must not depend on exchange data.
//
// A session begins with the system event O, the directory (R) and the trading
// state (H) of each stock, and the events S and Q; the order flow follows; the
// events M, E and C and the marker of zero length end it.
//
// # The order flow
//
// Each stock has a full order book. A hidden fair price makes a random walk of
// one-cent steps, and the book follows it: new orders rest around it without
// ever crossing the other side, those it has run through are hit or withdrawn,
// and those it has left far behind are deleted. An aggressive order takes the
// best price first, and within a price the oldest order first; its executions
// carry one timestamp. So every message refers to an order that is live, and no
// execution or cancellation takes more shares than there are.
//
// Activity over the stocks follows Zipf's law. Messages come in bursts, mostly of
// one stock: a few hundred nanoseconds apart within a burst, with quiet in
// between that is a thousand times longer. The mix of types is near that of a
// real day: of a hundred messages about 45 add an order, 41 delete one, 6 replace
// one, 4 report an execution and 2 a partial cancellation.
//
// The number of live orders stays below 20,000 plus 8 for each stock, however
// long the session is.
//
// # The same bytes everywhere
//
// The session is a function of the [Config] alone. The generator has its own
// source of random numbers and calculates with integers only, so neither the
// processor nor the version of Go can change a byte.
package synth
