package ring

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// where is the calling thread and the CPU that it runs on, -1 if that is not known.
func (w *spikeWriter) where() (tid, cpu int) {
	// Into the heap: the kernel's pointer to a variable of this function would be an allocation.
	_, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&w.cpu)), 0, 0)
	if errno != 0 {
		return unix.Gettid(), -1
	}
	return unix.Gettid(), int(w.cpu)
}

// processTime is how long all threads of this process have run.
func processTime() (ran time.Duration, ok bool) {
	var ts unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano()), err == nil
}
