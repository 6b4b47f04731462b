package bench

import (
	"context"
	"fmt"
	"math"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
)

// ClockOffset is how far the clock of CPU To is ahead of that of CPU From: at least Low,
// at most High. 0 between them is what is hoped for. If Low is above High, the two clocks
// do not run alike.
//
// From reads its clock, sends a word, To answers with a reading of its own, and From reads
// its clock again: To's reading lies between From's two. Each exchange bounds the offset
// by that; what is here are the tightest bounds of all.
type ClockOffset struct {
	From      int     `json:"from_cpu"`
	To        int     `json:"to_cpu"`
	Low       float64 `json:"low_ns"`
	High      float64 `json:"high_ns"`
	Exchanges int     `json:"exchanges"`
}

func offsetTable(offsets []ClockOffset) Table {
	t := Table{
		Title: "How far the clocks of two CPUs are apart, by the tightest bounds of many exchanges",
		Head:  []string{"", "at least", "at most", "exchanges"},
	}
	for _, o := range offsets {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("CPU %d to %d", o.From, o.To), fmt.Sprintf("%+.0f ns", o.Low), fmt.Sprintf("%+.0f ns", o.High), fmt.Sprint(o.Exchanges)})
		if o.Low > o.High {
			t.Notes = append(t.Notes, fmt.Sprintf("The clocks of CPUs %d and %d do not run alike: no offset fits all exchanges.", o.From, o.To))
		}
	}
	return t
}

// offsetBounds collects exchanges, in ticks.
type offsetBounds struct {
	cpu       [2]int
	low, high int64
	n         int
}

func newClockOffset(cpu [2]int) *offsetBounds {
	return &offsetBounds{cpu: cpu, low: math.MinInt64, high: math.MaxInt64}
}

// add takes one exchange: read here, there, and here again.
func (b *offsetBounds) add(before, there, after uint64) {
	b.low = max(b.low, int64(there-after))
	b.high = min(b.high, int64(there-before))
	b.n++
}

func (b *offsetBounds) addTo(r *LimitResult, scale *tick.Scale) {
	if b.n == 0 {
		return
	}
	r.Offsets = append(r.Offsets, ClockOffset{b.cpu[0], b.cpu[1], signedNs(scale, b.low), signedNs(scale, b.high), b.n})
}

func signedNs(scale *tick.Scale, ticks int64) float64 {
	if ticks < 0 {
		return -float64(scale.Ns(uint64(-ticks)))
	}
	return float64(scale.Ns(uint64(ticks)))
}

// offsetRound is how many exchanges a round has. The tightest matter, so a round more is
// better than a longer one.
const offsetRound = 10_000

func (m *mirror) exchange(b *offsetBounds) error {
	return m.run(mirrorCommand{Do: doTime, N: offsetRound}, func() { m.words.askTimes(&m.s.clock, offsetRound, b) })
}

// offsetOnly compares the clocks of two CPUs.
func (s *Session) offsetOnly(ctx context.Context, dir string, first, second int, r *LimitResult) error {
	m, err := s.openMirror(dir, first, second, nil)
	if err != nil {
		return err
	}
	defer m.close()
	b := newClockOffset(m.cpu)
	const rounds = 5
	for i := 0; i < rounds && ctx.Err() == nil; i++ {
		s.progress(fmt.Sprintf("clocks of CPUs %d and %d", first, second), i, rounds)
		if err := m.exchange(b); err != nil {
			return err
		}
	}
	b.addTo(r, &s.scale)
	return nil
}

// time is where an answer to a ping carries a time: in the line of the pong.
func (l *lines) time() *uint64 { return (*uint64)(unsafe.Add(unsafe.Pointer(l.pong), 8)) }

// askTimes asks the other side for its time, n times. The other side is times.
func (l *lines) askTimes(clock *tick.Clock, n int, b *offsetBounds) {
	for range n {
		l.already++
		before := clock.Now()
		mem.StoreRelease(l.ping, l.already)
		for polls := 1; mem.LoadAcquire(l.pong) != l.already; polls++ {
			if polls%askEvery == 0 && l.gone.Load() {
				return
			}
		}
		after := clock.Now()
		b.add(before, mem.LoadAcquire(l.time()), after)
	}
}

func (l *lines) times(n int) {
	clock := tick.New()
	for range n {
		l.already++
		for mem.LoadAcquire(l.ping) != l.already {
		}
		mem.Store(l.time(), clock.Now())
		mem.StoreRelease(l.pong, l.already)
	}
}
