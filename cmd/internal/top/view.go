package top

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring/monitor"
)

// The smallest terminal that there is something to see in.
const (
	MinWidth  = 64
	MinHeight = 10
)

// View draws the whole screen.
func (m Model) View() string {
	if m.width == 0 {
		return ""
	}
	if m.width < MinWidth || m.height < MinHeight {
		return m.tooSmall()
	}
	var lines []string
	switch {
	case m.help:
		lines = m.screen(m.helpLines(), keyList{{"any key", "back"}})
	case m.snap == nil:
		lines = m.screen(m.notice("looking at "+clean(m.cfg.Dir)+" ..."), keyList{{"q", "quit"}})
	case m.open != (id{}):
		page := m.page()
		page = page[min(m.scrolls, len(page)):]
		lines = m.screen(page[:min(len(page), m.pageHeight())], m.pageKeys(len(page)))
	default:
		lines = m.screen(m.list(), m.listKeys())
	}
	return strings.Join(lines, "\n")
}

// tooSmall says so in whatever room there is.
func (m *Model) tooSmall() string {
	words := fmt.Sprintf("The terminal is %d x %d. tickring top needs %d x %d. q quits.", m.width, m.height, MinWidth, MinHeight)
	lines := strings.Split(ansi.Wrap(words, m.width, ""), "\n")
	return strings.Join(lines[:min(len(lines), max(m.height, 1))], "\n")
}

// screen puts the title above and the keys below, and fills up what is between.
func (m *Model) screen(body []string, keys keyList) []string {
	lines := append([]string{m.title()}, body...)
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	lines = lines[:m.height-1]
	return append(lines, m.keyLine(keys))
}

// title says where we are and how it stands.
func (m *Model) title() string {
	cells := []cell{{" tickring top ", title}}
	right := ""
	if m.snap != nil {
		right = m.snap.Time.Format("15:04:05") + " "
	}
	room := m.width - ansi.StringWidth(right)
	if m.paused {
		right = "PAUSED at " + right
		room = m.width - ansi.StringWidth(right)
	}
	if m.snap != nil {
		cells = append(cells, tallyCells(tallyOf(m.snap))...)
	}
	used := m.paint.line(room-1, cells...)
	if left := room - 4 - ansi.StringWidth(used); left >= 12 {
		used += m.paint.paint(faint, "  "+cutMiddle(clean(m.cfg.Dir), left))
	}
	in := plain
	if m.paused {
		in = warn
	}
	return used + strings.Repeat(" ", max(room-ansi.StringWidth(used), 0)) + m.paint.paint(in, right)
}

func tallyCells(t tally) []cell {
	cells := []cell{{" " + text.CountOf(uint64(t.rings), "ring", "rings") + ", " + text.CountOf(uint64(t.subs), "subscriber", "subscribers"), plain}}
	for _, c := range []struct {
		n    int
		word string
		in   ink
	}{{t.dead, "dead", bad}, {t.broken, "broken", bad}, {t.stuck, "stuck", warn}, {t.hung, "hung", warn}, {t.absent, "absent", warn}} {
		if c.n > 0 {
			cells = append(cells, cell{", ", plain}, cell{fmt.Sprintf("%d %s", c.n, c.word), c.in})
		}
	}
	return cells
}

// notice is a sentence where the table would be.
func (m *Model) notice(words string) []string {
	lines := []string{"", ""}
	for _, l := range strings.Split(ansi.Wrap(words, m.width-4, ""), "\n") {
		lines = append(lines, center(l, m.width))
	}
	return lines
}

// empty says why there is nothing in the table; "" if there is something.
func (m *Model) empty() string {
	switch {
	case m.snap.Error != "":
		return "The rings cannot be listed: " + clean(m.snap.Error)
	case len(m.entries) > 0:
		return ""
	case m.filter != "":
		return fmt.Sprintf("Nothing has %q in its name or its state. Esc lets go of the filter.", m.filter)
	case m.choice.ring != "":
		if _, ok := m.find(id{ring: m.choice.ring}); !ok {
			return "The ring " + clean(m.choice.ring) + " is not there any more."
		}
		return "The ring " + clean(m.choice.ring) + " has no named subscribers."
	case m.flat && len(m.snap.Rings) > 0:
		return "There are no subscribers."
	case len(m.cfg.Rings) > 0:
		return "There is no ring " + clean(strings.Join(m.cfg.Rings, ", ")) + " in " + clean(m.cfg.Dir) + "."
	}
	return "There are no rings in " + clean(m.cfg.Dir) + " yet. A publisher makes them: 'tickring replay', 'tickring demo'."
}

