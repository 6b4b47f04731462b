package hlog

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Distribution is what a .hgrm file has: points of the curve. Percentiles between two of
// them are those of the higher one.
type Distribution struct {
	Hist *hdrhistogram.Histogram // with the counts between two points at the higher one
	Mean float64
	Max  int64
}

// WriteDistribution writes percentiles as HdrHistogram's plotter reads them, in steps that
// get five times finer with each halving of the distance to 100 %. largest is the largest
// value exactly, which h knows to some digits only.
func WriteDistribution(w io.Writer, h *hdrhistogram.Histogram, largest int64) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")
	if h.TotalCount() > 0 {
		for _, p := range h.CumulativeDistributionWithTicks(5) {
			fmt.Fprintf(b, "%12.3f %2.12f %10d", float64(min(p.ValueAt, largest)), p.Quantile/100, p.Count)
			if p.Quantile < 100 {
				fmt.Fprintf(b, " %14.2f", 1/(1-p.Quantile/100))
			}
			b.WriteByte('\n')
		}
	}
	buckets, sub := geometry(h)
	fmt.Fprintf(b, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n#[Max     = %12.3f, Total count    = %12d]\n#[Buckets = %12d, SubBuckets     = %12d]\n",
		h.Mean(), h.StdDev(), float64(largest), h.TotalCount(), buckets, sub)
	return b.Flush()
}

// geometry returns how many buckets a histogram has, and in how many each is divided.
func geometry(h *hdrhistogram.Histogram) (buckets, sub int64) {
	sub = 1
	for float64(sub) < 2*math.Pow10(int(h.SignificantFigures())) {
		sub *= 2
	}
	edge := float64(sub) * math.Exp2(math.Floor(math.Log2(float64(max(h.LowestTrackableValue(), 1)))))
	for buckets = 1; edge <= float64(h.HighestTrackableValue()); buckets++ {
		edge *= 2
	}
	return buckets, sub
}

// ReadDistribution reads a .hgrm file of latencies in ns; name is the file's, for errors.
// What is wrong with it is an ErrFormat, or ErrCutShort if its end is missing.
func ReadDistribution(r io.Reader, name string) (*Distribution, error) {
	var points []point
	d := &Distribution{Mean: -1, Max: -1}
	total := int64(-1)
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		text := strings.TrimSpace(lines.Text())
		switch {
		case text == "", strings.HasPrefix(text, "Value"):
		case strings.HasPrefix(text, "#[Mean"):
			d.Mean, _ = footNumber(text)
		case strings.HasPrefix(text, "#[Max"):
			most, rest := footNumber(text)
			count, _ := footNumber(rest)
			if most < 0 || most > maxValue || count < 0 || count > math.MaxInt64/2 {
				return nil, lineError(name, n, ErrFormat, "%.60q does not tell the maximum and the count", text)
			}
			d.Max, total = int64(math.Round(most)), int64(count)
		case strings.HasPrefix(text, "#"):
		default:
			p, err := parsePoint(text)
			if err == nil && len(points) > 0 {
				err = p.follows(points[len(points)-1])
			}
			if err != nil {
				return nil, lineError(name, n, ErrFormat, "%v", err)
			}
			points = append(points, p)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, lineError(name, n+1, ErrFormat, "%v", err)
	}
	if n == 0 {
		return nil, fmt.Errorf("read %s: %w: it is empty", name, ErrFormat)
	}
	if total < 0 {
		return nil, lineError(name, n, ErrCutShort, "the end with maximum and count is missing; write it again")
	}
	return d, d.fill(points, name, total)
}

// maxValue bounds values: 11 days in ns.
const maxValue = 1e15

type point struct {
	value, percentile float64
	count             int64 // of all values up to this one
}

func parsePoint(text string) (p point, err error) {
	cells := strings.Fields(text)
	if len(cells) < 3 || len(cells) > 4 {
		return p, fmt.Errorf("%.60q is not value, percentile, count and 1/(1-percentile)", text)
	}
	if p.value, err = strconv.ParseFloat(cells[0], 64); err != nil || !(p.value >= 0 && p.value <= maxValue) {
		return p, fmt.Errorf("its value is %.20q, not a latency in ns", cells[0])
	}
	if p.percentile, err = strconv.ParseFloat(cells[1], 64); err != nil || !(p.percentile >= 0 && p.percentile <= 1) {
		return p, fmt.Errorf("its percentile is %.20q, not 0 to 1", cells[1])
	}
	if p.count, err = strconv.ParseInt(cells[2], 10, 64); err != nil || p.count < 0 {
		return p, fmt.Errorf("its count is %.20q, not a whole number", cells[2])
	}
	return p, nil
}

func (p point) follows(before point) error {
	if p.value < before.value || p.percentile < before.percentile || p.count < before.count {
		return fmt.Errorf("value, percentile or count is below that of the line before")
	}
	return nil
}

// footNumber returns the first number behind an equals sign, -1 if there is none, and the
// rest of the text.
func footNumber(text string) (float64, string) {
	_, rest, _ := strings.Cut(text, "=")
	rest = strings.TrimSpace(rest)
	end := strings.IndexAny(rest, ",] ")
	if end < 0 {
		return -1, ""
	}
	v, err := strconv.ParseFloat(rest[:end], 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return -1, ""
	}
	return v, rest[end:]
}

// fill puts the counts between two points at the higher one.
func (d *Distribution) fill(points []point, name string, total int64) error {
	d.Hist = hdrhistogram.New(1, max(d.Max, 2), 3)
	last := int64(0)
	for _, p := range points {
		if p.count == last {
			continue
		}
		// The last value may be the bucket's upper edge, above the largest.
		v := min(int64(math.Round(p.value)), d.Max)
		if err := d.Hist.RecordValues(v, p.count-last); err != nil {
			return fmt.Errorf("read %s: %w: %v", name, ErrFormat, err)
		}
		last = p.count
	}
	if last != total {
		return fmt.Errorf("read %s: %w: its lines have %d values and its end has %d", name, ErrFormat, last, total)
	}
	if d.Mean < 0 {
		d.Mean = d.Hist.Mean()
	}
	return nil
}
