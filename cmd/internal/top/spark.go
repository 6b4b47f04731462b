package top

import (
	"math"
	"strings"
)

var eighths = []rune(" ▁▂▃▄▅▆▇█")

// spark draws the last width values as bars of one line, the newest at its right end, and
// nothing for a value below 0. Its scale is logarithmic and covers a factor of 4 at least,
// so that noise is no mountain. A space stays above the bars.
func spark(values []int64, width int) string {
	parts := heights(values, width)
	for i, p := range parts {
		parts[i] = p * 6 / 7
	}
	return bars(parts, 1)[0]
}

// sparks is spark with bars of several lines.
func sparks(values []int64, width, lines int) []string { return bars(heights(values, width), lines) }

// heights are the bars of a spark, as parts of the highest.
func heights(values []int64, width int) []float64 {
	values = values[max(len(values)-width, 0):]
	low, high := limits(values)
	top := math.Log(math.Max(high, 4*low) / low)
	parts := make([]float64, width)
	for i, v := range values {
		at := width - len(values) + i
		parts[at] = -1
		if v >= 0 {
			parts[at] = math.Log(math.Max(float64(v), 1)/low) / top
		}
	}
	for i := range width - len(values) {
		parts[i] = -1
	}
	return parts
}

// limits are the smallest and the largest of the values that are not below 0, and at least 1.
func limits(values []int64) (low, high float64) {
	low, high = math.Inf(1), 1
	for _, v := range values {
		if v >= 0 {
			low, high = math.Min(low, math.Max(float64(v), 1)), math.Max(high, float64(v))
		}
	}
	return math.Min(low, high), high
}

// bars draws parts of 1 as bars of the given number of lines, the topmost first. What is 0
// or more is drawn with an eighth of a line at least, and what is below 0 not at all.
func bars(parts []float64, lines int) []string {
	out := make([]string, lines)
	for l := range lines {
		var b strings.Builder
		for _, p := range parts {
			filled := 0
			if p >= 0 {
				filled = 1 + int(math.Round(math.Min(p, 1)*float64(8*lines-1)))
			}
			b.WriteRune(eighths[min(max(filled-8*(lines-1-l), 0), 8)])
		}
		out[l] = b.String()
	}
	return out
}
