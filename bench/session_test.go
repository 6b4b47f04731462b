package bench

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenRefuses(t *testing.T) {
	cpus := testSession(t, Setup{}).CPUs()
	for _, c := range []struct {
		name  string
		setup Setup
		want  error
		words string
	}{
		{"a CPU that is not there", Setup{CPUs: []int{cpus[0], 8000}}, ErrCPU, "no CPU 8000"},
		{"one CPU", Setup{CPUs: cpus[:1]}, ErrCPU, "at least two"},
		{"a CPU twice", Setup{CPUs: []int{cpus[0], cpus[0]}}, ErrCPU, "twice"},
		{"a capacity that no ring has", Setup{Capacity: 1_000_000}, ErrConfig, "power of two"},
		{"a directory that is not there", Setup{Dir: filepath.Join(t.TempDir(), "none")}, fs.ErrNotExist, "none"},
	} {
		s, err := Open(c.setup)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v, want %v and %q", c.name, err, c.want, c.words)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := testSession(t, Setup{Dir: dir})
	if _, err := s.subdir("x"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// All benchmarks of package bench, in a context that has ended: no error, and a result
// that says so.
func TestInterruptedIsMarked(t *testing.T) {
	s := testSession(t, Setup{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, run := range map[string]func() (Result, error){
		"limit":      func() (Result, error) { return s.Limit(ctx, Limit{}) },
		"rtt":        func() (Result, error) { return s.RTT(ctx, RTT{}) },
		"latency":    func() (Result, error) { return s.Latency(ctx, Latency{}) },
		"claims":     func() (Result, error) { return s.Claims(ctx, Claims{}) },
		"order":      func() (Result, error) { return s.Order(ctx, Order{}) },
		"throughput": func() (Result, error) { return s.Throughput(ctx, Throughput{}) },
	} {
		r, err := run()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		about := r.About()
		if !about.Interrupted || len(about.Notes) == 0 || about.Bench != name {
			t.Errorf("%s: %+v", name, about)
		}
		for _, table := range r.Tables() {
			for _, row := range table.Rows {
				if len(row) != len(table.Head) {
					t.Errorf("%s: %d cells below %d names: %q", name, len(row), len(table.Head), row)
				}
			}
		}
		for _, c := range r.Curves() {
			if len(c.Points) != 0 {
				t.Errorf("%s: %s has points of nothing", name, c.Name)
			}
		}
	}
}
