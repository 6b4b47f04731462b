package affinity

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
)

// kernel is what pinning needs of an operating system. Everything but present
// and permitted concerns the calling thread. Errors of the calls are errnos.
type kernel interface {
	mask() (Set, error)
	setMask(Set) error
	cpu() (int, error) // where the thread is running now
	tid() int
	present() (present, online Set, err error)
	permitted() (Set, error)
}

// Pinned is a goroutine locked to its thread, and the thread to one CPU. Its
// methods belong to the goroutine that called Pin.
type Pinned struct {
	k        kernel
	cpu, tid int
	before   Set
	released atomic.Bool

	reservation *Reservation // given back with the pin; nil: the CPU was not reserved
}

// Pin locks the calling goroutine to its thread and binds that thread to the CPU,
// which need not be in the process's mask. It returns once the kernel confirms
// both the mask and that the thread runs there.
//
// The errors are ErrNoSuchCPU, ErrOffline, ErrNotAllowed (its text names the
// permitted CPUs), ErrNotPinned (the kernel said yes and did not do it, as some
// sandboxes do) and ErrUnsupported; after any of them the goroutine is as it was
// before.
//
// Pins nest; release them in the reverse order. A goroutine that ends without
// Release takes its thread with it, so nothing else ever runs on a pinned thread
// by accident. (If that is the main thread, which cannot end, the runtime parks it
// for good; taskset -p and /proc/<pid>/status go on showing its narrow mask.)
func Pin(cpu int) (*Pinned, error) { return pin(host{}, cpu) }

func pin(k kernel, cpu int) (*Pinned, error) {
	if cpu < 0 || cpu >= MaxCPUs {
		return nil, fmt.Errorf("affinity: pin to CPU %d: CPUs have numbers from 0 to %d: %w", cpu, MaxCPUs-1, ErrNoSuchCPU)
	}
	runtime.LockOSThread()
	before, err := k.mask()
	if err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("affinity: pin to CPU %d: read the thread's mask: %w", cpu, err)
	}
	if err := k.setMask(SetOf(cpu)); err != nil {
		runtime.UnlockOSThread()
		return nil, refused(k, cpu, err)
	}
	p := &Pinned{k: k, cpu: cpu, tid: k.tid(), before: before}
	if err := p.Check(); err != nil {
		return nil, errors.Join(err, p.Release())
	}
	return p, nil
}

// refused says why the kernel did not accept the CPU, for which it has few words.
func refused(k kernel, cpu int, err error) error {
	switch {
	case errors.Is(err, syscall.EINVAL):
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return fmt.Errorf("affinity: pin to CPU %d: sched_setaffinity is forbidden (%w); does a seccomp filter or a sandbox forbid it: %w", cpu, err, ErrNotAllowed)
	default:
		return fmt.Errorf("affinity: pin to CPU %d: sched_setaffinity: %w", cpu, err)
	}
	// EINVAL: no CPU of the mask exists, is online and is in the cpuset.
	present, online, perr := k.present()
	if perr == nil && !present.Has(cpu) {
		return fmt.Errorf("affinity: pin to CPU %d: this machine has CPUs %v: %w", cpu, present, ErrNoSuchCPU)
	}
	if perr == nil && !online.Has(cpu) {
		return fmt.Errorf("affinity: pin to CPU %d: CPUs %v are online: %w", cpu, online, ErrOffline)
	}
	permitted, perr := k.permitted()
	if perr != nil {
		return fmt.Errorf("affinity: pin to CPU %d: sched_setaffinity: %w (and which CPUs are permitted is unknown: %w): %w", cpu, err, perr, ErrNotAllowed)
	}
	return fmt.Errorf("affinity: pin to CPU %d: the cpuset of this process permits CPUs %v: %w", cpu, permitted, ErrNotAllowed)
}

// CPU returns the CPU the goroutine was pinned to.
func (p *Pinned) CPU() int { return p.cpu }

// Before returns the mask that Release will restore.
func (p *Pinned) Before() Set { return p.before }

// Check asks the kernel whether the goroutine is still pinned. It need not be: when
// the CPU goes offline or leaves the cpuset, the kernel widens the mask and says
// nothing. The error wraps ErrNotPinned or ErrWrongThread. It costs three
// system calls.
func (p *Pinned) Check() error {
	if p.released.Load() {
		return fmt.Errorf("affinity: check pin to CPU %d: already released: %w", p.cpu, ErrNotPinned)
	}
	if err := p.own("check"); err != nil {
		return err
	}
	mask, err := p.k.mask()
	if err != nil {
		return fmt.Errorf("affinity: check pin to CPU %d: read the thread's mask: %w", p.cpu, err)
	}
	if mask != SetOf(p.cpu) {
		return fmt.Errorf("affinity: check pin to CPU %d: the thread's mask is %s: %w", p.cpu, orNone(mask), ErrNotPinned)
	}
	cpu, err := p.k.cpu()
	if err != nil {
		return fmt.Errorf("affinity: check pin to CPU %d: getcpu: %w", p.cpu, err)
	}
	if cpu != p.cpu {
		return fmt.Errorf("affinity: check pin to CPU %d: the thread runs on CPU %d: %w", p.cpu, cpu, ErrNotPinned)
	}
	return nil
}

// Release restores the mask the thread had before and undoes the lock. It must be
// called by the goroutine that called Pin, otherwise it does nothing and returns
// ErrWrongThread. Calling it again does nothing.
//
// If the mask cannot be restored, which happens when the cpuset has lost all its
// CPUs meanwhile, the goroutine stays locked, so that no other one inherits the
// thread, and Release may be called again.
func (p *Pinned) Release() error {
	if p.released.Load() {
		return nil
	}
	if err := p.own("release"); err != nil {
		return err
	}
	if err := p.k.setMask(p.before); err != nil {
		return fmt.Errorf("affinity: release CPU %d: restore mask %s: %w", p.cpu, orNone(p.before), err)
	}
	p.released.Store(true)
	runtime.UnlockOSThread()
	if p.reservation != nil {
		return p.reservation.Release()
	}
	return nil
}

// own relies on a locked thread running its goroutine and nothing else.
func (p *Pinned) own(verb string) error {
	if tid := p.k.tid(); tid != p.tid {
		return fmt.Errorf("affinity: %s pin to CPU %d: thread %d was pinned and this is thread %d: %w", verb, p.cpu, p.tid, tid, ErrWrongThread)
	}
	return nil
}

// Allowed returns the mask that this process's threads have unless they are
// pinned. The caller's own pin makes no difference.
func Allowed() (Set, error) { return host{}.allowed() }

// Permitted returns the CPUs that a thread of this process may be pinned to: those
// that are online and in the cpuset of its cgroup. It asks the kernel rather than
// guess from cgroup files: a thread made for the purpose requests all CPUs and
// looks at what it was given.
func Permitted() (Set, error) { return host{}.permitted() }

// Read reads the topology of this machine and the limits of this process. See
// ReadFS for what becomes of missing and malformed files.
func Read() (*Topology, error) { return host{}.read() }
