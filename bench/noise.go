package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/gaps"
	"github.com/tickring/tickring/internal/tick"
)

// Noise is what a thread that does nothing but read the clock misses on a CPU: the gaps
// between two readings of more than Threshold, as package gaps counts them.
type Noise struct {
	CPU       int         `json:"cpu"`
	Seconds   float64     `json:"seconds"`
	Threshold float64     `json:"threshold_ns"`
	PerSecond float64     `json:"gaps_per_s"`
	Lost      float64     `json:"lost_percent"` // of the time, in gaps
	Gaps      Percentiles `json:"gaps"`
	Histogram []GapRange  `json:"histogram"`
}

// GapRange is how many gaps took From or more and less than To.
type GapRange = gaps.Range

func noiseTable(noise []Noise) Table {
	t := Table{
		Title: fmt.Sprintf("Noise: gaps of %s and more, seen by a thread that spins", nsText(float64(gaps.Least))),
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
	bounds := gaps.Bounds()
	for i, from := range bounds {
		if i+1 < len(bounds) {
			t.Head = append(t.Head, "< "+nsText(bounds[i+1]))
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

// ear counts what a thread hears of others.
type ear struct {
	*gaps.Ear
	dist   *dist
	counts gaps.Counts
}

func newEar(cpu int, clock tick.Clock) *ear {
	return &ear{Ear: gaps.NewEar(cpu, clock), dist: newDist()}
}

// noise listens on all CPUs at once, as the benchmarks use them.
func (s *Session) noise(ctx context.Context, d time.Duration) ([]Noise, error) {
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(max(before, len(s.setup.CPUs)+1))
	defer runtime.GOMAXPROCS(before)
	var all []*ear
	var ears []*gaps.Ear
	for _, cpu := range s.setup.CPUs {
		l := newEar(cpu, s.clock)
		all, ears = append(all, l), append(ears, l.Ear)
	}
	slice := min(d, gaps.Slice)
	for until := time.Now().Add(d); time.Now().Before(until) && ctx.Err() == nil; {
		s.progress("noise", int(d-time.Until(until)), int(d))
		err := gaps.Together(ears, s.scale, slice, func(e *gaps.Ear, listen func() error) error {
			return affinity.On(e.CPU, listen)
		})
		if err != nil {
			return nil, err
		}
		for _, l := range all {
			l.count(s.scale)
		}
	}
	noise := make([]Noise, 0, len(all))
	for _, l := range all {
		if l.Heard > 0 {
			noise = append(noise, l.noise(s.scale))
		}
	}
	return noise, nil
}

// count takes the gaps of a slice into account.
func (l *ear) count(scale tick.Scale) { l.Count(scale, l.add) }

func (l *ear) add(ns uint64) {
	l.dist.record(ns)
	l.counts.Add(ns)
}

func (l *ear) noise(scale tick.Scale) Noise {
	seconds := float64(scale.Ns(l.Heard)) / 1e9
	n := Noise{
		CPU:       l.CPU,
		Seconds:   seconds,
		Threshold: float64(gaps.Least),
		Gaps:      l.dist.sum(),
		Lost:      l.Lost(),
		Histogram: l.counts.Ranges(),
	}
	n.PerSecond = float64(n.Gaps.Samples) / seconds
	return n
}
