package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/feed/replay"
	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/ring"

	"github.com/tickring/tickring/internal/text"
	_ "time/tzdata" // for --date, on machines without a time zone database
)

type replayOptions struct {
	path     string
	ring     string
	capacity sizeFlag
	gates    gateFlag
	speed    speedFlag
	rate     rateFlag
	as       *wordFlag
	format   *wordFlag
	date     dateFlag
	wait     int
	silently bool // say nothing of waiting
	standby  bool
	group    bool
	waker    bool
	huge     bool
	cpu      int
	core     coreFlags
	spikes   thresholdFlag
	json     bool
	quiet    bool
}

func (a *app) replayCommand() *cobra.Command {
	o := replayOptions{as: newWord("dbn", "raw"), format: newWord("auto", "dbn", "frag", "itch")}
	cmd := &cobra.Command{
		Use:   "replay FILE --ring NAME",
		Short: "Publish a market-data file into a ring",
		Long: `replay publishes the messages of a file into a ring, as its one publisher.

FILE is a DBN file (version 1, 2 or 3, plain or zstd), a DBN fragment (records
without a file header), or a Nasdaq TotalView-ITCH 5.0 BinaryFILE (plain or gzip).
What it is shows in its content; its name matters for fragments (.frag) only. It may
be a pipe, and '-' is standard input.

ITCH becomes DBN MBO records, or goes as it is with --as raw. Of DBN both are the
same. The times of ITCH are those of a day; --date says of which.

The ring is made if it is not there. If it is there, and its last publisher has
ended or was killed, its sequence goes on; if it cannot hold these messages, because
its schema or size is another one, a new ring takes its place. It stays when replay ends, for
subscribers to read to the end; 'tickring rm' removes it.

A message costs its size and 8 bytes, rounded up to 64. A subscriber that falls
further behind than the ring's capacity loses messages and knows which; replay
never waits for one, except before it begins (--wait).

Gates are the exception. --gate makes the subscriber of that name one, whether it is
there yet or not: what it has not read is not overwritten, and replay waits. The
messages wait too, through the end of any process, for whoever opens the name next.
A gate may hold replay for ever; with hold=TIME for so long, then it is demoted; with
drop-dead while a process has it open, else it is dropped. Demoted and dropped gates
go on as subscribers that may lose messages. owner=USER lets another user open the
gate. A ring keeps its gates: name one again to change its policy or to make it a
gate again. A message that was held up leaves late, and is counted as late.

With --standby it waits until the ring's publisher, a replay of the same file, has
ended or died, and goes on with the message after the last one that is in the ring:
none is missing and none doubled. Message number n of the ring has to be the n-th
of FILE, so the ring must have had nothing else since it was made, and FILE and
--as have to be the same; the standby compares them as it reads along. A
publisher that is stopped keeps the ring; 'tickring fence' ends it. If the
publisher has come to the end, so has the standby.

On a fault in the file, what was read before it has been published. A signal ends
the replay early. Both exit with 1.

The JSON object: messages, bytes and by_type were published (by_type counts MBO by
action, raw ITCH by type letter, other records by schema); lost is what the file
had and the ring did not take, 0 but for an error; late_ns is how late messages
left against their schedule, null at maximum speed; unknown_orders is how many
ITCH messages name an order that the file does not have; held is how many messages
had to wait for a gate, held_ns how long they waited in all; demoted and dropped are
the gates that replay has let go.`,
		Example: `  tickring replay es.mbo.dbn.zst --ring es
  tickring replay es.mbo.dbn.zst --ring es --speed 10 --wait 2
  tickring replay 01302020.NASDAQ_ITCH50.gz --ring itch --as raw --rate 1000000
  tickring replay es.mbo.dbn.zst --ring es --speed 1 --standby
  tickring replay orders.dbn --ring orders --gate risk --gate audit,hold=5s,drop-dead
  tickring replay day.itch50 --ring day --date 2020-01-30 --cpu 3 --json`,
		Args: wantArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.path = args[0]
			return a.replay(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.ring, "ring", "", "name of the ring")
	f.Var(&o.capacity, "capacity", "size of the ring, a power of two from 256KiB to 1TiB (default: that of the ring that is there, or 64MiB)")
	f.Var(&o.gates, "gate", "subscriber to wait for, and how long; may be given several times")
	f.Var(&o.speed, "speed", "as fast as possible, or a factor on the file's own pace")
	f.Var(&o.rate, "rate", "messages a second, instead of --speed")
	f.Var(o.as, "as", "what to publish of ITCH")
	f.Var(o.format, "format", "what FILE is")
	f.Var(&o.date, "date", "day of an ITCH file (default: times count from midnight)")
	f.IntVar(&o.wait, "wait", 0, "begin when so many named subscribers have joined")
	f.BoolVar(&o.silently, "wait-silently", false, "say nothing of waiting")
	must(f.MarkHidden("wait-silently")) // for demo, whose subscribers are on their way
	f.BoolVar(&o.standby, "standby", false, "wait for the end of the ring's publisher, and go on in its place")
	f.BoolVar(&o.waker, "waker", false, "wake subscribers that sleep (--idle futex), in a thread beside the publisher")
	f.BoolVar(&o.group, "group", false, "let the group of the directory of rings read this one")
	f.BoolVar(&o.huge, "huge-pages", false, "back the ring with huge pages, where there are any; a standby takes a large ring over much sooner then")
	cpuFlag(cmd, &o.cpu)
	o.core.register(cmd)
	spikesFlag(cmd, &o.spikes, "record how late messages leave, and how long gates hold it, if that is")
	f.BoolVar(&o.json, "json", false, "end with one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no notes on stderr")
	cmd.MarkFlagsMutuallyExclusive("speed", "rate")
	cmd.MarkFlagsMutuallyExclusive("standby", "wait")
	must(cmd.MarkFlagRequired("ring"))
	must(cmd.RegisterFlagCompletionFunc("ring", a.completeRing(anyNumber)))
	must(cmd.RegisterFlagCompletionFunc("gate", a.completeGate))
	must(cmd.RegisterFlagCompletionFunc("as", completeWords(o.as.words...)))
	must(cmd.RegisterFlagCompletionFunc("format", completeWords(o.format.words...)))
	must(cmd.RegisterFlagCompletionFunc("speed", completeWords("max", "1", "10")))
	return cmd
}

// replayReport is what a replay did.
type replayReport struct {
	File          string            `json:"file"`
	Ring          string            `json:"ring"`
	Schema        string            `json:"schema"`
	Source        string            `json:"source"`
	Messages      uint64            `json:"messages"`
	Lost          uint64            `json:"lost"`
	Bytes         uint64            `json:"bytes"`
	ByType        map[string]uint64 `json:"by_type"`
	DurationNs    int64             `json:"duration_ns"`
	FirstSeq      uint64            `json:"first_seq"` // 0: no message
	LastSeq       uint64            `json:"last_seq"`
	Late          *percentiles      `json:"late_ns"`
	Held          uint64            `json:"held"` // messages that had to wait for a gate
	HeldNs        int64             `json:"held_ns"`
	Demoted       []string          `json:"demoted,omitempty"` // gates
	Dropped       []string          `json:"dropped,omitempty"`
	UnknownOrders uint64            `json:"unknown_orders"`
	Anomalies     map[string]uint64 `json:"anomalies,omitempty"`
	Replaced      string            `json:"replaced,omitempty"` // why the ring was made anew
	Error         string            `json:"error,omitempty"`

	firstAnomaly string
}

func (a *app) replay(ctx context.Context, o replayOptions) error {
	if err := ring.CheckName(o.ring); err != nil {
		return usagef("--ring %s: %w", text.Clipped(o.ring), err)
	}
	if o.wait < 0 {
		return usagef("invalid --wait %d: want a number of subscribers", o.wait)
	}
	report := replayReport{File: o.path, Ring: o.ring, ByType: map[string]uint64{}}
	err := a.publishFile(ctx, o, &report)
	var usage *usageError
	if errors.As(err, &usage) {
		return err
	}
	if err != nil {
		report.Error = err.Error()
	}
	if werr := a.writeReplay(o, &report); err == nil {
		err = werr
	}
	return err
}

// publishFile does the work; report says how far it came, whatever the error.
func (a *app) publishFile(ctx context.Context, o replayOptions, report *replayReport) error {
	s, err := openSession(ctx, o.path, sessionConfig{format: o.format.value, raw: o.as.value == "raw", midnight: o.date.nanos()})
	if err != nil {
		return err
	}
	defer s.close()
	report.Schema, report.Source = s.schema, s.source

	if err := o.core.take(o.cpu); err != nil {
		return err
	}
	gates := &gateWatch{dir: a.dir, ring: o.ring}
	if !o.quiet {
		gates.notes = a.stderr
	}
	ringCfg := ring.Config{
		Dir:        a.dir,
		Capacity:   uint64(o.capacity),
		Schema:     s.schema,
		SchemaHash: schemaHash(s.schema),
		Source:     s.source,
		Group:      o.group,
		Waker:      o.waker,
		Gates:      o.gates,
		OnDemote:   gates.onDemote,
		HugePages:  o.huge,
		Spikes:     time.Duration(o.spikes),
	}
	if o.spikes != 0 {
		runtime.LockOSThread() // who publishes is watched
	}
	var pub *ring.Publisher
	if o.standby {
		pub, err = a.standBy(ctx, o, s, ringCfg)
	} else {
		pub, err = ring.Create(o.ring, ringCfg)
	}
	if errors.Is(err, ring.ErrConfig) {
		return &usageError{err}
	}
	if err != nil {
		return err
	}
	defer pub.Close()
	if why := pub.Replaced(); why != nil {
		report.Replaced = text.OneLine(why)
		if !o.quiet {
			fmt.Fprintf(a.stderr, "tickring replay: ring %q was made anew: %s; its numbers go on with %s\n", o.ring, report.Replaced, text.Count(pub.Seq()+1))
		}
	}
	if err := a.awaitSubscribers(ctx, o); err != nil {
		return err
	}

	cfg := replay.Config{Speed: float64(o.speed), Rate: float64(o.rate)}
	if !o.quiet && isTerminal(a.stderr) {
		gates.progress.printer = replay.NewProgressPrinter(a.stderr, s.file.size)
		cfg.Progress = gates.progress.report
	}
	sink := &gatedSink{ctx: ctx, pub: pub, tally: newTally(s.schema), gates: gates}
	before, began := pub.Seq(), time.Now()
	var result replay.Result
	err = mmap.Guard(func() (err error) {
		result, err = replay.Run(ctx, s.messages, sink, cfg)
		return err
	})
	if errors.Is(err, mmap.ErrFault) {
		err = fmt.Errorf("publish on ring %q: %w", o.ring, err)
	}
	report.DurationNs = int64(time.Since(began))
	report.Messages, report.Bytes, report.ByType = sink.tally.messages, sink.tally.bytes, sink.tally.byType()
	report.Lost = sink.refused
	report.Held, report.HeldNs, report.Demoted, report.Dropped = gates.held, int64(gates.heldFor), gates.demoted, gates.dropped
	if report.Messages > 0 {
		report.FirstSeq, report.LastSeq = before+1, pub.Seq()
	}
	if result.Late != nil {
		report.Late = percentilesOf(result.Late, int64(result.LateWorst))
	}
	if s.book != nil {
		report.addAnomalies(s.book.Stats())
	}
	if n := sink.tally.unknown(); n > 0 && !o.quiet {
		fmt.Fprintf(a.stderr, "tickring replay: %s has %s not known here, published as they are\n",
			o.path, text.CountOf(n, "record of a type", "records of types"))
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("stopped by a signal after %s", text.Messages(report.Messages))
	}
	return atItsPlace(err)
}

// atItsPlace is the error of a file's format alone, if there is one: it tells the
// place itself, and more exactly than those who handed it on.
func atItsPlace(err error) error {
	var ofDBN *dbn.FormatError
	var ofITCH *itch.FormatError
	switch {
	case errors.As(err, &ofDBN):
		return ofDBN
	case errors.As(err, &ofITCH):
		return ofITCH
	}
	return err
}

// tellAfter is how long subscribers may take before a person is told of the waiting.
const tellAfter = 500 * time.Millisecond

// awaitSubscribers returns when as many named subscribers have joined as asked for.
func (a *app) awaitSubscribers(ctx context.Context, o replayOptions) error {
	said, began := -1, time.Now()
	for o.wait > 0 {
		info, err := ring.Stat(a.dir, o.ring)
		if err != nil {
			return err
		}
		joined := 0
		for _, sub := range info.Subscribers {
			// The cursor is set when the place to begin is known.
			if sub.Active && sub.Cursor > 0 {
				joined++
			}
		}
		if joined >= o.wait {
			break
		}
		if joined != said && !o.quiet && !o.silently && time.Since(began) > tellAfter {
			fmt.Fprintf(a.stderr, "tickring replay: ring %q has %d of %d subscribers; waiting for the others\n", o.ring, joined, o.wait)
			said = joined
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return errors.New("stopped by a signal before the first message")
		}
	}
	return nil
}

// pollEvery is how often to look for something that another process has yet to make.
const pollEvery = 5 * time.Millisecond

// sleep returns early, with an error, if ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (r *replayReport) addAnomalies(stats itch.Stats) {
	r.UnknownOrders = stats.Anomalies[itch.UnknownReference]
	for _, kind := range itch.Kinds() {
		if n := stats.Anomalies[kind]; n > 0 {
			if r.Anomalies == nil {
				r.Anomalies = map[string]uint64{}
			}
			r.Anomalies[kind.String()] = n
		}
	}
	if len(stats.First) > 0 {
		r.firstAnomaly = stats.First[0].String()
	}
}

