package affinity

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// QuietConfig is how [Quiet] keeps the Go runtime quiet. The zero value will do for a
// program that allocates little once it runs.
type QuietConfig struct {
	// MemoryLimit is from how many bytes on the runtime collects after all. 0: what
	// GOMEMLIMIT says, and without it half of the memory that the machine has or
	// the cgroup grants. More than the process can have turns the collection that
	// would have saved it into an out-of-memory kill.
	MemoryLimit int64

	// Procs is GOMAXPROCS while quiet: the pinned goroutines and at least one more.
	// 0 leaves it as it is; see the package documentation.
	Procs int
}

// Quiet collects garbage a last time and then switches the collector off until the memory
// limit is near. Collections are the one thing the Go runtime does to a pinned thread
// for more than some µs: they stop the world twice, take CPUs, and make goroutines help.
//
// The hazards:
//   - Garbage stays. A program that allocates n bytes a second reaches the limit after
//     limit/n, and from there on collects again and again, at worst with half of
//     its CPU time: worse than if it had never been quiet. Measure the rate first.
//   - What the program frees by finalizers, cleanups and sync.Pool is freed late or never.
//   - The limit counts the runtime's own memory, not rings and other mapped files.
//   - The settings are the process's. Whatever else sets them meanwhile (SetGCPercent,
//     runtime.GC, a profile of the heap, a library) undoes the quiet.
//   - Goroutines are still preempted every 10 ms. GODEBUG=asyncpreemptoff=1, in the
//     environment, ends that for loops without calls, which then no collection can stop.
//
// restore puts everything back as it was, once; its owner decides when that is safe, as
// the first collection after it may be a long one. Calls nest in the reverse order. With
// an error, which wraps ErrMemoryLimit, nothing is changed.
func Quiet(c QuietConfig) (restore func(), err error) {
	limit := c.MemoryLimit
	if set := debug.SetMemoryLimit(-1); limit == 0 && set != math.MaxInt64 {
		limit = set
	}
	if limit == 0 {
		limit = reader{os.DirFS("/")}.memory() / 2
	}
	switch {
	case limit <= 0 && c.MemoryLimit == 0:
		return nil, fmt.Errorf("affinity: quiet: how much memory there is cannot be read: set QuietConfig.MemoryLimit: %w", ErrMemoryLimit)
	case limit <= 0:
		return nil, fmt.Errorf("affinity: quiet: a limit of %d bytes: %w", limit, ErrMemoryLimit)
	case c.Procs < 0:
		return nil, fmt.Errorf("affinity: quiet: QuietConfig.Procs is %d: it must not be negative", c.Procs)
	}
	runtime.GC()
	if used := memoryInUse(); used >= limit {
		return nil, fmt.Errorf("affinity: quiet: %d bytes are in use after a collection, and the limit is %d: the collector would never rest: %w", used, limit, ErrMemoryLimit)
	}
	percent, before := debug.SetGCPercent(-1), debug.SetMemoryLimit(limit)
	procs := 0
	if c.Procs > 0 {
		procs = runtime.GOMAXPROCS(c.Procs)
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			debug.SetGCPercent(percent)
			debug.SetMemoryLimit(before)
			if procs > 0 {
				runtime.GOMAXPROCS(procs)
			}
		})
	}, nil
}

// memoryInUse is what the memory limit counts.
func memoryInUse() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 || s[1].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}
