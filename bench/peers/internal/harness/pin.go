package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// PinProcess puts every thread of this process on one core, with one thread at a time running
// Go code. With PEERS_FIFO they run under SCHED_FIFO at that priority.
func PinProcess(cpu int) error {
	runtime.GOMAXPROCS(1)
	// Threads that are started meanwhile inherit from one that may not have been reached yet:
	// twice round reaches those as well.
	for range 2 {
		threads, err := filepath.Glob("/proc/self/task/*")
		if err != nil {
			return err
		}
		for _, t := range threads {
			tid, err := strconv.Atoi(filepath.Base(t))
			if err != nil {
				return err
			}
			if err := pin(tid, cpu); err != nil && err != unix.ESRCH {
				return fmt.Errorf("pin to CPU %d: %w", cpu, err)
			}
		}
	}
	return nil
}

// PinThread binds the calling goroutine to a thread and that thread to one core, with PEERS_FIFO
// under SCHED_FIFO.
func PinThread(cpu int) error {
	runtime.LockOSThread()
	if err := pin(0, cpu); err != nil {
		return fmt.Errorf("pin to CPU %d: %w", cpu, err)
	}
	return nil
}

func pin(tid, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return err
	}
	priority, err := strconv.Atoi(os.Getenv("PEERS_FIFO"))
	if err != nil || priority <= 0 {
		return nil
	}
	return unix.SchedSetAttr(tid, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: uint32(priority),
	}, 0)
}
