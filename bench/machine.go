package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/procfs"
	"github.com/tickring/tickring/internal/tick"
)

// Machine is what a result depends on besides tickring's settings. What could not be
// read is "unknown" (0 for numbers), and is never taken for good.
type Machine struct {
	CPU     string `json:"cpu"`
	Arch    string `json:"arch"`
	Cores   int    `json:"cores"`     // physical
	Threads int    `json:"threads"`   // logical CPUs, online
	SMT     bool   `json:"smt"`       // some core has several of them
	L3      int    `json:"l3_groups"` // of CPUs that share a last level cache
	L3From  string `json:"l3_from"`   // cache; or what stands in for it: die, package, nothing

	Used []UsedCPU `json:"used"` // the CPUs that threads were pinned to

	OS         string  `json:"os"`
	Kernel     string  `json:"kernel"`     // release
	Hypervisor string  `json:"hypervisor"` // "none", its name, or "yes" if it has none
	Isolated   string  `json:"isolated"`   // CPU list of the whole machine, or "none"
	NohzFull   string  `json:"nohz_full"`
	Cpuset     string  `json:"cpuset"`     // CPUs that this process may use
	Quota      float64 `json:"quota_cpus"` // what its cgroup grants; 0: no limit
	Governor   string  `json:"governor"`   // of the used CPUs
	Turbo      string  `json:"turbo"`      // on, off
	HugeShm    string  `json:"thp_shmem"`  // huge pages for shared memory

	Clocksource  string  `json:"clocksource"` // the kernel's
	Clock        string  `json:"clock"`       // ours: counter or monotonic
	InvariantTSC string  `json:"invariant_tsc"`
	TickHz       float64 `json:"tick_hz"`

	Go         string `json:"go"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Version    string `json:"version"` // of tickring
	Commit     string `json:"commit"`
	Modified   string `json:"modified"` // the build has more than the commit

	Load  float64 `json:"load"`          // average of the minute before the session; -1: unknown
	Steal float64 `json:"steal_percent"` // of the used CPUs' time, taken by the hypervisor during the run; -1: unknown

	// Noisy: others can take the CPUs away, or it is unknown whether they can. Reasons
	// says who, and what else makes figures worse than they could be.
	Noisy   bool     `json:"noisy"`
	Reasons []string `json:"reasons,omitempty"`
}

// UsedCPU is a CPU that a thread of the benchmark was pinned to.
type UsedCPU struct {
	ID       int    `json:"id"`
	Core     int    `json:"core"`
	L3       int    `json:"l3"`
	Package  int    `json:"package"`
	Node     int    `json:"node"`
	Siblings string `json:"siblings"` // CPUs of the same core, with this one
	Isolated bool   `json:"isolated"`
	NohzFull bool   `json:"nohz_full"`
	Governor string `json:"governor"`
}

const (
	unknown = "unknown"
	none    = "none"
	yes     = "yes"
	no      = "no"
)

// CPUModel is the name of the processor.
func (s *Session) CPUModel() string { return or(s.topology.Info.Model, unknown) }

// machine describes it for a run that begins.
func (s *Session) machine() Machine {
	s.before = readCPUTime(s.setup.CPUs)
	return readMachine(s.topology, s.setup.CPUs, s.clock.Kind(), s.scale, s.load)
}

// readMachine describes the machine for a run on some CPUs.
func readMachine(t *affinity.Topology, cpus []int, kind tick.Kind, scale tick.Scale, load float64) Machine {
	m := Machine{
		CPU:          or(t.Info.Model, unknown),
		Arch:         runtime.GOARCH,
		Threads:      t.Online.Len(),
		L3From:       string(t.L3From),
		OS:           runtime.GOOS,
		Kernel:       fileText("/proc/sys/kernel/osrelease"),
		Hypervisor:   hypervisor(t.Info),
		Isolated:     or(t.Isolated.String(), none),
		NohzFull:     or(t.NohzFull.String(), none),
		Cpuset:       t.Permitted.String(),
		Quota:        t.Quota,
		Turbo:        turbo(),
		HugeShm:      hugeShm(),
		Clocksource:  or(t.Info.Clocksource, unknown),
		Clock:        kind.String(),
		InvariantTSC: invariantTSC(t.Info),
		TickHz:       scale.Hz(),
		Go:           runtime.Version(),
		GOMAXPROCS:   runtime.GOMAXPROCS(0),
		Load:         load,
		Steal:        -1,
	}
	cores, groups := map[int]bool{}, map[int]bool{}
	for _, c := range t.CPUs {
		if c.Online {
			cores[c.Core], groups[c.L3] = true, true
			m.SMT = m.SMT || c.Siblings.Len() > 1
		}
	}
	m.Cores, m.L3 = len(cores), len(groups)
	for _, id := range cpus {
		c, _ := t.CPU(id)
		m.Used = append(m.Used, UsedCPU{
			ID: id, Core: c.Core, L3: c.L3, Package: c.Package, Node: c.Node,
			Siblings: c.Siblings.String(),
			Isolated: t.Isolated.Has(id), NohzFull: t.NohzFull.Has(id),
			Governor: or(c.Governor, unknown),
		})
	}
	m.Governor = m.common(func(c UsedCPU) string { return c.Governor })
	m.Version, m.Commit, m.Modified = thisBuild()
	m.judge(t)
	return m
}

// common is what the used CPUs have in common, or all they have.
func (m *Machine) common(of func(UsedCPU) string) string {
	var all []string
	for _, c := range m.Used {
		if v := of(c); len(all) == 0 || all[len(all)-1] != v {
			all = append(all, v)
		}
	}
	return strings.Join(all, ", ")
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// fileText is the one line that a file of the kernel has.
func fileText(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return unknown
	}
	return or(strings.TrimSpace(string(text)), unknown)
}

// hugeShm is which shared memory is put into huge pages.
func hugeShm() string {
	word, _ := procfs.Chosen(fileText("/sys/kernel/mm/transparent_hugepage/shmem_enabled"))
	return or(word, unknown)
}

// hypervisor asks the processor; what it does not tell, nobody does for certain.
func hypervisor(i affinity.Info) string {
	switch {
	case i.Hypervisor && cpuid.CPU.HypervisorVendorID != cpuid.VendorUnknown:
		return cpuid.CPU.HypervisorVendorID.String()
	case i.Hypervisor:
		return or(strings.TrimSpace(cpuid.CPU.HypervisorVendorString), yes)
	case runtime.GOARCH == "amd64" && i.Model != "":
		return none
	}
	return unknown
}

func invariantTSC(i affinity.Info) string {
	switch {
	case runtime.GOARCH != "amd64":
		return "not applicable"
	case i.InvariantTSC:
		return yes
	}
	return no
}

// turbo says whether the clock may go above its nominal rate.
func turbo() string {
	for _, f := range procfs.TurboFiles() {
		switch fileText("/sys/devices/system/cpu/" + f.Name) {
		case f.On:
			return "on"
		case f.Off:
			return "off"
		}
	}
	return unknown
}

func loadAverage() float64 {
	first, _, _ := strings.Cut(fileText("/proc/loadavg"), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return -1
	}
	return load
}
