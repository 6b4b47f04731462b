package doctor

import (
	"fmt"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
)

// What a hypervisor takes.

func (m *machine) lookHypervisor() finding {
	text, err := m.line("proc/cpuinfo")
	if err != nil {
		return m.unread("proc/cpuinfo", err)
	}
	flags, x86 := cpuFlags(text)
	switch {
	case m.Topology.Info.Hypervisor || flags["hypervisor"]:
		return warn("a virtual machine")
	case x86:
		return good("none")
	}
	return unknown("only x86 processors tell", "systemd-detect-virt")
}

// cpuFlags returns the flags of the first processor of /proc/cpuinfo, and whether it has
// such a line, as those of x86 do.
func cpuFlags(text string) (flags map[string]bool, there bool) {
	flags = map[string]bool{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) != "flags" {
			continue
		}
		for word := range strings.FieldsSeq(value) {
			flags[word] = true
		}
		return flags, true
	}
	return flags, false
}

func (m *machine) lookSteal() finding {
	text, err := m.line("proc/stat")
	if err != nil {
		return m.unread("proc/stat", err)
	}
	times, err := procfs.CPUTimes(text)
	if err != nil {
		return m.unread("proc/stat", err)
	}
	var stolen, all uint64
	for id := range m.quiet.All() {
		t, ok := times[id]
		if !ok {
			return unknown(fmt.Sprintf("/proc/stat has no CPU %d", id), "grep cpu /proc/stat")
		}
		stolen, all = stolen+t.Stolen, all+t.All
	}
	if all == 0 {
		return m.noCPUs()
	}
	switch percent := float64(stolen) / float64(all) * 100; {
	case stolen == 0:
		return good("0 %%")
	case percent < 0.1:
		return warn("%.2g %% since the boot", percent)
	default:
		return bad("%.2g %% since the boot", percent)
	}
}
