package ring

import (
	"time"

	"golang.org/x/sys/unix"
)

// An obituary wakes a standby as soon as the process that seems to publish has ended,
// instead of at its next poll. It goes by the pid in the ring's header, which may be
// stale or of another PID namespace: then it wakes for nothing or not at all, and the
// standby polls. The zero value knows of no process.
type obituary struct {
	pid   uint64
	pidfd int // 0: none
}

// of says whose end is awaited.
func (o *obituary) of(pid uint64) {
	if pid == o.pid {
		return
	}
	o.close()
	o.pid = pid
	if fd, err := unix.PidfdOpen(int(pid), 0); err == nil {
		o.pidfd = fd
	}
}

// wait returns after about d, or when the process has ended, or at a signal.
func (o *obituary) wait(d time.Duration) {
	if o.pidfd == 0 {
		pause(d)
		return
	}
	fds := []unix.PollFd{{Fd: int32(o.pidfd), Events: unix.POLLIN}}
	t := unix.NsecToTimespec(int64(d))
	if n, err := unix.Ppoll(fds, &t, nil); err == nil && n > 0 {
		o.close() // once is enough: whoever has the ring now is another
	}
}

func (o *obituary) close() {
	if o.pidfd != 0 {
		unix.Close(o.pidfd)
		o.pidfd = 0
	}
}
