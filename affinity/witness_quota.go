package affinity

import (
	"bytes"
	"time"
)

// quotaFile is the cpu.stat of a cgroup.
type quotaFile struct {
	procFile
	v2 bool
}

// mostQuotas is how many cgroups above each other are looked at.
const mostQuotas = 8

// findQuotas opens the cpu.stat of the process's cgroup, and of those above it that have
// a quota: each counts its own throttling only.
func (w *Witness) findQuotas() {
	w.cgroupText = append(w.cgroupText[:0], w.cgroup.read(&w.buf, false)...)
	for _, own := range cgroupsOf(string(w.cgroupText), "cpu") {
		for i, g := range own.up() {
			if len(w.quotas) < mostQuotas && (i == 0 || w.hasQuota(g)) {
				w.openQuota(g)
			}
		}
	}
}

func (w *Witness) openQuota(g cgroup) {
	f := quotaFile{openProc(w.root + "/" + g.dir + "/cpu.stat"), g.v2}
	if _, ok := f.read(&w.buf); !ok {
		f.close()
		return
	}
	w.quotas = append(w.quotas, f)
}

func (w *Witness) hasQuota(g cgroup) bool {
	if g.v2 {
		limit := w.slurp("/" + g.dir + "/cpu.max")
		return len(limit) > 0 && !bytes.HasPrefix(limit, []byte("max"))
	}
	limit := w.slurp("/" + g.dir + "/cpu.cfs_quota_us")
	return len(limit) > 0 && limit[0] != '-'
}

// throttling is how often, and for how many ns, there was no quota left.
type throttling struct{ times, ns uint64 }

func (t throttling) plus(o throttling) throttling  { return throttling{t.times + o.times, t.ns + o.ns} }
func (t throttling) minus(o throttling) throttling { return throttling{t.times - o.times, t.ns - o.ns} }

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

func (w *Witness) closeQuotas() {
	for i := range w.quotas {
		w.quotas[i].close()
	}
	w.quotas = w.quotas[:0]
}

// looksPerCgroup is after how many looks the witness asks again which cgroup the
// process is in.
const looksPerCgroup = 16

func (w *Witness) lookAtQuotas(a *Activity) {
	moved := w.looks%looksPerCgroup == looksPerCgroup-1 && w.movedCgroup()
	if len(w.quotas) == 0 {
		return
	}
	var now throttling
	for i := range w.quotas {
		t, ok := w.quotas[i].read(&w.buf)
		if !ok {
			return
		}
		now = now.plus(t)
	}
	if moved { // count on from where the other cgroup ended
		w.elsewhere = w.counted.minus(now)
	}
	w.counted = w.elsewhere.plus(now)
	a.Known |= KnowThrottle
	a.Throttles, a.Throttled = w.counted.times, time.Duration(w.counted.ns)
}

// movedCgroup tells whether the process is in another cgroup than it was, and looks at
// that one from then on.
func (w *Witness) movedCgroup() bool {
	now := w.cgroup.read(&w.buf, false)
	if now == nil || bytes.Equal(now, w.cgroupText) {
		return false
	}
	w.closeQuotas()
	w.findQuotas()
	return true
}
