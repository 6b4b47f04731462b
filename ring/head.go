package ring

import (
	"fmt"

	"github.com/tickring/tickring/internal/mem"
)

// head is where the next frame goes.
type head struct {
	pos uint64
	end uint64 // of the block that was entered last: pos is inside or at its end
	seq uint64 // number of the next message
}

// findHead walks the newest block to its first 0 header. It is exact when no
// publisher is at work; a publisher killed at any store leaves a ring from which
// this finds all that was committed and nothing else.
func (v *view) findHead() (head, error) {
	k := mem.LoadAcquire(v.claimed)
	if err := v.checkClaimed(k); err != nil {
		return head{}, err
	}
	start := v.newest(k)
	e, _ := v.readEntry(start)
	if err := v.checkEntry(start, e); err != nil {
		return head{}, err
	}
	if start > 0 {
		// The block before must lead to this one: a ring that was scribbled on is
		// better found now than by every subscriber later.
		prev, _ := v.readEntry(start - v.block)
		n, at, err := v.walk(start-v.block, start)
		if err != nil {
			return head{}, err
		}
		if at != start || prev.seq+n != e.seq {
			return head{}, fmt.Errorf("%w: the block at %d begins with number %d, but the one before it with %d and has %d messages", ErrCorrupt, start, e.seq, prev.seq, n)
		}
	}
	n, pos, err := v.walk(start, start+v.block)
	if err != nil {
		return head{}, err
	}
	return head{pos: pos, end: start + v.block, seq: e.seq + n}, nil
}

// walk counts the messages from pos, the start of a block, to the first 0 header or
// end, the end of that block.
func (v *view) walk(pos, end uint64) (messages, at uint64, err error) {
	for pos < end {
		size := v.frameHeader(pos) & 0xFFFF
		if size == 0 {
			break
		}
		next, n, ok := v.frameEnd(pos, end, size)
		if !ok {
			return 0, 0, fmt.Errorf("%w: the frame at %d claims %d bytes and does not fit into its block", ErrCorrupt, pos, size-1)
		}
		pos, messages = next, messages+n
	}
	return messages, pos, nil
}

// frameEnd is where the frame at pos ends, in a block that ends at end, and how many
// messages it is: none or one. size is that of its header. It is false for what no
// publisher commits: 0, or a message that does not fit.
func (v *view) frameEnd(pos, end, size uint64) (next, messages uint64, ok bool) {
	switch size {
	case 0:
		return pos, 0, false
	case sizePad:
		return end, 0, true
	case sizeTime:
		return pos + lineSize, 0, true
	}
	next = pos + frameSize(size-1)
	return next, 1, size-1 <= v.maxMessage && next <= end
}

// checkEntry says whether the block at start can begin with the number in e. It cannot be
// higher than if all frames before it were of one line; the first block begins with the
// first number.
func (v *view) checkEntry(start uint64, e entry) error {
	if e.seq < v.firstSeq || e.seq-v.firstSeq > start/lineSize {
		return fmt.Errorf("%w: the block at %d cannot begin with number %d", ErrCorrupt, start, e.seq)
	}
	return nil
}

// checkClaimed says whether a publisher can have stored k as claimed. The other
// numbers that are derived from it are sound then.
func (v *view) checkClaimed(k uint64) error {
	if k < v.block+lineSize || (k-lineSize)%v.block != 0 || k >= 1<<62 {
		return fmt.Errorf("%w: claimed is %d, which is not a line behind the end of a block of %d bytes", ErrCorrupt, k, v.block)
	}
	return nil
}
