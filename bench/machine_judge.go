package bench

import (
	"fmt"
	"slices"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/text"
)

// judge says what makes the machine a noisy one: all that can take time from a thread
// that spins, and all that is not known.
func (m *Machine) judge(t *affinity.Topology) {
	noisy := func(format string, args ...any) {
		m.Noisy = true
		m.Reasons = append(m.Reasons, fmt.Sprintf(format, args...))
	}
	switch m.Hypervisor {
	case none:
	case unknown:
		noisy("it is unknown whether this is a virtual machine")
	case yes:
		noisy("a virtual machine: its host may take the CPUs away")
	default:
		noisy("a virtual machine (%s): its host may take the CPUs away", m.Hypervisor)
	}
	switch {
	case m.Load < 0:
		noisy("the load is unknown")
	case m.Load+float64(len(m.Used)) > float64(m.Threads)+0.5:
		noisy("load average %.1f before the session, and the benchmark needs %d of %d CPUs", m.Load, len(m.Used), m.Threads)
	}
	if m.Quota > 0 {
		noisy("the cgroup grants %.3g CPUs of time", m.Quota)
	}
	if cpus := m.disturbed(t, "sched"); !cpus.Empty() {
		noisy("%s not isolated", text.CPUs(cpus))
	}
	if cpus := m.disturbed(t, "smt"); !cpus.Empty() {
		noisy("%s with a sibling on the same core", text.CPUs(cpus))
	}
	if m.Governor != "performance" && m.Governor != unknown {
		noisy("governor %s", m.Governor)
	}
	// These take little, but take it again and again.
	if !m.disturbed(t, "cpu0").Empty() {
		m.Reasons = append(m.Reasons, "CPU 0 does the kernel's housekeeping")
	}
	if cpus := m.disturbed(t, "tick"); !cpus.Empty() {
		m.Reasons = append(m.Reasons, text.CPUs(cpus)+" with the timer's tick")
	}
	if cpus := m.disturbed(t, "small"); !cpus.Empty() {
		m.Reasons = append(m.Reasons, text.CPUs(cpus)+" slower than others of this processor")
	}
}

// stolen takes down how much of the used CPUs' time the hypervisor took.
func (m *Machine) stolen(percent float64) {
	m.Steal = percent
	if percent >= 0.1 {
		m.Noisy = true
		m.Reasons = append(m.Reasons, fmt.Sprintf("the hypervisor took %.1f %% of the CPUs' time during the run", percent))
	}
}

// disturbed are the used CPUs of which affinity has that to say.
func (m *Machine) disturbed(t *affinity.Topology, name string) affinity.Set {
	var s affinity.Set
	for _, c := range m.Used {
		if slices.ContainsFunc(t.Disturbs(c.ID), func(d affinity.Disturbance) bool { return d.Name == name }) {
			s.Add(c.ID)
		}
	}
	return s
}