// list is the table with what belongs to it.
func (m *Model) list() []string {
	lines := append(m.head(), m.tabs())
	if why := m.empty(); why != "" {
		return append(lines, m.notice(why)...)
	}
	t := m.table()
	lines = append(lines, t.header())
	last := min(m.first+m.rows(), len(m.entries))
	for i := m.first; i < last; i++ {
		lines = append(lines, t.row(m.entries[i], i == m.at))
	}
	panel := m.panel()
	for len(lines) < m.height-2-len(panel) {
		lines = append(lines, "")
	}
	return append(lines, panel...)
}

func (m *Model) table() table {
	return newTable(m.choice, m.paint, m.width, m.entries)
}

// tabs are the windows and the filter.
func (m *Model) tabs() string {
	cells := []cell{{" latency of the", faint}}
	for i, name := range spanNames {
		if monitor.Span(i) == m.window {
			cells = append(cells, cell{" [" + name + "]", title})
		} else {
			cells = append(cells, cell{"  " + name + " ", faint})
		}
	}
	if t := m.table(); !slices.Contains(t.cols, m.order.col) {
		cells = append(cells, cell{"  sorted by " + columns[m.order.col].id, faint})
	}
	switch {
	case m.typing:
		cells = append(cells, cell{"  filter: ", warn}, cell{m.filter + "█", strong})
	case m.filter != "":
		cells = append(cells, cell{"  filter: ", warn}, cell{m.filter, strong})
	}
	return m.paint.line(m.width, cells...)
}

// head is about the ring that is open.
func (m *Model) head() []string {
	if m.choice.ring == "" {
		return nil
	}
	e, ok := m.find(id{ring: m.choice.ring})
	if !ok {
		return []string{m.rule(clean(m.choice.ring))}
	}
	lines := m.about(e)
	if ws := windowsOf(e); ws != nil && m.height < 30 {
		lines = append(lines, m.paint.line(m.width, cell{"  " + windowLine(e, m.window), plain}))
	} else if ws != nil {
		lines = append(lines, "", m.paint.line(m.width, cell{"  how late the publisher was against its own pace", strong}))
		lines = append(lines, windowLines(m.paint, m.width, ws, m.window)...)
		if e.ring.Late.Error != "" {
			lines = append(lines, m.paint.line(m.width, cell{"  " + clean(e.ring.Late.Error), bad}))
		}
		lines = append(lines, spikeLines(m.paint, m.width, min(3, m.height/10), false, spikesOf(e), m.snap.Time)...)
	}
	return append(lines, m.rule("subscribers"))
}

// about is an entry in some lines: a rule with its name, what its state means, and facts.
func (m *Model) about(e entry) []string {
	name := clean(e.ring.Name)
	if e.sub != nil {
		name += "/" + clean(e.sub.Name)
	}
	s := sentence(e, m.snap.Time)
	lines := []string{m.rule(name)}
	for _, l := range strings.Split(ansi.Wrap(s.text, m.width-4, ""), "\n") {
		lines = append(lines, m.paint.line(m.width, cell{"  " + l, s.ink}))
	}
	for _, f := range facts(e, m.snap.Time) {
		lines = append(lines, m.paint.line(m.width, cell{"  " + f, plain}))
	}
	return lines
}

func (m *Model) rule(name string) string {
	name = cutMiddle(name, m.width-8)
	return m.paint.line(m.width, cell{"── ", faint}, cell{name, strong},
		cell{" " + strings.Repeat("─", max(m.width-4-ansi.StringWidth(name), 0)), faint})
}

// panelLines is how much room there is for what is selected.
func (m *Model) panelLines() int {
	switch {
	case m.height < 16:
		return 0
	case m.height < 22:
		return 2
	case m.height < 30:
		return 5
	}
	return 8
}

// panel tells of what is selected what the table has no room for.
func (m *Model) panel() []string {
	e, ok := m.selectedEntry()
	room := m.panelLines()
	if !ok || room == 0 {
		return nil
	}
	lines := m.about(e)
	if ws := windowsOf(e); ws != nil && len(lines)+4 <= room {
		lines = append(lines, windowLines(m.paint, m.width, ws, m.window)...)
	} else if ws != nil {
		lines = append(lines, m.paint.line(m.width, cell{"  " + windowLine(e, m.window), plain}))
	}
	for len(lines) < room {
		lines = append(lines, "")
	}
	return lines[:room]
}

