package affinity

import "time"

// Activity is what the kernel and the Go runtime have counted, up to a moment, for a
// thread, its CPU and its process. One alone says little; the difference of two says
// what happened between them.
//
// A count that could not be read is 0, and not in Known: it is unknown, never none.
type Activity struct {
	At    time.Duration `json:"at_ns"` // CLOCK_MONOTONIC; of a difference: how long it covers
	CPU   int           `json:"cpu"`   // that the thread ran on last, -1 unknown
	Known Counts        `json:"known"` // which of the following mean anything

	// The thread.
	OnCPU       time.Duration `json:"on_cpu_ns"`    // it ran; of another process, until the last timer tick or switch
	RunDelay    time.Duration `json:"run_delay_ns"` // it could have run and did not: another task had the CPU, or its quota was used up
	Voluntary   uint64        `json:"voluntary"`    // context switches: it slept or waited; of a difference, a sleep that it begins in counts too
	Involuntary uint64        `json:"involuntary"`  // context switches: it was sent off the CPU
	MinorFaults uint64        `json:"minor_faults"` // page faults without reading a disk
	MajorFaults uint64        `json:"major_faults"`

	// The CPU.
	Interrupts uint64        `json:"interrupts"` // all but the timer's
	Timer      uint64        `json:"timer"`      // local timer interrupts
	Softirqs   uint64        `json:"softirqs"`
	Steal      time.Duration `json:"steal_ns"` // the hypervisor ran somebody else; in steps of 10 ms
	KHz        uint64        `json:"khz"`      // clock rate at the moment; of a difference: the later one
	KHzBefore  uint64        `json:"khz_before"`

	// The cgroup, for its CPU quota.
	Throttles uint64        `json:"throttles"`
	Throttled time.Duration `json:"throttled_ns"` // on all its CPUs together

	// The Go runtime, if the thread is of this process.
	GCs   uint64 `json:"gcs"`   // garbage collections ended
	Stops uint64 `json:"stops"` // times the world was stopped, for whatever reason
	// StopNs is for about how long, together. Of a difference it is how long stops and
	// collections can have kept the thread, at most: what collections did counts in the
	// window they ended in, as far as the thread was off the CPU, or had to help.
	StopNs time.Duration `json:"stops_ns"`

	// Stood is how long the whole process is known to have stood still, as after SIGSTOP,
	// under a debugger or in a frozen cgroup. A watcher of its own process stands still with
	// it, and adds up itself by how much it is late. Of another process a Witness adds up the
	// time between looks that all found it so; what was stopped between two looks only is
	// not in it.
	Stood time.Duration `json:"stood_ns"`

	collected time.Duration // by collections, of the time of one thread
	helped    time.Duration // by threads that had to help them
	asleep    bool          // at the moment
	group     uint          // how often the thread was found in another cgroup
}

// ofCPU are the counts that belong to one CPU, and mean nothing once the thread is on
// another one.
const ofCPU = KnowInterrupt | KnowSoftirqs | KnowSteal | KnowKHz

// Since returns what happened from an earlier Activity of the same thread until a.
// What only one of them knows is unknown. A count that went down, as after the CPU
// was changed, is unknown too, and so is throttling if the cgroup was changed. A thread
// that was elsewhere and came back between two looks is not noticed.
func (a Activity) Since(before Activity) Activity {
	d := Activity{At: a.At - before.At, CPU: a.CPU, Known: a.Known & before.Known & allKnown}
	if a.CPU < 0 || a.CPU != before.CPU {
		d.Known &^= ofCPU
	}
	if a.group != before.group {
		d.Known &^= KnowThrottle
	}
	less(&d, KnowSched, &d.OnCPU, a.OnCPU, before.OnCPU)
	less(&d, KnowSched, &d.RunDelay, a.RunDelay, before.RunDelay)
	less(&d, KnowSwitches, &d.Voluntary, a.Voluntary, before.Voluntary)
	less(&d, KnowSwitches, &d.Involuntary, a.Involuntary, before.Involuntary)
	less(&d, KnowFaults, &d.MinorFaults, a.MinorFaults, before.MinorFaults)
	less(&d, KnowFaults, &d.MajorFaults, a.MajorFaults, before.MajorFaults)
	less(&d, KnowInterrupt, &d.Interrupts, a.Interrupts, before.Interrupts)
	less(&d, KnowInterrupt, &d.Timer, a.Timer, before.Timer)
	less(&d, KnowSoftirqs, &d.Softirqs, a.Softirqs, before.Softirqs)
	less(&d, KnowSteal, &d.Steal, a.Steal, before.Steal)
	less(&d, KnowThrottle, &d.Throttles, a.Throttles, before.Throttles)
	less(&d, KnowThrottle, &d.Throttled, a.Throttled, before.Throttled)
	less(&d, KnowGo, &d.GCs, a.GCs, before.GCs)
	less(&d, KnowGo, &d.Stops, a.Stops, before.Stops)
	less(&d, KnowGo, &d.StopNs, a.StopNs, before.StopNs)
	less(&d, KnowStood, &d.Stood, a.Stood, before.Stood)
	less(&d, KnowGo, &d.collected, a.collected, before.collected)
	less(&d, KnowGo, &d.helped, a.helped, before.helped)
	if before.asleep {
		d.Voluntary++
	}
	d.KHz, d.KHzBefore = a.KHz, before.KHz
	d.StopNs += d.collected
	if d.Known&KnowSched != 0 {
		d.StopNs = min(d.StopNs, max(d.At-d.OnCPU-d.RunDelay, 0)) + min(d.helped, d.OnCPU)
	}
	d.collected, d.helped = 0, 0
	d.forget()
	return d
}

// less subtracts one count of a group, and makes the group unknown if it went down.
func less[N uint64 | time.Duration](d *Activity, group Counts, n *N, now, before N) {
	if now < before {
		d.Known &^= group
		return
	}
	*n = now - before
}

// forget makes 0 of what is not known.
func (a *Activity) forget() {
	known := func(k Counts) bool { return a.Known&k != 0 }
	if !known(KnowSched) {
		a.OnCPU, a.RunDelay = 0, 0
	}
	if !known(KnowSwitches) {
		a.Voluntary, a.Involuntary = 0, 0
	}
	if !known(KnowFaults) {
		a.MinorFaults, a.MajorFaults = 0, 0
	}
	if !known(KnowInterrupt) {
		a.Interrupts, a.Timer = 0, 0
	}
	if !known(KnowSoftirqs) {
		a.Softirqs = 0
	}
	if !known(KnowSteal) {
		a.Steal = 0
	}
	if !known(KnowKHz) {
		a.KHz, a.KHzBefore = 0, 0
	}
	if !known(KnowThrottle) {
		a.Throttles, a.Throttled = 0, 0
	}
	if !known(KnowGo) {
		a.GCs, a.Stops, a.StopNs = 0, 0, 0
	}
	if !known(KnowStood) {
		a.Stood = 0
	}
}
