// Package gateway is the process between strategies and a venue: it judges every request
// once, forwards it or refuses it, and passes on what the venue says.
//
// # One ring is everything
//
// The gateway publishes on one ring, its journal. Every input, be it a request, a report of
// the venue or a command of the operator, becomes exactly one message there, by one commit,
// which carries the input's ring, epoch and number (order.Origin). The venue takes its
// requests from that ring, strategies and monitors their executions; there is no second
// place that could disagree. What the gateway knows (order.State) is a fold over the same
// messages, and each block begins with a checkpoint of it. So whoever comes next, after the
// end of the process at any instruction, reads the last checkpoint and what follows, knows
// what its predecessor knew, and goes on with the first input that has no message yet.
//
// # In which order
//
// What the venue says comes first, then the operator, then the strategies, a message each in
// turn and a few between two looks at the venue. Every input is judged, published and applied,
// in this order, before the next one is taken. If it cannot be published, because the venue has not read far enough or has too
// many requests that it has not answered (see Config), it stays in hand, and its time to
// live runs. Market data is read beside it, and before a request is judged at least up to
// the message that the request answers.
//
// # What it does by itself
//
// It finds the rings of strategies; sees their processes come and go; cancels what a
// process leaves behind that asked for it (order.CancelOnDisconnect); and cancels the
// orders of a strategy that was stopped, if the operator wants that. Such requests are
// messages of the same ring without an input. What is still to cancel follows from the state
// alone, so it survives the gateway.
package gateway
