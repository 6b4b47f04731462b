package dbn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// header puts a header together field by field, as Databento describes it, for
// someMetadata.
func header(version int, tsOut bool) []byte {
	pad := func(s string, n int) string { return s + strings.Repeat("\x00", n-len(s)) }
	num := func(v uint64, n int) string {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v)
		return string(b[:n])
	}
	cstr := 71
	if version == 1 {
		cstr = 22
	}
	s := pad("TEST.SET", 16) + num(0xFFFF, 2) + num(1, 8) + num(1<<64-1, 8) + num(7, 8)
	if version == 1 {
		s += num(1<<64-1, 8)
	}
	s += "\x01\x00"
	if tsOut {
		s += "\x01"
	} else {
		s += "\x00"
	}
	if version > 1 {
		s += num(71, 2) + pad("", 53)
	} else {
		s += pad("", 47)
	}
	if len(s) != 100 {
		panic("the fixed part has 100 bytes")
	}
	s += num(0, 4)
	s += num(2, 4) + pad("AAA", cstr) + pad("BBB", cstr)
	s += num(1, 4) + pad("CCC", cstr)
	s += num(2, 4) + pad("DDD", cstr) + pad("EEE", cstr)
	s += num(2, 4)
	s += pad("AAA", cstr) + num(2, 4)
	s += num(20240101, 4) + num(20240102, 4) + pad("12", cstr)
	s += num(20240102, 4) + num(20240103, 4) + pad("13", cstr)
	s += pad("BBB", cstr) + num(0, 4)
	if version == 3 {
		if len(s)%8 == 0 {
			panic("this needs no padding and is no test of it")
		}
		for len(s)%8 != 0 {
			s += "\x00"
		}
	}
	return []byte("DBN" + string(rune(version)) + num(uint64(len(s)), 4) + s)
}

func TestHeader(t *testing.T) {
	for version := 1; version <= 3; version++ {
		for _, tsOut := range []bool{false, true} {
			t.Run(fmt.Sprintf("v%d/%v", version, tsOut), func(t *testing.T) {
				md := someMetadata(uint8(version), tsOut)
				want := header(version, tsOut)
				got, err := md.Append([]byte("before"))
				if err != nil || string(got[:6]) != "before" || !bytes.Equal(got[6:], want) {
					t.Fatalf("Append: %v\n got %q\nwant %q", err, got[6:], want)
				}
				back, recs, err := readAll(bytes.NewReader(want), ReaderConfig{})
				if err != nil || len(recs) != 0 {
					t.Fatal(err, recs)
				}
				md.SymbolCstrLen = 71
				if version == 1 {
					md.SymbolCstrLen = 22
				}
				if !reflect.DeepEqual(*back, md) {
					t.Errorf("got  %+v\nwant %+v", *back, md)
				}
			})
		}
	}
}

// A header with nothing in it, of the newest version.
func TestHeaderZero(t *testing.T) {
	b, err := new(Metadata).Append(nil)
	if err != nil || len(b) != 128 {
		t.Fatal(len(b), err)
	}
	md, _, err := readAll(bytes.NewReader(b), ReaderConfig{})
	if err != nil || !reflect.DeepEqual(*md, Metadata{Version: 3, SymbolCstrLen: 71}) {
		t.Errorf("%+v, %v", md, err)
	}
}

func TestHeaderRefused(t *testing.T) {
	for name, c := range map[string]struct {
		md   Metadata
		want error
	}{
		"version":         {Metadata{Version: 4}, ErrVersion},
		"long dataset":    {Metadata{Dataset: "0123456789ABCDEFG"}, ErrMetadata},
		"long symbol":     {Metadata{Version: 1, Symbols: []string{"0123456789ABCDEF0123456"}}, ErrMetadata},
		"long raw symbol": {Metadata{Mappings: []SymbolMapping{{RawSymbol: strings.Repeat("x", 72)}}}, ErrMetadata},
		"NUL":             {Metadata{NotFound: []string{"A\x00"}}, ErrMetadata},
		"cstr_len of v1":  {Metadata{Version: 1, SymbolCstrLen: 71}, ErrMetadata},
		"small cstr_len":  {Metadata{SymbolCstrLen: 21}, ErrMetadata},
		"large cstr_len":  {Metadata{SymbolCstrLen: 1 << 16}, ErrMetadata},
	} {
		if b, err := c.md.Append([]byte("x")); !errors.Is(err, c.want) || string(b) != "x" {
			t.Errorf("%s: Append: %q, %v", name, b, err)
		}
		if _, err := NewWriter(&bytes.Buffer{}, c.md, WriterConfig{}); !errors.Is(err, c.want) {
			t.Errorf("%s: NewWriter: %v", name, err)
		}
	}
}

