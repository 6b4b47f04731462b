package bench

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

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
	os.Exit(m.Run())
}

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
	o, err := s.start("no such role", s.setup.CPUs[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	if err := o.receive(nil); !errors.Is(err, ErrChild) {
		t.Errorf("a role that there is not: %v, want ErrChild", err)
	}
}
