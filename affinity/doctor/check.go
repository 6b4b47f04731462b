package doctor

import (
	"slices"

	"github.com/tickring/tickring/affinity"
)

// Verdict is what is to be thought of a value.
type Verdict string

const (
	Good    Verdict = "good"
	Warn    Verdict = "warn"           // costs microseconds, or matters to some only
	Bad     Verdict = "bad"            // costs more, or data
	Unknown Verdict = "unknown"        // could not be read or understood
	None    Verdict = "not applicable" // the machine has no such thing
)

// worse orders verdicts for what has several parts: what is known to be bad is worse
// than what is unknown, which is worse than what is known to be tolerable.
func (v Verdict) worse(than Verdict) bool {
	order := []Verdict{"", None, Good, Warn, Unknown, Bad}
	return slices.Index(order, v) > slices.Index(order, than)
}

// Check is one thing that was looked at.
type Check struct {
	Group   string       `json:"group"` // of checks on one subject
	Name    string       `json:"name"`  // short and stable
	Verdict Verdict      `json:"verdict"`
	Value   string       `json:"value"` // found
	Want    string       `json:"want"`
	Why     string       `json:"why"`
	Mend    string       `json:"mend,omitempty"` // of what is not good; of what is unknown, the command that tells
	CPUs    affinity.Set `json:"cpus,omitzero"`  // those concerned, if it is a matter of CPUs
}

// Report is an examination.
type Report struct {
	CPUs     affinity.Set `json:"cpus"`      // the quiet ones
	Chosen   string       `json:"chosen_by"` // given, isolated, allowed
	Checks   []Check      `json:"checks"`
	Measured []Measured   `json:"measured,omitempty"`
}

// Count returns how many checks, measurements among them, have that verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, c := range r.Checks {
		if c.Verdict == v {
			n++
		}
	}
	for _, m := range r.Measured {
		if m.Verdict == v {
			n++
		}
	}
	return n
}

// Examine looks at everything that can be read. The quiet CPUs are the given ones, or, if
// the set is empty, the isolated ones that the process may use, or all that it is allowed.
func Examine(h Host, quiet affinity.Set) Report {
	m := newMachine(h, quiet)
	r := Report{CPUs: m.quiet, Chosen: m.chosen}
	for _, g := range groups() {
		for _, row := range g.rows {
			r.Checks = append(r.Checks, row.check(g.name, m))
		}
	}
	return r
}

// group is the checks on one subject.
type group struct {
	name string
	rows []row
}

// groups are all checks, in the order in which they are shown.
func groups() []group {
	return []group{
		{"CPUs", cpuRows()},
		{"interrupts", interruptRows()},
		{"kernel", kernelRows()},
		{"clock", clockRows()},
		{"power", powerRows()},
		{"memory", memoryRows()},
		{"limits", limitRows()},
		{"shared files", fileRows()},
		{"Go", runtimeRows()},
	}
}

// row is a check that can be made. In want and mend {cpus} stands for the CPUs
// concerned, {isolate} for those to be kept quiet and {others} for the rest, as lists;
// {isolatemask} and {othersmask} are these as the kernel writes masks.
type row struct {
	name, want, why, mend string
	look                  func(*machine) finding
}

// finding is what looking came to. Empty fields are filled from the row.
type finding struct {
	verdict Verdict
	value   string
	mend    string
	cpus    affinity.Set
}

func (r row) check(group string, m *machine) Check {
	f := r.look(m)
	c := Check{Group: group, Name: r.name, Verdict: f.verdict, Value: f.value, Want: m.fill(r.want, f.cpus), Why: r.why, CPUs: f.cpus}
	switch f.verdict {
	case Good, None:
	default:
		if c.Mend = f.mend; c.Mend == "" && f.verdict != Unknown {
			c.Mend = r.mend
		}
		c.Mend = m.fill(c.Mend, f.cpus)
	}
	return c
}
