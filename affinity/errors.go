package affinity

import "errors"

var (
	// ErrUnsupported: this operating system has no such call.
	ErrUnsupported = errors.New("not supported on this operating system")

	// ErrSyntax: a CPU list or a number in a kernel file is malformed.
	ErrSyntax = errors.New("malformed")

	// ErrNoTopology: the kernel's files name no CPU at all.
	ErrNoTopology = errors.New("no CPU topology found")

	// ErrTooFewCPUs: fewer CPUs satisfy the policy than were asked for.
	ErrTooFewCPUs = errors.New("too few CPUs")

	// ErrNoSuchCPU: the machine has no CPU of this number.
	ErrNoSuchCPU = errors.New("no such CPU")

	// ErrOffline: the CPU exists and is switched off.
	ErrOffline = errors.New("CPU is offline")

	// ErrNotAllowed: the CPU is there, but the cpuset of the process's cgroup
	// (or a system call filter) forbids it.
	ErrNotAllowed = errors.New("CPU is not allowed")

	// ErrReserved: another one has reserved the CPU.
	ErrReserved = errors.New("CPU is reserved")

	// ErrNotPinned: the kernel accepted the mask, but the thread is not, or no
	// longer, bound to exactly this CPU.
	ErrNotPinned = errors.New("thread is not pinned")

	// ErrWrongThread: the call came from another goroutine than the one that
	// called Pin.
	ErrWrongThread = errors.New("called from another goroutine than Pin was")

	// ErrMemoryLimit: the limit leaves no room, or the memory to derive one from is
	// unknown.
	ErrMemoryLimit = errors.New("no usable memory limit")
)
