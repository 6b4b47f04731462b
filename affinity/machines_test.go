package affinity

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is a made-up machine: file name to content.
type tree map[string]string

func (m tree) fs() fstest.MapFS {
	f := fstest.MapFS{}
	for name, text := range m {
		f[name] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
	return f
}

func (m tree) read(t *testing.T, l Limits) *Topology {
	t.Helper()
	top, err := ReadFS(m.fs(), l)
	if err != nil {
		t.Fatal(err)
	}
	return top
}

// with returns a copy of the machine with name, value pairs changed; the value
// "-" removes every file whose name begins with name.
func (m tree) with(pairs ...string) tree {
	c := tree{}
	for k, v := range m {
		c[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "-" {
			c[pairs[i]] = pairs[i+1]
			continue
		}
		for k := range m {
			if strings.HasPrefix(k, pairs[i]) {
				delete(c, k)
			}
		}
	}
	return c
}

// add puts in one online CPU. An empty l3 means that it lists level 1 and 2 only.
func (m tree) add(id, coreID, pkgID int, core, l3, pkg string) {
	dir := fmt.Sprintf("%s/cpu%d/", cpuDir, id)
	m[dir+"topology/core_cpus_list"] = core
	m[dir+"topology/thread_siblings_list"] = core
	m[dir+"topology/package_cpus_list"] = pkg
	m[dir+"topology/core_siblings_list"] = pkg
	m[dir+"topology/die_cpus_list"] = pkg
	m[dir+"topology/core_id"] = fmt.Sprint(coreID)
	m[dir+"topology/die_id"] = "0"
	m[dir+"topology/physical_package_id"] = fmt.Sprint(pkgID)
	levels := []struct{ level, kind, shared string }{
		{"1", "Data", core}, {"1", "Instruction", core}, {"2", "Unified", core}, {"3", "Unified", l3}}
	for i, c := range levels {
		if c.shared == "" {
			continue
		}
		index := fmt.Sprintf("%scache/index%d/", dir, i)
		m[index+"level"], m[index+"type"], m[index+"shared_cpu_list"] = c.level, c.kind, c.shared
	}
}

func listed(online string) tree {
	return tree{cpuDir + "/online": online, cpuDir + "/present": online, cpuDir + "/isolated": ""}
}

// plain has one package and L3 cache, and n cores without SMT.
func plain(n int) tree {
	all := fmt.Sprintf("0-%d", n-1)
	if n == 1 {
		all = "0"
	}
	m := listed(all)
	for i := range n {
		m.add(i, i, 0, fmt.Sprint(i), all, all)
	}
	m[nodeDir+"/node0/cpulist"] = all
	return m
}

// twoSockets has 2 packages of 4 cores of 2 threads; CPU n and n+8 share a core.
func twoSockets() tree {
	m := listed("0-15")
	for pkg := range 2 {
		all := fmt.Sprintf("%d-%d,%d-%d", pkg*4, pkg*4+3, pkg*4+8, pkg*4+11)
		m[fmt.Sprintf("%s/node%d/cpulist", nodeDir, pkg)] = all
		for core := range 4 {
			a := pkg*4 + core
			pair := fmt.Sprintf("%d,%d", a, a+8)
			m.add(a, core, pkg, pair, all, all)
			m.add(a+8, core, pkg, pair, all, all)
		}
	}
	return m
}

// complexes has one package with three L3 caches of 2, 4 and 2 cores.
func complexes() tree {
	m := listed("0-7")
	for i, l3 := range []string{"0-1", "0-1", "2-5", "2-5", "2-5", "2-5", "6-7", "6-7"} {
		m.add(i, i, 0, fmt.Sprint(i), l3, "0-7")
	}
	return m
}

// hybrid has large cores 0-3 of two threads, small cores 4-7, and two low power
// cores 8 and 9 outside the L3 cache that share an L2 cache.
func hybrid() tree {
	m := listed("0-9")
	for i := range 10 {
		core, l3 := fmt.Sprint(i), "0-7"
		if i < 4 {
			core = fmt.Sprintf("%d-%d", i&^1, i|1)
		}
		if i >= 8 {
			l3 = ""
		}
		m.add(i, i, 0, core, l3, "0-9")
		if i >= 8 {
			m[fmt.Sprintf("%s/cpu%d/cache/index2/shared_cpu_list", cpuDir, i)] = "8-9"
		}
	}
	m["sys/devices/cpu_core/cpus"] = "0-3"
	m["sys/devices/cpu_atom/cpus"] = "4-7"
	m["sys/devices/cpu_lowpower/cpus"] = "8-9"
	return m
}
