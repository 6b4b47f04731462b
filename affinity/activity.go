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
	OnCPU       time.Duration `json:"on_cpu_ns"`    // it ran
	RunDelay    time.Duration `json:"run_delay_ns"` // it could have run, and another one had the CPU
	Voluntary   uint64        `json:"voluntary"`    // context switches: it slept or waited
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
	Throttled time.Duration `json:"throttled_ns"`

	// The Go runtime, if the thread is of this process.
	GCs    uint64        `json:"gcs"`      // garbage collections ended
	Stops  uint64        `json:"stops"`    // times the world was stopped, for whatever reason
	StopNs time.Duration `json:"stops_ns"` // for about so long, together

	// Stood is how much later than it meant to the watcher looked: of a thread of the
	// same process as the one watched it says that both stood still.
	Stood time.Duration `json:"stood_ns"`
}

// Counts is a set of what an Activity knows.
type Counts uint32

const (
	KnowSched     Counts = 1 << iota // OnCPU, RunDelay
	KnowSwitches                     // Voluntary, Involuntary
	KnowFaults                       // MinorFaults, MajorFaults
	KnowInterrupt                    // Interrupts, Timer
	KnowSoftirqs                     // Softirqs
	KnowSteal                        // Steal
	KnowKHz                          // KHz
	KnowThrottle                     // Throttles, Throttled
	KnowGo                           // GCs, Stops, StopNs
	KnowStood                        // Stood
)

// Since returns what happened from an earlier Activity of the same thread until a.
// What only one of them knows is unknown. A count that went down, as after the CPU
// was changed, is unknown too.
func (a Activity) Since(before Activity) Activity { panic("to be written") }
