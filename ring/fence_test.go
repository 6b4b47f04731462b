//go:build linux

package ring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/mmap"
)

func init() {
	roles["fence.fork"] = holdAndFork
	roles["fence.exec"] = holdAndExec
	roles["fence.stray"] = holdAndClose
	roles["fence.fence"] = fenceAndTell
	roles["fence.take"] = takeAndIdle
}

// stopped starts a publisher of one message and stops it; it returns when it is seen as
// hung.
func stopped(t *testing.T, dir string) *child {
	t.Helper()
	c := start(t, "life.hold", dir, "1ms")
	c.line()
	stop(t, c, dir)
	return c
}

func stop(t *testing.T, c *child, dir string) {
	t.Helper()
	if err := unix.Kill(c.cmd.Process.Pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the publisher is hung", func() bool { return mustStat(t, dir, "r").Publisher == Hung })
}

func mustFence(t *testing.T, dir string, o FenceOptions) Fenced {
	t.Helper()
	done, err := Fence(context.Background(), dir, "r", o)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// ended wants a child of this process to have been killed.
func ended(t *testing.T, c *child) {
	t.Helper()
	c.ended = true
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Errorf("the process was not killed: %v", err)
	}
}

// lives wants a process to be there.
func lives(t *testing.T, pid int) {
	t.Helper()
	stat, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil || strings.Contains(string(stat), ") Z ") {
		t.Errorf("process %d has ended", pid)
	}
}

// TestFenceStoppedPublisher: a stopped publisher keeps the ring from a standby, and is
// seen as hung by all; fenced, it is gone for certain, and the standby goes on.
func TestFenceStoppedPublisher(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := stopped(t, dir)
	s := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
	expect(t, s, 1)
	got := standBy(t, context.Background(), smallest(dir))
	waiting(t, got)
	if life := s.Publisher(); life != Hung {
		t.Errorf("the subscriber says that the publisher is %v", life)
	}
	done := mustFence(t, dir, FenceOptions{})
	if len(done.Ended) != 1 || done.Ended[0].PID != c.cmd.Process.Pid || done.Ended[0].Name != programOf(os.Getpid()) {
		t.Errorf("ended %v, want process %d (%s)", done.Ended, c.cmd.Process.Pid, programOf(os.Getpid()))
	}
	ended(t, c)
	q := won(t, got)
	publishCount(t, q, 1)
	expect(t, s, 2)
	if life := s.Publisher(); life != Live {
		t.Errorf("then the publisher is %v", life)
	}
}

// TestContinuedPublisher: the other end of it: it is continued, and goes on, while the
// standby waits on.
func TestContinuedPublisher(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := stopped(t, dir)
	s := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
	got := standBy(t, context.Background(), smallest(dir))
	waiting(t, got)
	if err := unix.Kill(c.cmd.Process.Pid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the publisher is live", func() bool { return s.Publisher() == Live })
	waiting(t, got)
	c.say("")
	c.wait()
	publishCount(t, won(t, got), 1)
	expect(t, s, 1)
	expect(t, s, 2)
}

// TestFenceForced: a publisher that is not hung is ended only by force.
func TestFenceForced(t *testing.T) {
	for _, c := range []struct{ name, beat, why string }{
		{"live", "1h", "it is live, its heart beat"},
		{"without heartbeats", "-1ms", "it promises no heartbeats"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shmDir(t)
			child := start(t, "life.hold", dir, c.beat)
			child.line()
			_, err := Fence(context.Background(), dir, "r", FenceOptions{})
			wantError(t, "Fence", err, ErrPublisherActive, c.why)
			wantError(t, "Fence", err, ErrPublisherActive, fmt.Sprintf("process %d ", child.cmd.Process.Pid))
			lives(t, child.cmd.Process.Pid)
			done := mustFence(t, dir, FenceOptions{Force: true})
			if len(done.Ended) != 1 || done.Ended[0].PID != child.cmd.Process.Pid || done.Publisher != Dead {
				t.Errorf("%+v", done)
			}
			ended(t, child)
		})
	}
}

// TestFenceNobody: there is nothing to end.
func TestFenceNobody(t *testing.T) {
	dir := shmDir(t)
	_, err := Fence(context.Background(), dir, "r", FenceOptions{Force: true})
	wantError(t, "Fence of no ring", err, ErrNoRing, dir)
	_, err = Fence(context.Background(), dir, "../r", FenceOptions{})
	wantError(t, "Fence of a bad name", err, ErrName, "")
	closedRing(t, dir, 1)
	if done := mustFence(t, dir, FenceOptions{Force: true}); len(done.Ended) != 0 || done.Publisher != Ended {
		t.Errorf("a closed ring: %+v", done)
	}
	c := start(t, "life.hold", dir, "1ms")
	c.line()
	c.kill()
	if done := mustFence(t, dir, FenceOptions{}); len(done.Ended) != 0 || done.Publisher != Dead {
		t.Errorf("a dead publisher: %+v", done)
	}
	if err := os.Remove(filepath.Join(dir, "r", "lock")); err != nil {
		t.Fatal(err)
	}
	if done := mustFence(t, dir, FenceOptions{}); len(done.Ended) != 0 {
		t.Errorf("a ring without a lock: %+v", done)
	}
}

// TestFenceOneself: not by an accident of the numbers, and not by force.
func TestFenceOneself(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	_, err := Fence(context.Background(), dir, "r", FenceOptions{Force: true})
	wantError(t, "Fence of this process", err, ErrPublisherActive, "this process")
	publishCount(t, p, 1)
}

// TestFenceMaker: somebody has the lock and no ring yet, so nothing tells whether it is
// hung.
func TestFenceMaker(t *testing.T) {
	dir := shmDir(t)
	closedRing(t, dir, 1)
	lock, err := takeLock(mustPaths(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.release()
	c := start(t, "fence.fence", dir, "false") // not from here: it is this process
	if got := c.line(); !strings.Contains(got, "does not publish") || !strings.Contains(got, fmt.Sprint(os.Getpid())) {
		t.Errorf("Fence: %s", got)
	}
	c.wait()
}

func mustPaths(t *testing.T, dir string) paths {
	t.Helper()
	ps, err := pathsOf(dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// fenceAndTell says what Fence says: args are dir and force.
func fenceAndTell(args []string) error {
	done, err := Fence(context.Background(), args[0], "r", FenceOptions{Force: args[1] == "true"})
	fmt.Println(done.Ended, done.Publisher, err)
	return nil
}

// TestFenceHitsNobodyElse: the pid in the ring's header is that of a process that has
// nothing to do with the ring, as after a reuse of the number; others wait for the
// ring, read it, or have its lock file open.
func TestFenceHitsNobodyElse(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := stopped(t, dir)
	innocent := start(t, "life.idle")
	standby := start(t, "standby.relay", dir, "standby", strconv.Itoa(minCapacity))
	standby.line()
	reader := mustOpen(t, "r", Options{Dir: dir, Name: "s"})
	open, err := mmap.Open(filepath.Join(dir, "r", "lock"), mmap.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if err := open.TryLock(mmap.Range{Start: 1 << 40, Len: 1}); !errors.Is(err, mmap.ErrLocked) {
		t.Fatalf("the publisher's lock does not cover all: %v", err)
	}
	forge(t, dir, innocent.cmd.Process.Pid)
	if i := mustStat(t, dir, "r"); i.PID != innocent.cmd.Process.Pid {
		t.Fatalf("the header says process %d", i.PID)
	}
	done := mustFence(t, dir, FenceOptions{})
	if len(done.Ended) != 1 || done.Ended[0].PID != c.cmd.Process.Pid {
		t.Errorf("ended %v, want process %d", done.Ended, c.cmd.Process.Pid)
	}
	ended(t, c)
	lives(t, innocent.cmd.Process.Pid)
	lives(t, standby.cmd.Process.Pid)
	if got := standby.line(); got != "publishes after 1" {
		t.Errorf("the standby: %s", got)
	}
	eventually(t, "a live publisher", func() bool { return reader.Publisher() == Live })
	// The standby has the ring now. Who fences it again finds it live.
	_, err = Fence(context.Background(), dir, "r", FenceOptions{})
	wantError(t, "a second Fence", err, ErrPublisherActive, fmt.Sprintf("process %d ", standby.cmd.Process.Pid))
	lives(t, standby.cmd.Process.Pid)
}

// forge puts another pid into the ring's header.
func forge(t *testing.T, dir string, pid int) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "r", "ring"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [8]byte
	for i := range b {
		b[i] = byte(pid >> (8 * i))
	}
	if _, err := f.WriteAt(b[:], 0x190); err != nil {
		t.Fatal(err)
	}
}

// TestFenceRacesStandby: while a stopped publisher is fenced again and again by some,
// standbys go on. No successor is hit.
func TestFenceRacesStandby(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := stopped(t, dir)
	standby := start(t, "standby.relay", dir, "standby", strconv.Itoa(minCapacity))
	standby.line()
	type result struct {
		done Fenced
		err  error
	}
	results := make(chan result)
	const n = 4
	for range n {
		go func() {
			done, err := Fence(context.Background(), dir, "r", FenceOptions{})
			results <- result{done, err}
		}()
	}
	for range n {
		r := <-results
		for _, p := range r.done.Ended {
			if p.PID != c.cmd.Process.Pid {
				t.Errorf("ended %v, want process %d at most", p, c.cmd.Process.Pid)
			}
		}
		if r.err != nil && !errors.Is(r.err, ErrPublisherActive) { // it came late
			t.Error(r.err)
		}
	}
	if got := standby.line(); got != "publishes after 1" {
		t.Errorf("the standby: %s", got)
	}
	lives(t, standby.cmd.Process.Pid)
}

// takeAndIdle has the lock, as a standby has that is about to go on. args are dir.
func takeAndIdle(args []string) error {
	ps, err := pathsOf(args[0], "r")
	if err != nil {
		return err
	}
	if _, err := takeLock(ps); err != nil {
		return err
	}
	fmt.Println("taken")
	_, err = io.ReadAll(os.Stdin)
	return err
}

// TestFenceSparesSuccessor: a hung publisher is taken down by somebody else; its lock is free
// and taken by a successor, which is yet to go on, and presenceByte is not free yet.
func TestFenceSparesSuccessor(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := stopped(t, dir)
	r, err := openRing(mustPaths(t, dir), mmap.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer r.file.Close()
	c.kill()
	eventually(t, "this process stands for what is left of it", func() bool { return r.file.TryLock(presenceByte) == nil })
	successor := start(t, "fence.take", dir)
	successor.line()
	if life := mustStat(t, dir, "r").Publisher; life != Hung {
		t.Fatalf("the publisher is %v", life)
	}
	done, err := Fence(context.Background(), dir, "r", FenceOptions{})
	wantError(t, "Fence", err, ErrPublisherActive, "does not publish")
	if len(done.Ended) != 0 {
		t.Errorf("ended %v", done.Ended)
	}
	lives(t, successor.cmd.Process.Pid)

	// When all of it is gone, so is the reason to end anybody.
	time.AfterFunc(50*time.Millisecond, func() {
		r.file.Unlock(presenceByte)
		successor.in.Close()
	})
	done = mustFence(t, dir, FenceOptions{})
	if len(done.Ended) != 0 || done.Publisher != Dead {
		t.Errorf("then %+v", done)
	}
	successor.wait()
}

// holdAndFork publishes one message and forks without exec, as a library in C may do:
// the child has the descriptors, and the lock. args are dir.
func holdAndFork(args []string) error {
	cfg := smallest(args[0])
	cfg.Heartbeat = time.Millisecond
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	if err := p.Publish(0, []byte("1")); err != nil {
		return err
	}
	runtime.LockOSThread()
	// What runs in the child must not enter Go's scheduler.
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	for pid == 0 {
		syscall.RawSyscall6(syscall.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
	}
	fmt.Println(pid)
	select {}
}

// TestForkedChildKeepsLock: a child that was forked and has not called exec holds
// the lock after its parent's death. Nobody takes the ring, all see it as hung, and
// Fence finds the child.
func TestForkedChildKeepsLock(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := start(t, "fence.fork", dir)
	grandchild, err := strconv.Atoi(c.line())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Kill(grandchild, unix.SIGKILL) })
	got := standBy(t, context.Background(), smallest(dir))
	c.kill()
	waiting(t, got)
	eventually(t, "the publisher is hung", func() bool { return mustStat(t, dir, "r").Publisher == Hung })
	waiting(t, got)
	done := mustFence(t, dir, FenceOptions{})
	if len(done.Ended) != 1 || done.Ended[0].PID != grandchild {
		t.Errorf("ended %v, want process %d", done.Ended, grandchild)
	}
	q := won(t, got)
	if q.Seq() != 1 {
		t.Errorf("the standby goes on after number %d", q.Seq())
	}
}

// TestFenceEndsAllHolders: the stopped parent and its forked child share the lock.
func TestFenceEndsAllHolders(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := start(t, "fence.fork", dir)
	grandchild, err := strconv.Atoi(c.line())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Kill(grandchild, unix.SIGKILL) })
	stop(t, c, dir)
	done := mustFence(t, dir, FenceOptions{})
	if len(done.Ended) != 2 || done.Publisher != Dead {
		t.Errorf("%+v, want processes %d and %d", done, c.cmd.Process.Pid, grandchild)
	}
	ended(t, c)
	publishCount(t, mustCreate(t, "r", smallest(dir)), 1)
}

// holdAndExec holds a ring until it gets a line and then becomes another program: args
// are dir.
func holdAndExec(args []string) error {
	if _, err := Create("r", smallest(args[0])); err != nil {
		return err
	}
	fmt.Println("holds")
	awaitLine()
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	os.Setenv("TICKRING_TEST_ROLE", "life.idle")
	return syscall.Exec(exe, []string{exe}, os.Environ())
}

// TestExecLetsGo: a process that holds a ring and becomes another program holds it no
// longer. The standby goes on, and Fence does nothing to that program.
func TestExecLetsGo(t *testing.T) {
	dir := shmDir(t)
	c := start(t, "fence.exec", dir)
	c.line()
	got := standBy(t, context.Background(), smallest(dir))
	waiting(t, got)
	c.say("")
	q := won(t, got)
	lives(t, c.cmd.Process.Pid)
	q.Close()
	if done := mustFence(t, dir, FenceOptions{Force: true}); len(done.Ended) != 0 {
		t.Errorf("ended %v", done.Ended)
	}
	lives(t, c.cmd.Process.Pid)
}

// holdAndClose holds a ring and closes the lock's descriptor behind its back: args are
// dir.
func holdAndClose(args []string) error {
	cfg := smallest(args[0])
	cfg.Heartbeat = time.Millisecond
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, fd := range fds {
		if path, _ := os.Readlink("/proc/self/fd/" + fd.Name()); path == p.paths.lock() {
			n, _ := strconv.Atoi(fd.Name())
			unix.Close(n)
		}
	}
	fmt.Println("holds")
	select {}
}

// TestStrayClose: a stray close does not release the ring, because the lock's page is
// mapped. Nothing shows then who has the lock; Fence kills nobody and says whom to look
// at.
func TestStrayClose(t *testing.T) {
	t.Parallel()
	dir := shmDir(t)
	c := start(t, "fence.stray", dir)
	c.line()
	_, err := Create("r", smallest(dir))
	wantError(t, "Create", err, ErrPublisherActive, "")
	stop(t, c, dir)
	_, err = Fence(context.Background(), dir, "r", FenceOptions{Force: true})
	wantError(t, "Fence", err, ErrHidden, fmt.Sprintf("mapped by [process %d ", c.cmd.Process.Pid))
	lives(t, c.cmd.Process.Pid)
	c.kill()
	publishCount(t, mustCreate(t, "r", smallest(dir)), 1)
}
