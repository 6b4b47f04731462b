package ring

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// A Subscriber reads a ring. Its methods are for one goroutine.
type Subscriber struct {
	subscriber

	name      string
	ring      *ringFile
	region    *mmap.Region
	own       *openedSub // nil for a pure reader
	recorder  *recorder  // nil: spikes are not recorded
	ephemeral bool
	once      sync.Once
	told      uint64 // epoch of the publisher that NextWait has returned Closed of

	// Whether the ring has a waker, when that was asked, and what the wake word was.
	waker      bool
	wakerWord  uint32
	wakerAsked uint64 // CLOCK_MONOTONIC ns
}

// Open joins the ring called name as a subscriber. It maps the ring read-only: a
// subscriber cannot harm its publisher or anybody else.
//
// Errors: [ErrNoRing], [ErrName], [ErrConfig], [ErrNotRing], [ErrVersion],
// [ErrCorrupt], [ErrStale], [ErrSubscriberActive], and those of package mmap.
func Open(name string, opt Options) (*Subscriber, error) {
	s, err := open(name, opt)
	for tries := 1; errors.Is(err, errStaleRing) && tries < 100; tries++ {
		s, err = open(name, opt)
	}
	if err != nil {
		return nil, fmt.Errorf("ring: open %q: %w", name, err)
	}
	return s, nil
}

func open(name string, opt Options) (_ *Subscriber, err error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	ps, err := pathsOf(opt.Dir, name)
	if err != nil {
		return nil, err
	}
	if err := ps.check(opt.Owner); err != nil {
		return nil, err
	}
	s := &Subscriber{name: name}
	defer func() {
		if err != nil {
			s.release(s.own != nil && s.own.fresh)
		}
	}()
	if s.ring, err = openRing(ps, mmap.ReadOnly); err != nil {
		return nil, err
	}
	if err := s.ring.superseded(); err != nil {
		return nil, err
	}
	s.region, err = s.ring.file.Map(mapOptions(mmap.ReadOnly, s.ring.geo.fileSize(), opt.NoPrefault, opt.HugePages, opt.Mlock))
	if err != nil {
		return nil, err
	}
	if opt.Name != "" {
		s.own, err = openSub(ps, opt.Name, s.ring, opt.Owner, opt.Mlock)
		if errors.Is(err, mmap.ErrNotExist) && !s.ring.file.Same(ps.ring()) {
			err = errStaleRing // subs/ went with the ring
		}
		if err != nil {
			return nil, err
		}
		s.ephemeral = opt.Ephemeral
		if opt.Spikes > 0 { // it looks for the first time before anything can be late
			if s.recorder, err = newRecorder(s.own.stats.spikeList()); err != nil {
				return nil, err
			}
		}
	}
	if err := mmap.Guard(func() error { return s.enter(opt) }); err != nil {
		return nil, err
	}
	if s.recorder != nil {
		s.recorder.start()
	}
	return s, nil
}

// enter joins the ring that was opened.
func (s *Subscriber) enter(opt Options) error {
	h := &s.ring.fixed
	s.start(newView(s.region.Base(), s.ring.geo))
	s.chase.off = opt.NoStepOff
	s.rejoin = opt.Rejoin
	s.setClock(Stamps(h.stamps), tick.Kind(h.clockKind))
	cursor := uint64(0)
	if s.own != nil {
		s.named, cursor = opt.Name, s.own.cursor
		s.lookAtGate()
		if err := s.checkGate(opt); err != nil {
			return err
		}
	}
	if !s.begin(opt, cursor) {
		if !s.ring.file.Same(s.ring.file.Path()) {
			return errStaleRing // the cursor has moved on in its successor
		}
		return fmt.Errorf("%w: the cursor of %q is at message %d, which the ring is yet to reach; remove %s to begin anew",
			ErrCorrupt, opt.Name, cursor, s.own.file.Path())
	}
	if opt.Spikes > 0 && !s.stamped && s.err == nil {
		return fmt.Errorf("%w: spikes are latencies, and the ring's messages carry no time that this process can read; leave Spikes out", ErrConfig)
	}
	if s.err == nil && s.own != nil {
		s.timed = s.stamped && !opt.NoHistogram
		s.stats = s.own.stats
		s.stats.begin()
		if opt.Spikes > 0 {
			s.recordSpikes(opt.Spikes)
		}
		s.done()
		// Last: until then the publisher takes the position for that of another file.
		mem.StoreRelease(&s.stats.cursorFile, h.fileID)
	}
	return s.err
}

