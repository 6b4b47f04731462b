package affinity

import (
	"math"
	"runtime/metrics"
	"time"
)

// goCounts asks the Go runtime what it has done. It stops nothing for that.
type goCounts struct {
	samples [3]metrics.Sample
}

func newGoCounts() *goCounts {
	return &goCounts{[3]metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/sched/pauses/total/gc:seconds"},
		{Name: "/sched/pauses/total/other:seconds"},
	}}
}

func (g *goCounts) look(a *Activity) {
	metrics.Read(g.samples[:])
	if g.samples[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	gcs := g.samples[0].Value.Uint64()
	var stops uint64
	var seconds float64
	for i := range g.samples[1:] {
		v := g.samples[1+i].Value
		if v.Kind() != metrics.KindFloat64Histogram {
			return
		}
		n, s := total(v.Float64Histogram())
		stops += n
		seconds += s
	}
	a.Known |= KnowGo
	a.GCs, a.Stops, a.StopNs = gcs, stops, time.Duration(seconds*1e9)
}

// total returns how many values a histogram has and about what they add up to: each
// counts as the middle of its bucket, or as the edge of one that has no other.
func total(h *metrics.Float64Histogram) (n uint64, sum float64) {
	for i, count := range h.Counts {
		if count == 0 {
			continue
		}
		low, high := h.Buckets[i], h.Buckets[i+1]
		if math.IsInf(low, -1) {
			low = 0
		}
		if math.IsInf(high, 1) {
			high = low
		}
		n += count
		sum += float64(count) * (low + high) / 2
	}
	return n, sum
}
