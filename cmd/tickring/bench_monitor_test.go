package main

import (
	"testing"

	"github.com/tickring/tickring/bench"
)

// TestBenchMonitor: top and serve are attached for real, and a round of each kind is measured.
func TestBenchMonitor(t *testing.T) {
	if raceDetector {
		t.Skip("millions of messages, each under the race detector")
	}
	h := newBenchHost(t)
	p := h.run(append([]string{"bench", "monitor", "--dir", h.dir}, shortly...)...).want(exitOK)
	var r bench.MonitorResult
	p.json(&r)
	for _, a := range []bench.Attached{r.Without, r.With} {
		if a.Rate <= 0 || a.MeanRate <= 0 || a.RTT.Samples == 0 || a.RTT.Samples != r.With.RTT.Samples {
			t.Errorf("%+v", a)
		}
	}
	for _, s := range []bench.RatioSpread{r.Ratio, r.MeanRatio, r.P50Ratio, r.P99Ratio} {
		if s.Rounds != 1 || s.Median <= 0 {
			t.Errorf("%+v", s)
		}
	}
	if l := r.Looking; l.Drawn == 0 || l.Failed != 0 || l.CPU <= 0 {
		t.Errorf("%+v", l)
	}
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
