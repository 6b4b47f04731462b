package affinity

import (
	"fmt"

	"github.com/tickring/tickring/internal/procfs"
)

// Cause is what most probably made a thread late. Its text and JSON form is a word.
type Cause uint8

const (
	CauseUnknown   Cause = iota // nothing that was counted explains it
	CauseStopped                // the whole process stood still: SIGSTOP, a debugger, a frozen cgroup
	CauseThrottled              // the cgroup's CPU quota was used up
	CauseSteal                  // the hypervisor ran somebody else on the CPU
	CauseGC                     // a Go garbage collection or another stop of the world
	CausePreempted              // another task had the CPU
	CauseSlept                  // the thread slept or waited: a system call, a lock, a wait strategy
	CauseFault                  // page faults
	CauseInterrupt              // interrupts or softirqs on the CPU
	CauseFrequency              // the CPU's clock rate changed
	CauseBusy                   // the thread ran all the time: the program itself took that long
)

// String returns the word; "unknown" for a number that is no Cause.
func (c Cause) String() string {
	words := [...]string{"unknown", "stopped", "throttled", "steal", "gc", "preempted", "slept", "fault", "interrupt", "frequency", "busy"}
	if int(c) >= len(words) {
		return words[CauseUnknown]
	}
	return words[c]
}

func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the word. The error wraps ErrSyntax.
func (c *Cause) UnmarshalText(b []byte) error {
	for k := CauseUnknown; k <= CauseBusy; k++ {
		if k.String() == string(b) {
			*c = k
			return nil
		}
	}
	return fmt.Errorf("affinity: there is no cause called %s: %w", procfs.Excerpt(string(b)), ErrSyntax)
}
