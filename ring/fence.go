package ring

import (
	"context"
	"fmt"
)

// FenceOptions say whom [Fence] may end.
type FenceOptions struct {
	// Force ends whoever holds the ring. False: only a publisher that is hung, whose
	// heart has not beaten for ten intervals and a second at least.
	Force bool
}

// Fenced is what [Fence] did.
type Fenced struct {
	// Ended are the processes that held the ring and were killed. None: nobody held it.
	Ended []Process
	// Publisher is the state of the ring's publisher afterwards: Dead, or Ended if it
	// had closed the ring; Live if a standby has gone on already.
	Publisher Life
}

// Process is a process as this one sees it.
type Process struct {
	PID  int    // in this process's PID namespace
	Name string // of its program, as ps shows it
}

func (p Process) String() string { return fmt.Sprintf("process %d (%s)", p.PID, p.Name) }

// Fence ends the publisher of a ring that holds it and does not let go of it, because it
// is stopped, in a debugger, or stuck, so that another can go on. It returns when the
// ring is free, or has the next publisher already; dir is empty for [DefaultDir].
//
// It looks for the processes that hold the lock of the ring: the publisher and
// whoever has inherited the lock from it. They are killed (SIGKILL), and nobody else can
// be: that a number is that of another process by now is found out, and pids that stand
// in the ring's header are not used. A process of which it cannot be seen that it holds the
// lock is not ended.
//
// Errors: [ErrPublisherActive] if the publisher is not hung and Force is not set;
// [ErrHidden] if the holder cannot be seen from here; [ErrNoRing]; the cause of ctx,
// which ends the waiting for a process that does not die in time; those of package mmap.
func Fence(ctx context.Context, dir, name string, o FenceOptions) (Fenced, error) {
	var done Fenced
	ps, err := pathsOf(dir, name)
	if err == nil {
		err = ps.check(0)
	}
	if err == nil {
		done, err = fence(ctx, ps, o)
	}
	if err != nil {
		return done, fmt.Errorf("ring: fence %q: %w", name, err)
	}
	return done, nil
}
