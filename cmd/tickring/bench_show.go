package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/tickring/tickring/bench"
)

// showResult writes a result for people: what it ran on, the tables, and what is to be
// known about them.
func showResult(w io.Writer, r bench.Result) error {
	about := r.About()
	for _, line := range about.Header() {
		if err := writeWrapped(w, line); err != nil {
			return err
		}
	}
	for _, t := range r.Tables() {
		fmt.Fprintln(w)
		if err := writeTable(w, t); err != nil {
			return err
		}
	}
	for _, note := range about.Notes {
		if err := writeWrapped(w, note); err != nil {
			return err
		}
	}
	return nil
}

func writeTable(w io.Writer, t bench.Table) error {
	if _, err := fmt.Fprintln(w, t.Title); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		fmt.Fprintln(tw, strings.Join(row, "\t")) // Flush has its error
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, n := range t.Notes {
		if err := writeWrapped(w, n); err != nil {
			return err
		}
	}
	return nil
}

// wrapAt is the width of a line of text. Tables have the width they need.
const wrapAt = 110

// writeWrapped writes a paragraph. Its second and later lines are indented.
func writeWrapped(w io.Writer, text string) error {
	_, err := fmt.Fprintln(w, wrapped(text, "  ", wrapAt))
	return err
}

// wrapped breaks a text into lines of that width. The second and later ones begin with
// the indent.
func wrapped(text, indent string, width int) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > width:
			b.WriteString("\n" + indent)
			at = utf8.RuneCountInString(indent)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}

// benchProgress is a line on a terminal that says what is being measured.
type benchProgress struct {
	w     io.Writer // nil: nobody watches
	text  string
	shown int
	stage string // which of several benchmarks, or ""
}

func (p *benchProgress) report(what string, done, total int) {
	if p.w == nil {
		return
	}
	text := p.stage + what
	if total > 0 {
		text += fmt.Sprintf("   %d%%", min(max(int(float64(done)/float64(total)*100), 0), 100))
	}
	p.write(text)
}

// clear makes room for other text.
func (p *benchProgress) clear() {
	if p.w != nil && p.shown > 0 {
		p.write("")
	}
}

func (p *benchProgress) write(text string) {
	if text == p.text {
		return
	}
	width := utf8.RuneCountInString(text)
	fmt.Fprint(p.w, "\r", text, strings.Repeat(" ", max(p.shown-width, 0)))
	if text == "" {
		fmt.Fprint(p.w, "\r")
	}
	p.text, p.shown = text, width
}
