package affinity

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/tickring/tickring/internal/tick"
)

// Witness reads the Activity of one thread, from files that it keeps open. It is for one
// goroutine at a time.
//
// It disturbs the thread as little as can be: it runs wherever its caller does, sends
// nothing to the thread's CPU, and leaves out the clock rate where the kernel would have
// to ask that CPU for it (x86 before Linux 5.18). A look takes 100 to 200 µs, most of it for
// /proc/interrupts, and more where there are more CPUs: see Cost. Of the files that are
// about all CPUs, those that take more than a millisecond are given up after four looks.
//
// The files, by the kernel's Documentation: schedstat, stat and status of the thread
// (filesystems/proc.rst, scheduler/sched-stats.rst), /proc/stat, /proc/interrupts and
// /proc/softirqs, scaling_cur_freq of cpufreq, and cpu.stat of the thread's cgroup and of
// those above it that have a quota (admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst). Of
// another process also whether the cgroup is frozen: cgroup.events, and freezer.state of
// version 1 (admin-guide/cgroup-v1/freezer-subsystem.rst).
type Witness struct {
	root string // "" except for tests
	tid  int
	own  bool // of this process

	stat, schedstat, status       procFile
	cpuStat, interrupts, softirqs wideFile

	rate     procFile // of CPU rateOf
	rateOf   int
	skipRate bool

	cgroup     procFile
	cgroupText []byte
	group      uint // how often it was another one, or another one's quota counted
	quotas     []quotaFile
	freezers   []freezerFile // of another process only
	still      stillness

	goRuntime *goCounts

	buf   []byte
	looks uint
	cost  time.Duration
}

// NewWitness opens the files of a thread: tid 0 is the calling one, and pid 0 this
// process, of which it also counts what the Go runtime does. Files that are not there or
// may not be read make counts that are not known, and are no error: only a thread that
// does not exist is (fs.ErrNotExist). Except on Linux nothing is known of any thread.
func NewWitness(pid, tid int) (*Witness, error) {
	if tid == 0 {
		tid = host{}.tid()
	}
	return newWitness("", pid, tid)
}

func newWitness(root string, pid, tid int) (*Witness, error) {
	w := &Witness{root: root, tid: tid, rateOf: -1, buf: make([]byte, 8192)}
	process := strconv.Itoa(pid)
	if root == "" && (pid == 0 || pid == os.Getpid()) {
		w.own, process = true, "self"
		w.goRuntime = newGoCounts()
	}
	if root == "" && runtime.GOOS != "linux" {
		return w, nil
	}
	dir := fmt.Sprintf("%s/proc/%s/task/%d", root, process, tid)
	if w.own {
		dir = ownThread(tid)
	}
	if _, err := os.Stat(dir); err != nil {
		if _, noProc := os.Stat(root + "/proc/self"); noProc == nil || !w.own {
			return nil, fmt.Errorf("affinity: watch thread %d of process %d: %w", tid, pid, err)
		}
	}
	w.stat = openProc(dir + "/stat")
	w.schedstat = openProc(dir + "/schedstat")
	w.status = openProc(dir + "/status")
	w.cpuStat = wideFile{procFile: openProc(root + "/proc/stat")}
	w.interrupts = wideFile{procFile: openProc(root + "/proc/interrupts")}
	w.softirqs = wideFile{procFile: openProc(root + "/proc/softirqs")}
	w.cgroup = openProc(dir + "/cgroup")
	w.skipRate = asksCPUForRate(runtime.GOARCH, string(bytes.TrimSpace(w.slurp("/proc/sys/kernel/osrelease"))))
	return w, nil
}

// Close closes the files. A Witness that is closed knows nothing.
func (w *Witness) Close() {
	for _, f := range []*procFile{&w.stat, &w.schedstat, &w.status, &w.cpuStat.procFile, &w.interrupts.procFile, &w.softirqs.procFile, &w.rate, &w.cgroup} {
		f.close()
	}
	w.leaveGroup()
	w.goRuntime, w.own = nil, false
}

