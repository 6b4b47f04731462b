package bench

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/ring"
)

func TestSteadyDoesNotDrift(t *testing.T) {
	s := steady(3e6, 3_000_001) // a message every 333.3 ns
	if got := s[3_000_000]; got != 1e9 {
		t.Errorf("message 3,000,000 at 3 M a second is due after %d ns, want 1e9", got)
	}
	for i := 1; i < len(s); i++ {
		if gap := s[i] - s[i-1]; gap != 333 && gap != 334 {
			t.Fatalf("gap %d before message %d", gap, i)
		}
	}
	if r := s.rate(); math.Abs(r-3e6) > 1 {
		t.Errorf("rate %v", r)
	}
	if n := s.before(1000); n != 3 { // 0, 333, 667, 1000
		t.Errorf("%d messages before 1000 ns, want 3", n)
	}
}

func TestBursts(t *testing.T) {
	got := bursts(3, 50, 1000, 8)
	if want := (schedule{0, 50, 100, 1100, 1150, 1200, 2200, 2250}); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestRateOfFewMessages(t *testing.T) {
	for _, s := range []schedule{nil, {0}, {0, 0}} {
		if s.rate() != 0 || s.span() != 0 {
			t.Errorf("%v: rate %v, span %v", s, s.rate(), s.span())
		}
	}
}

// pacedRing is a ring and a subscriber of its own.
func pacedRing(t *testing.T) (*ring.Publisher, *ring.Subscriber) {
	t.Helper()
	dir := t.TempDir()
	p, err := ring.Create("r", ring.Config{Dir: dir, Capacity: 1 << 18})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	s, err := ring.Open("r", ring.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return p, s
}

// A publisher that is a second late sends everything, and each message says when it was
// meant to be sent by the schedule that was there from the beginning.
func TestPaceKeepsTheScheduleWhenLate(t *testing.T) {
	p, s := pacedRing(t)
	clock := tick.New()
	scale := clock.Calibrate(10 * time.Millisecond)
	late := scale.Ticks(1e9)
	start := clock.Now() - late
	due := bursts(4, 100, 1000, 1000).ticks(scale, nil)
	k, err := pace(p, &clock, start, due)
	if err != nil {
		t.Fatal(err)
	}
	if k.worst < late-due[len(due)-1] {
		t.Errorf("behind by %d ticks at worst, but it began %d late", k.worst, late)
	}
	previous := uint64(0)
	for i, d := range due {
		m, st := s.Next()
		if st != ring.Message {
			t.Fatalf("message %d: %v", i, st)
		}
		number, intended, actual := binary.LittleEndian.Uint64(m[wordNumber:]), binary.LittleEndian.Uint64(m[wordIntended:]), binary.LittleEndian.Uint64(m[wordActual:])
		if number != s.Seq() || intended != start+d || actual < intended || actual < previous {
			t.Fatalf("message %d: number %d, intended %d, want %d, actual %d after %d", i, number, intended, start+d, actual, previous)
		}
		previous = actual
	}
	if k.end < previous {
		t.Errorf("ended at %d, before the last message at %d", k.end, previous)
	}
}

func TestPaceSendsNothingEarly(t *testing.T) {
	p, s := pacedRing(t)
	clock := tick.New()
	scale := clock.Calibrate(10 * time.Millisecond)
	due := steady(1e5, 100).ticks(scale, nil)
	start := clock.Now() + scale.Ticks(1e6)
	if _, err := pace(p, &clock, start, due); err != nil {
		t.Fatal(err)
	}
	for i, d := range due {
		m, st := s.Next()
		if st != ring.Message {
			t.Fatalf("message %d: %v", i, st)
		}
		if actual := binary.LittleEndian.Uint64(m[wordActual:]); actual < start+d {
			t.Fatalf("message %d was sent at %d, before %d", i, actual, start+d)
		}
	}
}

// BenchmarkPace is what a publisher that is behind needs for a message: the shortest gap
// that can be held.
func BenchmarkPace(b *testing.B) {
	p, err := ring.Create("r", ring.Config{Dir: b.TempDir(), Capacity: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	clock := tick.New()
	start, due := clock.Now(), make([]uint64, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := pace(p, &clock, start, due); err != nil {
		b.Fatal(err)
	}
}
