//go:build !hooks

package mem

import "sync/atomic"

// The accesses of shared words that the portable build, and what all builds share, is
// made of. A build with the tag hooks has others; see access_hooks.go.

func load(p *uint64) uint64    { return atomic.LoadUint64(p) }
func swap(p *uint64, v uint64) { atomic.SwapUint64(p, v) }
func load32(p *uint32) uint32  { return atomic.LoadUint32(p) }
func increment(p *uint32)      { atomic.AddUint32(p, 1) }