// checkGate refuses what a gate cannot do.
func (s *Subscriber) checkGate(opt Options) error {
	switch {
	case !s.held:
		return nil
	case opt.Ephemeral:
		return fmt.Errorf("%w: %q is a gate, whose file stays; leave Ephemeral out", ErrConfig, opt.Name)
	case opt.From != FromCursor && opt.From != FromLatest:
		return fmt.Errorf("%w: %q is a gate and goes on at its cursor (FromCursor) or drops what it has not read (FromLatest); use another name to read what it has read already", ErrConfig, opt.Name)
	}
	return nil
}

// start makes a subscriber that has yet to join.
func (s *subscriber) start(v view) {
	s.view = v
	s.short = v.fast()
	s.buf = make([]byte, v.maxMessage)
	s.usual = histHigh
	s.chase.need = chaseRun
}

// begin goes to where the subscriber is to begin: to its cursor (0: it has none), unless
// opt says where else. It is false if the ring has never been at the cursor.
func (s *subscriber) begin(opt Options, cursor uint64) bool {
	wasGate, ok := s.held, true
	var first uint64 // it has a right to what comes from here on, if anybody waits for it
	switch from := opt.From; {
	case from == FromCursor && cursor != 0:
		first, ok = cursor, s.joinCursor(cursor)
	case from == FromCursor && wasGate:
		s.joinOldest(0) // somebody removed the file: nothing is lost
	default:
		if from == FromCursor {
			from = opt.New
		}
		if from == FromSeq {
			first = opt.Seq
		}
		s.join(from, opt.Seq)
	}
	if ok && !wasGate { // a gate may have asked to drop what it has not read
		s.keepGate(first)
	}
	return ok
}

// join goes to the place that from names. What is missing there is in a gap
// that the first Next reports.
func (s *subscriber) join(from From, seq uint64) {
	switch from {
	case FromOldest:
		margin := s.block
		if s.state() != stateLive {
			margin = 0 // nobody is about to overwrite it
		}
		s.joinOldest(margin)
	case FromSeq:
		s.joinSeq(max(seq, 1))
	case FromMark:
		if mark := s.mark(); mark == 0 || !s.joinMark(mark) {
			s.join(FromOldest, 0)
		}
	default:
		s.joinLatest()
	}
}

// setClock learns the ring's clock. Latencies are measured if the ring stamps its
// messages with a clock that this process can read.
func (s *subscriber) setClock(stamps Stamps, kind tick.Kind) {
	s.clock, s.scale = tick.New(), tick.Scale(s.anchorClock().scale)
	if s.clock.Kind() != kind || !s.scale.Valid() {
		s.scale = s.clock.Calibrate(calibrateFor) // takes that long for a counter only
	}
	s.chase.ticks = s.scale.Ticks(chaseNs)
	s.stamped = stamps == StampEvery && kind == s.clock.Kind()
	s.joined = s.clock.Now()
}

// anchorClock reads the ring's clock words. They are not to be had while a publisher
// writes them, and from its death at that moment until the next one; then there is no
// scale.
func (s *subscriber) anchorClock() clockAnchor {
	for range 20 {
		if a, ok := s.view.clock(); ok {
			return a
		}
		yield()
	}
	return clockAnchor{}
}

// Name returns the ring's name.
func (s *Subscriber) Name() string { return s.name }

// Schema returns what the publisher calls the messages, and the hash of their layout.
func (s *Subscriber) Schema() (string, uint64) {
	return s.ring.fixed.schemaName(), s.ring.fixed.schemaHash
}

// Source returns where the publisher says that the messages come from.
func (s *Subscriber) Source() string { return s.ring.fixed.sourceName() }

// RingID returns a number that is this ring's own. A publisher that goes on with the ring's
// sequence keeps it, in a new file too; a ring that was removed and made again has another.
func (s *Subscriber) RingID() uint64 { return s.ring.fixed.ringID }

// Epoch returns how many publishers the ring has had, up to now.
func (s *subscriber) Epoch() uint64 { return mem.LoadAcquire(&s.hdr.epoch) }

// Capacity returns the ring's size in bytes of frames.
func (s *Subscriber) Capacity() uint64 { return s.ring.fixed.capacity }

// MaxMessage returns the largest message of the ring in bytes.
func (s *Subscriber) MaxMessage() int { return int(s.ring.fixed.maxMessage) }

// Seq returns the sequence number of the message in hand. Messages count from 1. It
// means nothing before the first message.
func (s *subscriber) Seq() uint64 { return s.next - 1 }

// Type returns the type of the message in hand, as its publisher gave it.
func (s *subscriber) Type() uint16 { return uint16(s.word >> 16) }

