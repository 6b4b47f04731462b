package affinity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// statusMask returns Cpus_allowed_list of a thread of this process.
func statusMask(t *testing.T, tid int) Set {
	t.Helper()
	s, err := threadMask(tid)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func threadMask(tid int) (Set, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", tid))
	if err != nil {
		return Set{}, err
	}
	for line := range strings.Lines(string(b)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return ParseSet(list)
		}
	}
	return Set{}, errors.New("no Cpus_allowed_list")
}

func TestPinReal(t *testing.T) {
	allowed, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	onOwnThread(func() {
		tid := unix.Gettid()
		for cpu := range allowed.All() {
			p, err := Pin(cpu)
			if err != nil {
				t.Error(err)
				return
			}
			if unix.Gettid() != tid {
				t.Error("the goroutine changed its thread")
			}
			if got, err := threadMask(tid); err != nil || got != SetOf(cpu) {
				t.Errorf("pinned to %d: the kernel says %v, %v", cpu, got, err)
			}
			for range 100 {
				runtime.Gosched()
			}
			if err := p.Check(); err != nil {
				t.Error(err)
			}
			if now, err := Allowed(); err != nil || now != allowed {
				t.Errorf("while pinned, Allowed is %v, %v; want %v", now, err, allowed)
			}

			elsewhere := make(chan error)
			go func() { elsewhere <- p.Release() }()
			if err := <-elsewhere; !errors.Is(err, ErrWrongThread) {
				t.Errorf("release by another goroutine: %v", err)
			}
			if err := p.Check(); err != nil {
				t.Error("after that release:", err)
			}

			for range 2 {
				if err := p.Release(); err != nil {
					t.Error(err)
				}
			}
			if got, err := threadMask(tid); err != nil || got != allowed {
				t.Errorf("released: the kernel says %v, %v; want %v", got, err, allowed)
			}
		}
	})
}

func TestPinsNest(t *testing.T) {
	allowed, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	cpus := allowed.CPUs()
	onOwnThread(func() {
		first, err := Pin(cpus[0])
		if err != nil {
			t.Error(err)
			return
		}
		last := cpus[len(cpus)-1]
		second, err := Pin(last)
		if err != nil {
			t.Error(err)
			return
		}
		if err := second.Check(); err != nil || second.Before() != SetOf(cpus[0]) {
			t.Errorf("inner: %v, before %v", err, second.Before())
		}
		if err := second.Release(); err != nil {
			t.Error(err)
		}
		if err := first.Check(); err != nil {
			t.Error("outer after inner's release:", err)
		}
		if err := first.Release(); err != nil {
			t.Error(err)
		}
		if got, _ := threadMask(unix.Gettid()); got != allowed {
			t.Errorf("mask %v, want %v", got, allowed)
		}
	})
}

// Threads that the runtime starts while a goroutine is pinned must not inherit its
// mask.
func TestOtherThreadsStayFree(t *testing.T) {
	top, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	if top.Allowed.Len() < 2 {
		t.Skip("one CPU: pinned and free threads have the same mask")
	}
	cpu := top.Allowed.Min()
	onOwnThread(func() {
		p, err := Pin(cpu)
		if err != nil {
			t.Error(err)
			return
		}
		defer p.Release()
		mine := unix.Gettid()
		// Goroutines that are locked all at once need a thread each, so the
		// runtime must start new ones now, some at this goroutine's request.
		const n = 20
		var ready, end sync.WaitGroup
		ready.Add(n)
		end.Add(1)
		tids := make([]int, n)
		masks := make([]Set, n)
		var left sync.WaitGroup
		for i := range n {
			left.Go(func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				tids[i] = unix.Gettid()
				masks[i], _ = threadMask(tids[i])
				ready.Done()
				end.Wait()
			})
		}
		ready.Wait()
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil || len(threads) < n+1 {
			t.Errorf("%d threads, %v", len(threads), err)
		}
		for _, e := range threads {
			var tid int
			fmt.Sscan(e.Name(), &tid)
			mask, err := threadMask(tid)
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
				continue // ended meanwhile
			}
			if want := top.Allowed; tid != mine && (err != nil || mask != want) {
				t.Errorf("thread %d: mask %v, %v; want %v", tid, mask, err, want)
			}
		}
		for i, mask := range masks {
			if tids[i] == mine || mask != top.Allowed {
				t.Errorf("goroutine on thread %d (pinned is %d): mask %v", tids[i], mine, mask)
			}
		}
		end.Done()
		left.Wait()
	})
}

// A goroutine that ends while it is pinned must not leave a pinned thread behind
// for others to run on.
func TestEndWithoutRelease(t *testing.T) {
	allowed, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	var held sync.WaitGroup
	for range 3 {
		done := make(chan error)
		held.Go(func() {
			p, err := Pin(allowed.Min())
			done <- err
			if err == nil && unix.Gettid() == unix.Getpid() {
				// The main thread would stay pinned, if idle, and mislead other tests.
				<-hold
				p.Release()
			}
		})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		if now, err := Allowed(); err != nil || now != allowed {
			t.Errorf("a goroutine runs with the mask %v, %v; want %v", now, err, allowed)
		}
	}
	close(hold)
	held.Wait()
}

