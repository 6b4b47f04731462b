package affinity

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Policy says which CPUs suit together. The zero value is the right one for
// threads that pass messages through shared memory: all below one L3 cache, each
// on a physical core of its own.
//
// Those two are demands that SMT and AnyL3 lift. Among the CPUs that meet them,
// Pick prefers, in this order: any CPU to CPU 0, where the kernel does its
// housekeeping; a thread on its own core to a second one on a core; isolated CPUs;
// large cores to small ones; other cores to that of CPU 0; low numbers to high
// ones. The outcome depends on nothing but the topology and the policy.
type Policy struct {
	SMT   bool // two CPUs of one core may be picked, when the cores run out
	AnyL3 bool // CPUs below different L3 caches may be picked, when no single one has enough

	// From is where to pick from. Empty: the mask of the process, and also the
	// isolated CPUs if the mask is the default one (everything permitted that is
	// not isolated). CPUs outside Topology.Permitted are never picked.
	From Set

	// Avoid are CPUs never to pick, for example those in use already. Their cores
	// count as taken: without SMT no other CPU of them is picked either.
	Avoid Set
}

// Pick returns n CPUs for n threads, the best one first. If fewer than n satisfy
// the policy, it returns as many as do, the best choice for that many, and an
// error that wraps ErrTooFewCPUs: the caller may then relax the policy, go on with
// fewer, or let the threads float.
//
// Pick reserves nothing: two calls with the same policy return the same CPUs.
func (t *Topology) Pick(n int, p Policy) ([]int, error) {
	if n < 0 {
		return nil, fmt.Errorf("affinity: pick %d CPUs: the number must not be negative", n)
	}
	groups := t.choices(t.candidates(p), p)
	if len(groups) == 0 {
		return t.picked(nil, n, p)
	}
	best := slices.MinFunc(groups, func(a, b []choice) int {
		a, b = a[:min(n, len(a))], b[:min(n, len(b))]
		return cmp.Or(cmp.Compare(len(b), len(a)), compareTotals(a, b))
	})
	if p.AnyL3 && len(best) < n {
		best = spread(best, groups, n)
	}
	return t.picked(best[:min(n, len(best))], n, p)
}

// asked returns the CPUs that the policy wants to pick from.
func (t *Topology) asked(p Policy) Set {
	if !p.From.Empty() {
		return p.From
	}
	if t.Allowed == t.Permitted.Minus(t.Isolated) {
		return t.Allowed.Or(t.Isolated)
	}
	return t.Allowed
}

// candidates returns the CPUs that the policy and the machine admit.
func (t *Topology) candidates(p Policy) Set {
	return t.asked(p).And(t.Permitted).And(t.Online).Minus(p.Avoid)
}