// Gap returns the first and the last number of the messages that were lost, after
// Next returned [Gap].
func (s *subscriber) Gap() (first, last uint64) { return s.gap[0], s.gap[1] }

// Lost returns how many messages were lost since the subscriber joined.
func (s *subscriber) Lost() uint64 { return s.lost }

// Mark returns the number of the message that begins the last snapshot, 0 if there was
// none. It may have left the ring.
func (s *subscriber) Mark() uint64 { return s.mark() }

// Gate says whether the publisher waits for this subscriber, at this moment: [Demoted] may
// be still to come.
func (s *subscriber) Gate() GateState {
	if s.named == "" {
		return GateNone
	}
	return s.gateOf(s.findGate(s.named))
}

// Err says what is wrong, after Next returned [Corrupt].
func (s *subscriber) Err() error { return s.err }

// Age returns how long ago the message in hand was published. It reads the clock. It
// is false on a ring without stamps, or if this process cannot read the ring's
// clock. It can be negative by the difference between the clocks of two cores.
func (s *subscriber) Age() (time.Duration, bool) { return s.age(s.anchor, s.word) }

// age is Age of the message with header word, whose stamp counts from anchor.
func (s *subscriber) age(anchor, word uint64) (time.Duration, bool) {
	if !s.stamped {
		return 0, false
	}
	d := int64(s.clock.Now() - fullStamp(anchor, word))
	if d < 0 {
		return -time.Duration(s.scale.Ns(uint64(-d))), true
	}
	return time.Duration(s.scale.Ns(uint64(d))), true
}

// PublishTime returns when the message in hand was published, by the publisher's
// system clock. It is false on a ring without stamps.
func (s *Subscriber) PublishTime() (time.Time, bool) {
	if s.region == nil || Stamps(s.ring.fixed.stamps) == StampNone {
		return time.Time{}, false
	}
	a := s.anchorClock()
	if a.scale == 0 {
		return time.Time{}, false
	}
	d := int64(s.fullStamp(s.word) - a.ticks)
	if d < 0 {
		return time.Unix(0, int64(a.utc-tick.Scale(a.scale).Ns(uint64(-d)))), true
	}
	return time.Unix(0, int64(a.utc+tick.Scale(a.scale).Ns(uint64(d)))), true
}

// Publisher returns the state of the ring's publisher. It makes system calls: ask
// when there has been nothing to read for a while.
func (s *Subscriber) Publisher() Life {
	if s.region == nil {
		return Ended
	}
	return s.ring.life()
}

// Faulted says whether err is a fault (mmap.ErrFault) at memory of this subscriber: the ring's
// file was cut short, or its own. Who reads several rings inside one mmap.Guard learns from it
// which one to let go.
func (s *Subscriber) Faulted(err error) bool {
	var fault *mmap.FaultError
	if s.region == nil || !errors.As(err, &fault) {
		return false
	}
	return s.region.Contains(fault.Addr) || s.own != nil && s.own.region.Contains(fault.Addr)
}

// Close leaves the ring. The message in hand counts as done with. The file of a
// named subscriber stays, unless it is ephemeral. A second Close does nothing; Next
// returns [Closed] from now on, or [Corrupt] if it did before.
func (s *Subscriber) Close() error { return s.close(true) }

// Abandon is Close, but the message in hand does not count as done with: who opens the name
// next gets it again, as if this process had been killed. After NextBatch these are all
// messages of the batch.
func (s *Subscriber) Abandon() error { return s.close(false) }

func (s *Subscriber) close(done bool) error {
	s.once.Do(func() {
		if s.stats != nil {
			_ = mmap.Guard(func() error {
				if s.err == nil && done {
					if s.viewed != 0 {
						s.endView()
					}
					s.done()
				}
				mem.StoreRelease(&s.stats.state, stateClosed)
				if s.gateOf(s.findGate(s.named)) == GateHolding {
					s.ephemeral = false // it became a gate, whose file stays
				}
				return nil
			}) // a file that was cut short needs no last word
		}
		s.stats = nil
		s.leave()
		s.release(s.ephemeral)
	})
	return nil
}

// release frees everything. remove takes the subscriber's file away.
func (s *Subscriber) release(remove bool) {
	if s.recorder != nil {
		s.recorder.close()
		s.recorder = nil
	}
	if s.region != nil {
		s.region.Close()
		s.region = nil
	}
	if s.own != nil {
		if remove {
			s.own.remove()
		}
		s.own.close()
		s.own = nil
	}
	if s.ring != nil {
		s.ring.file.Close()
	}
}