// Cost returns what a Look takes, averaged over some of them and with outliers cut: the
// time of the caller, on its own CPU.
func (w *Witness) Cost() time.Duration { return w.cost }

// Look fills a with the counts of now. It allocates nothing, as a rule. Of a thread of this
// process it keeps Stood, which is the caller's. Of a thread that has ended, nothing of
// the thread is known.
func (w *Witness) Look(a *Activity) {
	start := time.Duration(tick.Mono())
	*a = Activity{At: start, CPU: -1, Known: a.Known & KnowStood, Stood: a.Stood}
	w.lookAtGroup()
	state := w.lookAtThread(a)
	if a.CPU >= 0 {
		w.lookAtCPU(a)
	}
	w.lookAtQuotas(a)
	if !w.own {
		w.lookWhetherStill(a, state)
	}
	if w.goRuntime != nil {
		w.goRuntime.look(a)
	}
	w.looks++
	w.charge(time.Duration(tick.Mono()) - start)
}

// charge averages. A look that was interrupted says nothing of what a look costs.
func (w *Witness) charge(took time.Duration) {
	if w.cost == 0 {
		w.cost = took
		return
	}
	w.cost += (min(took, 2*w.cost) - w.cost) / 8
}

// lookAtThread returns the thread's state as well, a letter, or 0.
func (w *Witness) lookAtThread(a *Activity) (state byte) {
	if text := w.schedstat.read(&w.buf, false); text != nil {
		f := fields(text)
		ran, ok1 := f.number()
		waited, ok2 := f.number()
		times, ok3 := f.number()
		// A kernel that does not count writes zeros.
		if ok1 && ok2 && ok3 && times > 0 {
			a.Known |= KnowSched
			a.OnCPU, a.RunDelay = time.Duration(ran), time.Duration(waited)
			if w.own {
				w.exact(a)
			}
		}
	}
	if text := w.status.read(&w.buf, false); text != nil {
		v, ok1 := labelled(text, "voluntary_ctxt_switches:")
		i, ok2 := labelled(text, "nonvoluntary_ctxt_switches:")
		if ok1 && ok2 {
			a.Known |= KnowSwitches
			a.Voluntary, a.Involuntary = v, i
		}
	}
	if text := w.stat.read(&w.buf, false); text != nil {
		// The name of the thread, in brackets, may contain anything. The state, after
		// it, is the third field; faults are the 10th and 12th, the CPU is the 39th.
		f := fields(text[bytes.LastIndexByte(text, ')')+1:])
		if word := f.next(); len(word) == 1 && word[0] >= 'A' {
			state = word[0]
			a.asleep = state != 'R'
		}
		f.skip(6)
		minor, ok1 := f.number()
		f.skip(1)
		major, ok2 := f.number()
		if ok1 && ok2 {
			a.Known |= KnowFaults
			a.MinorFaults, a.MajorFaults = minor, major
		}
		f.skip(26)
		if cpu, ok := f.number(); ok && cpu < MaxCPUs {
			a.CPU = int(cpu)
		}
	}
	return state
}

// exact replaces OnCPU, which schedstat brings up to date at timer ticks and switches
// only, by what the thread's own clock says.
func (w *Witness) exact(a *Activity) {
	for range 3 { // in case somebody else runs between the two clocks
		ran, ok := threadTime(w.tid)
		if !ok {
			return
		}
		before := a.At
		a.At, a.OnCPU = time.Duration(tick.Mono()), ran
		if a.At-before < 50*time.Microsecond {
			return
		}
	}
}

