package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/bench"
)

func (a *app) benchWaitCommand(f *benchFlags) *cobra.Command {
	var every durationFlag
	cmd := &cobra.Command{
		Use:   "wait",
		Short: "Each wait strategy: latency against CPU used",
		Long: `wait compares what a subscriber can do while there is nothing to read: spin, yield,
back off, or sleep until a waker wakes it. It tells how long a message takes from its
publishing until it has been read, and what subscriber and waker take of CPUs: with
messages, and with nothing to do. Messages come seldom (--every), from a publisher that
sleeps between them.

A waker gets the third CPU of --cpus, and without one runs where the scheduler puts it.

The JSON object has an array, strategies: name, latency, ratio to the limit, cpu_percent
and cpu_idle_percent of subscriber and waker together, cpu and cpu_idle of each.`,
		Example: `  tickring bench wait
  tickring bench wait --cpus 2,3,4 --every 100us --json | tail -1`,
		Args: wantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bench(cmd.Context(), f, func(ctx context.Context, s *bench.Session) (bench.Result, error) {
				r, err := s.Wait(ctx, bench.Wait{Duration: time.Duration(f.duration), Every: time.Duration(every)})
				if errors.Is(err, bench.ErrConfig) {
					err = &usageError{err}
				}
				return r, err
			})
		},
	}
	cmd.Flags().Var(&every, "every", "from one message to the next (default: 1ms)")
	return cmd
}
