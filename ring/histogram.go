package ring

import (
	"math/bits"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The histogram in a subscriber's file: 2 significant digits from 1 ns to 10 s, in
// the buckets of hdrhistogram-go, which reads it. The arithmetic below is that of
// an HDR histogram with unit magnitude 0 and 256 sub-buckets; a test compares it
// with the library's over the whole range.
const (
	histLow    = 1
	histHigh   = 10_000_000_000
	histDigits = 2
	histLen    = 3584

	// No count gets as high as this; what a damaged file says is cut to it, so that
	// all of them together are still an int64.
	maxCount = 1 << 50

	subBuckets     = 256 // smallest power of two that holds 2 digits twice
	subBucketsHalf = subBuckets / 2
	halfMagnitude  = 7
)

// histIndex is the bucket of a latency, which must not be above histHigh.
func histIndex(ns uint64) uint64 {
	// Bucket 0 holds 0..255 ns in steps of 1; each further one twice as much.
	bucket := uint64(64-bits.LeadingZeros64(ns|(subBuckets-1))) - (halfMagnitude + 1)
	return (bucket+1)<<halfMagnitude + ns>>bucket - subBucketsHalf
}

// importHistogram turns the counts of a subscriber's file into a histogram.
func importHistogram(counts *[histLen]uint64) *hdrhistogram.Histogram {
	s := hdrhistogram.Snapshot{
		LowestTrackableValue:  histLow,
		HighestTrackableValue: histHigh,
		SignificantFigures:    histDigits,
		Counts:                make([]int64, histLen),
	}
	for i, c := range counts {
		s.Counts[i] = int64(min(c, maxCount))
	}
	return hdrhistogram.Import(&s)
}
