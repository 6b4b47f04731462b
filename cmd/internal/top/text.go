package top

import (
	"strconv"
	"strings"
	"time"

	"github.com/tickring/tickring/internal/text"
)

// The numbers of the table, in at most 6 places.

// short writes a number with a letter for its thousands.
func short(v float64) string {
	units := []string{"", "k", "M", "G", "T", "P", "E"}
	u := 0
	for ; v >= 999.5 && u < len(units)-1; u++ {
		v /= 1000
	}
	places := 0
	switch {
	case u == 0 && v == float64(int(v)):
	case v < 9.995:
		places = 2
	case v < 99.95:
		places = 1
	}
	return strconv.FormatFloat(v, 'f', places, 64) + units[u]
}

// count writes small counts exactly.
func count(n uint64) string {
	if n < 10_000 {
		return strconv.FormatUint(n, 10)
	}
	return short(float64(n))
}

// rate writes messages a second.
func rate(v float64) string {
	if v <= 0 {
		return "-"
	}
	return short(v)
}

// span writes a time span.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "?"
	case d < 100*time.Second:
		return strings.Replace(text.Ns(int64(d)), " ", "", 1)
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return strconv.Itoa(int(d.Hours()/24)) + "d"
}

func ns(v int64) string { return span(time.Duration(v)) }

// latency writes a value of a window with n values.
func latency(v int64, n uint64) string {
	if n == 0 {
		return "-"
	}
	return ns(v)
}
