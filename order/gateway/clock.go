package gateway

import (
	"time"

	"github.com/tickring/tickring/internal/tick"
)

// clock tells CLOCK_MONOTONIC without asking the kernel: the time of the host, which goes on
// through restarts of the gateway.
type clock struct {
	tick.Clock
	scale tick.Scale
	ticks uint64
	mono  uint64
}

func newClock() clock {
	c := clock{Clock: tick.New()}
	c.scale = c.Calibrate(5 * time.Millisecond)
	c.set()
	return c
}

// set compares the two clocks, so that the error of the scale does not add up.
func (c *clock) set() { c.ticks, c.mono = c.Pair() }

// read returns the time in ns.
func (c *clock) read() uint64 {
	t := c.Now()
	if t < c.ticks {
		return c.mono
	}
	return c.mono + c.scale.Ns(t-c.ticks)
}
