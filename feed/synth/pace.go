package synth

// within is the mean time between two messages of a burst, in ns.
const within = 400

// pace gives each message of the order flow its time.
//
// A burst is some messages with short gaps, and before it a long one. How long is
// drawn around what the rest of the session can afford: the time left times the
// share of a burst in the messages left. So the flow ends near the end of the
// session, and never after it, without being evenly spread.
type pace struct {
	now, end uint64 // ns since midnight
	left     uint64 // messages still to come
	burst    uint64 // mean messages in a burst
	rest     uint64 // messages still to come in this burst
}

// next moves to the time of the next message and says whether it begins a burst.
func (p *pace) next(r *random) (begins bool) {
	share := (p.end - p.now) / p.left
	gap := uint64(0)
	if begins = p.rest == 0; begins {
		p.rest = 1 + r.exp(p.burst-1)
		if p.burst > 1 && r.oneIn(32) {
			p.rest *= 8 // now and then the whole market wakes
		}
		gap = r.exp(share * min(p.burst, p.left))
		gap = min(gap, (p.end-p.now)*3/4)
	} else {
		gap = min(r.exp(min(within, share)), p.end-p.now)
	}
	p.now += gap
	p.rest--
	p.left--
	return begins
}

// hold gives the next message the time of the one before it.
func (p *pace) hold() {
	p.rest -= min(p.rest, 1)
	p.left--
}
