package ring

import (
	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
)

// chase keeps a subscriber that is as fast as its publisher off the publisher's
// line. A poll takes the line away just while it is being written, so two that run
// head to head slow each other down, to the cost of one cache miss a message. The
// subscriber that has caught up steps off for about a microsecond and then reads
// what has gathered.
//
// That must not happen to a burst of a few messages or to a paced stream, where it
// would only add latency. So it takes many messages in a row that were found after a
// few polls to begin with it, and it ends as soon as stepping off has gathered too
// little, after which beginning again takes twice as many.
type chase struct {
	empties uint32 // polls since the last message
	run     uint32 // messages in a row that were chased
	need    uint32 // this many begin a stream
	off     bool   // never step off
	stream  bool
	stepped bool   // off, at least once in this stream
	last    uint64 // next message at the last step off
	ticks   uint64 // how long a step off is
}

const (
	chasePolls  = 8       // a message found after so many polls was chased
	chaseRun    = 256     // chased messages that make a stream
	chaseRunMax = 1 << 16 // ... after steps off that gathered too little
	chaseGain   = 32      // messages that a step off must gather
	chaseNs     = 1000    // length of a step off
)

// found is called for a message that was not there at the first poll.
func (c *chase) found() {
	if c.empties > chasePolls {
		c.run, c.stream = 0, false
	} else if c.run++; c.run >= c.need && !c.stream {
		c.stream, c.stepped = true, false
	}
	c.empties = 0
}

// empty is called after a poll that found nothing.
func (c *chase) empty(next uint64, clock *tick.Clock) {
	c.empties++
	if c.stream && c.empties == 1 && !c.off {
		c.stepOff(next, clock)
	}
}

// stepOff waits for messages to gather, unless the last wait was in vain.
func (c *chase) stepOff(next uint64, clock *tick.Clock) {
	if c.stepped {
		if next-c.last < chaseGain {
			c.run, c.stream = 0, false
			c.need = min(2*c.need, chaseRunMax)
			return
		}
		c.need = chaseRun
	}
	c.stepped, c.last = true, next
	// A clock that goes back on another core ends it: the difference is huge then.
	for start := clock.Now(); clock.Now()-start < c.ticks; {
		mem.Pause()
	}
}
