package affinity

import (
	"math"
	"runtime/metrics"
	"time"
)

// goCounts asks the Go runtime what it has done. It stops nothing for that.
type goCounts struct {
	samples   [len(goNames)]metrics.Sample
	marked    [3]float64    // dedicated, idle and helped by the last look, seconds
	collected time.Duration // see Activity
}

const (
	goCycles = iota
	goStops
	goOtherStops
	goProcs
	goDedicated
	goIdle
	goHelped
)

// goNames are what the runtime calls them.
var goNames = [...]string{
	goCycles:     "/gc/cycles/total:gc-cycles",
	goStops:      "/sched/pauses/total/gc:seconds",
	goOtherStops: "/sched/pauses/total/other:seconds",
	goProcs:      "/sched/gomaxprocs:threads",
	goDedicated:  "/cpu/classes/gc/mark/dedicated:cpu-seconds",
	goIdle:       "/cpu/classes/gc/mark/idle:cpu-seconds",
	goHelped:     "/cpu/classes/gc/mark/assist:cpu-seconds",
}

func newGoCounts() *goCounts {
	g := new(goCounts)
	for i, name := range goNames {
		g.samples[i].Name = name
	}
	return g
}

func (g *goCounts) look(a *Activity) {
	metrics.Read(g.samples[:])
	if g.samples[goCycles].Value.Kind() != metrics.KindUint64 {
		return
	}
	var stops uint64
	var seconds float64
	for _, s := range g.samples[goStops : goOtherStops+1] {
		if s.Value.Kind() != metrics.KindFloat64Histogram {
			return
		}
		n, sum := total(s.Value.Float64Histogram())
		stops += n
		seconds += sum
	}
	a.Known |= KnowGo
	a.GCs, a.Stops, a.StopNs = g.samples[goCycles].Value.Uint64(), stops, time.Duration(seconds*1e9)
	g.lookAtWork()
	a.collected, a.helped = g.collected, time.Duration(g.marked[2]*1e9)
}

// lookAtWork adds up for how long collections can have kept one thread from running Go. They
// take a quarter of GOMAXPROCS; when that is less than one, they take turns with the threads,
// and whoever waits for one to end waits for the idle ones too that work on it. The
// runtime brings these times up to date when a collection ends.
func (g *goCounts) lookAtWork() {
	var now [3]float64
	for i := range now {
		v := g.samples[goDedicated+i].Value
		if v.Kind() != metrics.KindFloat64 {
			return
		}
		now[i] = v.Float64()
	}
	dedicated, idle := now[0]-g.marked[0], now[1]-g.marked[1]
	g.marked = now
	if v := g.samples[goProcs].Value; v.Kind() == metrics.KindUint64 && v.Uint64() >= 4 {
		dedicated, idle = dedicated/(float64(v.Uint64())/4), 0
	}
	g.collected += time.Duration(max(dedicated+idle, 0) * 1e9)
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
