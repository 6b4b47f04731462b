package affinity

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// write puts the machine's files below a directory, as they are kept open by name.
func (m tree) write(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	m.rewrite(t, root)
	return root
}

func (m tree) rewrite(t *testing.T, root string) {
	t.Helper()
	for name, text := range m {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// watched is a thread of a spinning process in a virtual machine, as the kernel's files
// had it.
func watched() tree {
	return tree{
		"proc/self/stat":                                       "",
		"proc/7/task/9/stat":                                   "9 (a ) R 1 (b) R 1 7 7 0 -1 4194304 2411 17 3 5 120 14 0 0 20 0 8 0 13579 1263079424 4095 18446744073709551615 1 1 0 0 0 0 0 0 2143420159 0 0 0 -1 1 0 0 0 0 0 0 0 0 0 0 0 0 0",
		"proc/7/task/9/schedstat":                              "196971615 399824932 31",
		"proc/7/task/9/status":                                 "Name:\ta ) R 1 (b\nState:\tR (running)\nvoluntary_ctxt_switches_of_nobody:\t99\nvoluntary_ctxt_switches:\t32\nnonvoluntary_ctxt_switches:\t6",
		"proc/7/task/9/cgroup":                                 "4:memory:/x\n1:cpu,cpuacct:/slice/app\n0::/",
		"sys/fs/cgroup/cpu/slice/app/cpu.stat":                 "nr_periods 7\nnr_throttled 6\nthrottled_time 465152714\nnr_bursts 0\nburst_time 0",
		"sys/fs/cgroup/cpu/slice/app/cpu.cfs_quota_us":         "-1",
		"sys/fs/cgroup/cpu/slice/cpu.stat":                     "nr_periods 7\nnr_throttled 1\nthrottled_time 1000000",
		"sys/fs/cgroup/cpu/slice/cpu.cfs_quota_us":             "20000",
		"sys/fs/cgroup/cpu/cpu.stat":                           "nr_periods 0\nnr_throttled 100\nthrottled_time 5",
		"proc/stat":                                            "cpu  3157150 1057218 1405784 3405009 16793 0 6360 58829 0 0\ncpu0 1716177 502302 695047 1605493 4793 0 1327 28774 0 0\ncpu1 1440972 554915 710736 1799515 11999 0 5032 30054 0 0\nintr 1 2 3",
		"proc/interrupts":                                      "           CPU0       CPU1       \n 24:          1          2  IO-APIC   5-edge      ACPI:Ged\n 36:         10         20 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0\nLOC:        100        200   Local timer interrupts\nRES:       1000       2000   Rescheduling interrupts\nERR:          7\nMIS:          9",
		"proc/softirqs":                                        "                    CPU0       CPU1       \n          HI:          1          2\n       TIMER:         10         20",
		"sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "3400000",
		"proc/sys/kernel/osrelease":                            "6.18.44",
	}
}

func look(t *testing.T, m tree) Activity {
	t.Helper()
	w, err := newWitness(m.write(t), 7, 9)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	a := Activity{Voluntary: 77, Known: KnowSwitches | KnowStood, Stood: 5}
	w.Look(&a)
	if a.At <= 0 {
		t.Errorf("%+v", a)
	}
	a.At, a.group = 0, 0
	return a
}

func TestWitnessReads(t *testing.T) {
	const everything = allKnown &^ KnowGo
	want := Activity{CPU: 1, Known: everything, OnCPU: 196971615, RunDelay: 399824932, Voluntary: 32, Involuntary: 6, MinorFaults: 2411, MajorFaults: 3,
		Interrupts: 2022, Timer: 200, Softirqs: 22, Steal: 300540 * time.Millisecond, KHz: 3400000, Throttles: 7, Throttled: 466152714}
	if got := look(t, watched()); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}

	for _, c := range []struct {
		name string
		with []string
		want func(*Activity)
	}{
		{"no scheduler statistics", []string{"proc/7/task/9/schedstat", "0 0 0"}, func(a *Activity) { a.Known &^= KnowSched }},
		{"none at all", []string{"proc/7/task/9/schedstat", "-"}, func(a *Activity) { a.Known &^= KnowSched }},
		{"no status", []string{"proc/7/task/9/status", "-"}, func(a *Activity) { a.Known &^= KnowSwitches | KnowStood }},
		{"a number too large", []string{"proc/7/task/9/schedstat", "196971615 99999999999999999999999 3"}, func(a *Activity) { a.Known &^= KnowSched }},
		{"garbage", []string{"proc/7/task/9/schedstat", "x", "proc/7/task/9/status", "\x00", "proc/stat", "cpu", "proc/interrupts", "", "proc/softirqs", "CPU0 CPU2\nHI: 1 2"},
			func(a *Activity) {
				a.Known &^= KnowSched | KnowSwitches | KnowSteal | KnowInterrupt | KnowSoftirqs | KnowStood
			}},
		{"a short stat", []string{"proc/7/task/9/stat", "9 (a) R 1 2 3"}, func(a *Activity) { a.Known &^= KnowFaults | ofCPU; a.CPU = -1 }},
		{"no CPU of that number", []string{"proc/7/task/9/stat", strings.Replace(watched()["proc/7/task/9/stat"], "-1 1 0 0", "-1 99999 0 0", 1)},
			func(a *Activity) { a.Known &^= ofCPU; a.CPU = -1 }},
		{"an ARM machine", []string{"proc/interrupts", "           CPU0       CPU1\n 11:       5       6  GICv3  26 Level     arch_timer\nIPI0:      1       2  Rescheduling interrupts\nErr:          0"},
			func(a *Activity) { a.Interrupts, a.Timer = 2, 6 }},
		{"a CPU is offline", []string{"proc/interrupts", "           CPU1\n 11:       5  x\nLOC:   3  y\nERR:  9"}, func(a *Activity) { a.Interrupts, a.Timer = 5, 3 }},
		{"no cpufreq", []string{"sys/devices/system/cpu/cpu1/cpufreq", "-"}, func(a *Activity) { a.Known &^= KnowKHz }},
		{"no CPU controller", []string{"sys/fs/cgroup", "-"}, func(a *Activity) { a.Known &^= KnowThrottle }},
		{"version 2", []string{"proc/7/task/9/cgroup", "0::/app", "sys/fs/cgroup/app/cpu.stat", "usage_usec 5\nnr_periods 2\nnr_throttled 3\nthrottled_usec 4"},
			func(a *Activity) { a.Throttles, a.Throttled = 3, 4000 }},
		{"version 2 without a limit", []string{"proc/7/task/9/cgroup", "0::/app", "sys/fs/cgroup/app/cpu.stat", "usage_usec 5"}, func(a *Activity) { a.Known &^= KnowThrottle }},
		{"hybrid, a limit above", []string{"proc/7/task/9/cgroup", "0::/a/b", "sys/fs/cgroup/unified/a/b/cpu.stat", "nr_throttled 3\nthrottled_usec 4",
			"sys/fs/cgroup/unified/a/cpu.stat", "nr_throttled 30\nthrottled_usec 40", "sys/fs/cgroup/unified/a/cpu.max", "10000 100000",
			"sys/fs/cgroup/unified/cpu.stat", "nr_throttled 300\nthrottled_usec 400", "sys/fs/cgroup/unified/cpu.max", "max 100000"},
			func(a *Activity) { a.Throttles, a.Throttled = 33, 44000 }},
	} {
		w := want
		c.want(&w)
		w.forget()
		if got := look(t, watched().with(c.with...)); got != w {
			t.Errorf("%s: got  %+v\nwant %+v", c.name, got, w)
		}
	}
	old := want
	if runtime.GOARCH == "amd64" { // where reading the rate would interrupt the CPU
		old.Known, old.KHz = old.Known&^KnowKHz, 0
	}
	if got := look(t, watched().with("proc/sys/kernel/osrelease", "5.17.0-rc1")); got != old {
		t.Errorf("an old kernel: %+v", got)
	}
}

// A table of a large machine is longer than any buffer to begin with.
func TestWitnessOnManyCPUs(t *testing.T) {
	var head, row strings.Builder
	for i := range 512 {
		head.WriteString("        CPU" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)))
		row.WriteString("          1")
	}
	m := watched().with("proc/interrupts", head.String()+strings.Repeat("\n 1:"+row.String()+" x", 300))
	m["proc/interrupts"] = strings.Replace(m["proc/interrupts"], "CPU001", "CPU1", 1)
	if a := look(t, m); a.Interrupts != 300 {
		t.Errorf("%+v", a)
	}
}

