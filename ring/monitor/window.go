package monitor

import (
	"math"

	"github.com/tickring/tickring/ring"
)

// ranks are the percentiles of a Summary.
var ranks = [...]float64{50, 90, 99, 99.9, 99.99}

// middles are the values in ns that stand for the latencies of each bucket in a mean.
type middles [len(ring.Counts{})]float64

func newMiddles() *middles {
	m := new(middles)
	for i := range m {
		low, high := ring.BucketRange(i)
		m[i] = float64(low + (high-low+1)/2)
	}
	return m
}

// window sums up the counts of the buckets in [from, to), which are total. largest is the
// largest latency of all, 0 if it is not known.
func (m *middles) window(counts *ring.Counts, from, to int, total uint64, largest int64) Summary {
	w := Summary{Count: total}
	if total == 0 {
		return w
	}
	at := [len(ranks)]*int64{&w.P50, &w.P90, &w.P99, &w.P999, &w.P9999}
	var wanted [len(ranks) + 1]uint64
	for i, p := range ranks {
		wanted[i] = rank(p, total)
	}
	wanted[len(ranks)] = math.MaxUint64
	next, seen, weight := 0, uint64(0), 0.0
	for i := from; i < to; i++ {
		n := counts[i]
		seen += n
		weight += float64(int64(n)) * m[i]
		for seen >= wanted[next] {
			_, *at[next] = ring.BucketRange(i)
			next++
		}
	}
	w.Mean = weight / float64(total)
	for to > from+1 && counts[to-1] == 0 {
		to--
	}
	low, high := ring.BucketRange(to - 1)
	w.Max = high
	if largest > 0 {
		w.atMost(max(largest, low))
	}
	return w
}

// atMost takes down what is more than the largest latency of all.
func (w *Summary) atMost(largest int64) {
	for _, p := range []*int64{&w.P50, &w.P90, &w.P99, &w.P999, &w.P9999, &w.Max} {
		*p = min(*p, largest)
	}
}

// rank says the how manieth of total a percentile is, as the library has it.
func rank(percentile float64, total uint64) uint64 {
	return min(max(uint64(percentile/100*float64(total)+0.5), 1), total)
}

// percentile is the one of s, -1 if there is nothing in it.
func (s *sum) percentile(p float64) int64 {
	seen, wanted := uint64(0), rank(p, s.total)
	for i, n := range s.counts[s.from:s.to] {
		if seen += n; n > 0 && seen >= wanted {
			_, high := ring.BucketRange(s.from + i)
			return high
		}
	}
	return -1
}
