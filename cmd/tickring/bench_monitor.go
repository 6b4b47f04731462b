package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/bench"
)

func (a *app) benchMonitorCommand(f *benchFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "monitor",
		Short: "What it costs publisher and subscriber to be looked at",
		Long: `monitor compares a stream and round trips with nobody looking and with 'tickring top' and
'tickring serve' attached, which look ten times a second; /metrics is scraped as often.
Messages have stamps, subscribers have names and histograms. The two take turns, and the
ratios are those of the turns.

Give a third CPU with --cpus, and the monitors run there. Without one they share those of
publisher and subscriber, and what they take of these is seen in "stream, all"; most of
the short pieces that "median piece" is of lie between two looks.

The JSON object has without and with: msgs_per_s, mean_msgs_per_s and rtt; the ratios of
both: rate_ratio, mean_rate_ratio, p50_ratio and p99_ratio, each with median, least and
most; and looking, what the monitors did.`,
		Example: `  tickring bench monitor
  tickring bench monitor --cpus 2,3,4 --duration 1m --json | tail -1`,
		Args: wantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			return a.bench(cmd.Context(), f, func(ctx context.Context, s *bench.Session) (bench.Result, error) {
				return s.Monitor(ctx, bench.Monitor{
					Duration: time.Duration(f.duration),
					Top:      func(dir string) []string { return []string{self, "top", "--dir", dir, "--every", "100ms"} },
					Serve: func(dir string) []string {
						return []string{self, "serve", "--dir", dir, "--every", "100ms", "--listen", "127.0.0.1:0"}
					},
				})
			})
		},
	}
}
