package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/procfs"
	"github.com/tickring/tickring/internal/text"
)

// interruptRows are about what devices do to the quiet CPUs.
func interruptRows() []row {
	return []row{
		{
			name: "routed", want: "to other CPUs",
			why:  "An interrupt takes a CPU for microseconds, and the softirq that follows for more.",
			mend: "for i in /proc/irq/*/smp_affinity_list; do echo {others} > $i; done (those that the kernel manages refuse: boot with isolcpus=managed_irq,domain,{isolate})",
			look: (*machine).lookRouted,
		},
		{
			name: "new ones", want: "on other CPUs",
			why:  "This is where interrupts go that are set up from now on, as when a driver is loaded.",
			mend: "echo {othersmask} > /proc/irq/default_smp_affinity, or boot with irqaffinity={others}",
			look: (*machine).lookDefaultAffinity,
		},
		{
			name: "irqbalance", want: "not running, or kept off these CPUs",
			why:  "irqbalance moves interrupts to CPUs that look idle to it, and undoes what was set by hand.",
			mend: "IRQBALANCE_BANNED_CPULIST={isolate} (before irqbalance 1.8: IRQBALANCE_BANNED_CPUS={isolatemask}) in /etc/default/irqbalance, or /etc/sysconfig/irqbalance of RHEL, then systemctl restart irqbalance; or: systemctl disable --now irqbalance",
			look: (*machine).lookBalance,
		},
	}
}

// lookRouted takes a line that is routed to a CPU for bad if it has been there, and for a
// warning if it only may come.
func (m *machine) lookRouted() finding {
	lines, err := m.routes()
	if err != nil {
		return m.unread("proc/irq", err)
	}
	text, err := m.line("proc/interrupts")
	if err != nil {
		return m.unread("proc/interrupts", err)
	}
	counts, err := parseCounters(text)
	if err != nil {
		return m.unread("proc/interrupts", err)
	}
	f := m.each(func(c affinity.CPU) (string, Verdict) {
		var here []*counter
		for _, irq := range slices.Sorted(maps.Keys(lines)) {
			cpus := lines[irq]
			// A line that is not listed is set up for nobody.
			if line := counts.Line(strconv.Itoa(irq)); cpus.Has(c.ID) && line != nil {
				here = append(here, line)
			}
		}
		if len(here) == 0 {
			return "none", Good
		}
		slices.SortStableFunc(here, func(a, b *counter) int { return cmp.Compare(b.On(c.ID), a.On(c.ID)) })
		verdict := Warn
		if here[0].On(c.ID) > 0 {
			verdict = Bad
		}
		var names []string
		for _, line := range here[:min(len(here), 3)] {
			names = append(names, line.Name+" "+line.Text)
		}
		value := strings.Join(names, ", ")
		if more := len(here) - len(names); more > 0 {
			value += fmt.Sprintf(" and %d more", more)
		}
		return value, verdict
	})
	return f
}

// routes returns where the interrupt lines go.
func (m *machine) routes() (map[int]affinity.Set, error) {
	entries, err := fs.ReadDir(m.Files, "proc/irq")
	if err != nil {
		return nil, err
	}
	lines, read := map[int]affinity.Set{}, 0
	for _, e := range entries {
		irq, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// The effective list is where the line goes; older kernels only tell where it may.
		for _, name := range []string{"effective_affinity_list", "smp_affinity_list"} {
			var text string
			if text, err = m.line(path.Join("proc/irq", e.Name(), name)); err != nil || text == "" {
				continue
			}
			var cpus affinity.Set
			if cpus, err = affinity.ParseSet(text); err == nil {
				lines[irq], read = cpus, read+1
				break
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // or the line is gone by now
			return nil, err
		}
	}
	if read == 0 {
		return nil, fmt.Errorf("/proc/irq does not say where any interrupt goes: %w", procfs.ErrFormat)
	}
	return lines, nil
}

func (m *machine) lookDefaultAffinity() finding {
	const name = "proc/irq/default_smp_affinity"
	text, err := m.line(name)
	if err != nil {
		return m.unread(name, err)
	}
	cpus, err := parseMask(text)
	if err != nil {
		return m.unread(name, err)
	}
	return m.overlap(cpus, "new interrupts")
}

// overlap warns of quiet CPUs that are in a set of CPUs where work may go.
func (m *machine) overlap(cpus affinity.Set, what string) finding {
	return m.each(func(c affinity.CPU) (string, Verdict) {
		if cpus.Has(c.ID) {
			return what + " may come here", Warn
		}
		return "elsewhere", Good
	})
}

func (m *machine) lookBalance() finding {
	running, err := m.runs("irqbalance")
	switch {
	case errors.Is(err, errNoProcess):
		return unknown(err.Error(), "pgrep irqbalance, where /proc is mounted")
	case err != nil:
		return m.unread("proc", err)
	case !running && !m.showsAll():
		return unknown("not seen from here, where the processes of the host are hidden", "pgrep irqbalance, on the host")
	case !running:
		return good("not running")
	}
	// It leaves out isolated and tickless CPUs by itself, unless it is told which to.
	banned := m.isolated().Or(m.Topology.NohzFull)
	for _, name := range []string{"etc/default/irqbalance", "etc/sysconfig/irqbalance"} {
		content, err := m.line(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			f := m.unread(name, err)
			f.value = "running; " + f.value
			return f
		}
		if list, _ := assignment(content, "IRQBALANCE_BANNED_CPULIST"); list != "" {
			banned, err = affinity.ParseSet(list)
		} else if mask, _ := assignment(content, "IRQBALANCE_BANNED_CPUS"); mask != "" {
			banned, err = parseMask(mask) // the older name
		}
		if err != nil {
			return unknown("running; "+text.OneLine(err), "cat /"+name)
		}
	}
	return m.each(func(c affinity.CPU) (string, Verdict) {
		if banned.Has(c.ID) {
			return "running, kept off", Good
		}
		return "running", Bad
	})
}

// assignment returns the last value that a file of shell variables gives to one.
func assignment(text, name string) (value string, there bool) {
	for line := range strings.Lines(text) {
		key, v, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && strings.TrimSpace(strings.TrimPrefix(key, "export ")) == name {
			value, there = strings.Trim(strings.TrimSpace(v), `"'`), true
		}
	}
	return value, there
}

// errNoProcess: not even the one that looks is in /proc.
var errNoProcess = errors.New("/proc shows no process")

// runs says whether there is a process of that name, of those that /proc shows: see showsAll.
func (m *machine) runs(name string) (bool, error) {
	entries, err := fs.ReadDir(m.Files, "proc")
	if err != nil {
		return false, err
	}
	processes := 0
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		comm, err := m.line(path.Join("proc", e.Name(), "comm"))
		if err != nil {
			continue // it has ended
		}
		processes++
		if comm == name {
			return true, nil
		}
	}
	if processes == 0 {
		return false, errNoProcess
	}
	return false, nil
}