// witnessIn watches thread 9 of process 7 of a tree.
func witnessIn(t *testing.T, root string) *Witness {
	t.Helper()
	w, err := newWitness(root, 7, 9)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func TestWitnessFollowsTheThread(t *testing.T) {
	m := watched()
	root := m.write(t)
	w := witnessIn(t, root)
	var before, after Activity
	w.Look(&before)
	m = m.with("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1200000",
		"proc/7/task/9/stat", strings.Replace(m["proc/7/task/9/stat"], "-1 1 0 0", "-1 0 0 0", 1),
		"proc/7/task/9/cgroup", "1:cpu:/other", "sys/fs/cgroup/cpu/other/cpu.stat", "nr_throttled 1000\nthrottled_time 5000")
	m.rewrite(t, root)
	w.Look(&after)
	if after.CPU != 0 || after.KHz != 1200000 || after.Timer != 100 {
		t.Errorf("on the other CPU: %+v", after)
	}
	// When it came there is not known, nor what of the counts is its own.
	if d := after.Since(before); d.Known&KnowThrottle != 0 {
		t.Errorf("in the other cgroup: %+v", d)
	}
	before = after
	m.with("sys/fs/cgroup/cpu/other/cpu.stat", "nr_throttled 1002\nthrottled_time 5007").rewrite(t, root)
	w.Look(&after)
	if d := after.Since(before); d.Known&KnowThrottle == 0 || d.Throttles != 2 || d.Throttled != 7 {
		t.Errorf("in the other cgroup, later: %+v", d)
	}
	if w.Cost() <= 0 {
		t.Error("looking cost nothing")
	}
	if n := testing.AllocsPerRun(looksPerLimit*2, func() { w.Look(&after) }); n != 0 {
		t.Errorf("%v allocations for a look", n)
	}
}

// A quota that is given to a cgroup above counts from then on, within some looks.
func TestWitnessFindsAQuota(t *testing.T) {
	m := watched().with("sys/fs/cgroup/cpu/slice/cpu.cfs_quota_us", "-1")
	root := m.write(t)
	w := witnessIn(t, root)
	var before, after Activity
	w.Look(&before)
	m = watched()
	m.rewrite(t, root)
	for range looksPerLimit {
		w.Look(&after)
	}
	if d := after.Since(before); d.Known&KnowThrottle != 0 || after.Throttles != before.Throttles+1 {
		t.Errorf("%+v, then %+v", before, after)
	}
	before = after
	m.with("sys/fs/cgroup/cpu/slice/cpu.stat", "nr_periods 7\nnr_throttled 3\nthrottled_time 1000007").rewrite(t, root)
	w.Look(&after)
	if d := after.Since(before); d.Throttles != 2 || d.Throttled != 7 {
		t.Errorf("%+v", d)
	}
}

// Of another process: how long looks found the thread stopped, or asleep in a cgroup that is
// frozen. What lies between a look that did and one that did not is not known.
func TestWitnessOfAStop(t *testing.T) {
	stat := watched()["proc/7/task/9/stat"]
	state := func(letter string) []string {
		return []string{"proc/7/task/9/stat", strings.Replace(stat, ") R 1 7", ") "+letter+" 1 7", 1)}
	}
	ran := []string{"proc/7/task/9/status", "voluntary_ctxt_switches:\t34\nnonvoluntary_ctxt_switches:\t6"}
	group := "proc/7/task/9/cgroup"
	for _, c := range []struct {
		name   string
		looks  [][]string
		counts []int // the looks up to which from the one before counts
	}{
		{"never", [][]string{state("R"), state("S"), state("D"), state("R")}, nil},
		{"stopped", [][]string{state("R"), state("T"), state("T"), state("T"), state("R")}, []int{2, 3}},
		{"traced", [][]string{state("t"), state("t")}, []int{1}},
		{"once", [][]string{state("S"), state("T"), state("S"), state("T")}, nil},
		{"it ran between the two", [][]string{state("T"), append(state("T"), ran...)}, nil},
		{"frozen", [][]string{append(state("S"), group, "0::/app", "sys/fs/cgroup/app/cgroup.events", "populated 1\nfrozen 1"), nil, {"sys/fs/cgroup/app/cgroup.events", "populated 1\nfrozen 0"}}, []int{1}},
		{"frozen, version 1", [][]string{append(state("D"), group, "3:freezer:/app", "sys/fs/cgroup/freezer/app/freezer.state", "FROZEN"), nil, {"sys/fs/cgroup/freezer/app/freezer.state", "THAWED"}}, []int{1}},
		{"not frozen yet", [][]string{append(state("R"), group, "0::/app", "sys/fs/cgroup/app/cgroup.events", "populated 1\nfrozen 1"), nil}, nil},
		{"the state cannot be read", [][]string{state("T"), {"proc/7/task/9/stat", "9 (a"}, state("T")}, nil},
	} {
		root := watched().write(t)
		w, err := newWitness(root, 7, 9)
		if err != nil {
			t.Fatal(err)
		}
		var looks []Activity
		var want time.Duration
		for i, change := range c.looks {
			tree{}.with(change...).rewrite(t, root)
			a := Activity{Stood: 99 * time.Hour}
			w.Look(&a)
			if slices.Contains(c.counts, i) {
				want += a.At - looks[i-1].At
			}
			looks = append(looks, a)
			if known := a.Known&KnowStood != 0; known != (a.CPU >= 0) || known && a.Stood != want {
				t.Errorf("%s, look %d: stood %v (known: %v), want %v", c.name, i, a.Stood, known, want)
			}
		}
		w.Close()
	}
}

// Recorded counts of what cannot be provoked everywhere, from the kernel's files to the word.
func TestWitnessAndExplain(t *testing.T) {
	spinning := []string{"proc/7/task/9/schedstat", "256971615 399824932 31"} // 60 ms more, and no switch
	slow := []string{"sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "1200000"}
	stolen := []string{"proc/stat", strings.Replace(watched()["proc/stat"], "5032 30054 0", "5032 30059 0", 1)} // 5 ticks
	elsewhere := []string{"proc/stat", strings.Replace(watched()["proc/stat"], "1327 28774 0", "1327 28779 0", 1)}
	for _, c := range []struct {
		name   string
		first  []string // as the machine is
		change []string
		want   Cause
		why    string
	}{
		{"steal", nil, stolen, CauseSteal, "on CPU 1 for about 50.0 ms"},
		{"steal of another CPU", nil, elsewhere, CauseBusy, "did not leave the CPU"},
		{"steal cannot be read", []string{"proc/stat", "-"}, nil, CauseBusy, "unknown: steal, go"},
		{"a kernel that counts no steal", []string{"proc/stat", "cpu0 1 2 3\ncpu1 1 2 3\nintr 5"}, nil, CauseBusy, "unknown: steal, go"},
		{"clock rate", nil, slow, CauseFrequency, "CPU 1 went from 3400 MHz to 1200 MHz"},
		{"clock rate of another CPU", nil, []string{"sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1200000"}, CauseBusy, "did not leave the CPU"},
		{"no cpufreq", []string{"sys/devices/system/cpu/cpu1/cpufreq", "-"}, nil, CauseBusy, "unknown: khz, go"},
		{"the clock rate is unknown to the driver", []string{"sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "<unknown>"}, nil, CauseBusy, "unknown: khz, go"},
	} {
		root := watched().with(c.first...).write(t)
		w, err := newWitness(root, 7, 9)
		if err != nil {
			t.Fatal(err)
		}
		var before, after Activity
		w.Look(&before)
		tree{}.with(spinning...).with(c.change...).rewrite(t, root)
		w.Look(&after)
		w.Close()
		after.At = before.At + 61*ms
		if got, why := Explain(50*ms, after.Since(before)); got != c.want || !strings.Contains(why, c.why) {
			t.Errorf("%s: %v (%s), want %v (%s)", c.name, got, why, c.want, c.why)
		}
	}
}

func TestWitnessOfNobody(t *testing.T) {
	if _, err := newWitness(watched().write(t), 7, 8); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such thread: %v", err)
	}
	w, err := newWitness(watched().write(t), 7, 9)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	w.Close()
	var a Activity
	w.Look(&a)
	if a.Known != 0 || a.CPU != -1 {
		t.Errorf("closed: %+v", a)
	}
}

func TestSlowFilesAreGivenUp(t *testing.T) {
	root := watched().write(t)
	for _, c := range []struct {
		took [wideTries]time.Duration
		kept bool
	}{
		{[wideTries]time.Duration{20 * ms, 20 * ms, wideMost, 20 * ms}, true}, // once is enough: the others were interrupted
		{[wideTries]time.Duration{20 * ms, 20 * ms, wideMost + 1, 20 * ms}, false},
	} {
		f := wideFile{procFile: openProc(root + "/proc/interrupts")}
		for _, d := range c.took {
			f.tried(d)
		}
		var buf []byte
		if got := f.read(&buf, true) != nil; got != c.kept {
			t.Errorf("after %v: kept %v", c.took, got)
		}
		f.close()
	}
}
