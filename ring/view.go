package ring

import (
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// A view is a message that is read where it lies. What is seen of it may be of a later
// lap, so it counts as delivered or as lost only when it is known which: at the first
// Valid that says yes, or at the next call. Until then the subscriber stands behind it
// with viewed set, and short is 0 so that every way to read comes by seek, which ends
// the view.

// View is Next without the copy: the message it returns is the ring's own memory. It is
// for messages of which little is looked at, or which are copied to somewhere else anyway.
//
// On a ring that laps, the publisher may overwrite the message while it is looked at.
// Until [Subscriber.Valid] has returned true, the bytes may be anything and change at any
// time: act on nothing, index nothing with them unchecked, make no string of them with
// unsafe. If Valid returns false, the message is lost, and the next call says so with a
// gap that begins with it. Whoever does not ask is told by that gap.
//
//	msg, status := sub.View()
//	if status == ring.Message {
//		price := binary.LittleEndian.Uint64(msg)
//		if sub.Valid() {
//			trade(price)
//		}
//	}
//
// The publisher does not overwrite what a gate has in view. The bytes are good until the
// next call that reads, or Close. The memory is read-only: a write to it is a fault.
func (s *subscriber) View() ([]byte, Status) {
	if s.viewed != 0 && !s.endView() {
		return nil, s.lapped()
	}
	w := s.poll()
	n := w&0xFFFF - 1
	if n >= s.short || s.pos == s.end {
		var st Status
		if w, st = s.seek(w); st != Message {
			return nil, st
		}
		n = w&0xFFFF - 1
	}
	if s.overrun(s.pos) { // the size may be of a later lap
		return nil, s.lapped()
	}
	if s.chase.empties != 0 {
		s.chase.found()
	}
	if s.stats != nil {
		s.holdCursor()
		if s.timed {
			s.seen = s.clock.Now()
		}
	}
	msg := unsafe.Slice((*byte)(s.view.payload(s.pos)), n)
	s.word, s.viewed, s.short, s.settled = w, frameSize(n), 0, false
	s.pos += s.viewed
	s.next++
	return msg, Message
}

// Valid says whether all that has been seen until now of the message that View returned
// last was the message. The first true also counts it as delivered. It is false without a
// message in view.
func (s *subscriber) Valid() bool {
	if s.viewed == 0 || s.overrun(s.pos-s.viewed) {
		return false
	}
	if !s.settled {
		s.settle()
	}
	return true
}

// settle counts the message in view as delivered.
func (s *subscriber) settle() {
	s.settled = true
	f := s.stats
	if f == nil {
		return
	}
	mem.Add(&f.messages, 1)
	mem.Add(&f.bytes, s.word&0xFFFF-1)
	if s.timed {
		s.recordLatency(s.word, s.seen)
	}
}

// endView ends a view. It is false if the message is lost: the subscriber stands before it
// again, and is lapped.
func (s *subscriber) endView() bool {
	whole := s.settled || s.Valid()
	if !whole {
		s.pos -= s.viewed
		s.next--
	}
	s.viewed, s.short = 0, s.fast()
	return whole
}
