package plot

import (
	"math"
	"strings"
	"testing"

	"github.com/tickring/tickring/bench"
)

func TestNinesAndTicks(t *testing.T) {
	for percentile, want := range map[float64]float64{0: 0, 90: 1, 99: 2, 99.9: 3} {
		if got := nines(percentile); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v %% at %v, want %v", percentile, got, want)
		}
	}
	var labels []string
	for _, tick := range percentileTicks(4) {
		labels = append(labels, tick.Label)
	}
	if got := strings.Join(labels, " "); got != "0% 50% 90% 99% 99.9% 99.99%" {
		t.Errorf("%s", got)
	}
	for _, c := range []struct {
		v    float64
		up   bool
		want float64
	}{{130, false, 100}, {130, true, 200}, {100, true, 100}, {100, false, 100}, {560, true, 1000}, {4.9, false, 2}, {0, true, 1}} {
		if got := roundLog(c.v, c.up); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v up %t: %v, want %v", c.v, c.up, got, c.want)
		}
	}
	points := curvePoints([]bench.Point{{Percentile: 0, Ns: 0}, {Percentile: 90, Ns: 5}, {Percentile: 100, Ns: 9}})
	if len(points) != 2 || points[1].X != points[0].X || points[1].Y != 9 {
		t.Errorf("%v", points)
	}
}