// Every field that can be wrong is found, at its place.
func TestHeaderFaults(t *testing.T) {
	const cstr = 71
	symbols := 8 + 104 // of the count of symbols
	partial := symbols + 4 + 2*cstr
	mappings := partial + 4 + cstr + 4 + 2*cstr
	for name, c := range map[string]struct {
		at    int
		bytes []byte
		kind  error
		want  int64
	}{
		"version 0":         {3, []byte{0}, ErrVersion, 3},
		"version 4":         {3, []byte{4}, ErrVersion, 3},
		"length 0":          {4, []byte{0, 0, 0, 0}, ErrMetadata, 4},
		"length 119":        {4, []byte{119, 0, 0, 0}, ErrMetadata, 4},
		"length huge":       {4, []byte{255, 255, 255, 255}, ErrMetadata, 4},
		"length short":      {4, []byte{128, 0, 0, 0}, ErrMetadata, int64(symbols)},
		"ts_out":            {8 + 44, []byte{2}, ErrMetadata, 8 + 44},
		"symbol_cstr_len":   {8 + 45, []byte{21, 0}, ErrMetadata, 8 + 45},
		"schema definition": {8 + 100, []byte{1}, ErrMetadata, 8 + 100},
		"symbols":           {symbols, []byte{255, 255, 255, 255}, ErrMetadata, int64(symbols)},
		"partial":           {partial, []byte{255, 255, 255, 0}, ErrMetadata, int64(partial)},
		"mappings":          {mappings, []byte{255, 255, 255, 255}, ErrMetadata, int64(mappings)},
		"intervals":         {mappings + 4 + cstr, []byte{255, 255, 255, 255}, ErrMetadata, int64(mappings + 4 + cstr)},
	} {
		b := header(3, false)
		copy(b[c.at:], c.bytes)
		_, _, err := readAll(bytes.NewReader(b), ReaderConfig{})
		t.Run(name, func(t *testing.T) { wantFormatError(t, err, c.kind, c.want) })
	}
}

// Bytes that are in no list of the header are padding, up to 7, and above that a
// fault, which is found without reading them.
func TestHeaderPadding(t *testing.T) {
	for version := 1; version <= 3; version++ {
		whole := header(version, false)
		b := append(bytes.Clone(whole), make([]byte, 64)...)
		binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
		_, _, err := readAll(bytes.NewReader(b), ReaderConfig{})
		var fe *FormatError
		if !errors.As(err, &fe) || !errors.Is(err, ErrMetadata) {
			t.Fatalf("version %d: 64 bytes behind: %v", version, err)
		}
		end := fe.Offset // of the mappings
		for n := int64(0); n <= 9; n++ {
			b := append(bytes.Clone(whole[:end]), make([]byte, n)...)
			binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
			rec := record(RTypeMbo, MboSize, 1)
			_, recs, err := readAll(bytes.NewReader(append(b, rec...)), ReaderConfig{})
			if n > 7 {
				wantFormatError(t, err, ErrMetadata, end)
			} else if err != nil || len(recs) != 1 || !bytes.Equal(recs[0], rec) {
				t.Errorf("version %d, %d bytes of padding: %d records, %v", version, n, len(recs), err)
			}
		}
	}
}

// A small file that says its header is huge must not make the Reader hold more
// than it found.
func TestHeaderLies(t *testing.T) {
	const cstr = 71
	fixed := func(size uint32) []byte {
		b := make([]byte, preludeSize+fixedSize+4)
		copy(b, "DBN\x03")
		binary.LittleEndian.PutUint32(b[4:], size)
		binary.LittleEndian.PutUint16(b[8+45:], cstr)
		return b
	}
	count := func(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
	zeros := &endless{b: make([]byte, 64<<10)}
	for _, c := range []struct {
		name string
		in   io.Reader
		kind error
		at   int64
	}{
		{"longer than any", io.MultiReader(bytes.NewReader(fixed(1<<30)), zeros), ErrMetadata, 4},
		{"just longer than any", io.MultiReader(bytes.NewReader(fixed(maxMetadata+1)), zeros), ErrMetadata, 4},
		{"no lists", io.MultiReader(bytes.NewReader(fixed(maxMetadata)), zeros), ErrMetadata, 128},
		{"no symbols", io.MultiReader(bytes.NewReader(fixed(maxMetadata)), bytes.NewReader(count(maxMetadata/cstr-2))), ErrTruncated, 116},
		{"no mappings", bytes.NewReader(append(append(fixed(maxMetadata), make([]byte, 12)...), count(maxMetadata/(cstr+4)-2)...)), ErrTruncated, 128},
		{"no intervals", bytes.NewReader(append(append(append(fixed(maxMetadata), make([]byte, 12)...), count(1)...),
			append(make([]byte, cstr), count(maxMetadata/(cstr+8)-3)...)...)), ErrTruncated, 128 + cstr + 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &counted{r: c.in}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := NewReader(in, ReaderConfig{})
			runtime.ReadMemStats(&after)
			wantFormatError(t, err, c.kind, c.at)
			if in.n > 1<<20 {
				t.Errorf("%d bytes were read", in.n)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 2<<20 {
				t.Errorf("%d bytes were allocated", n)
			}
		})
	}
	// The same in a file of a few KB: zeros compress well.
	var bomb bytes.Buffer
	enc, err := zstd.NewWriter(&bomb, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(enc, io.MultiReader(bytes.NewReader(fixed(maxMetadata)), zeros), 32<<20); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = NewReader(&bomb, ReaderConfig{})
	wantFormatError(t, err, ErrMetadata, 128)
}

// counted counts what was read.
type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// Symbols may be longer than the Reader's buffer.
func TestHeaderLongSymbols(t *testing.T) {
	md := Metadata{Version: 2, SymbolCstrLen: 0xFFFF, Symbols: []string{strings.Repeat("s", 0xFFFF), "b"}}
	b, err := md.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := readAll(bytes.NewReader(b), ReaderConfig{BufferSize: 1})
	if err != nil || !reflect.DeepEqual(*got, md) {
		t.Errorf("%v", err)
	}
}
