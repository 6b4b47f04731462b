package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Wait says how wait strategies are measured. The zero value is the right one.
type Wait struct {
	Duration time.Duration // of all strategies together. 0: 12 s
	Every    time.Duration // from one message to the next. 0: 1 ms
}

// WaitResult compares what subscribers can do while there is nothing to read: how long a
// message takes from its publishing until it has been read, against what the waiting takes
// of CPUs. Limit is a word in a cache line, stored as seldom and spun upon.
//
// The publisher sleeps between messages, on its CPU; the subscriber has the other one. A
// waker has a CPU of its own where a third is given, and otherwise runs where the scheduler
// puts it.
type WaitResult struct {
	Run
	EveryNs    int64      `json:"every_ns"`
	Limit      Delays     `json:"limit"`
	Strategies []Strategy `json:"strategies"`
}

// Strategy is what one way to wait gives and takes. Percentages are of one CPU.
type Strategy struct {
	Name    string `json:"name"`
	Latency Delays `json:"latency"`
	Ratio   Ratio  `json:"ratio"` // to the limit
	// CPU is what subscriber and waker take of CPUs, with messages; Idle with none to come.
	CPU      float64 `json:"cpu_percent"`
	Idle     float64 `json:"cpu_idle_percent"`
	Busy     CPUUse  `json:"cpu"` // of CPU
	IdleUse  CPUUse  `json:"cpu_idle"`
	Messages uint64  `json:"messages"`
}

// CPUUse is what the processes of a strategy take, in percent of a CPU. A waker beside the
// publisher is a thread of its process: what the publisher's own thread takes is not in it.
type CPUUse struct {
	Subscriber float64 `json:"subscriber_percent"`
	Waker      float64 `json:"waker_percent"`
}

func (r *WaitResult) About() *Run { return &r.Run }

func (r *WaitResult) Tables() []Table {
	t := Table{
		Title: fmt.Sprintf("From publish to read, a %d-byte message every %s", r.Ring.Payload, nsText(float64(r.EveryNs))),
		Head:  slices.Concat([]string{""}, percentileHead, []string{"p50 / limit", "subscriber", "waker", "idle", "idle waker", "messages"}),
		Rows: [][]string{slices.Concat([]string{"limit: a word in a cache line"}, r.Limit.cells(),
			[]string{"1.00", "", "", "", "", fmt.Sprint(r.Limit.Samples)})},
		Notes: []string{"subscriber, waker: percent of a CPU, with messages; idle: with nothing to do."},
	}
	for _, s := range r.Strategies {
		t.Rows = append(t.Rows, slices.Concat([]string{s.Name}, s.Latency.cells(), []string{
			ratioText(s.Ratio.P50),
			percentText(s.Busy.Subscriber), percentText(s.Busy.Waker), percentText(s.IdleUse.Subscriber), percentText(s.IdleUse.Waker),
			fmt.Sprint(s.Messages),
		}))
	}
	return []Table{t}
}

func percentText(p float64) string { return fmt.Sprintf("%.1f %%", p) }

func (r *WaitResult) Curves() []Curve {
	limit := r.Limit.Curve("limit: a word in a cache line")
	limit.Limit = true
	curves := []Curve{limit}
	for _, s := range r.Strategies {
		if s.Latency.Samples > 0 {
			curves = append(curves, s.Latency.Curve(s.Name))
		}
	}
	return curves
}

// Dots are the strategies, with messages.
func (r *WaitResult) Dots() []Dot {
	var dots []Dot
	for _, s := range r.Strategies {
		if s.Latency.Samples > 0 {
			dots = append(dots, Dot{s.Name, s.CPU, s.Latency.P50, s.Latency.P99})
		}
	}
	return dots
}

// Wait measures the wait strategies. If ctx ends, the result is what there was until then.
//
// Errors: [ErrConfig], and those of a session.
func (s *Session) Wait(ctx context.Context, config Wait) (*WaitResult, error) {
	if config.Duration <= 0 {
		config.Duration = 12 * time.Second
	}
	if config.Every == 0 {
		config.Every = time.Millisecond
	}
	if config.Every < leastEvery || config.Every > mostEvery {
		return nil, fmt.Errorf("bench: wait: %w: a message every %v is not between %v and %v", ErrConfig, config.Every, leastEvery, mostEvery)
	}
	r := &WaitResult{Run: s.run("wait", "none"), EveryNs: config.Every.Nanoseconds()}
	r.Ring.Wait = "what is compared"
	if err := s.wait(ctx, config, r); err != nil {
		return nil, fmt.Errorf("bench: wait: %w", err)
	}
	s.finish(ctx, &r.Run)
	return r, nil
}

// A publisher that sleeps does not come more often than leastEvery, nor a turn to its end
// before long with more than mostEvery.
const (
	leastEvery = 100 * time.Microsecond
	mostEvery  = time.Second
)
