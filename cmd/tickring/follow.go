package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/ring"
)

// followConfig says how to follow a ring.
type followConfig struct {
	dir, ring   string
	owner       uint32 // whose rings are trusted besides one's own; 0: nobody
	name        string // of the subscriber; empty: anonymous
	ephemeral   bool
	from        fromFlag
	rejoin      rejoinFlag
	noWait      bool // do not wait for a ring that is not there
	untilClosed bool
	noHistogram bool
	spikes      time.Duration // record latencies of at least that; 0: none
	idle        idleFlags
	notes       io.Writer // nil: none
	command     string    // that the notes are from
}

// follower is a subscriber that stays with a ring through all that can happen to it:
// it is not there yet, its publisher dies and another one goes on, it is replaced.
//
// The loop that reads is the caller's, to have nothing between it and the ring:
//
//	for {
//		msg, st := f.sub.Next()
//		if st != ring.Message {
//			if done, err := f.pause(ctx, st); done || err != nil { ... }
//			continue
//		}
//		f.polls = 0
//		...
//	}
type follower struct {
	sub   *ring.Subscriber
	polls int         // that found nothing since the last message
	stop  atomic.Bool // a signal came
	lost  uint64
	gaps  uint64
	gate  ring.GateState // when last looked at

	next uint64 // the first message of a ring that has taken the place of another; 0: cfg says

	cfg       followConfig
	wait      ring.WaitStrategy
	sleeper   *ring.Sleeper // wait, if it is one, else nil
	lookMask  int           // pause looks with every lookMask+1st poll
	idleSince time.Time
	asked     time.Time
	publisher ring.Life // as last told

	latency  *hdrhistogram.Histogram
	largest  time.Duration
	negative uint64
	spikes   uint64
}

func newFollower(ctx context.Context, cfg followConfig) *follower {
	if cfg.spikes != 0 {
		runtime.LockOSThread() // who reads is watched
	}
	f := &follower{cfg: cfg, latency: hdrhistogram.New(1, 10_000_000_000, 2)}
	f.wait, f.lookMask = cfg.idle.strategy()
	f.sleeper, _ = f.wait.(*ring.Sleeper)
	context.AfterFunc(ctx, func() {
		f.stop.Store(true)
		if f.sleeper != nil {
			f.sleeper.Interrupt()
		}
	})
	return f
}

// errStopped: a signal came before there was a ring.
var errStopped = errors.New("stopped by a signal before the ring was there")

// join opens the ring, and waits for it if it is not there.
func (f *follower) join(ctx context.Context) error {
	for told := false; ; {
		var err error
		if f.sub, err = ring.Open(f.cfg.ring, f.options()); err == nil {
			f.sub.Waits(f.wait)
			if f.sleeper != nil {
				f.sleeper.For(f.sub)
			}
			f.tellGate()
			return nil
		}
		if errors.Is(err, ring.ErrConfig) && f.cfg.from.given {
			return usagef("--from %v: %q is a gate of ring %q and goes on where it was, or drops what it has not read (--from latest); use another name to read what it has read already",
				&f.cfg.from, f.cfg.name, f.cfg.ring)
		}
		if !errors.Is(err, ring.ErrNoRing) || f.cfg.noWait {
			return noRing(err, f.cfg.dir, f.cfg.ring)
		}
		if !told {
			f.note("ring %q is not there yet; waiting for it", f.cfg.ring)
			told = true
		}
		if sleep(ctx, pollEvery) != nil {
			return errStopped
		}
	}
}

// options turns where the user wants to begin into where that is in the ring: without a
// word, at the cursor, or, if there is none, at the oldest message.
func (f *follower) options() ring.Options {
	opt := ring.Options{
		Dir:         f.cfg.dir,
		Owner:       f.cfg.owner,
		Name:        f.cfg.name,
		Ephemeral:   f.cfg.ephemeral,
		From:        f.cfg.from.from,
		Seq:         f.cfg.from.seq,
		New:         ring.FromOldest,
		Rejoin:      ring.Rejoin(f.cfg.rejoin),
		NoHistogram: f.cfg.noHistogram,
		Spikes:      f.cfg.spikes,
	}
	if f.next != 0 {
		opt.From, opt.New, opt.Seq = ring.FromCursor, ring.FromSeq, f.next
	}
	return opt
}

