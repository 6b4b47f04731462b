package affinity

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// DefaultReserveDir is where CPUs are reserved if no directory is named: TICKRING_CPUS
// from the environment, or /dev/shm/tickring-cpus, which all users of the machine share.
func DefaultReserveDir() string {
	if d := os.Getenv("TICKRING_CPUS"); d != "" {
		return d
	}
	return "/dev/shm/tickring-cpus"
}

// Reservation says to other processes that a CPU is taken. It is a lock on a file
// that the kernel undoes when the process ends, in whatever way. It binds those that
// ask: it keeps nobody off the CPU who does not.
type Reservation struct {
	cpu  int
	mu   sync.Mutex
	lock reserveLock
}

// Holder is who has reserved a CPU. PID and Name are what it wrote, as its own
// PID namespace has them: 0 and "" if it has not written it yet.
type Holder struct {
	CPU  int    `json:"cpu"`
	PID  int    `json:"pid"`
	Name string `json:"name"`
}

func (h Holder) String() string {
	switch {
	case h.PID == 0:
		return "another process"
	case h.Name == "":
		return fmt.Sprint("process ", h.PID)
	}
	return fmt.Sprintf("process %d (%s)", h.PID, h.Name)
}

// Reserve takes a CPU, at once or not at all: if somebody has it, in this process or
// another one, the error wraps ErrReserved and says who. The other errors wrap
// ErrNoSuchCPU, ErrUnsupported (except on Linux) or that of the file.
//
// dir "" is [DefaultReserveDir]. It is made if it is not there, for all users, and has a
// file for each CPU that was ever reserved; who deletes one of a running process makes
// two that think they have the CPU. Containers share it only if they share the directory.
func Reserve(dir string, cpu int) (*Reservation, error) {
	if cpu < 0 || cpu >= MaxCPUs {
		return nil, fmt.Errorf("affinity: reserve CPU %d: CPUs have numbers from 0 to %d: %w", cpu, MaxCPUs-1, ErrNoSuchCPU)
	}
	if present, _, err := (host{}).present(); err == nil && !present.Has(cpu) {
		return nil, fmt.Errorf("affinity: reserve CPU %d: this machine has CPUs %v: %w", cpu, present, ErrNoSuchCPU)
	}
	return reserve(dir, cpu)
}

// reserve does not ask whether there is such a CPU.
func reserve(dir string, cpu int) (*Reservation, error) {
	path, err := reserveDir(dir)
	if err != nil {
		return nil, fmt.Errorf("affinity: reserve CPU %d: %w", cpu, err)
	}
	lock, err := lockCPU(path, cpu)
	if errors.Is(err, ErrReserved) {
		return nil, fmt.Errorf("affinity: reserve CPU %d: %v has it, by a lock on %s: %w", cpu, holder(path, cpu), filepath.Join(path, lockName(cpu)), ErrReserved)
	}
	if err != nil {
		return nil, fmt.Errorf("affinity: reserve CPU %d: %w", cpu, err)
	}
	return &Reservation{cpu: cpu, lock: lock}, nil
}

// CPU returns the CPU that was reserved.
func (r *Reservation) CPU() int { return r.cpu }

// Release gives the CPU back. Calling it again does nothing. Whoever is pinned to
// it stays so.
func (r *Reservation) Release() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.lock.release(); err != nil {
		return fmt.Errorf("affinity: give back CPU %d: %w", r.cpu, err)
	}
	return nil
}

// Reserved returns who has which CPU, by ascending CPU; nobody if the directory, ""
// for [DefaultReserveDir], does not exist. It takes no lock itself.
func Reserved(dir string) ([]Holder, error) {
	path, err := filepath.Abs(orDefaultDir(dir))
	if err != nil {
		return nil, fmt.Errorf("affinity: list reserved CPUs: %w", err)
	}
	entries, err := os.ReadDir(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("affinity: list reserved CPUs: %w", err)
	}
	var list []Holder
	for _, e := range entries {
		digits, _ := strings.CutPrefix(e.Name(), "cpu")
		cpu, ok := parseDigits(digits)
		if !ok || e.Name() != lockName(cpu) {
			continue
		}
		locked, err := cpuLocked(path, cpu)
		if err != nil {
			return nil, fmt.Errorf("affinity: list reserved CPUs: %w", err)
		}
		if locked {
			list = append(list, holder(path, cpu))
		}
	}
	slices.SortFunc(list, func(a, b Holder) int { return a.CPU - b.CPU })
	return list, nil
}

func orDefaultDir(dir string) string {
	if dir == "" {
		return DefaultReserveDir()
	}
	return dir
}

func lockName(cpu int) string { return "cpu" + strconv.Itoa(cpu) }

// mostName is how much of a name is written and believed, in bytes.
const mostName = 64

// signature is what the holder of a lock writes into its file: a line, so that what a
// longer one left behind does not matter.
func signature() []byte {
	name := filepath.Base(os.Args[0])
	return fmt.Appendf(nil, "%d %s\n", os.Getpid(), name[:min(len(name), mostName)])
}

// parseHolder believes little: the file can be written by everybody.
func parseHolder(cpu int, text string) Holder {
	line, _, whole := strings.Cut(text, "\n")
	digits, name, _ := strings.Cut(line, " ")
	pid, err := strconv.ParseInt(digits, 10, 32)
	if !whole || err != nil || pid <= 0 {
		return Holder{CPU: cpu}
	}
	name = strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, name[:min(len(name), mostName)])
	return Holder{cpu, int(pid), name}
}
