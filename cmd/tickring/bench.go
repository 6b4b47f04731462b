package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/bench"
)

// benchFlags are what all benchmarks have in common.
type benchFlags struct {
	asJSON   bool
	cpus     cpusFlag
	capacity sizeFlag
	duration durationFlag
}

func (a *app) benchCommand() *cobra.Command {
	f := &benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure tickring beside what this machine allows",
		Long: `Measure tickring on this machine, between processes that are pinned to a CPU each, and
beside it, in the same run, the raw cache line: what the machine allows. On a machine
that others use as well the ratio of the two says more than either.

Every benchmark begins with what it ran on, and with what makes the machine a noisy one.
Ctrl-C ends it early: what there is until then is shown, and marked. --dir is where the
rings of a benchmark are made, in a directory that is removed at the end; it should be
in memory.`,
		Example: `  tickring bench rtt
  tickring bench throughput --json | tail -1
  tickring bench limit --cpus 2,3
  tickring bench all -o report`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := cmd.PersistentFlags()
	flags.BoolVar(&f.asJSON, "json", false, "end with one JSON object on the last line")
	flags.Var(&f.cpus, "cpus", "CPUs to pin to, the publisher's first, such as 2,3 (default: two that suit each other)")
	flags.Var(&f.capacity, "capacity", "size of the rings, a power of two (default 64MiB)")
	flags.Var(&f.duration, "duration", "how long to measure (default: what suits the benchmark)")
	for _, b := range benchmarks {
		cmd.AddCommand(&cobra.Command{
			Use:     b.name,
			Short:   b.short,
			Example: benchExample(b.name),
			Args:    wantArgs(),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.bench(cmd.Context(), f, func(ctx context.Context, s *bench.Session) (bench.Result, error) {
					return b.run(ctx, s, f)
				})
			},
		})
	}
	cmd.AddCommand(a.benchLatencyCommand(f), a.benchClaimsCommand(f), a.benchIPCCommand(f), a.benchWaitCommand(f), a.benchMonitorCommand(f), a.benchAllCommand(f))
	cmd.AddCommand(&cobra.Command{
		Use:    "child",
		Hidden: true,
		Args:   wantArgs(),
		RunE:   func(*cobra.Command, []string) error { return bench.Child(os.Stdin, a.stdout) },
	})
	return cmd
}

func benchExample(name string) string {
	return fmt.Sprintf("  tickring bench %[1]s\n  tickring bench %[1]s --cpus 2,3 --duration 10s --json | tail -1", name)
}

// benchmark is one that takes no flags of its own.
type benchmark struct {
	name, short string
	run         func(context.Context, *bench.Session, *benchFlags) (bench.Result, error)
}

var benchmarks = []benchmark{
	{"limit", "What this machine allows: cache lines, clocks, noise", func(ctx context.Context, s *bench.Session, f *benchFlags) (bench.Result, error) {
		return s.Limit(ctx, bench.Limit{Duration: time.Duration(f.duration)})
	}},
	{"rtt", "Round trip between two processes", func(ctx context.Context, s *bench.Session, f *benchFlags) (bench.Result, error) {
		return s.RTT(ctx, bench.RTT{Duration: time.Duration(f.duration)})
	}},
	{"order", "From a tick to the order that answers it", func(ctx context.Context, s *bench.Session, f *benchFlags) (bench.Result, error) {
		return s.Order(ctx, bench.Order{Duration: time.Duration(f.duration)})
	}},
	{"throughput", "Messages a second from one process to another", func(ctx context.Context, s *bench.Session, f *benchFlags) (bench.Result, error) {
		return s.Throughput(ctx, bench.Throughput{Duration: time.Duration(f.duration)})
	}},
}

// errInterrupted is that of a run that a signal ended, when its result has been shown.
var errInterrupted = errors.New("interrupted; the result is what there was until then")

// bench runs one benchmark and shows what it found.
func (a *app) bench(ctx context.Context, f *benchFlags, run func(context.Context, *bench.Session) (bench.Result, error)) error {
	s, progress, err := a.openBench(f)
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := run(ctx, s)
	progress.clear()
	if err != nil {
		return err
	}
	if err := showResult(a.stdout, r); err != nil {
		return err
	}
	if f.asJSON {
		if err := writeJSON(a.stdout, r); err != nil {
			return err
		}
	}
	if r.About().Interrupted {
		return errInterrupted
	}
	return nil
}

func (a *app) openBench(f *benchFlags) (*bench.Session, *benchProgress, error) {
	progress := &benchProgress{}
	if isTerminal(a.stderr) {
		progress.w = a.stderr
	}
	s, err := bench.Open(bench.Setup{CPUs: f.cpus, Dir: a.dir, Capacity: uint64(f.capacity), Progress: progress.report})
	if errors.Is(err, bench.ErrConfig) {
		err = &usageError{err}
	}
	return s, progress, err
}

// cpusFlag is a list of CPUs whose order means something.
type cpusFlag []int

func (f *cpusFlag) Type() string { return "LIST" }

func (f *cpusFlag) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*f)), " ", ","), "[]")
}

func (f *cpusFlag) Set(s string) error {
	*f = nil
	for part := range strings.SplitSeq(s, ",") {
		set, err := affinity.ParseSet(part)
		if err != nil || set.Empty() {
			return errors.New("want numbers of CPUs such as 2,3 or 4-7")
		}
		*f = append(*f, set.CPUs()...)
	}
	return nil
}

// durationFlag is a time above 0. 0: not given.
type durationFlag time.Duration

func (f *durationFlag) Type() string { return "DURATION" }

func (f *durationFlag) String() string {
	if *f == 0 {
		return ""
	}
	return time.Duration(*f).String()
}

func (f *durationFlag) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return errors.New("want a time above 0 such as 500ms, 5s or 2m")
	}
	*f = durationFlag(d)
	return nil
}
