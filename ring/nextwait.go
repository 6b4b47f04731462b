package ring

import (
	"context"
	"math"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// NextWait is [Subscriber.Next], but waits by w while there is nothing: it returns
// [Empty] only when ctx is done, and then with the cause. nil for w is Backoff{}.
//
// ctx ends the waiting, not the reading: it is not looked at while there is something to
// read, now and then while w spins, and with every poll from then on. A [Sleeper] is
// interrupted; other strategies are not, so the end of ctx waits for the end of a sleep.
// Neither messages nor the waiting for them allocate.
//
// [Closed] is returned once for each publisher whose end was seen before the next one began.
// Who calls again waits for the ring's next publisher; see [Closed] for what to ask now and
// then. Other ends are returned every time, and so is
// [Closed] of a subscriber that was closed itself.
func (s *Subscriber) NextWait(ctx context.Context, w WaitStrategy) ([]byte, Status, error) {
	msg, st := s.Next()
	if st == Message {
		return msg, st, nil
	}
	return s.nextWait(ctx, w, st)
}

// nextWait goes on after a call of Next that returned st and no message.
func (s *Subscriber) nextWait(ctx context.Context, w WaitStrategy, st Status) (msg []byte, _ Status, err error) {
	for {
		epoch := mem.LoadAcquire(&s.hdr.epoch)
		if st == Closed { // by this publisher? Perhaps it has begun only after that look.
			msg, st = s.Next()
		}
		switch {
		case st == Empty:
		case st == Closed && s.told == epoch && !s.ended():
		default:
			if st == Closed {
				s.told = epoch
			}
			return msg, st, nil
		}
		if err := s.Await(ctx, w); err != nil {
			return nil, Empty, err
		}
		msg, st = s.Next()
	}
}

// Await waits by w until Next, or any other call that reads, would find something else
// than the last one did, which has found nothing or [Closed]. It is what NextWait waits
// with, and the same holds for ctx and w. It returns at once if nothing can come any more
// because the subscriber was closed or its ring is corrupt.
func (s *Subscriber) Await(ctx context.Context, w WaitStrategy) error {
	p := newPauses(ctx, w)
	s.tellWait(p.kind)
	if p.sleeper != nil {
		p.sleeper.one[0] = s
		p.subs = p.sleeper.one[:]
	}
	for s.quiet() && !s.ended() {
		if err := p.pause(); err != nil {
			return err
		}
	}
	s.chase.empties += uint32(p.polls)
	return nil
}

// pauses are those between looks in a row that find nothing.
type pauses struct {
	wait    WaitStrategy
	sleeper *Sleeper // the same, if it is one
	subs    []*Subscriber
	ctx     context.Context
	done    <-chan struct{}
	spins   int    // so many looks come without a pause
	kind    uint64 // waitSpin, ...
	polls   int
}

func newPauses(ctx context.Context, w WaitStrategy) pauses {
	if w == nil {
		w = Backoff{}
	}
	p := pauses{wait: w, ctx: ctx, done: ctx.Done()}
	p.kind, p.spins = kindOf(w)
	p.sleeper, _ = w.(*Sleeper)
	return p
}

// pause pauses, or returns why ctx is done.
func (p *pauses) pause() error {
	p.polls++
	if p.done != nil && (p.polls > p.spins || p.polls%64 == 0) {
		select {
		case <-p.done:
			return context.Cause(p.ctx)
		default:
		}
	}
	if p.sleeper == nil {
		p.wait.Wait(p.polls)
		return nil
	}
	if p.polls > p.spins {
		p.sleeper.interruptBy(p.ctx)
	}
	p.sleeper.wait(p.polls, p.subs)
	return nil
}

// kindOf says what a strategy is, and how many polls it makes without giving the core away.
func kindOf(w WaitStrategy) (kind uint64, spins int) {
	switch w := w.(type) {
	case nil:
		return kindOf(Backoff{})
	case Spin:
		return waitSpin, math.MaxInt
	case Yield:
		return waitYield, orDefault(w.Spins, yieldSpins)
	case Backoff:
		return waitBackoff, orDefault(w.Spins, backoffSpins)
	case *Sleeper:
		return waitSleeper, w.opt.Spins
	}
	return waitOther, 0
}

// tellWait says in the subscriber's file how it waits. It does not fault.
func (s *subscriber) tellWait(kind uint64) {
	if s.waits != kind {
		s.storeWait(kind)
	}
}

func (s *subscriber) storeWait(kind uint64) {
	s.waits = kind
	if s.stats != nil {
		_ = mmap.Guard(func() error { mem.Store(&s.stats.wait, kind); return nil }) // who reads finds out
	}
}

// Waits says in the file of a named subscriber how it waits, for those who look ([Stat]):
// for loops of their own around Next. NextWait and Await say so themselves.
func (s *Subscriber) Waits(w WaitStrategy) {
	kind, _ := kindOf(w)
	s.tellWait(kind)
}
