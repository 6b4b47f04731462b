package affinity

import (
	"fmt"
	"strings"
	"time"

	"github.com/tickring/tickring/internal/text"
)

// What one of these is taken to cost at most, when only their number is known.
const (
	costly  = 20 * time.Microsecond // a page fault or an interrupt; most cost a tenth of it
	costlyD = 20 * time.Millisecond // a page fault for which a disk was read
	costlyS = 2 * time.Millisecond  // softirqs in a row, after which the kernel puts them off to a thread
)

// Explain says what most probably made a thread late by took, and why it is thought so, from
// what happened in a window around that time. For each cause it takes how much of took it
// explains at most: the time that was measured, or the number of events times what one may
// cost. The cause that explains most is the verdict, if that is half of took at least; the
// text names the others too. Nothing counts twice: a throttled thread also has a run
// delay, and one that was stopped or waited for a collection seems to have slept. Of two that
// explain all of it the one decides that a program does not do by itself.
//
// The window is longer than took, so time off the CPU is taken to have fallen into it. What
// remains of took the thread must have run, whoever it was; only that can be "busy".
func Explain(took time.Duration, happened Activity) (Cause, string) {
	happened.forget()
	e := evidence{Activity: happened, took: max(took, 1), half: max(took/2, 1)}
	if e.At < e.half {
		return CauseUnknown, fmt.Sprintf("of the %s, no more than the last %s was watched", ns(took), ns(e.At))
	}
	e.weigh()
	verdict := -1
	for i, c := range e.claims { // of equal ones the earlier
		if c.time >= e.half && (verdict < 0 || c.time > e.claims[verdict].time) {
			verdict = i
		}
	}
	if verdict < 0 {
		why := "nothing that was counted explains half of it within " + ns(e.At) + e.besides(-1)
		return CauseUnknown, why + e.unknown(allKnown&^KnowStood)
	}
	c := e.claims[verdict]
	why := c.why + " within " + ns(e.At) + e.besides(verdict)
	if c.cause == CauseBusy { // which is what is left
		why += e.unknown(allKnown &^ (KnowStood | KnowThrottle | KnowSwitches))
	}
	return c.cause, why
}

// evidence is an Activity to judge by. The window is taken apart: off the CPU the thread
// waited to run (delay), or slept (asleep), or neither is known to be so (lost).
type evidence struct {
	Activity
	half, took time.Duration

	off, delay, asleep, lost time.Duration
	busy                     time.Duration // what of took is not off, so that the thread ran, and is not claimed yet

	claims []claim // those that bring others with them first
}

// claim is how much of took a cause explains.
type claim struct {
	cause Cause
	time  time.Duration
	why   string // a sentence, if it is the verdict
	brief string // a part of one, if it is not
}

func (e *evidence) claim(cause Cause, time time.Duration, why, brief string) {
	if time = min(time, e.took); time > 0 {
		e.claims = append(e.claims, claim{cause, time, why, brief})
	}
}

func (e *evidence) knows(c Counts) bool { return e.Known&c == c }

// foreign says whether the thread is of another process: how long it ran is known up to the
// last timer tick only.
func (e *evidence) foreign() bool { return !e.knows(KnowGo) }

// weigh finds out how much each cause explains.
func (e *evidence) weigh() {
	e.takeApart()
	e.throttled()
	e.stolen()
	e.preempted()
	e.collected()
	e.stopped()
	e.faulted()
	e.slept()
	e.interrupted()
	e.slowed()
	e.ran()
}

func (e *evidence) takeApart() {
	e.delay = min(e.RunDelay, e.At) // it is counted when it ends, and may have begun before
	switch {
	case e.knows(KnowSched):
		e.off = max(e.At-e.OnCPU, e.delay)
		e.asleep = max(e.off-e.RunDelay, 0)
	case !e.knows(KnowSwitches) || e.Voluntary+e.Involuntary > 0: // it was off for how long?
		e.off = e.At
		e.asleep = max(e.Stood, e.StopNs)
		if e.Voluntary > 0 {
			e.asleep = max(e.asleep, e.half)
		}
	}
	neverSlept := e.knows(KnowSwitches) && e.Voluntary == 0
	switch {
	case !e.knows(KnowSched):
	case !e.foreign():
		if neverSlept {
			e.lost, e.asleep = e.asleep, 0
		}
	case neverSlept:
		e.asleep = 0
		if e.OnCPU >= e.half {
			e.off = e.delay // it is running yet
		}
	default:
		e.asleep = max(e.asleep-e.tick(), 0)
	}
	e.busy = e.took - min(e.took, e.off)
}

// tick is how long a timer tick is in coming, at most.
func (e *evidence) tick() time.Duration {
	const slowest = 10 * time.Millisecond
	if e.Timer == 0 {
		return slowest
	}
	return min(slowest, e.At/time.Duration(min(e.Timer, 1<<30)))
}

func (e *evidence) throttled() {
	d := e.Throttled
	if e.knows(KnowSched) {
		d = min(d, e.delay)
		e.delay -= d
	}
	e.claim(CauseThrottled, d, fmt.Sprintf("the CPU quota of its cgroup was used up %s, for %s on all CPUs together,", times(e.Throttles), ns(e.Throttled)),
		"throttled for "+ns(d))
}

// stolen: steal moves in steps of 10 ms. One alone explains nothing shorter than that, but a
// thread that did not leave the CPU and yet did not run had it taken away.
func (e *evidence) stolen() {
	const step = 10 * time.Millisecond
	d := min(e.Steal, e.lost)
	e.lost -= d
	if e.took >= step {
		more := min(e.Steal-d, e.busy)
		e.busy -= more
		d += more
	}
	e.claim(CauseSteal, d, fmt.Sprintf("the hypervisor ran somebody else on CPU %d for about %s (counted in steps of 10 ms)", e.CPU, ns(e.Steal)),
		"about "+ns(d)+" of steal")
}

