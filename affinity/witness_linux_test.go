package affinity

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/tick"
)

// spinOnCPU takes half of a CPU away, or all that nobody else wants.
func spinOnCPU() {
	var cpu int
	fmt.Sscan(os.Getenv("CPU"), &cpu)
	runtime.LockOSThread()
	if err := (host{}).setMask(SetOf(cpu)); err != nil {
		panic(err)
	}
	fmt.Println("spinning")
	gap(time.Hour, time.Hour)
}

// provoke calls do on a thread of its own until the verdict is the wanted one: on a
// machine that does other things too, something else may be to blame for once. do returns
// how long it took.
func provoke(t *testing.T, want Cause, do func() time.Duration) {
	t.Helper()
	onOwnThread(func() {
		w, err := NewWitness(0, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		var verdicts []string
		var before, after Activity
		for range 200 {
			w.Look(&before)
			took := do()
			w.Look(&after)
			cause, why := Explain(took, after.Since(before))
			if cause == want {
				t.Logf("%v: %s: %s (a look costs %v)", took, cause, why, w.Cost())
				return
			}
			verdicts = append(verdicts[max(0, len(verdicts)-20):], fmt.Sprintf("%v: %s: %s", took, cause, why))
		}
		t.Errorf("never %s, but\n%s", want, strings.Join(verdicts, "\n"))
	})
}

func elapsed(f func()) func() time.Duration {
	return func() time.Duration {
		start := tick.Mono()
		f()
		return time.Duration(tick.Mono() - start)
	}
}

// gap spins until it finds that at least d are missing, for which it returns that time,
// or until the time is up.
func gap(d, most time.Duration) time.Duration {
	first := tick.Mono()
	for last := first; ; {
		now := tick.Mono()
		if missing := time.Duration(now - last); missing >= d || time.Duration(now-first) > most {
			return missing
		}
		last = now
	}
}

func TestSleepIsNamed(t *testing.T) {
	provoke(t, CauseSlept, elapsed(func() { time.Sleep(3 * time.Millisecond) }))
}

func TestWorkIsNamed(t *testing.T) {
	provoke(t, CauseBusy, elapsed(func() { gap(time.Hour, time.Millisecond) }))
}

func TestFaultsAreNamed(t *testing.T) {
	provoke(t, CauseFault, elapsed(func() {
		b, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			t.Error(err)
			return
		}
		unix.Madvise(b, unix.MADV_NOHUGEPAGE)
		for i := 0; i < len(b); i += os.Getpagesize() {
			b[i] = 1
		}
		unix.Munmap(b)
	}))
}

func TestCollectionsAreNamed(t *testing.T) {
	provoke(t, CauseGC, elapsed(runtime.GC))
}

// startSpinning starts a process that spins, on the first CPU that it may use.
func startSpinning(t *testing.T) (cmd *exec.Cmd, cpu int) {
	t.Helper()
	allowed, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	cmd, lines := start(t, "spin", fmt.Sprint("CPU=", allowed.Min()))
	if !lines.Scan() {
		t.Fatal("nobody else spins")
	}
	return cmd, allowed.Min()
}

func TestPreemptionIsNamed(t *testing.T) {
	_, cpu := startSpinning(t)
	pinned := false
	provoke(t, CausePreempted, func() time.Duration {
		if !pinned {
			if err := (host{}).setMask(SetOf(cpu)); err != nil {
				t.Error(err)
			}
			pinned = true
		}
		return gap(time.Millisecond, 50*time.Millisecond)
	})
}

// watchForGaps is a process with a thread that must not be late, and a watcher, as a
// program would have them: it prints a verdict for each time the thread was.
func watchForGaps() {
	runtime.GOMAXPROCS(3)
	type late struct{ at, took time.Duration }
	gaps := make(chan late, 100)
	tids := make(chan int)
	go func() {
		runtime.LockOSThread()
		tids <- unix.Gettid()
		for {
			took := gap(20*time.Millisecond, time.Hour)
			gaps <- late{time.Duration(tick.Mono()), took}
		}
	}()
	w, err := NewWitness(0, <-tids)
	if err != nil {
		panic(err)
	}
	const every = 5 * time.Millisecond
	var past [200]Activity
	var now Activity
	fmt.Println("watching")
	for next := time.Duration(tick.Mono()); ; next = max(next+every, now.At) {
		time.Sleep(next - time.Duration(tick.Mono()))
		now.Stood += max(time.Duration(tick.Mono())-next, 0)
		now.Known |= KnowStood
		var found []late
		for len(gaps) > 0 {
			found = append(found, <-gaps)
		}
		w.Look(&now)
		for _, g := range found {
			i := len(past) - 1
			for i > 0 && past[i].At > g.at-g.took {
				i--
			}
			c, why := Explain(g.took, now.Since(past[i])) // of the first ones, nothing is known
			fmt.Println(c, g.took, why)
		}
		copy(past[:], past[1:])
		past[len(past)-1] = now
	}
}

