package ring

import (
	"context"
	"math"
)

// NextWait is [Subscriber.Next], but waits by w while there is nothing: it returns
// [Empty] only when ctx is done, and then with the cause. nil for w is Backoff{}.
//
// ctx ends the waiting, not the reading: it is not looked at while there is something to
// read, now and then while w spins, and with every poll from then on. A [Sleeper] is
// interrupted; other strategies are not, so the end of ctx waits for the end of a sleep.
// Neither messages nor the waiting for them allocate.
//
// [Closed] is returned once. Who calls again waits for the ring's next publisher; see
// [Closed] for what to ask now and then. Other ends are returned every time, and so is
// [Closed] of a subscriber that was closed itself.
func (s *Subscriber) NextWait(ctx context.Context, w WaitStrategy) ([]byte, Status, error) {
	msg, st := s.Next()
	if st == Message {
		return msg, st, nil
	}
	return s.await(ctx, w, st)
}

// await goes on after a call of Next that returned st and no message.
func (s *Subscriber) await(ctx context.Context, w WaitStrategy, st Status) (msg []byte, _ Status, err error) {
	var p pauses
	for {
		switch {
		case st == Empty:
			s.told = 0
		case st == Closed && s.told == s.next && !s.ended():
		default:
			s.told = 0
			if st == Closed {
				s.told = s.next
			}
			return msg, st, nil
		}
		if p.wait == nil {
			p.begin(ctx, w)
			if p.sleeper != nil {
				p.sleeper.one[0] = s
				p.subs = p.sleeper.one[:]
			}
		}
		if err := p.pause(); err != nil {
			return nil, Empty, err
		}
		msg, st = s.Next()
	}
}

// pauses are those between polls in a row that find nothing.
type pauses struct {
	wait    WaitStrategy
	sleeper *Sleeper // the same, if it is one
	subs    []*Subscriber
	ctx     context.Context
	done    <-chan struct{}
	spins   int // so many polls come without a pause
	polls   int
}

func (p *pauses) begin(ctx context.Context, w WaitStrategy) {
	if w == nil {
		w = Backoff{}
	}
	p.wait, p.ctx, p.done, p.spins = w, ctx, ctx.Done(), spinsOf(w)
	p.sleeper, _ = w.(*Sleeper)
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

// spinsOf says how many polls a strategy makes without giving the core away.
func spinsOf(w WaitStrategy) int {
	switch w := w.(type) {
	case Spin:
		return math.MaxInt
	case Yield:
		return orDefault(w.Spins, yieldSpins)
	case Backoff:
		return orDefault(w.Spins, backoffSpins)
	case *Sleeper:
		return w.opt.Spins
	}
	return 0
}
