package mmap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Tests that need another process run this test binary again, in one of two ways:
// in a role (below), or to run one test once more under other conditions (rerun).
const (
	roleEnv  = "MMAP_TEST_ROLE"
	rerunEnv = "MMAP_TEST_RERUN"
)

const nobody = 65534

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		if err := play(role, os.Args[1]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin) // until the parent closes it, or kills us
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func play(role, path string) error {
	switch role {
	case "idle":
		return nil
	case "hold": // open the file and hold a lock on its first byte
		f, err := Open(path, ReadWrite)
		if err != nil {
			return err
		}
		return f.TryLock(Range{0, 1})
	case "open": // as another user
		var uid, gid int
		if _, err := fmt.Sscan(os.Args[2]+" "+os.Args[3], &uid, &gid); err != nil {
			return err
		}
		err := errors.Join(syscall.Setgroups([]int{gid}), syscall.Setresgid(gid, gid, gid), syscall.Setresuid(uid, uid, uid))
		if err == nil {
			_, err = Open(path, ReadOnly)
		}
		if err == nil {
			_, err = Open(path, ReadWrite)
		}
		return err
	case "create": // create a file and never commit it
		_, err := Create(path, CreateOptions{Size: 1 << 20})
		return err
	}
	return fmt.Errorf("no such role: %s", role)
}

// process is a running child.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// start runs a child in a role and waits until it is ready.
func start(t *testing.T, role, path string, inherit ...*os.File) *process {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", path)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.ExtraFiles = inherit
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd, stdin}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("child %s: %q, %v", role, line, err)
	}
	return p
}

// kill kills the child with SIGKILL and waits for its end.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// rerun runs the calling test once more in a process of its own. It returns true
// in that process, and false in the first one after the second has passed.
func rerun(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv(rerunEnv) == t.Name() {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), rerunEnv+"="+t.Name())
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skipf("cannot start such a process here: %v", err)
	case err != nil:
		t.Errorf("in its own process: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("in its own process:\n%s", out)
	}
	return false
}

// mountNamespace is for a process that may mount filesystems nobody else sees.
func mountNamespace() *syscall.SysProcAttr {
	if os.Geteuid() == 0 {
		return &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
}

func mount(t *testing.T, kind, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount(kind, dir, kind, 0, options); err != nil {
		t.Skipf("mount %s: %v", kind, err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// becomeNobody takes the privileges of root from the process until the test ends.
// dir and what is above it in the temporary directory of the test stay reachable.
func becomeNobody(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs to be root to become somebody else")
	}
	for d := dir; strings.Contains(d, "Test"); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := errors.Join(syscall.Seteuid(0), syscall.Setegid(os.Getgid()), syscall.Setgroups(groups))
		if err != nil {
			panic(err) // every later test would run as somebody else
		}
	})
	err = errors.Join(syscall.Setgroups(nil), syscall.Setegid(nobody), syscall.Seteuid(nobody))
	if err != nil {
		t.Fatal(err)
	}
}
