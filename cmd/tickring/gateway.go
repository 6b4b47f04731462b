package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/gateway"
	"github.com/tickring/tickring/order/risk"
	"github.com/tickring/tickring/ring"
)

type gatewayOptions struct {
	name     string
	venue    string
	limits   string
	md       string
	capacity sizeFlag
	idle     *wordFlag
	standby  bool
	measure  bool
	huge     bool
	cpu      int
	spikes   thresholdFlag
	json     bool
	quiet    bool
}

func (a *app) gatewayCommand() *cobra.Command {
	o := gatewayOptions{idle: newWord("auto", "spin", "yield", "backoff")}
	cmd := &cobra.Command{
		Use:         "gateway NAME",
		Short:       "Judge the orders of strategies and forward them to a venue",
		Annotations: map[string]string{ownHangup: "reads the limits again"},
		Long: `gateway reads the requests of all strategies, holds each against the limits, forwards
or refuses it, and passes on what the venue says. It finds the strategies by itself:
their rings are called NAME.in.1, NAME.in.2 and so on. Its own ring, NAME, is its journal:
one message for every input, and a checkpoint at the start of every block. The venue, the
strategies and whoever watches read that ring.

A gateway that was killed is started again, with the same name, and goes on: no request
is lost, judged twice or sent twice. With --standby it waits until the gateway of that name
has ended or died, and goes on in its place. One that is stopped keeps the ring;
'tickring fence' ends it. 'tickring rm NAME' forgets everything; orders that are open at
the venue then are unknown here.

The limits are a YAML file; 'tickring gateway --print-limits' prints an example that explains
all of it. On SIGHUP the file is read again, and holds from the next request on. A file with
an error changes nothing.

--md is a ring of DBN records (mbo, mbp-1, tbbo or trades), from which the prices come that
orders are held against. Without it orders for which a market is needed are refused.

While there is nothing to read the gateway spins, which wants a core of its own; yields
the core between looks (yield); or sleeps for up to 100 µs at a time (backoff).

A signal ends it (exit code 0). What is in hand then is left to the next one.

The JSON object: requests were judged, as forwarded or refused (refused_by counts by
reason); reports are those of the venue, illegal ones did not fit their orders and were not
applied; cancels were made by the gateway itself; skipped inputs had been judged by a gateway
that was killed before it could say so; held is how many requests waited for answers of
the venue, full how many inputs waited for it to read; order_ns is from the publishing
of a request to the gateway's read of it, tick_ns from the publishing of the market data that the
request answers to the same, both null without --measure.`,
		Example: `  tickring gateway --print-limits > limits.yaml
  tickring gateway gw --venue sim --limits limits.yaml --md es
  tickring gateway gw --venue sim --limits limits.yaml --md es --standby
  tickring kill gw --strategy 7 --cancel`,
		Args: wantRings("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return a.gateway(cmd.Context(), o)
		},
	}
	a.printsExample(cmd, "print-limits", "a file of limits", risk.Example)
	f := cmd.Flags()
	f.StringVar(&o.venue, "venue", "", "name of the venue and of its ring")
	f.StringVar(&o.limits, "limits", "", "file of the limits")
	f.StringVar(&o.md, "md", "", "ring of market data")
	f.Var(&o.capacity, "capacity", "size of the gateway's ring, a power of two from 256KiB to 1TiB (default: that of the ring that is there, or 64MiB)")
	f.Var(o.idle, "idle", "what to do while there is nothing to read; auto: spin with --cpu, else backoff")
	f.BoolVar(&o.standby, "standby", false, "wait for the end of the gateway of this name, and go on in its place")
	f.BoolVar(&o.measure, "measure", false, "keep latencies, which costs reading the clock with every message")
	f.BoolVar(&o.huge, "huge-pages", false, "back the ring with huge pages, where there are any")
	spikesFlag(cmd, &o.spikes, "record latencies of requests, and what holds the gateway's ring up, if that is")
	cpuFlag(cmd, &o.cpu)
	f.BoolVar(&o.json, "json", false, "end with one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no notes on stderr")
	must(cmd.RegisterFlagCompletionFunc("idle", completeWords(o.idle.words...)))
	must(cmd.RegisterFlagCompletionFunc("md", a.completeRing(anyNumber)))
	must(cmd.MarkFlagFilename("limits", "yaml", "yml"))
	return cmd
}

func (o *gatewayOptions) check() error {
	switch {
	case o.venue == "":
		return usagef("--venue is missing: the name of the venue's ring")
	case o.limits == "":
		return usagef("--limits is missing: the file of the limits; --print-limits prints an example")
	}
	return nil
}

func (a *app) gateway(ctx context.Context, o gatewayOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // before it is expected to be there
	defer signal.Stop(hangup)

	limits, err := risk.Load(o.limits)
	if err != nil {
		return err
	}
	say := func(string) {}
	if !o.quiet {
		say = func(what string) { fmt.Fprintf(a.stderr, "tickring gateway: %s\n", what) }
	}
	if err := pin(o.cpu); err != nil {
		return err
	}
	if o.spikes != 0 {
		runtime.LockOSThread() // who judges is watched
	}
	if o.standby {
		say(fmt.Sprintf("standing by for %s", o.name))
	}
	g, err := gateway.Open(ctx, gateway.Config{Dir: a.dir, Name: o.name, Venue: o.venue, MarketData: o.md, Limits: limits,
		Capacity: uint64(o.capacity), Source: "tickring gateway", HugePages: o.huge, Standby: o.standby, Measure: o.measure,
		Spikes: time.Duration(o.spikes),
		Wait:   serverWait(o.idle, o.cpu), Notify: say})
	switch {
	case errors.Is(err, ring.ErrConfig), errors.Is(err, ring.ErrName):
		return &usageError{err}
	case err != nil && ctx.Err() != nil:
		return errors.New("stopped by a signal while it stood by")
	case err != nil:
		return err
	}
	defer g.Close()
	first := g.State().Seq()
	say(fmt.Sprintf("going on after message %s of ring %s: %s, %s", text.Count(first), o.name,
		text.CountOf(uint64(len(g.State().Orders())), "open order", "open orders"),
		text.CountOf(uint64(g.State().Unanswered()), "request that the venue has not answered", "requests that the venue has not answered")))

	done := make(chan struct{})
	defer close(done)
	go reload(done, hangup, o.limits, g, func(err error) {
		fmt.Fprintf(a.stderr, "tickring gateway: %v; the limits stay as they are\n", err)
	})
	began := time.Now()
	err = g.Run(ctx)
	if ctx.Err() != nil {
		err = nil // a signal, which is how it ends
	}
	r := reportGateway(o.name, g, first, time.Since(began))
	if err != nil {
		r.Error = err.Error()
	}
	if werr := a.writeGateway(o, r); err == nil {
		err = werr
	}
	return err
}

