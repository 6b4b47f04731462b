package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
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
	size     int64  // of the file as it is stored, 0 if unknown
	file     *meteredFile
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
func openSession(path string, cfg sessionConfig) (*session, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &session{file: &meteredFile{file: file}}
	if err := s.open(path, cfg); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) open(path string, cfg sessionConfig) error {
	info, err := s.file.file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("read %s: it is a directory; name a file in it", path)
	}
	if info.Mode().IsRegular() {
		s.size = info.Size()
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
		return s.openITCH(path, in, cfg)
	}
	fragment := dbn.FragmentAuto
	if format == "frag" {
		fragment = dbn.FragmentAlways
	}
	err = s.openDBN(path, in, fragment)
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
	case bytes.HasPrefix(start, []byte("\x1F\x8B")): // gzip
		return "itch"
	case start[0] == 0: // the high half of a length, which is at most 50
		return "itch"
	}
	return "dbn"
}

func (s *session) close() {
	if s.free != nil {
		s.free()
	}
	s.file.file.Close()
}

// meteredFile counts the bytes that were read, as they are stored.
type meteredFile struct {
	file *os.File
	read int64
}

// Consumed is for replay, which tells the progress by it.
func (f *meteredFile) Consumed() int64 { return f.read }

func (f *meteredFile) Read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	f.read += int64(n)
	return n, err
}

func (s *session) openDBN(path string, in io.Reader, fragment dbn.Fragment) error {
	r, err := dbn.NewReader(in, dbn.ReaderConfig{Name: path, Fragment: fragment})
	if err != nil {
		return err
	}
	s.free = r.Close
	src := &dbnSource{meteredFile: s.file, r: r}
	src.first, err = r.Next()
	if err != nil && err != io.EOF {
		return err
	}
	kind := dbnKind{version: dbn.MaxVersion, schema: dbn.SchemaMixed, tsOut: r.TsOut()}
	if md := r.Metadata(); md != nil {
		kind.version, kind.schema = md.Version, md.Schema
		s.source = md.Dataset
	} else if src.first != nil {
		kind = kindOfFragment(src.first, r.TsOut())
	}
	s.messages, s.schema = src, kind.String()
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
	*meteredFile
	r     *dbn.Reader
	first []byte // read ahead; nil once it was handed out
}

func (s *dbnSource) Next() (uint16, uint64, []byte, error) {
	rec := s.first
	if rec != nil {
		s.first = nil
	} else {
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
	if cfg.raw {
		s.messages, s.schema = &itchSource{meteredFile: s.file, r: r, first: first}, itchSchema
		return nil
	}
	s.book = itch.NewNormalizer(itch.NormalizerConfig{PublisherID: itchPublisher, Midnight: cfg.midnight})
	src := &mboSource{meteredFile: s.file, r: r, book: s.book}
	if first != nil {
		src.end = s.book.Apply(first, &src.out)
	}
	s.messages, s.schema = src, dbnKind{version: dbn.MaxVersion, schema: dbn.SchemaMbo}.String()
	return nil
}

// itchSource is the messages of an ITCH file as they are.
type itchSource struct {
	*meteredFile
	r     *itch.Reader
	first []byte // read ahead; nil once it was handed out
}

func (s *itchSource) Next() (uint16, uint64, []byte, error) {
	msg := s.first
	if msg != nil {
		s.first = nil
	} else {
		var err error
		if msg, err = s.r.Next(); err != nil {
			return 0, 0, nil, err
		}
	}
	return uint16(msg[0]), itch.Timestamp(msg), msg, nil
}

// mboSource is the DBN records that the messages of an ITCH file mean.
type mboSource struct {
	*meteredFile
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
