package itch

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// cpuTimer measures the processor time of the calling thread, which other
// programs on the machine do not add to as they do to the time of the clock.
type cpuTimer struct{ total, began int64 }

func threadTime() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return ts.Nano()
}

func (c *cpuTimer) start() { runtime.LockOSThread(); c.began = threadTime() }
func (c *cpuTimer) stop()  { c.total += threadTime() - c.began; runtime.UnlockOSThread() }

func (c *cpuTimer) report(b *testing.B) {
	b.ReportMetric(float64(c.total)/float64(b.N), "cpu-ns/op")
}
