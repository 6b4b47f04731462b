package dbn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// Fragment says if the input may be a fragment: records without a file header.
type Fragment uint8

const (
	// FragmentAuto takes an input without the magic "DBN" as a fragment if its
	// first record has a known type and the length of that type. Other inputs
	// are refused with ErrNotDBN.
	FragmentAuto Fragment = iota
	// FragmentNever refuses an input without the magic with ErrNotDBN.
	FragmentNever
	// FragmentAlways takes an input without the magic as records, whatever their
	// types are. A file header is still read if there is one.
	FragmentAlways
)

// ReaderConfig is how a Reader reads. Its zero value is good for any file.
type ReaderConfig struct {
	// Name of the file, for errors. Empty: "input".
	Name string
	// Fragment: see its values. Zero: FragmentAuto.
	Fragment Fragment
	// BufferSize is how many bytes are asked of the input at once. 0 means
	// 128 KiB, which stays in the second-level cache of current processors while
	// it is worked on, as 1 MiB does not; less than 4 KiB means 4 KiB.
	BufferSize int
	// ZstdAhead is how many zstd blocks, of up to 128 KiB each, may be decompressed
	// ahead of the caller by other goroutines, which end with the input or with
	// Close. 0 means none: Next decompresses by itself, a block at a time.
	ZstdAhead int
}

const (
	defaultBuffer = 128 << 10
	minBuffer     = 4 << 10
	// maxWindow is the memory that a zstd frame may ask for: that of zstd --long.
	maxWindow = 128 << 20
)

// Reader reads records one by one. It must not be used by two goroutines at once.
type Reader struct {
	src     io.Reader // uncompressed
	input   *input
	zstd    *zstd.Decoder // nil for a plain input
	cfg     ReaderConfig
	md      *Metadata
	lengths lengths
	decided bool // false in a fragment until ts_out is known

	// buf is what was read, with room behind it; buf[pos:] is not yet handed out.
	// buf[0] is at offset base of the uncompressed stream. The record handed out
	// last is at buf[last], which may by now be before buf[0]. Records of 8-byte
	// multiples, as all known ones are, begin at 8-byte multiples of buf.
	buf       []byte
	pos, last int
	base      int64
	srcErr    error // how src ended, once it has
	err       error // what Next returns from now on
}

// input is the caller's reader. It keeps the error that the reader ended with,
// which tells a bad disk from bad data behind the zstd decoder, and does not put
// up with a reader that returns nothing for ever, which the decoder would, or says
// that it has read more than was asked of it.
type input struct {
	r    io.Reader
	end  atomic.Pointer[error] // the decoder reads ahead in another goroutine
	idle int                   // reads of nothing in a row
}

const maxIdle = 100

var errImpossibleCount = errors.New("reader returned an impossible count")

func (in *input) Read(p []byte) (int, error) {
	if end := in.end.Load(); end != nil {
		return 0, *end
	}
	n, err := in.r.Read(p)
	if n < 0 || n > len(p) {
		n, err = 0, errImpossibleCount
	}
	if n > 0 {
		in.idle = 0
	} else if in.idle++; in.idle >= maxIdle && err == nil {
		err = io.ErrNoProgress
	}
	if err != nil {
		end := err // err itself would be on the heap in every call
		in.end.Store(&end)
	}
	return n, err
}

// failed returns the error that the reader failed with, nil if it has not.
func (in *input) failed() error {
	if end := in.end.Load(); end != nil && *end != io.EOF {
		return *end
	}
	return nil
}

// NewReader reads the file's header from r, which may be compressed with zstd:
// it goes by the content, not by any name. What is wrong with the content is a
// *FormatError; a failure of r is wrapped as it is. The Reader reads ahead, so r
// must not be used by others, and does not close r.
func NewReader(r io.Reader, cfg ReaderConfig) (*Reader, error) {
	size := cfg.BufferSize
	if size <= 0 {
		size = defaultBuffer
	}
	rd := &Reader{
		input: &input{r: r},
		cfg:   cfg,
		buf:   make([]byte, 0, max(size, minBuffer)),
	}
	rd.src = rd.input
	err := rd.open()
	if err != nil {
		rd.Close()
		return nil, err
	}
	return rd, nil
}

// Metadata returns the file's header, nil for a fragment.
func (r *Reader) Metadata() *Metadata { return r.md }

// TsOut says if records end with the time they were sent. In a fragment this is
// known once a record of a known type was read.
func (r *Reader) TsOut() bool { return r.lengths.tsOut }

// Offset returns where the record last returned by Next begins in the
// uncompressed stream. Before the first, it is where the records begin.
func (r *Reader) Offset() int64 { return r.base + int64(r.last) }

