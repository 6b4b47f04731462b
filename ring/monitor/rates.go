package monitor

import "time"

// rates is how fast two counters of one file grow: over the last second, as nearly as the
// polls tell.
type rates struct{ marks []mark }

type mark struct {
	at   time.Duration
	n, m uint64
}

// together is how close polls may come before they count as one.
const together = 50 * time.Millisecond

// add takes what the counters are now. Counters that go down have begun anew.
func (r *rates) add(now time.Duration, n, m uint64) {
	k := len(r.marks)
	if k > 0 && (n < r.marks[k-1].n || m < r.marks[k-1].m) {
		r.marks, k = r.marks[:0], 0
	}
	if k > 1 && now-r.marks[k-2].at < together {
		r.marks = r.marks[:k-1]
	}
	r.marks = append(r.marks, mark{at: now, n: n, m: m})
	drop := 0
	for drop+2 < len(r.marks) && nearer(now-r.marks[drop+1].at, now-r.marks[drop].at, time.Second) {
		drop++
	}
	r.marks = append(r.marks[:0], r.marks[drop:]...)
}

// perSecond returns by how much the counters grow in a second; 0 before the second poll.
func (r *rates) perSecond() (n, m float64) {
	if len(r.marks) < 2 {
		return 0, 0
	}
	first, last := r.marks[0], r.marks[len(r.marks)-1]
	seconds := (last.at - first.at).Seconds()
	if seconds <= 0 {
		return 0, 0
	}
	return float64(last.n-first.n) / seconds, float64(last.m-first.m) / seconds
}

// nearer says that a is at least as near to wanted as b is, of which it is the shorter.
func nearer(a, b, wanted time.Duration) bool {
	return (a - wanted).Abs() <= (b - wanted).Abs()
}
