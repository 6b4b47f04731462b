package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

type subOptions struct {
	ring        string
	from        fromFlag
	rejoin      rejoinFlag
	count       uint64
	untilClosed bool
	noWait      bool
	name        string
	anonymous   bool
	print       bool
	idle        idleFlags
	json        bool
	quiet       bool
	spikes      thresholdFlag
}

func (a *app) subCommand() *cobra.Command {
	var o subOptions
	cmd := &cobra.Command{
		Use:   "sub NAME",
		Short: "Read a ring as a strategy would, and measure",
		Long: `sub reads the messages of a ring, counts them, and measures how long each took
from the publisher's hand to its own.

It may be started before the ring is there, and waits for it then. It goes on until
a signal ends it, which is the usual way to stop it (exit code 0); with --count
until it has so many messages; with --until-closed until the publisher has closed
the ring and everything was read. A publisher that dies has not closed the ring:
sub says so and waits for the next one, which goes on with the sequence.

The default is to begin with the oldest message that the ring still has. --from
latest begins with the next one that is published, --from seq:N with number N, --from
mark with the last snapshot that the publisher has marked.

A subscriber that is too slow is overrun, and loses what was overwritten. --rejoin says
where it goes on: with the oldest messages that are not about to be overwritten, in
the middle of the ring, with the newest block, or with the last snapshot, if there is
one that it has not read.

A subscriber is known to others ('tickring stat') by its name, by default sub-PID-
and four random digits. Its file goes when it ends, unless it was named with --name:
then the file stays,
and a later subscriber of that name goes on where this one ended (--from cursor,
the default then). --anonymous leaves no trace at all, and has no latencies.

If the name is that of a gate ('tickring replay --gate'), the publisher waits for sub,
which gets what the gate has not read yet and loses nothing. A gate that holds the
publisher for too long is demoted; sub says so and goes on.

` + idleHelp + `

The JSON object: delivered, bytes and by_type were read (by_type counts MBO by
action, raw ITCH by type letter, other records by schema); lost were overwritten
before they were read, in so many gaps; duration_ns is from the first message to
the last; latency_ns is from publish to read, of the messages that were published
after sub joined, null with --anonymous; gate is holding, demoted or dropped if the
publisher waits for this name or did.`,
		Example: `  tickring sub es
  tickring sub es --until-closed --json
  tickring sub es --from latest --count 10 --print
  tickring sub es --name alpha --cpu 2
  tickring sub es --name alpha --reserve --no-gc
  tickring sub es --from mark --rejoin mark`,
		Args:              wantRings("NAME"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.ring = args[0]
			if cmd.Flags().Changed("count") && o.count == 0 {
				return usagef("invalid --count 0: want a number of messages above 0")
			}
			return a.subscribe(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.Var(&o.from, "from", "where to begin (default oldest)")
	f.Var(&o.rejoin, "rejoin", "where to go on after an overrun")
	f.Uint64Var(&o.count, "count", 0, "end after so many messages")
	f.BoolVar(&o.untilClosed, "until-closed", false, "end when the ring is closed and everything was read")
	f.BoolVar(&o.noWait, "no-wait", false, "fail if the ring is not there")
	f.StringVar(&o.name, "name", "", "name of the subscriber, whose file stays (default: sub-PID-XXXX, and the file goes)")
	f.BoolVar(&o.anonymous, "anonymous", false, "have no name, no file and no latencies")
	f.BoolVar(&o.print, "print", false, "print a line for each message; the summary goes to stderr then, unless it is JSON")
	o.idle.register(cmd)
	spikesFlag(cmd, &o.spikes, "record latencies")
	f.BoolVar(&o.json, "json", false, "end with one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no notes on stderr")
	cmd.MarkFlagsMutuallyExclusive("name", "anonymous")
	cmd.MarkFlagsMutuallyExclusive("spikes", "anonymous")
	must(cmd.RegisterFlagCompletionFunc("from", completeWords("oldest", "latest", "cursor", "mark", "seq:")))
	must(cmd.RegisterFlagCompletionFunc("rejoin", completeWords(rejoinWords...)))
	must(cmd.RegisterFlagCompletionFunc("name", a.completeSub))
	return cmd
}

// subReport is what a subscriber read.
type subReport struct {
	Ring       string            `json:"ring"`
	Name       string            `json:"name"`
	Schema     string            `json:"schema"`
	Delivered  uint64            `json:"delivered"`
	Lost       uint64            `json:"lost"`
	Gaps       uint64            `json:"gaps"`
	Bytes      uint64            `json:"bytes"`
	ByType     map[string]uint64 `json:"by_type"`
	DurationNs int64             `json:"duration_ns"`
	FirstSeq   uint64            `json:"first_seq"` // 0: no message
	LastSeq    uint64            `json:"last_seq"`
	Latency    *percentiles      `json:"latency_ns"`
	Negative   uint64            `json:"latencies_below_0"`
	Spikes     uint64            `json:"spikes,omitempty"` // with --spikes
	Gate       string            `json:"gate,omitempty"`   // holding, demoted or dropped
	Error      string            `json:"error,omitempty"`
}

func (a *app) subscribe(ctx context.Context, o subOptions) error {
	cfg := followConfig{
		dir: a.dir, ring: o.ring, owner: uint32(a.owner), name: o.name, from: o.from, rejoin: o.rejoin,
		noWait: o.noWait, untilClosed: o.untilClosed, idle: o.idle, command: "sub", spikes: time.Duration(o.spikes),
	}
	if !o.quiet {
		cfg.notes = a.stderr
	}
	switch {
	case o.anonymous:
	case o.name == "":
		// Process ids are not unique where containers share a directory.
		cfg.name = fmt.Sprintf("sub-%d-%04x", os.Getpid(), rand.Uint32N(1<<16))
		cfg.ephemeral = true
	default:
		if err := ring.CheckName(o.name); err != nil {
			return usagef("--name %s: %w", text.Clipped(o.name), err)
		}
	}
	if err := o.idle.core.take(o.idle.cpu); err != nil {
		return err
	}
	s := &subscription{follow: newFollower(ctx, cfg), tally: newTally(""), count: o.count}
	if o.count == 0 {
		s.count = math.MaxUint64
	}
	if o.print {
		s.printer = &printer{w: bufio.NewWriterSize(a.stdout, 64<<10)}
	}
	err := s.follow.join(ctx)
	if err == nil {
		err = s.follow.guard(func() error { return s.read(ctx) })
	}
	last := s.follow.silentSince(time.Now())
	if s.printer != nil {
		if ferr := s.printer.w.Flush(); err == nil {
			err = ferr
		}
	}
	s.follow.leave()
	if errors.Is(err, errStopped) {
		err = nil
	}
	r := s.report(last)
	if err != nil {
		r.Error = err.Error()
	}
	if werr := a.writeSub(o, r, err); err == nil {
		err = werr
	}
	return err
}

// subscription is a follower that counts.
type subscription struct {
	follow              *follower
	tally               *tally
	printer             *printer // or nil
	count               uint64   // to end after
	firstSeq, latestSeq uint64
	began               time.Time
}

// read reads to the end.
func (s *subscription) read(ctx context.Context) error {
	sub := s.follow.sub
	s.useSchema()
	for s.tally.messages < s.count {
		msg, st := sub.Next()
		if st != ring.Message {
			if s.follow.polls == 0 && s.printer != nil && st == ring.Empty {
				if err := s.printer.w.Flush(); err != nil {
					return err
				}
			}
			done, err := s.follow.pause(ctx, st)
			if done || err != nil {
				return err
			}
			if sub != s.follow.sub {
				sub = s.follow.sub
				s.useSchema()
			}
			continue
		}
		s.follow.polls = 0
		if s.tally.messages == 0 {
			s.began, s.firstSeq = time.Now(), sub.Seq()
		}
		s.tally.add(sub.Type(), msg)
		s.latestSeq = sub.Seq()
		if s.printer != nil {
			if err := s.printer.print(sub.Seq(), sub.Type(), msg); err != nil {
				return err
			}
		}
		if s.follow.stop.Load() {
			return nil
		}
	}
	return nil
}

func (s *subscription) useSchema() {
	schema, _ := s.follow.sub.Schema()
	s.tally.use(schema)
	if s.printer != nil {
		s.printer.use(schema)
	}
}

func (s *subscription) report(last time.Time) *subReport {
	r := &subReport{
		Ring: s.follow.cfg.ring, Name: s.follow.cfg.name, Schema: s.tally.schema,
		Delivered: s.tally.messages, Lost: s.follow.lost, Gaps: s.follow.gaps, Bytes: s.tally.bytes, ByType: s.tally.byType(),
		FirstSeq: s.firstSeq, LastSeq: s.latestSeq, Negative: s.follow.negative, Spikes: s.follow.spikes,
		Gate: monitor.GateWord(s.follow.gate),
	}
	if s.tally.messages > 0 {
		r.DurationNs = max(0, int64(last.Sub(s.began)))
	}
	if s.follow.cfg.name != "" {
		r.Latency = percentilesOf(s.follow.latency, int64(s.follow.largest))
	}
	return r
}

func (a *app) writeSub(o subOptions, r *subReport, failed error) error {
	if o.json {
		return writeJSON(a.stdout, r)
	}
	if r.Schema == "" && r.Delivered == 0 || errors.Is(failed, syscall.EPIPE) {
		return nil // it never saw the ring, or nobody is there to read
	}
	w := &lines{w: a.stdout}
	if o.print {
		w.w = a.stderr // stdout is for messages
	}
	w.printf("delivered  %s, %s, in %s: %s\n", text.Messages(r.Delivered), text.Bytes(r.Bytes), text.Ns(r.DurationNs), text.Rate(r.Delivered, time.Duration(r.DurationNs)))
	w.printf("lost       %s\n", lostText(r.Lost, r.Gaps))
	if r.Gate != "" {
		w.printf("gate       %s\n", r.Gate)
	}
	w.printf("ring       %s, %s, %s\n", r.Ring, numbersText(r.FirstSeq, r.LastSeq), r.Schema)
	w.printf("by type    %s\n", countsText(r.ByType))
	if r.Latency != nil {
		w.printf("latency    %s\n", r.Latency.text())
	}
	if o.spikes != 0 {
		w.printf("spikes     %s of at least %v\n", text.Count(r.Spikes), &o.spikes)
	}
	return w.err
}
