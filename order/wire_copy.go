//go:build !(amd64 || arm64) || purego

package order

import "encoding/binary"

// The portable twin of wire_direct.go: the same by copies.

const copies = 1

func view[T record](msg []byte) *T {
	r := new(T)
	if _, err := binary.Decode(msg, binary.LittleEndian, r); err != nil {
		return new(T) // cannot be: the caller has checked the length
	}
	return r
}

func bytesOf[T record](r *T) []byte {
	b, err := binary.Append(nil, binary.LittleEndian, r)
	if err != nil {
		return nil // cannot be: a record has a fixed size
	}
	return b
}

func rowBytes[T row](rows []T) []byte {
	b, err := binary.Append(nil, binary.LittleEndian, rows)
	if err != nil {
		return nil // cannot be: a row has a fixed size
	}
	return b
}

func rowsOf[T row](b []byte) []T {
	rows := make([]T, len(b)/rowSize[T]())
	if _, err := binary.Decode(b, binary.LittleEndian, rows); err != nil {
		return nil // cannot be: the length is theirs
	}
	return rows
}
