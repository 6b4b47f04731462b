package ring

import (
	"fmt"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
)

// Status is what [Subscriber.Next] found.
type Status uint8

const (
	// Empty: nothing new. Poll again.
	Empty Status = iota
	// Message: a message was returned.
	Message
	// Gap: messages were lost, because the subscriber was lapped or because the
	// number it asked for had left the ring; [Subscriber.Gap] says which. Reading
	// goes on after them with the next call.
	Gap
	// Closed: the publisher has closed the ring and everything was read. If a
	// publisher comes back, so do messages: polling on is allowed. Who does so asks
	// [Subscriber.Publisher] now and then, in case the ring was [Replaced] by
	// somebody who died before he could say so.
	Closed
	// Superseded: the ring has been replaced by a new one or removed, and
	// everything was read. Close the subscriber and open the ring again.
	Superseded
	// Demoted: the publisher waits for this gate no more. From here on the subscriber is
	// one that may lose messages; [Subscriber.Gate] tells why. It is said once.
	Demoted
	// Corrupt: the ring contradicts itself; [Subscriber.Err] says how. It stays so.
	Corrupt
)

func (s Status) String() string {
	switch s {
	case Empty:
		return "empty"
	case Message:
		return "message"
	case Gap:
		return "gap"
	case Closed:
		return "closed"
	case Superseded:
		return "superseded"
	case Demoted:
		return "demoted"
	case Corrupt:
		return "corrupt"
	}
	return "unknown"
}

// subscriber is the hot half of a [Subscriber]: a position in the ring and nothing
// of files or names.
type subscriber struct {
	view
	pos   uint64 // of the next frame
	end   uint64 // of the block whose table entry has been read; pos == end: read the next
	next  uint64 // sequence number of the next message
	short uint64 // messages of fewer bytes may be read the fast way; 0: none
	word  uint64 // header of the message in hand
	named string // empty: a pure reader
	stats *subFile
	chase chase

	// The gate as it was when the subscriber last looked.
	slot *gateSlot // nil: there was none
	held bool      // the publisher waited for it
	from uint64    // ... since this message; 0: never

	clock  tick.Clock
	scale  tick.Scale
	anchor uint64 // full time from which the stamps of this block count
	joined uint64 // messages stamped before are not timed: they waited for us to exist
	usual  uint64 // ns: latencies above go the slow way; histHigh at most
	spikes *spikeWriter
	ahead  uint64 // of the message that is being accounted: so many of its batch come before it
	// Whether stamps can be compared with clock, and whether latencies are counted.
	stamped, timed bool

	want   uint64 // messages below this number are skipped
	floor  uint64 // the cursor is this number at least: what it skips was there when it joined
	viewed uint64 // size of the frame before pos, which is in view and may be lost yet; 0: none
	seen   uint64 // when it came in view
	// Whether the message in view has been counted as delivered.
	settled bool
	saw     uint64 // the state at the last look that found nothing; 0: none did
	missed  uint64 // the next call has to report a gap from this number; 0: none
	rejoin  Rejoin // where to go on after an overrun
	lost    uint64
	gap     [2]uint64
	err     error
	waits   uint64                // what its file says of how it waits
	line    [mem.LineWords]uint64 // the payload of the message in hand, or
	buf     []byte                // that of a message read the slow way; as long as the largest
}

// Next returns the next message, or says why there is none. It does not wait, but for
// the microsecond of stepping off a stream (see [Options]), and for a few looks, less than
// 200 ns, before it says that there is none: who reads many rings in turn has a [Poller],
// which asks only those that have something. It does not allocate and makes no system call.
//
// The message is a copy in the subscriber's own memory, checked to be whole, and
// good until the next call. [Subscriber.Seq], [Subscriber.Type] and
// [Subscriber.Age] tell more about it. A call also says that the subscriber is done
// with the message before; its cursor moves on then.
func (s *subscriber) Next() ([]byte, Status) {
	w := s.poll()
	n := w&0xFFFF - 1 // a header of 0 becomes the largest number
	if n >= s.short || s.pos == s.end {
		return s.nextSlow(w)
	}
	mem.CopyLineOut(&s.line, s.view.line(s.pos))
	if s.overrun(s.pos) {
		return nil, s.lapped()
	}
	if s.stats != nil || s.chase.empties != 0 {
		s.account(w, n)
	}
	s.word = w
	s.pos += lineSize
	s.next++
	return unsafe.Slice((*byte)(unsafe.Pointer(&s.line)), n), Message
}

// poll loads the header at pos, and some more times if it is 0. Between two loads it lets
// the processor pause: one that has loaded ahead of a word that then changes has to begin
// anew with all of it, and loses more time than the pause takes.
func (s *subscriber) poll() uint64 {
	w := s.frameHeader(s.pos)
	if w == 0 && !s.chase.stream { // in a stream it steps off for longer
		w = s.pollOn()
	}
	return w
}

// polls is how often pollOn looks. They take less than 200 ns together.
const polls = 4

func (s *subscriber) pollOn() uint64 {
	for range polls {
		mem.Pause()
		if w := s.frameHeader(s.pos); w != 0 {
			s.chase.empties++
			return w
		}
	}
	return 0
}

// nextSlow is Next for everything but a message of one line in the midst of a block.
func (s *subscriber) nextSlow(w uint64) ([]byte, Status) {
	w, st := s.seek(w)
	if st != Message {
		return nil, st
	}
	n := w&0xFFFF - 1
	mem.CopyOut(s.buf[:n], s.view.payload(s.pos))
	if s.overrun(s.pos) {
		return nil, s.lapped()
	}
	s.take(w, n)
	return s.buf[:n:n], Message
}

