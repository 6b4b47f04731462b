package affinity_test

import (
	"errors"
	"fmt"
	"testing/fstest"

	"github.com/tickring/tickring/affinity"
)

// Two threads that talk through memory, on the best CPUs there are. Without
// enough of them, the threads run unpinned.
func Example() {
	t, err := affinity.Read()
	if err != nil {
		fmt.Println(err)
		return
	}
	cpus, err := t.Pick(2, affinity.Policy{})
	switch {
	case errors.Is(err, affinity.ErrTooFewCPUs):
		cpus = nil
	case err != nil:
		fmt.Println(err)
		return
	}

	done := make(chan error)
	for i := range 2 {
		go func() {
			if cpus == nil {
				done <- nil
				return
			}
			p, err := affinity.Pin(cpus[i])
			if err != nil {
				done <- err
				return
			}
			// ... publish or poll ...
			done <- p.Release()
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			fmt.Println(err)
		}
	}
}

// Picking on another machine, from a copy of the files that describe it: here one
// with four CPUs on two cores, of which the kernel keeps its hands off 1 and 3.
func ExampleReadFS() {
	root := fstest.MapFS{}
	file := func(name, text string) { root["sys/devices/system/cpu/"+name] = &fstest.MapFile{Data: []byte(text)} }
	file("online", "0-3\n")
	file("isolated", "1,3\n")
	for i, core := range []string{"0,2", "1,3", "0,2", "1,3"} {
		file(fmt.Sprintf("cpu%d/topology/core_cpus_list", i), core)
		file(fmt.Sprintf("cpu%d/topology/package_cpus_list", i), "0-3")
	}
	t, err := affinity.ReadFS(root, affinity.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Pick(2, affinity.Policy{}))
	fmt.Println(t.Pick(2, affinity.Policy{From: t.Isolated, SMT: true}))
	fmt.Println(t.Notes[0])
	// Output:
	// [1 2] <nil>
	// [1 3] <nil>
	// the kernel lists no L3 cache: the CPUs of one package are taken to share one
}
