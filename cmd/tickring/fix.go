package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order/fix"
	"github.com/tickring/tickring/order/venue"
	"github.com/tickring/tickring/ring"
)

type fixOptions struct {
	name     string
	gateway  string
	config   string
	capacity sizeFlag
	idle     *wordFlag
	cpu      int
	json     bool
	quiet    bool
}

func (a *app) fixCommand() *cobra.Command {
	o := fixOptions{idle: newWord("auto", "spin", "yield", "backoff")}
	cmd := &cobra.Command{
		Use:   "fix NAME --gateway GATEWAY --config FILE",
		Short: "Take orders to a venue that speaks FIX 4.4",
		Long: `fix is the venue of a gateway: it sends the orders that the gateway forwards to a
counterparty, in a session of FIX 4.4 of which it is the initiator, and publishes what that
reports in its own ring, NAME. The gateway is started with --venue NAME; either may come
first. The session begins when the gateway's ring is there.

FILE has the settings of the session, as quickfix has them, and a section [SYMBOLS] with a
line SecurityID=Symbol for each instrument; 'tickring fix --print-config' prints an
example. The directory FileStorePath keeps the numbers of the session, and with FileLogPath
every message is written down.

A request is published as pending before it is sent, and is sent once or not at all. Killed,
fix is started again with the same name and goes on: what had no answer is in doubt until
the counterparty has told of it, and is not sent again. While there is no session requests
are refused. docs/orders.md has more.

While there is nothing to do it spins, which wants a core of its own; yields the core
between looks (yield); or sleeps for up to 100 µs at a time (backoff).

A signal ends it, after a logout (exit code 0, or 1 if the session never was logged on). The
orders stay open.

The JSON object: requests of the gateway and the reports that were published; sent and
messages count those of the session, without its own; repeated are reports of what had been
reported, unmatched are messages that fitted no order and were not reported; withheld are
requests that the counterparty asked for again and did not get; last is what was last said
of the session.`,
		Example: `  tickring fix --print-config > broker.cfg
  tickring fix broker --gateway gw --config broker.cfg
  tickring gateway gw --venue broker --limits limits.yaml --md es`,
		Args: wantRings("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return a.fix(cmd.Context(), o)
		},
	}
	a.printsExample(cmd, "print-config", "a file of settings", fix.Example)
	f := cmd.Flags()
	f.StringVar(&o.gateway, "gateway", "", "name of the gateway, and of its ring")
	f.StringVar(&o.config, "config", "", "file of the session's settings and the symbols")
	f.Var(&o.capacity, "capacity", "size of the ring of reports, a power of two from 1MiB (default: that of the ring that is there, or 8MiB)")
	f.Var(o.idle, "idle", "what to do while there is nothing to do; auto: spin with --cpu, else backoff")
	cpuFlag(cmd, &o.cpu)
	f.BoolVar(&o.json, "json", false, "end with one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no notes on stderr")
	must(cmd.MarkFlagFilename("config", "cfg"))
	must(cmd.RegisterFlagCompletionFunc("gateway", a.completeRing(anyNumber)))
	must(cmd.RegisterFlagCompletionFunc("idle", completeWords(o.idle.words...)))
	return cmd
}

func (o *fixOptions) check() error {
	switch {
	case o.gateway == "":
		return usagef("--gateway is missing: the name of the gateway's ring")
	case o.config == "":
		return usagef("--config is missing: the file of the session's settings; --print-config prints an example")
	}
	return nil
}

// sessionNotes keeps what was last said of a session, and says it unless it was said just
// before: who cannot connect tries again and again.
type sessionNotes struct {
	mu   sync.Mutex
	last string
	say  func(string)
}

func (n *sessionNotes) note(e fix.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.Text != n.last || e.Kind == fix.Unmatched {
		n.say(e.Text)
	}
	if e.Kind != fix.Unmatched {
		n.last = e.Text
	}
}

func (a *app) fix(ctx context.Context, o fixOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	file, err := os.Open(o.config)
	if err != nil {
		return err
	}
	cfg, err := fix.ReadConfig(file, o.config)
	file.Close()
	if err != nil {
		return err
	}
	say := func(string) {}
	if !o.quiet {
		say = func(what string) { fmt.Fprintf(a.stderr, "tickring fix: %s\n", what) }
	}
	if err := pin(o.cpu); err != nil {
		return err
	}
	notes := &sessionNotes{say: say}
	cfg.Notify = notes.note
	s, err := fix.New(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	began := time.Now()
	counts, err := venue.Run(ctx, venue.Config{Dir: a.dir, Name: o.name, Gateway: o.gateway, Capacity: uint64(o.capacity),
		Source: "tickring fix", Wait: serverWait(o.idle, o.cpu), Notify: func(e venue.Event) {
			switch e {
			case venue.GatewayFound:
				say("found ring " + o.gateway + " of the gateway")
			case venue.GatewayUp:
				say("the gateway is up")
			case venue.GatewayDown:
				say("the gateway is down")
			case venue.GatewayNew:
				say("ring " + o.gateway + " was removed and made again: no order is open here, whatever the venue has")
			}
		}}, s)
	if errors.Is(err, venue.ErrConfig) || errors.Is(err, ring.ErrConfig) || errors.Is(err, ring.ErrName) {
		return &usageError{err}
	}
	if ctx.Err() != nil {
		err = nil // a signal, which is how it ends
	}
	s.Close()
	r := &fixReport{Venue: o.name, DurationNs: int64(time.Since(began)), Requests: counts.Requests, Reports: counts.Reports,
		Recovered: counts.Recovered, Held: counts.Held, Counts: s.Counts()}
	notes.mu.Lock()
	r.Last = notes.last
	notes.mu.Unlock()
	if err == nil && r.Logons == 0 {
		err = errors.New("the session was never logged on: " + orText(r.Last, "the gateway's ring was not found"))
	}
	if err != nil {
		r.Error = err.Error()
	}
	if werr := a.writeFix(o, r); err == nil {
		err = werr
	}
	return err
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// fixReport is what a session did.
type fixReport struct {
	Venue      string `json:"venue"`
	DurationNs int64  `json:"duration_ns"`
	Requests   uint64 `json:"requests"`
	Reports    uint64 `json:"reports"`
	Recovered  int    `json:"recovered"`
	Held       uint64 `json:"held"`
	fix.Counts
	Last  string `json:"last,omitempty"`
	Error string `json:"error,omitempty"`
}

func (a *app) writeFix(o fixOptions, r *fixReport) error {
	if o.json {
		return writeJSON(a.stdout, r)
	}
	w := &lines{w: a.stdout}
	w.printf("requests   %s of gateway %s in %s\n", text.Count(r.Requests), o.gateway, text.Ns(r.DurationNs))
	w.printf("session    %s, %s sent, %s of the venue\n", text.CountOf(r.Logons, "logon", "logons"), text.Messages(r.Sent), text.Messages(r.Messages))
	if r.Repeated+r.Unmatched+r.Withheld > 0 {
		w.printf("besides    %s of what was known, %s that fitted no order, %s withheld\n", text.CountOf(r.Repeated, "report", "reports"),
			text.Messages(r.Unmatched), text.CountOf(r.Withheld, "request", "requests"))
	}
	w.printf("ring       %s, %s, %s at the start\n", r.Venue, text.CountOf(r.Reports, "report", "reports"),
		text.CountOf(uint64(r.Recovered), "open order", "open orders"))
	return w.err
}
