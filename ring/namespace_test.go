//go:build linux

package ring

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Tests with processes in PID namespaces of their own, as in containers that share
// /dev/shm. Locks do not know namespaces; pids mean something only inside of one.

func init() {
	roles["namespace.hold"] = inNamespace(holdRing)
	roles["namespace.fence"] = inNamespace(fenceAndTell)
	roles["namespace.relay"] = inNamespace(relay)
}

// inNamespace is a role with a /proc of its own namespace: unshare -p -f --mount-proc.
func inNamespace(role func([]string) error) func([]string) error {
	return func(args []string) error {
		if os.Getpid() != 1 {
			return fmt.Errorf("this is process %d, not the first of a namespace", os.Getpid())
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
			return err
		}
		return role(args)
	}
}

// startApart starts a child in a PID namespace.
func startApart(t *testing.T, role string, args ...string) *child {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to make PID namespaces")
	}
	return startWith(t, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}, role, args...)
}

// TestPublisherInNamespace: the publisher calls itself process 1. Who is outside sees
// it hung, fences it and nobody else, and goes on.
func TestPublisherInNamespace(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := startApart(t, "namespace.hold", dir, "1ms")
	if got := c.line(); got != "1" {
		t.Fatalf("the publisher has pid %s in its namespace", got)
	}
	got := standBy(t, context.Background(), smallest(dir))
	stop(t, c, dir)
	if i := mustStat(t, dir, "r"); i.PID != 1 {
		t.Errorf("the header says process %d", i.PID)
	}
	waiting(t, got)
	done := mustFence(t, dir, FenceOptions{})
	if len(done.Ended) != 1 || done.Ended[0].PID != c.cmd.Process.Pid {
		t.Errorf("ended %v, want process %d", done.Ended, c.cmd.Process.Pid)
	}
	ended(t, c)
	if q := won(t, got); q.Seq() != 1 {
		t.Errorf("the standby goes on after number %d", q.Seq())
	}
}

// TestFenceInNamespace: the publisher is outside of the namespace in which it is to be
// fenced, and cannot be seen. Nobody is killed, and the error says what to do.
func TestFenceInNamespace(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := stopped(t, dir)
	inside := []*child{
		startApart(t, "namespace.fence", dir, "true"),
		startApart(t, "fence.fence", dir, "true"), // with the /proc of outside, whose numbers are others
	}
	for _, f := range inside {
		if got := f.line(); !strings.Contains(got, ErrHidden.Error()) || !strings.Contains(got, "run as root, where the process is") && !strings.Contains(got, "another PID namespace") {
			t.Errorf("Fence: %s", got)
		}
		f.wait()
	}
	lives(t, c.cmd.Process.Pid)
}

// TestForeignNumbers: /proc shows a process under a number that is another's here. No
// pidfd is had by that number.
func TestForeignNumbers(t *testing.T) {
	c := start(t, "life.idle")
	h, err := newHolder(c.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	h.close()
	apart := startApart(t, "namespace.numbers")
	if got := apart.line(); !strings.Contains(got, ErrHidden.Error()) {
		t.Errorf("process 1 of another /proc: %s", got)
	}
	apart.wait()
}

func init() {
	roles["namespace.numbers"] = func([]string) error {
		_, err := newHolder(os.Getpid()) // 1, which is init in this /proc
		fmt.Println(err)
		return nil
	}
}

// TestStandbyInNamespace: the primary is outside and is killed, then the standby in the
// namespace is.
func TestStandbyInNamespace(t *testing.T) {
	dir := shmDir(t)
	primary := start(t, "life.hold", dir, "1ms")
	primary.line()
	standby := startApart(t, "namespace.relay", dir, "standby", strconv.Itoa(minCapacity))
	standby.line()
	primary.kill()
	if got := standby.line(); got != "publishes after 1" {
		t.Errorf("the standby: %s", got)
	}
	got := standBy(t, context.Background(), smallest(dir))
	waiting(t, got)
	standby.kill()
	if q := won(t, got); q.Epoch() != 3 {
		t.Errorf("the next one has epoch %d", q.Epoch())
	}
}
