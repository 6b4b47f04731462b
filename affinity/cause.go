package affinity

import "time"

// Cause is what most probably made a thread late.
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

func (c Cause) String() string {
	return [...]string{"unknown", "stopped", "throttled", "steal", "gc", "preempted", "slept", "fault", "interrupt", "frequency", "busy"}[c]
}

// Explain says what most probably made a thread late by took, and why it is thought so in
// one sentence, from what happened in a window around that time. A count tells that
// something happened in the window, and a duration how much of took it explains; the
// verdict never claims more than that.
func Explain(took time.Duration, happened Activity) (Cause, string) { panic("to be written") }