// wantVerdict reads what watchForGaps prints until the word is there.
func wantVerdict(t *testing.T, lines *bufio.Scanner, want Cause, each func()) {
	t.Helper()
	var verdicts []string
	for len(verdicts) < 60 {
		each()
		if !lines.Scan() {
			break
		}
		if strings.HasPrefix(lines.Text(), want.String()+" ") {
			t.Log(lines.Text())
			return
		}
		verdicts = append(verdicts, lines.Text())
	}
	t.Errorf("never %s, but\n%s", want, strings.Join(verdicts, "\n"))
}

func TestStopIsNamed(t *testing.T) {
	cmd, lines := start(t, "gaps")
	lines.Scan()
	wantVerdict(t, lines, CauseStopped, func() {
		cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(80 * time.Millisecond) // at least; how long it really was, the process finds out
		cmd.Process.Signal(syscall.SIGCONT)
	})
}

func TestQuotaIsNamed(t *testing.T) {
	dir := groupWithQuota(t)
	cmd, lines := start(t, "gaps")
	lines.Scan()
	if err := os.WriteFile(dir+"/cgroup.procs", fmt.Append(nil, cmd.Process.Pid), 0); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, lines, CauseThrottled, func() {})
}

// groupWithQuota makes a cgroup that is granted a twentieth of a CPU, and gets it however
// busy the machine is.
func groupWithQuota(t *testing.T) string {
	t.Helper()
	name := fmt.Sprint("tickring-test-", os.Getpid())
	var reasons []error
	for _, way := range []struct{ parent, file, limit, weightFile, weight string }{
		{"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "5000", "cpu.shares", "262144"},
		{"/sys/fs/cgroup", "cpu.max", "5000 100000", "cpu.weight", "10000"},
	} {
		dir := filepath.Join(way.parent, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				reasons = append(reasons, err)
			}
			continue
		}
		err := writeExisting(filepath.Join(dir, way.file), way.limit)
		if err == nil {
			err = writeExisting(filepath.Join(dir, way.weightFile), way.weight)
		}
		if err != nil {
			reasons = append(reasons, err)
			os.Remove(dir)
			continue
		}
		t.Cleanup(func() { removeGroup(dir) })
		return dir
	}
	t.Skip("no cgroup with a CPU quota can be made here: ", errors.Join(reasons...))
	return ""
}

