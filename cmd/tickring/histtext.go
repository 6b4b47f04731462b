package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tickring/tickring/bench"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring/monitor"
)

// writeHist writes each distribution with its bars.
func writeHist(w *lines, all []distribution) error {
	for i, d := range all {
		if i > 0 {
			w.printf("\n")
		}
		d.write(w)
	}
	return w.err
}

func (d *distribution) write(w *lines) {
	w.printf("%s", d.name)
	switch d.gate {
	case "":
	case monitor.GateHolding:
		w.printf(", a gate")
	default:
		w.printf(", a gate that was %s", d.gate)
	}
	if d.state != "" {
		w.printf(", %s", d.state)
	}
	w.printf("\n")
	p := d.percentiles()
	if p.Count == 0 {
		w.printf("  no latencies were measured\n")
		return
	}
	w.printf("  %s, mean %s", text.Messages(p.Count), text.Ns(int64(p.Mean)))
	if !d.from.IsZero() {
		w.printf(", from %s on", d.from.Local().Format(time.DateTime))
	}
	w.printf("\n  %s\n", p.text())
	buckets := bucketsOf(d.hist)
	most := int64(1)
	for _, b := range buckets {
		most = max(most, b.Count)
	}
	const width = 40
	for _, b := range buckets {
		bar := strings.Repeat("#", int((float64(b.Count)*width+float64(most)-1)/float64(most)))
		share := fmt.Sprintf("%.3f%%", 100*float64(b.Count)/float64(p.Count))
		line := fmt.Sprintf("  %9s .. %-9s %9s  %s", edgeText(b.FromNs), edgeText(b.ToNs), share, bar)
		w.printf("%s\n", strings.TrimRight(line, " "))
	}
}

// edgeText writes where a bucket begins or ends.
func edgeText(ns int64) string {
	if ns == math.MaxInt64 {
		return "more"
	}
	return text.Round(float64(ns))
}

// comparison is a table of distributions: beside each figure how many times that of the
// first it is.
func comparison(all []distribution) bench.Table {
	t := bench.Table{Title: "Latency", Head: append([]string{"", "messages", "mean"}, percentileNames...)}
	var first *percentiles
	for _, d := range all {
		p := d.percentiles()
		row := []string{d.name, text.Count(p.Count), "-"}
		if p.Count > 0 {
			row[2] = text.Ns(int64(p.Mean))
		}
		row = append(row, p.cells()...)
		switch {
		case first == nil:
			first = p
		case p.Count > 0:
			row[2] += timesText(p.Mean, first.Mean)
			for i, v := range p.values() {
				row[3+i] += timesText(float64(v), float64(first.values()[i]))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	if len(all) > 1 {
		t.Notes = []string{fmt.Sprintf("× is how many times that of %s it is.", all[0].name)}
	}
	return t
}

// timesText says how many times first v is, or nothing if that has no meaning.
func timesText(v, first float64) string {
	if v <= 0 || first <= 0 {
		return ""
	}
	switch r := v / first; {
	case r >= 99.5:
		return fmt.Sprintf(" ×%.0f", r)
	case r < 0.095:
		return fmt.Sprintf(" ×1/%.0f", 1/r)
	case r >= 9.95:
		return fmt.Sprintf(" ×%.1f", r)
	default:
		return fmt.Sprintf(" ×%.2f", r)
	}
}
