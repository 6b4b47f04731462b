package affinity

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
)

// Sources: Documentation/ABI/testing/sysfs-devices-system-cpu,
// Documentation/ABI/stable/sysfs-devices-node and Documentation/admin-guide/cputopology.rst
// of the Linux kernel.
const (
	cpuDir  = "sys/devices/system/cpu"
	nodeDir = "sys/devices/system/node"
)

// Limits are what a tree of files cannot tell about a process.
type Limits struct {
	Allowed   Set // its mask; empty: all online CPUs that are not isolated
	Permitted Set // its cpuset; empty: all online CPUs
}

// ReadFS reads the topology from the sys and proc directories below the root of
// fsys, for example a copy of another machine's. What only the running processor
// can tell (vendor, RDTSCP, AVX2, cache line) is left zero in Info.
//
// Missing files are made up for as well as possible, and Notes says how; a file
// with malformed content is an error that names it and wraps ErrSyntax. A tree
// without any CPU is ErrNoTopology.
func ReadFS(fsys fs.FS, l Limits) (*Topology, error) {
	r := reader{fsys}
	t := &Topology{}
	present, err := r.present(t)
	if err != nil {
		return nil, err
	}
	if t.Isolated, _, err = r.set(cpuDir + "/isolated"); err != nil {
		return nil, err
	}
	if t.NohzFull, _, err = r.set(cpuDir + "/nohz_full"); err != nil {
		return nil, err
	}

	t.Permitted = t.Online
	if !l.Permitted.Empty() {
		t.Permitted = l.Permitted
	}
	t.Allowed = t.Permitted.Minus(t.Isolated)
	if !l.Allowed.Empty() {
		t.Allowed = l.Allowed
	}

	nodes, err := r.nodes()
	if err != nil {
		return nil, err
	}
	small, err := r.small(t.Online)
	if err != nil {
		return nil, err
	}
	raws := map[int]raw{} // of the online CPUs
	for id := range present.All() {
		c := CPU{ID: id, Online: t.Online.Has(id), Core: -1, L3: -1, Package: -1, Node: -1}
		if c.Online {
			if raws[id], err = r.cpu(id); err != nil {
				return nil, err
			}
			c.Package = raws[id].pkgID
			c.Node = nodes.of(id)
			c.Small = small.Has(id)
			c.Governor = r.advisory(fmt.Sprintf("%s/cpu%d/cpufreq/scaling_governor", cpuDir, id))
		}
		t.CPUs = append(t.CPUs, c)
	}
	t.numberCores(raws)
	t.numberL3(raws)
	r.countIRQs(t)
	t.Quota = r.quota()
	t.Info = r.info()
	t.noteHiddenCaches()
	return t, nil
}

// present returns the CPUs to list and fills t.Online.
func (r reader) present(t *Topology) (Set, error) {
	present, havePresent, err := r.set(cpuDir + "/present")
	if err != nil {
		return Set{}, err
	}
	online, haveOnline, err := r.set(cpuDir + "/online")
	if err != nil {
		return Set{}, err
	}
	switch {
	case haveOnline:
	case havePresent:
		online = present
		t.note("the kernel does not say which CPUs are online: all that are present are taken to be")
	default:
		for _, id := range r.names(cpuDir, "cpu") {
			online.Add(id)
		}
		t.note("the kernel lists no CPUs: taken from the directories cpu0, cpu1 and so on")
	}
	if online.Empty() {
		return Set{}, fmt.Errorf("affinity: read /%s: no CPU is listed; is sysfs mounted: %w", cpuDir, ErrNoTopology)
	}
	t.Online = online
	return present.Or(online), nil
}

// raw is what the kernel says about one CPU. The sets are empty if it does not.
type raw struct {
	core, die, pkg Set
	coreID         int
	dieID, pkgID   int
	l3             Set // who shares its level 3 cache
	last           Set // who shares its highest cache, whatever the level
}

