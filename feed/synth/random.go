package synth

import "math/bits"

// random is the SplitMix64 generator (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014): a counter and a mixing function. The
// value is the seed.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	x := uint64(*r)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below returns a number from 0 to n-1; n is not 0. (That some are more likely
// than others by n in 2^64 does no harm here.)
func (r *random) below(n uint64) uint64 {
	hi, _ := bits.Mul64(r.next(), n)
	return hi
}

// oneIn is true once in n.
func (r *random) oneIn(n uint64) bool { return r.below(n) == 0 }

// exp returns a number of about the exponential distribution with this mean.
//
// That is -ln(u) times the mean, for u between 0 and 1. The logarithm to base 2
// of a binary fraction is the place of its first 1 and, for what follows it, a
// straight line: never wrong by more than 0.09, and the same on every machine,
// which math.Log is not.
func (r *random) exp(mean uint64) uint64 {
	const ln2 = 45426 // 16 bits behind the point, as all below
	x := r.next() | 1
	zeros := bits.LeadingZeros64(x)
	behind := x << zeros << 1 >> 48
	log := (uint64(zeros)+1)<<16 - behind
	hi, lo := bits.Mul64(mean, log*ln2>>16)
	return hi<<48 | lo>>16
}
