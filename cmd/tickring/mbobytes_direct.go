//go:build (amd64 || arm64) && !purego

package main

import (
	"unsafe"

	"github.com/tickring/tickring/feed/dbn"
)

// mboBytes returns m's record: m's own memory, since an MboMsg has the layout of its
// record on a little-endian processor. Encoding it anew would cost a sixth of the
// whole way from an ITCH file to a ring.
func mboBytes(m *dbn.MboMsg, _ *[dbn.MboSize]byte) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(m)), dbn.MboSize)
}
