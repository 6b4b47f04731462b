package dbn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"
)

// The layout of the records, from Databento's description of them.
func TestLayout(t *testing.T) {
	type field struct {
		name   string
		offset uintptr
		size   uintptr
	}
	header := []field{{"Length", 0, 1}, {"RType", 1, 1}, {"PublisherID", 2, 2}, {"InstrumentID", 4, 4}, {"TsEvent", 8, 8}}
	trade := append(header[:len(header):len(header)], field{"Price", 16, 8}, field{"Size", 24, 4}, field{"Action", 28, 1},
		field{"Side", 29, 1}, field{"Flags", 30, 1}, field{"Depth", 31, 1}, field{"TsRecv", 32, 8}, field{"TsInDelta", 40, 4}, field{"Sequence", 44, 4})
	for _, c := range []struct {
		v      any
		size   uintptr
		fields []field
	}{
		{RecordHeader{}, 16, header},
		{MboMsg{}, 56, append(header[:len(header):len(header)], field{"OrderID", 16, 8}, field{"Price", 24, 8}, field{"Size", 32, 4},
			field{"Flags", 36, 1}, field{"ChannelID", 37, 1}, field{"Action", 38, 1}, field{"Side", 39, 1},
			field{"TsRecv", 40, 8}, field{"TsInDelta", 48, 4}, field{"Sequence", 52, 4})},
		{TradeMsg{}, 48, trade},
		{BidAskPair{}, 32, []field{{"BidPx", 0, 8}, {"AskPx", 8, 8}, {"BidSz", 16, 4}, {"AskSz", 20, 4}, {"BidCt", 24, 4}, {"AskCt", 28, 4}}},
		{Mbp1Msg{}, 80, append(trade[:len(trade):len(trade)], field{"Level", 48, 32})},
		{Mbp10Msg{}, 368, append(trade[:len(trade):len(trade)], field{"Levels", 48, 320})},
	} {
		typ := reflect.TypeOf(c.v)
		if typ.Size() != c.size {
			t.Errorf("%v has %d bytes, want %d", typ, typ.Size(), c.size)
		}
		for _, f := range c.fields {
			sf, ok := typ.FieldByName(f.name)
			at := sf.Offset
			for i := 1; i < len(sf.Index); i++ { // embedded: they begin at 0
				at += typ.FieldByIndex(sf.Index[:i]).Offset
			}
			if !ok || at != f.offset || sf.Type.Size() != f.size {
				t.Errorf("%v.%s is at %d with %d bytes, want %d with %d", typ, f.name, at, sf.Type.Size(), f.offset, f.size)
			}
		}
	}
}

// message is what the four structs have in common.
type message interface {
	Decode([]byte) error
	Append([]byte) []byte
}

var messages = []struct {
	name  string
	rtype RType
	size  int
	make  func() message
	as    func([]byte) (message, bool)
}{
	{"mbo", RTypeMbo, 56, func() message { return new(MboMsg) }, func(b []byte) (message, bool) { m, ok := AsMbo(b); return m, ok }},
	{"trade", RTypeMbp0, 48, func() message { return new(TradeMsg) }, func(b []byte) (message, bool) { m, ok := AsTrade(b); return m, ok }},
	{"mbp-1", RTypeMbp1, 80, func() message { return new(Mbp1Msg) }, func(b []byte) (message, bool) { m, ok := AsMbp1(b); return m, ok }},
	{"mbp-10", RTypeMbp10, 368, func() message { return new(Mbp10Msg) }, func(b []byte) (message, bool) { m, ok := AsMbp10(b); return m, ok }},
}

