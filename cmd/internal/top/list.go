package top

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tickring/tickring/ring/monitor"
)

// The table, what belongs to it, and what is selected in it.

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
		cells = append(cells, cell{"  filter: ", warn}, cell{m.filter + "_", strong})
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
