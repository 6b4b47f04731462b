//go:build linux

package ring

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	roles["bench.wait"] = benchWait
	roles["bench.wake"] = benchWake
}

// used is the CPU time of this process.
func used() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchWaits are the ways to wait that are measured.
var benchWaits = map[string]func() (WaitStrategy, error){
	"spin":       func() (WaitStrategy, error) { return Spin{}, nil },
	"yield":      func() (WaitStrategy, error) { return Yield{}, nil },
	"backoff":    func() (WaitStrategy, error) { return Backoff{}, nil },
	"backoff100": func() (WaitStrategy, error) { return Backoff{Sleep: 100 * time.Microsecond}, nil },
	"sleeper":    func() (WaitStrategy, error) { return NewSleeper(SleepOptions{}) },
}

// benchWait reads to the end and says what that took of a CPU: args are dir, the strategy
// and the CPU.
func benchWait(args []string) error {
	w, err := benchWaits[args[1]]()
	if err != nil {
		return err
	}
	if cpu, err := strconv.Atoi(args[2]); err == nil {
		pinTo(cpu)
	}
	s, err := Open("r", Options{Dir: args[0], Name: "s"})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	before := used()
	for {
		_, st, err := s.NextWait(context.Background(), w)
		if st == Closed {
			break
		}
		if st != Message && st != Gap {
			return errors.Join(err, s.Err())
		}
	}
	fmt.Println(int64(used() - before))
	return s.Close()
}

// benchWake wakes until it gets a line, and says what that took of a CPU: args are dir, the
// strategy, empty for the default, and the CPU.
func benchWake(args []string) error {
	opt := WakerOptions{Dir: args[0], Notify: func(WakerState) { fmt.Println("ready") }}
	if args[1] == "spin" {
		opt.Wait = Spin{}
	}
	if cpu, err := strconv.Atoi(args[2]); err == nil {
		pinTo(cpu)
	}
	w, err := NewWaker("r", opt)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		awaitLine()
		cancel()
	}()
	before := used()
	if err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Println(int64(used() - before))
	return nil
}

// percentOf reports the CPU time that a process says it took.
func percentOf(b *testing.B, c *child, elapsed time.Duration, unit string) {
	ns, err := strconv.ParseInt(c.line(), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(100*float64(ns)/float64(elapsed), unit)
	c.wait()
}

// BenchmarkWakeUp: one message a millisecond to one subscriber, from publish to read, and
// what waiting takes of a CPU. Run it with -benchtime 500x or so.
func BenchmarkWakeUp(b *testing.B) { benchWaiting(b, time.Millisecond) }

// BenchmarkSilence: the same with one message a second, for -benchtime 2x.
func BenchmarkSilence(b *testing.B) { benchWaiting(b, time.Second) }

func benchWaiting(b *testing.B, every time.Duration) {
	for _, c := range []struct {
		wait   string
		inside WaitStrategy // of a waker beside the publisher; nil: none
		waker  string       // strategy of a waker process; empty: none
	}{
		{wait: "spin"},
		{wait: "yield"},
		{wait: "backoff"},
		{wait: "backoff100"},
		{wait: "sleeper"},
		{wait: "sleeper", inside: defaultWakerWait()},
		{wait: "sleeper", inside: Spin{}},
		{wait: "sleeper", waker: "default"},
		{wait: "sleeper", waker: "spin"},
	} {
		name := c.wait
		switch {
		case c.inside == Spin{}:
			name += "/inside-spin"
		case c.inside != nil:
			name += "/inside"
		case c.waker != "":
			name += "/process-" + c.waker
		}
		b.Run(name, func(b *testing.B) {
			dir := shmDir(b)
			cfg := Config{Dir: dir, Capacity: 1 << 20, Waker: c.inside != nil, WakerWait: c.inside}
			p := mustCreate(b, "r", cfg)
			var waker *child
			if c.waker != "" {
				waker = start(b, "bench.wake", dir, c.waker, "")
				waker.line()
			}
			sub := start(b, "bench.wait", dir, c.wait, "")
			sub.line()
			msg := make([]byte, 56)
			before := used()
			b.ResetTimer()
			for range b.N {
				pause(every)
				if err := p.Publish(0, msg); err != nil {
					b.Fatal(err)
				}
			}
			elapsed := b.Elapsed()
			mine := used() - before
			p.Close()
			percentOf(b, sub, elapsed, "sub-cpu-%")
			if waker != nil {
				waker.say("")
				percentOf(b, waker, elapsed, "waker-cpu-%")
			}
			b.ReportMetric(100*float64(mine)/float64(elapsed), "pub-cpu-%")
			s := mustStat(b, dir, "r").Subscribers[0]
			b.ReportMetric(float64(s.Latency.ValueAtQuantile(50)), "p50-ns")
			b.ReportMetric(float64(s.Latency.ValueAtQuantile(99)), "p99-ns")
			b.ReportMetric(float64(s.Sleeps)/float64(b.N), "sleeps/op")
		})
	}
}

// BenchmarkPublishWatched: what publishing costs with sleepers and wakers on the other CPU.
func BenchmarkPublishWatched(b *testing.B) {
	for _, c := range []struct {
		name     string
		waker    string
		sleepers int
	}{
		{"alone", "", 0},
		{"waker", "default", 0},
		{"waker-spin", "spin", 0},
		{"sleeper", "", 1},
		{"waker-sleeper", "default", 1},
		{"waker-spin-sleeper", "spin", 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := shmDir(b)
			p := mustCreate(b, "r", Config{Dir: dir, Capacity: 1 << 20})
			var waker *child
			if c.waker != "" {
				waker = start(b, "bench.wake", dir, c.waker, "1")
				waker.line()
			}
			for range c.sleepers {
				start(b, "bench.wait", dir, "sleeper", "1").line()
			}
			pinTo(0)
			msg := make([]byte, 56)
			// Bursts, so that sleepers sleep between them.
			const burst = 1000
			b.ResetTimer()
			for i := 0; i < b.N; i += burst {
				b.StopTimer()
				pause(200 * time.Microsecond)
				b.StartTimer()
				for range min(burst, b.N-i) {
					if err := p.Publish(0, msg); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