// out says which of the CPUs asked for cannot be picked, and why: each CPU once,
// with the first reason that holds.
func (t *Topology) out(p Policy) string {
	var present, core Set
	for _, c := range t.CPUs {
		present.Add(c.ID)
		if p.Avoid.Has(c.ID) && !p.SMT {
			core = core.Or(c.Siblings)
		}
	}
	left := t.asked(p)
	var list []string
	for _, r := range []struct {
		out Set
		why string
	}{
		{left.Minus(present), "no such CPU"},
		{left.Minus(t.Online), "offline"},
		{left.Minus(t.Permitted), "not permitted"},
		{p.Avoid, "Policy.Avoid"},
		{core, "on a core of Policy.Avoid"},
	} {
		if gone := left.And(r.out); !gone.Empty() {
			list = append(list, fmt.Sprintf("%s (%s)", gone, r.why))
			left = left.Minus(gone)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return " without " + strings.Join(list, ", ")
}

// choice is a CPU and the reasons against it, the gravest first.
type choice struct {
	cpu CPU
	bad [5]int
}

func compare(a, b choice) int {
	return cmp.Or(slices.Compare(a.bad[:], b.bad[:]), cmp.Compare(a.cpu.ID, b.cpu.ID))
}

// compareTotals orders groups of equal size by the sum of their reasons, then by
// their first CPU.
func compareTotals(a, b []choice) int {
	total := func(g []choice) (sum [5]int) {
		for _, c := range g {
			for i, v := range c.bad {
				sum[i] += v
			}
		}
		return sum
	}
	ta, tb := total(a), total(b)
	if c := slices.Compare(ta[:], tb[:]); c != 0 || len(a) == 0 {
		return c
	}
	return cmp.Compare(a[0].cpu.ID, b[0].cpu.ID)
}

// choices returns the CPUs that may be picked together, by L3 cache, each group
// with the best first.
func (t *Topology) choices(from Set, p Policy) [][]choice {
	zero, haveZero := t.CPU(0)
	taken := map[int]bool{} // cores
	for _, c := range t.CPUs {
		if p.Avoid.Has(c.ID) && c.Online {
			taken[c.Core] = true
		}
	}
	byCore := map[int][]choice{}
	for _, c := range t.CPUs {
		if !from.Has(c.ID) {
			continue
		}
		byCore[c.Core] = append(byCore[c.Core], choice{c, [5]int{
			one(c.ID == 0),
			0, // second thread, below
			one(!t.Isolated.Has(c.ID)),
			one(c.Small),
			one(haveZero && zero.Online && c.Core == zero.Core),
		}})
	}
	byL3 := map[int][]choice{}
	for id, core := range byCore {
		slices.SortFunc(core, compare)
		if !p.SMT {
			if taken[id] {
				continue
			}
			core = core[:1]
		}
		for i, c := range core {
			c.bad[1] = one(i > 0 || taken[id])
			group := c.cpu.L3
			if group < 0 {
				group = -1 - c.cpu.Core // shares with nobody
			}
			byL3[group] = append(byL3[group], c)
		}
	}
	groups := make([][]choice, 0, len(byL3))
	for _, id := range slices.Sorted(maps.Keys(byL3)) {
		slices.SortFunc(byL3[id], compare)
		groups = append(groups, byL3[id])
	}
	return groups
}

// spread adds other groups to the first until there are n CPUs: those of the same
// NUMA node first, then of the same package, then the larger ones.
func spread(first []choice, groups [][]choice, n int) []choice {
	home := first[0].cpu
	others := slices.DeleteFunc(slices.Clone(groups), func(g []choice) bool { return g[0].cpu.ID == home.ID })
	slices.SortFunc(others, func(a, b []choice) int {
		ca, cb := a[0].cpu, b[0].cpu
		return cmp.Or(
			cmp.Compare(one(ca.Node != home.Node), one(cb.Node != home.Node)),
			cmp.Compare(one(ca.Package != home.Package), one(cb.Package != home.Package)),
			cmp.Compare(len(b), len(a)),
			compare(a[0], b[0]))
	})
	all := slices.Clone(first)
	for _, g := range others {
		if len(all) >= n {
			break
		}
		all = append(all, g...)
	}
	return all
}

func (t *Topology) picked(got []choice, n int, p Policy) ([]int, error) {
	cpus := make([]int, len(got))
	for i, c := range got {
		cpus[i] = c.cpu.ID
	}
	if len(cpus) == n {
		return cpus, nil
	}
	var rules, ways []string
	if !p.AnyL3 {
		rules, ways = append(rules, "of one L3 cache"), append(ways, "AnyL3")
	}
	if !p.SMT {
		rules, ways = append(rules, "one per core"), append(ways, "SMT")
	}
	advice := "allow it more CPUs"
	if len(ways) > 0 {
		advice += " or set Policy." + strings.Join(ways, " or Policy.")
	}
	return cpus, fmt.Errorf("affinity: pick %d CPUs %sfrom %s%s: only %d (%s) fit (mask %s, permitted %s); %s: %w",
		n, strings.Join(append(rules, ""), ", "), orNone(t.asked(p)), t.out(p), len(cpus), orNone(SetOf(cpus...)),
		orNone(t.Allowed), orNone(t.Permitted), advice, ErrTooFewCPUs)
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func orNone(s Set) string {
	if s.Empty() {
		return "none"
	}
	return s.String()
}
