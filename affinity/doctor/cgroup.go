package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
	"github.com/tickring/tickring/internal/text"
)

const cgroupRoot = "sys/fs/cgroup"

// cgroup returns the directory of the process's cgroup for a controller, looking where
// cgroups are mounted by convention, and whether it is of version 2. It is "" if that is
// unknown. In a container the path may be the host's; then the nearest directory above
// that exists is taken, which is the container's own.
func (m *machine) cgroup(controller string) (dir string, v2 bool) {
	content, err := m.line("proc/self/cgroup")
	if err != nil {
		return "", false
	}
	mount, at := "", ""
	for line := range strings.Lines(content) {
		// hierarchy:controllers:path
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case slices.Contains(strings.Split(f[1], ","), controller):
			mount, at, v2 = path.Join(cgroupRoot, controller), f[2], false
		case mount == "" && f[0] == "0" && f[1] == "":
			mount, at, v2 = cgroupRoot, f[2], true
			// On hybrids it is only there for what version 1 has not taken.
			if m.has(cgroupRoot + "/unified/cgroup.procs") {
				mount = cgroupRoot + "/unified"
			}
		}
	}
	if mount == "" {
		return "", v2
	}
	for dir = path.Join(mount, path.Clean("/"+at)); ; dir = path.Dir(dir) {
		if m.has(dir + "/cgroup.procs") {
			return dir, v2
		}
		if dir == mount || !strings.HasPrefix(dir, mount) {
			return "", v2
		}
	}
}

func noCgroup() finding {
	return unknown("the cgroup of this process is unknown", "cat /proc/self/cgroup")
}

// upwards calls f for a cgroup and all above it.
func upwards(dir string, f func(dir string) error) error {
	for ; strings.HasPrefix(dir, cgroupRoot); dir = path.Dir(dir) {
		if err := f(dir); err != nil {
			return err
		}
	}
	return nil
}

// lookQuota takes the word of the topology for a limit, and its own for none.
func (m *machine) lookQuota() finding {
	if q := m.Topology.Quota; q > 0 {
		return bad("%.3g CPUs", q)
	}
	dir, v2 := m.cgroup("cpu")
	if dir == "" {
		return noCgroup()
	}
	if !v2 && !m.has(dir+"/cpu.cfs_quota_us") {
		return none("this kernel has no quotas")
	}
	err := upwards(dir, func(dir string) error {
		if v2 {
			return m.numbers(dir+"/cpu.max", 2)
		}
		return m.numbers(dir+"/cpu.cfs_quota_us", 1)
	})
	if err != nil {
		return m.unread(dir, err)
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
	dir, v2 := m.cgroup("cpu")
	if dir == "" {
		return noCgroup()
	}
	content, err := m.line(dir + "/cpu.stat")
	if err != nil {
		return m.without(dir+"/cpu.stat", err)
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
	if v2 {
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
	dir, v2 := m.cgroup("memory")
	if dir == "" {
		return noCgroup()
	}
	limits, usage := []string{"memory.limit_in_bytes"}, "memory.usage_in_bytes"
	if v2 {
		limits, usage = []string{"memory.max", "memory.high"}, "memory.current"
	} else if !m.has(dir + "/" + limits[0]) {
		return none("this kernel has no memory limits")
	}
	result := good("none")
	left := uint64(math.MaxUint64)
	err := upwards(dir, func(dir string) error {
		for _, file := range limits {
			limit, err := m.limit(dir + "/" + file)
			if err != nil {
				return err
			}
			if limit >= noLimit {
				continue
			}
			used, err := m.limit(dir + "/" + usage)
			if err != nil {
				return err
			}
			rest := limit - min(used, limit)
			if rest >= left {
				continue
			}
			left = rest
			value := fmt.Sprintf("%s of %s left (%s of /%s)", text.Bytes(rest), text.Bytes(limit), file, dir)
			switch {
			case rest < ringSize:
				result = bad("%s", value)
			case rest < enoughRoom, rest < limit/4:
				result = warn("%s", value)
			default:
				result = good("%s", value)
			}
		}
		return nil
	})
	if err != nil {
		return m.unread(dir, err)
	}
	return result
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
