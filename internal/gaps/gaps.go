// Package gaps counts the gaps in which a thread that does nothing but read the clock
// stood still. What makes them is the timer, interrupts, other tasks, the hypervisor,
// and the Go runtime, which asks a running goroutine to give way every 10 ms. Nothing
// that runs on the CPU can have a better tail than this.
package gaps

import (
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/internal/tick"
)

// Least is what counts as a gap: several times what it takes to read a clock twice.
const Least = 200 * time.Nanosecond

// Slice is how long is listened at a stretch. Between two slices other goroutines have
// their turn, so that a run can be interrupted.
const Slice = 100 * time.Millisecond

// inSlice is room for the gaps of a slice; a slice in which there are more ends early.
const inSlice = 1 << 14

// Ear is what a thread that spins on a CPU hears of others.
type Ear struct {
	CPU           int
	Before, After func() // if not nil, called by the thread right before and after it listens in Together

	Heard   uint64 // ticks it has listened
	Missing uint64 // of those, in gaps
	clock   tick.Clock
	gaps    []uint64 // of the slice of time that it listens to, in ticks
}

// NewEar returns one for a thread that will be pinned to the CPU.
func NewEar(cpu int, clock tick.Clock) *Ear {
	return &Ear{CPU: cpu, clock: clock, gaps: make([]uint64, 0, inSlice)}
}

// Listen reads the clock for so many ticks on the calling thread. Gaps of least ticks
// and more count.
func (e *Ear) Listen(span, least uint64) {
	gaps := e.gaps[:0]
	began := e.clock.Now()
	last := began
	for last-began < span && len(gaps) < cap(gaps) {
		now := e.clock.Now()
		if gap := now - last; gap >= least {
			gaps = append(gaps, gap)
			now = e.clock.Now() // what it took to note it is no gap
		}
		last = now
	}
	e.gaps = gaps
	e.Heard += last - began
}

// Count gives the gaps of the slice listened to last to each, in ns, and forgets them.
func (e *Ear) Count(scale tick.Scale, each func(ns uint64)) {
	for _, ticks := range e.gaps {
		e.Missing += ticks
		each(scale.Ns(ticks))
	}
	e.gaps = e.gaps[:0]
}

// Lost is the share of the time that went into gaps, in percent.
func (e *Ear) Lost() float64 {
	if e.Heard == 0 {
		return 0
	}
	return float64(e.Missing) / float64(e.Heard) * 100
}

// Together has all ears listen to a slice of time at once: on has to run the function
// it is given on a thread of the ear's CPU. GOMAXPROCS has to be above the number of ears.
func Together(ears []*Ear, scale tick.Scale, slice time.Duration, on func(e *Ear, listen func() error) error) error {
	var ready atomic.Int32
	done := make(chan error)
	for _, e := range ears {
		go func() {
			done <- on(e, func() error {
				// All begin together: a thread that wakes up is noise to the others. But one
				// with a realtime priority may keep from the CPU what another one waits for.
				ready.Add(1)
				for late := time.Now().Add(Slice); int(ready.Load()) < len(ears) && time.Now().Before(late); {
					runtime.Gosched()
				}
				if e.Before != nil {
					e.Before()
				}
				e.Listen(scale.Ticks(uint64(slice)), scale.Ticks(uint64(Least)))
				if e.After != nil {
					e.After()
				}
				return nil
			})
		}()
	}
	var err error
	for range ears {
		if e := <-done; e != nil {
			ready.Add(int32(len(ears))) // the others need not wait for it
			err = errors.Join(err, e)
		}
	}
	return err
}
