package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

type wakerOptions struct {
	ring     string
	idle     *wordFlag
	interval time.Duration
	cpu      int
	json     bool
	quiet    bool
}

func (a *app) wakerCommand() *cobra.Command {
	o := wakerOptions{idle: newWord("auto", "spin", "yield", "backoff")}
	cmd := &cobra.Command{
		Use:   "waker NAME",
		Short: "Wake the subscribers that sleep on a ring",
		Long: `waker wakes the subscribers of a ring that sleep until there is something to read
('sub --idle futex', ring.Sleeper). The publisher need not: waker follows the ring as
a subscriber does, and costs the publisher as much.

It is for the publisher's user, and follows the name: publishers come and go, the
ring may be made after waker was started, replaced, removed and made again. Without
a waker sleepers look for themselves every millisecond, so it can be killed and
started again at any time; two of them cover for each other. A signal ends it (exit
code 0).

While there is nothing new it spins, which wakes at once and wants a core of its own;
yields the core between looks (yield); or sleeps for up to 100 µs at a time (backoff),
which leaves the core to others and wakes that much later.

The JSON object: wakes is how often it woke who slept.`,
		Example: `  tickring waker es &
  tickring waker es --cpu 3                  # spins on a core of its own
  tickring sub es --idle futex`,
		Args:              wantRings("NAME"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.ring = args[0]
			if o.interval <= 0 {
				return usagef("invalid --interval %v: want a time above 0", o.interval)
			}
			return a.wake(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.Var(o.idle, "idle", "what to do while there is nothing new; auto: spin with --cpu, else backoff")
	f.DurationVar(&o.interval, "interval", 10*time.Microsecond, "least time between two wake-ups, in which messages gather")
	cpuFlag(cmd, &o.cpu)
	f.BoolVar(&o.json, "json", false, "end with one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no notes on stderr")
	must(cmd.RegisterFlagCompletionFunc("idle", completeWords(o.idle.words...)))
	return cmd
}

// wakerReport is what a waker did.
type wakerReport struct {
	Ring       string `json:"ring"`
	Wakes      uint64 `json:"wakes"`
	DurationNs int64  `json:"duration_ns"`
	Error      string `json:"error,omitempty"`
}

func (a *app) wake(ctx context.Context, o wakerOptions) error {
	opt := ring.WakerOptions{Dir: a.dir, Interval: o.interval, Wait: serverWait(o.idle, o.cpu)}
	if !o.quiet {
		opt.Notify = func(s ring.WakerState) {
			switch s {
			case ring.WakerAway:
				fmt.Fprintf(a.stderr, "tickring waker: ring %q is not there; waiting for it\n", o.ring)
			case ring.WakerFollowing:
				fmt.Fprintf(a.stderr, "tickring waker: ring %q is there; waking who sleeps on it\n", o.ring)
			}
		}
	}
	w, err := ring.NewWaker(o.ring, opt)
	if err != nil {
		return err
	}
	if err := pin(o.cpu); err != nil {
		return err
	}
	began := time.Now()
	err = w.Run(ctx)
	if ctx.Err() != nil {
		err = nil // a signal, which is how it ends
	}
	r := wakerReport{Ring: o.ring, Wakes: w.Wakes(), DurationNs: int64(time.Since(began))}
	if err != nil {
		r.Error = err.Error()
	}
	if werr := a.writeWaker(o, r); err == nil {
		err = werr
	}
	return err
}

func (a *app) writeWaker(o wakerOptions, r wakerReport) error {
	if o.json {
		return writeJSON(a.stdout, r)
	}
	if r.Error != "" {
		return nil // the error says it all
	}
	w := &lines{w: a.stdout}
	w.printf("woke       ring %s, %s in %s\n", r.Ring, text.CountOf(r.Wakes, "time", "times"), text.Ns(r.DurationNs))
	return w.err
}