func (e *evidence) preempted() {
	e.claim(CausePreempted, e.delay, fmt.Sprintf("other tasks had the CPU for %s while the thread could have run, and it was sent off %s", ns(e.delay), times(e.Involuntary)),
		"preempted for "+ns(e.delay))
}

// collected: a thread of Go's sleeps while the world is stopped, or runs to help.
func (e *evidence) collected() {
	kept := min(e.StopNs, e.asleep)
	helped := min(e.StopNs-kept, e.busy)
	e.asleep -= kept
	e.busy -= helped
	e.claim(CauseGC, kept+helped, fmt.Sprintf("the Go runtime ended %s and stopped the world %s, which can have kept the thread for %s,", e.collections(), times(e.Stops), ns(kept+helped)),
		fmt.Sprintf("%s, for %s at most", e.collections(), ns(kept+helped)))
}

func (e *evidence) collections() string {
	return text.CountOf(e.GCs, "garbage collection", "garbage collections")
}

func (e *evidence) stopped() {
	d := min(e.Stood, e.asleep)
	e.asleep -= d
	how := "the whole process stood still for "
	if e.foreign() && e.knows(KnowSched) {
		how = "each look found the thread stopped, for at least "
	}
	e.claim(CauseStopped, d, how+ns(d)+", as after SIGSTOP, under a debugger or in a frozen cgroup,", "stopped for "+ns(d))
}

func (e *evidence) faulted() {
	disk := min(time.Duration(min(e.MajorFaults, 1<<30))*costlyD, e.asleep)
	e.asleep -= disk
	other := min(time.Duration(min(e.MinorFaults, 1<<30))*costly, e.busy)
	e.busy -= other
	what := text.CountOf(e.MinorFaults, "page fault", "page faults")
	if e.MajorFaults > 0 {
		what += fmt.Sprintf(", and %d more for which a disk was read,", e.MajorFaults)
	}
	e.claim(CauseFault, disk+other, "the thread took "+what, text.CountOf(e.MinorFaults+e.MajorFaults, "page fault", "page faults"))
}

func (e *evidence) slept() {
	if !e.knows(KnowSwitches) {
		return // it may have been lost
	}
	why := "the thread slept or waited " + times(e.Voluntary)
	if e.knows(KnowSched) {
		why += ", for " + ns(e.asleep)
	}
	e.claim(CauseSlept, e.asleep, why, "asleep for "+ns(e.asleep))
}

func (e *evidence) interrupted() {
	// Ticks are spread evenly; others may all have come at the moment in question.
	ticks := e.Timer
	if e.At > e.took {
		ticks = uint64(float64(e.Timer)*float64(e.took)/float64(e.At)) + min(e.Timer, 1)
	}
	others := min(e.Interrupts, 1<<30) + min(e.Softirqs, 1<<30)
	d := min(time.Duration(min(ticks, 1<<30)+others)*costly, e.busy)
	e.busy -= d
	why := fmt.Sprintf("CPU %d took %s, %s and %s", e.CPU, text.CountOf(e.Interrupts, "interrupt", "interrupts"), text.CountOf(e.Timer, "timer tick", "timer ticks"), text.CountOf(e.Softirqs, "softirq", "softirqs"))
	if e.lost >= e.half && time.Duration(others)*costlyS >= e.lost {
		d, why = e.lost, why+", and "+e.lostText()+","
	}
	e.claim(CauseInterrupt, d, why, text.CountOf(e.Interrupts+e.Softirqs, "interrupt", "interrupts"))
}

func (e *evidence) lostText() string {
	return fmt.Sprintf("neither the thread nor another task had the CPU for %s", ns(e.lost))
}

func (e *evidence) slowed() {
	low, high := min(e.KHz, e.KHzBefore), max(e.KHz, e.KHzBefore)
	if low == 0 || high-low <= low/4 { // a rate that is measured is never twice the same
		return
	}
	slower := time.Duration(float64(e.busy) * float64(high-low) / float64(high))
	e.busy -= slower
	rates := fmt.Sprintf("the clock of CPU %d went from %d MHz to %d MHz", e.CPU, e.KHzBefore/1000, e.KHz/1000)
	e.claim(CauseFrequency, slower, rates, rates)
}

func (e *evidence) ran() {
	why := "the thread did not leave the CPU: it was its own work, or more messages than it can read,"
	if e.Stood >= e.half {
		why = "the thread did not leave the CPU, but the watcher was late too, so the machine may have stood still,"
	}
	e.claim(CauseBusy, e.busy, why, "it ran for "+ns(e.busy))
}

// besides tells of the claims that are worth it, but for one.
func (e *evidence) besides(verdict int) string {
	var list []string
	collections := e.GCs > 0
	for i, c := range e.claims {
		worth := c.time >= e.took/8
		if worth && i != verdict {
			list = append(list, c.brief)
		}
		collections = collections && !(c.cause == CauseGC && (worth || i == verdict))
	}
	if collections {
		list = append(list, e.collections())
	}
	if e.lost >= e.half && (verdict < 0 || e.claims[verdict].cause != CauseInterrupt) {
		list = append(list, e.lostText())
	}
	if len(list) == 0 {
		return ""
	}
	return "; also " + strings.Join(list, ", ")
}

// unknown tells which of the counts nobody could read.
func (e *evidence) unknown(of Counts) string {
	if of &^= e.Known; of == 0 {
		return ""
	}
	return "; unknown: " + strings.ReplaceAll(of.String(), ",", ", ")
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
