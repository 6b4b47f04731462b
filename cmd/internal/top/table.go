package top

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// table lays the chosen entries out on lines of a width.
type table struct {
	choice
	paint *painter
	width int
	cols  []int // of columns, in order
	name  int   // width of the first of them
	trend int   // and of the last
}

// maxTrend is how many seconds a trend has.
const maxTrend = 60

// newTable gives what room there is to the extra columns, that of the order first, and then by
// turns to the names of the entries and to the trend.
func newTable(c choice, p *painter, width int, entries []entry) table {
	t := table{choice: c, paint: p, width: width, name: columns[colName].width, trend: columns[len(columns)-1].width}
	left := map[string]bool{} // out
	for _, e := range extras {
		left[e] = e != "trend"
	}
	free := width - 1 // the mark of the selection
	for i := range columns {
		if !left[columns[i].id] {
			free -= columns[i].width + 1
		}
	}
	free++ // no space after the last
	for _, e := range spared {
		if free < 0 {
			free += columns[indexOf(e)].width + 1
			left[e] = true
		}
	}
	grow := func(width *int, to int) {
		by := max(min(to-*width, free), 0)
		*width, free = *width+by, free-by
	}
	for _, e := range slices.Concat([]string{columns[c.order.col].id}, extras) {
		if w := columns[indexOf(e)].width + 1; left[e] && free >= w && c.has(indexOf(e), entries) {
			free -= w
			delete(left, e)
		} else if e == "trend" && !left[e] {
			grow(&t.trend, 15)
		}
	}
	for i := range columns {
		if !left[columns[i].id] {
			t.cols = append(t.cols, i)
		}
	}
	longest := c.longestName(entries)
	grow(&t.name, min(longest, 28))
	grow(&t.trend, 30)
	grow(&t.name, longest)
	grow(&t.trend, maxTrend)
	return t
}

// indexOf finds a column by its id; -1 if there is none.
func indexOf(id string) int {
	for i := range columns {
		if columns[i].id == id {
			return i
		}
	}
	return -1
}

// has says whether there is anything in a column.
func (c *choice) has(col int, entries []entry) bool {
	return slices.ContainsFunc(entries, func(e entry) bool {
		if e.sub == nil {
			return false
		}
		text := columns[col].show(e, c.window).text
		return text != "" && text != "?"
	})
}

// longestName is how wide a name in the table is at most.
func (c *choice) longestName(entries []entry) int {
	longest := 0
	for _, e := range entries {
		longest = max(longest, ansi.StringWidth(c.nameOf(e)))
	}
	return longest
}

// nameOf is what stands in the first column.
func (c *choice) nameOf(e entry) string {
	switch {
	case e.sub == nil:
		return clean(e.ring.Name)
	case c.flat:
		return clean(e.ring.Name) + "/" + clean(e.sub.Name)
	case c.ring != "":
		return clean(e.sub.Name)
	}
	return "  " + clean(e.sub.Name)
}

func (t *table) widthOf(col int) int {
	switch col {
	case colName:
		return t.name
	case len(columns) - 1:
		return t.trend
	}
	return columns[col].width
}

// header names the columns; an arrow shows what they are sorted by.
func (t *table) header() string {
	var b strings.Builder
	b.WriteByte(' ')
	for n, i := range t.cols {
		c := &columns[i]
		width, text, in := t.widthOf(i), c.title, faint
		if i == t.order.col {
			in = title
			arrow := "▾"
			if t.order.reverse != (c.rank == nil) {
				arrow = "▴"
			}
			if c.left {
				text = cut(text, width-1) + arrow
			} else {
				text = arrow + text
				b.WriteString(t.paint.paint(in, padded(text, width+1, false)))
				continue
			}
		}
		if n > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.paint.paint(in, padded(text, width, c.left)))
	}
	return b.String()
}

// row draws an entry.
func (t *table) row(e entry, isSelected bool) string {
	cells := t.cells(e)
	if !isSelected {
		return t.paint.line(t.width, cells...)
	}
	// The trend is left as it is: bars are no bars in reverse.
	cells[0].text = "▸"
	last, width := len(cells), t.width
	if e.sub != nil && cells[last-1].ink == accent {
		last, width = last-1, t.width-ansi.StringWidth(cells[last-1].text)
	}
	return t.paint.paint(chosen, padded(plainLine(width, cells[:last]...), width, true)) + t.paint.line(t.width-width, cells[last:]...)
}

func (t *table) cells(e entry) []cell {
	cells := []cell{{" ", plain}}
	name := cell{padded(cutMiddle(t.nameOf(e), t.name), t.name, true), plain}
	if e.sub == nil {
		name.ink = strong
	}
	cells = append(cells, name)
	for _, i := range t.cols[1:] {
		cells = append(cells, cell{" ", plain})
		c := &columns[i]
		switch {
		case i > colState && e.sub == nil && e.ring.Error != "", i > colRate && e.sub == nil:
			return append(cells, ringText(e.ring)...)
		case i > colState && e.sub != nil && e.sub.Error != "":
			return append(cells, cell{clean(e.sub.Error), bad})
		case i == len(columns)-1:
			cells = append(cells, cell{spark(e.sub.Trend, t.trend), accent})
		default:
			v := c.show(e, t.window)
			v.text = padded(v.text, t.widthOf(i), c.left)
			cells = append(cells, v)
		}
	}
	return cells
}
