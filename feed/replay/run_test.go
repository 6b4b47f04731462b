package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeClock moves by tick at each look and by what it is told to sleep. If
// exact, the first look after a message was read or published does not move it,
// so that only a spin takes time.
type fakeClock struct {
	now   int64
	tick  int64
	exact bool
	still bool
	looks int
	naps  []time.Duration

	onSleep func()
}

func (c *fakeClock) Now() int64 {
	c.looks++
	if c.exact && c.still {
		c.still = false
	} else {
		c.now += c.tick
	}
	return c.now
}

func (c *fakeClock) Sleep(d time.Duration, done <-chan struct{}) {
	c.naps = append(c.naps, d)
	if c.onSleep != nil {
		c.onSleep()
	}
	select {
	case <-done:
	default:
		c.now += int64(d)
	}
}

// sliceSource hands out one message per time, its data the message's index.
type sliceSource struct {
	times    []uint64
	next     int
	end      error // instead of io.EOF
	consumed int64
	buf      [8]byte
}

func (s *sliceSource) Next() (uint16, uint64, []byte, error) {
	if s.next == len(s.times) {
		if s.end != nil {
			return 0, 0, nil, s.end
		}
		return 0, 0, nil, io.EOF
	}
	n, data := s.next, s.buf[:s.next%8]
	for i := range data {
		data[i] = byte(n)
	}
	s.next++
	s.consumed += 10
	return uint16(n % 7), s.times[n], data, nil
}

func (s *sliceSource) Consumed() int64 { return s.consumed }

// timedSource tells the clock that a message was read.
type timedSource struct {
	*sliceSource
	clock *fakeClock
}

func (s timedSource) Next() (uint16, uint64, []byte, error) {
	s.clock.still = true
	return s.sliceSource.Next()
}

// plainSource hides Consumed.
type plainSource struct{ Source }

// logSink notes when each message left, and moves the clock by stall[n] while
// it holds message n.
type logSink struct {
	clock  *fakeClock
	left   []int64
	msgs   []string
	stall  map[int]int64
	failAt int // 0: never; else before the message of this number, from 1
}

var errSink = errors.New("ring is gone")

func (s *logSink) Publish(typ uint16, msg []byte) error {
	if s.failAt > 0 && len(s.left)+1 == s.failAt {
		return errSink
	}
	s.left = append(s.left, s.clock.now)
	s.msgs = append(s.msgs, fmt.Sprintf("%d:%x", typ, msg))
	s.clock.now += s.stall[len(s.left)-1]
	s.clock.still = true
	return nil
}

func newFake(tick int64) (*fakeClock, *logSink) {
	c := &fakeClock{now: 1_000_000, tick: tick}
	return c, &logSink{clock: c}
}

// since returns how long after the first each message left.
func (s *logSink) since() []int64 {
	d := make([]int64, len(s.left))
	for i, t := range s.left {
		d[i] = t - s.left[0]
	}
	return d
}

