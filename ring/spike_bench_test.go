//go:build linux

package ring

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkReadNamed is what Next costs a named subscriber that measures latencies, from
// messages that are there: without spikes, with a threshold that no latency reaches, and
// with one that each reaches.
func BenchmarkReadNamed(b *testing.B) {
	for _, c := range []struct {
		name   string
		spikes time.Duration
	}{{"off", 0}, {"below", time.Hour}, {"above", time.Nanosecond}} {
		b.Run(c.name, func(b *testing.B) {
			const at = 4096 // messages in a turn
			dir := shmDir(b)
			p := mustCreate(b, "r", Config{Dir: dir, Capacity: 4 << 20, Heartbeat: -1})
			defer p.Close()
			s := mustOpen(b, "r", Options{Dir: dir, Name: "a", Spikes: c.spikes})
			defer s.Close()
			msg := make([]byte, 48)
			b.ReportAllocs()
			var spent time.Duration
			read := 0
			for b.Loop() {
				for range at {
					if p.Publish(1, msg) != nil {
						b.Fatal("not published")
					}
				}
				start := time.Now()
				for range at {
					if _, st := s.Next(); st != Message {
						b.Fatal(st)
					}
				}
				spent += time.Since(start)
				read += at
			}
			b.ReportMetric(float64(spent)/float64(read), "ns/read")
		})
	}
}

// BenchmarkSpike is what a spike costs the thread that was late, besides the reading: with
// nothing behind it, and with as much as is counted. cpu-ns is the time of the thread
// itself, whatever else the machine does.
func BenchmarkSpike(b *testing.B) {
	for _, behind := range []int{0, spikeFrames + 1} {
		b.Run(fmt.Sprintf("behind=%d", behind), func(b *testing.B) {
			dir := shmDir(b)
			p := mustCreate(b, "r", Config{Dir: dir, Capacity: 4 << 20, Heartbeat: -1})
			defer p.Close()
			s := mustOpen(b, "r", Options{Dir: dir, Name: "a", NoStepOff: true})
			defer s.Close()
			s.recordSpikes(1) // nobody looks beside
			msg := make([]byte, 48)
			for range behind + 1 {
				if p.Publish(1, msg) != nil {
					b.Fatal("not published")
				}
			}
			if _, st := s.Next(); st != Message {
				b.Fatal(st)
			}
			s.next-- // it is in hand
			b.ReportAllocs()
			cpu := threadCPU(b)
			for b.Loop() {
				s.spikes.next = 0
				s.unusual(1000)
			}
			b.ReportMetric(float64(cpu())/float64(b.N), "cpu-ns/spike")
			s.next++
		})
	}
}

// BenchmarkRecorder is what the goroutine beside takes for a look, every 10 ms.
func BenchmarkRecorder(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, err := newRecorder(new(spikeList))
	if err != nil {
		b.Fatal(err)
	}
	defer r.close()
	b.ReportAllocs()
	cpu := threadCPU(b)
	for b.Loop() {
		r.stand(0)
		r.look()
	}
	b.ReportMetric(float64(cpu())/float64(b.N), "cpu-ns/look")
}

// threadCPU returns how long the thread has run since.
func threadCPU(b *testing.B) func() int64 {
	runtime.LockOSThread()
	b.Cleanup(runtime.UnlockOSThread)
	now := func() int64 {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
			b.Fatal(err)
		}
		return ts.Nano()
	}
	start := now()
	return func() int64 { return now() - start }
}
