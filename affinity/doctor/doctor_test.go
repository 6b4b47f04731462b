package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tickring/tickring/affinity"
)

// machines are those of testdata, with what only the running process knows.
func machines(t testing.TB) map[string]Host {
	env := func(pairs ...string) func(string) string {
		return func(key string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == key {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	shm := func(size, free uint64) *Space {
		return &Space{Path: "/dev/shm", Tmpfs: true, Size: size, Free: free}
	}
	return map[string]Host{
		"server": {Files: readTree(t, "server"), UID: 1000, GOMAXPROCS: 10,
			Env: env("GOGC", "off", "GOMEMLIMIT", "4GiB"), Shm: shm(64<<30, 60<<30)},
		"debian-vm": {Files: readTree(t, "debian-vm"), UID: 1000, GOMAXPROCS: 4,
			Env: env("GOGC", "50"), Shm: shm(2<<30, 200<<20)},
		"container": {Files: readTree(t, "container"), UID: 0, GOMAXPROCS: 1, Limits: affinity.Limits{Allowed: affinity.SetOf(0, 1, 2, 3), Permitted: affinity.SetOf(0, 1, 2, 3)},
			Env: env("GOGC", "off", "GODEBUG", "gctrace=1"), Shm: shm(64<<20, 63<<20)},
		"laptop": {Files: readTree(t, "laptop"), UID: 1000, GOMAXPROCS: 12,
			Env: env("GODEBUG", "asyncpreemptoff=1"), Shm: &Space{Path: "/tmp", Size: 500 << 30, Free: 90 << 30}},
	}
}

// text writes a report with a line for each check, as it stands in testdata/*.want.
func (r *Report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "quiet CPUs %v, %s\n", r.CPUs, r.Chosen)
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "%-14s %s, %s: %s", c.Verdict, c.Group, c.Name, c.Value)
		if !c.CPUs.Empty() {
			fmt.Fprintf(&b, " [%v]", c.CPUs)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestMachines(t *testing.T) {
	for name, host := range machines(t) {
		t.Run(name, func(t *testing.T) {
			r := Examine(host, affinity.Set{})
			want, err := os.ReadFile("testdata/" + name + ".want")
			if err != nil {
				t.Fatal(err)
			}
			if got := r.text(); got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestATunedServerHasNothingToMend(t *testing.T) {
	r := Examine(machines(t)["server"], affinity.Set{})
	for _, c := range r.Checks {
		if c.Verdict != Good && c.Verdict != None || c.Mend != "" {
			t.Errorf("%+v", c)
		}
	}
	if r.CPUs.String() != "2-7" || r.Chosen != "isolated" || r.Count(Good) < 35 {
		t.Errorf("CPUs %v, %s, %d good", r.CPUs, r.Chosen, r.Count(Good))
	}
}

func TestEveryCheckExplainsItself(t *testing.T) {
	names := map[string]bool{}
	for name, host := range machines(t) {
		r := Examine(host, affinity.Set{})
		for _, c := range r.Checks {
			if c.Value == "" || c.Want == "" || !strings.HasSuffix(c.Why, ".") || strings.ContainsAny(c.Want+c.Mend, "{}") {
				t.Errorf("%s: %+v", name, c)
			}
			if (c.Verdict == Warn || c.Verdict == Bad) && c.Mend == "" {
				t.Errorf("%s: nothing mends %+v", name, c)
			}
			names[c.Name] = true
		}
		if len(r.Checks) != len(names) {
			t.Errorf("%s: %d checks have %d names", name, len(r.Checks), len(names))
		}
		if text, err := json.Marshal(r); err != nil {
			t.Error(err)
		} else if back := (Report{}); json.Unmarshal(text, &back) != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func find(t *testing.T, r Report, name string) Check {
	t.Helper()
	i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check %s", name)
	}
	return r.Checks[i]
}

func TestMendNamesCPUs(t *testing.T) {
	vm := Examine(machines(t)["debian-vm"], affinity.Set{})
	for name, want := range map[string]string{
		// Somebody has to do the rest, so CPU 0 is not to be isolated.
		"isolated": "domain,1-3", "nohz_full": "nohz_full=1-3", "workqueues": "echo 1 >", "new ones": "irqaffinity=0",
		"irqbalance": "CPULIST=1-3 (before irqbalance 1.8: IRQBALANCE_BANNED_CPUS=e)", "clock source": "clocksource=tsc", "RemoveIPC": "RemoveIPC=no",
	} {
		if c := find(t, vm, name); !strings.Contains(c.Mend, want) {
			t.Errorf("%s: %s", name, c.Mend)
		}
	}
	// Of given CPUs only those concerned are named.
	server := Examine(machines(t)["server"], affinity.SetOf(1, 2))
	c := find(t, server, "isolated")
	if c.Verdict != Bad || c.CPUs.String() != "1" || c.Value != "not isolated (CPU 1), isolated (CPU 2)" || !strings.Contains(c.Mend, "domain,1-2") {
		t.Errorf("%+v", c)
	}
	if server.Chosen != "given" {
		t.Error(server.Chosen)
	}
	if c := find(t, Examine(machines(t)["server"], affinity.SetOf(2, 9)), "L3"); c.Verdict != Warn || c.Value != "L3 cache 0 (CPU 2), L3 cache 1 (CPU 9)" {
		t.Errorf("%+v", c)
	}
	if c := find(t, Examine(machines(t)["server"], affinity.SetOf(2, 20, 99)), "isolated"); c.Verdict != Bad || c.CPUs.String() != "20,99" ||
		c.Value != "isolated (CPU 2), offline (CPU 20), no such CPU (CPU 99)" {
		t.Errorf("%+v", c)
	}
}

func TestIRQBalanceIsKeptOff(t *testing.T) {
	for settings, want := range map[string]Verdict{
		"":                                  Bad, // no CPU is isolated
		"IRQBALANCE_BANNED_CPULIST=0-3":     Good,
		"IRQBALANCE_BANNED_CPULIST=\"1-3\"": Bad,
		"IRQBALANCE_BANNED_CPULIST=x":       Unknown,
		"IRQBALANCE_BANNED_CPUS=0000000f":   Good,
		"IRQBALANCE_BANNED_CPUS=e":          Bad,
		"IRQBALANCE_BANNED_CPUS=g":          Unknown,
		"#IRQBALANCE_BANNED_CPULIST=0-3":    Bad,
	} {
		host := machines(t)["debian-vm"]
		host.Files.(tree).MapFS["etc/default/irqbalance"] = &fstest.MapFile{Data: []byte(settings + "\n")}
		if c := find(t, Examine(host, affinity.Set{}), "irqbalance"); c.Verdict != want {
			t.Errorf("%s: %+v", settings, c)
		}
	}
}

// Which idle states are forbidden may be asked of a device that a container or a chroot has
// not, though the kernel does.
func TestDeviceOfTheHost(t *testing.T) {
	for devices, want := range map[string]Verdict{
		"259 cpu_dma_latency\n 10 fuse\n": Unknown, " 10 fuse\n": None, "\n": Unknown, "": Unknown,
	} {
		host := machines(t)["server"]
		f := host.Files.(tree)
		delete(f.MapFS, dmaLatencyFile)
		if devices != "" {
			f.MapFS["proc/misc"] = &fstest.MapFile{Data: []byte(devices)}
		}
		if c := find(t, Examine(host, affinity.Set{}), "cpu_dma_latency"); c.Verdict != want {
			t.Errorf("%q: %+v", devices, c)
		}
	}
}

// A container sees that it is in an isolated partition, and not the file of all of them.
func TestOwnPartition(t *testing.T) {
	for partition, want := range map[string]Verdict{"isolated": Good, "isolated invalid (Parent unbound)": Bad, "member": Bad, "root": Bad} {
		host := machines(t)["container"]
		f := host.Files.(tree).MapFS
		f["sys/fs/cgroup/cpuset.cpus.partition"] = &fstest.MapFile{Data: []byte(partition + "\n")}
		f["sys/fs/cgroup/cpuset.cpus.effective"] = &fstest.MapFile{Data: []byte("2-3\n")}
		r := Examine(host, affinity.SetOf(2, 3))
		if c := find(t, r, "isolated"); c.Verdict != want {
			t.Errorf("%s: %+v", partition, c)
		}
	}
}

// What is set for an interrupt or for irqbalance and cannot be read may be anything.
func TestUnreadableInterrupts(t *testing.T) {
	host := machines(t)["debian-vm"]
	host.Files.(tree).MapFS["etc/default/irqbalance"] = &fstest.MapFile{Data: []byte("IRQBALANCE_BANNED_CPULIST=0-3\n")}
	host.Files.(tree).denied["etc/default/irqbalance"] = true
	if c := find(t, Examine(host, affinity.Set{}), "irqbalance"); c.Verdict != Unknown || !strings.Contains(c.Mend, "sudo cat /etc/default/irqbalance") {
		t.Errorf("%+v", c)
	}
	host = machines(t)["server"]
	for _, list := range []string{"effective_affinity_list", "smp_affinity_list"} {
		name := "proc/irq/24/" + list
		host.Files.(tree).MapFS[name] = &fstest.MapFile{Data: []byte("0\n")}
		if c := find(t, Examine(host, affinity.Set{}), "routed"); c.Verdict != Good {
			t.Errorf("%+v", c)
		}
		host.Files.(tree).denied[name] = true
	}
	if c := find(t, Examine(host, affinity.Set{}), "routed"); c.Verdict != Unknown {
		t.Errorf("%+v", c)
	}
}

// Distributions may have another default built in, and their file tells it in a comment.
func TestRemoveIPCByDefault(t *testing.T) {
	for settings, want := range map[string]Verdict{
		"[Login]\n#RemoveIPC=yes": Bad, "[Login]\n#RemoveIPC=no": Unknown, "[Login]\n#RemoveIPC=no\nRemoveIPC=yes": Bad,
		"[Login]\nRemoveIPC=no": Good, "[Login]": Bad, "[Other]\n#RemoveIPC=no": Bad,
	} {
		host := machines(t)["debian-vm"]
		host.Files.(tree).MapFS["etc/systemd/logind.conf"] = &fstest.MapFile{Data: []byte(settings + "\n")}
		if c := find(t, Examine(host, affinity.Set{}), "RemoveIPC"); c.Verdict != want || want == Unknown && !strings.HasPrefix(c.Mend, "busctl ") {
			t.Errorf("%q: %+v", settings, c)
		}
	}
}

// Rings may be elsewhere, and a tmpfs that is mounted with size=0 has no limit of its own.
func TestRoomForRings(t *testing.T) {
	host := machines(t)["server"]
	for _, c := range []struct {
		space   Space
		verdict Verdict
		mend    string
	}{
		{Space{Path: "/dev/shm", Tmpfs: true}, Good, ""},
		{Space{Path: "/dev/shm/trading", Tmpfs: true, Size: 64 << 20, Free: 1 << 20}, Bad, "size=8G /dev/shm;"},
		{Space{Path: "/mnt/rings", Tmpfs: true, Size: 256 << 20, Free: 100 << 20}, Warn, "-T /mnt/rings)"},
		{Space{Path: "/var/tmp", Size: 1 << 40, Free: 1 << 40}, Bad, "--dir"},
	} {
		host.Shm = &c.space
		if got := find(t, Examine(host, affinity.Set{}), "room for rings"); got.Verdict != c.verdict || !strings.Contains(got.Mend, c.mend) {
			t.Errorf("%+v", got)
		}
	}
}

// Where the processes of the host are hidden, one that is not seen may run: in a container
// without a mark, and to an ordinary user under hidepid.
func TestHiddenProcessesAreUnknown(t *testing.T) {
	for what, hide := range map[string]func(tree){
		"container": func(f tree) { delete(f.MapFS, "proc/2/comm") },
		"namespace": func(f tree) { f.MapFS["proc/2/comm"] = &fstest.MapFile{Data: []byte("sh\n")} },
		"hidepid":   func(f tree) { f.denied["proc/2/comm"] = true },
	} {
		host := machines(t)["server"] // where neither of the two runs
		f := host.Files.(tree)
		for name := range maps.Clone(f.MapFS) {
			if strings.HasSuffix(name, "/comm") && name != "proc/2/comm" {
				f.MapFS[name] = &fstest.MapFile{Data: []byte("feed\n")}
			}
		}
		if r := Examine(host, affinity.Set{}); find(t, r, "irqbalance").Verdict != Good || find(t, r, "RemoveIPC").Verdict != None {
			t.Errorf("%+v %+v", find(t, r, "irqbalance"), find(t, r, "RemoveIPC"))
		}
		hide(f)
		for _, name := range []string{"irqbalance", "RemoveIPC"} {
			if c := find(t, Examine(host, affinity.Set{}), name); c.Verdict != Unknown || c.Mend == "" {
				t.Errorf("%s: %+v", what, c)
			}
		}
	}
}

// Without a list rcu_nocbs only permits to offload CPUs later.
func TestRCUWithoutAList(t *testing.T) {
	for parameter, want := range map[string]Verdict{"rcu_nocbs": Warn, "rcu_nocbs=": Warn, "rcu_nocbs=all": Good, "rcu_nocbs=0-3": Good, "rcu_nocbs=1": Warn} {
		host := machines(t)["debian-vm"]
		host.Files.(tree).MapFS["proc/cmdline"] = &fstest.MapFile{Data: []byte("ro " + parameter + " quiet\n")}
		if c := find(t, Examine(host, affinity.Set{}), "rcu_nocbs"); c.Verdict != want {
			t.Errorf("%s: %+v", parameter, c)
		}
	}
}

// Limits do not bind who has the capability, which root may be without.
func TestCapabilitiesNotRoot(t *testing.T) {
	const all = "         0          0 4294967295"
	for _, c := range []struct {
		effective, ids string
		lock, nice     Verdict
	}{
		{"000001ffffffffff", all, Good, Good},
		{"0000000000004000", all, Good, Warn},
		{"0000000000800000", all, Warn, Good},
		{"00000000a80425fb", all, Warn, Warn}, // Docker's
		{"000001ffffffffff", "0 1000 1", Warn, Warn},
		{"x", all, Warn, Warn},
	} {
		host := machines(t)["container"]
		f := host.Files.(tree).MapFS
		f["proc/self/status"] = &fstest.MapFile{Data: []byte("Name:\tfeed\nCapEff:\t" + c.effective + "\n")}
		f["proc/self/uid_map"] = &fstest.MapFile{Data: []byte(c.ids + "\n")}
		r := Examine(host, affinity.Set{})
		if lock, nice := find(t, r, "memlock"), find(t, r, "rtprio"); lock.Verdict != c.lock || nice.Verdict != c.nice {
			t.Errorf("%+v: %+v %+v", c, lock, nice)
		}
	}
}

// A large machine has a value for each CPU, and a line of text has room for some.
func TestManyValues(t *testing.T) {
	host := machines(t)["server"]
	for i := range 16 {
		host.Files.(tree).MapFS[fmt.Sprintf("sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", i)] =
			&fstest.MapFile{Data: fmt.Appendf(nil, "governor%d\n", i)}
	}
	c := find(t, Examine(host, host.Limits.Allowed.Or(affinity.SetOf(0, 1, 2, 3, 4, 5, 6, 7, 8))), "governor")
	if c.Verdict != Bad || !strings.HasSuffix(c.Value, "governor5 (CPU 5), and 3 other values") || c.CPUs.String() != "0-8" {
		t.Errorf("%+v", c)
	}
}

// needless says whether a check reads a file that it does well without: others say the
// same, it is one of many, or it can only make things better.
func needless(check, file string) bool {
	for _, end := range []string{
		"cpuset.cpus.isolated",           // also in sysfs
		"pm_qos_resume_latency_us",       // can only forbid more
		"cpuidle/state0/name",            // for people
		"proc/meminfo", "self/mountinfo", // for people
		"/comm",                    // of one process
		"/effective_affinity_list", // smp_affinity_list has all of it
	} {
		if strings.HasSuffix(file, end) {
			return true
		}
	}
	// A partition of one's own can only isolate more.
	if check != "partition" && strings.HasSuffix(file, "cpuset.cpus.partition") || (check == "isolated" || check == "smt") && file == "proc/self/cgroup" {
		return true
	}
	return check == "idle states" && (file == "proc/cmdline" || file == dmaLatencyFile)
}

// What cannot be read, or is not what the kernel writes, is never taken for good.
func TestUnreadableIsNeverGood(t *testing.T) {
	whole := machines(t)["server"]
	base := whole.Files.(tree)
	m := newMachine(whole, affinity.Set{})
	tried := 0
	for _, g := range groups() {
		for _, row := range g.rows {
			clear(base.read)
			if row.check(g.name, m).Verdict != Good {
				continue
			}
			for name := range maps.Clone(base.read) {
				if needless(row.name, name) {
					continue
				}
				tried++
				for what, spoil := range map[string]func(tree){
					"denied":  func(f tree) { f.denied[name] = true },
					"garbage": func(f tree) { f.MapFS[name] = &fstest.MapFile{Data: []byte("\x00 what=\n[")} },
					"missing": func(f tree) { delete(f.MapFS, name) },
				} {
					// A cgroup without a limit has none, a drop-in of logind may be missing or have
					// other settings, and the kernel's command line may have anything.
					free := strings.Contains(name, "logind") && what != "denied" || name == "proc/cmdline" && what == "garbage" ||
						strings.HasPrefix(name, "sys/fs/cgroup") && what == "missing"
					if free {
						continue
					}
					host := whole
					spoilt := tree{MapFS: maps.Clone(base.MapFS), denied: map[string]bool{}, read: map[string]bool{}}
					spoil(spoilt)
					host.Files, host.Topology = spoilt, m.Topology
					if c := row.check(g.name, newMachine(host, m.quiet)); c.Verdict == Good {
						t.Errorf("%s, %s %s: %+v", row.name, what, name, c)
					}
				}
			}
		}
	}
	if tried < 30 {
		t.Errorf("only %d files were tried", tried)
	}
}

// A machine that shows nothing is examined all the same: nothing is mounted on its directories,
// or they are not even there, whatever CPUs are named.
func TestNothingIsKnown(t *testing.T) {
	empty := fstest.MapFS{}
	for _, dir := range []string{"proc", "sys", "dev", "etc"} {
		empty[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	}
	for _, files := range []fs.FS{fstest.MapFS{}, empty} {
		for _, quiet := range []affinity.Set{{}, affinity.SetOf(1)} {
			r := Examine(Host{Files: files, UID: -1}, quiet)
			for _, c := range r.Checks {
				// To name one CPU is to know that it shares its L3 cache with no other one, and
				// that it is not CPU 0.
				known := !quiet.Empty() && (c.Name == "L3" && c.Verdict == None || c.Name == "cpu0" && c.Verdict == Good)
				if c.Verdict != Unknown && !known {
					t.Errorf("%+v", c)
				}
			}
			if len(r.Checks) < 40 || r.Count(Unknown) < len(r.Checks)-2 {
				t.Errorf("%d checks, %d unknown", len(r.Checks), r.Count(Unknown))
			}
		}
	}
	// Malformed lists of CPUs too.
	host := machines(t)["server"]
	host.Files.(tree).MapFS["sys/devices/system/cpu/online"] = &fstest.MapFile{Data: []byte("0-\n")}
	if c := find(t, Examine(host, affinity.Set{}), "isolated"); c.Verdict != Unknown || !strings.Contains(c.Value, "/sys/devices/system/cpu/online") {
		t.Errorf("%+v", c)
	}
}

func TestMeasuredIsJudged(t *testing.T) {
	for _, c := range []struct {
		m    Measured
		want Verdict
	}{
		{Measured{Error: "no such CPU"}, Unknown},
		{Measured{Seconds: 1, Max: 12_000, Lost: 0.02}, Good},
		{Measured{Seconds: 1, Max: 50_000}, Warn},
		{Measured{Seconds: 1, Lost: 0.1}, Warn},
		{Measured{Seconds: 1, Max: 1_000_000}, Bad},
		{Measured{Seconds: 1, Lost: 1}, Bad},
	} {
		if got := c.m.judge(); got != c.want {
			t.Errorf("%+v: %s", c.m, got)
		}
	}
	tl := newTally()
	for _, ns := range []uint64{300, 700, 90_000, math.MaxUint64} {
		tl.add(ns)
	}
	m := Measured{Seconds: 2}
	tl.sum(&m)
	if m.Gaps != 4 || m.PerSecond != 2 || m.Max != longest || m.P50 > 701 || m.P50 < 699 || m.Verdict != Bad {
		t.Errorf("%+v", m)
	}
	r := Report{Measured: []Measured{m, {Verdict: Unknown}}}
	if r.Count(Bad) != 1 || r.Count(Unknown) != 1 {
		t.Error("measurements do not count")
	}
}

func TestMeasureLeavesReservedCPUsAlone(t *testing.T) {
	t.Setenv("TICKRING_CPUS", t.TempDir())
	host, err := Here("/")
	if err != nil {
		t.Skip(err)
	}
	cpu := host.Topology.Allowed.Min()
	r, err := affinity.Reserve("", cpu)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	m := Measure(t.Context(), Listening{CPUs: affinity.SetOf(cpu, affinity.MaxCPUs-1), For: time.Millisecond, InTurn: true})
	if len(m) != 2 || m[0].CPU != cpu || !strings.Contains(m[0].Error, "reserved") || m[0].Seconds != 0 {
		t.Errorf("%+v", m)
	}
	if m[1].Verdict != Unknown || !strings.Contains(m[1].Error, "this machine has CPUs") {
		t.Errorf("%+v", m[1])
	}
}

// A spinning thread on one CPU hears something, sooner or later.
func TestMeasure(t *testing.T) {
	host, err := Here("/")
	if err != nil {
		t.Skip(err)
	}
	t.Setenv("TICKRING_CPUS", t.TempDir())
	told := 0
	ctx, cancel := context.WithCancel(t.Context())
	m := Measure(ctx, Listening{CPUs: affinity.SetOf(host.Topology.Allowed.Min()), For: time.Minute, Progress: func(done, total time.Duration) {
		if told++; done < 0 || done > total || total != time.Minute {
			t.Errorf("%v of %v", done, total)
		}
		if told == 4 {
			cancel()
		}
	}})[0]
	if m.Error != "" {
		t.Skip("this process may not be pinned: ", m.Error)
	}
	if m.Seconds <= 0 || m.Gaps == 0 || m.Max < 200 || m.P50 > m.P99 || m.P99 > m.Max || m.Worst.Ns != m.Max || m.Worst.Why == "" {
		t.Errorf("%+v", m)
	}
	if _, err := os.Stat("/proc/interrupts"); err == nil && len(m.Moved) == 0 {
		t.Errorf("no interrupt in %v s", m.Seconds)
	}
	if m := Measure(ctx, Listening{CPUs: affinity.SetOf(m.CPU), For: time.Minute})[0]; m.Verdict != Unknown || m.Error == "" {
		t.Errorf("of a context that has ended: %+v", m)
	}
}