func (r reader) cpu(id int) (raw, error) {
	dir := fmt.Sprintf("%s/cpu%d/", cpuDir, id)
	var c raw
	var err error
	// Since Linux 5.3 the lists have the names that say what they are; the old
	// ones are kept and mean the same.
	for _, f := range []struct {
		set   *Set
		names [2]string
	}{
		{&c.core, [2]string{"core_cpus_list", "thread_siblings_list"}},
		{&c.die, [2]string{"die_cpus_list"}},
		{&c.pkg, [2]string{"package_cpus_list", "core_siblings_list"}},
	} {
		for _, name := range f.names {
			if name == "" || !f.set.Empty() {
				continue
			}
			if *f.set, _, err = r.set(dir + "topology/" + name); err != nil {
				return c, err
			}
		}
	}
	for _, f := range []struct {
		n    *int
		name string
	}{{&c.coreID, "core_id"}, {&c.dieID, "die_id"}, {&c.pkgID, "physical_package_id"}} {
		if *f.n, err = r.int(dir+"topology/"+f.name, -1); err != nil {
			return c, err
		}
	}
	err = r.caches(&c, dir+"cache")
	return c, err
}

func (r reader) caches(c *raw, dir string) error {
	highest := 0
	for _, i := range r.names(dir, "index") {
		index := fmt.Sprintf("%s/index%d/", dir, i)
		level, err := r.int(index+"level", 0)
		if err != nil {
			return err
		}
		kind, _, err := r.line(index + "type")
		if err != nil {
			return err
		}
		shared, ok, err := r.set(index + "shared_cpu_list")
		if err != nil {
			return err
		}
		if !ok || shared.Empty() || kind == "Instruction" {
			continue
		}
		if level == 3 {
			c.l3 = shared
		}
		if level > highest {
			highest, c.last = level, shared
		}
	}
	return nil
}

// numberCores groups the online CPUs into cores and fills Core and Siblings.
func (t *Topology) numberCores(raws map[int]raw) {
	unknown := Set{}
	key := func(id int) string {
		switch c := raws[id]; {
		case !c.core.Empty():
			c.core.Add(id)
			return "c" + strconv.Itoa(c.core.Min())
		case c.coreID >= 0:
			return fmt.Sprint("i", c.pkgID, "/", c.dieID, "/", c.coreID)
		default:
			unknown.Add(id)
			return "n" + strconv.Itoa(id)
		}
	}
	for n, cpus := range t.group(key) {
		siblings := SetOf(cpus...)
		for _, id := range cpus {
			c := t.at(id)
			c.Core, c.Siblings = n, siblings
		}
	}
	if !unknown.Empty() {
		t.note("the kernel does not say which core CPU %v belongs to: each is taken for a core of its own", unknown)
	}
}

// numberL3 groups the online CPUs by cache and fills L3, L3From and notes.
func (t *Topology) numberL3(raws map[int]raw) {
	all := func(has func(raw) bool) bool {
		for _, c := range raws {
			if !has(c) {
				return false
			}
		}
		return true
	}
	key := func(id int) string { return "" }
	lowest := func(s Set, id int) string {
		s.Add(id)
		return strconv.Itoa(s.Min())
	}
	unknown := Set{}
	switch {
	case !all(func(c raw) bool { return c.l3.Empty() }):
		t.L3From = L3FromCache
		key = func(id int) string {
			c := raws[id]
			if !c.l3.Empty() {
				return lowest(c.l3, id)
			}
			if !c.last.Empty() { // such as the low power cores of some hybrid processors
				return lowest(c.last, id)
			}
			unknown.Add(id)
			return ""
		}
	case all(func(c raw) bool { return !c.die.Empty() }):
		t.L3From = L3FromDie
		key = func(id int) string { return lowest(raws[id].die, id) }
	case all(func(c raw) bool { return !c.pkg.Empty() }):
		t.L3From = L3FromPackage
		key = func(id int) string { return lowest(raws[id].pkg, id) }
	case all(func(c raw) bool { return c.pkgID >= 0 }):
		t.L3From = L3FromPackage
		key = func(id int) string { return strconv.Itoa(raws[id].pkgID) }
	default:
		t.L3From = L3FromNothing
	}
	n := 0
	for _, cpus := range t.group(key) {
		if unknown.Has(cpus[0]) {
			continue
		}
		for _, id := range cpus {
			t.at(id).L3 = n
		}
		n++
	}
	switch {
	case !unknown.Empty():
		t.note("the kernel lists no cache of CPU %v: it is taken to share none", unknown)
	case t.L3From == L3FromNothing:
		t.note("the kernel tells nothing of caches, dies or packages: all CPUs are taken to share one L3 cache")
	case t.L3From != L3FromCache:
		t.note("the kernel lists no L3 cache: the CPUs of one %s are taken to share one", t.L3From)
	}
}

