package affinity

import (
	"bytes"
	"path"
	"slices"
	"strings"
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
	for line := range strings.Lines(string(w.cgroupText)) {
		v2, dir, ok := cpuCgroup(line)
		if !ok {
			continue
		}
		for _, mount := range cgroupMounts(v2) {
			w.openQuotas(mount, dir, v2)
		}
	}
}

// cpuCgroup returns the cgroup of a line of /proc/PID/cgroup, hierarchy:controllers:path,
// if its CPU time may be limited.
func cpuCgroup(line string) (v2 bool, dir string, ok bool) {
	f := strings.SplitN(strings.TrimSpace(line), ":", 3)
	if len(f) != 3 {
		return false, "", false
	}
	v2 = f[0] == "0" && f[1] == ""
	return v2, path.Clean("/" + f[2]), v2 || slices.Contains(strings.Split(f[1], ","), "cpu")
}

// cgroupMounts are where the hierarchy is mounted by convention.
func cgroupMounts(v2 bool) []string {
	if v2 {
		return []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}
	}
	return []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}
}

func (w *Witness) openQuotas(mount, dir string, v2 bool) {
	if !v2 && len(w.quotas) > 0 {
		return // the other name of the same hierarchy
	}
	for own := true; len(w.quotas) < mostQuotas; own, dir = false, path.Dir(dir) {
		at := path.Join(mount, dir)
		if own || w.hasQuota(at, v2) {
			f := quotaFile{openProc(w.root + at + "/cpu.stat"), v2}
			if _, ok := f.read(&w.buf); ok {
				w.quotas = append(w.quotas, f)
			} else {
				f.close()
			}
		}
		if dir == "/" {
			return
		}
	}
}

func (w *Witness) hasQuota(dir string, v2 bool) bool {
	if v2 {
		limit := w.slurp(dir + "/cpu.max")
		return len(limit) > 0 && !bytes.HasPrefix(limit, []byte("max"))
	}
	limit := w.slurp(dir + "/cpu.cfs_quota_us")
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
