// Package audit checks what gateway, venue and strategies have published against each
// other: that every order, every request and every report is where it has to be, once, and
// says what it has to say.
//
// It shares nothing with the programs that it checks but the layout of the messages: no
// state, no decoding, no bookkeeping. It is slow and keeps its books in the plainest way, so
// that whoever doubts the order path can read this and the rings, and need not read the rest.
//
// # What it checks
//
// It follows the gateway's ring G frame by frame, and reads every other ring up to what a
// frame of G says it comes from.
//
//   - Every message of a strategy's ring, of the operator's and of the venue's has exactly
//     one frame in G, in its own order, of the same content, or its refusal.
//   - Every request that G forwards is answered in the venue's ring once, in order.
//   - What the venue reports follows from the order and its reports before: CumQty is the
//     sum of the fills, OrderQty is CumQty and LeavesQty, nothing happens to an order that is
//     closed or was never forwarded, nothing is accepted, replaced or canceled twice.
//   - A ClOrdID is forwarded once, and they rise. A request names an open order that has no
//     other request pending; one that is refused for an unknown order or for a pending request
//     is so for a reason.
//   - Orders of a strategy whose process has ended are canceled, if they asked for that.
//   - Nothing but cancels is forwarded while a kill switch is engaged.
//
// [Auditor.Finish] says what is left over when everybody has come to rest: requests that
// nobody judged or answered, reports that nobody passed on.
//
// # What it sees
//
// An auditor that is a gate of all rings ([Config.Name]) from their beginning loses nothing
// and can say all that. One that is not reads what the rings still have, and can say nothing of
// orders that are older ([Figures.Older]) but whether messages are where they have to be.
package audit
