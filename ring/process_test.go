//go:build linux

package ring

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Tests and benchmarks need real processes: the test binary runs itself with a role.
// A role talks with its parent by lines on stdin and stdout.

var roles = map[string]func(args []string) error{}

func TestMain(m *testing.M) {
	if role := os.Getenv("TICKRING_TEST_ROLE"); role != "" {
		if err := roles[role](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a process with a role.
type child struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	ended bool
}

func start(t testing.TB, role string, args ...string) *child {
	t.Helper()
	return startWith(t, nil, role, args...)
}

// startWith is start with attributes. Where they are not allowed the test is skipped.
func startWith(t testing.TB, attr *syscall.SysProcAttr, role string, args ...string) *child {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("rings are for Linux")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(exe, args...)}
	c.cmd.Env = append(os.Environ(), "TICKRING_TEST_ROLE="+role)
	c.cmd.Stderr = os.Stderr
	c.in, err = c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	c.cmd.SysProcAttr = attr
	if err := c.cmd.Start(); err != nil {
		if attr != nil && errors.Is(err, os.ErrPermission) {
			t.Skipf("such a process is not allowed here: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	return c
}

// line waits for the child's next line.
func (c *child) line() string {
	c.t.Helper()
	s, err := c.out.ReadString('\n')
	if err != nil {
		c.t.Fatalf("the child ended: %v", err)
	}
	return strings.TrimSpace(s)
}

// say sends the child a line.
func (c *child) say(s string) { fmt.Fprintln(c.in, s) }

// wait waits for the child to end well.
func (c *child) wait() {
	c.t.Helper()
	c.ended = true
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatalf("child: %v", err)
	}
}

// kill ends the child with SIGKILL, if it still lives.
func (c *child) kill() {
	if !c.ended {
		c.ended = true
		c.cmd.Process.Kill()
		c.cmd.Wait()
	}
}

// shmDir is a directory for rings in memory, where there is one.
func shmDir(t testing.TB) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "tickring-test-"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

// pinTo pins the calling thread for a benchmark, where the CPU is to be had.
func pinTo(cpu int) {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	_ = unix.SchedSetaffinity(0, &set)
}
