package ring

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// SleepOptions says how a [Sleeper] waits.
type SleepOptions struct {
	// Spins and Yields are how many polls come first, without a pause and with the
	// core given away. 0: 1000 and 10. On a busy core more yields make a message wait:
	// who sleeps and is woken comes before others, who yields comes after them.
	Spins, Yields int
	// Longest is the longest sleep that nothing ends: how late a message can come
	// whose waker was killed. 0: 100 ms.
	Longest time.Duration
}

func (o *SleepOptions) check() error {
	if o.Spins < 0 || o.Yields < 0 || o.Longest < 0 {
		return fmt.Errorf("%w: SleepOptions %+v has a negative number", ErrConfig, *o)
	}
	if !futexes {
		return mmap.ErrUnsupported
	}
	return nil
}

const (
	sleeperYields  = 10
	defaultLongest = 100 * time.Millisecond
	// unwokenLongest is the longest sleep where nobody may come to end it: on a ring
	// without a waker, or on one ring too many.
	unwokenLongest = time.Millisecond
)

// Sleeper is the wait strategy for subscribers that leave the core to others: it polls,
// yields, and then sleeps until there is something to read on any of its rings, until
// [Sleeper.Interrupt], or for SleepOptions.Longest. It costs the publisher nothing. What
// wakes it is a waker: a thread beside the publisher ([Config].Waker) or a process
// ([Waker], 'tickring waker'); and the end of the ring and the next publisher, without
// one. On a ring that has no waker, sleeps are of 1 ms at most, as those of [Backoff].
//
// A sleep takes an OS thread. One that is for more than 127 rings sleeps on the first
// 127, and, as the others may have something, for at most 1 ms; so does one for several
// rings on Linux before 5.16, and one for a single ring for 10 ms.
//
// A Sleeper is for one goroutine. It neither owns its subscribers nor has to be closed.
type Sleeper struct {
	opt   SleepOptions
	subs  []*Subscriber // for Wait
	one   [1]*Subscriber
	intr  *interrupt
	seen  uint32 // of intr.word
	words []futexWaiter
	stats SleepStats

	done    <-chan struct{} // of the context that interrupts
	stop    func() bool     // it from doing so
	dropped runtime.Cleanup // stops it when nobody has the Sleeper any more
}

// SleepStats counts what a [Sleeper] did.
type SleepStats struct {
	Sleeps   uint64 // the times it went to sleep
	TimedOut uint64 // sleeps that nothing ended; on an idle ring that is how it should be
	// Late is how many of those that timed out though every ring had a waker were
	// followed by something to read: the waker was dead, stopped or very late.
	Late uint64
}

