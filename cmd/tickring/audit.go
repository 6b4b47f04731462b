package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/audit"
	"github.com/tickring/tickring/ring"
)

type auditOptions struct {
	venue  string
	atRest bool
	follow bool
	json   bool
}

func (a *app) auditCommand() *cobra.Command {
	var o auditOptions
	cmd := &cobra.Command{
		Use:   "audit GATEWAY --venue VENUE",
		Short: "Hold the rings of a gateway, its venue and its strategies against each other",
		Long: `audit reads the gateway's ring, the venue's and those of all strategies, and checks that
each message is where it has to be, once: every request forwarded or refused, every
forwarded request answered, every report passed on, and all quantities add up. It has
its own bookkeeping, which shares nothing with the programs it checks, and is no gate:
nobody waits for it, and of rings that have gone around it checks what is left.

It ends with code 1 and the first contradictions if there are any. While the programs run,
what is on its way is no contradiction; with --at-rest it is. With --follow it goes on
until a signal, or the first contradiction.`,
		Example: `  tickring audit gw --venue sim
  tickring audit gw --venue sim --at-rest --json | jq .figures
  tickring audit gw --venue sim --follow`,
		Args:              wantRings("GATEWAY"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.audit(cmd.Context(), args[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.venue, "venue", "", "name of the venue's ring")
	f.BoolVar(&o.atRest, "at-rest", false, "nothing is on its way: what has no answer never gets one")
	f.BoolVar(&o.follow, "follow", false, "go on until a signal, or a contradiction")
	f.BoolVar(&o.json, "json", false, "one JSON object instead of text")
	cmd.MarkFlagsMutuallyExclusive("at-rest", "follow")
	must(cmd.MarkFlagRequired("venue"))
	must(cmd.RegisterFlagCompletionFunc("venue", a.completeRing(anyNumber)))
	return cmd
}

// auditReport is what an audit says, for machines.
type auditReport struct {
	Gateway   string           `json:"gateway"`
	Venue     string           `json:"venue"`
	Agree     bool             `json:"agree"`
	Figures   audit.Figures    `json:"figures"`
	Total     audit.Counts     `json:"total"`
	Open      []audit.Order    `json:"open"`
	Positions []audit.Position `json:"positions"`
	Faults    []audit.Fault    `json:"faults,omitempty"`
	after     []string         // the first fault
}

func (a *app) audit(ctx context.Context, gateway string, o auditOptions) error {
	if err := ring.CheckName(o.venue); err != nil {
		return usagef("--venue %s: %w", text.Clipped(o.venue), err)
	}
	// The audit opens it when the gateway first speaks of it, which may be never.
	if info, err := ring.Stat(a.dir, o.venue); err == nil && (info.Schema != order.Schema || o.venue == gateway) {
		return fmt.Errorf("ring %q carries %q and is not that of a venue of %s; name the ring that the gateway was started with", o.venue, info.Schema, gateway)
	}
	rep := auditReport{Gateway: gateway, Venue: o.venue}
	err := mmap.Guard(func() error { return rep.audit(ctx, a.dir, o) })
	if errors.Is(err, mmap.ErrFault) {
		return fmt.Errorf("one of the rings of gateway %q: %w", gateway, err)
	}
	if err != nil {
		return err
	}
	if o.json {
		err = writeJSON(a.stdout, rep)
	} else {
		err = rep.write(&lines{w: a.stdout})
	}
	if err == nil && !rep.Agree {
		err = fmt.Errorf("%d contradictions", rep.Figures.Faults)
	}
	return err
}

// audit fills in what an audit finds.
func (r *auditReport) audit(ctx context.Context, dir string, o auditOptions) error {
	a, err := audit.Open(audit.Config{Dir: dir, Gateway: r.Gateway, Venue: r.Venue})
	if err != nil {
		return noRing(err, dir, r.Gateway)
	}
	defer a.Close()
	if err := auditAll(ctx, a, o.follow); err != nil {
		return err
	}
	if o.atRest {
		if err := a.Finish(); err != nil {
			return err
		}
	} else {
		a.Compare()
	}
	r.Figures, r.Open, r.Positions, r.Faults = a.Figures(), a.Open(), a.Positions(), a.Faults()
	if len(r.Faults) > 0 {
		r.after = a.After(&r.Faults[0], 8)
	}
	r.Agree, r.Total = r.Figures.Faults == 0, r.Figures.Total()
	return nil
}

// auditAll audits what there is, or, to follow, until the context ends or there is a fault.
func auditAll(ctx context.Context, r *audit.Auditor, follow bool) error {
	wait := ring.Backoff{}
	for idle := 0; ctx.Err() == nil; {
		n, err := r.Step(1000)
		switch {
		case err != nil:
			return err
		case n > 0:
			idle = 0
		case !follow || len(r.Faults()) > 0:
			return nil
		default:
			idle++
			wait.Wait(idle)
		}
	}
	return nil
}

func (r *auditReport) write(w *lines) error {
	f := &r.Figures
	begin := "from the first message on"
	if !f.Whole {
		begin = fmt.Sprintf("what the rings still have; %s of it about older orders, and %s inputs could not be read", text.Count(f.Older), text.Count(f.Unseen))
	}
	w.printf("%-12s %s frames, %s\n", r.Gateway, text.Count(f.Frames), begin)
	w.printf("%-12s %s messages, %s requests without an answer\n", r.Venue, text.Count(f.Reports), text.Count(f.Unanswered))
	if len(f.Reasons) > 0 {
		w.printf("refused     ")
		for _, why := range slices.SortedFunc(maps.Keys(f.Reasons), func(x, y string) int { return cmp.Or(cmp.Compare(f.Reasons[y], f.Reasons[x]), cmp.Compare(x, y)) }) {
			w.printf(" %s (%s)", why, text.Count(f.Reasons[why]))
		}
		w.printf("\n")
	}
	writeCounts(w, f)
	for i := range r.Faults {
		w.printf("\n%s\n", r.Faults[i].Story())
		if i == 0 && len(r.after) > 0 {
			w.printf("\tafter it:\n\t%s\n", strings.Join(r.after, "\n\t"))
		}
	}
	if r.Agree {
		w.printf("They agree.\n")
	} else {
		w.printf("\n%d contradictions.\n", f.Faults)
	}
	return w.err
}

// writeCounts writes the counts of all strategies as a table.
func writeCounts(w *lines, f *audit.Figures) {
	const head = "%9s %10s %10s %8s %8s %10s %8s %8s %8s %10s %10s %10s %10s %6s\n"
	w.printf(head, "strategy", "sent", "forwarded", "refused", "own F", "accepted", "rejected", "F refsd", "replaced", "fills", "filled", "canceled", "expired", "open")
	row := func(name string, c *audit.Counts) {
		w.printf(head, name, n(c.Sent), n(c.Forwarded), n(c.Refused), n(c.OwnCancels), n(c.Acknowledged), n(c.Rejected), n(c.CancelRejects), n(c.Replaced),
			n(c.Fills), n(c.Filled), n(c.Canceled), n(c.Expired), n(c.Open))
	}
	for _, number := range slices.Sorted(maps.Keys(f.Strategies)) {
		row(strconv.Itoa(int(number)), f.Strategies[number])
	}
	total := f.Total()
	row("all", &total)
}

func n(v uint64) string { return strconv.FormatUint(v, 10) }
