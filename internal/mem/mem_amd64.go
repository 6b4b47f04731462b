//go:build !purego && !race && !hooks

package mem

import "unsafe"

// LoadFence orders earlier loads before later ones. The processor does that by
// itself, and the compiler keeps plain loads in their place around atomic ones.
func LoadFence() {}

// StoreFence orders earlier stores before later ones; see [LoadFence].
func StoreFence() {}

// PublishLine writes a frame of one line and commits it: n <= LinePayload bytes from
// src, then word to its header, then 0 to the header at ahead.
//
// It is one call so that the stores leave together: while a payload is being
// written, a polling subscriber takes the line away.
//
//go:noescape
func PublishLine(line, ahead, src unsafe.Pointer, n, word uint64)

// PublishLineTicks is [PublishLine] with the low half of [Ticks] in the high half
// of word. It writes nothing and returns false if the ticks are not within 2^32
// after anchor.
//
// The header depends on the ticks, so the counter is read before the commit can be
// seen. It may be read earlier than the payload is written: a latency from such a
// stamp can be too long by a few ns, never too short.
//
//go:noescape
func PublishLineTicks(line, ahead, src unsafe.Pointer, n, word, anchor uint64) bool

// Ticks reads the tick counter (RDTSC), in no particular order.
//
//go:noescape
func Ticks() uint64

// TicksAfter is [Ticks], read after all earlier loads have their values (LFENCE).
//
//go:noescape
func TicksAfter() uint64

//go:noescape
func cpuid(leaf uint32) (eax, ebx, ecx, edx uint32)

// HasTicks says whether the processor has a tick counter that this build can read,
// that runs at one rate, and that goes on in sleep (the invariant TSC: CPUID
// 0x80000007, EDX bit 8).
func HasTicks() bool {
	if max, _, _, _ := cpuid(0x80000000); max < 0x80000007 {
		return false
	}
	_, _, _, edx := cpuid(0x80000007)
	return edx&(1<<8) != 0
}

// TicksHz is the rate of the counter where the processor tells it, or 0. Few
// amd64 processors do, so it is always measured here.
func TicksHz() uint64 { return 0 }