func writeExisting(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func TestWitnessOfOthers(t *testing.T) {
	cmd, _ := startSpinning(t)
	w, err := NewWitness(cmd.Process.Pid, cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var a Activity
	w.Look(&a)
	if a.Known&KnowGo != 0 || a.Known&(KnowSwitches|KnowFaults|KnowStood) != KnowSwitches|KnowFaults|KnowStood || a.CPU < 0 {
		t.Errorf("alive: %+v", a)
	}
	cmd.Process.Kill()
	cmd.Wait()
	w.Look(&a)
	if a.Known&(KnowSched|KnowSwitches|KnowFaults) != 0 || a.CPU != -1 {
		t.Errorf("dead: %+v", a)
	}
	if _, err := NewWitness(cmd.Process.Pid, cmd.Process.Pid); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of the dead: %v", err)
	}
}

// TestStopIsNamedFromOutside stops and freezes another process, in every way that there is
// here.
func TestStopIsNamedFromOutside(t *testing.T) {
	signal := func(s syscall.Signal) func(*testing.T, int) error {
		return func(_ *testing.T, pid int) error { return syscall.Kill(pid, s) }
	}
	freezer := func(parent, file, word string) func(*testing.T, int) error {
		dir := fmt.Sprintf("%s/tickring-test-%d", parent, os.Getpid())
		return func(t *testing.T, pid int) error {
			if err := os.Mkdir(dir, 0o755); err == nil {
				t.Cleanup(func() { removeGroup(dir) })
				if err := writeExisting(dir+"/cgroup.procs", fmt.Sprint(pid)); err != nil {
					return err
				}
			} else if !errors.Is(err, fs.ErrExist) {
				return err
			}
			return writeExisting(dir+"/"+file, word)
		}
	}
	for name, way := range map[string]struct{ stop, goOn func(*testing.T, int) error }{
		"signal":    {signal(syscall.SIGSTOP), signal(syscall.SIGCONT)},
		"version 1": {freezer("/sys/fs/cgroup/freezer", "freezer.state", "FROZEN"), freezer("/sys/fs/cgroup/freezer", "freezer.state", "THAWED")},
		"version 2": {freezer("/sys/fs/cgroup", "cgroup.freeze", "1"), freezer("/sys/fs/cgroup", "cgroup.freeze", "0")},
		"hybrid":    {freezer("/sys/fs/cgroup/unified", "cgroup.freeze", "1"), freezer("/sys/fs/cgroup/unified", "cgroup.freeze", "0")},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, _ := startSpinning(t)
			w, err := NewWitness(cmd.Process.Pid, cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			var before, after Activity
			w.Look(&before)
			if before.Stood != 0 {
				t.Errorf("stood %v before it was stopped", before.Stood)
			}
			if err := way.stop(t, cmd.Process.Pid); err != nil {
				t.Skipf("a process cannot be stopped so here: %v", err)
			}
			const took = 30 * time.Millisecond
			for end := time.Now().Add(time.Minute); after.Stood-before.Stood < took && time.Now().Before(end); time.Sleep(time.Millisecond) {
				if w.Look(&after); before.Stood == 0 {
					before = after // until it was found stopped, others may have had the CPU
				}
			}
			if err := way.goOn(t, cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			// It has stood for so long, whatever else the machine did.
			if c, why := Explain(took, after.Since(before)); c != CauseStopped || !strings.Contains(why, "each look found the thread stopped") {
				t.Errorf("%v: %s", c, why)
			}
			running := after
			for end := time.Now().Add(time.Minute); (running.asleep || running.OnCPU == after.OnCPU) && time.Now().Before(end); time.Sleep(time.Millisecond) {
				w.Look(&running)
			}
			stood := running.Stood // a look may have come between its going on and the test's knowing it
			if w.Look(&running); running.Stood != stood {
				t.Errorf("stood %v more when it ran", running.Stood-stood)
			}
		})
	}
}

// TestDelaysOfThisProcess: a thread that another process keeps off its CPU waits for it.
func TestDelaysOfThisProcess(t *testing.T) {
	cpu := contended(t)
	onOwnThread(func() {
		if err := (host{}).setMask(SetOf(cpu)); err != nil {
			t.Error(err)
			return
		}
		d := NewDelays()
		defer d.Close()
		d.Longest()
		for end := time.Now().Add(time.Minute); d.Longest() < time.Millisecond; gap(time.Hour, 5*time.Millisecond) {
			if time.Now().After(end) {
				t.Error("it never waited")
				return
			}
		}
	})
}

// removeGroup removes a cgroup when its last process is gone.
func removeGroup(dir string) {
	for range 100 {
		if os.Remove(dir) == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestWitnessInAnotherNamespace: /proc may be that of another PID namespace, where threads
// have other numbers.
func TestWitnessInAnotherNamespace(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVar+"=witness")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	var out strings.Builder
	cmd.Stdout = &out
	runtime.LockOSThread() // it dies with the thread
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		t.Skipf("no PID namespace can be made here: %v", err)
	}
	if err := cmd.Wait(); err != nil || out.String() != "1 watched\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// watchSelf says whether the calling thread can be watched.
func watchSelf() {
	runtime.LockOSThread()
	w, err := NewWitness(0, 0)
	if err != nil {
		panic(err)
	}
	var before, after Activity
	w.Look(&before)
	for ran := before; ran.OnCPU < before.OnCPU+time.Millisecond; w.Look(&ran) {
	}
	unix.Nanosleep(&unix.Timespec{Nsec: 1}, nil)
	w.Look(&after)
	d := after.Since(before)
	const thread = KnowSched | KnowSwitches | KnowFaults
	if d.Known&thread != thread || d.OnCPU <= 0 || d.Voluntary == 0 {
		fmt.Printf("%d knows %v: %+v\n", os.Getpid(), d.Known, d)
		return
	}
	fmt.Println(os.Getpid(), "watched")
}

func BenchmarkLook(b *testing.B) {
	w, err := NewWitness(0, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	b.ReportAllocs()
	var a Activity
	for b.Loop() {
		w.Look(&a)
	}
}
