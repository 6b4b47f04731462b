package bench

import (
	"fmt"
	"math"
	"time"
)

// A Recording is when messages came: the timing of a market-data file, say.
type Recording struct {
	// Name is for the result.
	Name string
	// Times in ns, of any origin. 0 and math.MaxUint64 are times that are not known.
	Times []uint64
	// Speed is the factor on the recording's own pace. 0: 1, its own.
	Speed float64
	// Cut is the longest time between two messages, after Speed; what is longer is cut to
	// that. 0: 100 µs.
	Cut time.Duration
}

// defaultCut is long enough for both processes to have nothing to do between two bursts,
// and short enough for a run to have many of them.
const defaultCut = 100 * time.Microsecond

func (r *Recording) speed() float64 {
	if r.Speed == 0 {
		return 1
	}
	return r.Speed
}

func (r *Recording) cut() time.Duration {
	if r.Cut == 0 {
		return defaultCut
	}
	return r.Cut
}

// played is what became of a recording.
type played struct {
	schedule schedule
	cut      int    // gaps that were cut
	cutNs    uint64 // of the recording, at its speed: what was left out of them
	unknown  int    // times that were not known
	backward int    // times before that of a message before them
}

// schedule lays the recording out. A message whose time is not known, or is before that of
// one before it, is due with the one before it.
func (r *Recording) schedule() (p played, err error) {
	speed, cut := r.speed(), r.cut()
	switch {
	case math.IsNaN(speed), math.IsInf(speed, 0), speed < 0:
		return p, fmt.Errorf("%w: speed %g is not a number above 0", ErrConfig, speed)
	case cut < 0:
		return p, fmt.Errorf("%w: gaps cut to %v, which is negative", ErrConfig, cut)
	case len(r.Times) == 0:
		return p, fmt.Errorf("%w: %s has no messages", ErrConfig, r.Name)
	}
	p.schedule = make(schedule, len(r.Times))
	at, high := 0.0, uint64(0) // at: ns, with fractions, so that rounding does not add up
	for i, t := range r.Times {
		switch known := t-1 < math.MaxUint64-1; {
		case !known:
			p.unknown++
		case t < high:
			p.backward++
		default:
			if high != 0 {
				gap := float64(t-high) / speed
				if gap > float64(cut) {
					p.cut++
					p.cutNs += uint64(min(gap-float64(cut), math.MaxInt64/float64(len(r.Times))))
					gap = float64(cut)
				}
				at += gap
			}
			high = t
		}
		p.schedule[i] = uint64(at)
	}
	return p, nil
}

// reel plays a schedule piece by piece, and from the beginning when it is at its end.
type reel struct {
	schedule schedule
	at       int
	played   int // messages, each time that one was
	piece    schedule
}

// next is the messages that follow, from the first on as many as are due within ns, and
// at most most of them. They are good until the next call.
func (r *reel) next(ns uint64, most int) schedule {
	left := r.schedule[r.at:]
	n := 0
	for n < len(left) && n < most && left[n]-left[0] <= ns {
		n++
	}
	r.piece = r.piece[:0]
	for _, at := range left[:n] {
		r.piece = append(r.piece, at-left[0])
	}
	r.at, r.played = (r.at+n)%len(r.schedule), r.played+n
	return r.piece
}

// describe says what was made of a recording.
func (r *Recording) describe(p played) string {
	text := fmt.Sprintf("%s: the times of %d recorded messages, at %g times their speed, on messages of one line", r.Name, len(r.Times), r.speed())
	if p.cut > 0 {
		text += fmt.Sprintf("; %d gaps of more than %v were cut to that, by %s in all", p.cut, r.cut(), nsText(float64(p.cutNs)))
	}
	if p.unknown+p.backward > 0 {
		text += fmt.Sprintf("; %d messages without a time and %d with one before their predecessor's are sent with the one before them", p.unknown, p.backward)
	}
	return text + "."
}
