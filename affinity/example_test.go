package affinity_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing/fstest"
	"time"

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

// Why a thread was late: two looks at it, one before and one after. Here it slept.
func ExampleExplain() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w, err := affinity.NewWitness(0, 0) // of this process, the calling thread
	if err != nil {
		fmt.Println(err)
		return
	}
	defer w.Close()
	var before, after affinity.Activity
	w.Look(&before)
	start := time.Now()
	time.Sleep(2 * time.Millisecond)
	took := time.Since(start)
	w.Look(&after)
	cause, why := affinity.Explain(took, after.Since(before))
	_, _ = cause, why // most probably "slept", and how often and for how long
}

// A quiet core for one goroutine: a CPU that no other process has reserved, and no
// garbage collections.
func ExamplePinBy() {
	p, err := affinity.PinBy(affinity.Policy{})
	if errors.Is(err, affinity.ErrTooFewCPUs) {
		return // all are taken; the error says by whom
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Release() // the CPU is free again
	restore, err := affinity.Quiet(affinity.QuietConfig{MemoryLimit: 4 << 30})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer restore()
	// ... publish or poll, without allocations ...
}
