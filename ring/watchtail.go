package ring

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// tail is the end of a ring as a reader who only counts has seen it last.
type tail struct {
	block  uint64 // start of the newest block
	pos    uint64 // of the next frame
	seq    uint64 // number of the next message; 0: it has not looked yet
	oldest uint64 // number of the oldest message in the ring
}

// errMoves: the ring was overwritten under each of the looks.
var errMoves = fmt.Errorf("%w: a publisher that overwrites all of it under each of %d looks", ErrCorrupt, joinTries)

// follow goes to the end of the ring. It walks only what has come since.
func (t *tail) follow(v *view) error {
	for range joinTries {
		k := mem.LoadAcquire(v.claimed)
		if err := v.checkClaimed(k); err != nil {
			return err
		}
		first := v.oldest(k)
		oldest, ok := v.readEntry(first)
		if !ok {
			continue
		}
		if err := v.checkEntry(first, oldest); err != nil {
			return err
		}
		next := *t
		if start := v.newest(k); start != t.block || t.seq == 0 {
			e, ok := v.readEntry(start)
			if !ok {
				continue
			}
			if err := v.checkEntry(start, e); err != nil {
				return err
			}
			next = tail{block: start, pos: start, seq: e.seq}
		}
		n, at, err := v.walk(next.pos, next.block+v.block)
		if v.overrun(next.block) {
			continue // what was walked may be of a later lap
		}
		if err != nil {
			*t = tail{}
			return err
		}
		*t = tail{block: next.block, pos: at, seq: next.seq + n, oldest: oldest.seq}
		return nil
	}
	*t = tail{}
	return errMoves
}

// unread is how long ago the message at a subscriber's cursor was published; see
// [SubSight]. last is the ring's newest message, if it is known.
func (w *Watch) unread(u *watchedFile, f *subFile, last uint64, known bool) time.Duration {
	if f.ringID != w.ring.fixed.ringID || !known || f.cursorSeq == 0 {
		return -1
	}
	if u.cursorSeq > last {
		return 0
	}
	a := w.clock
	if Stamps(w.ring.fixed.stamps) != StampEvery || u.cursorFile != w.fileID || !tick.Scale(a.scale).Valid() {
		return -1
	}
	// From the stamp to the last heartbeat, and from there to now.
	since := int64(tick.Mono() - a.mono)
	if !u.stamped {
		ticks := a.ticks + tick.Scale(a.scale).Ticks(uint64(max(since, 0)))
		err := mmap.Guard(func() error {
			u.stamp, u.stamped = w.view.stampOf(u.cursorSeq, u.cursorPos, &w.tail, ticks)
			return nil
		})
		u.stamped = u.stamped && err == nil
	}
	if !u.stamped {
		return -1
	}
	if d := int64(a.ticks - u.stamp); d < 0 {
		since -= int64(tick.Scale(a.scale).Ns(uint64(-d)))
	} else {
		since += int64(tick.Scale(a.scale).Ns(uint64(d)))
	}
	return time.Duration(max(since, 0))
}

// stampOf returns the full stamp of message seq, which a subscriber believes to be the
// next one at pos; now is the time in ticks. It is false if it is not there. It may fault.
func (v *view) stampOf(seq, pos uint64, t *tail, now uint64) (uint64, bool) {
	if pos%lineSize != 0 || pos >= t.pos {
		return 0, false
	}
	start := pos &^ (v.block - 1)
	e, ok := v.readEntry(start)
	// Frames before pos are at least a line each. A subscriber that has yet to skip
	// messages, or to report a gap, has a cursor that is not the message at pos.
	if !ok || seq < e.seq || seq-e.seq > (pos-start)/lineSize {
		return 0, false
	}
	until := now
	if start != t.block {
		next, ok := v.readEntry(start + v.block)
		if !ok {
			return 0, false
		}
		until = next.stamp
	}
	anchor := e.stamp
	if until-anchor >= 1<<32 { // low halves repeat themselves: count from the last time frame
		if anchor, ok = v.anchorAt(start, pos, e); !ok {
			return 0, false
		}
	}
	end := start + v.block
	for at := pos; at < end; {
		switch word := v.frameHeader(at); word & 0xFFFF {
		case 0:
			return 0, false
		case sizePad:
			at = end
		case sizeTime: // each publisher that went on here has left one
			anchor = mem.LoadAcquire((*uint64)(v.payload(at)))
			at += lineSize
		default:
			return fullStamp(anchor, word), !v.overrun(pos)
		}
	}
	next, ok := v.readEntry(end) // the message is the first of the next block
	return next.stamp, ok && next.seq == seq
}

// anchorAt returns the time from which the stamp at pos counts, in the block at start.
func (v *view) anchorAt(start, pos uint64, e entry) (anchor uint64, ok bool) {
	anchor = e.stamp
	at := start
	for at < pos {
		size := v.frameHeader(at) & 0xFFFF
		if size == sizeTime {
			anchor = mem.LoadAcquire((*uint64)(v.payload(at)))
		}
		next, _, ok := v.frameEnd(at, start+v.block, size)
		if !ok {
			return 0, false
		}
		at = next
	}
	return anchor, at == pos && !v.overrun(start)
}

const _ = uint(headerBytes - unsafe.Sizeof(uint64(0))) // a time frame's stamp is a word of its own