// reload reads the limits again with every signal.
func reload(done <-chan struct{}, hangup <-chan os.Signal, path string, g *gateway.Gateway, failed func(error)) {
	for {
		select {
		case <-done:
			return
		case <-hangup:
		}
		limits, err := risk.Load(path)
		if err != nil {
			failed(err)
			continue
		}
		g.SetLimits(limits)
	}
}

// gatewayReport is what a gateway did.
type gatewayReport struct {
	Gateway    string            `json:"gateway"`
	First      uint64            `json:"first_seq"` // of its ring; 0: no message
	Last       uint64            `json:"last_seq"`
	DurationNs int64             `json:"duration_ns"`
	Requests   uint64            `json:"requests"`
	Forwarded  uint64            `json:"forwarded"`
	Refused    uint64            `json:"refused"`
	RefusedBy  map[string]uint64 `json:"refused_by"`
	Reports    uint64            `json:"reports"`
	Illegal    uint64            `json:"illegal"`
	Commands   uint64            `json:"commands"`
	Cancels    uint64            `json:"cancels"`
	Sessions   uint64            `json:"sessions"`
	Skipped    uint64            `json:"skipped"`
	Checks     uint64            `json:"checkpoints"`
	Market     uint64            `json:"market_data"`
	Lapped     uint64            `json:"market_data_lapped"`
	Held       uint64            `json:"held"`
	Full       uint64            `json:"full"`
	Open       int               `json:"open_orders"`
	Unanswered int               `json:"unanswered"`
	Order      *percentiles      `json:"order_ns"`
	Tick       *percentiles      `json:"tick_ns"`
	Error      string            `json:"error,omitempty"`
}

func reportGateway(name string, g *gateway.Gateway, before uint64, d time.Duration) *gatewayReport {
	c, s := g.Counts(), g.State()
	r := &gatewayReport{Gateway: name, DurationNs: int64(d), Requests: c.Requests, Forwarded: c.Forwarded, Refused: c.Refused,
		RefusedBy: map[string]uint64{}, Reports: c.Reports, Illegal: c.Illegal, Commands: c.Commands, Cancels: c.Cancels,
		Sessions: c.Sessions, Skipped: c.Skipped, Checks: c.Checks, Market: c.Market, Lapped: c.Lapped, Held: c.Held, Full: c.Full,
		Open: len(s.Orders()), Unanswered: s.Unanswered()}
	if s.Seq() > before {
		r.First, r.Last = before+1, s.Seq()
	}
	for text, n := range c.ByText {
		if n > 0 {
			r.RefusedBy[order.Text(text).String()] = n
		}
	}
	if l := g.Latencies(); l != nil {
		r.Order, r.Tick = percentilesOf(l.Order, l.Order.Max()), percentilesOf(l.Tick, l.Tick.Max())
	}
	return r
}

func (a *app) writeGateway(o gatewayOptions, r *gatewayReport) error {
	if o.json {
		return writeJSON(a.stdout, r)
	}
	d := time.Duration(r.DurationNs)
	w := &lines{w: a.stdout}
	w.printf("judged     %s in %s: %s\n", text.CountOf(r.Requests, "request", "requests"), text.Ns(r.DurationNs), text.Rate(r.Requests, d))
	w.printf("forwarded  %s\n", text.Count(r.Forwarded))
	w.printf("refused    %s\n", text.Count(r.Refused))
	if r.Refused > 0 {
		w.printf("because    %s\n", countsText(r.RefusedBy))
	}
	w.printf("reports    %s, %s that did not fit\n", text.Count(r.Reports), text.Count(r.Illegal))
	if r.Cancels+r.Commands > 0 {
		w.printf("canceled   %s by itself, %s of the operator\n", text.Count(r.Cancels), text.CountOf(r.Commands, "command", "commands"))
	}
	if r.Held+r.Full > 0 {
		w.printf("waited     %s for answers of the venue, %s for it to read\n", text.CountOf(r.Held, "request", "requests"), text.CountOf(r.Full, "input", "inputs"))
	}
	w.printf("open       %s, %s\n", text.CountOf(uint64(r.Open), "order", "orders"), text.CountOf(uint64(r.Unanswered), "request unanswered", "requests unanswered"))
	w.printf("ring       %s, %s, %s\n", r.Gateway, numbersText(r.First, r.Last), text.CountOf(r.Checks, "checkpoint", "checkpoints"))
	for _, l := range []struct {
		name string
		p    *percentiles
	}{{"order", r.Order}, {"tick", r.Tick}} {
		if l.p != nil && l.p.Count > 0 {
			w.printf("%-10s %s\n", l.name, strings.TrimSpace(l.p.text()))
		}
	}
	return w.err
}
