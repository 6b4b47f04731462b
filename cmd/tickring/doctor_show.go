package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/tickring/tickring/affinity/doctor"
	"github.com/tickring/tickring/internal/gaps"
	"github.com/tickring/tickring/internal/text"
)

// doctorWidth is that of a terminal which nobody has made wider.
const doctorWidth = 80

// verdictMarks stand before a check, all of one width.
var verdictMarks = map[doctor.Verdict]string{
	doctor.Good: "good", doctor.Warn: "warn", doctor.Bad: "BAD ", doctor.Unknown: "?   ", doctor.None: "-   ",
}

// paint colours a word by a verdict.
type paint func(v doctor.Verdict, word string) string

// paintFor colours for a terminal whose user wants colours (no-color.org).
func paintFor(w io.Writer) paint {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return func(_ doctor.Verdict, word string) string { return word }
	}
	colours := map[doctor.Verdict]string{doctor.Good: "32", doctor.Warn: "33", doctor.Bad: "1;31", doctor.Unknown: "36", doctor.None: "2"}
	return func(v doctor.Verdict, word string) string {
		return "\x1b[" + colours[v] + "m" + word + "\x1b[0m"
	}
}

// showDoctor writes a report for people.
func showDoctor(w *lines, r *doctorReport, p paint) error {
	w.printf("%s\n", wrapped(quietText(r), "", doctorWidth))
	group := ""
	for i := range r.Checks {
		c := &r.Checks[i]
		if c.Group != group {
			group = c.Group
			w.printf("\n%s\n", group)
		}
		showCheck(w, c, p)
	}
	if len(r.Measured) > 0 {
		showMeasured(w, r.Measured, p)
	}
	w.printf("\n%d good, %d to know of, %d bad, %d unknown, %d not applicable\n", r.Good, r.Warn, r.Bad, r.Unknown, r.NotApplicable)
	return w.err
}

func quietText(r *doctorReport) string {
	if r.CPUs.Empty() {
		return "Quiet CPUs: unknown; --cpu names those that are meant to be quiet"
	}
	text := "Quiet CPUs: " + r.CPUs.String()
	switch r.Chosen {
	case "isolated":
		text += ", those that are isolated; --cpu names others"
	case "allowed":
		text += ", all that this process may use, since none is isolated; --cpu names those that are meant to be quiet"
	}
	return text
}

// nameWidth is that of the column of names, with the space behind it.
const nameWidth = 22

// showCheck writes one line for what is good, and says more of what is not.
func showCheck(w *lines, c *doctor.Check, p paint) {
	head := fmt.Sprintf("%-*s", nameWidth, c.Name)
	indent := strings.Repeat(" ", 7+nameWidth)
	value := c.Value
	if c.Verdict != doctor.Good && c.Verdict != doctor.None {
		value += "; wanted: " + c.Want
	}
	w.printf("  %s %s%s\n", p(c.Verdict, verdictMarks[c.Verdict]), head, beside(value, indent))
	if c.Verdict == doctor.Good || c.Verdict == doctor.None {
		return
	}
	w.printf("%s%s\n", indent, beside(c.Why, indent))
	if c.Mend != "" {
		w.printf("%s%s\n", indent, beside("=> "+c.Mend, indent))
	}
}

// beside wraps a text that stands to the right of an indent of the same width.
func beside(text, indent string) string {
	width := doctorWidth - utf8.RuneCountInString(indent)
	return strings.ReplaceAll(wrapped(text, "", width), "\n", "\n"+indent)
}

// mostMoved is how many counters are named.
const mostMoved = 6

func showMeasured(w *lines, all []doctor.Measured, p paint) {
	w.printf("\nWhat a thread that spins missed; wanted: gaps below 50 µs, under 0.1 %% lost\n")
	w.printf("       %-6s %8s %8s %9s %9s %9s %9s\n", "CPU", "gaps/s", "lost", "p50", "p99", "p99.9", "largest")
	for i := range all {
		m := &all[i]
		w.printf("  %s ", p(m.Verdict, verdictMarks[m.Verdict]))
		if m.Seconds == 0 {
			w.printf("%-6d %s\n", m.CPU, beside(m.Error, strings.Repeat(" ", 14)))
			continue
		}
		w.printf("%-6d %8.0f %7.2f%% %9s %9s %9s %9s\n", m.CPU, m.PerSecond, m.Lost, text.Ns(m.P50), text.Ns(m.P99), text.Ns(m.P999), text.Ns(m.Max))
	}
	w.printf("\nHow many gaps took from so long up to the next column\nCPU")
	for _, b := range gaps.Bounds() {
		w.printf(" %6s", strings.ReplaceAll(text.Round(b), " ", ""))
	}
	w.printf("\n")
	for i := range all {
		m := &all[i]
		if m.Seconds == 0 {
			continue
		}
		w.printf("%-3d", m.CPU)
		for _, r := range m.Histogram {
			w.printf(" %6d", r.Count)
		}
		w.printf("\n")
	}
	w.printf("\nWhat the kernel counted there meanwhile, and around the largest gap\n")
	indent := strings.Repeat(" ", 10)
	for i := range all {
		m := &all[i]
		if m.Seconds == 0 {
			continue
		}
		w.printf("  CPU %-3d %s\n", m.CPU, beside(movedText(m.Moved), indent))
		if m.Worst.Ns > 0 {
			w.printf("%s%s\n", indent, beside(fmt.Sprintf("%s: %v, %s", text.Ns(m.Worst.Ns), m.Worst.Cause, m.Worst.Why), indent))
			w.printf("%s%s\n", indent, beside("in that tenth of a second: "+movedText(m.Worst.Moved), indent))
		}
	}
}

func movedText(moved []doctor.Moved) string {
	if len(moved) == 0 {
		return "nothing that can be read"
	}
	var parts []string
	for _, m := range moved[:min(len(moved), mostMoved)] {
		parts = append(parts, m.String())
	}
	if more := len(moved) - mostMoved; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}
