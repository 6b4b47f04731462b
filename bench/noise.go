package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/internal/tick"
)

// Noise is what a thread that does nothing but read the clock misses on a CPU: the gaps
// between two readings of more than Threshold. What makes them is the timer, interrupts,
// other tasks, the hypervisor, and the Go runtime, which asks a running goroutine to give
// way every 10 ms. Nothing that runs there can have a better tail than this.
type Noise struct {
	CPU       int         `json:"cpu"`
	Seconds   float64     `json:"seconds"`
	Threshold float64     `json:"threshold_ns"`
	PerSecond float64     `json:"gaps_per_s"`
	Lost      float64     `json:"lost_percent"` // of the time, in gaps
	Gaps      Percentiles `json:"gaps"`
	Histogram []GapRange  `json:"histogram"`
}

// GapRange is how many gaps took From or more and less than To. The last has no To.
type GapRange struct {
	From  float64 `json:"from_ns"`
	To    float64 `json:"to_ns,omitempty"`
	Count int64   `json:"count"`
}

// leastGap is what counts as a gap: several times what it takes to read a clock twice.
const leastGap = 200 * time.Nanosecond

// gapBounds are those of a histogram, in ns.
var gapBounds = [...]float64{200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7}

func noiseTable(noise []Noise) Table {
	t := Table{
		Title: fmt.Sprintf("Noise: gaps of %s and more, seen by a thread that spins", nsText(float64(leastGap))),
		Head:  []string{"CPU", "seconds", "gaps", "a second", "p50", "p90", "p99", "p99.9", "largest", "time lost"},
	}
	for _, n := range noise {
		cells := n.Gaps.cells()
		t.Rows = append(t.Rows, []string{
			fmt.Sprint(n.CPU), fmt.Sprintf("%.1f", n.Seconds), fmt.Sprint(n.Gaps.Samples), fmt.Sprintf("%.0f", n.PerSecond),
			cells[0], cells[1], cells[2], cells[3], cells[5], fmt.Sprintf("%.2f %%", n.Lost),
		})
	}
	return t
}

func gapTable(noise []Noise) Table {
	t := Table{Title: "How many of these gaps took", Head: []string{"CPU"}}
	for i, from := range gapBounds {
		if i+1 < len(gapBounds) {
			t.Head = append(t.Head, "< "+nsText(gapBounds[i+1]))
		} else {
			t.Head = append(t.Head, ">= "+nsText(from))
		}
	}
	for _, n := range noise {
		row := []string{fmt.Sprint(n.CPU)}
		for _, r := range n.Histogram {
			row = append(row, fmt.Sprint(r.Count))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// ear is what a thread that spins on a CPU hears of others.
type ear struct {
	cpu     int
	clock   tick.Clock
	gaps    []uint64 // of the slice of time that it listens to, in ticks
	dist    *dist
	heard   uint64 // ticks it has listened
	missing uint64 // of those, in gaps
	buckets [len(gapBounds)]int64
}

// gapsInSlice is room for those of a slice; a slice in which there are more ends early.
const gapsInSlice = 1 << 14

// listenSlice is how long is listened at a stretch. Between two slices other goroutines
// have their turn, so that the run can be interrupted.
const listenSlice = 100 * time.Millisecond

// noise listens on all CPUs at once, as the benchmarks use them.
func (s *Session) noise(ctx context.Context, d time.Duration) ([]Noise, error) {
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(max(before, len(s.setup.CPUs)+1))
	defer runtime.GOMAXPROCS(before)
	var all []*ear
	for _, cpu := range s.setup.CPUs {
		all = append(all, &ear{cpu: cpu, clock: s.clock, gaps: make([]uint64, 0, gapsInSlice), dist: newDist()})
	}
	slice := min(d, listenSlice)
	for until := time.Now().Add(d); time.Now().Before(until) && ctx.Err() == nil; {
		s.progress("noise", int(d-time.Until(until)), int(d))
		var ready atomic.Int32
		done := make(chan error)
		for _, l := range all {
			go func() {
				done <- onCPU(l.cpu, func() error {
					// All begin together: a thread that wakes up is noise to the others.
					for ready.Add(1); int(ready.Load()) < len(all); {
						runtime.Gosched()
					}
					l.listen(s.scale.Ticks(uint64(slice)), s.scale.Ticks(uint64(leastGap)))
					return nil
				})
			}()
		}
		var err error
		for range all {
			if e := <-done; e != nil {
				ready.Add(int32(len(all))) // the others need not wait for it
				err = errors.Join(err, e)
			}
		}
		if err != nil {
			return nil, err
		}
		for _, l := range all {
			l.count(s.scale)
		}
	}
	noise := make([]Noise, 0, len(all))
	for _, l := range all {
		if l.heard > 0 {
			noise = append(noise, l.noise(s.scale))
		}
	}
	return noise, nil
}

// listen reads the clock for so many ticks.
func (l *ear) listen(span, least uint64) {
	gaps := l.gaps[:0]
	began := l.clock.Now()
	last := began
	for last-began < span && len(gaps) < cap(gaps) {
		now := l.clock.Now()
		if gap := now - last; gap >= least {
			gaps = append(gaps, gap)
			now = l.clock.Now() // what it took to note it is no gap
		}
		last = now
	}
	l.gaps = gaps
	l.heard += last - began
}

// count takes the gaps of a slice into account.
func (l *ear) count(scale tick.Scale) {
	for _, ticks := range l.gaps {
		l.missing += ticks
		ns := scale.Ns(ticks)
		l.dist.record(ns)
		i := len(gapBounds) - 1
		for i > 0 && float64(ns) < gapBounds[i] {
			i--
		}
		l.buckets[i]++
	}
	l.gaps = l.gaps[:0]
}

func (l *ear) noise(scale tick.Scale) Noise {
	seconds := float64(scale.Ns(l.heard)) / 1e9
	n := Noise{
		CPU:       l.cpu,
		Seconds:   seconds,
		Threshold: float64(leastGap),
		Gaps:      l.dist.sum(),
		Lost:      float64(l.missing) / float64(l.heard) * 100,
	}
	n.PerSecond = float64(n.Gaps.Samples) / seconds
	for i, count := range l.buckets {
		r := GapRange{From: gapBounds[i], Count: count}
		if i+1 < len(gapBounds) {
			r.To = gapBounds[i+1]
		}
		n.Histogram = append(n.Histogram, r)
	}
	return n
}
