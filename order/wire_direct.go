//go:build (amd64 || arm64) && !purego

package order

import "unsafe"

// The processors of this build are little-endian and load words at any address, and no
// record or row has a pointer or a hole: their memory is what travels.

// copies is 1 if records and rows are copied to be seen as such.
const copies = 0

func view[T record](msg []byte) *T { return (*T)(unsafe.Pointer(unsafe.SliceData(msg))) }

func bytesOf[T record](r *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(r)), Size) }

// rowBytes returns rows as they travel: their own memory.
func rowBytes[T row](rows []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(rows))), len(rows)*rowSize[T]())
}

// rowsOf returns the rows in b, whose length is a multiple of theirs: b's own memory.
func rowsOf[T row](b []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/rowSize[T]())
}
