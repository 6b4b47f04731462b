//go:build !amd64 || purego || race || hooks

package mem

import "unsafe"

// publishLine is PublishLine without assembly.
func publishLine(line, ahead, src unsafe.Pointer, n, word uint64) {
	if n > 0 {
		CopyIn(unsafe.Add(line, 8), unsafe.Slice((*byte)(src), n))
	}
	StoreRelease((*uint64)(line), word)
	Store((*uint64)(ahead), 0)
}
