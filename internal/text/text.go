// Package text writes numbers, times and names for people.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Count writes a number with commas between thousands.
func Count(n uint64) string {
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

// CountOf writes how many there are of something.
func CountOf(n uint64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + more
}

// Messages writes how many messages there are.
func Messages(n uint64) string { return CountOf(n, "message", "messages") }

// Bytes writes a number of bytes: exactly if it is a whole number of a unit.
func Bytes(n uint64) string {
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

// Ns writes a time span with three digits, which is what a histogram knows.
func Ns(ns int64) string {
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

// Round writes a time span that is a round number of a unit, such as 50 ns or 2 µs, in three
// digits at most.
func Round(ns float64) string {
	unit := "ns"
	for _, u := range []string{"µs", "ms", "s"} {
		if ns < 999.5 {
			break
		}
		ns, unit = ns/1000, u
	}
	return strconv.FormatFloat(ns, 'g', 3, 64) + " " + unit
}

// digits3 writes a number from 1 to 1000 with three digits.
func digits3(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// Rate writes messages a second, of n in d.
func Rate(n uint64, d time.Duration) string {
	if n == 0 || d <= 0 {
		return "-"
	}
	return PerSecond(float64(n) / d.Seconds())
}

// PerSecond writes a rate of messages.
func PerSecond(r float64) string {
	switch {
	case r >= 1e6:
		return digits3(r/1e6) + " M/s"
	case r >= 1e3:
		return digits3(r/1e3) + " k/s"
	default:
		return digits3(r) + " /s"
	}
}

// Ago writes how long something has been, for people: its largest unit.
func Ago(d time.Duration) string {
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

// CPUs names the CPUs of a set.
func CPUs(set interface {
	Len() int
	String() string
}) string {
	if set.Len() == 1 {
		return "CPU " + set.String()
	}
	return "CPUs " + set.String()
}

// Clipped quotes what a user gave for a name, without all of it if it is long.
func Clipped(s string) string {
	const most = 63
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:20]) + "..."
}

// OneLine keeps an error's text on one line of a table.
func OneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
