//go:build linux

package ring

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// cpuTime reports the CPU time of this thread per operation, which does not count what
// others do on a busy machine.
func cpuTime(b *testing.B) func() {
	runtime.LockOSThread()
	now := func() int64 {
		var t unix.Timespec
		unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
		return t.Nano()
	}
	began := now()
	return func() {
		b.ReportMetric(float64(now()-began)/float64(b.N), "cpu-ns/op")
		runtime.UnlockOSThread()
	}
}

// BenchmarkPollerIdle: a poll that finds nothing.
func BenchmarkPollerIdle(b *testing.B) {
	for _, n := range []int{1, 10, 100, 300} {
		_, subs := polledRings(b, shmDir(b), n)
		b.Run(fmt.Sprint("rings=", n), func(b *testing.B) {
			var p Poller
			for _, s := range subs {
				p.Add(s, 0)
			}
			b.ReportAllocs()
			defer cpuTime(b)()
			for b.Loop() {
				if _, _, st := p.Next(); st != Empty {
					b.Fatal(st)
				}
			}
		})
		b.Run(fmt.Sprint("rings=", n, "/each"), func(b *testing.B) {
			defer cpuTime(b)()
			for b.Loop() {
				for _, s := range subs {
					if _, st := s.Next(); st != Empty {
						b.Fatal(st)
					}
				}
			}
		})
	}
}

// BenchmarkPollerBusy: messages of one ring, or of all, among idle ones.
func BenchmarkPollerBusy(b *testing.B) {
	for _, n := range []int{1, 10, 100, 300} {
		pubs, subs := polledRings(b, shmDir(b), n)
		for _, busy := range slices.Compact([]int{1, n}) {
			b.Run(fmt.Sprint("rings=", n, "/busy=", busy), func(b *testing.B) {
				var p Poller
				for _, s := range subs {
					p.Add(s, 0)
				}
				msg := make([]byte, 56)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if i == 0 {
						b.StopTimer()
						for i = range 1000 {
							pubs[i%busy].Publish(0, msg)
						}
						i = 1000
						b.StartTimer()
					}
					i--
					if _, _, st := p.Next(); st != Message {
						b.Fatal(st)
					}
				}
			})
		}
	}
}
