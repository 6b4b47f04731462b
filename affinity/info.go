package affinity

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
)

// info reads what the kernel tells about the processor.
func (r reader) info() Info {
	i := Info{Clocksource: r.advisory("sys/devices/system/clocksource/clocksource0/current_clocksource")}
	// The first processor stands for all.
	first, _, _ := strings.Cut(r.advisory("proc/cpuinfo"), "\n\n")
	for line := range strings.Lines(first) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "model name":
			i.Model = value
		case "flags":
			flags := strings.Fields(value)
			i.InvariantTSC = slices.Contains(flags, "nonstop_tsc")
			i.Hypervisor = slices.Contains(flags, "hypervisor")
		}
	}
	return i
}

// memory returns how many bytes of it the process may use: what the machine has, or
// the tightest limit of its cgroup and those above it. 0 is unknown.
func (r reader) memory() int64 {
	least := int64(math.MaxInt64)
	limit := func(text string, unit int64) {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && n < least/unit {
			least = n * unit
		}
	}
	for line := range strings.Lines(r.advisory("proc/meminfo")) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			limit(f[1], 1024)
		}
	}
	for _, own := range procfs.Cgroups(r.advisory("proc/self/cgroup"), "memory") {
		for _, g := range own.Up() {
			if g.V2 {
				limit(r.advisory(g.Dir+"/memory.max"), 1)
			} else {
				limit(r.advisory(g.Dir+"/memory.limit_in_bytes"), 1)
			}
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// countIRQs fills the CPUs' IRQs. Interrupt lines come and go, so what cannot be
// read is left out.
func (r reader) countIRQs(t *Topology) {
	for _, irq := range r.names("proc/irq", "") {
		cpus, err := ParseSet(r.advisory("proc/irq/" + strconv.Itoa(irq) + "/effective_affinity_list"))
		if err != nil {
			continue
		}
		for id := range cpus.And(t.Online).All() {
			t.at(id).IRQs++
		}
	}
}

// quota returns the tightest limit of the process's cgroup and those above it, in
// CPUs, or 0. It looks where cgroups are mounted by convention.
func (r reader) quota() float64 {
	least := math.Inf(1)
	limit := func(quota, period string) {
		q, err1 := strconv.ParseFloat(quota, 64) // "max" and -1 mean none
		p, err2 := strconv.ParseFloat(period, 64)
		if err1 == nil && err2 == nil && q > 0 && p > 0 {
			least = min(least, q/p)
		}
	}
	for _, own := range procfs.Cgroups(r.advisory("proc/self/cgroup"), "cpu") {
		for _, g := range own.Up() {
			if !g.V2 {
				limit(r.advisory(g.Dir+"/cpu.cfs_quota_us"), r.advisory(g.Dir+"/cpu.cfs_period_us"))
			} else if v := strings.Fields(r.advisory(g.Dir + "/cpu.max")); len(v) == 2 {
				limit(v[0], v[1])
			}
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}
