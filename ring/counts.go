package ring

import "github.com/HdrHistogram/hdrhistogram-go"

// Counts is the histogram of a subscriber's file: how many latencies fell into each
// bucket. [BucketRange] says which those are.
type Counts [histLen]uint64

// Count is a number of latencies in a bucket.
type Count struct {
	Bucket int
	N      uint64
}

// BucketRange returns the smallest and the largest latency in ns that a bucket of [Counts]
// counts. The last one that is used counts those above 10 s too.
func BucketRange(bucket int) (lowest, highest int64) {
	i := uint64(bucket)
	if i < subBuckets {
		return int64(i), int64(i)
	}
	shift := i>>halfMagnitude - 1
	lowest = int64((i&(subBucketsHalf-1) + subBucketsHalf) << shift)
	return lowest, lowest + 1<<shift - 1
}

// Histogram returns the same counts as a histogram of the library.
func (c *Counts) Histogram() *hdrhistogram.Histogram {
	return importHistogram((*[histLen]uint64)(c))
}

// countsRun is how many counts are compared at a time: most of them never change.
const countsRun = 64

// advance makes c the counts of now, and appends what was added. It ends, and c is
// nothing of use, at a count that is less than it was.
func (c *Counts) advance(added []Count, now *Counts) (_ []Count, down bool) {
	for i := 0; i < histLen; i += countsRun {
		was, is := (*[countsRun]uint64)(c[i:]), (*[countsRun]uint64)(now[i:])
		if *was == *is {
			continue
		}
		for j, n := range is {
			switch {
			case n < was[j]:
				return added, true
			case n > was[j]:
				added = append(added, Count{Bucket: i + j, N: n - was[j]})
				was[j] = n
			}
		}
	}
	return added, false
}
