package affinity

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
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
	for line := range strings.Lines(r.advisory("proc/self/cgroup")) {
		// hierarchy:controllers:path
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		v2 := f[0] == "0" && f[1] == ""
		if !v2 && !slices.Contains(strings.Split(f[1], ","), "cpu") {
			continue
		}
		for dir := path.Clean("/" + f[2]); ; dir = path.Dir(dir) {
			if v2 {
				if v := strings.Fields(r.advisory(path.Join("sys/fs/cgroup", dir, "cpu.max"))); len(v) == 2 {
					limit(v[0], v[1])
				}
			} else {
				at := path.Join("sys/fs/cgroup/cpu", dir)
				limit(r.advisory(at+"/cpu.cfs_quota_us"), r.advisory(at+"/cpu.cfs_period_us"))
			}
			if dir == "/" {
				break
			}
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}
