package dbn

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Metadata is the header of a file: what was asked for when it was made.
type Metadata struct {
	Version       uint8  // 1 to MaxVersion; a Writer takes 0 as MaxVersion
	Dataset       string // "GLBX.MDP3"; at most 16 bytes
	Schema        Schema
	Start         uint64 // UNIX ns, inclusive
	End           uint64 // UNIX ns, exclusive; UndefTime if open
	Limit         uint64 // most records; 0 if there is no limit
	STypeIn       SType  // of Symbols, Partial, NotFound and SymbolMapping.RawSymbol
	STypeOut      SType  // of MappingInterval.Symbol
	TsOut         bool   // every record ends with the time it was sent: see TsOutSize
	SymbolCstrLen int    // bytes of a symbol in the header; a Writer takes 0 as the version's own
	Symbols       []string
	Partial       []string // symbols that were not found for part of the time
	NotFound      []string // symbols that were not found at all
	Mappings      []SymbolMapping
}

// SymbolMapping says what one symbol stood for, and when.
type SymbolMapping struct {
	RawSymbol string
	Intervals []MappingInterval
}

// MappingInterval is one meaning of a symbol.
type MappingInterval struct {
	StartDate uint32 // YYYYMMDD, inclusive
	EndDate   uint32 // YYYYMMDD, exclusive
	Symbol    string
}

// The header, little-endian. Symbols are NUL-padded to symbol_cstr_len.
//
//	"DBN"                  0   3
//	version                3   1
//	length of the rest     4   4
//	dataset                8  16  NUL-padded
//	schema                24   2
//	start, end, limit     26  24  u64 each
//	record_count              8   version 1 only, no longer used: all ones
//	stype_in, stype_out       2   u8 each
//	ts_out                    1
//	symbol_cstr_len           2   version 2 and up
//	reserved             to 108   zeros
//	schema definition     108   4 its length, always 0
//	symbols, partial, not_found   each: u32 count, then the symbols
//	mappings                      u32 count, then each: symbol, u32 count of
//	                              intervals: u32 start, u32 end, symbol
//	padding                       version 3: zeros, to a multiple of 8
const (
	magic          = "DBN"
	preludeSize    = 8 // magic, version, length
	datasetSize    = 16
	fixedSize      = 100 // dataset to reserved
	minMetadata    = fixedSize + 5*4
	maxMetadata    = 256 << 20 // more than a million symbols, each with its mapping
	maxPadding     = 7
	symbolCstrLen1 = 22 // version 1
	symbolCstrLen  = 71 // versions 2 and 3
	noRecordCount  = 1<<64 - 1
)

// metadataDecoder takes the header from a Reader, front to back, and holds no more
// of it than a field: what a header says of its length and its counts costs nothing
// until the bytes are there. The first error stays, and makes all later fields
// empty.
type metadataDecoder struct {
	r     *Reader
	size  int64  // of what follows the length
	left  int64  // how much of it was not yet taken
	field []byte // taken last
	err   error
}

// decodeMetadata decodes what follows the length, size bytes of r.
func decodeMetadata(r *Reader, version uint8, size int64) (*Metadata, error) {
	d := &metadataDecoder{r: r, size: size, left: size}
	md := &Metadata{Version: version, SymbolCstrLen: symbolCstrLen1}
	md.Dataset = d.cstr(datasetSize)
	md.Schema = Schema(d.u16())
	md.Start = d.u64()
	md.End = d.u64()
	md.Limit = d.u64()
	if version == 1 {
		d.take(8) // record_count
	}
	md.STypeIn = SType(d.u8())
	md.STypeOut = SType(d.u8())
	switch v := d.u8(); v {
	case 0, 1:
		md.TsOut = v == 1
	default:
		d.fail(1, "ts_out is %d, it must be 0 or 1", v)
	}
	if version > 1 {
		md.SymbolCstrLen = int(d.u16())
		if md.SymbolCstrLen < symbolCstrLen1 {
			d.fail(2, "symbols of %d bytes, DBN has %d or more", md.SymbolCstrLen, symbolCstrLen1)
		}
	}
	d.take(fixedSize - int(d.size-d.left)) // reserved
	if n := d.u32(); n != 0 {
		d.fail(4, "a schema definition of %d bytes, which no known version has", n)
	}
	md.Symbols = d.symbols("symbols", md.SymbolCstrLen)
	md.Partial = d.symbols("partial symbols", md.SymbolCstrLen)
	md.NotFound = d.symbols("symbols not found", md.SymbolCstrLen)
	md.Mappings = d.mappings(md.SymbolCstrLen)
	if d.left > maxPadding {
		d.fail(0, "%d bytes follow the mappings, at most %d of padding are possible", d.left, maxPadding)
	}
	d.take(int(d.left))
	return md, d.err
}

