package harness

import (
	"unsafe"

	"github.com/tickring/tickring/bench/peers/internal/result"
)

// A Message is what is sent: seven words, all written and all copied out by the receiver.
type Message [result.PayloadBytes / 8]uint64

// Bytes is m as bytes, not a copy.
func Bytes(m *Message) []byte {
	return (*[result.PayloadBytes]byte)(unsafe.Pointer(m))[:]
}

// FromBytes copies a message out of what a library delivered. One of another size, which none
// sends, is all zero and so shows as a loss.
func FromBytes(b []byte) (m Message) {
	if len(b) == result.PayloadBytes {
		copy(Bytes(&m), b)
	}
	return m
}
