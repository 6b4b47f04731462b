package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/ring"
)

type histOptions struct {
	sub     string
	json    bool
	hgrm    bool
	hlog    bool
	outputs []string
	force   bool
	title   string
	watch   bool
	every   time.Duration
	forTime durationFlag
	quiet   bool
}

func (a *app) histCommand() *cobra.Command {
	var o histOptions
	cmd := &cobra.Command{
		Use:   "hist SOURCE...",
		Short: "Show, draw, compare and log the latencies that subscribers have measured",
		Long: `hist shows how long messages took from publish to read, for each named subscriber
that has measured it, without changing anything. Subscribers may be running, or dead.

A SOURCE is RING, which stands for all its subscribers, RING:SUB for one, RING:@publisher
for how late the publisher was against its own pace, if it records that, or a FILE that was
written earlier, by hist or another of HdrHistogram's tools: .hlog (the sum of each tag; FILE:TAG
for one), .hgrm, or .json. Of several sources hist shows a table, with how many times that
of the first each figure is.

-o writes a file, and may be given several times: .svg and .png are a picture of all
percentile curves, .hlog a log of HdrHistogram, .hgrm a percentile distribution for its
plotter (of one subscriber), .json what --json writes. A file appears when it is whole;
what is there already is not replaced without --force.

--watch looks at rings every second (--every), until it is interrupted or for --for, and
logs what was measured within each interval to -o FILE.hlog, which HdrHistogram's tools,
and hist, can read at any time. It takes differences of counts that are in shared memory
anyhow: nobody does more for it. Each line is written at once, so that a kill loses no
more than the interval that runs. Lines have no tag if the source is one RING:SUB, and the
tag RING:SUB otherwise. What happens to a subscriber (it dies, is opened again, its file
is removed) stands in a comment there, and on stderr; --watch goes on.

The values of a histogram have two significant digits; max is exact. In a .hlog or a
.hgrm file max has the digits of its histogram. Values in files are taken to be in ns.`,
		Example: `  tickring hist es
  tickring hist es -o es.svg                           # percentile curves
  tickring hist es:alpha es:beta yesterday.hlog        # compared
  tickring hist es:alpha --hgrm > alpha.hgrm           # for HdrHistogram's plotter
  tickring hist es --watch -o es.hlog --every 1s
  tickring hist es.hlog:es:alpha -o alpha.png
  tickring hist es --json | jq '.distributions[] | {name, p99: .latency_ns.p99}'`,
		Args:              wantArgs("SOURCE..."),
		ValidArgsFunction: a.completeHist,
		RunE: func(cmd *cobra.Command, args []string) error {
			sources, err := o.check(args)
			if err != nil {
				return err
			}
			for _, flag := range []string{"every", "for"} {
				if cmd.Flags().Changed(flag) && !o.watch {
					return usagef("--%s is for --watch", flag)
				}
			}
			if o.watch {
				return a.watchHist(cmd.Context(), &o, sources)
			}
			return a.hist(cmd.Context(), &o, sources)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.sub, "sub", "", "this subscriber of each RING only")
	f.BoolVar(&o.json, "json", false, "one JSON object instead of text")
	f.BoolVar(&o.hgrm, "hgrm", false, "instead of text the percentile distribution, as HdrHistogram's tools read it; of one subscriber")
	f.BoolVar(&o.hlog, "hlog", false, "instead of text a log, as HdrHistogram's tools read it")
	f.StringArrayVarP(&o.outputs, "output", "o", nil, "file to write: .svg, .png, .hlog, .hgrm or .json; may be given several times")
	f.BoolVar(&o.force, "force", false, "replace files that are there")
	f.StringVar(&o.title, "title", "", "title of the picture (default: what it shows)")
	f.BoolVar(&o.watch, "watch", false, "log intervals to -o FILE.hlog, or with --hlog to stdout, while it runs")
	f.DurationVar(&o.every, "every", time.Second, "with --watch: length of an interval")
	f.Var(&o.forTime, "for", "with --watch: end after this time")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "with --watch: no notes on stderr")
	cmd.MarkFlagsMutuallyExclusive("json", "hgrm", "hlog")
	must(cmd.RegisterFlagCompletionFunc("sub", a.completeSub))
	must(cmd.MarkFlagFilename("output", "svg", "png", "hlog", "hgrm", "json"))
	return cmd
}

// How long an interval of a watch may be.
const (
	minHistEvery = 10 * time.Millisecond
	maxHistEvery = time.Hour
)

// check says what is wrong with the command line before anything is looked at.
func (o *histOptions) check(args []string) (sources []histSource, err error) {
	for _, arg := range args {
		s, err := parseHistSource(arg)
		if err != nil {
			return nil, err
		}
		if s.ring != "" {
			if s.part, err = partOf(arg, s.part, o.sub); err != nil {
				return nil, err
			}
		}
		sources = append(sources, s)
	}
	hgrm := o.hgrm
	for i, path := range o.outputs {
		form, err := histForm(path)
		if err != nil {
			return nil, err
		}
		if slices.Contains(o.outputs[:i], path) {
			return nil, usagef("--output %s is given twice", path)
		}
		hgrm = hgrm || form == ".hgrm"
	}
	if one := len(sources) == 1 && sources[0].one(); hgrm && !one && (len(sources) > 1 || sources[0].ring != "") {
		return nil, usagef("--hgrm is for one distribution; name it, as RING:SUB")
	}
	if o.watch {
		return sources, o.checkWatch(sources)
	}
	return sources, nil
}

func (a *app) hist(ctx context.Context, o *histOptions, sources []histSource) error {
	all, err := a.distributions(ctx, sources)
	if err != nil {
		return err
	}
	if err := a.writeHistFiles(o, all); err != nil {
		return err
	}
	switch {
	case o.json:
		return o.writeForm(a.stdout, ".json", all)
	case o.hgrm:
		return o.writeForm(a.stdout, ".hgrm", all)
	case o.hlog:
		return o.writeForm(a.stdout, ".hlog", all)
	case len(sources) > 1:
		return writeTable(a.stdout, comparison(all))
	}
	return writeHist(&lines{w: a.stdout}, all)
}

// completeHist offers rings, the parts of one that is named up to its colon, and
// files.
func (a *app) completeHist(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	if parts, ok := a.partsOf(begun); ok {
		return parts, cobra.ShellCompDirectiveNoFileComp
	}
	rings, err := ring.List(a.dir)
	if err != nil && !errors.Is(err, ring.ErrNoRing) {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return rings, cobra.ShellCompDirectiveDefault // files too
}

// completeSub offers the subscribers of the ring that was named.
func (a *app) completeSub(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.subNames(args[0]), cobra.ShellCompDirectiveNoFileComp
}
