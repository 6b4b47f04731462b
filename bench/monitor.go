package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tickring/tickring/internal/text"
)

// Monitor says how the cost of being looked at is measured.
type Monitor struct {
	Duration time.Duration // 0: 20 s
	// Top and Serve return the command lines of programs that look at the rings in dir ten
	// times a second: one that draws on a terminal, and one that serves HTTP and prints its
	// address first. Its /metrics are asked for ten times a second too. nil: none.
	Top, Serve func(dir string) []string
}

// MonitorResult compares a stream and round trips of messages with stamps, read by named
// subscribers that keep a histogram, with nobody looking and with monitors attached. The
// two take turns.
//
// Monitors get a CPU of their own where a third is given. Where there is none they take
// theirs from publisher and subscriber, and that is in MeanRatio; Ratio and P50Ratio are
// what is left of it in most of the short pieces: what looking does to the hot path.
type MonitorResult struct {
	Run
	Own     bool     `json:"own_cpu"` // the monitors had one
	Without Attached `json:"without"`
	With    Attached `json:"with"`
	// With to Without, round by round: of the median piece's rate, of the rate of all
	// pieces, and of the round trips' p50 and p99.
	Ratio     RatioSpread `json:"rate_ratio"`
	MeanRatio RatioSpread `json:"mean_rate_ratio"`
	P50Ratio  RatioSpread `json:"p50_ratio"`
	P99Ratio  RatioSpread `json:"p99_ratio"`
	Looking   Looking     `json:"looking"`
}

// Attached is what was measured with, or without, monitors.
type Attached struct {
	Rate     float64     `json:"msgs_per_s"`      // median of all pieces
	MeanRate float64     `json:"mean_msgs_per_s"` // median of the rounds
	RTT      Percentiles `json:"rtt"`
}

// Looking is what the monitors did meanwhile.
type Looking struct {
	Scrapes uint64  `json:"scrapes"` // of /metrics, answered
	Failed  uint64  `json:"scrapes_failed"`
	Bytes   uint64  `json:"scraped_bytes"`
	Drawn   uint64  `json:"drawn_bytes"` // on the terminal
	CPU     float64 `json:"cpu_percent"` // of one CPU: monitors and scraper together
	Seconds float64 `json:"seconds"`
}

func (r *MonitorResult) About() *Run { return &r.Run }

func (r *MonitorResult) Tables() []Table {
	row := func(name string, a Attached) []string {
		return slices.Concat([]string{name, text.PerSecond(a.Rate), text.PerSecond(a.MeanRate)}, a.RTT.cells())
	}
	spread := func(name string, s RatioSpread) []string {
		f := func(v float64) string { return fmt.Sprintf("%.3f", v) }
		return []string{name, f(s.Median), f(s.Least), f(s.Most), fmt.Sprint(s.Rounds)}
	}
	where := "on a CPU of their own"
	if !r.Own {
		where = "on the CPUs of publisher and subscriber, for there was no other"
	}
	return []Table{{
		Title: fmt.Sprintf("Looked at ten times a second, %d-byte messages with stamps and histograms", r.Ring.Payload),
		Head:  slices.Concat([]string{"", "stream, median piece", "stream, all"}, prefixed("round trip ", percentileHead)),
		Rows:  [][]string{row("nobody looks", r.Without), row("monitors attached", r.With)},
	}, {
		Title: "Monitors attached / nobody looks, by rounds",
		Head:  []string{"", "median", "least", "most", "rounds"},
		Rows: [][]string{
			spread("stream, median piece", r.Ratio), spread("stream, all", r.MeanRatio),
			spread("round trip p50", r.P50Ratio), spread("round trip p99", r.P99Ratio),
		},
		Notes: []string{fmt.Sprintf("The monitors ran %s, and took %.1f %% of a CPU: %d scrapes (%d failed), %s drawn in %.1f s.",
			where, r.Looking.CPU, r.Looking.Scrapes, r.Looking.Failed, text.Bytes(r.Looking.Drawn), r.Looking.Seconds)},
	}}
}

func prefixed(prefix string, all []string) []string {
	all = slices.Clone(all)
	for i := range all {
		all[i] = prefix + all[i]
	}
	return all
}

func (r *MonitorResult) Curves() []Curve {
	without := r.Without.RTT.Curve("nobody looks")
	without.Limit = true
	return []Curve{without, r.With.RTT.Curve("monitors attached")}
}

// Monitor measures what it costs to be looked at. If ctx ends, the result is what there was
// until then.
//
// Errors: [ErrConfig] if nothing is to look, [ErrChild], and those of rings.
func (s *Session) Monitor(ctx context.Context, config Monitor) (*MonitorResult, error) {
	if config.Duration <= 0 {
		config.Duration = 20 * time.Second
	}
	if config.Top == nil && config.Serve == nil {
		return nil, fmt.Errorf("bench: monitor: %w: neither Top nor Serve is given, so that nothing would look", ErrConfig)
	}
	r := &MonitorResult{Run: s.run("monitor", "every"), Own: len(s.setup.CPUs) > 2}
	r.Ring.Subscriber, r.Ring.Histogram = "a gate; named", true
	if err := s.monitor(ctx, config, r); err != nil {
		return nil, fmt.Errorf("bench: monitor: %w", err)
	}
	s.finish(ctx, &r.Run)
	return r, nil
}
