package bench

import (
	"fmt"
	"math"

	"github.com/tickring/tickring/internal/text"
)

// percentileHead names what Percentiles.cells are.
var percentileHead = []string{"p50", "p90", "p99", "p99.9", "p99.99", "max"}

// nsText is a time with a unit that suits it: 87 ns, 1.25 µs, 12.3 ms.
func nsText(ns float64) string { return text.Ns(int64(math.Round(ns))) }

func ratioText(r float64) string {
	if r == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", r)
}
