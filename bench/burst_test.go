package bench

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestRecordingSchedule(t *testing.T) {
	const t0 = 1_580_000_000_000_000_000
	r := Recording{Name: "f", Speed: 2, Cut: 1000, Times: []uint64{
		0,                  // not known, and nothing before it
		t0,                 //
		t0 + 100,           // 50 at twice the speed
		t0 + 101,           // 50.5
		t0 + 102,           // 51: the halves add up
		math.MaxUint64,     // not known
		t0 + 50,            // goes back
		t0 + 202,           // 50 after the latest before it
		t0 + 202 + 2000,    // 1000: as long as a gap may be
		t0 + 202 + 3e9,     // a jump
		t0 + 202 + 3e9,     // a burst
		t0 + 202 + 3e9 + 2, //
	}}
	p, err := r.schedule()
	if err != nil {
		t.Fatal(err)
	}
	want := schedule{0, 0, 50, 50, 51, 51, 51, 101, 1101, 2101, 2101, 2102}
	if !slices.Equal(p.schedule, want) {
		t.Errorf("%v, want %v", p.schedule, want)
	}
	if p.cut != 1 || p.cutNs != (3e9-2000)/2-1000 || p.unknown != 2 || p.backward != 1 {
		t.Errorf("cut %d by %d ns, %d unknown, %d backward", p.cut, p.cutNs, p.unknown, p.backward)
	}
	text := r.describe(p)
	for _, part := range []string{"12 recorded messages", "2 times their speed", "1 gaps of more than 1µs", "2 messages without a time", "1 with one before"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}

func TestRecordingRefused(t *testing.T) {
	for name, r := range map[string]Recording{
		"nothing":        {},
		"negative speed": {Times: []uint64{1}, Speed: -1},
		"no speed":       {Times: []uint64{1}, Speed: math.NaN()},
		"infinite speed": {Times: []uint64{1}, Speed: math.Inf(1)},
		"negative cut":   {Times: []uint64{1}, Cut: -1},
	} {
		if _, err := r.schedule(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
}

// However wild the times, the schedule never falls and ends.
func TestRecordingOfRubbish(t *testing.T) {
	times := []uint64{math.MaxUint64 - 1, 1, math.MaxUint64 - 1, math.MaxUint64, 0, 5}
	r := Recording{Times: times, Speed: 1e-300}
	p, err := r.schedule()
	if err != nil || !slices.IsSorted(p.schedule) || p.schedule.span() > uint64(defaultCut)*uint64(len(times)) {
		t.Errorf("%v, %v", p.schedule, err)
	}
	slices.Sort(times)
	r = Recording{Times: times, Speed: 1e300}
	if p, err = r.schedule(); err != nil || p.schedule.span() != 0 {
		t.Errorf("%v, %v", p.schedule, err)
	}
}

func TestReelPlaysAllAndAgain(t *testing.T) {
	r := reel{schedule: schedule{0, 10, 20, 100, 110, 500}}
	for i, want := range []schedule{{0, 10, 20}, {0, 10}, {0}, {0, 10, 20}} {
		if got := r.next(50, 10); !slices.Equal(got, want) {
			t.Errorf("piece %d: %v, want %v", i, got, want)
		}
	}
	if r.played != 9 {
		t.Errorf("played %d messages", r.played)
	}
	if got := r.next(1000, 2); !slices.Equal(got, schedule{0, 10}) {
		t.Errorf("at most two: %v", got)
	}
}
