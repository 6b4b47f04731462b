// Package order is the way of orders: from a strategy to the gateway, to the venue and back,
// through rings, exactly once.
//
// # Vocabulary
//
//   - A strategy sends requests: NewOrderSingle, OrderCancelRequest,
//     OrderCancelReplaceRequest ([Request]). It has a number, and a ring of its own.
//   - The gateway judges every request: it forwards it, or refuses it. Its one output ring
//     is its journal: one message per input, whatever came of it.
//   - The venue is where orders are filled: an exchange in a process of its own, or a
//     session of FIX. It reports on a ring of its own, and the gateway passes that on.
//   - A record has 56 bytes, a line of the ring. Names and codes are those of FIX 4.4, and
//     prices are in 1e-9. docs/orders.md has the offsets.
//   - An [Origin] names the message that a record answers, or is: ring, epoch, number.
//   - The [State] is what the messages of the gateway's ring add up to: open orders,
//     positions, and up to where each input was judged.
//   - A checkpoint is the state as a snapshot at the start of every block of that ring.
//
// # Rings
//
//	strategy 7 ──G.in.7──▶ gateway ──G──▶ venue        G also: strategies, drop copy, monitors
//	                          ▲              │
//	                          └──────V───────┘
//
// Every ring has one publisher. All but G hold for the gateway, and G for the venue: these
// are gates and lose nothing. Who else reads G is an ordinary subscriber, may be lapped,
// and begins again with a checkpoint. [InputRing] has the names.
//
// # Exactly once
//
// Between rings, while the host stays up, and whichever process is killed when:
//
//   - Each message of an input has exactly one message of G, in one commit, that names it.
//     So there are no two places that could disagree on what was judged.
//   - The state is a pure fold over G. The gateway decides by its state, publishes, and
//     then applies what it published, by the code that everybody else uses. Its
//     successor reads the newest checkpoint and what follows, and knows what it knew.
//   - Requests and reports are counted against the state's vector of inputs: a message that
//     was skipped or judged twice does not fit, and is an error, not a guess.
//   - A follower holds every checkpoint against its own state. A difference is an error.
//   - The venue's ring names for every report the request that it answers. So the venue too
//     knows from rings alone up to where it has dealt with the gateway's.
//
// # Not promised
//
//   - That orders survive the host: rings are memory.
//   - Exactly once beyond a socket. What a venue there has, ClOrdID and its own answers
//     decide; what cannot be known is in doubt ([TextInDoubt]) and is never sent again
//     silently.
//   - That an order reaches the venue in time. It has a time to live, and is refused
//     when that has passed.
//   - Anything against a process that writes another's ring. What it can do with its own is
//     bounded: each malformed record is refused, with a reason ([Text]), and counted.
//
// # An order's life
//
// An order begins with its NewOrderSingle in G, whose number there is its OrderID. The
// status ([Order.OrdStatus]) follows from what is known: accepted, filled, pending. At most
// one request to cancel or replace it is pending, and if that is refused the order is as
// it was. A report that does not fit ([ErrTransition]) is not applied and not
// swallowed: the gateway publishes that it was illegal.
package order
