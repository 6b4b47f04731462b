package bench

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/tickring/tickring/internal/gaps"
)

func TestRangesCountEverything(t *testing.T) {
	h := ranges([]uint64{0, 49, 50, 999, 1000, 19_999, 20_000, 20_001, 1 << 40})
	var counts []int64
	for i, r := range h {
		counts = append(counts, r.Count)
		if i > 0 && h[i-1].To != r.From {
			t.Errorf("%v is not followed by %v", h[i-1], r)
		}
	}
	if want := []int64{2, 1, 0, 0, 1, 1, 0, 0, 1, 2, 0, 0, 1}; !slices.Equal(counts, want) {
		t.Errorf("%v, want %v", counts, want)
	}
	if n := from(h, longClaim); n != 3 {
		t.Errorf("%d took 20 µs or more, want 3", n)
	}
	if bounds := gaps.Bounds(); !slices.Contains(bounds[:], longClaim) {
		t.Error("gaps are not counted from 20 µs on")
	}
}

// Two processes on rings of a megabyte, which the gates that lag keep full.
func TestClaims(t *testing.T) {
	s := testSession(t, Setup{})
	r, err := s.Claims(context.Background(), Claims{Duration: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Crowds) != len(crowds) || r.Interrupted || r.Noise.Seconds == 0 {
		t.Fatalf("%d crowds, interrupted %v, noise %+v", len(r.Crowds), r.Interrupted, r.Noise)
	}
	for _, c := range r.Crowds {
		if n := c.Claims.Samples; n == 0 || n%claimBlocks != 0 || int64(c.Messages) != n*(1<<20/64/lineSize) {
			t.Errorf("%s: %d claims, %d messages", c.Name, n, c.Messages)
		}
		if from(c.Histogram, 0) != c.Claims.Samples || from(c.Histogram, longClaim) != c.Long {
			t.Errorf("%s: histogram %v of %d claims, %d long", c.Name, c.Histogram, c.Claims.Samples, c.Long)
		}
		if c.One.Rounds != c.Nobody.Rounds || int64(c.One.Rounds)*claimBlocks != c.Claims.Samples {
			t.Errorf("%s: %d rounds, %d claims", c.Name, c.One.Rounds, c.Claims.Samples)
		}
	}
	if c := r.Crowds[1]; c.One.Least != 1 || c.One.Most != 1 {
		t.Errorf("one to one is %+v", c.One)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

// On the smallest ring as well there is room for gates that lag.
func TestClaimsOnTheSmallestRing(t *testing.T) {
	s := testSession(t, Setup{Capacity: 1 << 18})
	r, err := s.Claims(context.Background(), Claims{Duration: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Crowds {
		if c.Messages == 0 {
			t.Errorf("%s: nothing was published", c.Name)
		}
	}
}
