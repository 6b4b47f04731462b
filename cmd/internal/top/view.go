package top

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/tickring/tickring/internal/text"
)

// The smallest terminal that there is something to see in.
const (
	MinWidth  = 64
	MinHeight = 10
)

// View draws the whole screen.
func (m Model) View() string {
	screen := m.draw()
	if m.cfg.ASCII {
		return ascii(screen)
	}
	return screen
}

func (m *Model) draw() string {
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

func (m *Model) pauseWord() string {
	if m.paused {
		return "go on"
	}
	return "pause"
}
