package itch

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// DefaultBufferSize is the size of a Reader's buffer if the config says 0. It is
// large enough that the cost of refilling does not show, and small enough to
// stay in the second-level cache.
const DefaultBufferSize = 256 << 10

const (
	prefixSize    = 2
	frameMax      = prefixSize + MaxMessageSize
	minBufferSize = 4 << 10
	maxEmptyReads = 100
)

// ReaderConfig configures a Reader. Its zero value is ready for use.
type ReaderConfig struct {
	Name       string // of the file, for error messages
	BufferSize int    // bytes; 0 means DefaultBufferSize; less than 4 KiB means 4 KiB
}

// Reader splits a BinaryFILE into messages. It checks that each length prefix is
// the length of the message's type, and nothing else of the contents.
//
// A Reader is for one goroutine.
type Reader struct {
	buf    []byte
	pos    int   // of the next length prefix, in buf
	end    int   // of the bytes read so far, in buf
	base   int64 // offset in the stream of buf[0]
	src    io.Reader
	srcErr error // what src ended with, io.EOF or worse; buf may still hold messages
	err    error // what Next returns from now on
	ended  bool  // the marker that ends a session was the last thing
	gzip   bool
	name   string
}

// NewReader reads the beginning of r and returns a Reader of the messages in it.
// If r begins with the magic number of gzip it is decompressed, as one stream if
// it has several members. r stays the caller's to close.
//
// The error is a *FormatError that wraps ErrEmpty, ErrNotITCH or ErrCompressed,
// or whatever error r gave.
func NewReader(r io.Reader, cfg ReaderConfig) (*Reader, error) {
	size := cfg.BufferSize
	if size <= 0 {
		size = DefaultBufferSize
	}
	rd := &Reader{buf: make([]byte, max(size, minBufferSize)), name: cfg.Name}

	// bufio passes a large Read straight on, so it costs no second copy.
	br := bufio.NewReaderSize(&source{r: r}, 64<<10)
	rd.src = br
	head, err := br.Peek(len(gzipMagic))
	if err != nil && err != io.EOF {
		return nil, rd.readError(err)
	}
	if string(head) == gzipMagic {
		rd.gzip = true
		if rd.src, err = newMembers(br); err != nil {
			return nil, rd.readError(err)
		}
	}
	if err := rd.need(magicSize); err != nil && err != io.EOF {
		return nil, err
	}
	if rd.end == 0 {
		detail := "there is no message in it: get the file again"
		if rd.gzip {
			detail = "the gzip stream holds no bytes: get the file again"
		}
		return nil, rd.fault(ErrEmpty, detail)
	}
	if name, advice := sniff(rd.buf[:rd.end]); name != "" {
		if rd.gzip {
			advice = "decompress it with gzip -d, then " + advice
		}
		return nil, rd.fault(ErrNotITCH, "it begins like "+name+": "+advice)
	}
	return rd, nil
}

// Next returns the next message without its length prefix. The slice is part of
// the Reader's buffer: it may be changed, and is valid until the next call.
//
// The error is io.EOF at the end of the file, be it at the marker that ends a
// session (see SessionEnded) or after a whole message. Else it is a *FormatError
// that wraps ErrTruncated, ErrLength, ErrZeroLength, ErrUnknownType or
// ErrCompressed, or the error of the underlying reader. All messages before the
// fault have been returned by then. Every later call returns the same error.
func (r *Reader) Next() ([]byte, error) {
	// A frame that is certainly all there and in order is the whole hot path.
	if p := r.buf[r.pos:r.end]; len(p) >= frameMax {
		n := int(sizes[p[prefixSize]])
		if n != 0 && int(binary.BigEndian.Uint16(p)) == n {
			r.pos += prefixSize + n
			return p[prefixSize : prefixSize+n : prefixSize+n], nil
		}
	}
	return r.nextSlow()
}

// nextSlow reads no further than the end of the message, so that a message that
// arrives through a pipe is not held up by the one behind it.
func (r *Reader) nextSlow() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	msg, err := r.frame()
	if err != nil {
		r.err = err
	}
	return msg, err
}

func (r *Reader) frame() ([]byte, error) {
	if err := r.need(prefixSize); err == io.EOF {
		if r.end == r.pos {
			return nil, io.EOF
		}
		return nil, r.fault(ErrTruncated, "1 byte of a length prefix, then nothing"+getAgain)
	} else if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(r.buf[r.pos:]))
	if n == 0 {
		return nil, r.zeroLength()
	}
	if err := r.need(prefixSize + 1); err == io.EOF {
		return nil, r.fault(ErrTruncated, fmt.Sprintf("message of %d bytes has none", n)+getAgain)
	} else if err != nil {
		return nil, err
	}
	t := Type(r.buf[r.pos+prefixSize])
	switch {
	case t.Size() == 0:
		return nil, r.fault(ErrUnknownType, fmt.Sprintf("%v (length prefix %d)%s", t, n, r.doubt()))
	case t.Size() != n:
		return nil, r.fault(ErrLength, fmt.Sprintf("length prefix is %d, a message of type %v has %d bytes%s", n, t, t.Size(), r.doubt()))
	}
	if err := r.need(prefixSize + n); err == io.EOF {
		return nil, r.fault(ErrTruncated, fmt.Sprintf("message of type %v has %d of %d bytes", t, r.end-r.pos-prefixSize, n)+getAgain)
	} else if err != nil {
		return nil, err
	}
	p := r.buf[r.pos+prefixSize : r.pos+prefixSize+n : r.pos+prefixSize+n]
	r.pos += prefixSize + n
	return p, nil
}

