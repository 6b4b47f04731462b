package affinity

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// columns returns one field of all CPUs, "3 3 4".
func columns(t *Topology, field func(CPU) any) string {
	var list []string
	for _, c := range t.CPUs {
		list = append(list, fmt.Sprint(field(c)))
	}
	return strings.Join(list, " ")
}

func cores(c CPU) any    { return c.Core }
func l3s(c CPU) any      { return c.L3 }
func packages(c CPU) any { return c.Package }
func nodeOf(c CPU) any   { return c.Node }
func ids(c CPU) any      { return c.ID }

func wantColumn(t *testing.T, top *Topology, name string, field func(CPU) any, want string) {
	t.Helper()
	if got := columns(top, field); got != want {
		t.Errorf("%s: got %s, want %s", name, got, want)
	}
}

func TestTwoSockets(t *testing.T) {
	top := twoSockets().read(t, Limits{})
	wantColumn(t, top, "cores", cores, "0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7")
	wantColumn(t, top, "L3", l3s, "0 0 0 0 1 1 1 1 0 0 0 0 1 1 1 1")
	wantColumn(t, top, "packages", packages, "0 0 0 0 1 1 1 1 0 0 0 0 1 1 1 1")
	wantColumn(t, top, "nodes", nodeOf, "0 0 0 0 1 1 1 1 0 0 0 0 1 1 1 1")
	if c, ok := top.CPU(13); !ok || c.Siblings.String() != "5,13" || !c.Online {
		t.Errorf("CPU 13: %+v", c)
	}
	if _, ok := top.CPU(16); ok {
		t.Error("there is a CPU 16")
	}
	if top.L3From != L3FromCache || len(top.Notes) != 0 {
		t.Errorf("L3 from %s, notes %q", top.L3From, top.Notes)
	}
	if got := top.Select(func(c CPU) bool { return c.Node == 1 }).String(); got != "4-7,12-15" {
		t.Error("Select node 1:", got)
	}
}

