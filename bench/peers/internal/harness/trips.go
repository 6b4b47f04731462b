package harness

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/tickring/tickring/bench/peers/internal/result"
)

// Trips measures round trips. The clock is read before a message is sent and after its echo is
// there; what a histogram record costs lies outside.
type Trips struct {
	hist   *hdrhistogram.Histogram
	scale  float64 // nanoseconds in a tick
	ends   int64   // of the phase, in ticks
	warm   bool
	clock  float64
	failed error
}

// Measure makes round trips, one after the other, until the time is up.
func (t *Trips) Measure(trip func() error) error {
	t.Begin()
	for {
		start := Ticks()
		if err := trip(); err != nil {
			return err
		}
		if !t.Record(start, Ticks()) {
			return t.failed
		}
	}
}

// Begin starts the warm-up. For those who cannot use Measure: call Record for each round trip.
func (t *Trips) Begin() {
	t.scale = nanosPerTick()
	t.clock = clockCost(t.scale)
	t.hist = hdrhistogram.New(1, int64(time.Minute), 3)
	t.ends = Ticks() + int64(float64(warmUp)/t.scale)
}

// Record takes the ticks before and after one round trip. It is false when the time is up.
func (t *Trips) Record(start, end int64) bool {
	if err := t.hist.RecordValue(int64(float64(end-start) * t.scale)); err != nil {
		t.failed = err
		return false
	}
	if end < t.ends {
		return true
	}
	if t.warm {
		return false
	}
	t.warm = true
	t.hist.Reset()
	t.ends = Ticks() + int64(float64(Seconds())/t.scale)
	return true
}

func (t *Trips) result() *result.Trips {
	at := func(percentile float64) float64 { return float64(t.hist.ValueAtPercentile(percentile)) }
	return &result.Trips{
		Samples: t.hist.TotalCount(),
		P50:     at(50), P90: at(90), P99: at(99), P999: at(99.9), P9999: at(99.99),
		Max: float64(t.hist.Max()), ClockNs: math.Round(t.clock*10) / 10, Curve: curve(t.hist),
	}
}

func curve(h *hdrhistogram.Histogram) [][2]float64 {
	var points [][2]float64
	for i := 0; ; i++ {
		beyond := math.Pow(10, -float64(i)/10)
		if beyond*float64(h.TotalCount()) < 1 {
			break
		}
		percentile := 100 * (1 - beyond)
		points = append(points, [2]float64{percentile, float64(h.ValueAtPercentile(percentile))})
	}
	return append(points, [2]float64{100, float64(h.Max())})
}
