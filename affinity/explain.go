package affinity

import (
	"fmt"
	"strings"
	"time"

	"github.com/tickring/tickring/internal/text"
)

// costly is the most that one page fault or one interrupt is taken to cost, when only
// their number is known. Most cost a tenth of it.
const costly = 20 * time.Microsecond

// Explain says what most probably made a thread late by took, and why it is thought so in
// one sentence, from what happened in a window around that time. A count tells that
// something happened in the window, and a duration how much of took it explains; the
// verdict never claims more than that.
//
// A duration of at least half of took decides, those first that bring others with
// them: to a throttled thread the scheduler counts a run delay as well, and a thread of a
// stopped process seems to have slept. Counts decide only when no duration does, and
// "busy" is said only of a thread that did not leave the CPU for half of took.
func Explain(took time.Duration, happened Activity) (Cause, string) {
	happened.forget()
	e := evidence{happened, max(took/2, 1), max(took, 1)}
	if e.At < e.half {
		return CauseUnknown, fmt.Sprintf("of the %s, no more than the last %s was watched", ns(took), ns(e.At))
	}
	for _, verdict := range []func(*evidence) (Cause, string){
		// by durations
		(*evidence).throttled, (*evidence).stolen, (*evidence).halted, (*evidence).preempted, (*evidence).stopped,
		// by counts
		(*evidence).collected, (*evidence).slept, (*evidence).faults, (*evidence).interrupted, (*evidence).frequency, (*evidence).busy,
	} {
		if c, why := verdict(&e); c != CauseUnknown {
			return c, why + " within " + ns(e.At)
		}
	}
	why := "nothing that was counted explains it within " + ns(e.At)
	if e.lost() {
		why += ", though " + e.lostText()
	}
	if unknown := (allKnown &^ KnowStood) &^ e.Known; unknown != 0 {
		why += "; unknown: " + strings.ReplaceAll(unknown.String(), ",", ", ")
	}
	return CauseUnknown, why
}

// evidence is an Activity to judge by.
type evidence struct {
	Activity
	half, took time.Duration
}

func (e *evidence) knows(c Counts) bool { return e.Known&c == c }

// asleep is how long the thread neither ran nor wanted to.
func (e *evidence) asleep() time.Duration { return e.At - e.OnCPU - e.RunDelay }

// ran tells whether the thread was on the CPU for more than half of took. Counts of
// switches are exact; how long a thread of another process ran is some ms old.
func (e *evidence) ran() bool {
	if e.lost() {
		return false
	}
	if e.knows(KnowSched) && e.At-e.OnCPU < e.half {
		return true
	}
	// A thread without a switch may have slept all the time, too.
	return e.knows(KnowSwitches) && e.Voluntary == 0 && (e.Involuntary == 0 || e.knows(KnowSched) && e.RunDelay < e.half) &&
		(!e.knows(KnowSched) || e.OnCPU >= e.half)
}

func (e *evidence) throttled() (Cause, string) {
	if e.Throttled < e.half || e.ran() {
		return CauseUnknown, ""
	}
	return CauseThrottled, fmt.Sprintf("the CPU quota of its cgroup was used up %s, for %s on all CPUs together", times(e.Throttles), ns(e.Throttled))
}

func (e *evidence) stolen() (Cause, string) {
	// Steal moves in steps of 10 ms: one alone explains nothing shorter than that. But
	// a thread that did not leave the CPU and yet did not run had it taken away.
	const step = 10 * time.Millisecond
	if e.Steal < e.half || e.took < step && !e.lost() {
		return CauseUnknown, ""
	}
	return CauseSteal, fmt.Sprintf("the hypervisor ran somebody else on CPU %d for about %s (counted in steps of 10 ms)", e.CPU, ns(e.Steal))
}

// lost tells whether neither the thread nor sleep nor another task had half of took. Only
// of the own process is it known exactly how long a thread ran.
func (e *evidence) lost() bool {
	return e.knows(KnowSched|KnowSwitches|KnowGo) && e.Voluntary == 0 && e.asleep() >= e.half
}

func (e *evidence) halted() (Cause, string) {
	if e.StopNs < e.half || e.ran() { // a thread of Go's sleeps while the world is stopped
		return CauseUnknown, ""
	}
	return CauseGC, e.goText()
}

// collected is for what a collection does to a thread besides stopping the world: it
// waits for the workers or has to help them, for which there is no duration.
func (e *evidence) collected() (Cause, string) {
	if e.GCs == 0 || e.MajorFaults > 0 || e.ran() && e.manyFaults() {
		return CauseUnknown, ""
	}
	return CauseGC, e.goText()
}

