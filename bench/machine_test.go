package bench

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/tick"
)

// tree is a machine of two cores with two threads each, as the kernel shows it.
func tree(flags string) fstest.MapFS {
	fs := fstest.MapFS{}
	file := func(path, text string) { fs[path] = &fstest.MapFile{Data: []byte(text + "\n")} }
	file("sys/devices/system/cpu/online", "0-3")
	file("sys/devices/system/cpu/present", "0-3")
	file("proc/cpuinfo", "processor\t: 0\nmodel name\t: Test 3000\nflags\t\t: "+flags+"\n")
	for id, siblings := range []string{"0,2", "1,3", "0,2", "1,3"} {
		dir := "sys/devices/system/cpu/cpu" + string(rune('0'+id)) + "/"
		file(dir+"topology/physical_package_id", "0")
		file(dir+"topology/core_id", siblings[:1])
		file(dir+"topology/thread_siblings_list", siblings)
		file(dir+"cache/index3/level", "3")
		file(dir+"cache/index3/type", "Unified")
		file(dir+"cache/index3/shared_cpu_list", "0-3")
		file(dir+"cpufreq/scaling_governor", "performance")
	}
	return fs
}

func topologyOf(t *testing.T, fs fstest.MapFS) *affinity.Topology {
	t.Helper()
	topology, err := affinity.ReadFS(fs, affinity.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

func TestMachineOfAQuietHostIsNotNoisy(t *testing.T) {
	fs := tree("nonstop_tsc")
	fs["sys/devices/system/cpu/isolated"] = &fstest.MapFile{Data: []byte("1-3\n")}
	fs["sys/devices/system/cpu/nohz_full"] = &fstest.MapFile{Data: []byte("1-3\n")}
	// Siblings that are off leave the core to one thread.
	fs["sys/devices/system/cpu/online"] = &fstest.MapFile{Data: []byte("0-1\n")}
	m := Machine{Hypervisor: none, Governor: "performance", Threads: 2, Load: 0.1, Used: []UsedCPU{{ID: 1}}}
	m.judge(topologyOf(t, fs))
	if m.Noisy || len(m.Reasons) != 0 {
		t.Errorf("noisy %t: %q", m.Noisy, m.Reasons)
	}
}

// What is not known is never good.
func TestMachineUnknownIsNoisy(t *testing.T) {
	fs := tree("")
	fs["sys/devices/system/cpu/isolated"] = &fstest.MapFile{Data: []byte("0-3\n")}
	quiet := Machine{Hypervisor: none, Governor: "performance", Threads: 8, Used: []UsedCPU{{ID: 1}}}
	for _, c := range []struct {
		want   string
		change func(*Machine)
	}{
		{"unknown whether this is a virtual machine", func(m *Machine) { m.Hypervisor = unknown }},
		{"virtual machine (KVM)", func(m *Machine) { m.Hypervisor = "KVM" }},
		{"load is unknown", func(m *Machine) { m.Load = -1 }},
		{"load average 7.9", func(m *Machine) { m.Load = 7.9 }},
		{"governor powersave", func(m *Machine) { m.Governor = "powersave" }},
		{"grants 1.5 CPUs", func(m *Machine) { m.Quota = 1.5 }},
		{"sibling on the same core", func(*Machine) {}},
	} {
		m := quiet
		c.change(&m)
		m.judge(topologyOf(t, fs))
		if !m.Noisy || !strings.Contains(strings.Join(m.Reasons, "; "), c.want) {
			t.Errorf("want %q, noisy %t: %q", c.want, m.Noisy, m.Reasons)
		}
	}
	m := quiet
	m.stolen(2.5)
	if !m.Noisy || m.Steal != 2.5 {
		t.Errorf("2.5 %% stolen: %+v", m)
	}
}

func TestMachineReadsTopology(t *testing.T) {
	topology := topologyOf(t, tree("nonstop_tsc hypervisor"))
	m := readMachine(topology, []int{1, 3}, tick.Counter, 1<<32, 0.5)
	if m.CPU != "Test 3000" || m.Cores != 2 || m.Threads != 4 || !m.SMT || m.L3 != 1 || m.L3From != "cache" {
		t.Errorf("%+v", m)
	}
	if len(m.Used) != 2 || m.Used[0].Core != m.Used[1].Core || m.Used[0].Siblings != "1,3" || m.Governor != "performance" {
		t.Errorf("used %+v", m.Used)
	}
	if m.Hypervisor == none || m.Hypervisor == unknown || !m.Noisy {
		t.Errorf("hypervisor %q, noisy %t", m.Hypervisor, m.Noisy)
	}
	r := Run{CPUs: []int{1, 3}, Machine: m, Ring: Settings{Capacity: 64 << 20, Stamps: "every", Subscriber: "a gate", Wait: "spin"}}
	text := strings.Join(r.Header(), "\n")
	for _, want := range []string{
		"Test 3000", "2 cores with 4 threads", "one L3", "CPUs 1, 3 (one core)", "not isolated", "governor performance",
		runtime.Version(), "GOMAXPROCS", "1.000 GHz", "load 0.50", "rings of 64 MiB", "stamps every", "a gate", "A shared, noisy machine: ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestMachineJSONHasNoEmptyWords(t *testing.T) {
	m := readMachine(topologyOf(t, tree("")), []int{0, 1}, tick.Counter, 1<<32, -1)
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), `:""`) {
		t.Errorf("an empty word instead of %q: %s", unknown, text)
	}
}

func TestBuild(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	for _, c := range []struct {
		info debug.BuildInfo
		want [3]string
	}{
		{debug.BuildInfo{}, [3]string{unknown, unknown, unknown}},
		{debug.BuildInfo{Main: debug.Module{Path: modulePath}}, [3]string{"(devel)", unknown, unknown}},
		{debug.BuildInfo{
			Main:     debug.Module{Path: modulePath, Version: "v1.2.3"},
			Settings: []debug.BuildSetting{setting("vcs.revision", "abc"), setting("vcs.modified", "true")},
		}, [3]string{"v1.2.3", "abc", yes}},
		{debug.BuildInfo{
			Main:     debug.Module{Path: "example.com/user"},
			Deps:     []*debug.Module{{Path: modulePath, Version: "v1.0.0"}},
			Settings: []debug.BuildSetting{setting("vcs.revision", "of another repository")},
		}, [3]string{"v1.0.0", unknown, unknown}},
	} {
		version, commit, modified := buildOf(&c.info)
		if got := [3]string{version, commit, modified}; got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestCPUTime(t *testing.T) {
	const before = "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 10 0 10 80 0 0 0 0 5 0\ncpu1 10 0 10 80 0 0 0 0 5 0\nintr 1 2 3 4 5 6 7 8 9 10\n"
	const after = "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 60 0 10 80 0 0 0 50 5 0\ncpu1 110 0 10 80 0 0 0 0 5 0\n"
	a, b := parseCPUTime(before, []int{0, 1}), parseCPUTime(after, []int{0, 1})
	if got := b.stealSince(a); got != 25 {
		t.Errorf("%v %% stolen, want 25", got)
	}
	if got := b.stealSince(b); got != -1 {
		t.Errorf("in no time: %v, want -1", got)
	}
	for _, cpus := range [][]int{{2}, {0, 7}} {
		if got := parseCPUTime(after, cpus).stealSince(parseCPUTime(before, cpus)); got != -1 {
			t.Errorf("CPUs %v are not there: %v, want -1", cpus, got)
		}
	}
	if parseCPUTime("cpu0 1 2 x 4 5 6 7 8\n", []int{0}).known {
		t.Error("a word is a number")
	}
}

func TestRunsSayWhatTheyRanOn(t *testing.T) {
	s := testSession(t, Setup{})
	r := s.run("test", "none")
	if !slices.Equal(r.CPUs, s.CPUs()) || len(r.Machine.Used) != len(r.CPUs) || r.Machine.Kernel == unknown || r.Machine.TickHz <= 0 {
		t.Errorf("%+v", r)
	}
}
