package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
	"github.com/tickring/tickring/internal/text"
)

// memoryRows are about memory, rings' memory first.
func memoryRows() []row {
	return []row{
		{
			name: "room for rings", want: "256 MiB or more, on a tmpfs",
			why:  "A ring takes 64 MiB unless told otherwise, all of it when it is made; on a disk it would be written back.",
			mend: "mount -o remount,size=8G /dev/shm; in a container --shm-size, or medium: Memory for a volume of Kubernetes",
			look: (*machine).lookShm,
		},
		{
			name: "memory limit", want: "none, or 256 MiB and a quarter of it left",
			why:  "Rings count against the memory limit of the cgroup of whoever makes them, and near the limit the kernel makes everybody in it wait or kills.",
			mend: "raise MemoryMax= and MemoryHigh= of the service, or the memory limit of the container",
			look: (*machine).lookMemoryLimit,
		},
		{
			name: "swap", want: "none",
			why:  "Rings and heaps that were swapped out come back by page faults that take milliseconds.",
			mend: "swapoff -a, and take swap out of /etc/fstab",
			look: (*machine).lookSwap,
		},
		{
			name: "huge pages for rings", want: "not denied",
			why:  "Large rings in huge pages take less of the TLB and are mapped sooner by a standby; a program asks for them (Config.HugePages), or the mount does (huge=within_size).",
			mend: "echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled",
			look: (*machine).lookShmHuge,
		},
		{
			name: "huge pages free", want: "64 or more without compaction",
			why:  "Where no whole pages of 2 MiB are free, asking for one makes the kernel move memory about while the program waits.",
			mend: "echo 1 > /proc/sys/vm/compact_memory, before trading and not during it",
			look: (*machine).lookFreeHuge,
		},
		{
			name: "THP", want: "madvise or never",
			why:  "With always, the kernel collapses the pages of any program at any time, and the threads that use them wait.",
			mend: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, or boot with transparent_hugepage=madvise",
			look: func(m *machine) finding { return m.lookTHP("enabled", "madvise", "never") },
		},
		{
			name: "THP defrag", want: "madvise, defer or never",
			why:  "With always, a page fault may have to wait until the kernel has moved enough memory about for a huge page.",
			mend: "echo madvise > /sys/kernel/mm/transparent_hugepage/defrag",
			look: func(m *machine) finding { return m.lookTHP("defrag", "madvise", "defer", "defer+madvise", "never") },
		},
		{
			name: "NUMA balancing", want: "0",
			why:  "To learn who uses which memory the kernel unmaps it again and again, and the next access is a page fault.",
			mend: "sysctl kernel.numa_balancing=0",
			look: (*machine).lookBalancing,
		},
		{
			name: "KSM", want: "not running",
			why:  "Merging pages takes CPU time and caches, and a write to a merged page is a fault.",
			mend: "echo 2 > /sys/kernel/mm/ksm/run",
			look: func(m *machine) finding {
				return m.setting("sys/kernel/mm/ksm/run", func(n int64) finding {
					if n == 1 {
						return warn("running")
					}
					return good("not running")
				})
			},
		},
	}
}

const (
	ringSize   = 64 << 20 // of a ring that nobody gave a size
	enoughRoom = 256 << 20
)

func (m *machine) lookShm() finding {
	s := m.Shm
	if s == nil {
		return unknown("cannot be read", "df /dev/shm")
	}
	value := fmt.Sprintf("%s free of %s in %s", text.Bytes(s.Free), text.Bytes(s.Size), s.Path)
	larger := "" // as in the row
	if !strings.HasPrefix(s.Path+"/", "/dev/shm/") {
		larger = "mount -o remount,size=8G $(findmnt -no TARGET -T " + s.Path + ")"
	}
	switch {
	case !s.Tmpfs:
		return finding{verdict: Bad, value: value + ", which is no tmpfs", mend: "put the rings below /dev/shm (--dir, TICKRING_DIR)"}
	case s.Size == 0:
		return good("as much as there is memory, in %s", s.Path) // mounted with size=0
	case s.Free < ringSize:
		return finding{verdict: Bad, value: value, mend: larger}
	case s.Free < enoughRoom:
		return finding{verdict: Warn, value: value, mend: larger}
	}
	return good("%s", value)
}

func (m *machine) lookSwap() finding {
	const name = "proc/swaps"
	content, err := m.line(name)
	if err != nil {
		return m.without(name, err)
	}
	size, used, err := parseSwaps(content)
	switch {
	case err != nil:
		return m.unread(name, err)
	case size == 0:
		return good("none")
	}
	value := fmt.Sprintf("%s, %s of it used", text.Bytes(size), text.Bytes(used))
	if used > 0 {
		return bad("%s", value)
	}
	return warn("%s", value)
}

// parseSwaps adds up /proc/swaps, in bytes: a line of names, and then of each device its
// name, kind, size and use in KiB, and priority. White space in names is escaped.
func parseSwaps(content string) (size, used uint64, err error) {
	head, rest, _ := strings.Cut(content, "\n")
	if !strings.HasPrefix(head, "Filename") {
		return 0, 0, fmt.Errorf("/proc/swaps: %s: %w", procfs.Excerpt(head), procfs.ErrFormat)
	}
	for line := range strings.Lines(rest) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) < 5 {
			return 0, 0, fmt.Errorf("/proc/swaps: %s: %w", procfs.Excerpt(line), procfs.ErrFormat)
		}
		s, err1 := strconv.ParseUint(f[2], 10, 53)
		u, err2 := strconv.ParseUint(f[3], 10, 53)
		if err1 != nil || err2 != nil {
			return 0, 0, fmt.Errorf("/proc/swaps: %s: %w", procfs.Excerpt(line), procfs.ErrFormat)
		}
		size, used = size+s<<10, used+u<<10
	}
	return size, used, nil
}

