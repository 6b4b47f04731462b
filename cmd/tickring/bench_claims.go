package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/bench"
)

func (a *app) benchClaimsCommand(f *benchFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "claims",
		Short: "What subscribers and gates cost the publisher",
		Long: `claims publishes block after block, and tells what a message costs the publisher with
nobody there, with 1 and 64 named subscribers that lag or sleep, and with 1 and 16 gates,
in step or as far behind as they may be, in turns; and how long those calls take that
claim a block, as a distribution. Beside it stands what a thread that only spins misses
on the same CPU: what the machine takes from a claim is in the claim's time.`,
		Example: benchExample("claims"),
		Args:    wantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bench(cmd.Context(), f, func(ctx context.Context, s *bench.Session) (bench.Result, error) {
				return s.Claims(ctx, bench.Claims{Duration: time.Duration(f.duration)})
			})
		},
	}
}
