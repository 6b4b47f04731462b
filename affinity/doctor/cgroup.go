package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
	"github.com/tickring/tickring/internal/text"
)

// cgroup returns the process's cgroup for a controller. In a container its path may be the
// host's; then it is the nearest group above that exists, which is the container's own.
func (m *machine) cgroup(controller string) (g procfs.Cgroup, ok bool) {
	content, err := m.line("proc/self/cgroup")
	if err != nil {
		return g, false
	}
	groups := procfs.Cgroups(content, controller)
	if len(groups) > 0 && !groups[0].V2 {
		groups = groups[:1] // version 2 is there for what version 1 has not taken
	}
	for _, own := range slices.Backward(groups) {
		for _, g := range own.Up() {
			if m.has(g.Dir + "/cgroup.procs") {
				return g, true
			}
		}
	}
	return g, false
}

func noCgroup() finding {
	return unknown("the cgroup of this process is unknown", "cat /proc/self/cgroup")
}

// lookQuota takes the word of the topology for a limit, and its own for none.
func (m *machine) lookQuota() finding {
	if q := m.Topology.Quota; q > 0 {
		return bad("%.3g CPUs", q)
	}
	own, ok := m.cgroup("cpu")
	if !ok {
		return noCgroup()
	}
	if !own.V2 && !m.has(own.Dir+"/cpu.cfs_quota_us") {
		return none("this kernel has no quotas")
	}
	for _, g := range own.Up() {
		file, numbers := g.Dir+"/cpu.cfs_quota_us", 1
		if g.V2 {
			file, numbers = g.Dir+"/cpu.max", 2
		}
		if err := m.numbers(file, numbers); err != nil {
			return m.unread(file, err)
		}
	}
	return good("none")
}

// numbers says what is wrong with a file that should have so many numbers, of which any
// may be "max". It may be missing.
func (m *machine) numbers(name string, count int) error {
	content, err := m.line(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	words := strings.Fields(content)
	for _, w := range words {
		if _, bad := strconv.ParseInt(w, 10, 64); bad != nil && w != "max" {
			words = nil
		}
	}
	if err == nil && len(words) != count {
		err = fmt.Errorf("/%s: %s: %w", name, procfs.Excerpt(content), procfs.ErrFormat)
	}
	return err
}

// lookThrottled reads what quotas have cost already.
func (m *machine) lookThrottled() finding {
	own, ok := m.cgroup("cpu")
	if !ok {
		return noCgroup()
	}
	file := own.Dir + "/cpu.stat"
	content, err := m.line(file)
	if err != nil {
		return m.without(file, err)
	}
	values := parsePairs(content)
	times, there := values["nr_throttled"]
	if !there {
		return none("this cgroup counts none")
	}
	if times == 0 {
		return good("never")
	}
	ns := values["throttled_time"]
	if own.V2 {
		ns = values["throttled_usec"] * 1000
	}
	return bad("%s, for %s", text.CountOf(times, "time", "times"), text.Ns(int64(min(ns, math.MaxInt64))))
}

// parsePairs reads lines of a name and a number; others it passes over.
func parsePairs(content string) map[string]uint64 {
	pairs := map[string]uint64{}
	for line := range strings.Lines(content) {
		if f := strings.Fields(line); len(f) == 2 {
			if n, err := strconv.ParseUint(f[1], 10, 64); err == nil {
				pairs[f[0]] = n
			}
		}
	}
	return pairs
}

// noLimit and above are what version 1 says for none.
const noLimit = 1 << 62

// lookMemoryLimit looks for the cgroup that has least left.
func (m *machine) lookMemoryLimit() finding {
	own, ok := m.cgroup("memory")
	if !ok {
		return noCgroup()
	}
	limits, usage := []string{"memory.limit_in_bytes"}, "memory.usage_in_bytes"
	if own.V2 {
		limits, usage = []string{"memory.max", "memory.high"}, "memory.current"
	} else if !m.has(own.Dir + "/" + limits[0]) {
		return none("this kernel has no memory limits")
	}
	tightest := good("none")
	left := uint64(math.MaxUint64)
	for _, g := range own.Up() {
		for _, file := range limits {
			limit, err := m.limit(g.Dir + "/" + file)
			if err != nil {
				return m.unread(g.Dir+"/"+file, err)
			}
			if limit >= noLimit {
				continue
			}
			used, err := m.limit(g.Dir + "/" + usage)
			if err != nil {
				return m.unread(g.Dir+"/"+usage, err)
			}
			if rest := limit - min(used, limit); rest < left {
				left = rest
				tightest = judgeRoom(rest, limit, fmt.Sprintf("%s of /%s", file, g.Dir))
			}
		}
	}
	return tightest
}

// judgeRoom says whether what is left of a limit is enough for rings.
func judgeRoom(left, limit uint64, of string) finding {
	value := fmt.Sprintf("%s of %s left (%s)", text.Bytes(left), text.Bytes(limit), of)
	switch {
	case left < ringSize:
		return bad("%s", value)
	case left < enoughRoom, left < limit/4:
		return warn("%s", value)
	}
	return good("%s", value)
}

// limit reads a number of bytes, or "max". A cgroup without the file limits nothing.
func (m *machine) limit(name string) (uint64, error) {
	content, err := m.line(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && content == "max":
		return math.MaxUint64, nil
	case err != nil:
		return 0, err
	}
	n, err := strconv.ParseUint(content, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("/%s: %s: %w", name, procfs.Excerpt(content), procfs.ErrFormat)
	}
	return n, nil
}
