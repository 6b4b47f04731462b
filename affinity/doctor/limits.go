package doctor

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
	"github.com/tickring/tickring/internal/text"
)

// limitRows are about what the process may have.
func limitRows() []row {
	return []row{
		{
			name: "CPU quota", want: "none",
			why:  "When the cgroup has used up its share of CPU time, all its threads stand still until the next period, for tens of milliseconds.",
			mend: "take away CPUQuota= of the service, or the CPU limit of the container, and give it CPUs of its own instead (AllowedCPUs=, --cpuset-cpus)",
			look: (*machine).lookQuota,
		},
		{
			name: "throttled", want: "never",
			why:  "So often all threads of this cgroup have stood still for its CPU quota already.",
			mend: "take away the CPU quota",
			look: (*machine).lookThrottled,
		},
		{
			name: "memlock", want: "unlimited, or more than all rings together",
			why:  "What is locked in memory is never swapped out; more than this limit cannot be.",
			mend: "LimitMEMLOCK=infinity for the service, or memlock in /etc/security/limits.conf",
			look: func(m *machine) finding {
				return m.lookLimit("Max locked memory", func(n uint64) finding {
					switch {
					case m.capable(capIPCLock):
						return good("%s; CAP_IPC_LOCK is not bound by it", text.Bytes(n))
					case n < enoughRoom:
						return warn("%s", text.Bytes(n))
					}
					return good("%s", text.Bytes(n))
				})
			},
		},
		{
			name: "rtprio", want: "1 or more",
			why:  "Without it only root can give a thread a realtime priority (chrt -f), which keeps ordinary tasks off a CPU that is not isolated.",
			mend: "LimitRTPRIO=99 for the service, or rtprio in /etc/security/limits.conf",
			look: func(m *machine) finding {
				return m.lookLimit("Max realtime priority", func(n uint64) finding {
					switch {
					case m.capable(capSysNice):
						return good("%d; CAP_SYS_NICE is not bound by it", n)
					case n == 0:
						return warn("0")
					}
					return good("%d", n)
				})
			},
		},
		{
			name: "nofile", want: "4096 or more",
			why:  "Rings and the files of subscribers are held open while they are used; who watches all of a machine holds many.",
			mend: "LimitNOFILE=65536 for the service, or nofile in /etc/security/limits.conf",
			look: func(m *machine) finding {
				return m.lookLimit("Max open files", func(n uint64) finding {
					switch {
					case n < 1024:
						return bad("%d", n)
					case n < 4096:
						return warn("%d", n)
					}
					return good("%d", n)
				})
			},
		},
	}
}

// lookLimit judges a soft limit of the process; unlimited is good.
func (m *machine) lookLimit(name string, judge func(n uint64) finding) finding {
	const file = "proc/self/limits"
	content, err := m.line(file)
	if err != nil {
		return m.unread(file, err)
	}
	n, err := parseLimit(content, name)
	switch {
	case err != nil:
		return m.unread(file, err)
	case n == math.MaxUint64:
		return good("unlimited")
	}
	return judge(n)
}

// Capabilities, by their number.
const (
	capIPCLock = 14
	capSysNice = 23
)

// capable says whether the process is known to have a capability that counts on the whole
// machine. Root of a container often has not, and root of a user namespace never.
func (m *machine) capable(capability uint) bool {
	ids, err := m.line("proc/self/uid_map")
	if f := strings.Fields(ids); err != nil || len(f) != 3 || f[0] != "0" || f[1] != "0" || f[2] != "4294967295" {
		return false
	}
	status, err := m.line("proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(status) {
		if mask, ok := strings.CutPrefix(line, "CapEff:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err == nil && n>>capability&1 == 1
		}
	}
	return false
}

// parseLimit returns a soft limit of /proc/self/limits; unlimited is the largest number.
// The lines have the name, the soft and the hard limit, and a unit.
func parseLimit(content, name string) (uint64, error) {
	for line := range strings.Lines(content) {
		rest, ok := strings.CutPrefix(line, name+" ")
		if !ok {
			continue
		}
		f := strings.Fields(rest)
		if len(f) < 2 {
			return 0, fmt.Errorf("/proc/self/limits: %s: %w", procfs.Excerpt(line), procfs.ErrFormat)
		}
		if f[0] == "unlimited" {
			return math.MaxUint64, nil
		}
		n, err := strconv.ParseUint(f[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/self/limits: %s: %w", procfs.Excerpt(line), procfs.ErrFormat)
		}
		return n, nil
	}
	return 0, fmt.Errorf("/proc/self/limits has no %q: %w", name, procfs.ErrFormat)
}
