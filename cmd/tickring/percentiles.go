package main

import (
	"fmt"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/internal/text"
)

// percentiles sums up a histogram. Everything but Count is in ns; all are 0 if
// nothing was measured.
type percentiles struct {
	Count int64 `json:"count"`
	P50   int64 `json:"p50"`
	P90   int64 `json:"p90"`
	P99   int64 `json:"p99"`
	P999  int64 `json:"p999"`
	P9999 int64 `json:"p9999"`
	Max   int64 `json:"max"`
}

// percentilesOf takes the largest value on its own, because the histogram knows it
// to some digits only; no percentile is above it.
func percentilesOf(h *hdrhistogram.Histogram, largest int64) *percentiles {
	at := func(q float64) int64 { return min(h.ValueAtQuantile(q), largest) }
	return &percentiles{
		Count: h.TotalCount(),
		P50:   at(50),
		P90:   at(90),
		P99:   at(99),
		P999:  at(99.9),
		P9999: at(99.99),
		Max:   largest,
	}
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