// Next returns the next record whole, with its header and ts_out. The bytes are
// valid until the next call of Next or Close and must not be written to. At the
// end of the input the error is io.EOF. A fault in the input is a *FormatError: the
// records before it have been returned, and every later call returns it again.
func (r *Reader) Next() ([]byte, error) {
	if rest := r.buf[r.pos:]; len(rest) >= HeaderSize {
		n := int(rest[0]) * wordSize
		if n == int(r.lengths.exact[rest[1]]) && n <= len(rest) {
			r.last = r.pos
			r.pos += n
			return rest[:n:n], nil
		}
	}
	return r.nextOther()
}

// nextOther is Next for a record that is not yet read, or whose type does not have
// one certain size.
func (r *Reader) nextOther() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	rec, err := r.nextChecked()
	if err != nil {
		r.err = err
	}
	return rec, err
}

func (r *Reader) nextChecked() ([]byte, error) {
	// The length byte first, then the type, then all: a record that is cut short
	// is judged by as much of it as there is.
	if err := r.fill(1); err != nil {
		if err == io.EOF {
			return nil, io.EOF
		}
		return nil, r.inputError(err)
	}
	size := int(r.buf[r.pos]) * wordSize
	if fault := shortFault(size); fault != "" {
		return nil, r.recordFault(fault)
	}
	err := r.fill(2)
	if err == nil {
		if err := r.checkJoined(); err != nil {
			return nil, err
		}
		t := RType(r.buf[r.pos+1])
		if !r.decided {
			r.decide(t, size)
		}
		if fault := r.lengths.fault(t, size); fault != "" {
			return nil, r.recordFault(fault)
		}
		err = r.fill(size)
	}
	if err != nil {
		have := len(r.buf) - r.pos
		return nil, r.cut(err, fmt.Sprintf("the last record has %d of %d bytes, %d are missing", have, size, size-have))
	}
	r.last = r.pos
	r.pos += size
	return r.buf[r.last:r.pos:r.pos], nil
}

// checkJoined refuses the beginning of another file where a record should begin:
// its header would pass for a record of an unknown type. That no record begins like
// this is why Next need not look.
func (r *Reader) checkJoined() error {
	switch string(r.buf[r.pos : r.pos+2]) {
	case magic[:2], zstdMagic[:2]:
	default:
		return nil
	}
	if err := r.fill(4); err != nil {
		return nil // it is cut short, whatever it is
	}
	what := ""
	switch rest := r.buf[r.pos:]; {
	case string(rest[:len(magic)]) == magic && rest[3] >= minVersion && rest[3] <= MaxVersion:
		what = "another DBN file"
	case string(rest[:len(zstdMagic)]) == zstdMagic:
		what = "a zstd file"
	default:
		return nil
	}
	return r.fault(r.at(), ErrRecord, what+" begins here, the files were joined: split them and read each by itself")
}

// decide settles if a fragment has ts_out, by the first record of a known type.
func (r *Reader) decide(t RType, size int) {
	if tsOut, ok := detectTsOut(t, size); ok {
		r.decided = true
		r.lengths = newLengths(0, tsOut)
	}
}

// Close releases the zstd decoder. It does not close the input. Next returns
// ErrClosed from then on.
func (r *Reader) Close() {
	if r.zstd != nil {
		r.zstd.Close()
		r.zstd = nil
	}
	r.buf, r.pos = r.buf[:0], 0
	r.err = fmt.Errorf("dbn: read %s: %w", r.name(), ErrClosed)
}

// open finds out what the input is and reads the header.
func (r *Reader) open() error {
	r.lengths = undecided()
	if err := r.openZstd(); err != nil {
		return err
	}
	err := r.fill(HeaderSize)
	start := r.buf
	switch {
	case err != nil && err != io.EOF:
		return r.inputError(err)
	case len(start) == 0 && r.zstd != nil:
		return r.fault(0, ErrEmpty, "it is zstd with nothing in it: get the file again")
	case len(start) == 0:
		return r.fault(0, ErrEmpty, "get the file again")
	case len(start) >= len(magic) && string(start[:len(magic)]) == magic:
		return r.readHeader()
	case r.cfg.Fragment == FragmentAlways:
		return nil
	case isCutMagic(start):
		return r.fault(0, ErrTruncated, fmt.Sprintf("only %d bytes of a header are there: get the file again", len(start)))
	}
	first := start[:min(len(start), HeaderSize)]
	if r.cfg.Fragment == FragmentAuto && len(first) >= 2 && !isText(first) {
		r.decide(RType(first[1]), int(first[0])*wordSize)
	}
	if !r.decided {
		return r.notDBN(first)
	}
	return nil
}

