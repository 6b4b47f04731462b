package bench

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tickring/tickring/affinity"
)

// TestMain makes the test binary the other process of a benchmark, which is started with
// the arguments that Setup.Command has by default.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], []string{"bench", "child"}) {
		if err := Child(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if slices.Equal(os.Args[1:], mortal) {
		go func() {
			time.Sleep(300 * time.Millisecond)
			p, _ := os.FindProcess(os.Getpid())
			p.Kill()
		}()
		_ = Child(os.Stdin, os.Stdout)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// mortal are the arguments of another process that is killed in the midst of what it does.
var mortal = []string{"bench", "child", "mortal"}

// testSession opens a session with small rings. The test is skipped where there are not
// two CPUs to run on, or no such calls.
func testSession(t *testing.T, setup Setup) *Session {
	t.Helper()
	if setup.Capacity == 0 {
		setup.Capacity = 1 << 20
	}
	s, err := Open(setup)
	switch {
	case errors.Is(err, affinity.ErrUnsupported):
		t.Skipf("benchmarks are for Linux: %v", err)
	case errors.Is(err, ErrCPU) && len(setup.CPUs) == 0:
		t.Skipf("a benchmark needs two CPUs: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestChildSaysWhatItCannotDo(t *testing.T) {
	s := testSession(t, Setup{})
	if _, err := s.start("no such role", s.setup.CPUs[1], nil); !errors.Is(err, ErrChild) {
		t.Errorf("a role that there is not: %v, want ErrChild", err)
	}
}

// TestOtherProcessDies: whatever is measured ends with an error that says so, though this
// process was spinning until the other one did something; and leaves nothing.
func TestOtherProcessDies(t *testing.T) {
	const long = 5 * time.Minute // nothing ends by itself
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := testSession(t, Setup{Command: append([]string{self}, mortal...)})
	ctx := t.Context()
	for name, run := range map[string]func() (Result, error){
		"limit":      func() (Result, error) { return s.Limit(ctx, Limit{Duration: long}) },
		"rtt":        func() (Result, error) { return s.RTT(ctx, RTT{Duration: long}) },
		"latency":    func() (Result, error) { return s.Latency(ctx, Latency{Duration: long}) },
		"throughput": func() (Result, error) { return s.Throughput(ctx, Throughput{Duration: long}) },
		"ipc":        func() (Result, error) { return s.IPC(ctx, IPC{Duration: long}) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run()
			if name == "ipc" && err != nil {
				return // a pipe's end says that it was closed, and that is as good
			}
			if !errors.Is(err, ErrChild) || !strings.Contains(fmt.Sprint(err), "killed") {
				t.Errorf("%v, want ErrChild and what ended it", err)
			}
		})
	}
}