// Decode, Append and the As functions agree with each other and with the layout
// that encoding/binary derives from the structs.
func TestCodec(t *testing.T) {
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			rec := record(m.rtype, m.size, 3)
			want := m.make()
			if err := binary.Read(bytes.NewReader(rec), binary.LittleEndian, want); err != nil {
				t.Fatal(err)
			}
			got := m.make()
			if err := got.Decode(rec); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Decode: %v\n got %+v\nwant %+v", err, got, want)
			}
			if out := got.Append([]byte("before")); string(out[:6]) != "before" || !bytes.Equal(out[6:], rec) {
				t.Errorf("Append: got % x\nwant % x", out[6:], rec)
			}
			// At every alignment, with ts_out and with more behind it.
			for shift := range 9 {
				moved := append(make([]byte, shift), rec...)
				moved = append(moved, 1, 2, 3, 4, 5, 6, 7, 8, 9)
				if v, ok := m.as(moved[shift:]); !ok || !reflect.DeepEqual(v, want) {
					t.Errorf("As at %d: %v\n got %+v\nwant %+v", shift, ok, v, want)
				}
			}
			long := append(bytes.Clone(rec), make([]byte, TsOutSize)...)
			long[0] += TsOutSize / wordSize
			if err := got.Decode(long); err != nil {
				t.Errorf("Decode with ts_out: %v", err)
			}
			if out := got.Append(nil); !bytes.Equal(out, rec) {
				t.Errorf("Append of a record that had ts_out: got % x\nwant % x", out, rec)
			}
			// What is not such a record.
			for n := range rec {
				if _, ok := m.as(rec[:n]); ok {
					t.Errorf("As took %d bytes", n)
				}
				if err := got.Decode(rec[:n]); !errors.Is(err, ErrRecord) {
					t.Errorf("Decode of %d bytes: %v", n, err)
				}
			}
			short := bytes.Clone(rec)
			short[0]--
			other := bytes.Clone(rec)
			other[1] = 0x7F
			for _, bad := range [][]byte{short, other} {
				if _, ok := m.as(bad); ok {
					t.Errorf("As took % x", bad[:2])
				}
				if err := got.Decode(bad); !errors.Is(err, ErrRecord) {
					t.Errorf("Decode of % x: %v", bad[:2], err)
				}
			}
		})
	}
}

// A view is the record itself where it can be.
func TestViewDirect(t *testing.T) {
	rec := record(RTypeMbo, MboSize, 1)
	m, _ := AsMbo(rec)
	rec[38] = 'F'
	if (m.Action == ActionFill) != viewIsDirect {
		t.Errorf("direct is %v, but the action is %c", viewIsDirect, m.Action)
	}
}

func TestRecordHeaderAndTime(t *testing.T) {
	rec := record(RTypeMbo, MboSize, 1)
	h, ok := ReadHeader(rec)
	if m, _ := AsMbo(rec); !ok || h != m.RecordHeader {
		t.Errorf("ReadHeader: %v %+v, want %+v", ok, h, m.RecordHeader)
	}
	if _, ok := ReadHeader(rec[:15]); ok {
		t.Error("ReadHeader took 15 bytes")
	}
	if got := RecordType(rec); got != RTypeMbo {
		t.Errorf("RecordType: %v", got)
	}
	if got := RecordType(rec[:15]); got != RTypeNone {
		t.Errorf("RecordType of 15 bytes: %v", got)
	}
	for _, c := range []struct {
		t    RType
		want int
	}{{RTypeMbo, 40}, {RTypeMbp0, 32}, {RTypeMbp1, 32}, {RTypeMbp10, 32}, {RTypeCmbp1, 32}, {RTypeTcbbo, 32},
		{RTypeCbbo1S, 32}, {RTypeCbbo1M, 32}, {RTypeBbo1S, 32}, {RTypeBbo1M, 32},
		{RTypeStatus, 16}, {RTypeDefinition, 16}, {RTypeImbalance, 16}, {RTypeStatistics, 16},
		{RTypeOhlcv, 8}, {RTypeOhlcv1S, 8}, {RTypeOhlcv1M, 8}, {RTypeOhlcv1H, 8}, {RTypeOhlcv1D, 8}, {RTypeOhlcvEod, 8},
		{RTypeError, 8}, {RTypeSymbolMapping, 8}, {RTypeSystem, 8}, {0x7F, 8}} {
		size, ok := RecordSize(c.t, 3)
		if !ok {
			size = 32
		}
		rec := record(c.t, size, 2)
		if got, want := RecordTime(rec), binary.LittleEndian.Uint64(rec[c.want:]); got != want {
			t.Errorf("RecordTime of %v: %x, want %x", c.t, got, want)
		}
		for n := range rec {
			RecordTime(rec[:n]) // must not panic
		}
	}
}

