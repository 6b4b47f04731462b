//go:build (!amd64 && !arm64) || purego || race || hooks

package mem

import (
	"encoding/binary"
	"unsafe"
)

// Portable says which of the two builds this is.
const Portable = true

// StoreRelease stores v at p after all earlier loads and stores. It pairs with
// [LoadAcquire].
func StoreRelease(p *uint64, v uint64) { store(p, v) }

// Pause tells the processor that this is a spinning loop.
func Pause() {}

// LoadFence orders earlier loads before later ones. Here every load of shared
// memory is atomic, and those are ordered already.
func LoadFence() {}

// StoreFence orders earlier stores before later ones; see [LoadFence].
func StoreFence() {}

// Store stores v at a word that only the caller writes, in no particular order.
// The word is never seen torn.
func Store(p *uint64, v uint64) { store(p, v) }

// Add adds to a word that only the caller writes, in no particular order.
func Add(p *uint64, v uint64) { store(p, load(p)+v) }

// CopyLineOut copies the 56 payload bytes of a frame's first line from shared
// memory. Follow with [LoadFence] and the overrun check.
func CopyLineOut(dst *[LineWords]uint64, line unsafe.Pointer) {
	for i := range dst {
		dst[i] = load((*uint64)(unsafe.Add(line, 8*(i+1))))
	}
}

// PutFrame writes a frame whose payload is a T, without pointers: payload and header,
// in no particular order.
func PutFrame[T any](line unsafe.Pointer, v *T, word uint64) {
	CopyIn(unsafe.Add(line, 8), unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)))
	Store((*uint64)(line), word)
}

// TakeFrame copies the payload of a frame, a T without pointers, from shared memory.
// Follow with [LoadFence] and the overrun check.
func TakeFrame[T any](v *T, line unsafe.Pointer) {
	CopyOut(unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)), unsafe.Add(line, 8))
}

// CopyOut copies from shared memory, src on an 8-byte boundary. Follow with
// [LoadFence] and the overrun check.
func CopyOut(dst []byte, src unsafe.Pointer) {
	for len(dst) >= 8 {
		binary.NativeEndian.PutUint64(dst, load((*uint64)(src)))
		dst, src = dst[8:], unsafe.Add(src, 8)
	}
	if len(dst) > 0 {
		var last [8]byte
		binary.NativeEndian.PutUint64(last[:], load((*uint64)(src)))
		copy(dst, last[:])
	}
}

// CopyIn copies to shared memory, dst on an 8-byte boundary. It may write up to
// the next 8-byte boundary after the last byte.
func CopyIn(dst unsafe.Pointer, src []byte) {
	for len(src) >= 8 {
		store((*uint64)(dst), binary.NativeEndian.Uint64(src))
		src, dst = src[8:], unsafe.Add(dst, 8)
	}
	if len(src) > 0 {
		var last [8]byte
		copy(last[:], src)
		store((*uint64)(dst), binary.NativeEndian.Uint64(last[:]))
	}
}

// PublishLine writes a frame of one line and commits it: n <= LinePayload bytes from
// src, then word to its header, then 0 to the header at ahead.
func PublishLine(line, ahead, src unsafe.Pointer, n, word uint64) {
	publishLine(line, ahead, src, n, word)
}

// PublishLineTicks is [PublishLine] with the low half of [Ticks] in the high half
// of word. It writes nothing and returns false if the ticks are not within 2^32
// after anchor.
func PublishLineTicks(line, ahead, src unsafe.Pointer, n, word, anchor uint64) bool {
	return false // no ticks in this build: Ticks says so
}

// HasTicks says whether the processor has a tick counter that this build can read,
// that runs at one rate, and that goes on in sleep.
func HasTicks() bool { return false }

// Ticks reads the tick counter; 0 where there is none.
func Ticks() uint64 { return 0 }

// TicksAfter is [Ticks], read after all earlier loads have their values.
func TicksAfter() uint64 { return 0 }

// TicksHz is the rate of the counter where the processor tells it, or 0.
func TicksHz() uint64 { return 0 }
