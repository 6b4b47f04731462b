package ring

import (
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
)

// publisher is the hot half of a [Publisher]: a position in the ring and nothing
// of files or names.
type publisher struct {
	view
	// Frames may be written from pos to end without entering a block: end is the
	// end of the block that was entered last, or 0 to send Publish the slow way.
	pos, end uint64
	seq      uint64 // of the next message
	anchor   uint64 // full time from which the stamps of this block count
	short    uint64 // messages of fewer bytes may go the fast way
	stamping stamping
	// The slow way only.
	resumed bool // a time frame is due before the next message
	closed  bool
	clock   tick.Clock
}

// setup makes the hot half ready for begin or resume.
func (p *publisher) setup(v view, how stamping) {
	p.view, p.stamping, p.short = v, how, v.fast()
}

type stamping uint8

const (
	stampNone  stamping = iota
	stampTicks          // from the processor's counter, in the call that commits
	stampClock          // from clock
)

// Publish appends a message. typ is the caller's own; it travels with the message.
// The publisher never waits: a subscriber that is too slow loses messages, and
// learns exactly which.
//
// Errors: [ErrTooLarge], [ErrClosed]; nothing is written then. They come bare, so
// that publishing never allocates. It makes no system call.
func (p *publisher) Publish(typ uint16, msg []byte) error {
	n := uint64(len(msg))
	if n < p.short && p.pos < p.end {
		line, next := p.line(p.pos), p.line(p.pos+lineSize)
		src, word := unsafe.Pointer(unsafe.SliceData(msg)), frameWord(n, typ)
		if p.stamping == stampTicks {
			if mem.PublishLineTicks(line, next, src, n, word, p.anchor) {
				p.pos += lineSize
				p.seq++
				return nil
			}
		} else if p.stamping == stampNone {
			mem.PublishLine(line, next, src, n, word)
			p.pos += lineSize
			p.seq++
			return nil
		}
	}
	return p.publishSlow(typ, msg)
}

// publishSlow publishes a message of any size, from any state.
func (p *publisher) publishSlow(typ uint16, msg []byte) error {
	if p.closed {
		return ErrClosed
	}
	n := uint64(len(msg))
	if n > p.maxMessage {
		return ErrTooLarge
	}
	stamp := p.makeRoom(frameSize(n))
	p.commit(p.pos, frameSize(n), msg, frameWord(n, typ)|stamp<<32)
	p.pos += frameSize(n)
	p.seq++
	return nil
}

// makeRoom brings pos to where a frame of size bytes fits into its block and a
// stamp of now is not ambiguous. It returns that stamp.
func (p *publisher) makeRoom(size uint64) (stamp uint64) {
	for {
		now := p.now()
		switch {
		case p.pos == p.end:
			p.enter(p.pos, entry{seq: p.seq, stamp: now})
			p.end += p.block
			p.anchor = now
		case p.stamping != stampNone && (p.resumed || now-p.anchor >= 1<<32):
			var full [8]byte
			*(*uint64)(unsafe.Pointer(&full)) = now
			p.commit(p.pos, lineSize, full[:], sizeTime)
			p.pos += lineSize
			p.anchor = now
			p.resumed = false
		case p.pos+size > p.end:
			p.commit(p.pos, p.end-p.pos, nil, sizePad)
			p.pos = p.end
		default:
			return now
		}
	}
}

func (p *publisher) now() uint64 {
	if p.stamping == stampNone {
		return 0
	}
	return p.clock.Now()
}

// begin starts a new ring, on memory that is all 0, with the number of its first
// message.
func (p *publisher) begin(first uint64) {
	p.seq = first
	p.anchor = p.now()
	p.enter(0, entry{seq: first, stamp: p.anchor})
	p.end = p.block
}

// resume goes on where the last publisher of the ring ended, whether it closed the
// ring or was killed at any store.
func (p *publisher) resume(h head) {
	p.pos, p.end, p.seq = h.pos, h.end, h.seq
	p.resumed = true
	if p.pos < p.end && p.stamping != stampNone {
		p.makeRoom(lineSize) // the time frame now, so that Publish may go the fast way
	}
}
