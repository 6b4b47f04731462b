package bench

import (
	"fmt"
	"strconv"
)

// percentileHead names what Percentiles.cells are.
var percentileHead = []string{"p50", "p90", "p99", "p99.9", "p99.99", "max"}

// nsText is a time with a unit that suits it: 87 ns, 1.25 µs, 12.3 ms.
func nsText(ns float64) string {
	switch {
	case ns < 1e3:
		return strconv.FormatFloat(ns, 'f', 0, 64) + " ns"
	case ns < 1e6:
		return digits3(ns/1e3) + " µs"
	case ns < 1e9:
		return digits3(ns/1e6) + " ms"
	}
	return digits3(ns/1e9) + " s"
}

// digits3 is a number from 1 to 1000 in three digits.
func digits3(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// rateText is messages a second.
func rateText(perSecond float64) string {
	switch {
	case perSecond >= 1e6:
		return fmt.Sprintf("%.1f M/s", perSecond/1e6)
	case perSecond >= 1e3:
		return fmt.Sprintf("%.1f k/s", perSecond/1e3)
	}
	return fmt.Sprintf("%.0f /s", perSecond)
}

func ratioText(r float64) string {
	if r == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", r)
}
