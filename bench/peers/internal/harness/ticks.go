package harness

import (
	"slices"
	"time"
)

// nanosPerTick measures the counter against the clock, for a twentieth of a second.
func nanosPerTick() float64 {
	began, first := time.Now(), Ticks()
	for time.Since(began) < 50*time.Millisecond {
	}
	return float64(time.Since(began)) / float64(Ticks()-first)
}

// clockCost returns what a reading of the counter takes, in nanoseconds: the median of many
// groups.
func clockCost(scale float64) float64 {
	const group = 100
	costs := make([]float64, 1001)
	for i := range costs {
		first := Ticks()
		for range group - 1 {
			Ticks()
		}
		costs[i] = float64(Ticks()-first) * scale / group
	}
	slices.Sort(costs)
	return costs[len(costs)/2]
}
