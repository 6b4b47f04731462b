package bench

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestNegativeDelaysAreCountedNotClamped(t *testing.T) {
	d := newDelays()
	for _, ticks := range []int64{100, -7, 300, -40, 200} {
		d.record(ticks, 1<<32) // a tick is a nanosecond
	}
	check := func(when string, got Delays) {
		t.Helper()
		if got.Samples != 3 || got.P50 != 200 || got.Max != 300 || got.Negative != 2 || got.MostNegative != -40 {
			t.Errorf("%s: %+v", when, got)
		}
	}
	check("here", d.sum())
	w, err := d.wire()
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	var back delaysWire
	if err := json.Unmarshal(line, &back); err != nil {
		t.Fatal(err)
	}
	there, err := back.delays()
	if err != nil {
		t.Fatal(err)
	}
	check("there", there.sum())
}

func TestHeld(t *testing.T) {
	for _, c := range []struct {
		parts []float64
		want  bool
	}{
		{nil, true},
		{[]float64{1, 1, 0.4}, true}, // the machine stopped in one piece
		{[]float64{1, 0.98, 0.97}, false},
		{[]float64{0.99}, true},
	} {
		if got := held(c.parts); got != c.want {
			t.Errorf("%v: %v", c.parts, got)
		}
	}
}

func TestLatencySaysWhatWasNotHeld(t *testing.T) {
	r := LatencyResult{}
	r.Ring.Capacity = 1 << 20
	r.say(&Load{
		Name: "20.0 M/s", Asked: 20e6,
		Default:      Paced{Pieces: 3, Achieved: 17e6, WorstLag: 3e6, Published: 100, Delivered: 90, Lost: 10},
		NeverStepOff: Paced{Pieces: 3, Held: true},
	})
	all := strings.Join(r.Notes, "\n")
	for _, part := range []string{"NOT HELD", "17.0 M/s of 20.0 M/s", "3.00 ms behind", "lost 10 of 100"} {
		if !strings.Contains(all, part) {
			t.Errorf("%q does not say %q", all, part)
		}
	}
	if len(r.Notes) != 2 {
		t.Errorf("%d notes: %q", len(r.Notes), all)
	}
}

func TestLatencyRefuses(t *testing.T) {
	s := testSession(t, Setup{Capacity: 1 << 18})
	for _, c := range []struct {
		name   string
		config Latency
		want   error
	}{
		{"a negative rate", Latency{Rates: []float64{-1}}, ErrConfig},
		{"a rate that is no number", Latency{Rates: []float64{math.NaN()}}, ErrConfig},
		{"a rate beyond all", Latency{Rates: []float64{1e12}}, ErrConfig},
		{"a ring of 256 KiB for 100 M/s", Latency{Rates: []float64{100e6}}, ErrTooSmall},
		{"an empty recording", Latency{Recording: &Recording{}}, ErrConfig},
	} {
		_, err := s.Latency(context.Background(), c.config)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// Two processes: what was published was delivered or lost, and everything that was
// delivered after the warm-up is in a distribution.
func TestLatency(t *testing.T) {
	s := testSession(t, Setup{Capacity: 1 << 22})
	times := make([]uint64, 5000)
	for i := range times {
		times[i] = 1e18 + uint64(i/10)*10_000
	}
	r, err := s.Latency(context.Background(), Latency{
		Rates:     []float64{100e3, 2e6},
		Recording: &Recording{Name: "session", Times: times},
		Duration:  200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Interrupted || r.Limit.Samples == 0 || len(r.Loads) != 4 {
		t.Fatalf("interrupted %v, %d ping-pongs, %d loads", r.Interrupted, r.Limit.Samples, len(r.Loads))
	}
	for _, l := range r.Loads {
		for side, p := range map[string]Paced{"default": l.Default, "never steps off": l.NeverStepOff} {
			if p.Pieces == 0 || p.Published == 0 || p.Delivered+p.Lost != p.Published {
				t.Errorf("%s, %s: %d pieces, published %d, delivered %d, lost %d", l.Name, side, p.Pieces, p.Published, p.Delivered, p.Lost)
			}
			for _, d := range []Delays{p.Response, p.Transit} {
				if n := uint64(d.Samples) + d.Negative; n > p.Delivered || n < p.Delivered*9/10-p.Lost {
					t.Errorf("%s, %s: %d of %d measured", l.Name, side, n, p.Delivered)
				}
			}
		}
		if l.Default.Published != l.NeverStepOff.Published {
			t.Errorf("%s: %d and %d messages", l.Name, l.Default.Published, l.NeverStepOff.Published)
		}
	}
	if l := r.Loads[3]; l.Name != "session" {
		t.Errorf("the last load is %q", l.Name)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	for _, table := range r.Tables() {
		for _, row := range table.Rows {
			if len(row) != len(table.Head) {
				t.Errorf("%s: %d cells below %d names", table.Title, len(row), len(table.Head))
			}
		}
	}
	if n := len(r.Curves()); n != 9 {
		t.Errorf("%d curves", n)
	}
}

func TestLatencyInterrupted(t *testing.T) {
	s := testSession(t, Setup{Capacity: 1 << 22})
	ctx, cancel := context.WithCancel(context.Background())
	s.setup.Progress = func(what string, _, _ int) {
		if strings.HasPrefix(what, "bursts") {
			cancel()
		}
	}
	r, err := s.Latency(ctx, Latency{Rates: []float64{100e3}, Duration: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || r.Loads[0].Default.Pieces != 1 || r.Loads[0].Default.Response.Samples == 0 {
		t.Errorf("interrupted %v, loads %+v", r.Interrupted, r.Loads[0].Default)
	}
}