// rows is how many lines of the table there is room for.
func (m *Model) rows() int {
	return max(m.height-4-m.panelLines()-len(m.head()), 1)
}

// keyList are keys and what they do.
type keyList [][2]string

// keyLine leaves out the keys in the middle that have no room; the help has them.
func (m *Model) keyLine(keys keyList) string {
	for {
		var cells []cell
		width := 0
		for _, k := range keys {
			cells = append(cells, cell{" " + k[0], strong}, cell{" " + k[1] + " ", faint})
			width += ansi.StringWidth(k[0]+k[1]) + 3
		}
		if width <= m.width || len(keys) < 4 {
			return m.paint.line(m.width, cells...)
		}
		keys = slices.Delete(slices.Clone(keys), len(keys)-3, len(keys)-2)
	}
}

func (m *Model) listKeys() keyList {
	if m.typing {
		return keyList{{"Enter", "keep the filter"}, {"Esc", "let go of it"}}
	}
	var keys keyList
	if m.choice.ring != "" {
		keys = keyList{{"Esc", "back"}}
	}
	keys = append(keys, keyList{{"Enter", "open"}, {"<>", "sort"}, {"w", "window"}, {"/", "filter"}, {"p", m.pauseWord()}}...)
	if m.flat {
		keys = append(keys, [2]string{"t", "tree"})
	} else if m.choice.ring == "" {
		keys = append(keys, [2]string{"t", "flat"})
	}
	return append(keys, keyList{{"r", "reverse"}, {"↑↓", "select"}, {"?", "help"}, {"q", "quit"}}...)
}

func (m *Model) pauseWord() string {
	if m.paused {
		return "go on"
	}
	return "pause"
}

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
	var hist = m.close.hists[m.window]
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
	low, high, any := int64(0), int64(0), false
	for _, v := range values {
		if v >= 0 {
			if !any || v < low {
				low = v
			}
			high, any = max(high, v), true
		}
	}
	head := []cell{{" p99 of each of the last seconds", strong}}
	if any {
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

func (m *Model) helpLines() []string {
	lines := []string{"", m.paint.line(m.width, cell{"  Keys", strong})}
	for _, k := range keyHelp {
		lines = append(lines, m.paint.line(m.width, cell{"    " + padded(k[0], 12, true), title}, cell{k[1], plain}))
	}
	lines = append(lines, "", m.paint.line(m.width, cell{"  Columns", strong}))
	for _, l := range columnHelp {
		lines = append(lines, m.paint.line(m.width, cell{"    " + padded(l[0], 12, true), title}, cell{l[1], plain}))
	}
	return lines
}

var columnHelp = [][2]string{
	{"LAG BEHIND", "messages published and not read, and how old the first of them is"},
	{"LOST", "messages that the ring lapped before they were read"},
	{"P50 to MAX", "from publish to read, over the window"},
	{"MOVED", "how long ago it read something or let go of something"},
	{"SPIKES", "latencies above its threshold; open it for their causes"},
	{"P99 TREND", "p99 of each of the last seconds, on a logarithmic scale"},
	{"- and ?", "none, and not known"},
}

// Frame draws everything once, on as many lines as it takes, with the colours that out has.
func Frame(snap *monitor.Snapshot, cfg Config, out io.Writer, width int) string {
	p := painterFor(out)
	m := newModel(cfg, &p, nil)
	m.width, m.snap = max(width, MinWidth), snap
	m.entries = m.choice.entries(snap)
	var b strings.Builder
	put := func(line string) { b.WriteString(strings.TrimRight(line, " ") + "\n") }
	put(p.line(m.width, append(append([]cell{{"tickring top ", title}}, tallyCells(tallyOf(snap))...),
		cell{"  " + snap.Time.Format(time.DateTime) + "  latency of the " + spanNames[m.window] + "  " + clean(cfg.Dir), faint})...))
	if why := m.empty(); why != "" {
		put(why)
		return b.String()
	}
	t := m.table()
	put(t.header())
	for _, e := range m.entries {
		put(t.row(e, false))
	}
	return b.String()
}
