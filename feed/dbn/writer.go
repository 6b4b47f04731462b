package dbn

import (
	"bufio"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// WriterConfig is how a Writer writes. Its zero value writes a plain file.
type WriterConfig struct {
	// Name of the file, for errors. Empty: "output".
	Name string
	// Zstd compresses the output, as Databento's files are.
	Zstd bool
	// Level is that of the zstd command, 1 to 22. 0 means 3. Levels that the
	// encoder does not have become the nearest one.
	Level int
	// Fragment leaves the header out.
	Fragment bool
	// BufferSize is how many bytes are written at once. 0 means 128 KiB.
	BufferSize int
}

// Writer writes a DBN file. It must not be used by two goroutines at once.
type Writer struct {
	buf     *bufio.Writer
	zstd    *zstd.Encoder // nil for a plain output
	cfg     WriterConfig
	lengths lengths
	scratch [Mbp10Size]byte
	closed  bool
	err     error // of Close
}

// NewWriter writes the header to w, or to a buffer before it: only Close makes
// sure that everything is written. Metadata that cannot be written is an error
// that wraps ErrMetadata or ErrVersion.
func NewWriter(w io.Writer, md Metadata, cfg WriterConfig) (*Writer, error) {
	md, err := md.normal()
	if err != nil {
		return nil, err
	}
	header, err := md.Append(nil)
	if err != nil {
		return nil, err
	}
	wr := &Writer{cfg: cfg, lengths: newLengths(md.Version, md.TsOut)}
	if cfg.Zstd {
		level := cfg.Level
		if level == 0 {
			level = 3
		}
		wr.zstd, err = zstd.NewWriter(w,
			zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
			zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, wr.failed(err)
		}
		w = wr.zstd
	}
	size := cfg.BufferSize
	if size <= 0 {
		size = defaultBuffer
	}
	wr.buf = bufio.NewWriterSize(w, max(size, minBuffer))
	if cfg.Fragment {
		return wr, nil
	}
	if _, err := wr.buf.Write(header); err != nil {
		return nil, wr.failed(err)
	}
	return wr, nil
}

// Write writes one whole record as it is. Its length must be what its length byte
// says, and what the file's version and ts_out demand of its type, or the error
// wraps ErrRecord: nothing of it was written then, and writing can go on. A
// failure of the output stays.
func (w *Writer) Write(rec []byte) error {
	if w.closed {
		return w.failed(ErrClosed)
	}
	if len(rec) < HeaderSize || len(rec) != int(rec[0])*wordSize {
		return w.failed(fmt.Errorf("%w: %d bytes are not one whole record", ErrRecord, len(rec)))
	}
	if fault := w.lengths.fault(RType(rec[1]), len(rec)); fault != "" {
		return w.failed(fmt.Errorf("%w: %s", ErrRecord, fault))
	}
	if _, err := w.buf.Write(rec); err != nil {
		return w.failed(err)
	}
	return nil
}

// WriteMbo writes m's record: see MboMsg.Append and Write. In a file with ts_out
// it is refused, because m has no room for it.
func (w *Writer) WriteMbo(m *MboMsg) error { return w.Write(m.Append(w.scratch[:0])) }

// WriteTrade is WriteMbo for a TradeMsg.
func (w *Writer) WriteTrade(m *TradeMsg) error { return w.Write(m.Append(w.scratch[:0])) }

// WriteMbp1 is WriteMbo for a Mbp1Msg.
func (w *Writer) WriteMbp1(m *Mbp1Msg) error { return w.Write(m.Append(w.scratch[:0])) }

// WriteMbp10 is WriteMbo for a Mbp10Msg.
func (w *Writer) WriteMbp10(m *Mbp10Msg) error { return w.Write(m.Append(w.scratch[:0])) }

// Close writes what is buffered and ends the zstd frame. It does not close the
// output. It returns the error of an earlier write if there was one; a second
// call returns the same as the first.
func (w *Writer) Close() error {
	if w.closed {
		return w.err
	}
	w.closed = true
	if err := w.buf.Flush(); err != nil { // or of an earlier write
		w.err = w.failed(err)
	}
	if w.zstd != nil {
		// After a failed write too: it frees the encoder.
		if err := w.zstd.Close(); err != nil && w.err == nil {
			w.err = w.failed(err)
		}
	}
	return w.err
}

func (w *Writer) failed(err error) error {
	return fmt.Errorf("dbn: write %s: %w", nameOr(w.cfg.Name, "output"), err)
}