// take takes the message at pos, of n bytes with header w, which was found to be whole.
// It is in hand then.
func (s *subscriber) take(w, n uint64) {
	s.account(w, n)
	s.word = w
	s.pos += frameSize(n)
	s.next++
}

// seek goes to the next message, w being the header at pos. If there is one, it returns
// Message and its header: the size is one that fits into the message limit and the
// block, so that the payload may be touched. Whether anything of it is true is for
// [view.overrun] to say afterwards.
func (s *subscriber) seek(w uint64) (uint64, Status) {
	if s.viewed != 0 && !s.endView() {
		return 0, s.lapped()
	}
	if expected := s.missed; expected != 0 {
		s.missed, s.short = 0, s.fast()
		return 0, s.arrived(expected)
	}
	for {
		if w == 0 {
			state := s.state() // before the two looks that follow
			if w = s.frameHeader(s.pos); w == 0 {
				return 0, s.empty(state)
			}
		}
		if s.pos == s.end {
			// A header that is not 0 at a block's start was committed after the
			// block was entered, so the table has it.
			e, ok := s.readEntry(s.pos)
			if !ok {
				return 0, s.lapped()
			}
			if k := mem.LoadAcquire(s.claimed); k < s.pos+s.block+lineSize {
				return 0, s.corrupt("the block at %d has a frame, but only %d bytes are claimed", s.pos, k)
			}
			if e.seq != s.next {
				return 0, s.corrupt("the block at %d begins with message %d, but %d comes next", s.pos, e.seq, s.next)
			}
			if s.demoted() {
				return 0, Demoted
			}
			s.anchor = e.stamp
			s.end += s.block
		}
		switch size := w & 0xFFFF; size {
		case sizePad:
			if s.overrun(s.pos) {
				return 0, s.lapped()
			}
			s.pos = s.end
		case sizeTime:
			mem.CopyLineOut(&s.line, s.view.line(s.pos))
			if s.overrun(s.pos) {
				return 0, s.lapped()
			}
			s.anchor = s.line[0]
			s.pos += lineSize
		default:
			n := size - 1
			frame := frameSize(n)
			if n > uint64(len(s.buf)) || s.pos+frame > s.end {
				// Rubbish of a later lap, or of a broken publisher.
				if s.overrun(s.pos) {
					return 0, s.lapped()
				}
				return 0, s.corrupt("the frame at %d claims %d bytes and does not fit into its block", s.pos, n)
			}
			if s.next >= s.want {
				s.short = s.fast()
				return w, Message
			}
			if s.overrun(s.pos) {
				return 0, s.lapped()
			}
			s.pos += frame
			s.next++
		}
		w = s.frameHeader(s.pos)
	}
}

// empty is what a header of 0 means that was loaded after the state: nothing new, or the
// end, or that we were lapped and look into somebody's payload.
func (s *subscriber) empty(state uint64) Status {
	if s.err != nil {
		return Corrupt
	}
	if s.overrun(s.pos) {
		return s.lapped()
	}
	if s.stats != nil {
		s.done()
		if s.held && s.gateOf(s.slot) != GateHolding && s.demoted() {
			return Demoted
		}
	}
	s.saw = state
	switch state {
	case stateClosed:
		return Closed
	case stateSuperseded:
		return Superseded
	}
	s.chase.empty(s.next, &s.clock)
	return Empty
}

// lapped goes on at a block that is still whole after an overrun.
func (s *subscriber) lapped() Status {
	if s.demoted() {
		return Demoted // it is lapped still at the next call
	}
	if s.stats != nil {
		mem.Add(&s.stats.overruns, 1)
	}
	expected := max(s.next, s.want)
	s.joinAgain(expected)
	if s.err != nil {
		return Corrupt
	}
	return s.arrived(expected)
}

// lookAtGate looks whether the publisher waits for the subscriber. It may have become a
// gate since the last look, and its slot may be another one's.
func (s *subscriber) lookAtGate() {
	s.slot = s.findGate(s.named)
	s.held = s.gateOf(s.slot) == GateHolding
	if s.slot != nil {
		s.from = mem.LoadAcquire(&s.slot.fromSeq)
	}
}

// demoted is true once after the publisher has let go of a gate, be it one that this
// subscriber never saw holding.
func (s *subscriber) demoted() bool {
	if s.named == "" {
		return false
	}
	held, from := s.held, s.from
	s.lookAtGate()
	return !s.held && (held || s.from > from)
}

// arrived reports the messages from expected to the next one as lost, if any.
func (s *subscriber) arrived(expected uint64) Status {
	to := max(s.next, s.want)
	if to <= expected {
		return Empty // nothing was lost, or it is still skipping
	}
	s.gap = [2]uint64{expected, to - 1}
	s.lost += to - expected
	if s.stats != nil {
		mem.Add(&s.stats.lost, to-expected)
		// The gap in hand is done with at the next call, like a message.
		mem.Store(&s.stats.cursorSeq, expected)
	}
	return Gap
}

func (s *subscriber) corrupt(format string, args ...any) Status {
	return s.fail(fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...))
}

// fail ends the subscriber's reading. The first error counts: what follows is of the ring that
// leave puts in the place of this one.
func (s *subscriber) fail(err error) Status {
	if s.err == nil {
		s.err = err
	}
	if s.stats != nil {
		s.done()
	}
	s.leave()
	return Corrupt
}

// leave puts the subscriber on an empty, closed ring of its own, so that polling on
// is harmless after the mapping is gone.
func (s *subscriber) leave() {
	words := make([]uint64, (dataOffset+2*lineSize)/8)
	s.view = newView(unsafe.Pointer(&words[0]), geometry{capacity: lineSize, block: lineSize})
	s.view.setState(stateClosed)
	s.pos, s.end, s.missed, s.viewed = 0, 0, 0, 0
	s.slot, s.held = nil, false
}
