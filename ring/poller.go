package ring

import (
	"cmp"
	"context"
	"slices"

	"github.com/tickring/tickring/internal/mem"
)

// Poller reads many rings in one goroutine: a gateway's, that has a ring from each of its
// strategies. The zero value has none; add and remove subscribers at any time.
//
// Those of one priority take turns, a message each: the search for the next message
// begins behind the ring that had the last one, so none waits for more than one message
// of every other. Nobody is asked while one of a higher priority has something. A ring
// that has nothing costs the look at one word; that it was lapped or has ended is found
// out after 16 polls that found nothing, or as many others as there are rings.
//
// A subscriber in a Poller is read by nobody else, and does not step off a stream (see
// Options.NoStepOff). It may be closed; it has come to its end then.
type Poller struct {
	levels []pollLevel   // the highest priority first
	subs   []*Subscriber // of all levels
	waits  uint64        // what the files of all say of how they wait; 0: perhaps not of all
	level  int           // whom to check next: levels[level].subs[at]
	at     int
}

// pollLevel is the subscribers of one priority.
type pollLevel struct {
	priority int
	subs     []polled
	first    int // who has the first turn
}

// polled is a subscriber in a Poller.
type polled struct {
	sub   *Subscriber
	epoch uint64 // of the publisher whose end was reported
	told  Status // that end; Empty: none was reported
	// Ask it even if there is no header at its position: it has a message in hand to be
	// done with, or something else has changed since it was last asked.
	ask     bool
	stepOff bool // it did, before it came here
}

// Add adds a subscriber. Higher priorities come first. One that is there already gets
// the other priority.
func (p *Poller) Add(s *Subscriber, priority int) {
	if s == nil {
		return
	}
	e, there := p.take(s)
	if !there {
		e = polled{sub: s, ask: true, stepOff: !s.chase.off}
	}
	s.chase.off = true
	i, found := slices.BinarySearchFunc(p.levels, priority, func(l pollLevel, priority int) int {
		return cmp.Compare(priority, l.priority)
	})
	if !found {
		p.levels = slices.Insert(p.levels, i, pollLevel{priority: priority})
	}
	p.levels[i].subs = append(p.levels[i].subs, e)
	p.subs = append(p.subs, s)
	p.waits = waitUnknown
}

// Remove removes a subscriber, which is as it was before. Of what Next has returned of it
// the message in hand is still good.
func (p *Poller) Remove(s *Subscriber) {
	if e, there := p.take(s); there {
		s.chase.off = !e.stepOff
	}
}

// Len returns how many subscribers there are.
func (p *Poller) Len() int { return len(p.subs) }

// take takes a subscriber out.
func (p *Poller) take(s *Subscriber) (polled, bool) {
	for i := range p.levels {
		l := &p.levels[i]
		at := slices.IndexFunc(l.subs, func(e polled) bool { return e.sub == s })
		if at < 0 {
			continue
		}
		e := l.subs[at]
		l.subs = slices.Delete(l.subs, at, at+1)
		if at < l.first {
			l.first--
		}
		if len(l.subs) == 0 {
			p.levels = slices.Delete(p.levels, i, i+1)
		}
		p.subs = slices.DeleteFunc(p.subs, func(other *Subscriber) bool { return other == s })
		return e, true
	}
	return polled{}, false
}

// Next returns the next message of any ring and the subscriber that has it in hand, or
// what else there is to say of a subscriber: a [Gap], or an end, which is said once. A
// [Closed] ring's next publisher may end as well and is said to have. [Empty] comes
// without a subscriber: no ring has anything.
//
// It neither waits nor allocates nor makes a system call. The message is good until the
// next call.
func (p *Poller) Next() (*Subscriber, []byte, Status) {
	p.check(1)
	for i := range p.levels {
		l := &p.levels[i]
		at := l.first
		for range l.subs {
			if at >= len(l.subs) {
				at = 0
			}
			e := &l.subs[at]
			at++
			if !e.due() {
				continue
			}
			if msg, st := e.next(); st != Empty {
				l.first = at
				return e.sub, msg, st
			}
		}
	}
	p.check(len(p.subs) / 16)
	return nil, nil, Empty
}

// NextWait is Next, but waits by w while no ring has anything: it returns [Empty] only
// when ctx is done, and then with the cause. As for ctx and w, see
// [Subscriber.NextWait]. A [Sleeper] sleeps for all subscribers that are here, whatever
// it was made for.
func (p *Poller) NextWait(ctx context.Context, w WaitStrategy) (*Subscriber, []byte, Status, error) {
	s, msg, st := p.Next()
	if st != Empty {
		return s, msg, st, nil
	}
	pauses := newPauses(ctx, w)
	pauses.subs = p.subs
	if p.waits != pauses.kind {
		p.waits = pauses.kind
		for _, s := range p.subs {
			s.tellWait(pauses.kind)
		}
	}
	for {
		if err := pauses.pause(); err != nil {
			return nil, nil, Empty, err
		}
		if pauses.polls > pauses.spins {
			p.check(len(p.subs)) // there is time, and polls are far between
		}
		if s, msg, st = p.Next(); st != Empty {
			return s, msg, st, nil
		}
	}
}

// check looks in full at the next n subscribers, in turn. It finds out what a look at the
// header does not.
func (p *Poller) check(n int) {
	for range min(n, len(p.subs)) {
		if p.level >= len(p.levels) {
			p.level = 0
		}
		l := &p.levels[p.level]
		if p.at < len(l.subs) {
			e := &l.subs[p.at]
			e.ask = e.ask || !e.sub.quiet()
		}
		if p.at++; p.at >= len(l.subs) {
			p.level, p.at = p.level+1, 0
		}
	}
}

// due says whether the subscriber may have something.
func (e *polled) due() bool { return e.ask || e.sub.frameHeader(e.sub.pos) != 0 }

// next asks the subscriber.
func (e *polled) next() ([]byte, Status) {
	msg, st := e.sub.Next()
	switch st {
	case Message, Gap, Demoted:
		e.ask, e.told = true, Empty
		return msg, st
	case Empty:
		e.ask, e.told = false, Empty
		return nil, Empty
	}
	epoch := mem.LoadAcquire(&e.sub.hdr.epoch)
	if e.ask = false; e.told == st && e.epoch == epoch {
		return nil, Empty
	}
	e.told, e.epoch = st, epoch
	return nil, st
}
