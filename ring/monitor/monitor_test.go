//go:build linux

package monitor

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/ring"
)

// Offsets in a subscriber's file; see docs/layout.md.
const (
	cursorAt   = 0x100
	messagesAt = 0x180
	maxAt      = 0x1b0
	openedAt   = 0x210
	countsAt   = 0x1000
	spikesAt   = 0x8000
	buckets    = len(ring.Counts{})
)

// fixture is a directory of rings, a Monitor, and a clock that the test sets.
type fixture struct {
	t   testing.TB
	dir string
	m   *Monitor
	now time.Time

	polls int
}

func newFixture(t testing.TB, cfg Config) *fixture {
	// A Watch tells a session that began since its last look by the real clock, which must not
	// catch up with the test's, however slow the machine.
	f := &fixture{t: t, dir: cfg.Dir, now: time.Now().Add(time.Hour)}
	if f.dir == "" {
		dir, err := os.MkdirTemp("/dev/shm", "tickring-test-")
		if err != nil {
			dir = t.TempDir()
		}
		f.dir = dir
		t.Cleanup(func() { os.RemoveAll(dir) })
	}
	cfg.Dir = f.dir
	f.m = New(cfg)
	f.m.clock = func() time.Time { return f.now }
	t.Cleanup(func() { f.m.Close() })
	return f
}

// poll polls after d.
func (f *fixture) poll(d time.Duration) *Snapshot {
	f.now = f.now.Add(d)
	s := f.m.Poll()
	if f.polls++; f.polls%20 != 1 {
		return s
	}
	if _, err := json.Marshal(s); err != nil {
		f.t.Fatalf("the snapshot cannot be JSON: %v", err)
	}
	return s
}

func (f *fixture) create(name string) *ring.Publisher {
	f.t.Helper()
	p, err := ring.Create(name, ring.Config{Dir: f.dir, Capacity: 1 << 18, Heartbeat: -1})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { p.Close() })
	return p
}

func (f *fixture) open(name, sub string) *ring.Subscriber {
	f.t.Helper()
	s, err := ring.Open(name, ring.Options{Dir: f.dir, Name: sub})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { s.Close() })
	return s
}

// subFile is a subscriber's file, to be written as its owner would.
type subFile struct {
	t    testing.TB
	file *os.File
	all  ring.Counts
	n    uint64 // messages
}

func (f *fixture) file(name, sub string) *subFile {
	f.t.Helper()
	file, err := os.OpenFile(filepath.Join(f.dir, name, "subs", sub), os.O_RDWR, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { file.Close() })
	return &subFile{t: f.t, file: file}
}

func (s *subFile) put(at int64, words ...uint64) {
	s.t.Helper()
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	if _, err := s.file.WriteAt(b, at); err != nil {
		s.t.Fatal(err)
	}
}

// measure counts n more latencies in a bucket.
func (s *subFile) measure(bucket int, n uint64) {
	s.n += n
	s.all[bucket] += n
	s.put(messagesAt, s.n)
	s.put(countsAt+8*int64(bucket), s.all[bucket])
}

// begin is what an owner does who opens the file.
func (s *subFile) begin(opened time.Time) {
	s.n, s.all = 0, ring.Counts{}
	s.put(messagesAt, 0)
	s.put(countsAt, s.all[:]...)
	s.put(openedAt, uint64(opened.UnixNano()))
}

func only(t *testing.T, s *Snapshot) Subscriber {
	t.Helper()
	if len(s.Rings) != 1 || len(s.Rings[0].Subscribers) != 1 {
		t.Fatalf("not one subscriber of one ring: %+v", s.Rings)
	}
	return s.Rings[0].Subscribers[0]
}

// library is the histogram of the library of the difference of two counts.
func library(now, before *ring.Counts) *hdrhistogram.Histogram {
	d := *now
	for i := range d {
		d[i] -= before[i]
	}
	return d.Histogram()
}

func checkWindow(t *testing.T, what string, w Window, h *hdrhistogram.Histogram) {
	t.Helper()
	want := Window{Seconds: w.Seconds, Summary: SummaryOf(h, h.Max())}
	if math.Abs(w.Mean-want.Mean) > 1e-9*want.Mean {
		t.Errorf("%s: mean %v, want %v", what, w.Mean, want.Mean)
	}
	w.Mean = want.Mean
	if w != want {
		t.Errorf("%s:\n%+v\n%+v", what, w, want)
	}
}

