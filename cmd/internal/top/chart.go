package top

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/charmbracelet/x/ansi"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring/monitor"
)

// chartGutter is the room for the labels left of a chart.
const chartGutter = 9

// chart draws a histogram of latencies as bars of the given number of lines, with an axis
// below. Both of its axes are logarithmic, since it is the tail that one looks for.
func chart(p *painter, h *hdrhistogram.Histogram, w *monitor.Window, width, lines int) []string {
	width -= chartGutter
	if h == nil || h.TotalCount() == 0 || width < 10 {
		return []string{p.line(width+chartGutter, cell{"  no latencies in this window", faint})}
	}
	axis := axisFor(h, width)
	shares := make([]float64, width)
	for _, b := range h.Distribution() {
		if b.Count == 0 {
			continue
		}
		from, to := axis.column(b.From), axis.column(b.To)
		for i := from; i <= to; i++ {
			shares[i] += float64(b.Count) / float64(h.TotalCount()) / float64(to-from+1)
		}
	}
	// From the decade of the largest share down to that of one latency, or 7 decades.
	top := math.Ceil(math.Log10(slices.Max(shares)))
	decades := min(max(top+math.Ceil(math.Log10(float64(h.TotalCount()))), 2), 7)
	for i, s := range shares {
		if s > 0 {
			s = math.Max(1+(math.Log10(s)-top)/decades, 0)
		} else {
			s = -1
		}
		shares[i] = s
	}
	shareOf := map[int]string{} // by the line that it is the upper edge of
	for d := decades - 1; d >= 0; d-- {
		shareOf[int(math.Round(d*float64(lines)/decades))] = percent(int(top - d))
	}
	var out []string
	for i, bar := range bars(shares, lines) {
		out = append(out, p.line(width+chartGutter, cell{padded(shareOf[i]+" ", chartGutter, false), faint}, cell{bar, accent}))
	}
	pad := strings.Repeat(" ", chartGutter)
	out = append(out, p.line(width+chartGutter, cell{pad + axis.labels(), faint}))
	marks := []mark{{"p50", w.P50}, {"p99", w.P99}, {"p99.9", w.P999}, {"p99.99", w.P9999}, {"max", w.Max}}
	return append(out, p.line(width+chartGutter, cell{pad + axis.marks(marks), title}))
}

// percent writes a power of ten.
func percent(power int) string {
	return strconv.FormatFloat(math.Pow10(power+2), 'f', max(-power-2, 0), 64) + "%"
}

// axis maps the latencies of whole decades to columns.
type axis struct {
	low, perDecade float64
	width          int
}

func axisFor(h *hdrhistogram.Histogram, width int) axis {
	low := math.Floor(math.Log10(math.Max(float64(h.Min()), 1)))
	high := math.Ceil(math.Log10(math.Max(float64(h.Max()), 10)))
	return axis{low, float64(width) / math.Max(high-low, 1), width}
}

// column is where a latency is.
func (a axis) column(ns int64) int {
	at := int((math.Log10(math.Max(float64(ns), 1)) - a.low) * a.perDecade)
	return min(max(at, 0), a.width-1)
}

// labels are the decades below the bars.
func (a axis) labels() string {
	b := []rune(strings.Repeat("─", a.width))
	for d := a.low; ; d++ {
		at := int(math.Round((d - a.low) * a.perDecade))
		label := []rune("┴" + strings.ReplaceAll(text.Round(math.Pow(10, d)), " ", "") + " ")
		if at+len(label) > a.width {
			break
		}
		copy(b[at:], label)
	}
	return string(b)
}

// mark is a value to be shown on an axis.
type mark struct {
	name string
	ns   int64
}

// marks are names below their values; those that have no room are left out, and the last
// ones are wanted most.
func (a axis) marks(ms []mark) string {
	b := []rune(strings.Repeat(" ", a.width))
	for i := len(ms) - 1; i >= 0; i-- {
		label := []rune("▴" + ms[i].name)
		at := a.column(ms[i].ns)
		if at+len(label) > a.width {
			label = []rune(ms[i].name + "▴")
			at -= len(label) - 1
		}
		if at < 0 {
			continue
		}
		from, to := max(at-1, 0), min(at+len(label)+1, a.width)
		if strings.TrimSpace(string(b[from:to])) == "" {
			copy(b[at:], label)
		}
	}
	return strings.TrimRight(string(b), " ")
}

// center puts a line in the middle of a width.
func center(s string, width int) string {
	return strings.Repeat(" ", max((width-ansi.StringWidth(s))/2, 0)) + s
}
