//go:build (amd64 || arm64) && !purego

package dbn

import "unsafe"

// viewIsDirect: view does not copy.
const viewIsDirect = true

// Bytes returns the record without copying it: m's own memory, which is good as long
// as m is not changed. Unlike Append it relies on m.Length and m.RType. In the
// portable build it is a copy.
func (m *MboMsg) Bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(m)), MboSize)
}

// view returns rec's bytes as a T. It needs a little-endian processor that loads
// unaligned words, and a T without pointers; the caller has checked the length.
func view[T MboMsg | TradeMsg | Mbp1Msg | Mbp10Msg](rec []byte) *T {
	return (*T)(unsafe.Pointer(unsafe.SliceData(rec)))
}
