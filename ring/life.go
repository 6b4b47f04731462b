package ring

import (
	"encoding/binary"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// Life is the state of a ring's publisher, as anyone can see it.
type Life uint8

const (
	// Live: it holds the ring and its heart beats. It may be quiet.
	Live Life = iota
	// Hung: it holds the ring but its heart has stopped: SIGSTOP, a debugger, a
	// host that does not schedule it. Nobody takes its place.
	Hung
	// Dead: it ended without closing the ring. A new publisher may go on.
	Dead
	// Ended: it closed the ring. A new publisher may go on.
	Ended
	// Replaced: the ring's file is not the one of that name any more.
	Replaced
)

func (l Life) String() string {
	switch l {
	case Live:
		return "live"
	case Hung:
		return "hung"
	case Dead:
		return "dead"
	case Ended:
		return "closed"
	case Replaced:
		return "superseded"
	}
	return "unknown"
}

// presenceByte of a ring's file is locked while it has a publisher, so that anyone who
// may read the ring can ask. It excludes nobody: the lock file does.
var presenceByte = mmap.Range{Start: 0, Len: 1}

// showPresence locks that byte. Any reader of the ring can be in the way with a lock of
// its own; then others go by the heartbeat, with the next of which it tries again.
func (p *Publisher) showPresence() {
	if !p.present {
		p.present = p.file.TryLock(presenceByte) == nil
	}
}

// hungAfter is how many ns without a heartbeat mean hung: ten beats, but a second at
// least, for hosts that are merely busy.
func hungAfter(every uint64) uint64 {
	return max(10*min(every, uint64(time.Hour)), uint64(time.Second))
}

// life asks the lock and the heartbeat of the ring's file. It makes system calls.
func (r *ringFile) life() Life {
	state, ok := r.word(stateOffset)
	if !ok {
		return Dead // nobody can publish on a file that is gone
	}
	if state == stateSuperseded || !r.file.Same(r.file.Path()) {
		return Replaced
	}
	if state == stateClosed {
		return Ended
	}
	dead := func() Life {
		// A publisher closes the ring first and lets go of it then.
		if state, _ = r.word(stateOffset); state == stateClosed {
			return Ended
		}
		return Dead
	}
	locked, err := r.file.Locked(presenceByte)
	if err == nil && !locked {
		return dead()
	}
	beat, _ := r.word(unsafe.Offsetof(header{}.beat))
	every, _ := r.word(unsafe.Offsetof(header{}.beatEvery))
	if now := tick.Mono(); every > 0 && now > beat && now-beat > hungAfter(every) {
		// The lock of a reader says nothing. Then the heart alone decides.
		if held, err := r.file.LockedExclusively(presenceByte); err == nil && !held {
			return dead()
		}
		return Hung
	}
	return Live
}

// word reads one word of the file without touching a mapping.
func (r *ringFile) word(off uintptr) (uint64, bool) { return readWord(r.file, off) }

func readWord(f *mmap.File, off uintptr) (uint64, bool) {
	var b [8]byte
	_, err := f.ReadAt(b[:], int64(off))
	return binary.LittleEndian.Uint64(b[:]), err == nil
}
