package affinity

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// latencyDevice takes wishes for as long as they keep it open: Documentation/power/pm_qos_interface.rst
// of the Linux kernel.
const latencyDevice = "/dev/cpu_dma_latency"

// LatencyHold keeps the CPUs from sleeping deeply. It ends with Close or with the process.
type LatencyHold struct {
	mu sync.Mutex
	fd int // -1: closed
	us int32
}

// HoldLatency asks the kernel to choose only idle states that every CPU leaves within so
// many µs. It concerns all CPUs of the machine, and the shortest wish of all processes
// holds. 0 lets idle CPUs poll, without any sleep: that costs the most power, takes
// turbo from the busy cores, and the units of a core from an SMT sibling; 1 usually
// leaves the first, light state. A CPU whose thread spins does not sleep anyhow: this is
// for threads that wait, and for the cores that serve interrupts.
//
// The device is root's unless a udev rule gives it to others: then the error wraps
// fs.ErrPermission. Where there is none, as in most containers, it wraps fs.ErrNotExist,
// and except on Linux ErrUnsupported.
func HoldLatency(us int32) (*LatencyHold, error) { return holdLatency(latencyDevice, us) }

func holdLatency(device string, us int32) (*LatencyHold, error) {
	verb := fmt.Sprintf("affinity: hold the latency of idle CPUs at %d µs", us)
	if us < 0 {
		return nil, fmt.Errorf("%s: it must not be negative", verb)
	}
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("%s: %w", verb, ErrUnsupported)
	}
	fd, err := unix.Open(device, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", verb, &fs.PathError{Op: "open", Path: device, Err: err})
	}
	var word [4]byte
	binary.NativeEndian.PutUint32(word[:], uint32(us))
	if _, err := unix.Write(fd, word[:]); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("%s: %w", verb, &fs.PathError{Op: "write", Path: device, Err: err})
	}
	return &LatencyHold{fd: fd, us: us}, nil
}

// Micros returns what was asked for.
func (h *LatencyHold) Micros() int32 { return h.us }

// Close takes the wish back. Calling it again does nothing.
func (h *LatencyHold) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fd < 0 {
		return nil
	}
	err := unix.Close(h.fd)
	h.fd = -1
	if err != nil {
		return fmt.Errorf("affinity: end the hold of %d µs: %w", h.us, err)
	}
	return nil
}
