//go:build linux

package ring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/tick"
)

func init() {
	roles["spikes.read"] = spikesReader
	roles["spikes.burn"] = spikesBurner
}

// spikesThreshold is less than the shortest slice of a CPU that a busy machine hands out.
const spikesThreshold = 500 * time.Microsecond

const touchedPages = 512 // some µs each

// What a message tells the reader to do, by its type.
const (
	justRead = iota
	touchPages
	collectGarbage
	takeNap
	goHome // to a CPU: the message is its number
)

// spikesReader reads, and is late when it is told to be.
func spikesReader(args []string) error {
	runtime.LockOSThread()
	s, err := Open("r", Options{Dir: args[0], Name: "a", Spikes: spikesThreshold})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	list := &link{}
	for range 1 << 19 {
		list = &link{next: list}
	}
	for {
		msg, st := s.Next()
		if st == Closed {
			return s.Close()
		}
		if st != Message {
			continue
		}
		switch s.Type() {
		case touchPages:
			b, err := unix.Mmap(-1, 0, touchedPages*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
			if err != nil {
				return err
			}
			_ = unix.Madvise(b, unix.MADV_NOHUGEPAGE)
			began := tick.Mono()
			for i := 0; i < len(b); i += os.Getpagesize() {
				b[i] = 1
			}
			for tick.Mono()-began < uint64(2*spikesThreshold) { // where they take less
				_ = unix.Madvise(b, unix.MADV_DONTNEED)
				for i := 0; i < len(b); i += os.Getpagesize() {
					b[i] = 1
				}
			}
			unix.Munmap(b)
		case collectGarbage:
			runtime.GC()
		case takeNap:
			ts := unix.NsecToTimespec(int64(20 * time.Millisecond))
			unix.Nanosleep(&ts, nil)
		case goHome:
			var set unix.CPUSet
			set.Set(int(msg[0]))
			if err := unix.SchedSetaffinity(0, &set); err != nil {
				return err
			}
		}
		runtime.KeepAlive(list)
	}
}

type link struct{ next *link }

// spikesBurner keeps a CPU busy.
func spikesBurner(args []string) error {
	cpu, _ := strconv.Atoi(args[0])
	pinTo(cpu)
	fmt.Println("ready")
	for n := 0; ; n++ {
		runtime.KeepAlive(n)
	}
}

// TestSpikeCauses makes a reader late in each way, and finds the cause in its file, also
// when it is dead. A machine makes it late in ways of its own, too: then the counts show
// that, and the verdict may be another one.
func TestSpikeCauses(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	defer p.Close()
	dies := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // or the children die with a thread
	defer runtime.UnlockOSThread()
	reader := startWith(t, dies, "spikes.read", dir)
	reader.line()

	publish := func(what uint16, msg ...byte) {
		if err := p.Publish(what, msg); err != nil {
			t.Fatal(err)
		}
	}
	// busy publishes for some time.
	busy := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(500 * time.Microsecond) {
			publish(justRead)
		}
	}
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		t.Fatal(err)
	}
	home := 0
	for !allowed.IsSet(home) {
		home++
	}
	asleep := func(a affinity.Activity) time.Duration { return a.At - a.OnCPU - a.RunDelay }
	known := make(map[affinity.Cause]Spike)
	for _, c := range []struct {
		cause   affinity.Cause
		prepare func(t *testing.T)
		provoke func()
		took    func(a affinity.Activity) time.Duration // by what was provoked
	}{
		{affinity.CauseStopped, nil, func() {
			reader.cmd.Process.Signal(unix.SIGSTOP)
			busy(60 * time.Millisecond)
			reader.cmd.Process.Signal(unix.SIGCONT)
		}, func(a affinity.Activity) time.Duration { return a.Stood }},
		{affinity.CauseFault, nil, func() { publish(touchPages); busy(5 * time.Millisecond) }, func(a affinity.Activity) time.Duration {
			return time.Duration(a.MinorFaults) * 20 * time.Microsecond
		}},
		{affinity.CauseSlept, nil, func() { publish(takeNap); busy(10 * time.Millisecond) }, asleep},
		{affinity.CauseGC, nil, func() { publish(collectGarbage); busy(5 * time.Millisecond) }, func(a affinity.Activity) time.Duration { return a.StopNs }},
		{affinity.CausePreempted, func(t *testing.T) {
			publish(goHome, byte(home))
			startWith(t, dies, "spikes.burn", strconv.Itoa(home)).line()
		}, func() { busy(20 * time.Millisecond) }, func(a affinity.Activity) time.Duration { return a.RunDelay }},
		{affinity.CauseThrottled, func(t *testing.T) { limitCPU(t, reader.cmd.Process.Pid) }, func() { busy(200 * time.Millisecond) },
			func(a affinity.Activity) time.Duration { return min(a.Throttled, a.RunDelay) }},
	} {
		t.Run(c.cause.String(), func(t *testing.T) {
			if c.prepare != nil {
				c.prepare(t)
			}
			last := onlySub(t, dir).Spikes.Spikes
			for range 100 {
				c.provoke()
				busy(2 * time.Millisecond) // what is late hereafter is another spike
				caughtUp(t, dir, p.Seq())
				for _, s := range onlySub(t, dir).Spikes.List {
					if s.Number <= last || !s.Explained {
						continue
					}
					last = s.Number
					if s.Kind != SpikeRead || s.Latency < spikesThreshold || s.Messages == 0 || s.Seq == 0 || s.Seq > p.Seq() ||
						s.TID == 0 || s.Happened.At < s.Latency || time.Since(s.Time) > time.Hour {
						t.Errorf("%+v", s)
					}
					a := s.Happened
					if s.Cause == c.cause && c.took(a) >= s.Latency/2 {
						t.Logf("%v: %s (latency %v, behind %d)", s.Cause, s.Why, s.Latency, s.Behind)
						known[c.cause] = s
						return
					}
					t.Logf("not that: %v: %s (latency %v)", s.Cause, s.Why, s.Latency)
					// It may be that something else took longer. Nothing else can have if what was
					// provoked took all of the latency, and all that may be more of a cause took little.
					others := a.RunDelay + a.Steal + a.StopNs + asleep(a)
					switch c.cause {
					case affinity.CauseStopped: // it sleeps meanwhile
						others -= min(a.Stood, asleep(a))
					case affinity.CauseSlept:
						others -= max(asleep(a)-a.Stood, 0)
					case affinity.CauseGC: // as here
						others -= a.StopNs + min(a.StopNs, asleep(a))
					case affinity.CauseThrottled: // or is late for the CPU
						others -= c.took(a)
					case affinity.CausePreempted:
						others += a.Throttled - a.RunDelay
					}
					if c.took(a) >= s.Latency && others < s.Latency/4 {
						t.Errorf("%v: %s (%+v)", s.Cause, s.Why, s)
					}
				}
			}
			t.Skipf("the machine was so busy with other things that it was never %v", c.cause)
		})
	}

	reader.kill()
	dead := onlySub(t, dir)
	if dead.Active || dead.Closed || dead.Spikes.Threshold != spikesThreshold || dead.Spikes.Spikes == 0 {
		t.Fatalf("the dead reader's file: %+v", dead)
	}
	for _, s := range dead.Spikes.List {
		if k, ok := known[s.Cause]; ok && k.Number == s.Number && (k.Happened != s.Happened && k.Latency == s.Latency || !k.Time.Equal(s.Time) || k.Happened.At > s.Happened.At) {
			t.Errorf("alive: %+v\ndead: %+v", k, s)
		}
	}
}

