package ring

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/tick"
)

// futexes says whether this system has them.
const futexes = true

// Of linux/futex.h.
const (
	futexOpWait = 0
	futexOpWake = 1

	futexSizeU32 = 0x02
	futexPrivate = 0x80

	futexWaitMax = 128 // words that one wait can be for
)

// futexWaiter is struct futex_waitv: the wait ends if the word at addr is not, or not
// any more, val.
type futexWaiter struct {
	val   uint64
	addr  uint64
	flags uint32
	_     uint32
}

// waitOn is a waiter for a word in shared memory, which a read-only mapping will do for;
// waitOnOwn for one that only this process knows. The caller keeps the word alive.
func waitOn(word *uint32, val uint32) futexWaiter {
	return futexWaiter{val: uint64(val), addr: uint64(uintptr(unsafe.Pointer(word))), flags: futexSizeU32}
}

func waitOnOwn(word *uint32, val uint32) futexWaiter {
	w := waitOn(word, val)
	w.flags |= futexPrivate
	return w
}

// woken is how a wait ended.
type woken uint8

const (
	wokenUp   woken = iota // by a wake, or a signal, or the word had another value
	timedOut               // nothing happened
	noWaiting              // the system cannot wait for this; nothing was waited for
)

// futexWait waits until one of the words has another value or is woken, for d at most.
// It takes an OS thread.
func futexWait(words []futexWaiter, d time.Duration) woken {
	until := unix.NsecToTimespec(int64(tick.Mono()) + int64(d))
	_, _, err := unix.Syscall6(unix.SYS_FUTEX_WAITV, uintptr(unsafe.Pointer(&words[0])), uintptr(len(words)), 0,
		uintptr(unsafe.Pointer(&until)), unix.CLOCK_MONOTONIC, 0)
	runtime.KeepAlive(words)
	return wokenBy(err)
}

// futexWaitOne is futexWait for one word and without futex_waitv, which came with
// Linux 5.16.
func futexWaitOne(w *futexWaiter, d time.Duration) woken {
	limit := unix.NsecToTimespec(int64(d))
	_, _, err := unix.Syscall6(unix.SYS_FUTEX, uintptr(w.addr), futexOpWait|uintptr(w.flags&futexPrivate), uintptr(w.val),
		uintptr(unsafe.Pointer(&limit)), 0, 0)
	return wokenBy(err)
}

func wokenBy(err unix.Errno) woken {
	switch err {
	case 0, unix.EAGAIN, unix.EINTR:
		return wokenUp
	case unix.ETIMEDOUT:
		return timedOut
	}
	// ENOSYS, or EPERM of a sandbox that does not know the call; EFAULT of a file
	// that was cut short.
	return noWaiting
}

// futexWake wakes all who wait for a word in shared memory.
func futexWake(word *uint32) { wakeWaiters(word, 0) }

// futexWakeOwn is futexWake for a word that only this process knows.
func futexWakeOwn(word *uint32) { wakeWaiters(word, futexPrivate) }

func wakeWaiters(word *uint32, flags uintptr) {
	unix.Syscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWake|flags, 1<<31-1)
}
