package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tickring/tickring/internal/tick"
)

func TestLimit(t *testing.T) {
	s := testSession(t, Setup{})
	r, err := s.Limit(context.Background(), Limit{Duration: time.Millisecond, lines: 4 * unTimed})
	if err != nil {
		t.Fatal(err)
	}
	if r.RTT.Samples < int64(inRound(rttRound, time.Millisecond)) || r.RTT.P50 <= 0 || r.RTT.Max < r.RTT.P50 {
		t.Errorf("round trips: %+v", r.RTT)
	}
	if len(r.Streams) != 3 || r.Streams[0].Capacity != 1<<20 || r.Streams[0].Rate <= 0 {
		t.Errorf("streams: %+v", r.Streams)
	}
	if r.Clock.Ns <= 0 || r.Clock.TimeNs <= 0 || r.Clock.Kind != s.clock.Kind().String() {
		t.Errorf("clock: %+v", r.Clock)
	}
	if len(r.Offsets) != 1 || r.Offsets[0].From != r.CPUs[0] || r.Offsets[0].To != r.CPUs[1] || r.Offsets[0].Exchanges < offsetRound {
		t.Errorf("offsets: %+v", r.Offsets)
	}
	if len(r.Noise) != 2 || r.Noise[0].CPU != r.CPUs[0] || r.Noise[1].CPU != r.CPUs[1] || r.Noise[0].Seconds <= 0 {
		t.Errorf("noise: %+v", r.Noise)
	}
	for _, table := range r.Tables() {
		for _, row := range table.Rows {
			if len(row) != len(table.Head) {
				t.Errorf("%s: %d cells below %d names: %q", table.Title, len(row), len(table.Head), row)
			}
		}
	}
	if c := r.Curves(); len(c) != 1 || !c[0].Limit || len(c[0].Points) == 0 {
		t.Errorf("curves: %+v", c)
	}
}

func TestMirrorRefuses(t *testing.T) {
	s := testSession(t, Setup{})
	m, err := s.openMirror(s.dir, s.setup.CPUs[0], s.setup.CPUs[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	if err := m.run(mirrorCommand{Do: "nothing"}, func() {}); !errors.Is(err, ErrChild) {
		t.Errorf("%v, want ErrChild", err)
	}
}

// Exchanges with a clock that is known to be ahead.
func TestOffsetBounds(t *testing.T) {
	for _, ahead := range []int64{0, 1000, -1000} {
		b := newClockOffset([2]int{0, 1})
		now := uint64(5000)
		for _, ways := range [][2]uint64{{100, 40}, {60, 90}, {300, 300}} { // there and back
			there := uint64(int64(now+ways[0]) + ahead)
			b.add(now, there, now+ways[0]+ways[1])
			now += 10_000
		}
		if b.low != ahead-40 || b.high != ahead+60 || b.n != 3 {
			t.Errorf("ahead %d: %d to %d in %d", ahead, b.low, b.high, b.n)
		}
		var r LimitResult
		scale := tick.ScaleOf(1000, 2000) // two ticks a ns
		b.addTo(&r, &scale)
		if o := r.Offsets[0]; o.High != signedNs(&scale, ahead+60) || o.Low > o.High || o.To != 1 {
			t.Errorf("%+v", o)
		}
	}
	var r LimitResult
	scale := tick.Scale(1 << 32)
	newClockOffset([2]int{0, 1}).addTo(&r, &scale)
	if len(r.Offsets) != 0 {
		t.Errorf("bounds of no exchange: %+v", r.Offsets)
	}
}

func TestOffsetsThatDoNotFitAreNamed(t *testing.T) {
	if notes := offsetTable([]ClockOffset{{From: 0, To: 1, Low: 5, High: -5}}).Notes; len(notes) != 1 {
		t.Errorf("%q", notes)
	}
	if notes := offsetTable([]ClockOffset{{From: 0, To: 1, Low: -5, High: 5}}).Notes; len(notes) != 0 {
		t.Errorf("%q", notes)
	}
}

func TestEarCounts(t *testing.T) {
	l := newEar(3, tick.Clock{})
	l.Heard, l.Missing = 1_000_000_000, 10_000_000
	for _, ns := range []uint64{200, 499, 500, 15_000, 30_000_000} {
		l.add(ns)
	}
	n := l.noise(1 << 32) // a tick is a ns
	want := map[float64]int64{200: 2, 500: 1, 1e4: 1, 1e7: 1}
	var total int64
	for _, r := range n.Histogram {
		if r.Count != want[r.From] {
			t.Errorf("from %v ns: %d, want %d", r.From, r.Count, want[r.From])
		}
		total += r.Count
	}
	if total != n.Gaps.Samples || n.PerSecond != 5 || n.Gaps.Max != 30_000_000 || n.CPU != 3 || n.Lost != 1 {
		t.Errorf("%+v", n)
	}
}
