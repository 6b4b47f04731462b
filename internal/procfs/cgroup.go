package procfs

import (
	"path"
	"slices"
	"strings"
)

// Cgroup is a control group. Dir is below the root of the file system: "sys/fs/cgroup/...".
type Cgroup struct {
	Dir   string
	V2    bool
	mount string // a prefix of Dir
}

// Cgroups returns those that /proc/PID/cgroup names for a controller, where they are
// mounted by convention: not all of them have to exist. If the controller has a hierarchy of
// version 1, that group is first.
func Cgroups(text, controller string) []Cgroup {
	var list []Cgroup
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy:controllers:path
		if len(f) != 3 {
			continue
		}
		group := func(v2 bool, mount string) Cgroup {
			return Cgroup{Dir: path.Join(mount, path.Clean("/"+f[2])), V2: v2, mount: mount}
		}
		switch {
		case f[0] == "0" && f[1] == "":
			list = append(list, group(true, "sys/fs/cgroup"), group(true, "sys/fs/cgroup/unified"))
		case slices.Contains(strings.Split(f[1], ","), controller):
			list = slices.Insert(list, 0, group(false, "sys/fs/cgroup/"+controller))
		}
	}
	return list
}

// Up returns the group and those above it, the root of the hierarchy at last.
func (g Cgroup) Up() []Cgroup {
	list := []Cgroup{g}
	for g.Dir != g.mount {
		g.Dir = path.Dir(g.Dir)
		list = append(list, g)
	}
	return list
}