const getAgain = ": get the file again"

// doubt is added to a message that cannot be. If it is the first one, the file is
// more likely to be something else than to be damaged.
func (r *Reader) doubt() string {
	if r.Offset() != 0 {
		return ": the file is damaged from here on, get it again"
	}
	return "; this is probably not an ITCH 5.0 BinaryFILE: check that it is the right file"
}

// zeroLength tells the end of a session from a length that was lost. Only the
// last two bytes of a file can end the session.
func (r *Reader) zeroLength() error {
	switch err := r.need(prefixSize + 1); {
	case err == io.EOF && r.Offset() > 0:
		r.pos += prefixSize
		r.ended = true
		return io.EOF
	case err == io.EOF:
		return r.fault(ErrZeroLength, "the file ends its session before the first message"+getAgain)
	case err != nil:
		return err
	}
	if err := r.need(prefixSize + prefixSize + 1); err != nil && err != io.EOF {
		return err
	}
	rest := r.buf[r.pos+prefixSize : r.end]
	if len(rest) > prefixSize && startsFrame(rest) {
		return r.fault(ErrZeroLength, fmt.Sprintf("this ends a session, and another one follows at offset %d: the files were joined, split them there", r.Offset()+prefixSize))
	}
	t := Type(rest[0])
	switch {
	case t.Size() == 0:
		return r.fault(ErrZeroLength, "this ends a session, but more bytes follow"+getAgain)
	case r.Offset() == 0:
		return r.fault(ErrZeroLength, fmt.Sprintf("the %d-byte message of type %v behind it has lost its length; the file was damaged when it was made, get an intact copy", t.Size(), t))
	}
	return r.fault(ErrZeroLength, fmt.Sprintf("this ends a session, but what looks like a message of type %v follows", t)+getAgain)
}

// startsFrame says if b begins with a message's type and the length prefix that
// belongs to it.
func startsFrame(b []byte) bool {
	n := int(binary.BigEndian.Uint16(b))
	return n != 0 && n == Type(b[prefixSize]).Size()
}

// Offset returns the offset of the next length prefix, in the uncompressed
// stream. It is the number of bytes that the messages so far took up.
func (r *Reader) Offset() int64 { return r.base + int64(r.pos) }

// SessionEnded reports whether io.EOF came with the marker that ends a session:
// a file without it may have been cut between two messages.
func (r *Reader) SessionEnded() bool { return r.ended }

// Compressed reports whether the input is a gzip stream.
func (r *Reader) Compressed() bool { return r.gzip }

// need makes sure that buf holds n bytes from pos on. It returns io.EOF if the
// input ends before them.
func (r *Reader) need(n int) error {
	if r.end-r.pos >= n {
		return nil
	}
	if len(r.buf)-r.pos < frameMax {
		copy(r.buf, r.buf[r.pos:r.end])
		r.base += int64(r.pos)
		r.end -= r.pos
		r.pos = 0
	}
	for r.end-r.pos < n {
		if r.srcErr == io.EOF {
			return io.EOF
		}
		if r.srcErr != nil {
			return r.readError(r.srcErr)
		}
		k, err := r.src.Read(r.buf[r.end:])
		r.end += k
		r.srcErr = err
	}
	return nil
}

func (r *Reader) fault(err error, detail string) error {
	return &FormatError{Name: r.name, Offset: r.Offset(), Detail: detail, Err: err}
}

// readError turns what the source said into an error that says where.
func (r *Reader) readError(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case !r.gzip:
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		detail := "the gzip stream ends inside a message"
		if rest := r.buf[r.pos:r.end]; len(rest) == 0 || string(rest) == "\x00\x00" {
			detail = "the gzip stream ends before its checksum"
		}
		return r.fault(ErrTruncated, detail+getAgain)
	case errors.Is(err, errTrailing):
		return r.fault(ErrCompressed, "it ends here, and "+err.Error()+": cut them off, or get the file again")
	case errors.Is(err, gzip.ErrHeader):
		return r.fault(ErrCompressed, "the header of a gzip member is wrong"+getAgain)
	case errors.Is(err, gzip.ErrChecksum):
		return r.fault(ErrCompressed, "the data does not have the checksum that the stream says"+getAgain)
	case errors.As(err, &corrupt):
		return r.fault(ErrCompressed, fmt.Sprintf("a member is wrong before byte %d of its compressed data", int64(corrupt))+getAgain)
	}
	name := r.name
	if name == "" {
		name = "input"
	}
	return fmt.Errorf("itch: read %s: offset %d: %w", name, r.Offset(), err)
}
