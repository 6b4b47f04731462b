package affinity

// Topology is a machine as seen by this process at the moment of reading. CPUs
// can be switched on and off and cpusets changed; read it again rather than keep
// it for days.
type Topology struct {
	Info Info  `json:"info"`
	CPUs []CPU `json:"cpus"` // all that are present, online or not, by ascending ID

	Online    Set `json:"online"`
	Allowed   Set `json:"allowed"`   // the mask new threads of this process get
	Permitted Set `json:"permitted"` // the limit that no thread of it can leave
	Isolated  Set `json:"isolated"`  // outside the scheduler's balancing (isolcpus=, isolated partitions)
	NohzFull  Set `json:"nohz_full"` // no timer tick while one task runs (nohz_full=)

	// Quota is how many CPUs' worth of time the process's cgroups grant it; 0 is
	// no limit. A thread that spins uses up a whole one, and a process that has
	// used up its share stands still until the next period, usually for tens of
	// milliseconds.
	Quota float64 `json:"quota"`

	L3From L3Source `json:"l3_from"` // what the CPUs' L3 numbers rest on
	Notes  []string `json:"notes"`   // what the kernel does not tell and what was assumed instead
}

// L3Source says what the CPUs' L3 groups were taken from. Many virtual machines
// hide the caches.
type L3Source string

const (
	L3FromCache   L3Source = "cache"   // the kernel lists level 3 caches
	L3FromDie     L3Source = "die"     // no cache is listed: the dies
	L3FromPackage L3Source = "package" // no die either: the packages
	L3FromNothing L3Source = "nothing" // not even packages: all CPUs as one group
)

// CPU is one logical CPU, the thing that runs one thread. The fields Core, L3,
// Package and Node are -1 if unknown, as all are while the CPU is offline.
type CPU struct {
	ID     int  `json:"id"` // the kernel's number
	Online bool `json:"online"`

	// Core and L3 count the physical cores and the groups of CPUs that share
	// their last level cache through the whole machine, from 0, by their lowest
	// CPU. (The kernel's own core_id begins anew in every package.)
	Core int `json:"core"`
	L3   int `json:"l3"`

	Package int `json:"package"` // the kernel's physical_package_id, the socket
	Node    int `json:"node"`    // the kernel's NUMA node

	Siblings Set `json:"siblings"` // the online CPUs of the same core, with this one

	// Small marks a slower core of a hybrid processor: an Intel E-core, or a core
	// with less than four fifths of the machine's greatest cpu_capacity.
	Small bool `json:"small"`

	Governor string `json:"governor"` // cpufreq governor, "" if the kernel does not scale the clock
	IRQs     int    `json:"irqs"`     // interrupt lines routed to this CPU
}

// Info is what the processor model can do.
type Info struct {
	Model  string `json:"model"`  // brand name, "" if unknown
	Vendor string `json:"vendor"` // CPUID vendor string, "" except on x86

	// InvariantTSC: the time stamp counter runs at one rate in every power state
	// (CPUID 0x80000007 EDX bit 8, which the kernel shows as nonstop_tsc). Without
	// it the counter is no clock.
	InvariantTSC bool `json:"invariant_tsc"`
	RDTSCP       bool `json:"rdtscp"`
	AVX2         bool `json:"avx2"`

	// Clocksource is the kernel's own choice, such as "tsc". Another one on x86
	// means that the kernel found the TSCs of this machine unfit or out of step.
	Clocksource string `json:"clocksource"`

	Hypervisor bool `json:"hypervisor"` // a virtual machine
	CacheLine  int  `json:"cache_line"` // bytes, 0 if unknown
}

// CPU returns the CPU of that number.
func (t *Topology) CPU(id int) (CPU, bool) {
	for _, c := range t.CPUs {
		if c.ID == id {
			return c, true
		}
	}
	return CPU{}, false
}

// Select returns the numbers of the CPUs for which keep returns true, for example
// to restrict Policy.From to the NUMA node of a network card.
func (t *Topology) Select(keep func(CPU) bool) Set {
	var s Set
	for _, c := range t.CPUs {
		if keep(c) {
			s.Add(c.ID)
		}
	}
	return s
}
