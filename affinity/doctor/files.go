package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
)

// fileRows are about who may do what to the files of rings.
func fileRows() []row {
	return []row{
		{
			name: "RemoveIPC", want: "no, or a system user",
			why:  "When the last session of an ordinary user ends, logind removes the files of that user in /dev/shm, and rings are such files.",
			mend: "RemoveIPC=no below [Login] in /etc/systemd/logind.conf.d/tickring.conf, then systemctl restart systemd-logind; or run as a system user",
			look: (*machine).lookRemoveIPC,
		},
		{
			name: "protected_symlinks", want: "1",
			why:  "In a directory where everybody may write, such as /dev/shm, anybody could lay a link in the way of others.",
			mend: "sysctl fs.protected_symlinks=1",
			look: func(m *machine) finding { return m.lookProtected("proc/sys/fs/protected_symlinks") },
		},
		{
			name: "protected_regular", want: "1 or 2",
			why:  "In such a directory, a program that means to make a file could be given one that somebody else owns and reads.",
			mend: "sysctl fs.protected_regular=2",
			look: func(m *machine) finding { return m.lookProtected("proc/sys/fs/protected_regular") },
		},
	}
}

func (m *machine) lookProtected(name string) finding {
	return m.setting(name, func(n int64) finding {
		if n == 0 {
			return warn("0")
		}
		return good("%d", n)
	})
}

// firstUser is the lowest number of an ordinary user in most distributions. logind takes
// that from the time it was built.
const firstUser = 1000

func (m *machine) lookRemoveIPC() finding {
	running, err := m.runs("systemd-logind")
	switch {
	case errors.Is(err, errNoProcess):
		return unknown(err.Error(), "pgrep systemd-logind, where /proc is mounted")
	case err != nil:
		return m.unread("proc", err)
	case !running && !m.showsAll():
		return unknown("not seen from here, where the processes of the host are hidden", "pgrep systemd-logind, on the host")
	case !running:
		return none("systemd-logind does not run")
	}
	value, from, builtin, err := m.logindSetting("RemoveIPC")
	if err != nil {
		return unknown(err.Error(), "systemd-analyze cat-config systemd/logind.conf")
	}
	remove := true // what systemd does if it is not told
	switch strings.ToLower(value) {
	case "":
		// RHEL builds logind with another default than its authors have.
		if builtin != "" && builtin != "yes" {
			return unknown(fmt.Sprintf("not set, and %s may be the default of this distribution, as a comment in its logind.conf says", procfs.Excerpt(builtin)),
				"busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager RemoveIPC")
		}
		from = "not set, which is yes"
	case "1", "yes", "y", "true", "t", "on":
	case "0", "no", "n", "false", "f", "off":
		remove = false
	default:
		return unknown(fmt.Sprintf("%s in %s", procfs.Excerpt(value), from), "systemd-analyze cat-config systemd/logind.conf")
	}
	if value != "" {
		from = value + " in " + from
	}
	switch {
	case !remove:
		return good("%s", from)
	case m.UID < 0:
		return unknown(from+"; the user is unknown", "id -u")
	case m.UID < firstUser:
		return good("%s, but not for user %d", from, m.UID)
	}
	return bad("%s", from)
}

// showsAll says whether /proc shows all processes of the machine. Process 2 is the kernel's
// kthreadd there, and not in a container, nor to an ordinary user under hidepid.
func (m *machine) showsAll() bool {
	comm, err := m.line("proc/2/comm")
	return err == nil && comm == "kthreadd"
}

// logindSetting returns a setting of [Login] and the file that has it. Of main files the
// first counts, and drop-ins change it in the order of their names, whatever directory
// they are in; of two with one name, that of the first directory counts. builtin is what the
// main file has in a comment, where distributions tell the defaults that they have built in.
func (m *machine) logindSetting(key string) (value, from, builtin string, err error) {
	dirs := []string{"etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"}
	files := []string{}
	for _, d := range dirs {
		if m.has(d + "/logind.conf") {
			files = append(files, d+"/logind.conf")
			break
		}
	}
	dropIns := map[string]string{}
	for _, d := range slices.Backward(dirs) {
		entries, _ := fs.ReadDir(m.Files, d+"/logind.conf.d") // most do not exist
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".conf") {
				dropIns[e.Name()] = path.Join(d, "logind.conf.d", e.Name())
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dropIns)) {
		files = append(files, dropIns[name])
	}
	for _, f := range files {
		content, err := m.line(f)
		if err != nil {
			return "", "", "", err
		}
		if path.Base(f) == "logind.conf" {
			builtin, _ = iniValue(strings.ReplaceAll(content, "\n#"+key, "\n"+key), "Login", key)
		}
		if v, there := iniValue(content, "Login", key); there {
			value, from = v, "/"+f
		}
	}
	return value, from, builtin, nil
}

// iniValue returns the last value of a key in a section of a file of systemd's.
func iniValue(content, section, key string) (value string, there bool) {
	in := false
	for line := range strings.Lines(content) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			in = line == "["+section+"]"
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if in && ok && strings.TrimSpace(k) == key {
			value, there = strings.TrimSpace(v), true
		}
	}
	return value, there
}
