//go:build !purego && !race && !hooks

package mem

import "unsafe"

// LoadFence orders earlier loads before later ones (DMB ISHLD). A load-acquire
// alone orders only what comes after it.
//
//go:noescape
func LoadFence()

// StoreFence orders earlier stores before later ones (DMB ISHST).
//
//go:noescape
func StoreFence()

// PublishLine writes a frame of one line and commits it: n <= LinePayload bytes from
// src, then word to its header, then 0 to the header at ahead.
func PublishLine(line, ahead, src unsafe.Pointer, n, word uint64) {
	publishLine(line, ahead, src, n, word)
}

// PublishLineTicks is [PublishLine] with the low half of [Ticks] in the high half
// of word. It writes nothing and returns false if the ticks are not within 2^32
// after anchor.
func PublishLineTicks(line, ahead, src unsafe.Pointer, n, word, anchor uint64) bool {
	now := Ticks()
	if now-anchor >= 1<<32 {
		return false
	}
	publishLine(line, ahead, src, n, word|now<<32)
	return true
}

// Ticks reads the virtual counter (CNTVCT_EL0), in no particular order.
//
//go:noescape
func Ticks() uint64

// TicksAfter is [Ticks], read after all earlier loads have their values (ISB).
//
//go:noescape
func TicksAfter() uint64

// HasTicks says whether the processor has a tick counter that this build can read,
// that runs at one rate, and that goes on in sleep: on arm64 always.
func HasTicks() bool { return true }

// TicksHz is the rate of the counter where the processor tells it (CNTFRQ_EL0).
//
//go:noescape
func TicksHz() uint64
