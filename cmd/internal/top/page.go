package top

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// page is all about the subscriber that is open.
func (m *Model) page() []string {
	if m.open == (id{}) || m.snap == nil || m.width < MinWidth {
		return nil
	}
	e, ok := m.find(m.open)
	if !ok {
		return append([]string{m.rule(clean(m.open.ring) + "/" + clean(m.open.sub))}, m.notice(m.gone())...)
	}
	lines := m.about(e)
	add := func(more ...string) { lines = append(lines, more...) }
	if e.sub.Error != "" {
		return lines
	}
	add("")
	add(windowLines(m.paint, m.width, windowsOf(e), m.window)...)
	chartLines, trendLines := m.heights()
	add("")
	add(m.trend(e.sub.Trend, trendLines)...)
	add("", m.paint.line(m.width, cell{" latencies, " + spanNames[m.window], strong}, cell{"  both axes are logarithmic", faint}))
	hist := m.close.hists[m.window]
	if m.close.of != m.open {
		hist = nil
	}
	add(chart(m.paint, hist, windowOf(e.sub, m.window), m.width-1, chartLines)...)
	add("")
	add(spikeLines(m.paint, m.width, len(e.sub.Spikes.List), true, &e.sub.Spikes, m.snap.Time)...)
	return lines
}

// heights divides the screen: what is fixed of a page, without spikes, has 18 lines.
func (m *Model) heights() (chart, trend int) {
	free := max(m.height-18, 0)
	trend = min(max(free/6, 1), 4)
	return min(max(free-trend-min(free/3, 8), 4), 16), trend
}

func (m *Model) gone() string {
	if _, ok := m.find(id{ring: m.open.ring}); !ok {
		return "The ring " + clean(m.open.ring) + " is not there any more. Esc goes back."
	}
	return "The subscriber " + clean(m.open.sub) + " is not there any more: its file was removed. Esc goes back."
}

// trend is the p99 of the last seconds.
func (m *Model) trend(values []int64, lines int) []string {
	low, high, read := int64(0), int64(0), false
	for _, v := range values {
		if v >= 0 {
			if !read || v < low {
				low = v
			}
			high, read = max(high, v), true
		}
	}
	head := []cell{{" p99 of each of the last seconds", strong}}
	if read {
		head = append(head, cell{fmt.Sprintf("  from %s to %s", ns(low), ns(high)), faint})
	} else {
		head = append(head, cell{"  nothing was read", faint})
	}
	out := []string{m.paint.line(m.width, head...)}
	width := min(maxTrend, m.width-chartGutter-1)
	for _, l := range sparks(values, width, lines) {
		out = append(out, m.paint.line(m.width, cell{strings.Repeat(" ", chartGutter), plain}, cell{l, accent}))
	}
	axis := fmt.Sprintf("┴%d s ago", width)
	axis += strings.Repeat("─", max(width-ansi.StringWidth(axis)-3, 0)) + "now"
	return append(out, m.paint.line(m.width, cell{strings.Repeat(" ", chartGutter) + axis, faint}))
}

// pageHeight is the room for a page.
func (m *Model) pageHeight() int { return max(m.height-2, 1) }

func (m *Model) pageKeys(left int) keyList {
	keys := keyList{{"Esc", "back"}, {"w", "window"}, {"p", m.pauseWord()}, {"?", "help"}, {"q", "quit"}}
	switch {
	case left > m.pageHeight():
		keys = append(keyList{{"↓", "more"}}, keys...)
	case m.scrolls > 0:
		keys = append(keyList{{"↑", "more"}}, keys...)
	}
	return keys
}
