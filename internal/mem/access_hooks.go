//go:build hooks

package mem

import (
	"sync/atomic"
	"unsafe"
)

// Hook is called before and after every access of shared memory, with done false and
// true. Tests set it, before anything is shared, to end or stop the process between any
// two accesses. It exists in builds with the tag hooks only.
var Hook func(p *uint64, write, done bool)

func load(p *uint64) uint64 {
	hook(p, false, false)
	v := atomic.LoadUint64(p)
	hook(p, false, true)
	return v
}

func store(p *uint64, v uint64) {
	hook(p, true, false)
	atomic.StoreUint64(p, v)
	hook(p, true, true)
}

func swap(p *uint64, v uint64) {
	hook(p, true, false)
	atomic.SwapUint64(p, v)
	hook(p, true, true)
}

// The 32-bit words of the layout are on a boundary of 8 bytes.
func wide(p *uint32) *uint64 { return (*uint64)(unsafe.Pointer(p)) }

func load32(p *uint32) uint32 {
	hook(wide(p), false, false)
	v := atomic.LoadUint32(p)
	hook(wide(p), false, true)
	return v
}

func increment(p *uint32) {
	hook(wide(p), true, false)
	atomic.AddUint32(p, 1)
	hook(wide(p), true, true)
}

func hook(p *uint64, write, done bool) {
	if Hook != nil {
		Hook(p, write, done)
	}
}
