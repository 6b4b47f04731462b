package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/feed/replay"
)

// session is a market-data file that is open for replay.
type session struct {
	messages replay.Source
	schema   string // for the ring
	source   string // for the ring: the dataset
	file     *input
	book     *itch.Normalizer // nil unless ITCH becomes DBN
	free     func()
}

// sessionConfig says how to read a file. The zero value goes by the content.
type sessionConfig struct {
	format   string // "auto", or "dbn", "frag" or "itch"
	raw      bool   // carry ITCH messages as they are
	midnight uint64 // UNIX ns of the midnight that begins an ITCH file's day
}

// openSession opens a file and reads its first message, so that a file that is
// nothing of ours is refused before anything is made of it.
func openSession(ctx context.Context, path string, cfg sessionConfig) (*session, error) {
	file, err := openInput(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &session{file: file}
	if err := s.open(cfg); err != nil {
		s.close()
		if ctx.Err() != nil {
			err = errors.New("stopped by a signal before the first message")
		}
		return nil, err
	}
	return s, nil
}

func (s *session) open(cfg sessionConfig) error {
	path := s.file.name
	if s.file.dir {
		return fmt.Errorf("read %s: it is a directory; name a file in it", path)
	}
	start := make([]byte, 4)
	n, err := io.ReadFull(s.file, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	start = start[:n]
	in := io.MultiReader(bytes.NewReader(start), s.file)
	format := cfg.format
	if format == "" || format == "auto" {
		format = sniff(path, start)
	}
	switch format {
	case "":
		return fmt.Errorf("read %s: offset 0: the file is empty; get the file again", path)
	case "itch":
		err := s.openITCH(path, in, cfg)
		var bad *itch.FormatError
		if isGzip(start) && errors.As(err, &bad) && errors.Is(bad, itch.ErrNotITCH) {
			return fmt.Errorf("read %s: offset 0: gzip of what is no ITCH 5.0 BinaryFILE; if it is DBN, gunzip it first", path)
		}
		return err
	}
	fragment := dbn.FragmentAuto
	if format == "frag" {
		fragment = dbn.FragmentAlways
	}
	err = s.openDBN(path, in, fragment, isZstd(start))
	var bad *dbn.FormatError
	switch {
	case !errors.As(err, &bad) || cfg.format == "dbn":
		return err
	case errors.Is(bad, dbn.ErrForm): // ITCH in zstd is not "neither"
		return fmt.Errorf("read %s: offset 0: %s", path, bad.Detail)
	case errors.Is(bad, dbn.ErrNotDBN):
		return fmt.Errorf("read %s: offset 0: neither a DBN file nor an ITCH 5.0 BinaryFILE: %s", path, bad.Detail)
	}
	return err
}

// sniff tells the format by how a file begins. Only fragments of DBN, which begin
// like nothing in particular, may need their name.
func sniff(path string, start []byte) string {
	name := strings.TrimSuffix(path, ".zst")
	switch {
	case len(start) == 0:
		return ""
	case strings.HasSuffix(name, ".frag"):
		return "frag"
	case isGzip(start):
		return "itch"
	case start[0] == 0: // the high half of a length, which is at most 50
		return "itch"
	}
	return "dbn"
}

func isGzip(start []byte) bool { return bytes.HasPrefix(start, []byte("\x1F\x8B")) }

// isZstd: a frame, or a skippable one before it.
func isZstd(start []byte) bool {
	return bytes.HasPrefix(start, []byte("\x28\xB5\x2F\xFD")) ||
		len(start) == 4 && start[0]&0xF0 == 0x50 && bytes.HasSuffix(start, []byte("\x2A\x4D\x18"))
}

func (s *session) close() {
	if s.free != nil {
		s.free()
	}
	s.file.Close()
}

// position tells how far a replay has come, for its progress and its errors.
type position struct {
	file   *input
	offset func() int64 // of the decoder; nil if that does not count the file's bytes
}

// Consumed is for package replay. Of a compressed file the end is read long before
// its last message is published: nothing is known from then on.
func (p position) Consumed() int64 {
	switch {
	case p.offset != nil:
		return p.offset()
	case p.file.read < p.file.size:
		return p.file.read
	}
	return -1
}

// position is that of a decoder of this session.
func (s *session) position(compressed bool, offset func() int64) position {
	if compressed {
		offset = nil
	}
	return position{s.file, offset}
}

// readAhead is the first message of a decoder, which was read already. The decoder is
// not behind it, because a call through an interface costs a nanosecond a message.
type readAhead struct{ first []byte }

// take returns it once, and nil from then on.
func (r *readAhead) take() []byte {
	msg := r.first
	if msg != nil {
		r.first = nil
	}
	return msg
}

func (s *session) openDBN(path string, in io.Reader, fragment dbn.Fragment, compressed bool) error {
	r, err := dbn.NewReader(in, dbn.ReaderConfig{Name: path, Fragment: fragment})
	if err != nil {
		return err
	}
	s.free = r.Close
	first, err := r.Next()
	if err != nil && err != io.EOF {
		return err
	}
	kind := dbnKind{version: dbn.MaxVersion, schema: dbn.SchemaMixed, tsOut: r.TsOut()}
	if md := r.Metadata(); md != nil {
		kind.version, kind.schema = md.Version, md.Schema
		s.source = md.Dataset
	} else if first != nil {
		kind = kindOfFragment(first, r.TsOut())
	}
	s.messages = &dbnSource{s.position(compressed, r.Offset), readAhead{first}, r}
	s.schema = kind.String()
	return nil
}

// kindOfFragment takes a fragment for what its first record is: of the newest
// version that gives such a record this size.
func kindOfFragment(rec []byte, tsOut bool) dbnKind {
	k := dbnKind{version: dbn.MaxVersion, schema: dbn.SchemaMixed, tsOut: tsOut}
	size := len(rec)
	if tsOut {
		size -= dbn.TsOutSize
	}
	t := dbn.RecordType(rec)
	if schema, err := dbn.ParseSchema(t.String()); err == nil {
		k.schema = schema
	}
	for v := uint8(dbn.MaxVersion); v > 0; v-- {
		if want, known := dbn.RecordSize(t, v); known && want == size {
			k.version = v
			break
		}
	}
	return k
}

// dbnSource is the records of a DBN file.
type dbnSource struct {
	position
	readAhead
	r *dbn.Reader
}

func (s *dbnSource) Next() (uint16, uint64, []byte, error) {
	rec := s.take()
	if rec == nil {
		var err error
		if rec, err = s.r.Next(); err != nil {
			return 0, 0, nil, err
		}
	}
	return uint16(rec[1]), dbn.RecordTime(rec), rec, nil
}

// Nasdaq's feed, as Databento calls and numbers it.
const (
	itchDataset   = "XNAS.ITCH"
	itchPublisher = 2
)

func (s *session) openITCH(path string, in io.Reader, cfg sessionConfig) error {
	r, err := itch.NewReader(in, itch.ReaderConfig{Name: path})
	if err != nil {
		return err
	}
	first, err := r.Next()
	if err != nil && err != io.EOF {
		return err
	}
	s.source = itchDataset
	at := s.position(r.Compressed(), r.Offset)
	if cfg.raw {
		s.messages, s.schema = &itchSource{at, readAhead{first}, r}, itchSchema
		return nil
	}
	s.book = itch.NewNormalizer(itch.NormalizerConfig{PublisherID: itchPublisher, Midnight: cfg.midnight})
	src := &mboSource{position: at, r: r, book: s.book}
	if first != nil {
		src.end = s.book.Apply(first, &src.out)
	}
	s.messages, s.schema = src, dbnKind{version: dbn.MaxVersion, schema: dbn.SchemaMbo}.String()
	return nil
}

// itchSource is the messages of an ITCH file as they are.
type itchSource struct {
	position
	readAhead
	r *itch.Reader
}

func (s *itchSource) Next() (uint16, uint64, []byte, error) {
	msg := s.take()
	if msg == nil {
		var err error
		if msg, err = s.r.Next(); err != nil {
			return 0, 0, nil, err
		}
	}
	return uint16(msg[0]), itch.Timestamp(msg), msg, nil
}

// mboSource is the DBN records that the messages of an ITCH file mean.
type mboSource struct {
	position
	r       *itch.Reader
	book    *itch.Normalizer
	out     [itch.MaxRecords]dbn.MboMsg
	at, end int // of out, what is still to be handed out
}

func (s *mboSource) Next() (uint16, uint64, []byte, error) {
	for s.at == s.end {
		msg, err := s.r.Next()
		if err != nil {
			return 0, 0, nil, err
		}
		s.at, s.end = 0, s.book.Apply(msg, &s.out)
	}
	m := &s.out[s.at]
	s.at++
	return uint16(dbn.RTypeMbo), m.TsRecv, m.Bytes(), nil
}
