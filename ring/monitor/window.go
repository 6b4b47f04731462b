package monitor

import "github.com/tickring/tickring/ring"

// ranks are the percentiles of a Window.
var ranks = [...]float64{50, 90, 99, 99.9, 99.99}

// window sums up the counts of the buckets in [from, to), which are total. largest is the
// largest latency of all, 0 if it is not known.
func window(counts *ring.Counts, from, to int, total uint64, largest int64) Window {
	w := Window{Count: total}
	if total == 0 {
		return w
	}
	at := [len(ranks)]*int64{&w.P50, &w.P90, &w.P99, &w.P999, &w.P9999}
	next := 0
	seen, weight, low, high := uint64(0), 0.0, int64(0), int64(0)
	for i := from; i < to && seen < total; i++ {
		n := counts[i]
		if n == 0 {
			continue
		}
		seen += n
		low, high = ring.BucketRange(i)
		weight += float64(n) * float64(low+(high-low+1)/2)
		for next < len(ranks) && seen >= rank(ranks[next], total) {
			*at[next] = high
			next++
		}
	}
	w.Mean = weight / float64(total)
	w.Max = high
	if largest > 0 {
		w.Max = max(largest, low)
		for _, p := range at {
			*p = min(*p, w.Max)
		}
	}
	return w
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

func (s *sum) window() Window { return window(&s.counts, s.from, s.to, s.total, 0) }
