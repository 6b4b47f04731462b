//go:build !(amd64 || arm64) || purego

package main

import "github.com/tickring/tickring/feed/dbn"

// mboBytes returns m's record, encoded into buf.
func mboBytes(m *dbn.MboMsg, buf *[dbn.MboSize]byte) []byte {
	return m.Append(buf[:0])
}
