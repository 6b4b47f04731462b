package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// countText writes a number with commas between thousands.
func countText(n uint64) string {
	s := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// countOf writes how many there are of something.
func countOf(n uint64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return countText(n) + " " + more
}

func messagesText(n uint64) string { return countOf(n, "message", "messages") }

// lostText tells of losses, numbersText of the numbers of the messages that were not
// lost.
func lostText(lost, gaps uint64) string {
	if lost == 0 {
		return "none"
	}
	return fmt.Sprintf("%s in %s", messagesText(lost), countOf(gaps, "gap", "gaps"))
}

func numbersText(first, last uint64) string {
	switch first {
	case 0:
		return "no messages"
	case last:
		return "message " + countText(first)
	}
	return fmt.Sprintf("messages %s to %s", countText(first), countText(last))
}

// bytesText writes a number of bytes: exactly if it is a whole number of a unit.
func bytesText(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, u := float64(n), 0
	for v >= 1024 && u < len(units)-1 {
		v /= 1024
		u++
	}
	if v == float64(uint64(v)) {
		return fmt.Sprintf("%d %s", uint64(v), units[u])
	}
	return fmt.Sprintf("%.1f %s", v, units[u])
}

// nsText writes a time span with three digits, which is what a histogram knows.
func nsText(ns int64) string {
	switch v := float64(ns); {
	case ns < 1000:
		return fmt.Sprintf("%d ns", ns)
	case v < 999.5e3:
		return digits3(v/1e3) + " µs"
	case v < 999.5e6:
		return digits3(v/1e6) + " ms"
	default:
		return digits3(v/1e9) + " s"
	}
}

func digits3(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// rateText writes messages a second.
func rateText(n uint64, d time.Duration) string {
	if n == 0 || d <= 0 {
		return "-"
	}
	switch r := float64(n) / d.Seconds(); {
	case r >= 1e6:
		return digits3(r/1e6) + " M/s"
	case r >= 1e3:
		return digits3(r/1e3) + " k/s"
	default:
		return digits3(r) + " /s"
	}
}

// agoText writes how long something has been, for people: its largest unit.
func agoText(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// clipped quotes what a user gave for a name, without all of it if it is long.
func clipped(s string) string {
	const most = 63
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:20]) + "..."
}

// oneLine keeps an error's text on one line of a table.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// writeJSON writes v as one line.
func writeJSON(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(append(line, '\n'))
	}
	return err
}

// isTerminal says whether a person watches w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
