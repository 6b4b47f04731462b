package affinity

import (
	"path"
	"slices"
	"strings"
)

// cgroup is one that a process is in, as a directory below the root of the file system.
type cgroup struct {
	dir, mount string // mount is a prefix of dir
	v2         bool
}

// cgroupsOf returns those that /proc/PID/cgroup names for a controller, where they are
// mounted by convention: not all of them have to exist.
func cgroupsOf(text, controller string) []cgroup {
	var list []cgroup
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy:controllers:path
		if len(f) != 3 {
			continue
		}
		at := func(v2 bool, mounts ...string) {
			for _, m := range mounts {
				list = append(list, cgroup{path.Join(m, path.Clean("/"+f[2])), m, v2})
			}
		}
		switch {
		case f[0] == "0" && f[1] == "":
			at(true, "sys/fs/cgroup", "sys/fs/cgroup/unified")
		case slices.Contains(strings.Split(f[1], ","), controller):
			at(false, "sys/fs/cgroup/"+controller)
		}
	}
	return list
}

// up returns the group and those above it, the root of the hierarchy at last.
func (g cgroup) up() []cgroup {
	list := []cgroup{g}
	for g.dir != g.mount {
		g.dir = path.Dir(g.dir)
		list = append(list, g)
	}
	return list
}
