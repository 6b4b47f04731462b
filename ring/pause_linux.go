package ring

import (
	"time"

	"golang.org/x/sys/unix"
)

// pause sleeps for about d, or until a signal. time.Sleep rounds what is below a
// millisecond up to it when the process has nothing else to do.
func pause(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}