// openZstd puts a decoder in between if the input is compressed. It leaves what
// it has read in buf if not.
func (r *Reader) openZstd() error {
	err := r.fill(dbzAt + len(dbzMagic))
	if err != nil && err != io.EOF {
		return r.inputError(err)
	}
	start := r.buf
	if isDBZ(start) {
		return r.notDBN(start)
	}
	if !isZstd(start) {
		return nil
	}
	head := bytes.NewReader(bytes.Clone(start))
	r.zstd, err = zstd.NewReader(io.MultiReader(head, r.input),
		zstd.WithDecoderConcurrency(1+max(r.cfg.ZstdAhead, 0)),
		zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		return fmt.Errorf("dbn: read %s: zstd: %w", r.name(), err)
	}
	r.src = r.zstd
	r.buf, r.srcErr = r.buf[:0], nil
	return nil
}

// readHeader reads the header, of which the beginning is in buf, and moves the
// records behind it to the start of buf, which aligns them.
func (r *Reader) readHeader() error {
	version := uint8(0)
	if len(r.buf) > len(magic) {
		version = r.buf[len(magic)]
		if version < minVersion || version > MaxVersion {
			return r.fault(int64(len(magic)), ErrVersion,
				fmt.Sprintf("the file has version %d, versions %d to %d can be read: convert it with Databento's dbn tool", version, minVersion, MaxVersion))
		}
	}
	if err := r.fill(preludeSize); err != nil {
		return r.cut(err, fmt.Sprintf("the header has %d of at least %d bytes", len(r.buf), preludeSize+minMetadata))
	}
	size := int64(le.Uint32(r.buf[len(magic)+1:]))
	if size < minMetadata || size > maxMetadata {
		return r.fault(int64(len(magic)+1), ErrMetadata,
			fmt.Sprintf("it says that it is %d bytes long, %d to %d are possible: get the file again", size, minMetadata, maxMetadata))
	}
	r.pos = preludeSize
	md, err := decodeMetadata(r, version, size)
	if err != nil {
		return err
	}
	r.md = md
	r.decided = true
	r.lengths = newLengths(version, md.TsOut)
	r.compact()
	r.last = 0
	return nil
}

// readFull fills p with the bytes that come next. Its error is that of fill.
func (r *Reader) readFull(p []byte) error {
	for len(p) > 0 {
		if err := r.fill(1); err != nil {
			return err
		}
		n := copy(p, r.buf[r.pos:])
		r.pos += n
		p = p[n:]
	}
	return nil
}

// fill reads until buf[pos:] has n bytes. Its error is that of the source, and
// io.EOF at the end even if some bytes are there. n is at most MaxRecordSize.
func (r *Reader) fill(n int) error {
	if len(r.buf)-r.pos >= n {
		return nil
	}
	r.compact()
	for len(r.buf) < n {
		if r.srcErr != nil {
			return r.srcErr
		}
		k, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+k]
		r.srcErr = err
	}
	return nil
}

// compact moves what is not yet handed out to the start of buf.
func (r *Reader) compact() {
	if r.pos == 0 {
		return
	}
	r.buf = r.buf[:copy(r.buf, r.buf[r.pos:])]
	r.base += int64(r.pos)
	r.last -= r.pos
	r.pos = 0
}

// at is the offset of what is not yet handed out.
func (r *Reader) at() int64 { return r.base + int64(r.pos) }

func (r *Reader) name() string { return nameOr(r.cfg.Name, "input") }

func (r *Reader) fault(offset int64, err error, detail string) error {
	return &FormatError{Name: r.cfg.Name, Offset: offset, Detail: detail, Err: err}
}

// notDBN is the error for an input that begins with start.
func (r *Reader) notDBN(start []byte) error {
	detail, kind := looksLike(start, r.zstd != nil)
	return r.fault(0, kind, detail)
}

func (r *Reader) recordFault(detail string) error {
	return r.fault(r.at(), ErrRecord, detail+": the file is damaged from here on, get it again")
}

// cut is the error for an input that ended with err inside something.
func (r *Reader) cut(err error, detail string) error {
	if err != io.EOF {
		return r.inputError(err)
	}
	return r.fault(r.at(), ErrTruncated, detail+": get the file again")
}

// inputError is the error for a source that ended with err, which is not io.EOF.
func (r *Reader) inputError(err error) error {
	at := r.base + int64(len(r.buf))
	if failed := r.input.failed(); failed != nil {
		return fmt.Errorf("dbn: read %s: offset %d: %w", r.name(), at, failed)
	}
	switch {
	case err == io.ErrUnexpectedEOF:
		return r.fault(at, ErrTruncated, "the zstd stream ends inside a frame: get the file again")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return r.fault(at, ErrCorrupt, fmt.Sprintf("it asks for a window of more than %d MiB: compress the file again without --ultra --long", maxWindow>>20))
	}
	return r.fault(at, ErrCorrupt, fmt.Sprintf("%v: get the file again", err))
}
