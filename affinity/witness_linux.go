package affinity

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime reads the CPU time clock of a thread of this process, whose number is made
// as clock_getcpuclockid(3) does it: the bits of the thread's inverted, then "of a
// thread" (4) and "as the scheduler counts" (2).
func threadTime(tid int) (time.Duration, bool) {
	var ts unix.Timespec
	if unix.ClockGettime(int32(^tid)<<3|4|2, &ts) != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}
