package dbn

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// dataDir returns the folder of real DBN files, or skips the test.
func dataDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("TICKRING_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir = filepath.Join(dir, "dbn")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real market data here: %v (TICKRING_TESTDATA names its folder)", err)
	}
	return dir
}

// readAll reads data to its end and returns copies of the records, one after the
// other and as a list, and what ended it: nil for a clean end.
func readAll(r io.Reader, cfg ReaderConfig) (md *Metadata, recs [][]byte, err error) {
	rd, err := NewReader(r, cfg)
	if err != nil {
		return nil, nil, err
	}
	defer rd.Close()
	for {
		rec, err := rd.Next()
		if err == io.EOF {
			return rd.Metadata(), recs, nil
		}
		if err != nil {
			return rd.Metadata(), recs, err
		}
		recs = append(recs, bytes.Clone(rec))
	}
}

// record makes a record of a type with bytes that differ from record to record.
func record(t RType, size int, seed int) []byte {
	rec := make([]byte, size)
	for i := range rec {
		rec[i] = byte(i*7 + seed*31 + 1)
	}
	rec[0], rec[1] = byte(size/wordSize), byte(t)
	return rec
}

// someRecords has each kind of record that a Reader treats in its own way.
func someRecords(version uint8, tsOut bool) [][]byte {
	var recs [][]byte
	types := []RType{RTypeMbo, RTypeMbp0, RTypeMbp1, RTypeMbp10, RTypeDefinition, RTypeStatistics, RTypeSystem, RTypeMbo}
	for i, t := range types {
		size, _ := RecordSize(t, version)
		if tsOut {
			size += TsOutSize
		}
		recs = append(recs, record(t, size, i))
	}
	recs = append(recs, record(0x7F, 28, 1)) // unknown, and not a multiple of 8
	return append(recs, recs[0])
}

// someMetadata has each kind of field.
func someMetadata(version uint8, tsOut bool) Metadata {
	return Metadata{
		Version: version, Dataset: "TEST.SET", Schema: SchemaMixed,
		Start: 1, End: UndefTime, Limit: 7,
		STypeIn: STypeRawSymbol, STypeOut: STypeInstrumentID, TsOut: tsOut,
		Symbols: []string{"AAA", "BBB"}, Partial: []string{"CCC"}, NotFound: []string{"DDD", "EEE"},
		Mappings: []SymbolMapping{
			{"AAA", []MappingInterval{{20240101, 20240102, "12"}, {20240102, 20240103, "13"}}},
			{"BBB", nil},
		},
	}
}

func writeAll(t testing.TB, md Metadata, cfg WriterConfig, recs [][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, md, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range recs {
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func compress(t testing.TB, data []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return enc.EncodeAll(data, nil)
}

func decompress(t testing.TB, data []byte) []byte {
	t.Helper()
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	out, err := dec.DecodeAll(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wantFormatError checks that err is a FormatError of this kind at this offset.
func wantFormatError(t *testing.T, err, kind error, offset int64) {
	t.Helper()
	var fe *FormatError
	if !errors.As(err, &fe) || !errors.Is(err, kind) || fe.Offset != offset || fe.Detail == "" {
		t.Errorf("got %v, want %q at offset %d", err, kind, offset)
	}
}