func (w *Witness) lookAtCPU(a *Activity) {
	if ticks, ok := stealOf(w.cpuStat.read(&w.buf, false), a.CPU); ok {
		a.Known |= KnowSteal
		a.Steal = time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100
	}
	if sum, timer, ok := column(w.interrupts.read(&w.buf, true), a.CPU); ok {
		a.Known |= KnowInterrupt
		a.Interrupts, a.Timer = sum, timer
	}
	if sum, _, ok := column(w.softirqs.read(&w.buf, true), a.CPU); ok {
		a.Known |= KnowSoftirqs
		a.Softirqs = sum
	}
	if w.skipRate {
		return
	}
	if w.rateOf != a.CPU {
		w.rate.close()
		w.rate = openProc(fmt.Sprintf("%s/%s/cpu%d/cpufreq/scaling_cur_freq", w.root, cpuDir, a.CPU))
		w.rateOf = a.CPU
	}
	if !w.rate.open {
		return
	}
	f := fields(w.rate.read(&w.buf, false))
	if khz, ok := f.number(); ok && khz > 0 {
		a.Known |= KnowKHz
		a.KHz = khz
	} else {
		w.rateOf = -1 // the CPU was taken away, and may have come back with another file
	}
}

// ownThread is the directory of a thread of this process. A /proc that belongs to another PID
// namespace has other numbers, and says which ones they are here.
func ownThread(tid int) string {
	const tasks = "/proc/self/task/"
	here := strconv.Itoa(tid)
	if self, err := os.Readlink("/proc/self"); err != nil || self == strconv.Itoa(os.Getpid()) {
		return tasks + here
	}
	all, _ := os.ReadDir(tasks)
	for _, task := range all {
		text, _ := os.ReadFile(tasks + task.Name() + "/status")
		for line := range strings.Lines(string(text)) {
			numbers, ok := strings.CutPrefix(line, "NSpid:")
			if f := strings.Fields(numbers); ok && len(f) > 0 && f[len(f)-1] == here {
				return tasks + task.Name()
			}
		}
	}
	return tasks + "none"
}

// slurp reads a whole small file that is not kept.
func (w *Witness) slurp(name string) []byte {
	f := openProc(w.root + name)
	defer f.close()
	return bytes.Clone(f.read(&w.buf, true))
}

// stealOf returns the time stolen from a CPU, in ticks, from /proc/stat.
func stealOf(text []byte, cpu int) (uint64, bool) {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte("cpu"))
		if !ok {
			return 0, false // past the CPUs
		}
		if rest[0] == ' ' {
			continue // the sum of all
		}
		f := fields(rest)
		if id, ok := f.number(); ok && id == uint64(cpu) {
			f.skip(7) // user, nice, system, idle, iowait, irq, softirq
			return f.number()
		}
	}
	return 0, false
}

// column adds up what a table of /proc counts for one CPU, the local timer's interrupts
// apart.
func column(text []byte, cpu int) (sum, timer uint64, ok bool) {
	head, rows, _ := bytes.Cut(text, []byte("\n"))
	at := -1
	for i, f := 0, fields(head); ; i++ {
		name := f.next()
		if len(name) == 0 {
			break
		}
		if digits, ok := bytes.CutPrefix(name, []byte("CPU")); ok {
			if id, ok := decimal(digits); ok && id == uint64(cpu) {
				at = i
			}
		}
	}
	if at < 0 {
		return 0, 0, false
	}
	for row := range bytes.Lines(rows) {
		f := fields(row)
		label := f.next()
		switch string(label) {
		case "ERR:", "MIS:", "Err:": // of the whole machine
			continue
		}
		f.skip(at)
		n, ok := f.number()
		switch {
		case !ok:
		case string(label) == "LOC:", bytes.Contains(f, []byte("arch_timer")), bytes.Contains(f, []byte("riscv-timer")):
			timer += n
		default:
			sum += n
		}
	}
	return sum, timer, true
}

// asksCPUForRate says whether reading scaling_cur_freq interrupts the CPU: that of x86
// did until Linux 5.18, where the CPU leaves its rate behind at every tick.
func asksCPUForRate(arch, release string) bool {
	if arch != "amd64" {
		return false
	}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return true
	}
	return major < 5 || major == 5 && minor < 18
}
