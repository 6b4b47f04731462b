package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// Header says in a few lines what the run ran on and with.
func (r *Run) Header() []string {
	m := &r.Machine
	lines := []string{
		strings.Join([]string{
			m.CPU, m.cores(), "used: " + m.used(), m.isolation(), "governor " + m.Governor, "turbo " + m.Turbo,
		}, "; "),
		strings.Join([]string{
			m.build(), m.Go, "GOMAXPROCS " + strconv.Itoa(m.GOMAXPROCS), m.OS + " " + m.Kernel, "hypervisor " + m.Hypervisor,
			m.clock(), "huge pages for shared memory: " + m.HugeShm, "load " + m.load(), r.Ring.text(),
		}, "; "),
	}
	if m.Noisy {
		return append(lines, "A shared, noisy machine: "+strings.Join(m.Reasons, "; ")+".")
	}
	if len(m.Reasons) > 0 {
		return append(lines, "To be known: "+strings.Join(m.Reasons, "; ")+".")
	}
	return lines
}

func (m *Machine) cores() string {
	text := fmt.Sprintf("%d cores", m.Cores)
	if m.SMT {
		text += fmt.Sprintf(" with %d threads", m.Threads)
	}
	if m.L3 == 1 {
		text += ", one L3"
	} else {
		text += fmt.Sprintf(", %d L3 groups", m.L3)
	}
	if m.L3From != "cache" {
		text += " (no cache is listed; by " + m.L3From + ")"
	}
	return text
}

// used tells of the used CPUs where they lie.
func (m *Machine) used() string {
	var ids []string
	for _, c := range m.Used {
		ids = append(ids, strconv.Itoa(c.ID))
	}
	same := func(of func(UsedCPU) int) bool {
		for _, c := range m.Used {
			if of(c) != of(m.Used[0]) {
				return false
			}
		}
		return true
	}
	where := "different L3"
	switch {
	case same(func(c UsedCPU) int { return c.Core }):
		where = "one core"
	case same(func(c UsedCPU) int { return c.L3 }):
		where = "one L3"
	case !same(func(c UsedCPU) int { return c.Package }):
		where = "different sockets"
	}
	return "CPUs " + strings.Join(ids, ", ") + " (" + where + ")"
}

func (m *Machine) isolation() string {
	isolated, tickless := 0, 0
	for _, c := range m.Used {
		if c.Isolated {
			isolated++
		}
		if c.NohzFull {
			tickless++
		}
	}
	of := func(n int, what string) string {
		switch n {
		case len(m.Used):
			return what
		case 0:
			return "not " + what
		}
		return fmt.Sprintf("%d of %d %s", n, len(m.Used), what)
	}
	return of(isolated, "isolated") + ", " + of(tickless, "nohz_full")
}

func (m *Machine) build() string {
	text := "tickring " + m.Version
	// A version of Go's own making names the commit already.
	if short := m.Commit[:min(len(m.Commit), 12)]; m.Commit == unknown || !strings.Contains(m.Version, short) {
		text += " " + short
	}
	if m.Modified == yes && !strings.Contains(m.Version, "dirty") {
		text += " (modified)"
	}
	return text
}

func (m *Machine) clock() string {
	if m.Clock != "counter" {
		return "clock: the kernel's, by a call (clock source " + m.Clocksource + ")"
	}
	text := fmt.Sprintf("clock: counter at %.3f GHz", m.TickHz/1e9)
	if m.Arch == "amd64" {
		text += ", invariant: " + m.InvariantTSC
	}
	return text + ", clock source " + m.Clocksource
}

func (m *Machine) load() string {
	if m.Load < 0 {
		return unknown
	}
	return strconv.FormatFloat(m.Load, 'f', 2, 64)
}

func (s Settings) text() string {
	return fmt.Sprintf("rings of %s, stamps %s, subscriber %s, wait %s", sizeText(s.Capacity), s.Stamps, s.Subscriber, s.Wait)
}

// sizeText is a power of two in bytes.
func sizeText(n uint64) string {
	for _, u := range []struct {
		name  string
		shift uint
	}{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}} {
		if n >= 1<<u.shift {
			return strconv.FormatUint(n>>u.shift, 10) + " " + u.name
		}
	}
	return strconv.FormatUint(n, 10) + " B"
}