const thpDir = "sys/kernel/mm/transparent_hugepage"

func (m *machine) lookTHP(file string, want ...string) finding {
	value, err := m.chosenIn(thpDir + "/" + file)
	if err != nil {
		return m.unreadTHP(file, err)
	}
	return oneOf(value, Warn, want...)
}

// unreadTHP knows that the whole directory is missing in kernels without huge pages.
func (m *machine) unreadTHP(file string, err error) finding {
	if !m.has(thpDir) && m.shows("sys/kernel/mm") {
		return none("this kernel has no transparent huge pages")
	}
	return m.without(thpDir+"/"+file, err)
}

func (m *machine) lookShmHuge() finding {
	value, err := m.chosenIn(thpDir + "/shmem_enabled")
	if err != nil {
		return m.unreadTHP("shmem_enabled", err)
	}
	if option := m.mountOption("/dev/shm", "huge"); option != "" {
		value += ", /dev/shm is mounted with huge=" + option
	}
	if strings.HasPrefix(value, "deny") {
		return warn("%s", value)
	}
	return good("%s", value)
}

// mountOption returns the value of an option of what is mounted at a directory last.
// After an entry's fields there is " - ", the kind, the source and these options.
func (m *machine) mountOption(dir, option string) string {
	content, err := m.line("proc/self/mountinfo")
	if err != nil {
		return ""
	}
	value := ""
	for line := range strings.Lines(content) {
		mount, super, ok := strings.Cut(line, " - ")
		fields, tail := strings.Fields(mount), strings.Fields(super)
		if !ok || len(fields) < 5 || fields[4] != dir || len(tail) < 3 {
			continue
		}
		value = ""
		for o := range strings.SplitSeq(tail[2], ",") {
			if v, ok := strings.CutPrefix(o, option+"="); ok {
				value = v
			}
		}
	}
	return value
}

// lookFreeHuge counts 2 MiB pages, which is what huge ones are where pages have 4 KiB.
func (m *machine) lookFreeHuge() finding {
	const name = "proc/buddyinfo"
	size, err := m.number(thpDir + "/hpage_pmd_size")
	if err != nil {
		return m.unreadTHP("hpage_pmd_size", err)
	}
	if size != 2<<20 {
		return none("huge pages have %s here", text.Bytes(uint64(size)))
	}
	content, err := m.line(name)
	if err != nil {
		return m.unread(name, err)
	}
	free, err := parseBuddies(content)
	if err != nil {
		return m.unread(name, err)
	}
	value := fmt.Sprintf("%s of 2 MiB", text.Count(free))
	if reserved, err := m.meminfo("HugePages_Free"); err == nil && reserved > 0 {
		value += fmt.Sprintf(", and %s reserved for hugetlbfs", text.Count(reserved))
	}
	if free < 64 {
		return warn("%s", value)
	}
	return good("%s", value)
}

// parseBuddies counts the free 2 MiB pages of /proc/buddyinfo, whose lines are of a zone
// each: "Node 0, zone Normal", and the numbers of free blocks of 1, 2, 4 ... pages.
func parseBuddies(content string) (uint64, error) {
	const order = 9 // of 2 MiB in pages of 4 KiB
	var free uint64
	zones := 0
	for line := range strings.Lines(content) {
		f := strings.Fields(line)
		if len(f) < 4+order+1 || f[0] != "Node" || f[2] != "zone" {
			return 0, fmt.Errorf("/proc/buddyinfo: %s: %w", procfs.Excerpt(line), procfs.ErrFormat)
		}
		for i, word := range f[4+order:] {
			n, err := strconv.ParseUint(word, 10, 32)
			if err != nil || i > 20 {
				return 0, fmt.Errorf("/proc/buddyinfo: %s: %w", procfs.Excerpt(line), procfs.ErrFormat)
			}
			free += n << i
		}
		zones++
	}
	if zones == 0 {
		return 0, fmt.Errorf("/proc/buddyinfo has no zone: %w", procfs.ErrFormat)
	}
	return free, nil
}

// meminfo returns a number of /proc/meminfo, as it stands there.
func (m *machine) meminfo(key string) (uint64, error) {
	content, err := m.line("proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(content) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == key+":" {
			return strconv.ParseUint(f[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/meminfo has no %s: %w", key, procfs.ErrFormat)
}

func (m *machine) lookBalancing() finding {
	nodes := []int{}
	for _, c := range m.Topology.CPUs {
		if c.Online && !slices.Contains(nodes, c.Node) {
			nodes = append(nodes, c.Node)
		}
	}
	if len(nodes) == 1 && nodes[0] >= 0 {
		return none("the machine has one node")
	}
	return m.setting("proc/sys/kernel/numa_balancing", func(n int64) finding {
		if n == 0 {
			return good("0")
		}
		return bad("%d", n)
	})
}
