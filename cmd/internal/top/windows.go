package top

import (
	"fmt"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring/monitor"
)

// spanNames are the windows, by [monitor.Span].
var spanNames = [...]string{"last second", "last minute", "since start"}

// windowsOf are the three windows of an entry, nil if it measures nothing.
func windowsOf(e entry) []*monitor.Window {
	switch {
	case e.sub != nil && e.sub.Error == "":
		return []*monitor.Window{&e.sub.Second, &e.sub.Minute, &e.sub.Start}
	case e.sub == nil && e.ring.Late != nil:
		l := e.ring.Late
		return []*monitor.Window{&l.Second, &l.Minute, &l.Start}
	}
	return nil
}

// windowLines are a table of windows; the one at is marked.
func windowLines(p *painter, width int, ws []*monitor.Window, at monitor.Span) []string {
	head := padded("", 20, true) + padded("messages", 13, false)
	for _, h := range []string{"mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"} {
		head += padded(h, 7, false)
	}
	// The mean makes room where the screen is narrow.
	from := 0
	if width < 83 {
		from = 1
		head = padded("", 20, true) + padded("messages", 11, false)
		for _, h := range []string{"p50", "p90", "p99", "p99.9", "p99.99", "max"} {
			head += padded(h, 8, false)
		}
	}
	lines := []string{p.line(width, cell{head, faint})}
	for i, w := range ws {
		name, in, mark := spanNames[i], plain, "  "
		if monitor.Span(i) == at {
			in, mark = strong, "▸ "
		}
		if whole := [...]float64{1, 60, 0}[i]; w.Seconds > 0 && w.Seconds < 0.9*whole {
			name = fmt.Sprintf("last %.1f s", w.Seconds)
		}
		l := padded(mark+name, 20, true)
		values := []string{latency(int64(w.Mean), w.Count), latency(w.P50, w.Count), latency(w.P90, w.Count), latency(w.P99, w.Count),
			latency(w.P999, w.Count), latency(w.P9999, w.Count), latency(w.Max, w.Count)}
		if from == 0 {
			l += padded(text.Count(w.Count), 13, false)
		} else {
			l += padded(count(w.Count), 11, false)
		}
		for _, v := range values[from:] {
			l += padded(v, 7+from, false)
		}
		lines = append(lines, p.line(width, cell{l, in}))
	}
	return lines
}

// windowLine is a window of an entry that has some in one line.
func windowLine(e entry, at monitor.Span) string {
	name, w := "", windowsOf(e)[at]
	if e.sub == nil {
		name = "late "
	}
	if w.Count == 0 {
		return name + "nothing measured, " + spanNames[at]
	}
	return fmt.Sprintf("%sp50 %s p90 %s p99 %s p99.9 %s p99.99 %s max %s", name, ns(w.P50), ns(w.P90), ns(w.P99), ns(w.P999), ns(w.P9999), ns(w.Max))
}