// fail notes a fault in the field that began back bytes ago.
func (d *metadataDecoder) fail(back int64, format string, args ...any) {
	if d.err == nil {
		d.err = d.r.fault(d.r.at()-back, ErrMetadata, fmt.Sprintf(format, args...)+": get the file again")
	}
}

// take returns the next n bytes until the next call, or none after an error.
func (d *metadataDecoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if int64(n) > d.left {
		d.fail(0, "%d bytes are needed here, the header has %d left", n, d.left)
		return nil
	}
	d.field = slices.Grow(d.field[:0], n)[:n]
	if err := d.r.readFull(d.field); err != nil {
		have, all := d.r.at(), preludeSize+d.size
		d.err = d.r.cut(err, fmt.Sprintf("the header has %d of %d bytes, %d are missing", have, all, all-have))
		return nil
	}
	d.left -= int64(n)
	return d.field
}

func (d *metadataDecoder) uint(n int) uint64 {
	var v uint64
	b := d.take(n)
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

func (d *metadataDecoder) u8() uint8   { return uint8(d.uint(1)) }
func (d *metadataDecoder) u16() uint16 { return uint16(d.uint(2)) }
func (d *metadataDecoder) u32() uint32 { return uint32(d.uint(4)) }
func (d *metadataDecoder) u64() uint64 { return d.uint(8) }

func (d *metadataDecoder) cstr(n int) string {
	return string(bytes.TrimRight(d.take(n), "\x00"))
}

// count takes the length of a list whose items have at least size bytes each. One
// that the header has no room for is a fault.
func (d *metadataDecoder) count(what string, size int) int {
	n := int64(d.u32())
	if n*int64(size) > d.left {
		d.fail(4, "%d %s, the header has room for %d", n, what, d.left/int64(size))
		return 0
	}
	return int(n)
}

// list returns a list of n items as item gives them. It grows with what was read,
// so that a count which the file does not keep costs little.
func list[T any](d *metadataDecoder, n int, item func() T) []T {
	if n == 0 {
		return nil
	}
	l := make([]T, 0, min(n, 1024))
	for len(l) < n && d.err == nil {
		l = append(l, item())
	}
	return l
}

func (d *metadataDecoder) symbols(what string, cstrLen int) []string {
	return list(d, d.count(what, cstrLen), func() string { return d.cstr(cstrLen) })
}

func (d *metadataDecoder) mappings(cstrLen int) []SymbolMapping {
	interval := func() MappingInterval { return MappingInterval{d.u32(), d.u32(), d.cstr(cstrLen)} }
	return list(d, d.count("mappings", cstrLen+4), func() SymbolMapping {
		return SymbolMapping{d.cstr(cstrLen), list(d, d.count("intervals", 8+cstrLen), interval)}
	})
}

// Append appends the header of a file, from the magic to where the first record
// begins, and returns the longer slice. A symbol that is too long, a value out of
// range or an impossible SymbolCstrLen is an error that wraps ErrMetadata, an
// unknown version one that wraps ErrVersion.
func (md *Metadata) Append(b []byte) ([]byte, error) {
	m, err := md.normal()
	if err != nil {
		return b, err
	}
	begin := len(b)
	e := metadataEncoder{b: append(b, magic...)}
	e.b = append(e.b, m.Version, 0, 0, 0, 0)
	e.cstr(m.Dataset, datasetSize)
	e.b = le.AppendUint16(e.b, uint16(m.Schema))
	e.b = le.AppendUint64(e.b, m.Start)
	e.b = le.AppendUint64(e.b, m.End)
	e.b = le.AppendUint64(e.b, m.Limit)
	if m.Version == 1 {
		e.b = le.AppendUint64(e.b, noRecordCount)
	}
	tsOut := uint8(0)
	if m.TsOut {
		tsOut = 1
	}
	e.b = append(e.b, uint8(m.STypeIn), uint8(m.STypeOut), tsOut)
	if m.Version > 1 {
		e.b = le.AppendUint16(e.b, uint16(m.SymbolCstrLen))
	}
	e.zeros(fixedSize - (len(e.b) - begin - preludeSize))
	e.b = le.AppendUint32(e.b, 0) // no schema definition
	for _, list := range [][]string{m.Symbols, m.Partial, m.NotFound} {
		e.b = le.AppendUint32(e.b, uint32(len(list)))
		for _, s := range list {
			e.cstr(s, m.SymbolCstrLen)
		}
	}
	e.b = le.AppendUint32(e.b, uint32(len(m.Mappings)))
	for _, mapping := range m.Mappings {
		e.cstr(mapping.RawSymbol, m.SymbolCstrLen)
		e.b = le.AppendUint32(e.b, uint32(len(mapping.Intervals)))
		for _, iv := range mapping.Intervals {
			e.b = le.AppendUint32(e.b, iv.StartDate)
			e.b = le.AppendUint32(e.b, iv.EndDate)
			e.cstr(iv.Symbol, m.SymbolCstrLen)
		}
	}
	if m.Version >= 3 {
		e.zeros(-(len(e.b) - begin) & 7)
	}
	size := len(e.b) - begin - preludeSize
	if e.err == nil && size > maxMetadata {
		e.err = fmt.Errorf("dbn: write header: %w: %d bytes of symbols and mappings, at most %d are possible", ErrMetadata, size, maxMetadata)
	}
	if e.err != nil {
		return b, e.err
	}
	le.PutUint32(e.b[begin+4:], uint32(size))
	return e.b, nil
}

// normal returns a copy of md with its defaults filled in, or what is wrong.
func (md *Metadata) normal() (Metadata, error) {
	m := *md
	if m.Version == 0 {
		m.Version = MaxVersion
	}
	if m.Version > MaxVersion {
		return m, fmt.Errorf("dbn: write header: %w: %d, use 1 to %d", ErrVersion, m.Version, MaxVersion)
	}
	own := symbolCstrLen
	if m.Version == 1 {
		own = symbolCstrLen1
	}
	if m.SymbolCstrLen == 0 {
		m.SymbolCstrLen = own
	}
	if m.SymbolCstrLen < symbolCstrLen1 || m.SymbolCstrLen > 0xFFFF || m.Version == 1 && m.SymbolCstrLen != own {
		return m, fmt.Errorf("dbn: write header: %w: symbols of %d bytes, version %d has %d", ErrMetadata, m.SymbolCstrLen, m.Version, own)
	}
	return m, nil
}

type metadataEncoder struct {
	b   []byte
	err error
}

func (e *metadataEncoder) zeros(n int) {
	for range n {
		e.b = append(e.b, 0)
	}
}

// cstr appends s and fills up with NULs to n bytes. A string that fills its whole
// field is written too: Databento's tools write none, but files may hold one.
func (e *metadataEncoder) cstr(s string, n int) {
	if e.err == nil && (len(s) > n || strings.HasSuffix(s, "\x00")) {
		e.err = fmt.Errorf("dbn: write header: %w: %q does not fit its field of %d bytes", ErrMetadata, s, n)
	}
	if e.err != nil {
		return
	}
	e.b = append(e.b, s...)
	e.zeros(n - len(s))
}
