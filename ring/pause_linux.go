package ring

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pause sleeps for about d, or until a signal. time.Sleep rounds what is below a
// millisecond up to it when the process has nothing else to do.
func pause(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}

// shortNap is up to how long a sleep may hold up Go's runtime.
const shortNap = 100 * time.Microsecond

// nap is pause for those who sleep again and again; it is the nth sleep in a row. A short
// one takes half of the CPU time if the runtime does not know of it, and so does not begin
// to watch over the thread; but it waits for its end then when it has to stop the world.
// It knows of some, so that other goroutines come to this thread's processor.
func nap(d time.Duration, nth int) {
	if d > shortNap || nth%8 == 0 {
		pause(d)
		return
	}
	t := unix.NsecToTimespec(int64(d))
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}