func TestOldKernelFileNames(t *testing.T) {
	m := twoSockets()
	for name := range m {
		if strings.HasSuffix(name, "core_cpus_list") || strings.HasSuffix(name, "package_cpus_list") ||
			strings.HasSuffix(name, "die_cpus_list") || strings.HasSuffix(name, "die_id") {
			delete(m, name)
		}
	}
	if got, want := m.read(t, Limits{}), twoSockets().read(t, Limits{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestOnlyNumbersNoLists(t *testing.T) {
	m := twoSockets()
	for name := range m {
		if strings.Contains(name, "/topology/") && strings.HasSuffix(name, "_list") {
			delete(m, name)
		}
	}
	if got, want := m.read(t, Limits{}), twoSockets().read(t, Limits{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestHybrid(t *testing.T) {
	top := hybrid().read(t, Limits{})
	wantColumn(t, top, "cores", cores, "0 0 1 1 2 3 4 5 6 7")
	wantColumn(t, top, "L3", l3s, "0 0 0 0 0 0 0 0 1 1")
	wantColumn(t, top, "small", func(c CPU) any { return c.Small }, "false false false false true true true true true true")

	m := plain(3).with(cpuDir+"/cpu0/cpu_capacity", "1024", cpuDir+"/cpu1/cpu_capacity", "900", cpuDir+"/cpu2/cpu_capacity", "446")
	wantColumn(t, m.read(t, Limits{}), "small by capacity", func(c CPU) any { return c.Small }, "false false true")

	// Four fifths of 1024 are 819.2: what has more counts as large.
	m = plain(3).with(cpuDir+"/cpu0/cpu_capacity", "1024", cpuDir+"/cpu1/cpu_capacity", "820", cpuDir+"/cpu2/cpu_capacity", "819")
	wantColumn(t, m.read(t, Limits{}), "small at four fifths", func(c CPU) any { return c.Small }, "false false true")
}

func TestOfflineAndSparse(t *testing.T) {
	m := tree{cpuDir + "/present": "0-1,64-65,8191", cpuDir + "/online": "1,65,8191", cpuDir + "/isolated": "(null)"}
	for i, id := range []int{1, 65, 8191} {
		m.add(id, i, 0, fmt.Sprint(id), "1,65,8191", "1,65,8191")
	}
	m[nodeDir+"/node0/cpulist"] = "1"
	m[nodeDir+"/node7/cpulist"] = "65"
	top := m.read(t, Limits{})
	wantColumn(t, top, "ids", ids, "0 1 64 65 8191")
	wantColumn(t, top, "online", func(c CPU) any { return c.Online }, "false true false true true")
	wantColumn(t, top, "cores", cores, "-1 0 -1 1 2")
	wantColumn(t, top, "L3", l3s, "-1 0 -1 0 0")
	wantColumn(t, top, "nodes", nodeOf, "-1 0 -1 7 -1")
	if top.Online.String() != "1,65,8191" || top.Allowed != top.Online || top.Permitted != top.Online {
		t.Errorf("online %v allowed %v permitted %v", top.Online, top.Allowed, top.Permitted)
	}
	if c, _ := top.CPU(0); !c.Siblings.Empty() || top.Disturbs(0) != nil {
		t.Error("an offline CPU has siblings or disturbances")
	}
}

func TestMissingCaches(t *testing.T) {
	noCache := func(m tree) tree {
		for name := range m {
			if strings.Contains(name, "/cache/") {
				delete(m, name)
			}
		}
		return m
	}
	without := func(m tree, parts ...string) tree {
		for name := range m {
			for _, p := range parts {
				if strings.Contains(name, p) {
					delete(m, name)
				}
			}
		}
		return m
	}
	perSocket := "0 0 0 0 1 1 1 1 0 0 0 0 1 1 1 1"
	for _, c := range []struct {
		name string
		m    tree
		from L3Source
		l3   string
		note string
	}{
		{"no caches", noCache(twoSockets()), L3FromDie, perSocket, "one die"},
		{"no dies", without(noCache(twoSockets()), "die_"), L3FromPackage, perSocket, "one package"},
		{"package numbers", without(noCache(twoSockets()), "die_cpus", "_list"), L3FromPackage, perSocket, "one package"},
		{"no topology", without(noCache(twoSockets()), "topology/"), L3FromNothing, "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0", "all CPUs"},
		{"one CPU lists no cache", plain(3).with(cpuDir+"/cpu1/cache", "-"), L3FromCache, "0 -1 0", "CPU 1"},
		{"only small caches", without(plain(2), "index3"), L3FromDie, "0 0", "one die"},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := c.m.read(t, Limits{})
			wantColumn(t, top, "L3", l3s, c.l3)
			if top.L3From != c.from || !strings.Contains(strings.Join(top.Notes, "\n"), c.note) {
				t.Errorf("from %s, notes %q; want %s and a note of %q", top.L3From, top.Notes, c.from, c.note)
			}
		})
	}
}

func TestVirtualMachineThatHidesSharing(t *testing.T) {
	m := listed("0-2")
	for i := range 3 {
		m.add(i, 0, i, fmt.Sprint(i), fmt.Sprint(i), fmt.Sprint(i))
	}
	m["proc/cpuinfo"] = "processor\t: 0\nmodel name\t: Virtual CPU\nflags\t\t: fpu tsc hypervisor\n\nprocessor\t: 1\nmodel name\t: Other"
	v := m.read(t, Limits{})
	if !v.Info.Hypervisor || v.Info.InvariantTSC || v.Info.Model != "Virtual CPU" {
		t.Errorf("%+v", v.Info)
	}
	if len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "AnyL3") {
		t.Errorf("notes %q", v.Notes)
	}
}

func TestBareLists(t *testing.T) {
	// Some sandboxes have the lists, or the directories, and nothing else.
	for _, m := range []tree{
		{cpuDir + "/online": "0-1"},
		{cpuDir + "/present": "0-1"},
		{cpuDir + "/cpu0/uevent": "", cpuDir + "/cpu1/uevent": "", cpuDir + "/cpufreq/x": "", cpuDir + "/cpu9999/uevent": ""},
	} {
		b := m.read(t, Limits{})
		wantColumn(t, b, "cores", cores, "0 1")
		wantColumn(t, b, "L3", l3s, "0 0")
		wantColumn(t, b, "nodes", nodeOf, "0 0")
		if b.L3From != L3FromNothing || len(b.Notes) < 2 {
			t.Errorf("L3 from %s, notes %q", b.L3From, b.Notes)
		}
	}
	for _, m := range []tree{{}, {cpuDir + "/online": ""}} {
		if _, err := ReadFS(m.fs(), Limits{}); !errors.Is(err, ErrNoTopology) {
			t.Errorf("no CPU at all: %v", err)
		}
	}
}

func TestGarbage(t *testing.T) {
	for _, name := range []string{
		cpuDir + "/online", cpuDir + "/present", cpuDir + "/isolated", cpuDir + "/nohz_full",
		cpuDir + "/cpu1/topology/core_cpus_list", cpuDir + "/cpu1/topology/die_cpus_list",
		cpuDir + "/cpu1/topology/package_cpus_list", cpuDir + "/cpu1/topology/core_id",
		cpuDir + "/cpu1/topology/die_id", cpuDir + "/cpu1/topology/physical_package_id",
		cpuDir + "/cpu1/cache/index3/level", cpuDir + "/cpu1/cache/index3/shared_cpu_list",
		cpuDir + "/cpu1/cpu_capacity", nodeDir + "/node0/cpulist", "sys/devices/cpu_atom/cpus",
	} {
		for _, text := range []string{"what", "1-", "9999999999", "\x00\xff", strings.Repeat("1-x,", 5000)} {
			_, err := ReadFS(plain(2).with(name, text).fs(), Limits{})
			if !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), "/"+name) || len(err.Error()) > 500 {
				t.Errorf("%s = %.20q: %v", name, text, err)
			}
			if n := strings.Count(err.Error(), "affinity: "); n != 1 {
				t.Errorf("%s = %.20q: the error names the package %d times: %v", name, text, n, err)
			}
		}
	}
	// An unreadable file is an error, not an absent one.
	m := plain(2).fs()
	m[cpuDir+"/online"] = &fstest.MapFile{Mode: fs.ModeDir}
	if _, err := ReadFS(m, Limits{}); err == nil || !strings.Contains(err.Error(), "/"+cpuDir+"/online") {
		t.Errorf("a directory in place of a file: %v", err)
	}
	// Nothing depends on these.
	g := plain(2).with("proc/irq/5/effective_affinity_list", "x", "proc/cpuinfo", "\x00:::\n:", "proc/self/cgroup", "0\n::\n0::../..\nx",
		cpuDir+"/cpu1/cpufreq/scaling_governor", "odd").read(t, Limits{})
	if g.CPUs[1].Governor != "odd" || g.CPUs[0].IRQs != 0 || g.Quota != 0 {
		t.Errorf("%+v", g)
	}
}

func TestContradictoryLists(t *testing.T) {
	// Kernels and hypervisors have had such bugs. Any answer will do that is one.
	m := plain(4).with(cpuDir+"/cpu1/topology/core_cpus_list", "0-1", cpuDir+"/cpu2/topology/core_cpus_list", "3",
		cpuDir+"/cpu3/topology/core_cpus_list", "100", cpuDir+"/cpu3/cache/index3/shared_cpu_list", "50")
	c := m.read(t, Limits{})
	for _, cpu := range c.CPUs {
		if !cpu.Siblings.Has(cpu.ID) || cpu.Core < 0 || cpu.L3 < 0 {
			t.Errorf("%+v", cpu)
		}
	}
	if _, err := c.Pick(4, Policy{SMT: true, AnyL3: true}); err != nil {
		t.Error(err)
	}
}

func TestQuota(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  float64
	}{
		{"v2, tightest above", []string{"proc/self/cgroup", "0::/a/b", "sys/fs/cgroup/a/b/cpu.max", "max 100000", "sys/fs/cgroup/a/cpu.max", "150000 100000"}, 1.5},
		{"v2, own", []string{"proc/self/cgroup", "0::/a/b", "sys/fs/cgroup/a/b/cpu.max", "50000 100000", "sys/fs/cgroup/a/cpu.max", "150000 100000"}, 0.5},
		{"v2, container root", []string{"proc/self/cgroup", "0::/", "sys/fs/cgroup/cpu.max", "200000 100000"}, 2},
		{"v2, none", []string{"proc/self/cgroup", "0::/a", "sys/fs/cgroup/a/cpu.max", "max 100000"}, 0},
		{"v1", []string{"proc/self/cgroup", "3:cpu,cpuacct:/a\n2:cpuset:/b", "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "300000", "sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000"}, 3},
		{"v1, none", []string{"proc/self/cgroup", "3:cpu,cpuacct:/a", "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1", "sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000"}, 0},
		{"nonsense", []string{"proc/self/cgroup", "0::/a", "sys/fs/cgroup/a/cpu.max", "NaN 0"}, 0},
	} {
		if got := plain(1).with(c.files...).read(t, Limits{}).Quota; got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestDisturbs(t *testing.T) {
	names := func(top *Topology, cpu int) string {
		var list []string
		for _, d := range top.Disturbs(cpu) {
			if !strings.Contains(d.Text, " ") {
				t.Errorf("no sentence: %+v", d)
			}
			list = append(list, d.Name)
		}
		return strings.Join(list, " ")
	}
	m := twoSockets().with(cpuDir+"/isolated", "5-6,13", cpuDir+"/nohz_full", "5-6", cpuDir+"/cpu5/cpufreq/scaling_governor", "performance",
		cpuDir+"/cpu6/cpufreq/scaling_governor", "powersave", "proc/irq/9/effective_affinity_list", "0,6", "proc/irq/9001/effective_affinity_list", "6",
		cpuDir+"/present", "0-16")
	top := m.read(t, Limits{})
	if got := names(top, 5); got != "smt" {
		t.Error("CPU 5:", got)
	}
	if got := names(top, 6); got != "smt governor irq" {
		t.Error("CPU 6:", got)
	}
	if got := names(top, 0); got != "sched cpu0 smt irq tick" {
		t.Error("CPU 0:", got)
	}
	if c, _ := top.CPU(6); c.IRQs != 2 {
		t.Error("IRQs of CPU 6:", c.IRQs)
	}
	quiet := plain(3).with(cpuDir+"/isolated", "2", cpuDir+"/nohz_full", "2").read(t, Limits{})
	if got := names(quiet, 2); got != "" {
		t.Error("a quiet CPU:", got)
	}
	loud := hybrid().with("proc/cpuinfo", "flags : hypervisor", "proc/self/cgroup", "0::/", "sys/fs/cgroup/cpu.max", "100000 100000").read(t, Limits{})
	if got := names(loud, 5); got != "quota sched small tick vm" {
		t.Error("a loud CPU:", got)
	}
	if top.Disturbs(16) != nil || top.Disturbs(-1) != nil || top.Disturbs(99) != nil {
		t.Error("disturbances of an offline or absent CPU")
	}
}

func TestTextAndJSON(t *testing.T) {
	m := hybrid().with(cpuDir+"/present", "0-10", cpuDir+"/isolated", "2", "proc/cpuinfo", "model name : Made Up\nflags : nonstop_tsc hypervisor",
		"sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc")
	top := m.read(t, Limits{Allowed: SetOf(0, 1), Permitted: SetOf(0, 1, 2, 3)})
	text := top.String()
	for _, want := range []string{"Made Up (virtual machine)", "TSC invariant, kernel uses tsc", "0-1 ", "outside mask, isolated", "forbidden, small", "offline", "L3 from"} {
		if !strings.Contains(strings.ReplaceAll(text, "\n", " \n"), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if err := top.WriteTable(failing{}); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
	b, err := json.Marshal(top)
	if err != nil {
		t.Fatal(err)
	}
	var back Topology
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(&back, top) {
		t.Errorf("%v\n%s", err, b)
	}
}

var errFull = errors.New("full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }
