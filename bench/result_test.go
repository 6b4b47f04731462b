package bench

import (
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A curve goes on to the last value but one, however early the highest bucket begins.
func TestCurveGoesToItsEnd(t *testing.T) {
	h := hdrhistogram.New(1, 1_000_000, 3)
	_, _ = h.RecordValues(100, 900), h.RecordValues(5000, 100)
	c := CurveOf("c", h, 4999)
	n := len(c.Points)
	if n < 3 || c.Points[n-1] != (Point{100, 4999}) || c.Points[n-2] != (Point{99.9, 4999}) || c.Points[0].Ns != 100 {
		t.Errorf("%v", c.Points)
	}
	for i := 1; i < n; i++ {
		if c.Points[i].Percentile < c.Points[i-1].Percentile || c.Points[i].Ns < c.Points[i-1].Ns {
			t.Errorf("point %d goes back: %v", i, c.Points)
		}
	}
	if c := CurveOf("none", hdrhistogram.New(1, 100, 1), 0); len(c.Points) != 0 {
		t.Errorf("%v", c)
	}
}
