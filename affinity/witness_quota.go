package affinity

import (
	"bytes"
	"time"

	"github.com/tickring/tickring/internal/procfs"
)

// quotaFile is the cpu.stat of a cgroup, and its quota.
type quotaFile struct {
	procFile
	limit   procFile
	v2      bool
	own     bool // the thread's own cgroup, not one above
	counted bool
}

// mostQuotas is how many cgroups above each other are looked at.
const mostQuotas = 8

// looksPerLimit is after how many looks the witness asks again which cgroups above the
// thread's have a quota.
const looksPerLimit = 16

// lookAtGroup finds out whether the thread is in another cgroup than it was, and looks at
// that one from then on.
func (w *Witness) lookAtGroup() {
	switch now := w.cgroup.read(&w.buf, false); {
	case now == nil:
	case !bytes.Equal(now, w.cgroupText):
		w.cgroupText = append(w.cgroupText[:0], now...)
		w.leaveGroup()
		w.group++
		w.findQuotas()
		if !w.own {
			w.findFreezers()
		}
	case w.looks%looksPerLimit == 0:
		w.findLimits()
	}
}

func (w *Witness) leaveGroup() {
	for i := range w.quotas {
		w.quotas[i].close()
		w.quotas[i].limit.close()
	}
	for i := range w.freezers {
		w.freezers[i].close()
	}
	w.quotas, w.freezers = w.quotas[:0], w.freezers[:0]
}

// findQuotas opens the cpu.stat of the thread's cgroup, and of those above it: each counts
// its own throttling only.
func (w *Witness) findQuotas() {
	for _, own := range procfs.Cgroups(string(w.cgroupText), "cpu") {
		for i, g := range own.Up() {
			if len(w.quotas) < mostQuotas {
				w.openQuota(g, i == 0)
			}
		}
	}
	w.findLimits()
}

func (w *Witness) openQuota(g procfs.Cgroup, own bool) {
	dir := w.root + "/" + g.Dir
	f := quotaFile{procFile: openProc(dir + "/cpu.stat"), v2: g.V2, own: own}
	if _, ok := f.read(&w.buf); !ok {
		f.close()
		return
	}
	if g.V2 {
		f.limit = openProc(dir + "/cpu.max")
	} else {
		f.limit = openProc(dir + "/cpu.cfs_quota_us")
	}
	w.quotas = append(w.quotas, f)
}

// findLimits leaves those out that have no quota: to read a cpu.stat makes the kernel add up.
func (w *Witness) findLimits() {
	for i := range w.quotas {
		f := &w.quotas[i]
		if counted := f.own || f.limited(&w.buf); counted != f.counted {
			f.counted = counted
			w.group++
		}
	}
}

func (f *quotaFile) limited(buf *[]byte) bool {
	limit := f.limit.read(buf, false)
	return len(limit) > 0 && limit[0] != '-' && !bytes.HasPrefix(limit, []byte("max"))
}

// throttling is how often, and for how many ns, there was no quota left.
type throttling struct{ times, ns uint64 }

func (f *quotaFile) read(buf *[]byte) (t throttling, ok bool) {
	text := f.procFile.read(buf, false)
	times, ok1 := labelled(text, "nr_throttled ")
	if f.v2 {
		us, ok2 := labelled(text, "throttled_usec ")
		return throttling{times, us * 1000}, ok1 && ok2
	}
	ns, ok2 := labelled(text, "throttled_time ")
	return throttling{times, ns}, ok1 && ok2
}

func (w *Witness) lookAtQuotas(a *Activity) {
	a.group = w.group
	if len(w.quotas) == 0 {
		return
	}
	for i := range w.quotas {
		if !w.quotas[i].counted {
			continue
		}
		t, ok := w.quotas[i].read(&w.buf)
		if !ok {
			a.Throttles, a.Throttled = 0, 0
			return
		}
		a.Throttles += t.times
		a.Throttled += time.Duration(t.ns)
	}
	a.Known |= KnowThrottle
}
