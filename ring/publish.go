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
	// end of the block that was entered last, or 0 to send Publish the slow way. While
	// pos < end, the headers at pos and one line behind it are 0.
	pos, end uint64
	seq      uint64 // of the next message
	anchor   uint64 // full time from which the stamps of this block count
	short    uint64 // messages of fewer bytes may go the fast way; 0: none
	stamping stamping
	// The slow way only.
	limit  uint64 // claims may go up to here: what the gates have been seen to be done with
	open   uint64 // 1 and the bytes of the open claim; 0: there is none
	closed bool
	clock  tick.Clock
	gates  []*gate   // that hold
	late   *lateness // nil: nothing is recorded of the publisher itself
	// Told of gates that begin to hold the publisher, and that are let go.
	onLag, onDemote func(GateLag)
}

// setup makes the hot half ready for begin or resume.
func (p *publisher) setup(v view, how stamping) {
	p.view, p.stamping, p.short = v, how, v.fast()
	p.limit = noLimit
}

type stamping uint8

const (
	stampNone  stamping = iota
	stampTicks          // from the processor's counter, in the call that commits
	stampClock          // from clock
)

// Publish appends a message. typ is the caller's own; it travels with the message.
// It never waits: a subscriber that is too slow loses messages, and learns exactly
// which; if a gate is too slow, the message is refused.
//
// Errors: [ErrBackPressure], [ErrTooLarge], [ErrClaimOpen], [ErrClosed]; nothing is
// written then. They come bare, so that publishing never allocates. It makes no system
// call, but while a gate holds it: then it asks for the gate's file now and then, and with
// DropDead each time for its owner.
func (p *publisher) Publish(typ uint16, msg []byte) error {
	n := uint64(len(msg))
	if n < p.short && p.pos+lineSize < p.end {
		line, ahead := p.line(p.pos), p.line(p.pos+2*lineSize)
		src, word := unsafe.Pointer(unsafe.SliceData(msg)), frameWord(n, typ)
		if p.stamping == stampTicks {
			if mem.PublishLineTicks(line, ahead, src, n, word, p.anchor) {
				p.pos += lineSize
				p.seq++
				return nil
			}
		} else if p.stamping == stampNone {
			mem.PublishLine(line, ahead, src, n, word)
			p.pos += lineSize
			p.seq++
			return nil
		}
	}
	return p.publishSlow(typ, msg)
}

// publishSlow publishes a message of any size, from any state.
func (p *publisher) publishSlow(typ uint16, msg []byte) error {
	if err := p.ready(); err != nil {
		return err
	}
	n := uint64(len(msg))
	if n > p.maxMessage {
		return ErrTooLarge
	}
	stamp, err := p.makeRoom(frameSize(n))
	if err != nil {
		return err
	}
	p.commit(p.pos, frameSize(n), msg, frameWord(n, typ)|stamp<<32)
	p.advance(frameSize(n), 1)
	return nil
}

// advance goes on behind what was committed.
func (p *publisher) advance(size, messages uint64) {
	p.pos += size
	p.seq += messages
	p.zeroAhead()
}

// zeroAhead zeroes the header one line behind pos, where Publish, going the fast way, wants
// it to be 0: a frame of one line, committed at pos, has to find it so. That way goes on to
// keep it so itself. It is called wherever something else may have left another word there.
//
// In the block's last line that header is the first of the next block, which the claim of
// this one covers; one line further would be outside, so that line is for publishSlow.
func (p *publisher) zeroAhead() {
	if p.pos < p.end {
		mem.Store((*uint64)(p.line(p.pos+lineSize)), 0)
	}
}

// PublishMark publishes a message that begins a snapshot: who joins late
// may start with the last one ([FromMark]).
func (p *publisher) PublishMark(typ uint16, msg []byte) error {
	err := p.Publish(typ, msg)
	if err == nil {
		p.setMark(p.seq - 1)
	}
	return err
}

// ready says why nothing can be published, if so.
func (p *publisher) ready() error {
	switch {
	case p.closed:
		return ErrClosed
	case p.open != 0:
		return ErrClaimOpen
	}
	return nil
}

// makeRoom brings pos to where a frame of size bytes fits into its block and a
// stamp of now is not ambiguous. It returns that stamp, or [ErrBackPressure] before
// anything is written: a gate still has to read what the next block would overwrite.
func (p *publisher) makeRoom(size uint64) (stamp uint64, err error) {
	now := p.now()
	due := p.stamping != stampNone && now-p.anchor >= 1<<32
	need := size
	if due {
		need += lineSize
	}
	if p.pos+need > p.end {
		return now, p.nextBlock(now)
	}
	if due {
		p.timeFrame(now)
	}
	return now, nil
}

// nextBlock pads what is left of the block and enters the next one.
func (p *publisher) nextBlock(now uint64) error {
	if claim := p.end + p.block + lineSize; claim > p.limit {
		if err := p.awaitGates(claim); err != nil {
			return err
		}
	}
	if p.pos < p.end {
		p.commit(p.pos, p.end-p.pos, nil, sizePad)
		p.pos = p.end
	}
	p.enter(p.pos, entry{seq: p.seq, stamp: now})
	p.end += p.block
	p.anchor = now
	return nil
}

// timeFrame makes now what the later stamps of the block count from.
func (p *publisher) timeFrame(now uint64) {
	var full [8]byte
	*(*uint64)(unsafe.Pointer(&full)) = now
	p.commit(p.pos, lineSize, full[:], sizeTime)
	p.pos += lineSize
	p.anchor = now
}

// now reads the clock for a stamp. As in [mem.PublishLineTicks], the counter may be read
// a little before what stands before it is done.
func (p *publisher) now() uint64 {
	switch p.stamping {
	case stampNone:
		return 0
	case stampTicks:
		return mem.Ticks()
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
	if p.pos < p.end && p.stamping != stampNone {
		p.timeFrame(p.now()) // now, so that Publish may go the fast way
	}
	p.zeroAhead()
}
