package risk

import "math/bits"

// Rate is a limit on how often something may happen: by one every Interval on average, and
// Burst of them at once. The zero value has no limit.
//
// What is left is one number, the time at which everything that has happened would be
// paid for at one every Interval. Times are of a clock that goes on through restarts of the process, such
// as CLOCK_MONOTONIC, in ns; so whoever keeps that number can be replaced by another that
// goes on with the same count.
type Rate struct {
	Interval uint64 // ns
	Burst    uint64 // at least 1
}

// Exceeded says whether one more at now would be too much, with paid as the number so far.
func (r Rate) Exceeded(paid, now uint64) bool {
	if r.Interval == 0 || paid <= now {
		return false
	}
	hi, lo := bits.Mul64(r.Interval, r.Burst-1)
	return hi == 0 && paid-now > lo
}

// Count returns the number after one more at now.
func (r Rate) Count(paid, now uint64) uint64 {
	if r.Interval == 0 {
		return 0
	}
	next := max(paid, now) + r.Interval
	if next < r.Interval {
		return ^uint64(0)
	}
	return next
}
