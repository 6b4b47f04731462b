package ring

import (
	"fmt"
	"math/bits"

	"github.com/tickring/tickring/internal/mem"
)

// geometry is what a ring's sizes are: checked once, then kept privately, so that
// nothing that later changes in the file can lead a process outside its mapping.
type geometry struct {
	capacity   uint64
	block      uint64
	maxMessage uint64
	firstSeq   uint64 // number of the file's first message
}

// maxSeq is a number that no message reaches, at any rate, in any time.
const maxSeq = 1 << 62

func isPowerOfTwo(v uint64) bool { return v&(v-1) == 0 && v != 0 }

// newGeometry cuts a ring of capacity bytes into blocks. There are 64 to 256 of
// them: few enough that entering one is rare, enough that a lapped subscriber
// loses little of the ring. A block holds at least one message of the largest size.
func newGeometry(capacity, maxMessage uint64) (geometry, error) {
	if !isPowerOfTwo(capacity) || capacity < minCapacity || capacity > maxCapacity {
		return geometry{}, fmt.Errorf("%w: capacity %d is not a power of two from %d (256 KiB) to %d (1 TiB)",
			ErrConfig, capacity, uint64(minCapacity), uint64(maxCapacity))
	}
	largest := min(capacity/minBlocks-headerBytes, MaxMessage)
	if maxMessage == 0 {
		maxMessage = largest
	}
	if maxMessage > largest {
		return geometry{}, fmt.Errorf("%w: messages of %d bytes are more than the %d that a ring of %d bytes can carry (a block is at most 1/%d of the ring, a message at most %d bytes)",
			ErrConfig, maxMessage, largest, capacity, minBlocks, MaxMessage)
	}
	block := max(minBlock, capacity/maxBlocks, uint64(1)<<bits.Len64(frameSize(maxMessage)-1))
	return geometry{capacity: capacity, block: block, maxMessage: maxMessage, firstSeq: 1}, nil
}

// check says whether g is a geometry that this package would have made, in a file
// of fileSize bytes. It trusts none of the numbers.
func (g geometry) check(fileSize int64) error {
	switch {
	case !isPowerOfTwo(g.capacity) || g.capacity < minCapacity || g.capacity > maxCapacity:
		return fmt.Errorf("%w: capacity %d is not a power of two from %d to %d", ErrCorrupt, g.capacity, uint64(minCapacity), uint64(maxCapacity))
	case !isPowerOfTwo(g.block) || g.block < minBlock || g.block > g.capacity/minBlocks || g.block < g.capacity/maxBlocks:
		return fmt.Errorf("%w: blocks of %d bytes do not cut a ring of %d into %d to %d", ErrCorrupt, g.block, g.capacity, minBlocks, maxBlocks)
	case g.maxMessage == 0 || g.maxMessage > MaxMessage || frameSize(g.maxMessage) > g.block:
		return fmt.Errorf("%w: messages of %d bytes do not fit into blocks of %d", ErrCorrupt, g.maxMessage, g.block)
	case g.firstSeq == 0 || g.firstSeq >= maxSeq:
		return fmt.Errorf("%w: the first message cannot have number %d", ErrCorrupt, g.firstSeq)
	case fileSize != g.fileSize():
		return fmt.Errorf("%w: the file has %d bytes, its header says %d", ErrCorrupt, fileSize, g.fileSize())
	}
	return nil
}

// fast is what messages have to be shorter than to fit into one line and the limit.
func (g geometry) fast() uint64 { return min(g.maxMessage, mem.LinePayload) + 1 }

func (g geometry) fileSize() int64 { return int64(dataOffset + g.capacity) }
func (g geometry) blocks() uint64  { return g.capacity / g.block }