func (e *evidence) goText() string {
	return fmt.Sprintf("the Go runtime stopped the world %s, for about %s, and ended %s,", times(e.Stops), ns(e.StopNs), text.CountOf(e.GCs, "garbage collection", "garbage collections"))
}

func (e *evidence) preempted() (Cause, string) {
	if e.RunDelay < e.half || e.standing() > e.RunDelay {
		return CauseUnknown, ""
	}
	delay := min(e.RunDelay, e.At) // it is counted when it ends, and may have begun before
	return CausePreempted, fmt.Sprintf("other tasks had the CPU for %s while the thread could have run, and it was sent off %s", ns(delay), times(e.Involuntary))
}

// standing is how long thread and watcher stood still together.
func (e *evidence) standing() time.Duration {
	if !e.knows(KnowSched) {
		return e.Stood
	}
	return min(e.Stood, e.asleep())
}

func (e *evidence) stopped() (Cause, string) {
	// A stop is a voluntary switch to the kernel, as is the wait of a frozen cgroup.
	if e.standing() < e.half || e.knows(KnowSwitches) && e.Voluntary == 0 {
		return CauseUnknown, ""
	}
	return CauseStopped, fmt.Sprintf("the whole process stood still for %s, as after SIGSTOP, under a debugger or in a frozen cgroup,", ns(e.standing()))
}

func (e *evidence) slept() (Cause, string) {
	switch {
	case e.ran() || e.Voluntary == 0 || e.knows(KnowSched) && e.asleep() < e.half:
		return CauseUnknown, ""
	case e.MajorFaults > 0: // it slept until the disk had answered
		return e.faults()
	case e.knows(KnowSched):
		return CauseSlept, fmt.Sprintf("the thread slept or waited %s, for %s", times(e.Voluntary), ns(e.asleep()))
	}
	return CauseSlept, fmt.Sprintf("the thread slept or waited %s", times(e.Voluntary))
}

func (e *evidence) faults() (Cause, string) {
	if e.MajorFaults == 0 && !e.manyFaults() {
		return CauseUnknown, ""
	}
	why := "the thread took " + text.CountOf(e.MinorFaults, "page fault", "page faults")
	if e.MajorFaults > 0 {
		why += fmt.Sprintf(", and %d more for which a disk was read,", e.MajorFaults)
	}
	return CauseFault, why
}

func (e *evidence) manyFaults() bool {
	return time.Duration(min(e.MinorFaults, 1<<30))*costly >= e.half
}

func (e *evidence) interrupted() (Cause, string) {
	// Ticks are spread evenly; others may all have come at the moment in question.
	ticks := e.Timer
	if e.At > e.took {
		ticks = uint64(float64(e.Timer)*float64(e.took)/float64(e.At)) + min(e.Timer, 1)
	}
	others := e.Interrupts + e.Softirqs
	enough := time.Duration(min(ticks+others, 1<<30))*costly >= e.half
	longest := time.Duration(min(others, 1<<30)) * 2 * time.Millisecond // after which softirqs are put off to a thread
	if others+e.Timer == 0 || !enough && !(e.lost() && longest >= e.asleep()) {
		return CauseUnknown, ""
	}
	why := fmt.Sprintf("CPU %d took %s, %s and %s", e.CPU, text.CountOf(e.Interrupts, "interrupt", "interrupts"), text.CountOf(e.Timer, "timer tick", "timer ticks"), text.CountOf(e.Softirqs, "softirq", "softirqs"))
	if e.lost() {
		why += ", and " + e.lostText() + ","
	}
	return CauseInterrupt, why
}

func (e *evidence) lostText() string {
	return fmt.Sprintf("neither the thread nor another task had the CPU for %s", ns(e.asleep()))
}

func (e *evidence) frequency() (Cause, string) {
	low, high := min(e.KHz, e.KHzBefore), max(e.KHz, e.KHzBefore)
	if high-low <= low/4 { // a rate that is measured is never twice the same
		return CauseUnknown, ""
	}
	return CauseFrequency, fmt.Sprintf("the clock of CPU %d went from %d MHz to %d MHz", e.CPU, e.KHzBefore/1000, e.KHz/1000)
}

func (e *evidence) busy() (Cause, string) {
	if !e.ran() {
		return CauseUnknown, ""
	}
	why := "the thread did not leave the CPU: it was its own work, or more messages than it can read,"
	if e.Stood >= e.half {
		why = "the thread did not leave the CPU, but the watcher was late too, so the machine may have stood still,"
	}
	return CauseBusy, why
}

func times(n uint64) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return text.Count(n) + " times"
}

func ns(d time.Duration) string { return text.Ns(int64(d)) }
