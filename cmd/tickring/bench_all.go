package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/bench"
	"github.com/tickring/tickring/bench/report"
	"github.com/tickring/tickring/internal/text"
)

// suite is what 'bench all' runs, in this order.
func suite() []benchmark {
	return append(benchmarks[:len(benchmarks):len(benchmarks)],
		benchmark{name: "latency", run: func(ctx context.Context, s *bench.Session, f *benchFlags) (bench.Result, error) {
			return s.Latency(ctx, bench.Latency{Duration: time.Duration(f.duration)})
		}},
		benchmark{name: "wait", run: func(ctx context.Context, s *bench.Session, f *benchFlags) (bench.Result, error) {
			return s.Wait(ctx, bench.Wait{Duration: time.Duration(f.duration)})
		}},
		benchmark{name: "claims", run: func(ctx context.Context, s *bench.Session, f *benchFlags) (bench.Result, error) {
			return s.Claims(ctx, bench.Claims{Duration: time.Duration(f.duration)})
		}},
		benchmark{name: "ipc", run: func(ctx context.Context, s *bench.Session, f *benchFlags) (bench.Result, error) {
			return s.IPC(ctx, bench.IPC{Duration: time.Duration(f.duration)})
		}},
	)
}

func (a *app) benchAllCommand(f *benchFlags) *cobra.Command {
	var dir, peers string
	var names []string
	for _, b := range suite() {
		names = append(names, b.name)
	}
	cmd := &cobra.Command{
		Use:   "all",
		Short: "All benchmarks, with a report and pictures",
		Long: `all runs ` + strings.Join(names, ", ") + `
one after another and writes a report: report.md, report.json, and pictures as SVG and
PNG. The report is written anew after each benchmark, so that one that is interrupted
has what there is until then, and says so. A benchmark that fails is named there, and
the others go on. --duration is that of each.`,
		Example: `  tickring bench all -o report
  tickring bench all -o report --peers peers.json`,
		Args: wantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.benchAll(cmd.Context(), f, dir, peers) },
	}
	cmd.Flags().StringVarP(&dir, "output", "o", "tickring-bench", "directory of the report; it is made if it is not there")
	cmd.Flags().StringVar(&peers, "peers", "", "peers.json of 'make bench-peers', to be shown beside")
	_ = cmd.MarkFlagDirname("output") // fails only for a flag that is not there
	_ = cmd.MarkFlagFilename("peers", "json")
	return cmd
}

func (a *app) benchAll(ctx context.Context, f *benchFlags, dir, peers string) (err error) {
	if peers != "" {
		if err := report.CheckPeers(peers); err != nil {
			return err
		}
	}
	s, progress, err := a.openBench(f)
	if err != nil {
		return err
	}
	defer s.Close()
	out, err := report.New(dir)
	if err != nil {
		return err
	}
	interrupted, failed := a.runSuite(ctx, f, s, progress, out)
	if peers != "" {
		err = out.AddPeers(peers, s.CPUModel())
	}
	fmt.Fprintf(a.stdout, "\nThe report is %s.\n", out.Path())
	if f.asJSON {
		err = errors.Join(err, writeJSON(a.stdout, out))
	}
	switch {
	case err != nil || failed != nil:
		return errors.Join(err, failed)
	case interrupted:
		return errInterrupted
	}
	return nil
}

// runSuite runs one benchmark after another. The error is the first failure.
func (a *app) runSuite(ctx context.Context, f *benchFlags, s *bench.Session, progress *benchProgress, out *report.Report) (interrupted bool, failed error) {
	fail := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	all := suite()
	for i, b := range all {
		if ctx.Err() != nil {
			if err := out.Interrupt(); err != nil {
				fail(err)
			}
			return true, failed
		}
		progress.stage = fmt.Sprintf("%s (%d of %d): ", b.name, i+1, len(all))
		r, err := b.run(ctx, s, f)
		progress.clear()
		fmt.Fprintf(a.stdout, "%s== %s ==\n", strings.Repeat("\n", min(i, 1)), b.name)
		if err != nil {
			fmt.Fprintf(a.stdout, "failed: %s\n", text.OneLine(err))
			fail(err)
			err = out.AddFailure(b.name, err)
		} else {
			interrupted = interrupted || r.About().Interrupted
			err = errors.Join(showResult(a.stdout, r), out.Add(r))
		}
		if err != nil {
			return interrupted, err
		}
	}
	return interrupted, failed
}
