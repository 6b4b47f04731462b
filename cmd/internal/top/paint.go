package top

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// ink is what a piece of text is, which decides its colour. Colours only underline what the
// text says anyway. They are the terminal's own 16, which its user chose to be readable.
type ink uint8

const (
	plain ink = iota
	faint
	strong
	title
	accent
	good
	warn
	bad
	chosen
	inks
)

// painter colours text, or leaves it as it is for what shows no colours.
type painter [inks]lipgloss.Style

// painterFor finds out from w and the environment (NO_COLOR, TERM) what there is of colours.
func painterFor(w io.Writer) painter { return newPainter(lipgloss.NewRenderer(w)) }

func newPainter(r *lipgloss.Renderer) painter {
	s := r.NewStyle().Inline(true)
	color := func(n string) lipgloss.Style { return s.Foreground(lipgloss.Color(n)) }
	return painter{
		plain:  s,
		faint:  color("8"),
		strong: s.Bold(true),
		title:  s.Bold(true).Foreground(lipgloss.Color("12")),
		accent: color("6"),
		good:   color("2"),
		warn:   color("3").Bold(true),
		bad:    color("9").Bold(true),
		chosen: s.Reverse(true),
	}
}

func (p *painter) paint(i ink, s string) string {
	if i == plain || s == "" {
		return s
	}
	return p[i].Render(s)
}

// cell is a piece of text on a line.
type cell struct {
	text string
	ink  ink
}

// clean makes text from elsewhere harmless to a terminal and one line long.
func clean(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\ufffd'
		}
		return r
	}, s)
}

// cut shortens text at its end to a width.
func cut(s string, width int) string {
	if ansi.StringWidth(s) <= width {
		return s
	}
	return ansi.Truncate(s, max(width, 0), "…")
}

// cutMiddle shortens a name, of which the end tells as much as the beginning.
func cutMiddle(s string, width int) string {
	if len(s) <= width {
		return s
	}
	w := ansi.StringWidth(s)
	if w <= width {
		return s
	}
	if width < 5 {
		return cut(s, width)
	}
	tail := (width - 1) / 2
	return ansi.Truncate(s, width-1-tail, "") + "…" + ansi.TruncateLeft(s, w-tail, "")
}

// padded is text of exactly a width.
func padded(s string, width int, left bool) string {
	s = cut(s, width)
	space := strings.Repeat(" ", max(width-ansi.StringWidth(s), 0))
	if left {
		return s + space
	}
	return space + s
}

// line joins cells and cuts them where the line ends.
func (p *painter) line(width int, cells ...cell) string {
	var b strings.Builder
	for _, c := range cells {
		if width <= 0 {
			break
		}
		text := cut(c.text, width)
		width -= ansi.StringWidth(text)
		b.WriteString(p.paint(c.ink, text))
	}
	return b.String()
}

// plainLine is line without colours.
func plainLine(width int, cells ...cell) string {
	var none painter
	for i := range cells {
		cells[i].ink = plain
	}
	return none.line(width, cells...)
}
