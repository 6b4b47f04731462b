package serve

import (
	"math"

	"github.com/tickring/tickring/ring/monitor"
)

// curves are the latencies of a subscriber by percentile, over each window.
type curves struct {
	Second []point `json:"second"`
	Minute []point `json:"minute"`
	Start  []point `json:"start"`
}

type point struct {
	Percentile float64 `json:"percentile"`
	Ns         int64   `json:"ns"`
}

// curvesOf reads the three windows of one name; largest is the exact maximum since the start.
func curvesOf(source Source, ring, sub string, largest int64) curves {
	of := func(over monitor.Span) []point {
		h, ok := source.Histogram(ring, sub, over)
		if !ok || h.TotalCount() == 0 {
			return []point{}
		}
		at := percentiles(h.TotalCount())
		curve := make([]point, len(at))
		for i, ns := range h.ValueAtPercentilesSlice(at) {
			if largest > 0 {
				ns = min(ns, largest) // a bucket's edge may be above what was in it
			}
			curve[i] = point{at[i], ns}
		}
		return curve
	}
	c := curves{of(monitor.LastSecond), of(monitor.LastMinute), of(monitor.SinceStart)}
	if n := len(c.Start); n > 0 && largest > 0 {
		c.Start[n-1].Ns = largest
	}
	return c
}

// percentiles are 0, 25, 50, 75, 90, and from there 95, 97.5 and 99 of each ten that are
// left, as far as so many values tell them apart; and 100.
func percentiles(count int64) []float64 {
	at := []float64{0, 25, 50, 75, 90}
	for above := 10.0; ; above /= 10 { // percent
		for _, part := range []float64{0.5, 0.25, 0.1} {
			rest := above * part
			if rest/100*float64(count) < 1 {
				return append(at, 100)
			}
			at = append(at, math.Round((100-rest)*1e9)/1e9) // 99.9, not 99.90000000000001
		}
	}
}
