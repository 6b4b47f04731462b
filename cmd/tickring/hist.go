package main

import (
	"fmt"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

type histOptions struct {
	ring string
	sub  string
	json bool
	hgrm bool
}

func (a *app) histCommand() *cobra.Command {
	var o histOptions
	cmd := &cobra.Command{
		Use:   "hist NAME",
		Short: "Show the latencies that a ring's subscribers have measured",
		Long: `hist shows how long messages took from publish to read, for each named subscriber
that has measured it, without changing anything. Subscribers may be running.

The values of a histogram have two significant digits; max is exact.`,
		Example: `  tickring hist es
  tickring hist es --sub alpha --hgrm > alpha.hgrm   # for HdrHistogram's plotter
  tickring hist es --json`,
		Args:              wantRings("NAME"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o.ring = args[0]
			return a.hist(o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.sub, "sub", "", "this subscriber only")
	f.BoolVar(&o.json, "json", false, "one JSON object instead of text")
	f.BoolVar(&o.hgrm, "hgrm", false, "the percentile distribution of --sub as HdrHistogram's tools read it")
	cmd.MarkFlagsMutuallyExclusive("json", "hgrm")
	must(cmd.RegisterFlagCompletionFunc("sub", a.completeSub))
	return cmd
}

// completeSub offers the subscribers of the ring that was named.
func (a *app) completeSub(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.subNames(args[0]), cobra.ShellCompDirectiveNoFileComp
}

// subNames returns the names of a ring's subscribers; no ring has none.
func (a *app) subNames(name string) (names []string) {
	info, _ := ring.Stat(a.dir, name)
	for _, s := range info.Subscribers {
		names = append(names, s.Name)
	}
	return names
}

type histReport struct {
	Name    string       `json:"name"`
	Gate    string       `json:"gate,omitempty"` // holding, demoted or dropped
	Latency *percentiles `json:"latency_ns"`
	MeanNs  float64      `json:"mean_ns"`
	Buckets []histBucket `json:"buckets"`
}

// histBucket counts the latencies from FromNs up to, and without, ToNs.
type histBucket struct {
	FromNs int64 `json:"from_ns"`
	ToNs   int64 `json:"to_ns"`
	Count  int64 `json:"count"`
}

func (a *app) hist(o histOptions) error {
	if o.hgrm && o.sub == "" {
		return usagef("--hgrm is for one subscriber; name it with --sub")
	}
	info, err := ring.Stat(a.dir, o.ring)
	if err != nil {
		return noRing(err, a.dir, o.ring)
	}
	reports := []histReport{}
	found := false
	for _, s := range info.Subscribers {
		if o.sub != "" && s.Name != o.sub {
			continue
		}
		found = true
		if s.Err != nil {
			if o.sub != "" {
				return s.Err
			}
			fmt.Fprintf(a.stderr, "tickring hist: %s: %v\n", s.Name, s.Err)
			continue
		}
		if o.hgrm {
			_, err := s.Latency.PercentilesPrint(a.stdout, 5, 1)
			return err
		}
		reports = append(reports, histReport{
			Name:    s.Name,
			Gate:    gateWord(s.Gate),
			Latency: percentilesOf(s.Latency, int64(s.Max)),
			MeanNs:  s.Latency.Mean(),
			Buckets: bucketsOf(s.Latency),
		})
	}
	if o.sub != "" && !found {
		return fmt.Errorf("ring %q has no subscriber %q; 'tickring stat %s' lists them", o.ring, o.sub, o.ring)
	}
	if o.json {
		return writeJSON(a.stdout, map[string]any{"ring": o.ring, "subscribers": reports})
	}
	if len(reports) == 0 {
		fmt.Fprintf(a.stderr, "tickring hist: ring %q has no named subscribers\n", o.ring)
	}
	w := &lines{w: a.stdout}
	for i, r := range reports {
		if i > 0 {
			w.printf("\n")
		}
		r.write(w)
	}
	return w.err
}

// bucketsOf sums a histogram up in steps of 1, 2 and 5, from the first to the last
// that has samples.
func bucketsOf(h *hdrhistogram.Histogram) []histBucket {
	all := []histBucket{{FromNs: 0, ToNs: 10}}
	for decade := int64(10); decade < 1e11; decade *= 10 {
		for _, step := range [][2]int64{{1, 2}, {2, 5}, {5, 10}} {
			all = append(all, histBucket{FromNs: step[0] * decade, ToNs: step[1] * decade})
		}
	}
	for _, bar := range h.Distribution() {
		for i := range all {
			if bar.Count > 0 && bar.From < all[i].ToNs {
				all[i].Count += bar.Count
				break
			}
		}
	}
	first, last := len(all), -1
	for i, b := range all {
		if b.Count > 0 {
			first, last = min(first, i), i
		}
	}
	if last < 0 {
		return []histBucket{}
	}
	return all[first : last+1]
}

func (r *histReport) write(w *lines) {
	switch r.Gate {
	case "":
		w.printf("%s\n", r.Name)
	case gateWord(ring.GateHolding):
		w.printf("%s, a gate\n", r.Name)
	default:
		w.printf("%s, a gate that was %s\n", r.Name, r.Gate)
	}
	if r.Latency.Count == 0 {
		w.printf("  no latencies were measured\n")
		return
	}
	w.printf("  %s messages, mean %s\n  %s\n", text.Count(uint64(r.Latency.Count)), text.Ns(int64(r.MeanNs)), r.Latency.text())
	most := int64(1)
	for _, b := range r.Buckets {
		most = max(most, b.Count)
	}
	const width = 40
	for _, b := range r.Buckets {
		bar := strings.Repeat("#", int((b.Count*width+most-1)/most))
		share := fmt.Sprintf("%.3f%%", 100*float64(b.Count)/float64(r.Latency.Count))
		line := fmt.Sprintf("  %9s .. %-9s %9s  %s", roundText(b.FromNs), roundText(b.ToNs), share, bar)
		w.printf("%s\n", strings.TrimRight(line, " "))
	}
}

// roundText writes the round numbers that bound buckets.
func roundText(ns int64) string {
	switch {
	case ns >= 1e9:
		return fmt.Sprintf("%d s", ns/1e9)
	case ns >= 1e6:
		return fmt.Sprintf("%d ms", ns/1e6)
	case ns >= 1e3:
		return fmt.Sprintf("%d µs", ns/1e3)
	}
	return fmt.Sprintf("%d ns", ns)
}
