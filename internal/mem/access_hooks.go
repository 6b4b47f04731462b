//go:build hooks

package mem

import "sync/atomic"

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

func hook(p *uint64, write, done bool) {
	if Hook != nil {
		Hook(p, write, done)
	}
}