// TestWindowsCountWhatTheyCover polls at random times a subscriber that measures random
// latencies and begins anew now and then. The test has kept all counts of all polls.
func TestWindowsCountWhatTheyCover(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for _, c := range []struct {
		name          string
		polls         int
		from, to      time.Duration // between two polls
		second, dense float64
	}{
		{"10 ms", 200, 10 * time.Millisecond, 10 * time.Millisecond, 0.06, 0.5},
		{"100 ms", 640, 100 * time.Millisecond, 100 * time.Millisecond, 0.051, 1},
		{"1 s", 80, 990 * time.Millisecond, 1010 * time.Millisecond, 0.02, 1},
		{"5 s", 30, 5 * time.Second, 5 * time.Second, 4.01, 1},
		{"any", 150, 10 * time.Millisecond, 3 * time.Second, 3, 0.7},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			f := newFixture(t, Config{})
			f.create("r")
			f.open("r", "a")
			sub := f.file("r", "a")
			opened := f.now.Add(-time.Minute)
			sub.begin(opened)
			sub.measure(7, 99) // before the monitor: in no window but the last
			type past struct {
				at     time.Time
				counts ring.Counts
			}
			f.poll(0)
			history := []past{{f.now, sub.all}}
			first := f.now
			for k := range c.polls {
				if k > 0 && r.IntN(150) == 0 {
					opened = f.now.Add(time.Millisecond)
					sub.begin(opened)
					history = []past{{opened, ring.Counts{}}}
				}
				if r.Float64() < c.dense {
					for range r.IntN(5) {
						sub.measure(min(int(r.ExpFloat64()*300), buckets-1), 1+r.Uint64N(1000)*r.Uint64N(2))
					}
				}
				s := only(t, f.poll(c.from+time.Duration(r.Int64N(int64(c.to-c.from)+1))))
				history = append(history, past{f.now, sub.all})
				ago := func(seconds float64) (past, bool) {
					for _, p := range history {
						if math.Abs(f.now.Sub(p.at).Seconds()-seconds) < 1e-6 {
							return p, true
						}
					}
					t.Errorf("poll %d: a window of %v s begins at no poll", k, seconds)
					return past{}, false
				}
				if p, ok := ago(s.Second.Seconds); ok && k%3 == 0 {
					checkWindow(t, fmt.Sprintf("poll %d: second", k), s.Second, library(&sub.all, &p.counts))
				}
				if p, ok := ago(s.Minute.Seconds); ok && k%7 == 0 {
					checkWindow(t, fmt.Sprintf("poll %d: minute", k), s.Minute, library(&sub.all, &p.counts))
				}
				if had := f.now.Sub(history[0].at).Seconds(); math.Abs(s.Second.Seconds-min(had, 1)) > c.second {
					t.Errorf("poll %d: %v s for one, of %v", k, s.Second.Seconds, had)
				} else if math.Abs(s.Minute.Seconds-min(had, 60)) > 2+c.second {
					t.Errorf("poll %d: %v s for a minute, of %v", k, s.Minute.Seconds, had)
				}
				for i, w := range []Window{s.Second, s.Minute, s.Start} {
					if k%40 != 0 {
						break
					}
					if h, ok := f.m.Histogram("r", "a", Span(i)); !ok || uint64(h.TotalCount()) != w.Count {
						t.Errorf("poll %d: window %d has %d latencies, its histogram %v", k, i, w.Count, h.TotalCount())
					}
				}
				if k%20 == 0 {
					checkWindow(t, "start", s.Start, library(&sub.all, &ring.Counts{}))
				}
				if t.Failed() {
					return
				}
			}
			f.checkHeat(first)
		})
	}
}

// checkHeat compares the heat of r's a with the trend: the two are of the same seconds.
func (f *fixture) checkHeat(first time.Time) {
	f.t.Helper()
	h, ok := f.m.Heat("r", "a")
	if !ok || len(h.Edges) != 92 || h.Edges[0] != 0 || h.Edges[91] != 1e10 {
		f.t.Fatalf("%v %v", ok, h.Edges)
	}
	seconds := f.now.Sub(first).Seconds()
	if n := float64(len(h.Counts)); math.Abs(n-min(seconds, 300)) > 1.5 {
		f.t.Errorf("%v seconds of %v", n, seconds)
	}
	if end := h.Start.Add(time.Duration(len(h.Counts)) * time.Second); f.now.Sub(end).Abs() > 2*time.Second {
		f.t.Errorf("the heat ends %v before now", f.now.Sub(end))
	}
}

