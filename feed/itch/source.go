package itch

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

var (
	errImpossibleCount = errors.New("reader returned an impossible count")
	errTrailing        = errors.New("bytes that are not gzip follow it")
)

// source is the caller's reader, held to what an io.Reader may do: bufio panics at
// a count that cannot be, and others go on asking a reader that returns nothing.
type source struct {
	r     io.Reader
	empty int // reads of nothing in a row
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	switch {
	case n < 0 || n > len(p):
		return 0, errImpossibleCount
	case n > 0 || len(p) == 0:
		s.empty = 0
	case err == nil:
		if s.empty++; s.empty >= maxEmptyReads {
			return 0, io.ErrNoProgress
		}
	}
	return n, err
}

const gzipMagic = "\x1f\x8b"

// members decompresses gzip members that follow each other, as one stream. Zeros
// behind the last one are the padding of a tape or a device; anything else there
// is an error, which gzip.Reader by itself would not tell from a cut file.
type members struct {
	src *bufio.Reader // gzip reads it byte by byte, and so no further than a member
	zr  *gzip.Reader
	end bool // of a member
}

func newMembers(src *bufio.Reader) (*members, error) {
	zr, err := gzip.NewReader(src)
	if err != nil {
		return nil, err
	}
	zr.Multistream(false)
	return &members{src: src, zr: zr}, nil
}

func (m *members) Read(p []byte) (int, error) {
	for {
		if m.end {
			if err := m.next(); err != nil {
				return 0, err
			}
			m.end = false
		}
		n, err := m.zr.Read(p)
		if err != io.EOF {
			return n, err
		}
		// What the member held goes out before there is a wait for another one.
		m.end = true
		if n > 0 {
			return n, nil
		}
	}
}

// next begins the next member. Its error is io.EOF if there is none.
func (m *members) next() error {
	head, err := m.src.Peek(len(gzipMagic))
	if len(head) > 0 && string(head) == gzipMagic[:len(head)] {
		if err := m.zr.Reset(m.src); err == io.EOF {
			return io.ErrUnexpectedEOF // inside its header
		} else if err != nil {
			return err
		}
		m.zr.Multistream(false)
		return nil
	}
	if len(head) < len(gzipMagic) && err != io.EOF {
		return err
	}
	for {
		switch c, err := m.src.ReadByte(); {
		case err != nil:
			return err
		case c != 0:
			return errTrailing
		}
	}
}
