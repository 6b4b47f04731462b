package bench

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// processTime is the CPU time that this process has taken.
func processTime() (time.Duration, error) { return usedBy(unix.RUSAGE_SELF) }

// threadTime is the CPU time that this thread has taken.
func threadTime() (time.Duration, error) { return usedBy(unix.RUSAGE_THREAD) }

func usedBy(who int) (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// pause sleeps on this thread. time.Sleep would let another one take the time, and with it
// CPU time that is no waker's.
func pause(d time.Duration) {
	for t := unix.NsecToTimespec(d.Nanoseconds()); unix.Nanosleep(&t, &t) == unix.EINTR; {
	}
}
