//go:build linux

package ring

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func init() { roles["core.hold"] = holdAndDump }

// holdAndDump goes on with a ring and holds it, and can leave a core: args are dir and
// where.
func holdAndDump(args []string) error {
	debug.SetTraceback("crash")
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}); err != nil {
		return err
	}
	if err := os.Chdir(args[1]); err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := unix.Dup3(int(null.Fd()), 2, 0); err != nil { // nobody wants to read the trace
		return err
	}
	p, err := Create("r", Config{Dir: args[0]})
	if err != nil {
		return err
	}
	if err := p.Publish(0, []byte("1")); err != nil {
		return err
	}
	fmt.Println("holds")
	select {}
}

// TestCoreDump: the publisher dumps core. The ring is not in it, so it is small and
// quick, and the standby goes on: the kernel lets go of the lock after the dump.
func TestCoreDump(t *testing.T) {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || strings.HasPrefix(string(pattern), "|") || strings.ContainsAny(string(pattern), "/%") {
		t.Skipf("cores go elsewhere here: %s", pattern)
	}
	const capacity = 128 << 20
	dir, where := shmDir(t), t.TempDir()
	cfg := Config{Dir: dir, Capacity: capacity}
	mustCreate(t, "r", cfg).Close()
	c := start(t, "core.hold", dir, where)
	c.line()
	got := standBy(t, context.Background(), Config{Dir: dir})
	if err := unix.Kill(c.cmd.Process.Pid, unix.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	q := won(t, got)
	if q.Seq() != 1 || q.Capacity() != capacity {
		t.Errorf("the standby goes on after number %d", q.Seq())
	}
	c.ended = true
	c.cmd.Wait()
	cores, _ := filepath.Glob(filepath.Join(where, "*core*"))
	if len(cores) != 1 {
		t.Skipf("no core was written (%v): %v", cores, c.cmd.ProcessState)
	}
	var st unix.Stat_t
	if err := unix.Stat(cores[0], &st); err != nil {
		t.Fatal(err)
	}
	t.Logf("the core has %d KiB, %d KiB on disk, the ring %d KiB", st.Size>>10, st.Blocks/2, capacity>>10)
	if st.Blocks*512 > capacity/4 {
		t.Errorf("the core takes %d bytes, the ring %d", st.Blocks*512, capacity)
	}
}
