package tick

import "golang.org/x/sys/unix"

// Mono reads CLOCK_MONOTONIC in ns: the one clock that all processes of a host
// share and that no one steps. It is a system call; never on a hot path.
func Mono() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0 // cannot fail with these arguments
	}
	return uint64(ts.Nano())
}
