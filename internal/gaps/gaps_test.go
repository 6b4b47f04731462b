package gaps

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tickring/tickring/internal/tick"
)

func TestEarCounts(t *testing.T) {
	e := &Ear{Heard: 200, gaps: []uint64{10, 30}}
	var heard []uint64
	each := func(ns uint64) { heard = append(heard, ns) }
	e.Count(2<<32, each) // a tick is 2 ns
	e.Count(2<<32, each) // and no gap is counted again
	if !slices.Equal(heard, []uint64{20, 60}) || e.Missing != 40 || e.Lost() != 20 {
		t.Errorf("%v, missing %d, lost %v %%", heard, e.Missing, e.Lost())
	}
	if lost := new(Ear).Lost(); lost != 0 {
		t.Errorf("lost %v %% of nothing", lost)
	}
}

func TestCountsHaveEveryGap(t *testing.T) {
	var c Counts
	for _, ns := range []uint64{0, 200, 499, 500, 15_000, 10_000_000, 1 << 60} {
		c.Add(ns)
	}
	var total int64
	want := map[float64]int64{200: 3, 500: 1, 1e4: 1, 1e7: 2}
	ranges := c.Ranges()
	for i, r := range ranges {
		if r.Count != want[r.From] {
			t.Errorf("from %v ns: %d, want %d", r.From, r.Count, want[r.From])
		}
		if i > 0 && ranges[i-1].To != r.From {
			t.Errorf("%v is not followed by %v", ranges[i-1], r)
		}
		total += r.Count
	}
	if total != 7 || ranges[len(ranges)-1].To != 0 {
		t.Errorf("%d gaps: %v", total, ranges)
	}
}

func TestTogether(t *testing.T) {
	clock := tick.New()
	scale := clock.Calibrate(time.Millisecond)
	ears := []*Ear{NewEar(0, clock), NewEar(1, clock)}
	here := func(_ *Ear, listen func() error) error { return listen() }
	if err := Together(ears, scale, time.Millisecond, here); err != nil {
		t.Fatal(err)
	}
	for _, e := range ears {
		if scale.Ns(e.Heard) < uint64(time.Millisecond)*9/10 && len(e.gaps) < cap(e.gaps) {
			t.Errorf("CPU %d listened for %d ns", e.CPU, scale.Ns(e.Heard))
		}
	}
	// One that cannot listen does not leave the others waiting for it.
	bad := errors.New("no such CPU")
	err := Together(ears, scale, time.Millisecond, func(e *Ear, listen func() error) error {
		if e.CPU == 1 {
			return bad
		}
		return listen()
	})
	if !errors.Is(err, bad) {
		t.Errorf("%v", err)
	}
}
