package mmap

import (
	"runtime"
	"runtime/debug"
)

// Guard runs fn and returns its error. A memory fault inside fn, which would
// otherwise end the process, ends only fn: Guard then returns a [*FaultError],
// for which errors.Is(err, ErrFault) holds. That is what happens after somebody
// has made a mapped file shorter (SIGBUS), or at a store into a read-only mapping
// (SIGSEGV).
//
// Everything else passes through: nil dereferences and all other panics go on
// panicking with their value, runtime.Goexit goes on exiting.
//
// Guard covers the goroutine it is called on, not those that fn starts. It
// costs some 20 ns: put a batch of work or a whole session into fn, not one
// message. What fn was changing when the fault hit stays as it was at that
// moment: locks of other packages stay locked unless fn defers the unlock.
// Assembly called from fn must not have moved the stack pointer when it faults. The race
// detector's own atomic operations run on another stack: a fault inside one of them,
// and so in sync/atomic in a build with -race, ends the process.
func Guard(fn func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		switch p := recover().(type) {
		case nil:
		case faulter:
			err = &FaultError{Addr: p.Addr()}
		default:
			panic(p)
		}
	}()
	return fn()
}

// faulter is the runtime's error for a fault under SetPanicOnFault. The errors
// of nil dereferences, and all other runtime errors, have no Addr.
type faulter interface {
	runtime.Error
	Addr() uintptr
}
