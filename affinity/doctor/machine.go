package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/text"
)

// machine is a host under examination.
type machine struct {
	Host
	topErr  error        // why the topology is empty
	quiet   affinity.Set // CPUs that are meant to be
	chosen  string
	isolate affinity.Set // what to keep quiet: the quiet CPUs, but never all there are
	others  affinity.Set // online, for everything else
}

func newMachine(h Host, quiet affinity.Set) *machine {
	m := &machine{Host: h}
	if m.Topology == nil {
		if m.Topology, m.topErr = affinity.ReadFS(h.Files, h.Limits); m.topErr != nil {
			m.Topology = &affinity.Topology{}
		}
	}
	m.quiet, m.chosen = quiet, "given"
	if quiet.Empty() {
		m.quiet, m.chosen = m.isolated().And(m.Topology.Permitted), "isolated"
	}
	if m.quiet.Empty() {
		m.quiet, m.chosen = m.Topology.Allowed, "allowed"
	}
	m.isolate = m.quiet
	if m.Topology.Online.Minus(m.quiet).Empty() {
		// Somebody has to do the rest: the first core.
		if c, ok := m.Topology.CPU(m.Topology.Online.Min()); ok {
			m.isolate = m.isolate.Minus(c.Siblings)
		}
	}
	m.others = m.Topology.Online.Minus(m.isolate)
	return m
}

// isolated are the CPUs outside the scheduler's balancing. Older kernels do not count
// isolated cpuset partitions among those of sysfs.
func (m *machine) isolated() affinity.Set {
	s := m.Topology.Isolated
	if text, err := m.line("sys/fs/cgroup/cpuset.cpus.isolated"); err == nil {
		if more, err := affinity.ParseSet(text); err == nil {
			s = s.Or(more)
		}
	}
	return s.Or(m.ownPartition())
}

// ownPartition are the CPUs of an isolated cpuset partition that the process is in: a
// container does not see the file that has all of them.
func (m *machine) ownPartition() (s affinity.Set) {
	own, ok := m.cgroup("cpuset")
	if !ok || !own.V2 {
		return s
	}
	for _, g := range own.Up() {
		if kind, err := m.line(g.Dir + "/cpuset.cpus.partition"); err != nil || kind != "isolated" {
			continue
		}
		text, err := m.line(g.Dir + "/cpuset.cpus.effective")
		if more, perr := affinity.ParseSet(text); err == nil && perr == nil {
			s = s.Or(more)
		}
	}
	return s
}

// fill puts CPUs in the place of the words in braces.
func (m *machine) fill(text string, concerned affinity.Set) string {
	list := func(s affinity.Set) string {
		if s.Empty() {
			return "LIST"
		}
		return s.String()
	}
	if concerned.Empty() {
		concerned = m.quiet
	}
	return strings.NewReplacer(
		"{cpus}", list(concerned),
		"{isolate}", list(m.isolate),
		"{others}", list(m.others),
		"{othersmask}", maskText(m.others),
		"{isolatemask}", maskText(m.isolate),
	).Replace(text)
}

// each looks at the quiet CPUs one by one and sums up what was found: values with the
// CPUs that have them, the worst verdict, and the CPUs that are not good.
func (m *machine) each(look func(affinity.CPU) (string, Verdict)) finding {
	if m.quiet.Empty() || m.topErr != nil {
		return m.noCPUs()
	}
	var values []string
	having := map[string]affinity.Set{}
	var f finding
	without := 0
	for id := range m.quiet.All() {
		value, verdict := "no such CPU", Bad
		if c, ok := m.Topology.CPU(id); ok && c.Online {
			value, verdict = look(c)
		} else if ok {
			value = "offline"
		}
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
		s := having[value]
		s.Add(id)
		having[value] = s
		if verdict != Good && verdict != None {
			f.cpus.Add(id)
		}
		if verdict == None {
			without++
		}
		if verdict.worse(f.verdict) {
			f.verdict = verdict
		}
	}
	if f.verdict == Good && without > 0 {
		f.verdict = Unknown // why some CPUs have it and others do not
	}
	for i, v := range values {
		if len(values) > 1 {
			values[i] = v + " (" + text.CPUs(having[v]) + ")"
		}
	}
	if more := len(values) - mostValues; more > 0 {
		values = append(values[:mostValues], fmt.Sprintf("and %d other values", more))
	}
	f.value = strings.Join(values, ", ")
	return f
}

// mostValues are told apart: on large machines every CPU may have its own.
const mostValues = 6

// noCPUs is the finding of what would be looked at on CPUs, if any were known.
func (m *machine) noCPUs() finding {
	f := unknown("the CPUs of this machine are unknown", "ls /sys/devices/system/cpu")
	if m.topErr != nil {
		f.value = m.topErr.Error()
	}
	return f
}

// oneOf is the finding for a word: want is good, everything else is what otherwise says.
func oneOf(value string, otherwise Verdict, want ...string) finding {
	if slices.Contains(want, value) {
		return finding{verdict: Good, value: value}
	}
	return finding{verdict: otherwise, value: value}
}

func good(format string, args ...any) finding { return found(Good, format, args...) }
func warn(format string, args ...any) finding { return found(Warn, format, args...) }
func bad(format string, args ...any) finding  { return found(Bad, format, args...) }
func none(format string, args ...any) finding { return found(None, format, args...) }

func found(v Verdict, format string, args ...any) finding {
	return finding{verdict: v, value: fmt.Sprintf(format, args...)}
}

// unknown is the finding for what cannot be told; mend is the command that tells, if there
// is one.
func unknown(why, mend string) finding { return finding{verdict: Unknown, value: why, mend: mend} }
