package affinity

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// Processes that tests start are this program again, told by this variable what to be.
const roleVar = "TICKRING_AFFINITY_TEST_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func(){"gaps": watchForGaps, "spin": spinOnCPU, "hold": holdCPUs, "pin": pinSelf, "witness": watchSelf}
	if role, ok := roles[os.Getenv(roleVar)]; ok {
		role()
		return
	}
	if outside := os.Getenv(childEnv); outside != "" {
		if err := reportOnSelf(outside); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// start runs a role in a process that dies with the test, and gives its lines.
func start(t *testing.T, role string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	return startWith(t, nil, role, env...)
}

func startWith(t *testing.T, stdin *os.File, role string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), roleVar+"="+role), env...)
	cmd.Stderr = os.Stderr
	if stdin != nil {
		cmd.Stdin = stdin
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan error)
	go func() {
		// Pdeathsig is sent when this thread ends, so it stays until the test does.
		runtime.LockOSThread()
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		started <- cmd.Start()
		<-t.Context().Done()
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}
