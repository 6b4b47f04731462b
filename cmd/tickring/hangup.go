package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// ownHangup is the annotation of a command to which SIGHUP means something else than the end.
const ownHangup = "hangup"

// endSignals are the signals that end a command in order. That its terminal is gone is one of
// them, unless whoever started it wants it to outlive the terminal (nohup).
func endSignals() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
}

// untilSignal is a context that ends with one of these signals. A second one has its usual
// effect.
func untilSignal(ctx context.Context, signals ...os.Signal) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// untilEnd is the context of a command.
func untilEnd(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	if _, own := cmd.Annotations[ownHangup]; own {
		return untilSignal(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	}
	return untilSignal(cmd.Context(), endSignals()...)
}