// pause handles everything but a message. done means that there is nothing more to
// read, or that a signal came.
func (f *follower) pause(ctx context.Context, st ring.Status) (done bool, err error) {
	switch st {
	case ring.Message:
		return false, nil
	case ring.Empty:
	case ring.Gap:
		f.gap()
		return false, nil
	case ring.Demoted:
		f.tellDemoted()
		return false, nil
	case ring.Closed:
		if f.cfg.untilClosed {
			return true, nil
		}
	case ring.Superseded:
		return f.rejoin(ctx)
	case ring.Corrupt:
		return true, fmt.Errorf("read ring %q: %w; remove the ring with 'tickring rm %s'", f.cfg.ring, f.sub.Err(), f.cfg.ring)
	}
	if f.stop.Load() {
		return true, nil
	}
	f.polls++
	f.wait.Wait(f.polls)
	if f.polls&f.lookMask == 0 || f.sleeper != nil && f.polls > idleSpins+sleeperYields {
		return f.look(ctx)
	}
	return false, nil
}

// gapsTold is how many gaps are told one by one.
const gapsTold = 5

func (f *follower) gap() {
	first, last := f.sub.Gap()
	f.gaps++
	f.lost += last - first + 1
	switch {
	case f.gaps < gapsTold:
		f.note("lost %s (%s) of ring %q, which had left the ring before being read", numbersText(first, last), text.Count(last-first+1), f.cfg.ring)
	case f.gaps == gapsTold:
		f.note("lost %s (%s) of ring %q; further losses are counted and not told", numbersText(first, last), text.Count(last-first+1), f.cfg.ring)
	}
}

// askAfter is how long without a message makes one wonder about the publisher.
const askAfter = 100 * time.Millisecond

// look finds out, now and then, why there is nothing to read.
func (f *follower) look(ctx context.Context) (done bool, err error) {
	now := time.Now()
	if now.Sub(f.silentSince(now)) < askAfter || now.Sub(f.asked) < askAfter {
		return false, nil
	}
	f.asked = now
	life := f.sub.Publisher()
	if life == ring.Replaced {
		// By somebody who did not tell the old file. Everything in it was read.
		return f.rejoin(ctx)
	}
	was := f.publisher
	f.publisher = life
	switch {
	case life == was:
	case life == ring.Dead:
		f.note("the publisher of ring %q has died; waiting for another one to go on", f.cfg.ring)
	case life == ring.Hung:
		f.note("the publisher of ring %q gives no sign of life; waiting for it, or for 'tickring fence %s'", f.cfg.ring, f.cfg.ring)
	case life == ring.Live && (was == ring.Dead || was == ring.Hung):
		f.note("ring %q has a live publisher again", f.cfg.ring)
	}
	return false, nil
}

// rejoin goes on with the ring that has taken the place of the old one.
func (f *follower) rejoin(ctx context.Context) (done bool, err error) {
	next := f.sub.Seq() + 1
	f.leave()
	info, err := ring.Stat(f.cfg.dir, f.cfg.ring)
	switch {
	case errors.Is(err, ring.ErrNoRing):
		f.note("ring %q was removed", f.cfg.ring)
		if f.cfg.untilClosed || f.cfg.noWait {
			return true, nil
		}
		f.cfg.from, f.next = fromFlag{}, 0
	case err != nil:
		return true, err
	case info.First < next:
		f.note("ring %q was replaced by a new one, whose numbers begin at %d", f.cfg.ring, info.First)
		f.cfg.from, f.next = fromFlag{}, 0
	default:
		f.note("ring %q was replaced by a new one; going on with message %d", f.cfg.ring, next)
		f.next = next
	}
	err = f.join(ctx)
	if errors.Is(err, errStopped) {
		return true, nil
	}
	return err != nil, err
}

// leave closes the subscriber and keeps what its file knows of latencies.
func (f *follower) leave() {
	if f.sub == nil {
		return
	}
	if s, ok := f.sub.Info(); ok {
		f.latency.Merge(s.Latency)
		f.largest = max(f.largest, s.Max)
		f.negative += s.Negative
		f.spikes += s.Spikes.Spikes
	}
	f.lookAtGate()
	f.sub.Close()
	f.sub = nil
}

// silentSince returns when there was first nothing to read after the last message,
// within some microseconds: it is the time of the first look, which is this one if
// there was none before.
func (f *follower) silentSince(now time.Time) time.Time {
	if f.polls <= f.lookMask+1 {
		f.idleSince, f.publisher = now, ring.Live // as the last message's was
	}
	return f.idleSince
}

// guard runs the loop that reads. A ring that is cut short while it is read becomes
// an error.
func (f *follower) guard(loop func() error) error {
	err := mmap.Guard(loop)
	if errors.Is(err, mmap.ErrFault) {
		return fmt.Errorf("read ring %q: %w", f.cfg.ring, err)
	}
	return err
}

func (f *follower) note(format string, args ...any) {
	if f.cfg.notes != nil {
		fmt.Fprintf(f.cfg.notes, "tickring "+f.cfg.command+": "+format+"\n", args...)
	}
}
