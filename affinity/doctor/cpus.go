package doctor

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/tickring/tickring/affinity"
)

// cpuRows are about which CPUs the quiet ones are, and who else may use them.
func cpuRows() []row {
	return []row{
		{
			name: "permitted", want: "the cpuset of this process has them all",
			why:  "A thread cannot be pinned to a CPU that its cgroup's cpuset does not have.",
			mend: "give the service AllowedCPUs={cpus} or the container --cpuset-cpus={cpus}",
			look: (*machine).lookPermitted,
		},
		{
			name: "isolated", want: "isolated",
			why:  "The scheduler may put any task of the machine on a CPU that is not isolated, and a thread that spins then waits for milliseconds.",
			mend: "boot with isolcpus=managed_irq,domain,{isolate}, or make an isolated cpuset partition of them",
			look: (*machine).lookIsolated,
		},
		{
			name: "partition", want: "isolated, or nothing asked for",
			why:  "An isolated cpuset partition keeps CPUs for a cgroup without a reboot; one that the kernel has found invalid keeps nothing.",
			mend: "make cpuset.cpus of this cgroup exclusive, and then: echo isolated > cpuset.cpus.partition",
			look: (*machine).lookPartition,
		},
		{
			name: "nohz_full", want: "without a tick",
			why:  "The timer interrupts even a lone task 100 to 1000 times a second, for some microseconds each time.",
			mend: "boot with nohz_full={isolate}",
			look: (*machine).lookTick,
		},
		{
			name: "rcu_nocbs", want: "callbacks offloaded",
			why:  "What the kernel frees later (RCU callbacks) is freed in softirqs of the CPU that it was used on.",
			mend: "boot with rcu_nocbs={isolate} (nohz_full={isolate} implies it)",
			look: (*machine).lookRCU,
		},
		{
			name: "smt", want: "no sibling online",
			why:  "Two threads of one core share its execution units and its L1 and L2 caches; what the sibling does costs time here.",
			mend: "echo off > /sys/devices/system/cpu/smt/control, boot with nosmt, or switch off the siblings alone",
			look: (*machine).lookSiblings,
		},
		{
			name: "cpu0", want: "not CPU 0",
			why:  "The kernel does work on the boot CPU that it does nowhere else, and cannot be told not to.",
			mend: "use another CPU",
			look: (*machine).lookBootCPU,
		},
		{
			name: "small cores", want: "none among them",
			why:  "The small cores of a hybrid processor are slower.",
			mend: "use other CPUs than {cpus}",
			look: func(m *machine) finding {
				return m.each(func(c affinity.CPU) (string, Verdict) {
					if c.Small {
						return "small", Warn
					}
					return "none", Good
				})
			},
		},
		{
			name: "L3", want: "one L3 cache",
			why:  "A cache line takes several times as long between CPUs that share no L3 cache.",
			mend: "keep threads that talk to each other below one L3 cache: name such CPUs with --cpu",
			look: (*machine).lookL3,
		},
		{
			name: "NUMA node", want: "one node",
			why:  "Memory of another node is further away, and so are the cores of its processor.",
			mend: "use CPUs of one node, that of the network card if there is one (/sys/class/net/*/device/numa_node)",
			look: (*machine).lookNode,
		},
		{
			name: "hypervisor", want: "none",
			why:  "The host of a virtual machine may take a CPU away at any time, and no setting in here forbids it.",
			mend: "run on the bare machine, or have the host dedicate physical cores to these CPUs",
			look: (*machine).lookHypervisor,
		},
		{
			name: "steal", want: "0 %",
			why:  "That much of the time since the boot the hypervisor ran somebody else on the CPUs.",
			mend: "have the host dedicate physical cores to these CPUs",
			look: (*machine).lookSteal,
		},
	}
}

func (m *machine) lookPermitted() finding {
	return m.each(func(c affinity.CPU) (string, Verdict) {
		if !m.Topology.Permitted.Has(c.ID) {
			return "not permitted", Bad
		}
		return "permitted", Good
	})
}

func (m *machine) lookIsolated() finding {
	isolated := m.isolated()
	return m.each(func(c affinity.CPU) (string, Verdict) {
		switch {
		case isolated.Has(c.ID):
			return "isolated", Good
		case !m.has("sys/devices/system/cpu/isolated"):
			return "the kernel does not say", Unknown
		}
		return "not isolated", Bad
	})
}