func TestMaxSpeedPublishesEverythingInOrder(t *testing.T) {
	clock, sink := newFake(0)
	src := &sliceSource{times: make([]uint64, 1000)}
	for i := range src.times {
		src.times[i] = uint64(5000 + i)
	}
	res, err := Run(context.Background(), src, sink, Config{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	var bytes uint64
	for i, m := range sink.msgs {
		want := fmt.Sprintf("%d:%s", i%7, strings.Repeat(fmt.Sprintf("%02x", byte(i)), i%8))
		if m != want {
			t.Fatalf("message %d is %s, want %s", i, m, want)
		}
		bytes += uint64(i % 8)
	}
	if len(sink.msgs) != 1000 || res.Messages != 1000 || res.Bytes != bytes {
		t.Errorf("published %d, result %d messages %d bytes, want 1000 and %d bytes",
			len(sink.msgs), res.Messages, res.Bytes, bytes)
	}
	if res.FirstTime != 5000 || res.LastTime != 5999 || res.Backward != 0 || res.Late != nil {
		t.Errorf("times %d to %d, %d backward, late %v; want 5000 to 5999, 0, nil",
			res.FirstTime, res.LastTime, res.Backward, res.Late)
	}
}

// The expected departures are worked out by hand from the schedule's formula.
func TestSchedule(t *testing.T) {
	const undef = math.MaxUint64
	tests := []struct {
		name  string
		cfg   Config
		times []uint64
		want  []int64 // after the first
		back  uint64
		first uint64
		last  uint64
	}{
		{"own pace", Config{Speed: 1}, []uint64{100, 100, 350, 1100}, []int64{0, 0, 250, 1000}, 0, 100, 1100},
		{"twice as fast", Config{Speed: 2}, []uint64{100, 300, 1100}, []int64{0, 100, 500}, 0, 100, 1100},
		{"ten times slower", Config{Speed: 0.1}, []uint64{100, 101, 150}, []int64{0, 10, 500}, 0, 100, 150},
		{"backward is due with the one before", Config{Speed: 1},
			[]uint64{1000, 1500, 1200, 1500, 900, 2000}, []int64{0, 500, 500, 500, 500, 1000}, 2, 1000, 2000},
		{"unknown is due with the one before", Config{Speed: 1},
			[]uint64{0, undef, 1000, 0, 1600, undef, 1700}, []int64{0, 0, 0, 0, 600, 600, 700}, 0, 1000, 1700},
		{"no times at all", Config{Speed: 1}, []uint64{0, 0, 0}, []int64{0, 0, 0}, 0, 0, 0},
		{"rate", Config{Rate: 1e7}, []uint64{7, 7, 3, 0}, []int64{0, 100, 200, 300}, 1, 7, 3},
		{"rate below one", Config{Rate: 0.5}, []uint64{0, 0, 0}, []int64{0, 2e9, 4e9}, 0, 0, 0},
		{"rounding does not add up", Config{Rate: 3e9}, make([]uint64, 10), []int64{0, 0, 0, 1, 1, 1, 2, 2, 2, 3}, 0, 0, 0},
		{"days apart", Config{Speed: 1000}, []uint64{1, 1 + 3*86400e9}, []int64{0, 3 * 86400e6}, 0, 1, 1 + 3*86400e9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, spin := range []time.Duration{time.Nanosecond, 20 * time.Nanosecond} {
				clock, sink := newFake(1)
				clock.exact = true
				tt.cfg.Clock, tt.cfg.SpinWithin = clock, spin
				res, err := Run(context.Background(), timedSource{&sliceSource{times: tt.times}, clock}, sink, tt.cfg)
				if err != nil {
					t.Fatal(err)
				}
				if got := sink.since(); !slices.Equal(got, tt.want) {
					t.Errorf("spin within %v: left at %d, want %d", spin, got, tt.want)
				}
				if res.Backward != tt.back || res.FirstTime != tt.first || res.LastTime != tt.last {
					t.Errorf("%d backward, %d to %d; want %d, %d to %d",
						res.Backward, res.FirstTime, res.LastTime, tt.back, tt.first, tt.last)
				}
				if res.Late.TotalCount() != int64(len(tt.times)) || res.LateWorst != 0 {
					t.Errorf("%d recorded, worst %v; want %d, 0", res.Late.TotalCount(), res.LateWorst, len(tt.times))
				}
			}
		})
	}
}

func TestLatenessAgainstTheFirstSchedule(t *testing.T) {
	// Due every 100 ns; the sink holds message 2 for 1000 ns. What follows is
	// late by what is left of the stall: the schedule does not move.
	clock, sink := newFake(1)
	clock.exact = true
	sink.stall = map[int]int64{2: 1000}
	src := &sliceSource{times: make([]uint64, 16)}
	for i := range src.times {
		src.times[i] = uint64(50 + 100*i)
	}
	res, err := Run(context.Background(), timedSource{src, clock}, sink, Config{Speed: 1, SpinWithin: -1, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	want := []int64{0, 100, 200, 1200, 1200, 1200, 1200, 1200, 1200, 1200, 1200, 1200, 1200, 1300, 1400, 1500}
	if got := sink.since(); !slices.Equal(got, want) {
		t.Fatalf("left at %d, want %d", got, want)
	}
	// Message 2 itself was late by the whole stall, 3 to 11 by 900 to 100.
	for late, count := range map[int64]int64{0: 6, 1000: 1, 900: 1, 800: 1, 700: 1, 600: 1, 500: 1, 400: 1, 300: 1, 200: 1, 100: 1} {
		if got := countAt(res, late); got != count {
			t.Errorf("%d messages recorded %d ns late, want %d", got, late, count)
		}
	}
	if res.LateWorst != 1000 || res.LateOver != 0 || res.Late.TotalCount() != 16 {
		t.Errorf("worst %v, %d over, %d recorded; want 1µs, 0, 16", res.LateWorst, res.LateOver, res.Late.TotalCount())
	}
}

func countAt(res Result, v int64) (n int64) {
	for _, b := range res.Late.Distribution() {
		if b.From <= v && v <= b.To {
			n += b.Count
		}
	}
	return n
}

func TestLatenessBeyondTheHistogram(t *testing.T) {
	clock, sink := newFake(0)
	sink.stall = map[int]int64{0: int64(90 * time.Second)}
	res, err := Run(context.Background(), &sliceSource{times: []uint64{10, 10, 10}}, sink, Config{Speed: 1, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	if res.LateOver != 3 || res.LateWorst != 90*time.Second || res.Late.TotalCount() != 3 {
		t.Errorf("%d over, worst %v, %d recorded; want 3, 1m30s, 3", res.LateOver, res.LateWorst, res.Late.TotalCount())
	}
	if got := res.Late.ValueAtQuantile(50); got < int64(LateMax) {
		t.Errorf("median %v, want at least %v", time.Duration(got), LateMax)
	}
}

func TestWaitSleepsOnlyWhatExceedsTheSpin(t *testing.T) {
	clock, sink := newFake(1000)
	src := &sliceSource{times: []uint64{1, 1 + 1e6, 1 + 60e9}}
	_, err := Run(context.Background(), src, sink, Config{Speed: 1, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	// The gap of 1 ms is spun; the one of a minute is slept but for 2 ms.
	if len(clock.naps) != 1 {
		t.Fatalf("slept %v, want once", clock.naps)
	}
	if nap := clock.naps[0]; nap > time.Minute-2*time.Millisecond || nap < time.Minute-4*time.Millisecond {
		t.Errorf("slept %v of a minute, want all but about 2ms", nap)
	}
	if clock.looks < 1000 {
		t.Errorf("looked at the clock %d times, want a spin at the end of each wait", clock.looks)
	}

	clock, sink = newFake(1e6)
	src = &sliceSource{times: []uint64{1, 1 + 60e9}}
	if _, err := Run(context.Background(), src, sink, Config{Speed: 1, SpinWithin: -1, Clock: clock}); err != nil {
		t.Fatal(err)
	}
	if len(clock.naps) != 0 {
		t.Errorf("slept %v though told never to", clock.naps)
	}
}

// One bad timestamp far ahead must not make a replay wait for it without a word.
func TestGap(t *testing.T) {
	const day = 86400e9
	for _, tt := range []struct {
		name  string
		cfg   Config
		times []uint64
		says  string // in the error; "": none
		sent  int    // before the error
	}{
		{"outlier", Config{Speed: 1}, []uint64{100, 200, 1 << 63, 300}, "message 3 (30 bytes into the source) is 2562047.8 hours after", 2},
		{"at any speed", Config{Speed: 1e12}, []uint64{100, 1 << 63}, "message 2 ", 1},
		{"first time is the bad one", Config{Speed: 1e6}, []uint64{7, 0, 1.7e18}, "message 3 ", 2},
		{"a week is not too much", Config{Speed: 1e6}, []uint64{1, 1 + 7*day}, "", 0},
		{"more is", Config{Speed: 1e6}, []uint64{1, 2 + 7*day}, "168.0 hours", 1},
		{"two gaps of a week", Config{Speed: 1e6}, []uint64{1, 1 + 7*day, 1 + 14*day}, "", 0},
		{"from the latest, not the last", Config{Speed: 1e6}, []uint64{day, 5 * day, 1, 6 * day}, "", 0},
		{"unknown times do not count", Config{Speed: 1}, []uint64{1, math.MaxUint64, 0, 2}, "", 0},
		{"given", Config{Speed: 1, MaxGap: time.Second}, []uint64{1, 1 + 1e9, 2 + 2e9}, "message 3 ", 2},
		{"none", Config{Speed: 1e12, MaxGap: -1}, []uint64{1, 1 << 63}, "", 0},
		{"rate does not look at times", Config{Rate: 1e9}, []uint64{1, 1 << 63}, "", 0},
		{"nor does maximum speed", Config{}, []uint64{1, 1 << 63}, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock, sink := newFake(1)
			tt.cfg.Clock, tt.cfg.SpinWithin = clock, time.Nanosecond
			res, err := Run(context.Background(), &sliceSource{times: tt.times}, sink, tt.cfg)
			if tt.says == "" {
				if err != nil || int(res.Messages) != len(tt.times) {
					t.Errorf("%d messages, %v; want all %d", res.Messages, err, len(tt.times))
				}
				return
			}
			if !errors.Is(err, ErrGap) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("%v; want ErrGap that says %q", err, tt.says)
			}
			// What was bad is neither published nor part of the result.
			if int(res.Messages) != tt.sent || len(sink.msgs) != tt.sent || res.LastTime == tt.times[tt.sent] {
				t.Errorf("%d messages, the last of time %d, %d published; want %d", res.Messages, res.LastTime, len(sink.msgs), tt.sent)
			}
		})
	}
}

func TestFarFutureWaitsAndCanBeCancelled(t *testing.T) {
	for _, cfg := range []Config{{Speed: 1, MaxGap: -1}, {Speed: 1e-9, MaxGap: -1}, {Rate: 1e-300}, {Rate: 1e-300, SpinWithin: -1}} {
		clock, sink := newFake(1)
		ctx, cancel := context.WithCancel(context.Background())
		clock.onSleep = cancel
		looks := 0
		cfg.Clock = lookClock{clock, func() {
			if looks++; looks == 10_000 { // the spin alone cannot sleep
				cancel()
			}
		}}
		res, err := Run(ctx, &sliceSource{times: []uint64{1, math.MaxUint64 - 1}}, sink, cfg)
		if !errors.Is(err, context.Canceled) || res.Messages != 1 {
			t.Errorf("%+v: %d messages, %v; want 1 and context.Canceled", cfg, res.Messages, err)
		}
		cancel()
	}
}

type lookClock struct {
	*fakeClock
	look func()
}

func (c lookClock) Now() int64 { c.look(); return c.fakeClock.Now() }

func TestCancelAtMaxSpeed(t *testing.T) {
	clock, sink := newFake(0)
	ctx, cancel := context.WithCancel(context.Background())
	src := &cancelSource{at: 1000, cancel: cancel}
	res, err := Run(ctx, src, sink, Config{Clock: clock})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	if res.Messages < 1000 || res.Messages > 1000+checkEvery || int(res.Messages) != len(sink.msgs) {
		t.Errorf("result %d, published %d; want equal and at most %d after 1000", res.Messages, len(sink.msgs), checkEvery)
	}

	res, err = Run(ctx, src, sink, Config{Clock: clock, Rate: 10})
	if !errors.Is(err, context.Canceled) || res.Messages != 0 {
		t.Errorf("done before the start: %d messages, %v", res.Messages, err)
	}
}

// cancelSource never ends by itself.
type cancelSource struct {
	n, at  int
	cancel func()
}

func (s *cancelSource) Next() (uint16, uint64, []byte, error) {
	if s.n++; s.n == s.at {
		s.cancel()
	}
	return 0, 0, nil, nil
}

func TestSourceErrorKeepsWhatCameBefore(t *testing.T) {
	bad := fmt.Errorf("truncated: %w", io.ErrUnexpectedEOF)
	for _, cfg := range []Config{{}, {Speed: 1}, {Rate: 1e9}} {
		clock, sink := newFake(1)
		cfg.Clock = clock
		src := &sliceSource{times: []uint64{1, 2, 3, 4, 5}, end: bad}
		res, err := Run(context.Background(), src, sink, cfg)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want the source's error", err)
		} else if want := "replay: read message 6 (50 bytes into the source): truncated: unexpected EOF"; err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		if res.Messages != 5 || len(sink.msgs) != 5 || res.Bytes != 0+1+2+3+4 || res.LastTime != 5 {
			t.Errorf("result %+v, published %d; want 5 messages", res, len(sink.msgs))
		}
	}
}

func TestSinkErrorEndsAtItsMessage(t *testing.T) {
	for _, cfg := range []Config{{}, {Speed: 1}, {Rate: 1e9}} {
		clock, sink := newFake(1)
		sink.failAt = 3
		cfg.Clock = clock
		src := &sliceSource{times: []uint64{1, 2, 3, 4, 5}}
		res, err := Run(context.Background(), plainSource{src}, sink, cfg)
		if !errors.Is(err, errSink) {
			t.Fatalf("got %v, want the sink's error", err)
		}
		if want := "replay: publish message 3: ring is gone"; err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		if res.Messages != 2 || res.Bytes != 1 || res.LastTime != 2 || src.next != 3 {
			t.Errorf("result %+v, %d read; want 2 published of 3 read", res, src.next)
		}
		if res.Late != nil && res.Late.TotalCount() != 2 {
			t.Errorf("%d recorded, want 2", res.Late.TotalCount())
		}
	}
}

func TestEmptySource(t *testing.T) {
	clock, sink := newFake(1)
	for _, cfg := range []Config{{Clock: clock}, {Clock: clock, Speed: 1}, {Clock: clock, Rate: 1}} {
		res, err := Run(context.Background(), &sliceSource{}, sink, cfg)
		if err != nil || res.Messages != 0 || res.FirstTime != 0 {
			t.Errorf("%+v, %v; want nothing and no error", res, err)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	nan := math.NaN()
	for _, cfg := range []Config{
		{Speed: nan}, {Speed: -1}, {Speed: math.Inf(1)}, {Speed: math.Inf(-1)},
		{Rate: nan}, {Rate: -0.1}, {Rate: math.Inf(1)},
		{Speed: 1, Rate: 1}, {ProgressEvery: -1},
	} {
		_, sink := newFake(1)
		src := &sliceSource{times: []uint64{1}}
		_, err := Run(context.Background(), src, sink, cfg)
		if !errors.Is(err, ErrConfig) || src.next != 0 {
			t.Errorf("%+v: %v after reading %d, want ErrConfig before reading", cfg, err, src.next)
		}
	}
	if _, err := Run(context.Background(), nil, nil, Config{}); !errors.Is(err, ErrConfig) {
		t.Errorf("no source and no sink: %v, want ErrConfig", err)
	}
}

func TestProgress(t *testing.T) {
	t.Run("max speed", func(t *testing.T) {
		clock, sink := newFake(int64(100 * time.Millisecond)) // at each look, so every 256 messages
		var got []Progress
		src := &sliceSource{times: make([]uint64, 10*checkEvery)}
		for i := range src.times {
			src.times[i] = uint64(i + 1)
		}
		_, err := Run(context.Background(), src, sink, Config{
			Clock: clock, ProgressEvery: 250 * time.Millisecond,
			Progress: func(p Progress) { got = append(got, p) },
		})
		if err != nil {
			t.Fatal(err)
		}
		// Looks at 100 ms (the start), 200, 300, 400 ... : a report is due 250
		// ms after the start and after each report.
		if len(got) != 4 {
			t.Fatalf("%d reports, want 4: %+v", len(got), got)
		}
		first, last := got[0], got[3]
		if first.Messages != 2*checkEvery || first.Consumed != 10*2*checkEvery || first.Time != 2*checkEvery ||
			first.Elapsed != 300*time.Millisecond || first.Final {
			t.Errorf("first report %+v", first)
		}
		if last.Messages != 10*checkEvery || !last.Final {
			t.Errorf("last report %+v", last)
		}
	})
	t.Run("during a long wait", func(t *testing.T) {
		clock, sink := newFake(10)
		reports := 0
		_, err := Run(context.Background(), plainSource{&sliceSource{times: []uint64{1, 1 + 10e9}}}, sink, Config{
			Clock: clock, Speed: 1, ProgressEvery: time.Second,
			Progress: func(p Progress) {
				if reports++; p.Consumed != -1 {
					t.Errorf("consumed %d of a source that does not say", p.Consumed)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if reports < 9 || reports > 11 {
			t.Errorf("%d reports in ten seconds, want one a second", reports)
		}
	})
	t.Run("final after an error", func(t *testing.T) {
		clock, sink := newFake(1)
		var got []Progress
		src := &sliceSource{times: []uint64{1}, end: io.ErrUnexpectedEOF}
		_, err := Run(context.Background(), src, sink, Config{
			Clock: clock, Progress: func(p Progress) { got = append(got, p) },
		})
		if err == nil || len(got) != 1 || !got[0].Final || got[0].Messages != 1 {
			t.Errorf("reports %+v after %v, want one, final", got, err)
		}
	})
}

func TestSystemClock(t *testing.T) {
	c := newSystemClock()
	for last, i := c.Now(), 0; i < 1000; i++ {
		now := c.Now()
		if now < last {
			t.Fatalf("went back from %d to %d", last, now)
		}
		last = now
	}
	c.Sleep(1, nil)
	done := make(chan struct{})
	close(done)
	c.Sleep(time.Hour, done) // returns, or the test does not end
	c.Sleep(1, nil)          // the timer works again after it was stopped
}

func TestNoAllocationPerMessage(t *testing.T) {
	times := make([]uint64, 20_000)
	for i := range times {
		times[i] = uint64(i + 1)
	}
	for _, cfg := range []Config{{}, {Speed: 1}, {Rate: 1e9}} {
		allocs := func(n int) float64 {
			return testing.AllocsPerRun(5, func() {
				c := cfg
				c.Clock = &fakeClock{tick: 1}
				c.Progress, c.ProgressEvery = func(Progress) {}, 1
				src := &sliceSource{times: times[:n]}
				if _, err := Run(context.Background(), src, discard{}, c); err != nil {
					t.Fatal(err)
				}
			})
		}
		if few, many := allocs(1000), allocs(len(times)); few != many {
			t.Errorf("%+v: %v allocations for 1000 messages, %v for %d", cfg, few, many, len(times))
		}
	}
}

type discard struct{}

func (discard) Publish(uint16, []byte) error { return nil }

func TestProgressPrinter(t *testing.T) {
	var out bytes.Buffer
	p := NewProgressPrinter(&out, 1000)
	p.Report(Progress{Messages: 1_234_567, Elapsed: time.Second, Consumed: 250})
	p.Report(Progress{Messages: 1_234_667, Elapsed: 2 * time.Second, Consumed: 500})
	p.Report(Progress{Messages: 1_234_667, Elapsed: 2 * time.Second, Consumed: 2000})
	p.Report(Progress{Messages: 1_235_000, Elapsed: 3 * time.Second, Consumed: 1000, Final: true})
	want := "\r1,234,567 messages   1.2 M/s   25%   0:03 left" +
		"\r1,234,667 messages   100/s   50%   0:02 left  " +
		"\r1,234,667 messages   100%   0:00 left       " +
		"\r" + strings.Repeat(" ", len("1,234,667 messages   100%   0:00 left")) + "\r"
	if out.String() != want {
		t.Errorf("wrote\n%q, want\n%q", out.String(), want)
	}

	out.Reset()
	p = NewProgressPrinter(&out, 0)
	p.Report(Progress{Messages: 999, Elapsed: time.Second, Consumed: 10})
	if want := "\r999 messages   999/s"; out.String() != want {
		t.Errorf("total unknown: wrote %q, want %q", out.String(), want)
	}

	out.Reset()
	p = NewProgressPrinter(&out, 10)
	p.Report(Progress{Messages: 5, Elapsed: time.Second, Final: true})
	if out.Len() != 0 {
		t.Errorf("nothing was shown, yet it wrote %q to clear it", out.String())
	}

	out.Reset()
	p = NewProgressPrinter(&out, 1<<40)
	p.Report(Progress{Messages: 2500, Elapsed: time.Second, Consumed: 1 << 26})
	if want := "\r2,500 messages   2.5 k/s   0%   4:33:03 left"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}

	w := &failingWriter{}
	p = NewProgressPrinter(w, 0)
	p.Report(Progress{})
	p.Report(Progress{})
	if w.writes != 1 {
		t.Errorf("wrote %d times to a writer that failed, want once", w.writes)
	}
}

type failingWriter struct{ writes int }

func (w *failingWriter) Write([]byte) (int, error) {
	w.writes++
	return 0, io.ErrClosedPipe
}

// loopSource hands out the same n messages for ever, ends after total.
type loopSource struct {
	msgs [][]byte
	left int
	time uint64
}

func (s *loopSource) Next() (uint16, uint64, []byte, error) {
	if s.left == 0 {
		return 0, 0, nil, io.EOF
	}
	s.left--
	s.time += 40
	m := s.msgs[s.left&(len(s.msgs)-1)]
	return uint16(m[0]), s.time, m, nil
}

// BenchmarkRun is the cost per message of Run, with a source and a sink that
// cost as little as can be.
func BenchmarkRun(b *testing.B) {
	msgs := make([][]byte, 1024)
	for i := range msgs {
		msgs[i] = make([]byte, 36)
	}
	for _, bm := range []struct {
		name string
		cfg  Config
	}{
		{"max", Config{}},
		{"max-progress", Config{Progress: func(Progress) {}}},
		{"behind-schedule", Config{Speed: 1e9}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			src := &loopSource{msgs: msgs, left: b.N}
			b.ResetTimer()
			res, err := Run(context.Background(), src, discard{}, bm.cfg)
			if err != nil || res.Messages != uint64(b.N) {
				b.Fatal(res.Messages, err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
		})
	}
}

// BenchmarkPace shows the lateness of messages that are due at a fixed rate.
func BenchmarkPace(b *testing.B) {
	msgs := [][]byte{make([]byte, 36)}
	b.ReportAllocs()
	res, err := Run(context.Background(), &loopSource{msgs: msgs, left: b.N}, discard{}, Config{Rate: 1e6})
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range []float64{50, 99, 99.9} {
		b.ReportMetric(float64(res.Late.ValueAtQuantile(q)), fmt.Sprintf("late-p%g-ns", q))
	}
}
