package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

type spikesOptions struct {
	ring   string
	sub    string // the subscriber, or ownPart; empty: all
	above  thresholdFlag
	follow bool
	json   bool
}

func (a *app) spikesCommand() *cobra.Command {
	var o spikesOptions
	cmd := &cobra.Command{
		Use:   "spikes RING[:SUB]",
		Short: "Show what took too long on a ring, and why",
		Long: `spikes shows the latencies above a threshold that subscribers have recorded, and the
publisher of itself, each with what most probably made it late: the process was stopped,
its CPU quota was used up, the hypervisor ran somebody else, a garbage collection,
another task had the CPU, the thread slept, page faults, interrupts, a change of the
clock rate, or the thread was busy all the time. A verdict is drawn from what
the kernel and the Go runtime have counted around that time; what could not be read is
unknown. Messages in a row that are late are one spike.

RING:SUB is one subscriber of the ring, and RING:@publisher the publisher alone.

Whoever is to record is started with --spikes ('tickring sub', strategy, gateway, replay)
or sets Spikes in Go. The newest 127 spikes stay in the file of each, also when its
process has died. behind is how many messages were published and not read when the
first of them was read; + means that there were more. Of a publisher, pace is how late it
was against its own pace, held how long gates kept it waiting, and claim how long it had
a place in the ring without publishing.

With --follow spikes are shown as they come, until a signal ends it. With --above as well,
subscribers that do not record are watched from outside, every 10 ms: how many messages
took longer than that, about when, and what happened to the thread of the process that
ran most. These are marked with ~: neither message nor time is exact. A process was stopped
for certain if two looks in a row found it so; what may have been a shorter stop, or a garbage
collection, is told as sleep.

The JSON object: subscribers with name, active and spikes, and publisher, null if it does
not record, or if its file cannot be read, which publisher_error says. With --follow one
object per spike: of is the subscriber, or empty and publisher is true; watched says that
it was seen from outside.`,
		Example: `  tickring spikes es
  tickring spikes es:alpha --above 1ms --json | jq '.subscribers[].spikes.list[] | {seq, cause, why}'
  tickring spikes es --follow --above 100us`,
		Args:              wantArgs("RING"),
		ValidArgsFunction: a.completePart,
		RunE: func(cmd *cobra.Command, args []string) error {
			var part string
			var err error
			if o.ring, part, err = parsePart(args[0]); err != nil {
				return err
			}
			if o.sub, err = partOf(args[0], part, o.sub); err != nil {
				return err
			}
			if o.follow {
				return a.followSpikes(cmd.Context(), o)
			}
			return a.spikes(o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.sub, "sub", "", "this subscriber only")
	f.Var(&o.above, "above", "only latencies of at least that; with --follow, also those of subscribers that do not record")
	f.BoolVarP(&o.follow, "follow", "f", false, "show spikes as they come")
	f.BoolVar(&o.json, "json", false, "one JSON object instead of text; with --follow one for each spike")
	must(cmd.RegisterFlagCompletionFunc("sub", a.completeSub))
	must(cmd.RegisterFlagCompletionFunc("above", completeWords("100us", "1ms", "10ms")))
	return cmd
}

type spikesReport struct {
	Ring        string         `json:"ring"`
	Subscribers []subSpikes    `json:"subscribers"`
	Publisher   *ring.SpikeLog `json:"publisher"`
	// PublisherError says why the publisher's file cannot be read, if so.
	PublisherError string `json:"publisher_error,omitempty"`
}

type subSpikes struct {
	Name   string        `json:"name"`
	Active bool          `json:"active"`
	Spikes ring.SpikeLog `json:"spikes"`
	Error  string        `json:"error,omitempty"`
}

func (a *app) spikes(o spikesOptions) error {
	info, err := ring.Stat(a.dir, o.ring)
	if err != nil {
		return noRing(err, a.dir, o.ring)
	}
	r := spikesReport{Ring: o.ring, Subscribers: []subSpikes{}}
	known := !o.one()
	for _, s := range info.Subscribers {
		if !o.wants(s.Name) {
			continue
		}
		known = true
		row := subSpikes{Name: s.Name, Active: s.Active, Spikes: above(s.Spikes, o.above)}
		if s.Err != nil {
			row.Error = s.Err.Error()
		}
		r.Subscribers = append(r.Subscribers, row)
	}
	if !known {
		return noSub(o.ring, o.sub)
	}
	if late := info.Late; late != nil && o.wants(ownPart) {
		if late.Err != nil {
			r.PublisherError = late.Err.Error()
		} else {
			log := above(late.Spikes, o.above)
			r.Publisher = &log
		}
	}
	if o.json {
		return writeJSON(a.stdout, r)
	}
	return a.writeSpikes(r)
}

// wants says whether a subscriber is meant, or the publisher, which is called ownPart.
func (o *spikesOptions) wants(part string) bool { return o.sub == "" || o.sub == part }

// one says whether one subscriber is meant.
func (o *spikesOptions) one() bool { return o.sub != "" && o.sub != ownPart }

func noSub(name, sub string) error {
	return fmt.Errorf("ring %q has no subscriber %q; 'tickring stat %s' lists those it has", name, sub, name)
}

// above leaves out of the list what is faster. The counters stay.
func above(l ring.SpikeLog, least thresholdFlag) ring.SpikeLog {
	l.List = slices.DeleteFunc(slices.Clone(l.List), func(s ring.Spike) bool { return s.Latency < time.Duration(least) })
	return l
}

// seenSpike is a spike and whose it is.
type seenSpike struct {
	Of        string     `json:"of"` // a subscriber; empty: see Publisher
	Publisher bool       `json:"publisher"`
	Watched   bool       `json:"watched"` // from outside: neither message nor time is exact
	Spike     ring.Spike `json:"spike"`
}

func (a *app) writeSpikes(r spikesReport) error {
	var all []seenSpike
	w := &lines{w: a.stdout}
	recording := 0
	tell := func(of string, l ring.SpikeLog) {
		recording++
		w.printf("%s: %s of at least %v, %s late", of, text.CountOf(l.Spikes, "spike", "spikes"), l.Threshold, text.Messages(l.Messages))
		if n := uint64(len(l.List)); n < l.Spikes {
			w.printf("; %s shown", text.Count(n))
		}
		w.printf("\n")
	}
	for _, s := range r.Subscribers {
		if s.Error != "" {
			w.printf("%s: %s\n", s.Name, s.Error)
		}
		if s.Spikes.Threshold == 0 {
			continue
		}
		tell(s.Name, s.Spikes)
		for _, k := range s.Spikes.List {
			all = append(all, seenSpike{Of: s.Name, Spike: k})
		}
	}
	if r.PublisherError != "" {
		w.printf("the publisher: %s\n", r.PublisherError)
	}
	if r.Publisher != nil {
		tell("the publisher", *r.Publisher)
		for _, k := range r.Publisher.List {
			all = append(all, seenSpike{Publisher: true, Spike: k})
		}
	}
	if recording == 0 {
		w.printf("nobody records spikes on ring %s: start a subscriber or the publisher with --spikes, or look on with --follow --above 1ms\n", r.Ring)
	}
	if len(all) == 0 || w.err != nil {
		return w.err
	}
	slices.SortStableFunc(all, func(x, y seenSpike) int { return cmp.Compare(x.Spike.Time.UnixNano(), y.Spike.Time.UnixNano()) })
	w.printf("\n")
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	t := &lines{w: table, err: w.err}
	t.printf("%s\n", strings.Join(spikeHeads(), "\t"))
	for _, s := range all {
		t.printf("%s\n", strings.Join(s.row(), "\t"))
	}
	if t.err != nil {
		return t.err
	}
	return table.Flush()
}

func spikeHeads() []string {
	return []string{"TIME", "WHO", "LATE", "FROM", "MESSAGES", "BEHIND", "CAUSE", "WHY"}
}

// spikeLine is a row of a table that nobody knows the rest of.
func spikeLine(row []string) string {
	return fmt.Sprintf("%-26s  %-14s  %-7s  %-11s  %-8s  %-7s  %-9s  %s", row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7])
}

// row is the columns of a table, as spikeHeads has them.
func (s seenSpike) row() []string {
	k := s.Spike
	who, from := s.Of, text.Count(k.Seq)
	if s.Publisher {
		who = "publisher/" + k.Kind.String()
	}
	if s.Watched {
		who, from = "~"+who, "-"
	}
	behind := text.Count(k.Behind)
	if k.BehindMore {
		behind += "+"
	}
	cause := "-"
	if k.Explained {
		cause = k.Cause.String()
	}
	return []string{k.Time.Local().Format("2006-01-02 15:04:05.000000"), who, text.Ns(int64(k.Latency)), from, text.Count(k.Messages), behind, cause, k.Why}
}