// TestHeatAndTrend counts what each second has got, with polls nearer together than that
// and further apart.
func TestHeatAndTrend(t *testing.T) {
	f := newFixture(t, Config{History: 20})
	f.create("r")
	f.open("r", "a")
	sub := f.file("r", "a")
	f.poll(0)
	type row struct{ fast, slow uint64 }
	var want []row
	const fast, slow = 100, 2000 // buckets of 100 ns, and of
	low, high := ring.BucketRange(slow)
	step := func(every time.Duration, polls int, seconds int, n row) Subscriber {
		var s Subscriber
		for range polls {
			sub.measure(fast, n.fast)
			sub.measure(slow, n.slow)
			s = only(t, f.poll(every))
		}
		for range seconds {
			want = append(want, row{n.fast * uint64(polls) / uint64(seconds), n.slow * uint64(polls) / uint64(seconds)})
		}
		return s
	}
	check := func(s Subscriber) {
		t.Helper()
		heat, _ := f.m.Heat("r", "a")
		have := want[max(len(want)-20, 0):]
		if len(heat.Counts) != len(have) || !heat.Start.Equal(f.now.Add(-time.Duration(len(have))*time.Second)) {
			t.Fatalf("%d seconds of %d from %v", len(heat.Counts), len(have), heat.Start)
		}
		trend := s.Trend[max(len(s.Trend)-len(have), 0):]
		for i, w := range have {
			var got row
			for j, n := range heat.Counts[i] {
				switch from, to := heat.Edges[j], heat.Edges[j+1]; {
				case from <= 100 && 100 < to:
					got.fast = n
				case from <= low && low < to:
					got.slow = n
				case n > 0:
					t.Errorf("second %d: %d between %d and %d ns", i, n, from, to)
				}
			}
			if got != w {
				t.Errorf("second %d: %v, want %v", i, got, w)
			}
			p99 := int64(-1)
			switch {
			case w.slow > 0:
				p99 = high
			case w.fast > 0:
				p99 = 100
			}
			if trend[i] != p99 {
				t.Errorf("second %d: p99 %d, want %d", i, trend[i], p99)
			}
		}
	}
	check(step(100*time.Millisecond, 10, 1, row{10, 10}))
	check(step(100*time.Millisecond, 10, 1, row{3, 0}))
	check(step(250*time.Millisecond, 4, 1, row{}))
	check(step(time.Second, 1, 1, row{5, 7}))
	check(step(4*time.Second, 1, 4, row{400, 800}))
	check(step(time.Second/2, 2, 1, row{1, 1}))
	s := step(30*time.Second, 1, 30, row{300, 0})
	check(s)
	for range 40 {
		s = step(time.Second, 1, 1, row{2, 0})
	}
	check(s)
	if len(s.Trend) != trendLength {
		t.Errorf("%d seconds of trend", len(s.Trend))
	}
	// What cannot be divided is not lost.
	sub.measure(fast, 7)
	f.poll(4 * time.Second)
	heat, _ := f.m.Heat("r", "a")
	sum := uint64(0)
	for _, rows := range heat.Counts[len(heat.Counts)-4:] {
		for _, n := range rows {
			sum += n
		}
	}
	if sum != 7 {
		t.Errorf("%d of 7 latencies", sum)
	}
}

func TestRates(t *testing.T) {
	f := newFixture(t, Config{})
	p := f.create("r")
	s := f.open("r", "a")
	f.poll(0)
	for k := range 50 {
		for range 20 {
			if err := p.Publish(0, []byte("x")); err != nil {
				t.Fatal(err)
			}
			for _, st := s.Next(); st == ring.Message; _, st = s.Next() {
			}
		}
		snap := f.poll(100 * time.Millisecond)
		if r, u := snap.Rings[0], only(t, snap); math.Abs(r.Rate-200) > 1e-6 || math.Abs(u.Rate-200) > 1e-6 {
			t.Fatalf("poll %d: published %v a second, read %v, want 200", k, r.Rate, u.Rate)
		}
	}
	snap := f.poll(10 * time.Second)
	if r, u := snap.Rings[0], only(t, snap); r.Rate != 0 || u.Rate != 0 || r.Last != 1000 || u.Delivered != 1000 || u.Lag != 0 || u.LagTime != 0 {
		t.Errorf("quiet: %+v", u)
	}
}

