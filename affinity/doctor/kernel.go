package doctor

import (
	"strconv"
	"strings"

	"github.com/tickring/tickring/affinity"
)

// kernelRows are about the kernel's own work.
func kernelRows() []row {
	return []row{
		{
			name: "workqueues", want: "on other CPUs",
			why:  "Work that drivers and file systems put off is done by kernel threads on any CPU of this mask.",
			mend: "echo {othersmask} > /sys/devices/virtual/workqueue/cpumask",
			look: func(m *machine) finding {
				const name = "sys/devices/virtual/workqueue/cpumask"
				text, err := m.line(name)
				if err != nil {
					return m.without(name, err)
				}
				cpus, err := parseMask(text)
				if err != nil {
					return m.unread(name, err)
				}
				return m.overlap(cpus, "deferred work")
			},
		},
		{
			name: "timer migration", want: "0, or CPUs without a tick",
			why:  "The timers of idle CPUs are given to busy ones, such as one that spins, unless that one is without a tick.",
			mend: "sysctl kernel.timer_migration=0, or boot with nohz_full={isolate}",
			look: func(m *machine) finding {
				return m.setting("proc/sys/kernel/timer_migration", func(n int64) finding {
					if n == 0 {
						return good("0")
					}
					return m.each(func(c affinity.CPU) (string, Verdict) {
						if m.Topology.NohzFull.Has(c.ID) {
							return strconv.FormatInt(n, 10) + ", without a tick", Good
						}
						return strconv.FormatInt(n, 10), Warn
					})
				})
			},
		},
		{
			name: "watchdog", want: "off, or not on these CPUs",
			why:  "The detector of soft lockups runs a timer and a thread of the highest priority on each of its CPUs every few seconds.",
			mend: "sysctl kernel.watchdog_cpumask={others}, or kernel.watchdog=0, or boot with nosoftlockup",
			look: func(m *machine) finding { return m.lookWatchdog("watchdog") },
		},
		{
			name: "NMI watchdog", want: "off, or not on these CPUs",
			why:  "The detector of hard lockups interrupts its CPUs by a performance counter every few seconds, and nothing can mask that.",
			mend: "sysctl kernel.nmi_watchdog=0, or boot with nmi_watchdog=0",
			look: func(m *machine) finding { return m.lookWatchdog("nmi_watchdog") },
		},
		{
			name: "RT throttling", want: "-1",
			why:  "A thread under SCHED_FIFO that spins is stopped for the rest of each period once it has run for this share of it (since Linux 6.12 only in favour of tasks that starve on its CPU); ordinary threads are not concerned.",
			mend: "sysctl kernel.sched_rt_runtime_us=-1, and since Linux 6.12 echo 0 > /sys/kernel/debug/sched/fair_server/cpuN/runtime (a thread under SCHED_FIFO can then lock everybody out of its CPU)",
			look: func(m *machine) finding {
				return m.setting("proc/sys/kernel/sched_rt_runtime_us", func(n int64) finding {
					if n == -1 {
						return good("-1")
					}
					return warn("%d µs", n)
				})
			},
		},
		{
			name: "vmstat", want: "10 s or more",
			why:  "Each CPU on which memory was used folds its statistics into those of the machine at this interval.",
			mend: "sysctl vm.stat_interval=10",
			look: func(m *machine) finding {
				return m.setting("proc/sys/vm/stat_interval", func(n int64) finding {
					if n >= 10 {
						return good("%d s", n)
					}
					return warn("%d s", n)
				})
			},
		},
	}
}

// lookWatchdog looks at one of the two, which have one mask.
func (m *machine) lookWatchdog(which string) finding {
	return m.setting("proc/sys/kernel/"+which, func(on int64) finding {
		if on == 0 {
			return good("off")
		}
		const mask = "proc/sys/kernel/watchdog_cpumask"
		text, err := m.line(mask)
		if err != nil {
			return m.unread(mask, err)
		}
		cpus, err := affinity.ParseSet(strings.TrimSpace(text))
		if err != nil {
			return m.unread(mask, err)
		}
		return m.overlap(cpus, "it")
	})
}
