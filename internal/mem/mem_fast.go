//go:build (amd64 || arm64) && !purego && !race && !hooks

package mem

import "unsafe"

// Portable says which of the two builds this is.
const Portable = false

// StoreRelease stores v at p after all earlier loads and stores. It pairs with
// [LoadAcquire].
//
//go:noescape
func StoreRelease(p *uint64, v uint64)

// Pause tells the processor that this is a spinning loop.
//
//go:noescape
func Pause()

// Store stores v at a word that only the caller writes, in no particular order.
// The word is never seen torn.
func Store(p *uint64, v uint64) { *p = v }

// Add adds to a word that only the caller writes, in no particular order.
func Add(p *uint64, v uint64) { *p += v }

// CopyLineOut copies the 56 payload bytes of a frame's first line from shared
// memory. Follow with [LoadFence] and the overrun check.
//
// As a struct, because an assignment of the array would be a call of memmove, and one of
// word by word is slower.
func CopyLineOut(dst *[LineWords]uint64, line unsafe.Pointer) {
	*(*payload)(unsafe.Pointer(dst)) = *(*payload)(unsafe.Add(line, 8))
}

type payload struct{ a, b, c, d, e, f, g uint64 }

// PutFrame writes a frame whose payload is a T, without pointers: payload and header,
// in no particular order.
//
// An assignment and no copy of bytes, because for that the compiler knows the size.
func PutFrame[T any](line unsafe.Pointer, v *T, word uint64) {
	*(*T)(unsafe.Add(line, 8)) = *v
	*(*uint64)(line) = word
}

// TakeFrame copies the payload of a frame, a T without pointers, from shared memory.
// Follow with [LoadFence] and the overrun check.
func TakeFrame[T any](v *T, line unsafe.Pointer) {
	*v = *(*T)(unsafe.Add(line, 8))
}

// CopyOut copies from shared memory, src on an 8-byte boundary. Follow with
// [LoadFence] and the overrun check.
func CopyOut(dst []byte, src unsafe.Pointer) {
	copy(dst, unsafe.Slice((*byte)(src), len(dst)))
}

// CopyIn copies to shared memory, dst on an 8-byte boundary. It may write up to
// the next 8-byte boundary after the last byte.
func CopyIn(dst unsafe.Pointer, src []byte) {
	copy(unsafe.Slice((*byte)(dst), len(src)), src)
}