// NewSleeper returns a strategy that sleeps until one of the subscribers has something to
// read. They can be of any rings. A Sleeper that is only given to [Subscriber.NextWait]
// or [Poller.NextWait] needs none: it sleeps for theirs.
//
// Errors: [ErrConfig].
func NewSleeper(opt SleepOptions, subs ...*Subscriber) (*Sleeper, error) {
	err := opt.check()
	for i, sub := range subs {
		if sub == nil {
			err = fmt.Errorf("%w: subscriber %d is nil", ErrConfig, i)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ring: new sleeper: %w", err)
	}
	opt.Spins, opt.Yields = orDefault(opt.Spins, backoffSpins), orDefault(opt.Yields, sleeperYields)
	if opt.Longest == 0 {
		opt.Longest = defaultLongest
	}
	return &Sleeper{opt: opt, subs: subs, intr: new(interrupt)}, nil
}

// For makes these the subscribers that Wait sleeps for. None of them may be nil.
func (s *Sleeper) For(subs ...*Subscriber) { s.subs = subs }

// Wait spins, yields or sleeps. It returns at once if one of the subscribers has
// something that its last Next did not find, so Next comes before Wait, for each of them.
func (s *Sleeper) Wait(polls int) { s.wait(polls, s.subs) }

// Interrupt ends the present sleep, or else the next one before it begins. It is for any
// goroutine.
func (s *Sleeper) Interrupt() { s.intr.now() }

// Stats tells what the Sleeper has done. It is for the goroutine that waits.
func (s *Sleeper) Stats() SleepStats { return s.stats }

func (s *Sleeper) wait(polls int, subs []*Subscriber) {
	polls -= s.opt.Spins
	if polls <= 0 {
		return
	}
	polls -= s.opt.Yields
	if polls <= 0 {
		yield()
		return
	}
	s.sleep(polls, subs)
}

// sleep sleeps, for the nth time in a row. It is the reader's half of edge 8.
func (s *Sleeper) sleep(nth int, subs []*Subscriber) {
	if w := s.intr.load(); w != s.seen {
		s.seen = w
		return
	}
	now, watched := tick.Mono(), true
	s.words = append(s.words[:0], waitOnOwn(&s.intr.word, s.seen))
	for _, sub := range subs {
		if sub.ended() {
			continue
		}
		v := sub.wakes()
		if !sub.quiet() {
			return
		}
		if len(s.words) < futexWaitMax {
			s.words = append(s.words, waitOn(&sub.hdr.wake[0], v))
		} else {
			watched = false
		}
		watched = sub.hasWaker(v, now) && watched
		if sub.stats != nil {
			mem.Add(&sub.stats.sleeps, 1)
		}
	}
	s.stats.Sleeps++
	longest := s.opt.Longest
	if !watched {
		longest = min(longest, unwokenLongest, unwokenLongest/16<<min(nth, 4))
	}
	if s.block(longest) == timedOut {
		s.timedOut(subs, watched)
	}
	s.seen = s.intr.load()
}

// block waits for the words that sleep has collected.
func (s *Sleeper) block(longest time.Duration) woken {
	if w := futexWait(s.words, longest); w != noWaiting {
		return w
	}
	// Without a wait for several words, the rings that it is not for, and an
	// interruption, are seen after it.
	word, slice := &s.words[0], 10*time.Millisecond
	switch len(s.words) {
	case 1:
	case 2:
		word = &s.words[1]
	default:
		word, slice = &s.words[1], unwokenLongest
	}
	w := futexWaitOne(word, min(longest, slice))
	if w == noWaiting {
		pause(min(longest, unwokenLongest))
	}
	return w
}

// timedOut finds out whether somebody should have ended the sleep.
func (s *Sleeper) timedOut(subs []*Subscriber, watched bool) {
	s.stats.TimedOut++
	late := false
	for _, sub := range subs {
		sub.wakerAsked = 0 // it may have died
		late = late || !sub.ended() && !sub.quiet()
	}
	if late && watched {
		s.stats.Late++
	}
}

// interruptBy makes the end of ctx an interruption. It stays so until another context
// comes, so that a loop that waits does not allocate.
func (s *Sleeper) interruptBy(ctx context.Context) {
	done := ctx.Done()
	if done == s.done {
		return
	}
	if s.stop != nil {
		s.stop()
		s.dropped.Stop()
	}
	s.done, s.stop = done, nil
	if done != nil {
		s.stop = context.AfterFunc(ctx, s.intr.now)
		s.dropped = runtime.AddCleanup(s, func(stop func() bool) { stop() }, s.stop)
	}
}

// interrupt is all of a Sleeper that a context keeps alive.
type interrupt struct{ word uint32 }

func (i *interrupt) load() uint32 { return atomic.LoadUint32(&i.word) }

func (i *interrupt) now() {
	atomic.AddUint32(&i.word, 1)
	futexWakeOwn(&i.word)
}

// ended says that nothing will ever come: the subscriber was closed, or its ring is
// corrupt.
func (s *Subscriber) ended() bool { return s.region == nil || s.err != nil }

// wakerAskEvery is how often to ask whether a ring has a waker whose word does not change,
// in ns.
const wakerAskEvery = 10e6

// hasWaker says whether somebody will end a sleep that begins with v in the ring's wake
// word. It asks, with a system call, when the word has changed, because a waker that
// begins or ends changes it; and now and then, because one that is killed does not.
func (s *Subscriber) hasWaker(v uint32, now uint64) bool {
	if s.saw != stateLive {
		return true // the next publisher does, when it begins
	}
	if v != s.wakerWord || now-s.wakerAsked > wakerAskEvery {
		held, err := s.ring.file.LockedExclusively(wakerByte)
		s.waker, s.wakerWord, s.wakerAsked = held && err == nil, v, now
	}
	return s.waker
}
