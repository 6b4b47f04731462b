package mem

// LinePayload is the part of a 64-byte line that follows its header word, in bytes;
// LineWords the same in words.
const (
	LinePayload = 56
	LineWords   = LinePayload / 8
)

// LoadAcquire loads from p before all later loads and stores. It pairs with
// [StoreRelease], and with [Exchange].
func LoadAcquire(p *uint64) uint64 { return load(p) }

// Exchange stores v at p, and everything before and after it stays there: earlier
// stores are seen before it, later ones only after it. Slow; once a block.
func Exchange(p *uint64, v uint64) {
	swap(p, v)
	StoreFence()
}

// LoadAcquire32 is [LoadAcquire] for a word of 32 bits. It pairs with [Increment].
func LoadAcquire32(p *uint32) uint32 { return load32(p) }

// Increment adds 1 to a word that several may add to, after all earlier loads and
// stores and before all later ones.
func Increment(p *uint32) { increment(p) }
