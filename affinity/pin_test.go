package affinity

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// fake is a kernel that answers as it is told.
type fake struct {
	current         Set
	allow           Set // what setMask accepts any CPU of
	setErr          error
	maskErr         error
	ignore          bool // setMask says yes and does nothing
	runsOn          int  // -1: where the mask says
	thread          int
	presentCPUs     Set
	onlineCPUs      Set
	presentErr      error
	permittedErr    error
	masksSet        []string
	refuseToRestore bool
}

func newFake() *fake {
	all := SetOf(0, 1, 2, 3)
	present := all.Or(SetOf(4, 5))
	return &fake{current: all, allow: all, runsOn: -1, thread: 7, presentCPUs: present, onlineCPUs: all.Or(SetOf(5))}
}

func (f *fake) mask() (Set, error) { return f.current, f.maskErr }

func (f *fake) setMask(s Set) error {
	f.masksSet = append(f.masksSet, s.String())
	if f.setErr != nil {
		return f.setErr
	}
	if s.And(f.allow).Empty() || f.refuseToRestore && s.Len() > 1 {
		return syscall.EINVAL
	}
	if !f.ignore {
		f.current = s.And(f.allow)
	}
	return nil
}

func (f *fake) cpu() (int, error) {
	if f.runsOn >= 0 {
		return f.runsOn, nil
	}
	return f.current.Min(), nil
}

func (f *fake) tid() int                   { return f.thread }
func (f *fake) present() (Set, Set, error) { return f.presentCPUs, f.onlineCPUs, f.presentErr }
func (f *fake) permitted() (Set, error)    { return f.allow, f.permittedErr }

func TestPinAndRelease(t *testing.T) {
	f := newFake()
	p, err := pin(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	if p.CPU() != 2 || p.Before() != SetOf(0, 1, 2, 3) || f.current != SetOf(2) {
		t.Errorf("CPU %d, before %v, mask %v", p.CPU(), p.Before(), f.current)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if err := p.Release(); err != nil || f.current != SetOf(0, 1, 2, 3) {
		t.Errorf("release: %v, mask %v", err, f.current)
	}
	n := len(f.masksSet)
	if err := p.Release(); err != nil || len(f.masksSet) != n {
		t.Errorf("second release: %v, masks set %q", err, f.masksSet)
	}
	if err := p.Check(); !errors.Is(err, ErrNotPinned) {
		t.Errorf("check after release: %v", err)
	}
}

func TestPinRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		cpu    int
		change func(*fake)
		want   error
		text   string
	}{
		{"negative", -1, nil, ErrNoSuchCPU, "0 to 8191"},
		{"too large for any machine", MaxCPUs, nil, ErrNoSuchCPU, "0 to 8191"},
		{"not there", 6, nil, ErrNoSuchCPU, "CPUs 0-5"},
		{"offline", 4, nil, ErrOffline, "CPUs 0-3,5"},
		{"outside the cpuset", 5, nil, ErrNotAllowed, "CPUs 0-3"},
		{"sysfs is not readable", 5, func(f *fake) { f.presentErr = errors.New("no sysfs") }, ErrNotAllowed, "CPUs 0-3"},
		{"nothing is readable", 5, func(f *fake) { f.presentErr, f.permittedErr = errors.New("x"), errors.New("a reason") }, ErrNotAllowed, "a reason"},
		{"seccomp", 1, func(f *fake) { f.setErr = syscall.EPERM }, ErrNotAllowed, "seccomp"},
		{"seccomp, the errno too", 1, func(f *fake) { f.setErr = syscall.EPERM }, syscall.EPERM, "sched_setaffinity"},
		{"no such call", 1, func(f *fake) { f.setErr = syscall.ENOSYS }, syscall.ENOSYS, "sched_setaffinity"},
		{"the mask is not readable", 1, func(f *fake) { f.maskErr = ErrUnsupported }, ErrUnsupported, "mask"},
		{"a kernel that only says yes", 1, func(f *fake) { f.ignore = true }, ErrNotPinned, "0-3"},
		{"a kernel that does not move the thread", 1, func(f *fake) { f.runsOn = 3 }, ErrNotPinned, "runs on CPU 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake()
			if c.change != nil {
				c.change(f)
			}
			before := f.current
			p, err := pin(f, c.cpu)
			if p != nil || !errors.Is(err, c.want) {
				t.Fatalf("got %v, %v; want %v", p, err, c.want)
			}
			if !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), fmt.Sprint("CPU ", c.cpu)) {
				t.Errorf("no %q or CPU %d in: %v", c.text, c.cpu, err)
			}
			if f.current != before {
				t.Errorf("left the mask %v", f.current)
			}
		})
	}
}

func TestPinLost(t *testing.T) {
	f := newFake()
	p, err := pin(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	f.current = SetOf(0, 1) // CPU 2 went offline
	if err := p.Check(); !errors.Is(err, ErrNotPinned) || !strings.Contains(err.Error(), "0-1") {
		t.Errorf("check: %v", err)
	}
	if err := p.Release(); err != nil || f.current != SetOf(0, 1, 2, 3) {
		t.Errorf("release: %v, mask %v", err, f.current)
	}
}

func TestReleaseFromElsewhere(t *testing.T) {
	f := newFake()
	p, err := pin(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	f.thread++
	if err := p.Release(); !errors.Is(err, ErrWrongThread) || f.current != SetOf(2) {
		t.Errorf("release: %v, mask %v", err, f.current)
	}
	if err := p.Check(); !errors.Is(err, ErrWrongThread) {
		t.Errorf("check: %v", err)
	}
	f.thread--
	if err := p.Release(); err != nil {
		t.Error(err)
	}
}

func TestReleaseThatFails(t *testing.T) {
	f := newFake()
	p, err := pin(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	f.refuseToRestore = true
	if err := p.Release(); !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), "0-3") {
		t.Errorf("release: %v", err)
	}
	f.refuseToRestore = false
	if err := p.Release(); err != nil || f.current != SetOf(0, 1, 2, 3) {
		t.Errorf("release again: %v, mask %v", err, f.current)
	}
}
