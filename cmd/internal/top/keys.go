package top

import (
	tea "github.com/charmbracelet/bubbletea"

	"github.com/tickring/tickring/ring/monitor"
)

// key follows a key. What is typed fast comes as one message of several characters.
func (m Model) key(k tea.KeyMsg) (Model, tea.Cmd) {
	if k.Type == tea.KeyCtrlC {
		return m, tea.Quit
	}
	if m.typing {
		m.edit(k)
		return m, nil
	}
	if k.Type != tea.KeyRunes {
		return m.press(k.String())
	}
	var cmd tea.Cmd
	for i, r := range k.Runes {
		if k.Paste {
			break // a mishap
		}
		if m.typing {
			m.edit(tea.KeyMsg{Type: tea.KeyRunes, Runes: k.Runes[i:]})
			break
		}
		var c tea.Cmd
		if m, c = m.press(string(r)); c != nil {
			cmd = c
		}
	}
	return m, cmd
}

func (m Model) press(key string) (Model, tea.Cmd) {
	if m.help {
		m.help = false
		if key != "q" {
			return m, nil
		}
	}
	switch key {
	case "q":
		return m, tea.Quit
	case "ctrl+z":
		return m, tea.Suspend
	case "?", "h", "f1":
		m.help = true
	case "p", " ":
		m.paused = !m.paused
		if !m.paused && m.newest != nil {
			m.snap = m.newest
			return m, m.closer()
		}
	case "w":
		m.window = (m.window + 1) % monitor.Span(len(spanNames))
	case "1", "2", "3":
		m.window = monitor.Span(key[0] - '1')
	case "esc", "left", "backspace":
		m.back(key)
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "pgup", "ctrl+b", "ctrl+u":
		m.move(-m.pageful())
	case "pgdown", "ctrl+f", "ctrl+d":
		m.move(m.pageful())
	case "home", "g":
		m.scrolls = 0
		if m.open == (id{}) {
			m.selected = selected{}
		}
	case "end", "G":
		m.move(len(m.entries) + len(m.page()))
	default:
		if m.open == (id{}) {
			return m.pressInTable(key)
		}
	}
	return m, nil
}

func (m Model) pressInTable(key string) (Model, tea.Cmd) {
	switch key {
	case "enter", "right", "l":
		e, ok := m.selectedEntry()
		switch {
		case !ok:
		case e.sub != nil:
			m.open, m.scrolls = e.id(), 0
			m.selected.id = e.id()
			return m, m.closer()
		default:
			m.before = selected{m.at, e.id(), m.first}
			m.choice.ring, m.selected = e.ring.Name, selected{}
		}
	case "/":
		m.typing, m.typed = true, m.filter
	case "t":
		m.flat = !m.flat
	case "r":
		m.order.reverse = !m.order.reverse
	case ">", "s":
		m.sortBy(1)
	case "<", "S":
		m.sortBy(-1)
	}
	return m, nil
}

// back closes what was opened last.
func (m *Model) back(key string) {
	switch {
	case m.open != (id{}):
		m.open, m.close, m.scrolls = id{}, closeup{}, 0
	case m.choice.ring != "":
		m.choice.ring, m.selected = "", m.before
	case key == "esc":
		m.filter = ""
	}
}

// move moves the selection, or what is open.
func (m *Model) move(by int) {
	if m.open != (id{}) {
		m.scrolls += by // refresh keeps it within the text
		return
	}
	m.at = max(min(m.at+by, len(m.entries)-1), 0)
	if e, ok := m.selectedEntry(); ok {
		m.selected.id = e.id()
	}
}

func (m *Model) pageful() int {
	if m.open != (id{}) {
		return max(m.pageHeight()-1, 1)
	}
	return max(m.rows()-1, 1)
}

// sortBy takes the next column that is on the screen and can be sorted by.
func (m *Model) sortBy(step int) {
	t := m.table()
	at := 0
	for i, c := range t.cols {
		if c <= m.order.col {
			at = i
		}
	}
	for range t.cols {
		at = (at + step + len(t.cols)) % len(t.cols)
		if columns[t.cols[at]].sortable() {
			m.order = order{col: t.cols[at]}
			return
		}
	}
}

// closer looks at what is open.
func (m *Model) closer() tea.Cmd {
	if m.open == (id{}) {
		return nil
	}
	return m.look.one(m.open)
}

// edit edits the filter.
func (m *Model) edit(k tea.KeyMsg) {
	const most = 60
	switch k.Type {
	case tea.KeyEnter:
		m.typing = false
	case tea.KeyEsc:
		m.typing, m.filter = false, m.typed
	case tea.KeyBackspace:
		if r := []rune(m.filter); len(r) > 0 {
			m.filter = string(r[:len(r)-1])
		}
	case tea.KeyCtrlU, tea.KeyCtrlW:
		m.filter = ""
	case tea.KeyUp:
		m.move(-1)
	case tea.KeyDown:
		m.move(1)
	case tea.KeySpace, tea.KeyRunes:
		if r := append([]rune(m.filter), []rune(clean(string(k.Runes)))...); k.Type == tea.KeyRunes && len(r) <= most {
			m.filter = string(r)
		} else if k.Type == tea.KeySpace && len(r) < most {
			m.filter += " "
		}
	}
}
