// Package fix is a venue beyond a socket: a session of FIX 4.4, as initiator, by way of
// github.com/quickfixgo/quickfix. [Session] is a venue.Venue: venue.Run stands between it and
// the gateway's ring.
//
// # What is promised
//
// A request is sent once or not at all. Its intent is published (PendingNew, PendingCancel,
// PendingReplace) before it is sent, and only then: so whatever was sent is known after a
// kill, and nothing that was known is sent again. What became of an intent without an answer
// is asked for (OrderStatusRequest) when the session is up again, and until the venue
// answers the order is in doubt (ExecOrderStatus, TextInDoubt).
//
// Nothing is sent late. While the session is down requests are refused (TextOffline). If the
// venue asks for messages again, orders, replaces and cancels are not among them: the gap is
// filled, and what became of them is asked for.
//
// A fill is reported once: by CumQty, which the gateway's ring tells after a restart, and not
// by ExecID. If fills were missed, the next report or the status tells: the difference is
// reported as one fill at the price that AvgPx gives.
//
// # What is not
//
// A session lives from one reset of its numbers to the next, and a ClOrdID ("7-42": strategy
// and ClOrdID) is the venue's to know again. If the rings of the gateway are removed and the
// strategies begin anew with ClOrdID 1, the venue may refuse them as duplicates. Corrections
// of fills (ExecType G and H) are counted and told, but not applied: no record has room for
// them.
package fix
