package affinity

import (
	"fmt"
	"strings"
	"time"

	"github.com/tickring/tickring/internal/gaps"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/internal/tick"
)

// Noise is what a spinning thread, pinned to a CPU, missed there.
type Noise struct {
	CPU      int           `json:"cpu"`
	Listened time.Duration `json:"listened_ns"`
	Missing  time.Duration `json:"missing_ns"` // in gaps of 200 ns and more
	Gaps     uint64        `json:"gaps"`
	Longest  time.Duration `json:"longest_ns"`
	Happened Activity      `json:"happened"` // from before to after

	// Found is what disturbed the thread: tasks, quota-used, stolen, stops, faults,
	// interrupts, ticks, softirqs and clock-rate by name, the gravest first. May is what the
	// kernel's files say of the CPU besides, as Topology.Disturbs has it.
	Found []Disturbance `json:"found"`
	May   []Disturbance `json:"may"`
}

// Noise spins for about d, on the goroutine that called Pin, and says what disturbed it
// meanwhile. A good core misses some µs of each second, to the Go runtime, which preempts
// every 10 ms, and to what nohz_full leaves of the timer. The errors are those of
// Pinned.Check and [Read].
func (p *Pinned) Noise(d time.Duration) (Noise, error) {
	if err := p.Check(); err != nil {
		return Noise{}, err
	}
	t, err := Read()
	if err != nil {
		return Noise{}, err
	}
	w, err := NewWitness(0, p.tid)
	if err != nil {
		return Noise{}, err
	}
	defer w.Close()

	clock := tick.New()
	scale := clock.Calibrate(2 * time.Millisecond)
	ear := gaps.NewEar(p.cpu, clock)
	n := Noise{CPU: p.cpu, May: t.Disturbs(p.cpu)}
	ear.Listen(scale.Ticks(uint64(10*time.Millisecond)), 0) // touches its memory
	ear.Count(scale, func(uint64) {})
	ear.Heard, ear.Missing = 0, 0
	var before, after Activity
	w.Look(&before)
	for left := d; left > 0; {
		slice := min(left, gaps.Slice)
		ear.Listen(scale.Ticks(uint64(slice)), scale.Ticks(uint64(gaps.Least)))
		ear.Count(scale, func(ns uint64) {
			n.Gaps++
			n.Longest = max(n.Longest, time.Duration(ns))
		})
		left -= slice
	}
	w.Look(&after)
	n.Happened = after.Since(before)
	n.Listened = time.Duration(scale.Ns(ear.Heard))
	n.Missing = time.Duration(scale.Ns(ear.Missing))
	n.Found = n.Happened.disturbances()
	return n, nil
}

// disturbances says of what happened to a thread that only ran what was not its own doing.
func (a *Activity) disturbances() []Disturbance {
	var list []Disturbance
	add := func(really bool, name, format string, args ...any) {
		if really {
			list = append(list, Disturbance{name, fmt.Sprintf(format, args...)})
		}
	}
	in := " in " + ns(a.At)
	add(a.Throttled > 0, "quota-used", "the cgroup's CPU quota was used up %s, for %s on all CPUs together,%s: remove the limit (cpu.max)", times(a.Throttles), ns(a.Throttled), in)
	add(a.Steal > 0, "stolen", "the hypervisor ran somebody else here for about %s%s: dedicate host CPUs to this machine", ns(a.Steal), in)
	add(a.RunDelay > 0 || a.Involuntary > 0, "tasks", "other tasks had the CPU for %s, and sent the thread off %s,%s: isolate the CPU, and see what runs here with ps -eLo psr,comm", ns(a.RunDelay), times(a.Involuntary), in)
	add(a.Stops > 0, "stops", "the Go runtime stopped the world %s, for about %s,%s: avoid allocations, or see Quiet", times(a.Stops), ns(a.StopNs), in)
	add(a.MinorFaults+a.MajorFaults > 0, "faults", "the thread took %s%s: touch memory before it matters", text.CountOf(a.MinorFaults+a.MajorFaults, "page fault", "page faults"), in)
	add(a.Interrupts > 0, "interrupts", "%s came here%s: see whose in /proc/interrupts, and move them by /proc/irq/*/smp_affinity_list", text.CountOf(a.Interrupts, "interrupt", "interrupts"), in)
	add(a.Timer > 0, "ticks", "the timer ticked %s%s: boot with nohz_full=, and run one thread here", times(a.Timer), in)
	add(a.Softirqs > 0, "softirqs", "%s ran here%s: see which in /proc/softirqs; rcu_nocbs= moves RCU's", text.CountOf(a.Softirqs, "softirq", "softirqs"), in)
	low, high := min(a.KHz, a.KHzBefore), max(a.KHz, a.KHzBefore)
	add(high-low > low/4, "clock-rate", "the clock rate went from %d MHz to %d MHz: set the governor to performance", a.KHzBefore/1000, a.KHz/1000)
	return list
}

// String writes a line of figures and one for each disturbance.
func (n Noise) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CPU %d: %s of %s missing, in %s, the longest of %s\n", n.CPU, ns(n.Missing), ns(n.Listened),
		text.CountOf(n.Gaps, "gap", "gaps"), ns(n.Longest))
	for _, d := range n.Found {
		fmt.Fprintf(&b, "  %s\n", d.Text)
	}
	for _, d := range n.May {
		fmt.Fprintf(&b, "  may: %s\n", d.Text)
	}
	return b.String()
}
