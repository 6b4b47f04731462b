package bench

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/ring"
)

// A schedule is when each message is meant to be sent: ns from its beginning, which is
// the first message's time, never falling.
type schedule []uint64

// steady is n messages at so many a second. Times are computed from the beginning and not
// from the message before, so that rounding does not add up.
func steady(perSecond float64, n int) schedule {
	s := make(schedule, n)
	for i := range s {
		s[i] = uint64(math.Round(float64(i) * 1e9 / perSecond))
	}
	return s
}

// bursts is n messages in bursts: size messages with a gap between two, then a pause
// until the next burst.
func bursts(size int, gap, pause time.Duration, n int) schedule {
	s := make(schedule, n)
	at := uint64(0)
	for i := range s {
		s[i] = at
		if (i+1)%size == 0 {
			at += uint64(pause)
		} else {
			at += uint64(gap)
		}
	}
	return s
}

// span is from the first message to the last, in ns.
func (s schedule) span() uint64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1] - s[0]
}

// rate is messages a second, from the first message to the last.
func (s schedule) rate() float64 { return rateOver(len(s), s.span()) }

// rateOver is that of n messages of which the last came so many ns after the first. 0: it
// has none, being one message, or all at once.
func rateOver(n int, ns uint64) float64 {
	if n < 2 || ns == 0 {
		return 0
	}
	return float64(n-1) * 1e9 / float64(ns)
}

// before is how many messages are meant to be sent in the first so many ns.
func (s schedule) before(ns uint64) int {
	n := 0
	for n < len(s) && s[n]-s[0] < ns {
		n++
	}
	return n
}

// ticks is the schedule in ticks, in memory that is used again.
func (s schedule) ticks(scale tick.Scale, into []uint64) []uint64 {
	into = into[:0]
	for _, ns := range s {
		into = append(into, scale.Ticks(ns))
	}
	return into
}

// The words of a paced message.
const (
	wordNumber   = 0  // the sequence number
	wordIntended = 8  // when it was meant to be sent, in ticks
	wordActual   = 16 // when it was, just before Publish
	wordsEnd     = 24
)

// pacing is how the publisher kept a schedule.
type pacing struct {
	worst uint64 // ticks that a message was behind, at most
	end   uint64 // when the last Publish had returned
}

// pace publishes a message for each time in due, which are ticks from start. None is sent
// before its time. When one is late, those after it keep their times: they are sent one
// after another until the schedule is caught up with, and each says when it was meant to
// be sent. No message is left out.
//
// The processor's counter is read here as a stamp is: without waiting for what stands
// before to be done, which would cost as much as publishing.
func pace(p *ring.Publisher, clock *tick.Clock, start uint64, due []uint64) (k pacing, err error) {
	var msg [mem.LinePayload]byte
	number := p.Seq()
	counter := clock.Kind() == tick.Counter
	for _, d := range due {
		intended := start + d
		var now uint64
		if counter {
			for now = mem.Ticks(); now < intended; now = mem.Ticks() {
			}
		} else {
			for now = clock.Now(); now < intended; now = clock.Now() {
			}
		}
		number++
		binary.LittleEndian.PutUint64(msg[wordNumber:], number)
		binary.LittleEndian.PutUint64(msg[wordIntended:], intended)
		binary.LittleEndian.PutUint64(msg[wordActual:], now)
		if err := p.Publish(0, msg[:]); err != nil {
			return k, err
		}
		k.worst = max(k.worst, now-intended)
	}
	k.end = clock.Now()
	return k, nil
}