func TestPinRealRefused(t *testing.T) {
	top, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	absent := MaxCPUs - 1
	if _, ok := top.CPU(absent); ok {
		t.Skip("a machine with the largest CPU number there can be")
	}
	before := statusMask(t, unix.Gettid())
	_, err = Pin(absent)
	if !errors.Is(err, ErrNoSuchCPU) || !strings.Contains(err.Error(), "CPUs "+top.Select(func(CPU) bool { return true }).String()) {
		t.Errorf("CPU %d: %v", absent, err)
	}
	for _, c := range top.CPUs {
		if c.Online && !top.Permitted.Has(c.ID) {
			if _, err := Pin(c.ID); !errors.Is(err, ErrNotAllowed) || !strings.Contains(err.Error(), top.Permitted.String()) {
				t.Errorf("CPU %d, outside the cpuset %v: %v", c.ID, top.Permitted, err)
			}
		}
		if !c.Online {
			if _, err := Pin(c.ID); !errors.Is(err, ErrOffline) {
				t.Errorf("CPU %d, offline: %v", c.ID, err)
			}
		}
	}
	if after := statusMask(t, unix.Gettid()); after != before {
		t.Errorf("a refused pin left the mask %v, before %v", after, before)
	}
}

func TestReadReal(t *testing.T) {
	top, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	if top.Online.Empty() || top.Allowed.Empty() || !top.Allowed.Minus(top.Permitted).Empty() || !top.Permitted.Minus(top.Online).Empty() {
		t.Errorf("online %v, permitted %v, allowed %v", top.Online, top.Permitted, top.Allowed)
	}
	if main := statusMask(t, os.Getpid()); top.Allowed != main {
		t.Errorf("allowed %v, the main thread has %v", top.Allowed, main)
	}
	if p, err := Permitted(); err != nil || p != top.Permitted {
		t.Errorf("Permitted is %v, %v; Read says %v", p, err, top.Permitted)
	}
	if main := statusMask(t, os.Getpid()); top.Allowed != main {
		t.Errorf("asking for the permitted CPUs left the main thread with %v", main)
	}
	for _, c := range top.CPUs {
		if c.Online && (c.Core < 0 || !c.Siblings.Has(c.ID)) {
			t.Errorf("%+v", c)
		}
	}
	if n := top.Allowed.Len(); n != runtime.NumCPU() {
		t.Errorf("%d CPUs allowed, the runtime started with %d", n, runtime.NumCPU())
	}
	cpus, err := top.Pick(1, Policy{})
	if err != nil || len(cpus) != 1 || (cpus[0] == 0 && top.Allowed.Len() > 1) {
		t.Errorf("Pick 1: %v, %v", cpus, err)
	}
	t.Logf("\n%v", top)
}

// A tree on disk reads the same as one in memory.
func TestReadDirectory(t *testing.T) {
	root := t.TempDir()
	for name, text := range twoSockets() {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	top, err := ReadFS(os.DirFS(root), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := twoSockets().read(t, Limits{}).String(); top.String() != want {
		t.Errorf("got\n%v\nwant\n%v", top, want)
	}
}

// childEnv makes the test binary report on itself instead of running tests.
const childEnv = "TICKRING_AFFINITY_CHILD"

type report struct {
	Allowed, Permitted Set
	GOMAXPROCS         int
	Picked             []int
	PickErr            string
	PinOutside         string // "" or the error of pinning to a CPU outside the mask
	After              Set    // the mask after releasing that pin
}

func reportOnSelf(outside string) error {
	top, err := Read()
	if err != nil {
		return err
	}
	r := report{Allowed: top.Allowed, Permitted: top.Permitted, GOMAXPROCS: runtime.GOMAXPROCS(0)}
	if r.Picked, err = top.Pick(2, Policy{}); err != nil {
		r.PickErr = err.Error()
	}
	var cpu int
	fmt.Sscan(outside, &cpu)
	onOwnThread(func() {
		p, err := Pin(cpu)
		if err == nil {
			err = p.Release()
		}
		if err != nil {
			r.PinOutside = err.Error()
		}
		r.After, _ = threadMask(unix.Gettid())
	})
	return json.NewEncoder(os.Stdout).Encode(r)
}

// A process that starts with a narrow mask, here by being started from a pinned
// goroutine, stays inside it unless it asks for another CPU by number.
func TestNarrowMask(t *testing.T) {
	allowed, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	if allowed.Len() < 2 {
		t.Skip("one CPU: the mask cannot be narrowed")
	}
	in, outside := allowed.CPUs()[1], allowed.CPUs()[0]
	var out, stderr bytes.Buffer
	onOwnThread(func() {
		p, err := Pin(in)
		if err != nil {
			t.Error(err)
			return
		}
		defer p.Release()
		cmd := exec.Command(os.Args[0])
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "GOMAXPROCS=") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, fmt.Sprint(childEnv, "=", outside))
		cmd.Stdout, cmd.Stderr = &out, &stderr
		if err := cmd.Run(); err != nil {
			t.Errorf("%v: %s", err, &stderr)
		}
	})
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	if r.Allowed != SetOf(in) {
		t.Errorf("the child's mask is %v, want %d", r.Allowed, in)
	}
	if permitted, _ := Permitted(); r.Permitted != permitted {
		t.Errorf("the child is permitted %v, its parent %v", r.Permitted, permitted)
	}
	if r.GOMAXPROCS != 1 {
		t.Errorf("GOMAXPROCS is %d; the package doc says 1", r.GOMAXPROCS)
	}
	if len(r.Picked) != 1 || r.Picked[0] != in || !strings.Contains(r.PickErr, ErrTooFewCPUs.Error()) {
		t.Errorf("picked %v, %q", r.Picked, r.PickErr)
	}
	if r.PinOutside != "" || r.After != SetOf(in) {
		t.Errorf("pin outside the mask: %q, mask afterwards %v", r.PinOutside, r.After)
	}
}

func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	allowed, err := Allowed()
	if err != nil {
		b.Fatal(err)
	}
	p, err := Pin(allowed.Min())
	if err != nil {
		b.Fatal(err)
	}
	defer p.Release()
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Check(); err != nil {
			b.Fatal(err)
		}
	}
}