func (m *machine) lookPartition() finding {
	own, ok := m.cgroup("cpuset")
	switch {
	case !ok:
		return noCgroup()
	case !own.V2:
		return none("cgroups of version 1 have no partitions")
	}
	file := own.Dir + "/cpuset.cpus.partition"
	value, err := m.line(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return none("this cgroup has none")
	case err != nil:
		return m.unread(file, err)
	case value == "isolated":
		return good("isolated")
	case strings.Contains(value, "invalid"):
		return bad("%s", value)
	}
	return none("%s", value)
}

func (m *machine) lookTick() finding {
	const dir = "sys/devices/system/cpu"
	if !m.has(dir+"/nohz_full") && m.has(dir+"/online") && !m.quiet.Empty() {
		return finding{verdict: Warn, value: "ticks: this kernel cannot do without", cpus: m.quiet,
			mend: "boot a kernel built with CONFIG_NO_HZ_FULL, with nohz_full={isolate}"}
	}
	return m.each(func(c affinity.CPU) (string, Verdict) {
		switch {
		case m.Topology.NohzFull.Has(c.ID):
			return "without a tick", Good
		case m.has(dir + "/nohz_full"):
			return "ticks", Warn
		}
		return "the kernel does not say", Unknown
	})
}

func (m *machine) lookRCU() finding {
	list, there, err := m.bootParameter("rcu_nocbs")
	if err != nil {
		return m.unread("proc/cmdline", err)
	}
	offloaded := m.Topology.NohzFull
	if there && list != "" { // without a list none is, until a cpuset asks for it
		more, err := parseBootList(list, m.Topology.Online)
		if err != nil {
			return unknown("rcu_nocbs="+err.Error(), "cat /proc/cmdline")
		}
		offloaded = offloaded.Or(more)
	}
	return m.each(func(c affinity.CPU) (string, Verdict) {
		if offloaded.Has(c.ID) {
			return "offloaded", Good
		}
		return "not asked for", Warn
	})
}

func (m *machine) lookSiblings() finding {
	isolated := m.isolated()
	return m.each(func(c affinity.CPU) (string, Verdict) {
		others := c.Siblings.Minus(affinity.SetOf(c.ID))
		switch {
		case c.Core < 0:
			return "the kernel does not say", Unknown
		case others.Empty():
			return "none", Good
		case others.Minus(isolated).Empty() && others.And(m.quiet).Empty():
			return "shares its core with an isolated CPU", Warn
		}
		return "shares its core", Bad
	})
}

func (m *machine) lookBootCPU() finding {
	switch {
	case m.quiet.Empty():
		return m.noCPUs()
	case m.quiet.Has(0):
		return finding{verdict: Warn, value: "CPU 0 is among them", cpus: affinity.SetOf(0)}
	}
	return good("not among them")
}

// lookL3 compares the quiet CPUs with each other.
func (m *machine) lookL3() finding {
	if m.quiet.Len() == 1 {
		return none("one CPU")
	}
	f := m.each(func(c affinity.CPU) (string, Verdict) {
		if c.L3 < 0 || m.Topology.L3From != affinity.L3FromCache {
			return "the kernel lists no L3 cache", Unknown
		}
		return "L3 cache " + strconv.Itoa(c.L3), Good
	})
	if f.verdict == Good && strings.Contains(f.value, ",") {
		f.verdict, f.cpus = Warn, m.quiet
	}
	return f
}

func (m *machine) lookNode() finding {
	nodes := map[int]bool{}
	for _, c := range m.Topology.CPUs {
		if c.Online {
			nodes[c.Node] = true
		}
	}
	if len(nodes) == 1 && !nodes[-1] {
		return none("the machine has one node")
	}
	f := m.each(func(c affinity.CPU) (string, Verdict) {
		if c.Node < 0 {
			return "the kernel does not say", Unknown
		}
		return "node " + strconv.Itoa(c.Node), Good
	})
	if f.verdict == Good && strings.Contains(f.value, ",") {
		f.verdict, f.cpus = Warn, m.quiet
	}
	return f
}
