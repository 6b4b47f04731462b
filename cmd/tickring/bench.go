package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/bench"
)

// benchFlags are what all benchmarks have in common.
type benchFlags struct {
	asJSON   bool
	cpus     string
	duration time.Duration
}

func (a *app) benchCommand() *cobra.Command {
	f := &benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure tickring beside what this machine allows",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().BoolVar(&f.asJSON, "json", false, "end with one JSON object on the last line")
	cmd.PersistentFlags().StringVar(&f.cpus, "cpus", "", "CPUs to pin to, the publisher's first (default: two that suit each other)")
	cmd.AddCommand(
		&cobra.Command{
			Use:   "rtt",
			Short: "Round trip between two processes",
			Args:  wantArgs(),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.bench(cmd, f, func(s *bench.Session) (bench.Result, error) {
					return s.RTT(cmd.Context(), bench.RTT{Duration: f.duration})
				})
			},
		},
		&cobra.Command{
			Use:   "throughput",
			Short: "Messages a second from one process to another",
			Args:  wantArgs(),
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.bench(cmd, f, func(s *bench.Session) (bench.Result, error) {
					return s.Throughput(cmd.Context(), bench.Throughput{Duration: f.duration})
				})
			},
		},
		&cobra.Command{
			Use:    "child",
			Hidden: true,
			Args:   wantArgs(),
			RunE:   func(*cobra.Command, []string) error { return bench.Child(os.Stdin, a.stdout) },
		},
	)
	cmd.PersistentFlags().DurationVar(&f.duration, "duration", 0, "how long to measure (default: what suits the benchmark)")
	return cmd
}

func (a *app) bench(_ *cobra.Command, f *benchFlags, run func(*bench.Session) (bench.Result, error)) error {
	setup := bench.Setup{}
	if f.cpus != "" {
		set, err := affinity.ParseSet(f.cpus)
		if err != nil {
			return usagef("--cpus %s: %v", f.cpus, err)
		}
		setup.CPUs = set.CPUs()
	}
	s, err := bench.Open(setup)
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := run(s)
	if err != nil {
		return err
	}
	for _, t := range r.Tables() {
		if err := writeTable(a.stdout, t); err != nil {
			return err
		}
	}
	if f.asJSON {
		return writeJSON(a.stdout, r)
	}
	return nil
}

func writeTable(w io.Writer, t bench.Table) error {
	fmt.Fprintln(w, t.Title)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, n := range t.Notes {
		fmt.Fprintln(w, n)
	}
	return nil
}
