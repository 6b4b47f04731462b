package main

import (
	"fmt"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring/monitor"
)

// percentiles is a summary of latencies for people and machines.
type percentiles struct{ monitor.Summary }

// percentilesOf sums a histogram up, as monitor.SummaryOf does.
func percentilesOf(h *hdrhistogram.Histogram, largest int64) *percentiles {
	return &percentiles{monitor.SummaryOf(h, largest)}
}

var percentileNames = []string{"p50", "p90", "p99", "p99.9", "p99.99", "max"}

// values are those of percentileNames.
func (p *percentiles) values() []int64 {
	return []int64{p.P50, p.P90, p.P99, p.P999, p.P9999, p.Max}
}

// cells are the values for a table, in the order of percentileNames.
func (p *percentiles) cells() []string {
	var cells []string
	for _, ns := range p.values() {
		if p.Count == 0 {
			cells = append(cells, "-")
			continue
		}
		cells = append(cells, text.Ns(ns))
	}
	return cells
}

func (p *percentiles) text() string {
	if p.Count == 0 {
		return "not measured"
	}
	var parts []string
	for i, cell := range p.cells() {
		parts = append(parts, fmt.Sprintf("%s %s", percentileNames[i], cell))
	}
	return strings.Join(parts, "  ")
}
