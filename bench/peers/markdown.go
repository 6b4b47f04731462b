package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// markdown is peers.md: two tables, fastest first, then what is not alike and what did not run.
func (r *report) markdown() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	p("# tickring and its peers\n")
	if r.Interrupted {
		p("**Interrupted in round %d of %d: what was measured by then.**\n", r.RoundsBegun, r.Settings.Rounds)
	}
	p("%s", r.conditions())
	all := append([]entry{r.Limit, r.Tickring}, r.Peers...)
	r.roundTrips(p, all)
	r.throughput(p, all)

	p("\n## What is not alike\n")
	for _, e := range r.Peers {
		if e.Differences != "" {
			p("- **%s** %s (%s). %s", e.Peer, e.Version, e.Language, e.Differences)
		}
	}
	var absent []string
	for _, e := range all {
		if e.Skipped != "" {
			absent = append(absent, fmt.Sprintf("- **%s**: skipped: %s", e.Peer, e.Skipped))
		}
		for _, f := range e.Faults {
			absent = append(absent, fmt.Sprintf("- **%s**: no result in %s", e.Peer, f))
		}
	}
	if absent != nil {
		p("\n## What did not run\n\n%s", strings.Join(absent, "\n"))
	}
	return b.String()
}

func (r *report) conditions() string {
	m, s := r.Machine, r.Settings
	scheduler := "ordinary scheduler"
	if s.FIFO > 0 {
		scheduler = fmt.Sprintf("SCHED_FIFO %d", s.FIFO)
	}
	kind := ""
	if m.Virtual {
		kind = ", virtual"
	}
	return fmt.Sprintf("%s, %d CPUs%s; %s; isolated: %s; governor: %s; %s; load %s; %s.\n"+
		"Messages of %d bytes; CPUs %d and %d; %s; %v s measured each; %d rounds, each with everyone in turn.\n"+
		"A figure is the median of the rounds, in brackets the lowest and the highest; ratios are those of one round.",
		m.CPU, m.CPUs, kind, m.Kernel, orNone(m.Isolated), orNone(m.Governor), m.Go, m.Load, r.Began.UTC().Format("2006-01-02 15:04 UTC"),
		s.Payload, s.CPUs[0], s.CPUs[1], scheduler, s.Seconds, r.RoundsBegun)
}

func (r *report) roundTrips(p func(string, ...any), all []entry) {
	all = slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.RTT == nil })
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(a.RTT.P50.Median, b.RTT.P50.Median) })
	p("\n## Round trip, one message in flight\n")
	p("| | processes | p50 | p90 | p99 | p99.9 | p99.99 | max | p50 to the raw line | p50 to tickring | p99 to tickring |")
	p("|---|---|---|---|---|---|---|---|---|---|---|")
	for _, e := range all {
		t := e.RTT
		p("| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |", e.Peer, ends(e),
			times(t.P50), nanos(t.P90.Median), times(t.P99), nanos(t.P999.Median), nanos(t.P9999.Median), nanos(t.Max.Median),
			factors(t.P50ToLimit), factors(t.P50ToTickring), factors(t.P99ToTickring))
	}
}

func (r *report) throughput(p func(string, ...any), all []entry) {
	all = slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.Throughput == nil })
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Compare(b.Throughput.PerSecond.Median, a.Throughput.PerSecond.Median)
	})
	p("\n## Throughput, one to one\n")
	p("| | processes | messages/s, delivered | lost | to the raw line | to tickring |")
	p("|---|---|---|---|---|---|")
	for _, e := range all {
		s := e.Throughput
		p("| %s | %s | %s (%s to %s) | %d | %s | %s |", e.Peer, ends(e),
			count(s.PerSecond.Median), count(s.PerSecond.Min), count(s.PerSecond.Max), s.Lost,
			factors(s.ToLimit), factors(s.ToTickring))
	}
}

// ends is the number of processes, with a word for threads.
func ends(e entry) string {
	if e.Processes == 1 {
		return "1, threads"
	}
	return fmt.Sprint(e.Processes)
}

func times(s *spread) string {
	return fmt.Sprintf("%s (%s to %s)", nanos(s.Median), nanos(s.Min), nanos(s.Max))
}

func factors(s *spread) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%s (%s to %s)", digits(s.Median), digits(s.Min), digits(s.Max))
}

// nanos writes nanoseconds with three digits and a unit.
func nanos(ns float64) string {
	for _, u := range []struct {
		one  float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= 0.9995*u.one {
			return digits(ns/u.one) + " " + u.name
		}
	}
	return digits(ns) + " ns"
}

// count writes a number of messages with three digits.
func count(n float64) string {
	switch {
	case n >= 0.9995e6:
		return digits(n/1e6) + " M"
	case n >= 0.9995e3:
		return digits(n/1e3) + " k"
	}
	return digits(n)
}

// digits writes three digits.
func digits(x float64) string {
	if x == 0 {
		return "0"
	}
	// Rounded first: 9.996 has two digits before the point, 10.0.
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 2, 64), 64)
	after := 2 - int(math.Floor(math.Log10(math.Abs(rounded))+1e-9))
	return fmt.Sprintf("%.*f", min(max(after, 0), 5), rounded)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