// group returns the online CPUs by equal key, each group and the groups ascending.
func (t *Topology) group(key func(id int) string) [][]int {
	by := map[string][]int{}
	for id := range t.Online.All() {
		k := key(id)
		by[k] = append(by[k], id)
	}
	return slices.SortedFunc(maps.Values(by), slices.Compare)
}

func (t *Topology) at(id int) *CPU {
	i, _ := slices.BinarySearchFunc(t.CPUs, id, func(c CPU, id int) int { return c.ID - id })
	return &t.CPUs[i]
}

func (t *Topology) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// noteHiddenCaches points out the usual lie of virtual machines.
func (t *Topology) noteHiddenCaches() {
	if !t.Info.Hypervisor || t.L3From != L3FromCache || t.Online.Len() < 2 {
		return
	}
	cores := map[int]int{}
	for _, c := range t.CPUs {
		if c.Online {
			if core, seen := cores[c.L3]; seen && core != c.Core {
				return
			}
			cores[c.L3] = c.Core
		}
	}
	t.note("this virtual machine shows an L3 cache of its own for every core, which is rarely true; Policy.AnyL3 ignores it")
}

// nodes are the CPUs of each NUMA node; nil if the kernel has no such directory.
type nodes map[int]Set

func (r reader) nodes() (nodes, error) {
	n := nodes{}
	for _, id := range r.names(nodeDir, "node") {
		cpus, _, err := r.set(fmt.Sprintf("%s/node%d/cpulist", nodeDir, id))
		if err != nil {
			return nil, err
		}
		n[id] = cpus
	}
	return n, nil
}

func (n nodes) of(cpu int) int {
	if len(n) == 0 {
		return 0 // a kernel without NUMA has one node
	}
	for _, id := range slices.Sorted(maps.Keys(n)) {
		if cpus := n[id]; cpus.Has(cpu) {
			return id
		}
	}
	return -1
}

// small returns the slower CPUs of a hybrid processor.
func (r reader) small(online Set) (Set, error) {
	var small Set
	// Intel: the performance counters of the small cores are devices of their own.
	for _, dev := range []string{"cpu_atom", "cpu_lowpower"} {
		cpus, _, err := r.set("sys/devices/" + dev + "/cpus")
		if err != nil {
			return Set{}, err
		}
		small = small.Or(cpus)
	}
	capacity, most := map[int]int{}, 0
	for id := range online.All() {
		n, err := r.int(fmt.Sprintf("%s/cpu%d/cpu_capacity", cpuDir, id), 0)
		if err != nil {
			return Set{}, err
		}
		capacity[id] = n
		most = max(most, n)
	}
	for id, n := range capacity {
		if n > 0 && n*5 < most*4 {
			small.Add(id)
		}
	}
	return small, nil
}

// reader reads the small text files of a kernel. An absent file is not an error.
type reader struct{ fsys fs.FS }

// line returns the content of a file without the white space around it.
func (r reader) line(name string) (text string, ok bool, err error) {
	b, err := fs.ReadFile(r.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("affinity: read /%s: %w", name, err)
	}
	return strings.TrimSpace(string(b)), true, nil
}

func (r reader) set(name string) (Set, bool, error) {
	text, ok, err := r.line(name)
	if err != nil || !ok {
		return Set{}, false, err
	}
	if text == "(null)" { // how older kernels print a set they did not allocate
		return Set{}, true, nil
	}
	s, err := parseSet(text)
	if err != nil {
		return Set{}, false, fmt.Errorf("affinity: read /%s: %w", name, err)
	}
	return s, true, nil
}

func (r reader) int(name string, absent int) (int, error) {
	text, ok, err := r.line(name)
	if err != nil || !ok {
		return absent, err
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return absent, fmt.Errorf("affinity: read /%s: %s is not a number: %w", name, procfs.Excerpt(text), ErrSyntax)
	}
	return int(n), nil
}

// names returns n of every entry of dir called <prefix>n, ascending. A directory
// that cannot be listed has none.
func (r reader) names(dir, prefix string) []int {
	entries, _ := fs.ReadDir(r.fsys, path.Clean(dir))
	var list []int
	for _, e := range entries {
		if digits, ok := strings.CutPrefix(e.Name(), prefix); ok {
			if n, ok := parseDigits(digits); ok {
				list = append(list, n)
			}
		}
	}
	slices.Sort(list)
	return list
}

// advisory returns the content of a file nothing depends on, or "".
func (r reader) advisory(name string) string {
	text, _, err := r.line(name)
	if err != nil {
		return ""
	}
	return text
}
