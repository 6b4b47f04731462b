package replay

import "math"

// never is a due time that no replay lives to see, with room to subtract from.
const never = math.MaxInt64 / 2

// timeline follows the timestamps of a source.
type timeline struct {
	first, last uint64 // of the messages that have a time; 0 before any
	high        uint64 // the latest so far
	backward    uint64 // how many were earlier than high
}

// known reports whether t is a time: 0 means that there is none, and so does
// the largest value, which DBN uses for "undefined".
func known(t uint64) bool { return t-1 < math.MaxUint64-1 }

// ahead returns by how much t is later than the latest time so far; 0 if it is
// not, or there is none to compare.
func (l *timeline) ahead(t uint64) uint64 {
	if !known(t) || l.high == 0 || t < l.high {
		return 0
	}
	return t - l.high
}

func (l *timeline) see(t uint64) {
	if !known(t) {
		return
	}
	if l.first == 0 {
		l.first = t
	}
	l.last = t
	if t < l.high {
		l.backward++
	} else {
		l.high = t
	}
}

// schedule gives the due time of each message, in the clock's nanoseconds.
type schedule struct {
	start int64
	speed float64 // 0: by rate
	rate  float64
}

// due returns when message n (from 0) is due, l having seen its timestamp.
// The time is computed from the start and not from the message before, so that
// rounding does not add up.
func (s *schedule) due(n uint64, l *timeline) int64 {
	switch {
	case s.speed == 0:
		return s.after(float64(n) * 1e9 / s.rate)
	case s.speed == 1:
		return s.start + int64(min(l.high-l.first, never/2))
	default:
		return s.after(float64(l.high-l.first) / s.speed)
	}
}

func (s *schedule) after(ns float64) int64 {
	if ns >= never/2 {
		return never
	}
	return s.start + int64(ns)
}
