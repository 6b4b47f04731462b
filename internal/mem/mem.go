package mem

import (
	"sync/atomic"
	"unsafe"
)

// LinePayload is the part of a 64-byte line that follows its header word.
const LinePayload = 56

// LoadAcquire loads from p before all later loads and stores. It pairs with
// [StoreRelease], and with [Exchange].
func LoadAcquire(p *uint64) uint64 { return atomic.LoadUint64(p) }

// Exchange stores v at p, and everything before and after it stays there: earlier
// stores are seen before it, later ones only after it. Slow; once a block.
func Exchange(p *uint64, v uint64) {
	atomic.SwapUint64(p, v)
	StoreFence()
}

// publishLine is PublishLine without assembly.
func publishLine(line, next, src unsafe.Pointer, n, word uint64) {
	Store((*uint64)(next), 0)
	if n > 0 {
		CopyIn(unsafe.Add(line, 8), unsafe.Slice((*byte)(src), n))
	}
	StoreRelease((*uint64)(line), word)
}