func (a *app) writeReplay(o replayOptions, r *replayReport) error {
	if len(r.Anomalies) > 0 && !o.quiet {
		fmt.Fprintf(a.stderr, "tickring replay: %s has messages that do not fit those before them, the first of them %s; by kind: %s\n",
			o.path, r.firstAnomaly, countsText(r.Anomalies))
	}
	if o.json {
		return writeJSON(a.stdout, r)
	}
	if r.Schema == "" || r.Messages == 0 && r.Error != "" {
		return nil // the error says it all
	}
	d := time.Duration(r.DurationNs)
	w := &lines{w: a.stdout}
	w.printf("published  %s, %s, in %s: %s\n", text.Messages(r.Messages), text.Bytes(r.Bytes), text.Ns(r.DurationNs), text.Rate(r.Messages, d))
	w.printf("ring       %s, %s, %s\n", r.Ring, numbersText(r.FirstSeq, r.LastSeq), r.Schema)
	w.printf("by type    %s\n", countsText(r.ByType))
	if r.Late != nil {
		w.printf("late       %s\n", r.Late.text())
	}
	if r.Held > 0 {
		w.printf("held       %s by gates, for %s in all\n", text.Messages(r.Held), text.Ns(r.HeldNs))
	}
	if r.Demoted != nil {
		w.printf("demoted    %s\n", strings.Join(r.Demoted, " "))
	}
	if r.Dropped != nil {
		w.printf("dropped    %s\n", strings.Join(r.Dropped, " "))
	}
	return w.err
}

// lines is a writer of text that remembers its first error.
type lines struct {
	w   io.Writer
	err error
}

func (l *lines) printf(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format, args...)
	}
}

// must is for what fails only if the program itself is wrong.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
