// Package venue stands between a gateway's ring and a venue: the simulated exchange, or a
// session of FIX. [Run] reads the orders, has the [Venue] deal with them, and publishes what
// it reports, exactly once, whenever it is killed.
//
// # How it knows where it was
//
// What a request has the venue say is published in one batch, and each report of it names
// the request. So the venue's own ring tells up to where the gateway's was dealt with; there
// is no other state. Killed before the batch, the venue gets the request again; killed after
// it, it does not.
//
// At every block's start, and at the first message, the ring has a VenueStatus, which says
// the same and is the mark to begin with. The open orders are those of the gateway's
// journal, with the reports that it has not read yet on top.
//
// # Who waits for whom
//
// Both rings are gated, so either process could wait for the other. They never both do: the
// gateway has so few requests outstanding that their answers fill at most half of the
// venue's ring ([MaxReports] bounds one answer), and the venue reports by itself only while
// no more than an eighth of it is unread. So the venue can always answer, and goes on reading.
package venue
