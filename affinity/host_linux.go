package affinity

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/unix"
)

// host is the running Linux kernel. The calls are made here rather than through
// unix.SchedSetaffinity because unix.CPUSet ends at CPU 1023.
type host struct{}

func (host) mask() (Set, error) {
	var s Set
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(s.words), uintptr(unsafe.Pointer(&s.words)))
	if errno != 0 {
		return Set{}, fmt.Errorf("sched_getaffinity: %w", errno)
	}
	return s, nil // the kernel wrote as many words as it has CPUs for; the rest are 0
}

func (host) setMask(s Set) error {
	// Syscall, not RawSyscall: the call waits until the thread has moved.
	_, _, errno := unix.Syscall(unix.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(s.words), uintptr(unsafe.Pointer(&s.words)))
	if errno != 0 {
		return errno
	}
	return nil
}

func (host) cpu() (int, error) {
	var cpu uint32
	_, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(cpu), nil
}

func (host) tid() int { return unix.Gettid() }

func (host) present() (present, online Set, err error) {
	var t Topology
	present, err = reader{os.DirFS("/")}.present(&t)
	return present, t.Online, err
}

func (h host) permitted() (Set, error) {
	var s Set
	var err error
	onOwnThread(func() {
		all := Set{}
		for i := range all.words {
			all.words[i] = ^uint64(0)
		}
		if err = h.setMask(all); err != nil {
			err = fmt.Errorf("affinity: ask for the permitted CPUs: sched_setaffinity: %w", err)
			return
		}
		if s, err = h.mask(); err != nil {
			err = fmt.Errorf("affinity: ask for the permitted CPUs: %w", err)
		}
	})
	return s, err
}

// onOwnThread runs f on a thread that ends with it, so that f may leave it in any
// state.
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The main thread never ends. Keep it busy, to get another one.
			onOwnThread(f)
			runtime.UnlockOSThread()
			return
		}
		f() // and a goroutine that ends while locked ends its thread
	}()
	<-done
}

// allowed asks on a goroutine of its own, because an unlocked goroutine never runs
// on a thread that is locked to another one.
func (h host) allowed() (Set, error) {
	type answer struct {
		s   Set
		err error
	}
	c := make(chan answer)
	go func() {
		s, err := h.mask()
		if err != nil {
			err = fmt.Errorf("affinity: read the process's mask: %w", err)
		}
		c <- answer{s, err}
	}()
	a := <-c
	return a.s, a.err
}

func (h host) read() (*Topology, error) {
	var l Limits
	var err error
	if l.Allowed, err = h.allowed(); err != nil {
		return nil, err
	}
	permitted, permittedErr := h.permitted()
	if permittedErr != nil { // a sandbox that forbids sched_setaffinity
		permitted = l.Allowed
	}
	l.Permitted = permitted
	t, err := ReadFS(os.DirFS("/"), l)
	if err != nil {
		return nil, err
	}
	if permittedErr != nil {
		t.note("%v: the mask is taken for the permitted CPUs, and pinning will fail", permittedErr)
	}
	if t.Info.Model == "" {
		t.Info.Model = cpuid.CPU.BrandName
	}
	t.Info.Vendor = cpuid.CPU.VendorString
	t.Info.RDTSCP = cpuid.CPU.Supports(cpuid.RDTSCP)
	t.Info.AVX2 = cpuid.CPU.Supports(cpuid.AVX2)
	t.Info.CacheLine = cpuid.CPU.CacheLine
	return t, nil
}
