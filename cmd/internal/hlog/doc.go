// Package hlog reads and writes the two text formats of HdrHistogram's tools, so that what
// was measured here can be drawn there and the other way round: logs of interval histograms
// (.hlog) and percentile distributions (.hgrm). Values are latencies in ns.
//
// A log is lines, as HdrHistogram's HistogramLogWriter has them, version 1.3:
//
//	#[StartTime: 1441812279.474 (seconds since epoch), 2015-09-09T15:24:39.474Z]
//	#[BaseTime: 1441812279.474 (seconds since epoch)]
//	"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
//	Tag=es:alpha,0.000,1.000,0.035327,HISTFAAAAEV42pNpmSz...
//
// Times are in seconds, from BaseTime on; the maximum is in ms; the histogram is of
// HdrHistogram's encoding V2, compressed, in base64. Lines without a tag are one series,
// those of each tag are another. Other lines that begin with # are for people.
package hlog

import (
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

var (
	// ErrFormat: the text is not of the format.
	ErrFormat = errors.New("not of the format")
	// ErrCutShort: the text ends before its end. What came before was read.
	ErrCutShort = errors.New("cut short")
)

// Interval is what was measured within a time.
type Interval struct {
	Tag    string // the series it belongs to, or ""
	Start  time.Time
	Length time.Duration
	Hist   *hdrhistogram.Histogram // in ns
}

// lineError says where a text is wrong.
func lineError(name string, line int, kind error, format string, args ...any) error {
	return fmt.Errorf("read %s: line %d: %w: %s", name, line, kind, fmt.Sprintf(format, args...))
}

// Add adds h to sum, which may be nil, and returns the sum: another histogram than sum if
// that cannot hold h.
func Add(sum, h *hdrhistogram.Histogram) (*hdrhistogram.Histogram, error) {
	if sum == nil {
		return h.Clone(), nil
	}
	if sum.LowestTrackableValue() > h.LowestTrackableValue() || sum.HighestTrackableValue() < h.HighestTrackableValue() ||
		sum.SignificantFigures() < h.SignificantFigures() {
		wider := hdrhistogram.New(min(sum.LowestTrackableValue(), h.LowestTrackableValue()),
			max(sum.HighestTrackableValue(), h.HighestTrackableValue()),
			int(max(sum.SignificantFigures(), h.SignificantFigures())))
		if n := wider.Merge(sum); n > 0 {
			return nil, fmt.Errorf("%d counts have no place in the sum", n)
		}
		sum = wider
	}
	if n := sum.Merge(h); n > 0 {
		return nil, fmt.Errorf("%d counts have no place in the sum", n)
	}
	return sum, nil
}
