// Package tick is the clock of the hot path: the processor's tick counter where
// it runs at one rate, CLOCK_MONOTONIC in nanoseconds where it does not.
package tick

import (
	"math/bits"
	"time"

	"github.com/tickring/tickring/internal/mem"
)

// Kind says what a tick is. Two processes can compare ticks of one kind.
type Kind uint32

const (
	// Counter is the processor's counter: TSC on amd64, CNTVCT_EL0 on arm64.
	Counter Kind = 1
	// Monotonic is CLOCK_MONOTONIC in ns.
	Monotonic Kind = 2
)

func (k Kind) String() string {
	switch k {
	case Counter:
		return "counter"
	case Monotonic:
		return "monotonic"
	}
	return "unknown"
}

// Clock reads ticks. It is a value; copies read the same clock.
type Clock struct {
	kind Kind
	// For Monotonic: CLOCK_MONOTONIC was mono at base. Go reads the clock without
	// a system call only as a difference from a time.Time.
	base time.Time
	mono uint64
}

// New returns the best clock that this build can read on this processor.
//
// A kernel that has stopped to use the counter as its own clock knows why: the counters
// of its processors may differ.
func New() Clock {
	if mem.HasTicks() && !kernelDistrustsCounter() {
		return Clock{kind: Counter}
	}
	return monotonic()
}

// NewMonotonic returns the clock that counts CLOCK_MONOTONIC ns, to place a moment among
// those of other processes without a system call.
func NewMonotonic() Clock { return monotonic() }

// monotonic is the clock for builds and processors without a counter. It differs
// between processes by the time that passes between its two reads, well under 1 µs
// but for the worst of ten tries.
func monotonic() Clock {
	var c Clock
	best := time.Duration(1<<63 - 1)
	for range 10 {
		before := time.Now()
		mono := Mono()
		if d := time.Since(before); d < best {
			best = d
			c = Clock{kind: Monotonic, base: before, mono: mono - uint64(d/2)}
		}
	}
	return c
}

// Kind says what Now counts.
func (c *Clock) Kind() Kind { return c.kind }

// Now reads the clock after all earlier loads have their values.
func (c *Clock) Now() uint64 {
	if c.kind == Counter {
		return mem.TicksAfter()
	}
	return c.mono + uint64(time.Since(c.base))
}

// Scale turns ticks into nanoseconds: ns = ticks * Scale / 2^32.
type Scale uint64

// Ns returns a span of ticks in nanoseconds, rounded down.
func (s Scale) Ns(ticks uint64) uint64 {
	hi, lo := bits.Mul64(ticks, uint64(s))
	return hi<<32 | lo>>32
}

// Ticks returns a span of nanoseconds in ticks, rounded down.
func (s Scale) Ticks(ns uint64) uint64 {
	if s == 0 || ns>>32 >= uint64(s) {
		return 0
	}
	q, _ := bits.Div64(ns>>32, ns<<32, uint64(s))
	return q
}

// Hz returns ticks a second.
func (s Scale) Hz() float64 {
	if s == 0 {
		return 0
	}
	return float64(uint64(1)<<32) / float64(s) * 1e9
}

// Valid says whether the scale is one that a counter can have: 1 MHz to 100 GHz.
func (s Scale) Valid() bool { return s >= 1<<32/100 && s <= 1000<<32 }

// Near says whether two measurements can be of the same clock: within 1 in 1000.
func (s Scale) Near(other Scale) bool {
	return s <= other+other/1000 && s >= other-other/1000
}

// Calibrate measures how long a tick is against CLOCK_MONOTONIC, in d. The error
// is about 100 ns in d. A clock that counts nanoseconds, or whose rate the
// processor tells, needs no measurement and returns at once.
func (c *Clock) Calibrate(d time.Duration) Scale {
	if c.kind != Counter {
		return 1 << 32
	}
	if hz := mem.TicksHz(); hz != 0 {
		return ScaleOf(1e9, hz)
	}
	t0, n0 := c.Pair()
	time.Sleep(d)
	t1, n1 := c.Pair()
	return ScaleOf(n1-n0, t1-t0)
}

// ScaleOf returns the length of a tick of which so many passed in ns.
func ScaleOf(ns, ticks uint64) Scale {
	if ticks == 0 || ns>>32 >= ticks {
		return 0
	}
	q, _ := bits.Div64(ns>>32, ns<<32, ticks)
	return Scale(q)
}

// Pair reads the clock and CLOCK_MONOTONIC (ns) at the same moment: the closest
// of some tries.
func (c *Clock) Pair() (ticks, mono uint64) {
	best := ^uint64(0)
	for range 8 {
		before := c.Now()
		m := Mono()
		after := c.Now()
		if after-before < best {
			best = after - before
			ticks, mono = before+(after-before)/2, m
		}
	}
	return ticks, mono
}
