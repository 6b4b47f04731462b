package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/ring"
)

var (
	// ErrCPU: a CPU was asked for that this machine has not, or that this process may
	// not use, or there are fewer than the benchmark needs.
	ErrCPU = errors.New("CPUs for the benchmark")
	// ErrConfig: a setting makes no sense.
	ErrConfig = errors.New("invalid setting")
	// ErrTooSmall: the ring is too small for what is to be measured.
	ErrTooSmall = errors.New("ring too small")
	// ErrChild: the other process ended, or said what it cannot do.
	ErrChild = errors.New("the benchmark's other process failed")
)

// Setup is what all benchmarks have in common. The zero value is the right one.
type Setup struct {
	// CPUs to pin to, the publisher's first. Empty: two that suit each other, as
	// affinity.Topology.Pick chooses them.
	CPUs []int

	// Dir is where the rings are made, in a directory of their own that Close removes.
	// It should be in memory. Empty: /dev/shm.
	Dir string

	// Capacity of the rings in bytes. 0: what [ring.Config] says.
	Capacity uint64

	// Command starts the other process; its program has to call [Child]. Empty: this
	// program with the arguments "bench" and "child".
	Command []string

	// Progress is told what goes on: done of total steps. It may be nil.
	Progress func(what string, done, total int)
}

// Session is where benchmarks run, one after another. Its methods are for one goroutine.
type Session struct {
	setup    Setup
	topology *affinity.Topology
	dir      string
	clock    tick.Clock
	scale    tick.Scale
	load     float64 // average when the session began
	before   cpuTime // when the last run began
}

// Open checks the setup and makes a directory for rings.
//
// Errors: [ErrCPU], [ErrConfig], and those of the file system.
func Open(setup Setup) (*Session, error) {
	s := &Session{setup: setup, clock: tick.New(), load: loadAverage()}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return s, nil
}

func (s *Session) open() (err error) {
	if s.topology, err = affinity.Read(); err != nil {
		return err
	}
	if len(s.setup.CPUs) == 0 {
		if s.setup.CPUs, err = s.pick(); err != nil {
			return err
		}
	}
	if err := s.checkCPUs(); err != nil {
		return err
	}
	if err := checkCapacity(s.setup.Capacity); err != nil {
		return err
	}
	if len(s.setup.Command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		s.setup.Command = []string{self, "bench", "child"}
	}
	if s.setup.Dir == "" {
		s.setup.Dir = filepath.Dir(ring.DefaultDir())
	}
	// One slot for the thread that spins, one for everything else.
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	s.scale = s.clock.Calibrate(calibrateFor)
	if s.dir, err = os.MkdirTemp(s.setup.Dir, "tickring-bench-"); err != nil {
		return fmt.Errorf("a directory for the rings in %s: %w", s.setup.Dir, err)
	}
	return nil
}

// Close removes the rings.
func (s *Session) Close() error { return os.RemoveAll(s.dir) }

// CPUs returns the CPUs used, the publisher's first.
func (s *Session) CPUs() []int { return slices.Clone(s.setup.CPUs) }

// pick chooses two CPUs, by preference of two cores below one L3 cache.
func (s *Session) pick() ([]int, error) {
	for _, p := range []affinity.Policy{{}, {AnyL3: true}, {AnyL3: true, SMT: true}} {
		if cpus, err := s.topology.Pick(2, p); err == nil {
			slices.Sort(cpus)
			return cpus, nil
		}
	}
	return nil, fmt.Errorf("%w: two are needed and this process may use %v; two threads that spin on one would wait for the scheduler, not for each other", ErrCPU, s.topology.Allowed)
}

func (s *Session) checkCPUs() error {
	cpus := s.setup.CPUs
	if len(cpus) < 2 {
		return fmt.Errorf("%w: %d given, and at least two are needed", ErrCPU, len(cpus))
	}
	for i, id := range cpus {
		switch c, ok := s.topology.CPU(id); {
		case !ok:
			return fmt.Errorf("%w: there is no CPU %d on this machine, which has %v", ErrCPU, id, s.topology.Online)
		case !c.Online:
			return fmt.Errorf("%w: CPU %d is switched off; online are %v", ErrCPU, id, s.topology.Online)
		case !s.topology.Permitted.Has(id):
			return fmt.Errorf("%w: CPU %d is not allowed to this process, which may use %v", ErrCPU, id, s.topology.Permitted)
		case slices.Contains(cpus[:i], id):
			return fmt.Errorf("%w: CPU %d is given twice; each thread needs one of its own", ErrCPU, id)
		}
	}
	return nil
}

func (s *Session) progress(what string, done, total int) {
	if s.setup.Progress != nil {
		s.setup.Progress(what, done, total)
	}
}
