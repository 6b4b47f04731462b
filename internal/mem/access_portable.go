//go:build ((!amd64 && !arm64) || purego || race) && !hooks

package mem

import "sync/atomic"

func store(p *uint64, v uint64) { atomic.StoreUint64(p, v) }
