package ring

import "github.com/tickring/tickring/internal/mem"

// A subscriber can begin only where a block begins: the table tells the number of
// its first message. From there it skips to the message that is wanted.

// stand puts the subscriber at the start of a block. It reads the entry's time with the
// first header.
func (s *subscriber) stand(start uint64, e entry) {
	s.pos, s.end, s.next = start, start, e.seq
}

// loadClaimed is false if what it finds cannot be, and nobody can join this ring.
func (s *subscriber) loadClaimed() (uint64, bool) {
	k := mem.LoadAcquire(s.claimed)
	if err := s.checkClaimed(k); err != nil {
		s.fail(err)
		return 0, false
	}
	return k, true
}

// joinTries is how often to choose a block again that was overwritten meanwhile. No publisher
// is that fast; somebody who writes over the ring may be.
const joinTries = 1000

// joinOldest goes to the oldest block that is whole and about margin bytes from being
// overwritten, or to the newest block if the ring is not that long.
func (s *subscriber) joinOldest(margin uint64) {
	for range joinTries {
		k, ok := s.loadClaimed()
		if !ok {
			return
		}
		start := min(s.oldest(k)+margin&^(s.block-1), s.newest(k))
		if k <= s.capacity {
			start = 0 // nothing has been overwritten yet
		}
		if e, ok := s.readEntry(start); ok {
			s.stand(start, e)
			return
		}
	}
	s.fail(errMoves)
}

// joinLatest goes to where the publisher is: behind the last message that was
// committed when it was called.
func (s *subscriber) joinLatest() {
	for range joinTries {
		k, ok := s.loadClaimed()
		if !ok {
			return
		}
		start := s.newest(k)
		e, whole := s.readEntry(start)
		if !whole {
			continue
		}
		n, _, err := s.walk(start, start+s.block)
		if s.overrun(start) {
			continue // what was walked may be of a later lap
		}
		s.stand(start, e)
		if err != nil {
			s.fail(err)
			return
		}
		s.floor = e.seq + n
		s.skipTo(s.floor)
		return
	}
	s.fail(errMoves)
}

// joinCursor goes to where the subscriber was. It is false if the ring has never been
// there, so that it would wait, and skip, perhaps for ever.
func (s *subscriber) joinCursor(seq uint64) bool {
	s.joinLatest()
	if s.err == nil && seq > s.floor {
		return false
	}
	s.joinSeq(seq)
	return true
}

// joinSeq goes to message seq, or, if it has left the ring, to the oldest one after
// it, so that the first Next reports a gap, or, if it is yet to come, to the newest
// block to wait for it.
func (s *subscriber) joinSeq(seq uint64) {
	s.joinLatest()
	if s.err != nil || seq >= s.floor {
		s.skipTo(seq) // from the newest block on
		return
	}
	s.floor = seq
	for range joinTries {
		k, ok := s.loadClaimed()
		if !ok {
			return
		}
		oldest := s.oldest(k)
		for start := s.newest(k); ; start -= s.block {
			e, ok := s.readEntry(start)
			if !ok {
				break // lapped while looking; look again
			}
			if e.seq <= seq || start == oldest {
				s.stand(start, e)
				s.skipTo(seq)
				if s.next > seq {
					s.missed, s.short = seq, 0
				}
				return
			}
		}
	}
	s.fail(errMoves)
}

// joinAgain goes on after an overrun, never before the message that was expected.
func (s *subscriber) joinAgain(expected uint64) {
	switch mark := s.mark(); {
	case s.rejoin == RejoinMark && mark >= expected && s.joinMark(mark):
	case s.rejoin == RejoinMiddle:
		s.joinOldest(s.capacity / 2)
	case s.rejoin == RejoinNewest:
		s.joinOldest(s.capacity)
	default:
		s.joinOldest(s.capacity / 8)
	}
	s.keepGate(expected)
	s.missed = 0
}

// keepGate goes back to what a gate must not miss: all from expected on that was
// published since it became one, which may have been while this subscriber chose its
// place. A place that was chosen before is not beyond that, so looking afterwards is
// enough.
func (s *subscriber) keepGate(expected uint64) {
	if s.named == "" || s.err != nil {
		return
	}
	slot := s.findGate(s.named)
	if s.gateOf(slot) != GateHolding {
		return // what it was before is for demoted to tell
	}
	s.slot, s.held, s.from = slot, true, mem.LoadAcquire(&slot.fromSeq)
	if from := max(expected, s.from); max(s.next, s.want) > from {
		s.joinSeq(from)
	}
}

// joinMark goes to message mark. It is false if that has left the ring.
func (s *subscriber) joinMark(mark uint64) bool {
	s.joinSeq(mark)
	left := s.missed != 0
	s.missed = 0
	return s.err == nil && !left
}

// skipTo makes Next pass over the messages below seq.
func (s *subscriber) skipTo(seq uint64) {
	s.want = seq
	if s.next < seq {
		s.short = 0 // only nextSlow skips
	}
}
