// Package mem holds the loads, stores and copies that touch memory shared
// between processes. Nothing else in tickring touches such memory while another
// process may write to it.
//
// It comes in two builds that pass the same tests.
//
// The fast build (amd64, arm64) commits with a store-release and copies payload
// with plain instructions. Plain loads of memory that another process may be
// writing are outside Go's memory model. They are sound here because every such
// copy is followed by [LoadFence] and by a check that says whether the copied
// bytes could have been overwritten meanwhile; until that check has passed nobody
// looks at them, and whatever they are, they are only bytes.
//
// The portable build (tag purego, the race detector, other processors) makes
// every access of a shared word a sync/atomic operation. It is inside Go's
// memory model, the race detector sees it, and it is slow.
//
// Go orders sync/atomic operations among each other but offers no release store
// cheaper than an exchange: on amd64 atomic.StoreUint64 is XCHG, which empties
// the store buffer, so that every message would wait for its cache line to
// arrive. StoreRelease is a MOV there (every store of amd64 is a release) and
// STLR on arm64.
package mem