// TestStates: a subscriber is stuck if it has had something to read for a while, not if
// there was nothing.
func TestStates(t *testing.T) {
	f := newFixture(t, Config{Stuck: 2 * time.Second})
	cfg := ring.Config{Dir: f.dir, Capacity: 1 << 18, Gates: []ring.Gate{{Name: "gate", Hold: time.Hour, DropDead: true}}}
	p, err := ring.Create("r", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s := f.open("r", "a")
	s.Next()
	want := func(d time.Duration, state string, lag uint64) Subscriber {
		t.Helper()
		subs := f.poll(d).Rings[0].Subscribers
		if len(subs) != 2 || subs[0].State != state || subs[0].Lag != lag {
			t.Fatalf("%+v, want %s and %d behind", subs[0], state, lag)
		}
		if g := subs[1]; g.Name != "gate" || g.State != StateNew || g.Gate != "holding" || g.Hold != time.Hour || !g.DropDead || !g.Opened.IsZero() {
			t.Fatalf("the gate: %+v", g)
		}
		return subs[0]
	}
	publish := func() {
		if err := p.Publish(0, nil); err != nil {
			t.Fatal(err)
		}
	}
	want(0, StateReading, 0)
	want(time.Hour, StateReading, 0) // there was nothing
	publish()
	want(time.Second, StateReading, 1) // since just now, perhaps
	if u := want(1900*time.Millisecond, StateReading, 1); u.LagTime < 0 {
		t.Errorf("nobody knows when what it has to read was published: %v", u.LagTime)
	}
	want(100*time.Millisecond, StateStuck, 1)
	s.Next()
	s.Next()
	if u := want(time.Second, StateReading, 0); u.Moved != 0 {
		t.Errorf("moved %v ago", u.Moved)
	}
	for range 10 { // it moves, and is behind all the time
		publish()
		publish()
		s.Next()
		if u := f.poll(3 * time.Second).Rings[0].Subscribers[0]; u.State != StateReading {
			t.Fatalf("%+v", u)
		}
	}
	s.Abandon()
	if u := f.poll(5 * time.Second).Rings[0].Subscribers[0]; u.State != StateClosed || u.Lag != 11 {
		t.Errorf("%+v", u)
	}
	file := f.file("r", "a")
	file.put(0x200, 1) // the file of one who was killed
	if u := f.poll(time.Second).Rings[0].Subscribers[0]; u.State != StateDead {
		t.Errorf("%+v", u)
	}
	if snap := f.poll(0); snap.Rings[0].Publisher != "live" || snap.Rings[0].PID != os.Getpid() {
		t.Errorf("%+v", snap.Rings[0])
	}
	p.Close()
	if snap := f.poll(0); snap.Rings[0].Publisher != "closed" {
		t.Errorf("%+v", snap.Rings[0])
	}
}

// TestRingsComeAndGo: removed, made anew, replaced by a larger one, while watched.
func TestRingsComeAndGo(t *testing.T) {
	f := newFixture(t, Config{})
	if s := f.poll(0); len(s.Rings) != 0 || s.Error != "" {
		t.Fatalf("%+v", s)
	}
	names := func(s *Snapshot) (all string) {
		for _, r := range s.Rings {
			all += fmt.Sprintf("%s%d/%d ", r.Name, r.Replaced, len(r.Subscribers))
			if r.Error != "" {
				t.Errorf("%s: %s", r.Name, r.Error)
			}
		}
		return all
	}
	want := func(w string) *Snapshot {
		t.Helper()
		s := f.poll(time.Second / 2)
		if got := names(s); got != w {
			t.Fatalf("%q, want %q", got, w)
		}
		return s
	}
	p := f.create("b")
	want("b0/0 ")
	f.create("a")
	f.open("b", "s")
	f.open("b", "r")
	want("a0/0 b0/2 ")
	p.Close()
	if err := ring.Remove(f.dir, "b"); err != nil {
		t.Fatal(err)
	}
	want("a0/0 ")
	if _, ok := f.m.Heat("b", "s"); ok {
		t.Error("the heat of a subscriber that is gone")
	}
	if _, ok := f.m.Histogram("b", "s", SinceStart); ok {
		t.Error("the histogram of a subscriber that is gone")
	}
	p = f.create("b")
	f.open("b", "s")
	want("a0/0 b1/1 ")
	p.Close()
	larger, err := ring.Create("b", ring.Config{Dir: f.dir, Capacity: 1 << 19})
	if err != nil {
		t.Fatal(err)
	}
	if s := want("a0/0 b2/1 "); s.Rings[1].Capacity != 1<<19 {
		t.Errorf("%+v", s.Rings[1])
	}
	larger.Close()
	if err := ring.Remove(f.dir, "b"); err != nil {
		t.Fatal(err)
	}
	f.create("b") // between two polls
	want("a0/0 b3/0 ")
	for range 3 {
		want("a0/0 b3/0 ")
	}
}

// TestNamedRings: rings that were asked for are shown, be they there or not.
func TestNamedRings(t *testing.T) {
	f := newFixture(t, Config{Rings: []string{"b", "a", "b", "no/name"}})
	f.create("b")
	f.create("c")
	s := f.poll(0)
	if len(s.Rings) != 3 || s.Rings[0].Name != "a" || !strings.Contains(s.Rings[0].Error, "no such ring") || !s.Rings[0].Absent ||
		s.Rings[1].Name != "b" || s.Rings[1].Error != "" || s.Rings[1].Absent || !strings.Contains(s.Rings[2].Error, "not a valid name") || s.Rings[2].Absent {
		t.Errorf("%+v", s.Rings)
	}
	if _, ok := f.m.Histogram("c", "", SinceStart); ok {
		t.Error("a ring that was not asked for")
	}
	if _, ok := f.m.Histogram("b", "", SinceStart); ok {
		t.Error("the lateness of a publisher that records none")
	}
	unreadable := newFixture(t, Config{Dir: "/proc/self/status"})
	if s := unreadable.poll(0); s.Error == "" || s.Rings == nil {
		t.Errorf("a directory that is none: %+v", s)
	}
}

// TestNoWindowHasMoreThanTheLongest: the longest latency is known exactly, and the buckets
// that windows are of are not; no window says that something took longer.
func TestNoWindowHasMoreThanTheLongest(t *testing.T) {
	f := newFixture(t, Config{})
	f.create("r")
	f.open("r", "a")
	sub := f.file("r", "a")
	sub.begin(f.now)
	f.poll(time.Second)
	low, high := ring.BucketRange(700)
	longest := (low + high) / 2
	sub.measure(700, 5)
	sub.put(maxAt, uint64(longest))
	s := only(t, f.poll(time.Second))
	for _, w := range []Window{s.Second, s.Minute, s.Start} {
		if w.Count != 5 || w.Max != longest || w.P50 != longest || w.P9999 != longest {
			t.Errorf("longest %d, %+v", longest, w)
		}
	}
	// A longer one that its file does not tell yet counts all the same.
	sub.measure(900, 5)
	low, _ = ring.BucketRange(900)
	if s = only(t, f.poll(time.Second)); s.Second.Max < low || s.Start.Max < low {
		t.Errorf("%+v %+v, at least %d", s.Second, s.Start, low)
	}
}

// TestDirectoryThatCannotBeListed: the rings that are known are looked at still, and nothing
// of them is forgotten.
func TestDirectoryThatCannotBeListed(t *testing.T) {
	f := newFixture(t, Config{})
	p := f.create("r")
	s := f.open("r", "a")
	read := func() {
		if err := p.Publish(0, nil); err != nil {
			t.Fatal(err)
		}
		if _, st := s.Next(); st != ring.Message {
			t.Fatal(st)
		}
	}
	f.poll(0)
	read()
	f.poll(time.Second)
	if err := os.Chmod(f.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	read()
	snap := f.poll(time.Second)
	if snap.Error == "" {
		t.Fatal("it can be listed: this test tests nothing")
	}
	if len(snap.Rings) != 1 || snap.Rings[0].Error != "" || only(t, snap).Minute.Count != 2 {
		t.Errorf("%+v", snap)
	}
	if err := os.Chmod(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if snap = f.poll(time.Second); snap.Error != "" || only(t, snap).Minute.Count != 2 {
		t.Errorf("%+v", snap)
	}
}

// TestAnewInTheMidstOfASecond: what the earlier session got of it is in the heat, and never in
// the minute of the later one, from which it would be taken out again.
func TestAnewInTheMidstOfASecond(t *testing.T) {
	f := newFixture(t, Config{})
	f.create("r")
	f.open("r", "a")
	sub := f.file("r", "a")
	sub.begin(f.now)
	f.poll(0)
	sub.measure(10, 5)
	f.poll(100 * time.Millisecond)
	sub.begin(f.now)
	sub.measure(20, 3)
	for range 20 {
		if u := only(t, f.poll(100*time.Millisecond)); u.Minute.Count != 3 {
			t.Fatalf("%+v", u.Minute)
		}
	}
	heat, _ := f.m.Heat("r", "a")
	hits := uint64(0)
	for _, second := range heat.Counts {
		for _, n := range second {
			hits += n
		}
	}
	if hits != 8 {
		t.Errorf("%d latencies in the heat", hits)
	}
	for range 130 {
		f.poll(500 * time.Millisecond)
	}
	if u := only(t, f.poll(0)); u.Minute.Count != 0 || u.Minute.Max != 0 || u.Start.Count != 3 {
		t.Errorf("%+v", u)
	}
}
