package affinity

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestPick(t *testing.T) {
	isolated := func(m tree, list string) tree { return m.with(cpuDir+"/isolated", list) }
	set := func(text string) Set {
		s, err := ParseSet(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	vm := listed("0-2") // an L3 cache of its own for every CPU
	for i, s := range []string{"0", "1", "2"} {
		vm.add(i, 0, i, s, s, s)
	}
	for _, c := range []struct {
		name string
		m    tree
		l    Limits
		n    int
		p    Policy
		want []int
		few  bool
	}{
		{name: "none", m: plain(4), n: 0, want: []int{}},
		{name: "not CPU 0", m: plain(4), n: 2, want: []int{1, 2}},
		{name: "CPU 0 when nothing else is left", m: plain(2), n: 2, want: []int{1, 0}},
		{name: "one CPU", m: plain(1), n: 1, want: []int{0}},
		{name: "fewer than asked", m: plain(2), n: 3, want: []int{1, 0}, few: true},
		{name: "different cores, the other socket is free of CPU 0's core", m: twoSockets(), n: 4, want: []int{4, 5, 6, 7}},
		{name: "a socket has 4 cores", m: twoSockets(), n: 5, want: []int{4, 5, 6, 7}, few: true},
		{name: "SMT only when cores run out", m: twoSockets(), n: 6, p: Policy{SMT: true}, want: []int{4, 5, 6, 7, 12, 13}},
		{name: "any L3, the sibling of CPU 0 before CPU 0", m: twoSockets(), n: 8, p: Policy{AnyL3: true}, want: []int{4, 5, 6, 7, 1, 2, 3, 8}},
		{name: "any L3 still prefers one", m: twoSockets(), n: 2, p: Policy{AnyL3: true, From: SetOf(3, 4, 7)}, want: []int{4, 7}},
		{name: "both relaxed: everything, CPU 0 at its group's end", m: twoSockets(), n: 16, p: Policy{SMT: true, AnyL3: true},
			want: []int{4, 5, 6, 7, 12, 13, 14, 15, 1, 2, 3, 8, 9, 10, 11, 0}},
		{name: "from a node", m: twoSockets(), n: 2, p: Policy{From: set("0-3,8-11")}, want: []int{1, 2}},
		{name: "avoid", m: complexes(), n: 2, p: Policy{Avoid: SetOf(3, 4)}, want: []int{2, 5}},
		{name: "an avoided CPU takes its core", m: twoSockets(), n: 4, p: Policy{Avoid: SetOf(4)}, want: []int{1, 2, 3, 8}},
		{name: "with SMT its sibling is a second thread", m: twoSockets(), n: 4, p: Policy{SMT: true, Avoid: SetOf(4), From: set("4-7,12-15")}, want: []int{5, 6, 7, 12}},
		{name: "the L3 cache with enough cores", m: complexes(), n: 3, want: []int{2, 3, 4}},
		{name: "the lowest L3 without CPU 0", m: complexes(), n: 2, want: []int{2, 3}},
		{name: "mask", m: complexes(), l: Limits{Allowed: SetOf(0, 1, 2)}, n: 2, want: []int{1, 0}},
		{name: "mask leaves one per L3", m: complexes(), l: Limits{Allowed: SetOf(1, 2, 6)}, n: 2, want: []int{1}, few: true},
		{name: "From goes beyond the mask", m: complexes(), l: Limits{Allowed: SetOf(0, 1)}, n: 2, p: Policy{From: SetOf(6, 7)}, want: []int{6, 7}},
		{name: "nothing goes beyond the permitted", m: complexes(), l: Limits{Permitted: SetOf(1, 6)}, n: 2, p: Policy{From: SetOf(6, 7)}, want: []int{6}, few: true},
		{name: "isolated first", m: isolated(plain(8), "5-6"), n: 2, want: []int{5, 6}},
		{name: "isolated, then others", m: isolated(plain(8), "5-6"), n: 3, want: []int{5, 6, 1}},
		{name: "isolated decide on the L3", m: isolated(complexes(), "6-7"), n: 2, want: []int{6, 7}},
		{name: "isolated outside a narrowed mask are left alone", m: isolated(plain(8), "5-6"), l: Limits{Allowed: SetOf(1, 2)}, n: 2, want: []int{1, 2}},
		{name: "isolated inside the mask", m: isolated(plain(8), "5-6"), l: Limits{Allowed: SetOf(1, 6)}, n: 1, want: []int{6}},
		{name: "isolated but forbidden", m: isolated(plain(8), "5-6"), l: Limits{Permitted: SetOf(0, 1, 2, 6)}, n: 2, want: []int{6, 1}},
		{name: "isolated but offline", m: isolated(plain(4).with(cpuDir+"/online", "0-2"), "2-3"), n: 2, want: []int{2, 1}},
		{name: "large cores first, then small, and no low power ones", m: hybrid(), n: 6, want: []int{2, 1, 4, 5, 6, 7}},
		{name: "capacity", m: plain(4).with(cpuDir+"/cpu0/cpu_capacity", "400", cpuDir+"/cpu1/cpu_capacity", "400",
			cpuDir+"/cpu2/cpu_capacity", "1024", cpuDir+"/cpu3/cpu_capacity", "1024"), n: 3, want: []int{2, 3, 1}},
		{name: "a VM with hidden sharing", m: vm, n: 2, want: []int{1}, few: true},
		{name: "the same, ignoring L3", m: vm, n: 3, p: Policy{AnyL3: true}, want: []int{1, 2, 0}},
		{name: "CPUs of unknown caches share none", m: plain(3).with(cpuDir+"/cpu1/cache", "-", cpuDir+"/cpu2/cache", "-"), n: 2, want: []int{1}, few: true},
		{name: "CPU 0 is offline", m: plain(4).with(cpuDir+"/online", "1-3"), n: 3, want: []int{1, 2, 3}},
		{name: "nothing left", m: plain(2), n: 1, p: Policy{Avoid: SetOf(0, 1)}, want: []int{}, few: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := c.m.read(t, c.l)
			got, err := top.Pick(c.n, c.p)
			if !slices.Equal(got, c.want) || got == nil || errors.Is(err, ErrTooFewCPUs) != c.few || (err != nil) != c.few {
				t.Errorf("got %v, %v; want %v, too few %v", got, err, c.want, c.few)
			}
			again, _ := c.m.read(t, c.l).Pick(c.n, c.p)
			if !slices.Equal(got, again) {
				t.Errorf("not deterministic: %v, then %v", got, again)
			}
		})
	}
}

func TestPickErrors(t *testing.T) {
	top := twoSockets().read(t, Limits{Permitted: SetOf(0, 8)})
	_, err := top.Pick(2, Policy{})
	for _, want := range []string{"pick 2", "from 0,8", "only 1 (8)", "permitted 0,8", "Policy.SMT", "Policy.AnyL3"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	got, err := top.Pick(3, Policy{SMT: true, AnyL3: true})
	if !slices.Equal(got, []int{8, 0}) || strings.Contains(err.Error(), "Policy") {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := top.Pick(-1, Policy{}); err == nil || errors.Is(err, ErrTooFewCPUs) {
		t.Errorf("-1 CPUs: %v", err)
	}
	if got, err := (&Topology{}).Pick(1, Policy{}); len(got) != 0 || !errors.Is(err, ErrTooFewCPUs) {
		t.Errorf("no machine: %v, %v", got, err)
	}
}

// The error names what was asked for, and of each CPU that is out the reason.
func TestPickErrorNamesWhatIsOut(t *testing.T) {
	top := plain(8).with(cpuDir+"/online", "0-6").read(t, Limits{Permitted: SetOf(0, 1, 2, 3, 4)})
	for _, c := range []struct {
		p    Policy
		want string
	}{
		{Policy{From: SetOf(77)}, "from 77 without 77 (no such CPU): only 0 "},
		{Policy{From: SetOf(5, 6, 7, 77), Avoid: SetOf(5)}, "from 5-7,77 without 77 (no such CPU), 7 (offline), 5-6 (not permitted): only 0 "},
		{Policy{From: SetOf(1, 2, 3), Avoid: SetOf(0, 2)}, "from 1-3 without 2 (Policy.Avoid): only 2 "},
		{Policy{Avoid: SetOf(0, 1, 2)}, "from 0-4 without 0-2 (Policy.Avoid): only 2 "},
		{Policy{From: SetOf(1, 2)}, "from 1-2: only 2 "},
	} {
		if _, err := top.Pick(9, c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("From %v, Avoid %v: no %q in: %v", c.p.From, c.p.Avoid, c.want, err)
		}
	}

	// Without SMT an avoided CPU takes its sibling out as well.
	_, err := twoSockets().read(t, Limits{}).Pick(2, Policy{From: SetOf(4, 12), Avoid: SetOf(4)})
	if want := "without 4 (Policy.Avoid), 12 (on a core of Policy.Avoid): only 0 "; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("no %q in: %v", want, err)
	}
}

// What is picked keeps the policy's demands on every machine, for every n.
func TestPickKeepsDemands(t *testing.T) {
	for name, m := range map[string]tree{"plain": plain(5), "two sockets": twoSockets(), "complexes": complexes(), "hybrid": hybrid()} {
		top := m.read(t, Limits{})
		for n := range top.Online.Len() + 2 {
			for _, p := range []Policy{{}, {SMT: true}, {AnyL3: true}, {SMT: true, AnyL3: true}} {
				got, err := top.Pick(n, p)
				cores, l3 := map[int]bool{}, map[int]bool{}
				for _, id := range got {
					c, _ := top.CPU(id)
					cores[c.Core], l3[c.L3] = true, true
				}
				if SetOf(got...).Len() != len(got) || len(got) > n || (err == nil) != (len(got) == n) {
					t.Errorf("%s, %d, %+v: %v, %v", name, n, p, got, err)
				}
				if !p.SMT && len(cores) != len(got) || !p.AnyL3 && len(l3) > 1 {
					t.Errorf("%s, %d, SMT %v, AnyL3 %v: %v breaks the policy", name, n, p.SMT, p.AnyL3, got)
				}
				if p.SMT && p.AnyL3 && n <= top.Online.Len() && err != nil {
					t.Errorf("%s, %d: %v", name, n, err)
				}
			}
		}
	}
}
