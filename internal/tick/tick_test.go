package tick

import (
	"testing"
	"time"
)

func TestScale(t *testing.T) {
	for _, hz := range []uint64{1_000_000, 24_000_000, 1_000_000_000, 2_445_000_000, 5_700_000_000} {
		s := ScaleOf(1e9, hz)
		if !s.Valid() {
			t.Errorf("scale for %d Hz is not valid", hz)
		}
		for _, ns := range []uint64{0, 1, 999, 1e6, 1e9, 86_400e9, 365 * 86_400e9} {
			back := s.Ns(s.Ticks(ns))
			// One tick of rounding, and the 32-bit fraction of the scale.
			slack := 1 + 1e9/hz + ns>>30
			if back > ns || ns-back > slack {
				t.Errorf("%d Hz: %d ns came back as %d", hz, ns, back)
			}
		}
	}
	if Scale(0).Ticks(5) != 0 || Scale(0).Hz() != 0 || Scale(0).Valid() {
		t.Error("a scale of 0 must be harmless")
	}
}

func TestClockNeverGoesBackOnOneThread(t *testing.T) {
	for _, c := range []Clock{New(), monotonic()} {
		last := c.Now()
		for range 100_000 {
			now := c.Now()
			if now < last {
				t.Fatalf("%v clock went from %d to %d", c.Kind(), last, now)
			}
			last = now
		}
	}
}

func TestMonotonicIsTheSystemsClock(t *testing.T) {
	c := monotonic()
	for range 100 {
		before := Mono()
		now := c.Now()
		after := Mono()
		// The clock may differ by the error of its base, bounded here very widely.
		if now+1e8 < before || now > after+1e8 {
			t.Fatalf("monotonic clock says %d between %d and %d", now, before, after)
		}
	}
}

func TestCalibrateTwiceAgrees(t *testing.T) {
	c := New()
	a, b := c.Calibrate(20*time.Millisecond), c.Calibrate(20*time.Millisecond)
	if !a.Valid() || !b.Valid() {
		t.Fatalf("scales %d, %d are not valid", a, b)
	}
	if r := a.Hz() / b.Hz(); r < 0.9 || r > 1.1 {
		t.Errorf("two calibrations differ by a factor of %.3f", r)
	}
}

func BenchmarkNow(b *testing.B) {
	c := New()
	for b.Loop() {
		c.Now()
	}
}
