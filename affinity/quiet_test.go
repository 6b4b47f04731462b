package affinity

import (
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

var sink []byte

func TestQuiet(t *testing.T) {
	percent := debug.SetGCPercent(100)
	defer debug.SetGCPercent(percent)
	procs, limit := runtime.GOMAXPROCS(0), debug.SetMemoryLimit(-1)
	restore, err := Quiet(QuietConfig{MemoryLimit: 4 << 30, Procs: procs + 1})
	if err != nil {
		t.Fatal(err)
	}
	if limit := debug.SetMemoryLimit(-1); limit != 4<<30 || runtime.GOMAXPROCS(0) != procs+1 {
		t.Errorf("limit %d, GOMAXPROCS %d", limit, runtime.GOMAXPROCS(0))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 64 { // several times the heap, which would be collected
		sink = make([]byte, 1<<20)
	}
	runtime.ReadMemStats(&after)
	if after.NumGC != before.NumGC {
		t.Errorf("%d collections while it was quiet", after.NumGC-before.NumGC)
	}
	restore()
	debug.SetGCPercent(77)
	restore() // nothing more
	if now := debug.SetGCPercent(100); now != 77 || debug.SetMemoryLimit(-1) != limit || runtime.GOMAXPROCS(0) != procs {
		t.Errorf("restored twice: GOGC %d, limit %d, GOMAXPROCS %d", now, debug.SetMemoryLimit(-1), runtime.GOMAXPROCS(0))
	}
}

func TestQuietLimits(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64)) // whatever GOMEMLIMIT says
	if runtime.GOOS == "linux" {
		restore, err := Quiet(QuietConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if limit := debug.SetMemoryLimit(-1); limit >= math.MaxInt64/2 {
			t.Errorf("no net: %d", limit)
		}
		// Of one that was set, and that another one set.
		inner, err := Quiet(QuietConfig{MemoryLimit: 3 << 30})
		if err != nil {
			t.Fatal(err)
		}
		inner()
		restore()
	}
	for _, c := range []QuietConfig{{MemoryLimit: 1000}, {MemoryLimit: -1}} {
		if _, err := Quiet(c); !errors.Is(err, ErrMemoryLimit) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := Quiet(QuietConfig{MemoryLimit: 1 << 30, Procs: -1}); err == nil {
		t.Error("a negative GOMAXPROCS")
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		t.Errorf("left behind: a limit of %d", limit)
	}
}

func TestMemory(t *testing.T) {
	for _, c := range []struct {
		name  string
		files tree
		want  int64
	}{
		{"machine", tree{"proc/meminfo": "MemTotal:  2048 kB\nMemFree: 1 kB"}, 2 << 20},
		{"version 2, limit above", tree{"proc/meminfo": "MemTotal: 2048 kB", "proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/memory.max": "4096", "sys/fs/cgroup/a/b/memory.max": "max"}, 4096},
		{"version 1", tree{"proc/meminfo": "MemTotal: 2048 kB", "proc/self/cgroup": "4:memory:/a", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "8192",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, 8192},
		{"nothing", tree{"proc/meminfo": "MemTotal: x kB"}, 0},
		{"too much", tree{"proc/meminfo": "MemTotal: 9223372036854775807 kB"}, 0},
	} {
		if got := (reader{c.files.fs()}).memory(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
