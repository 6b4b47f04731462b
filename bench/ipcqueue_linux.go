package bench

import (
	"path/filepath"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// This file has the ways that carry messages in shared memory and wait in the kernel. They
// are the ring's closest kin: what they lack is spinning.

// slots is a queue's memory: a line for each message, and words before them.
type slots struct {
	*lines
	n uint64 // messages that this side has put or taken
}

const (
	queueSlots = 1024
	// queueBatch is how many messages a reader takes before it tells the writer of the
	// room.
	queueBatch = queueSlots / 4
)

// openSlots maps the two queues of a way; the far side gets them the other way round.
func openSlots(dir, way string, far bool) (out, in slots, err error) {
	names := [2]string{"there", "back"}
	if far {
		names[0], names[1] = names[1], names[0]
	}
	if out.lines, err = openLines(filepath.Join(dir, way+"-"+names[0]), queueSlots*lineSize); err != nil {
		return out, in, err
	}
	if in.lines, err = openLines(filepath.Join(dir, way+"-"+names[1]), queueSlots*lineSize); err != nil {
		out.lines.close()
	}
	return out, in, err
}

// word is a word of 64 bits in the memory before the slots, on a line of its own.
func (s *slots) word(i int) *uint64 { return (*uint64)(unsafe.Add(s.region.Base(), i*2*lineSize)) }

// word32 is its first half.
func (s *slots) word32(i int) *uint32 { return (*uint32)(unsafe.Pointer(s.word(i))) }

func (s *slots) put(m *message) {
	mem.CopyIn(s.at(s.n), m[:])
	s.n++
}

func (s *slots) take(m *message) {
	mem.CopyOut(m[:], s.at(s.n))
	s.n++
}