// caughtUp waits until the reader has read what was published, and somebody has looked at the
// spikes of that as long as they are now.
func caughtUp(t *testing.T, dir string, seq uint64) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		sub := onlySub(t, dir)
		if l := sub.Spikes.List; sub.Cursor >= seq && !slices.ContainsFunc(l, func(s Spike) bool { return !s.Explained || s.Happened.At < s.Latency }) {
			return
		}
	}
	t.Fatal("the reader does not go on")
}

// limitCPU gives a process a tenth of a CPU, where it may.
func limitCPU(t *testing.T, pid int) {
	t.Helper()
	write := func(path, text string) error {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		return errors.Join(err, f.Close())
	}
	var failed error
	for _, mount := range []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup"} {
		dir := filepath.Join(mount, fmt.Sprintf("tickring-test-%d", os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			failed = err
			continue
		}
		t.Cleanup(func() {
			_ = write(filepath.Join(mount, "cgroup.procs"), strconv.Itoa(pid))
			os.Remove(dir)
		})
		err := write(filepath.Join(dir, "cpu.max"), "10000 100000")
		if err != nil {
			err = errors.Join(write(filepath.Join(dir, "cpu.cfs_period_us"), "100000"), write(filepath.Join(dir, "cpu.cfs_quota_us"), "10000"))
		}
		if err == nil {
			err = write(filepath.Join(dir, "cgroup.procs"), strconv.Itoa(pid))
		}
		if err == nil {
			return
		}
		failed = err
	}
	t.Skipf("a CPU quota cannot be given here: %v", failed)
}
