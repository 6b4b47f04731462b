package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/bench"
)

func (a *app) benchIPCCommand(f *benchFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "ipc",
		Short: "The operating system's ways on the same work",
		Long: `ipc sends messages of one line by the operating system's ways, by the ring, and as
raw cache lines, in turns: round trips with one message in flight, and streams that
lose nothing. The ways: futex and eventfd with the messages in shared memory, pipe,
Unix sockets, TCP over loopback, POSIX message queue, and, in one process, Go channel.

They block in the kernel, in plain system calls of pinned threads, not in Go's poller;
the ring's sides spin. A way that this system does not have is skipped and says why.

The JSON object has an array, ways: name, rtt, ratio and ratio_ring of round trips,
msgs_per_s, rate_ratio and rate_ratio_ring of streams; or skipped, and why.`,
		Example: benchExample("ipc"),
		Args:    wantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bench(cmd.Context(), f, func(ctx context.Context, s *bench.Session) (bench.Result, error) {
				return s.IPC(ctx, bench.IPC{Duration: time.Duration(f.duration)})
			})
		},
	}
}