func TestRecordSizes(t *testing.T) {
	for _, c := range []struct {
		t    RType
		name string
		size [3]int
	}{
		{0x00, "trades", [3]int{48, 48, 48}}, {0x01, "mbp-1", [3]int{80, 80, 80}}, {0x0A, "mbp-10", [3]int{368, 368, 368}},
		{0x12, "status", [3]int{40, 40, 40}}, {0x13, "definition", [3]int{360, 400, 520}}, {0x14, "imbalance", [3]int{112, 112, 112}},
		{0x15, "error", [3]int{80, 320, 320}}, {0x16, "symbol-mapping", [3]int{80, 176, 176}}, {0x17, "system", [3]int{80, 320, 320}},
		{0x18, "statistics", [3]int{64, 64, 80}}, {0x20, "ohlcv-1s", [3]int{56, 56, 56}}, {0x24, "ohlcv-eod", [3]int{56, 56, 56}},
		{0xA0, "mbo", [3]int{56, 56, 56}}, {0xB1, "cmbp-1", [3]int{80, 80, 80}}, {0xC4, "bbo-1m", [3]int{80, 80, 80}},
	} {
		for v := uint8(1); v <= 3; v++ {
			if size, ok := RecordSize(c.t, v); !ok || size != c.size[v-1] {
				t.Errorf("version %d %v: %d %v, want %d", v, c.t, size, ok, c.size[v-1])
			}
		}
		if c.t.String() != c.name || !c.t.Known() {
			t.Errorf("%#x is %q, known %v, want %q", uint8(c.t), c.t, c.t.Known(), c.name)
		}
	}
	if _, ok := RecordSize(RTypeMbo, 4); ok {
		t.Error("version 4 has sizes")
	}
	if _, ok := RecordSize(RTypeMbo, 0); ok {
		t.Error("version 0 has sizes")
	}
	if RType(0x7F).Known() || RType(0x7F).String() != "rtype-0x7f" {
		t.Errorf("0x7f is %v", RType(0x7F))
	}
	// detectTsOut relies on it: with and without ts_out no two sizes are the same.
	for i := range 256 {
		seen := map[int]bool{}
		for v := uint8(1); v <= 3; v++ {
			if size, ok := RecordSize(RType(i), v); ok {
				seen[size] = true
			}
		}
		for size := range seen {
			if seen[size+TsOutSize] {
				t.Errorf("%v: %d is another version's size with ts_out", RType(i), size+TsOutSize)
			}
		}
	}
}

func TestSchemas(t *testing.T) {
	seen := map[string]bool{}
	for s := SchemaMbo; s <= SchemaBbo1M; s++ {
		name := s.String()
		if got, err := ParseSchema(name); err != nil || got != s || seen[name] {
			t.Errorf("schema %d: %q is parsed as %d, %v", s, name, got, err)
		}
		seen[name] = true
	}
	if got, err := ParseSchema("mixed"); err != nil || got != SchemaMixed {
		t.Errorf("mixed: %d, %v", got, err)
	}
	for _, bad := range []string{"", "MBO", "schema-99"} {
		if _, err := ParseSchema(bad); !errors.Is(err, ErrSchema) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got := Schema(99).String(); got != "schema-99" {
		t.Error(got)
	}
	if got := SchemaTbbo.RecordName(RTypeMbp1); got != "tbbo" {
		t.Error(got)
	}
	if got := SchemaMbp1.RecordName(RTypeMbp1); got != "mbp-1" {
		t.Error(got)
	}
	if got := SchemaTbbo.RecordName(RTypeSystem); got != "system" {
		t.Error(got)
	}
	if STypeRawSymbol.String() != "raw_symbol" || STypeNone.String() != "none" || SType(99).String() != "stype-99" {
		t.Error("names of symbologies")
	}
}

func TestBytesIsTheRecord(t *testing.T) {
	m := MboMsg{
		RecordHeader: RecordHeader{Length: MboSize / 4, RType: RTypeMbo, PublisherID: 1, InstrumentID: 2, TsEvent: 3},
		OrderID:      4, Price: -5, Size: 6, Flags: 7, ChannelID: 8, Action: ActionFill, Side: SideAsk, TsRecv: 9, TsInDelta: -10, Sequence: 11,
	}
	if got, want := m.Bytes(), m.Append(nil); !bytes.Equal(got, want) {
		t.Errorf("Bytes gives %x, Append %x", got, want)
	}
}
