package dbn

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// smallFiles are Databento's own test files: version, type and number of records.
// Version 0 is a fragment.
var smallFiles = map[string]struct {
	version uint8
	schema  Schema
	records int
}{
	"test_data.bbo-1m.dbn":                 {2, SchemaBbo1M, 4},
	"test_data.bbo-1m.v2.dbn.zst":          {2, SchemaBbo1M, 4},
	"test_data.bbo-1m.v3.dbn.zst":          {3, SchemaBbo1M, 4},
	"test_data.bbo-1s.dbn":                 {2, SchemaBbo1S, 4},
	"test_data.bbo-1s.v2.dbn.zst":          {2, SchemaBbo1S, 4},
	"test_data.bbo-1s.v3.dbn.zst":          {3, SchemaBbo1S, 4},
	"test_data.cbbo-1s.v3.dbn.zst":         {3, SchemaCbbo1S, 2},
	"test_data.cmbp-1.v2.dbn.zst":          {2, SchemaCmbp1, 2},
	"test_data.cmbp-1.v3.dbn.zst":          {3, SchemaCmbp1, 2},
	"test_data.definition.dbn":             {2, SchemaDefinition, 2},
	"test_data.definition.v1.dbn.zst":      {1, SchemaDefinition, 2},
	"test_data.definition.v2.dbn.zst":      {2, SchemaDefinition, 2},
	"test_data.definition.v3.dbn.frag":     {0, SchemaDefinition, 2},
	"test_data.definition.v3.dbn.frag.zst": {0, SchemaDefinition, 2},
	"test_data.definition.v3.dbn.zst":      {3, SchemaDefinition, 2},
	"test_data.imbalance.dbn":              {2, SchemaImbalance, 2},
	"test_data.imbalance.v1.dbn.zst":       {1, SchemaImbalance, 2},
	"test_data.imbalance.v2.dbn.zst":       {2, SchemaImbalance, 2},
	"test_data.imbalance.v3.dbn.zst":       {3, SchemaImbalance, 2},
	"test_data.mbo.v1.dbn.zst":             {1, SchemaMbo, 2},
	"test_data.mbo.v2.dbn.zst":             {2, SchemaMbo, 2},
	"test_data.mbo.v3.dbn":                 {3, SchemaMbo, 2},
	"test_data.mbo.v3.dbn.zst":             {3, SchemaMbo, 2},
	"test_data.mbp-1.dbn":                  {2, SchemaMbp1, 2},
	"test_data.mbp-1.v1.dbn.zst":           {1, SchemaMbp1, 2},
	"test_data.mbp-1.v2.dbn.zst":           {2, SchemaMbp1, 2},
	"test_data.mbp-1.v3.dbn.zst":           {3, SchemaMbp1, 2},
	"test_data.mbp-10.v1.dbn.zst":          {1, SchemaMbp10, 2},
	"test_data.mbp-10.v2.dbn.zst":          {2, SchemaMbp10, 2},
	"test_data.mbp-10.v3.dbn.zst":          {3, SchemaMbp10, 2},
	"test_data.ohlcv-1d.v3.dbn.zst":        {3, SchemaOhlcv1D, 0},
	"test_data.ohlcv-1h.v3.dbn.zst":        {3, SchemaOhlcv1H, 2},
	"test_data.ohlcv-1m.v3.dbn.zst":        {3, SchemaOhlcv1M, 2},
	"test_data.ohlcv-1s.dbn":               {2, SchemaOhlcv1S, 2},
	"test_data.ohlcv-1s.v1.dbn":            {1, SchemaOhlcv1S, 2},
	"test_data.ohlcv-1s.v3.dbn.zst":        {3, SchemaOhlcv1S, 2},
	"test_data.statistics.v1.dbn.zst":      {1, SchemaStatistics, 2},
	"test_data.statistics.v2.dbn.zst":      {2, SchemaStatistics, 2},
	"test_data.statistics.v3.dbn.zst":      {3, SchemaStatistics, 2},
	"test_data.status.v2.dbn.zst":          {2, SchemaStatus, 4},
	"test_data.status.v3.dbn.zst":          {3, SchemaStatus, 4},
	"test_data.tbbo.v1.dbn.zst":            {1, SchemaTbbo, 2},
	"test_data.tbbo.v2.dbn.zst":            {2, SchemaTbbo, 2},
	"test_data.tbbo.v3.dbn.zst":            {3, SchemaTbbo, 2},
	"test_data.trades.dbn":                 {2, SchemaTrades, 2},
	"test_data.trades.v1.dbn.zst":          {1, SchemaTrades, 2},
	"test_data.trades.v2.dbn.zst":          {2, SchemaTrades, 2},
	"test_data.trades.v3.dbn.zst":          {3, SchemaTrades, 2},
}

func TestSmallFiles(t *testing.T) {
	dir := filepath.Join(dataDir(t), "databento-small")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(smallFiles) {
		t.Errorf("%d files, the test knows %d", len(entries), len(smallFiles))
	}
	for name, want := range smallFiles {
		t.Run(name, func(t *testing.T) {
			file := roundTrip(t, filepath.Join(dir, name))
			if len(file.recs) != want.records {
				t.Errorf("%d records, want %d", len(file.recs), want.records)
			}
			if want.version == 0 {
				if file.md != nil {
					t.Errorf("a fragment with a header: %+v", file.md)
				}
			} else if file.md == nil || file.md.Version != want.version || file.md.Schema != want.schema {
				t.Errorf("header %+v, want version %d, schema %v", file.md, want.version, want.schema)
			}
			for _, rec := range file.recs {
				if got := want.schema.RecordName(RecordType(rec)); got != want.schema.String() {
					t.Errorf("a record is %v, want %v", got, want.schema)
				}
			}
		})
	}
}

type file struct {
	md   *Metadata
	recs [][]byte
}

// roundTrip reads a file, writes it in each form, and checks that the bytes are
// those of the file and that what is read from them is the same again.
func roundTrip(t *testing.T, path string) file {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	plain := data
	if strings.HasSuffix(path, ".zst") {
		plain = decompress(t, data)
	}
	cfg := ReaderConfig{Name: filepath.Base(path)}
	md, recs, err := readAll(bytes.NewReader(data), cfg)
	if err != nil {
		t.Fatal(err)
	}
	out := Metadata{}
	if md != nil {
		out = *md
	}
	if got := writeAll(t, out, WriterConfig{Fragment: md == nil}, recs); !bytes.Equal(got, plain) {
		t.Errorf("%d bytes are written, the file has %d, they differ", len(got), len(plain))
	}
	packed := writeAll(t, out, WriterConfig{Fragment: md == nil, Zstd: true}, recs)
	for _, ahead := range []int{0, 2} {
		cfg.ZstdAhead = ahead
		md2, recs2, err := readAll(bytes.NewReader(packed), cfg)
		if err != nil || !reflect.DeepEqual(md, md2) || !reflect.DeepEqual(recs, recs2) {
			t.Errorf("after zstd: %d records, %v", len(recs2), err)
		}
	}
	for _, rec := range recs {
		for _, m := range messages {
			if m.rtype != RecordType(rec) {
				continue
			}
			msg := m.make()
			if err := msg.Decode(rec); err != nil || !bytes.Equal(msg.Append(nil), rec) {
				t.Fatalf("a record is not the same after Decode and Append: %v", err)
			}
		}
	}
	return file{md, recs}
}

// A CME session with a snapshot at its beginning.
func TestSessionFile(t *testing.T) {
	f := roundTrip(t, filepath.Join(dataDir(t), "esh4-glbx-mdp3-20231225.mbo.dbn.zst"))
	if f.md.Version != 1 || f.md.Schema != SchemaMbo || f.md.Dataset != "GLBX.MDP3" || f.md.STypeIn != STypeRawSymbol ||
		f.md.SymbolCstrLen != 22 || !reflect.DeepEqual(f.md.Symbols, []string{"ESH4"}) {
		t.Errorf("header %+v", f.md)
	}
	actions := map[Action]int{}
	snapshot, last := 0, uint64(0)
	for i, rec := range f.recs {
		m, ok := AsMbo(rec)
		if !ok {
			t.Fatalf("record %d is of type %v", i, RecordType(rec))
		}
		actions[m.Action]++
		if m.Flags&FlagSnapshot != 0 {
			if snapshot++; snapshot != i+1 {
				t.Fatalf("record %d is of a snapshot", i)
			}
		}
		if RecordTime(rec) != m.TsRecv || m.TsRecv < last {
			t.Fatalf("record %d: time %d, ts_recv %d, after %d", i, RecordTime(rec), m.TsRecv, last)
		}
		last = m.TsRecv
	}
	want := map[Action]int{ActionAdd: 29216, ActionCancel: 17999, ActionModify: 12233, ActionFill: 6371, ActionTrade: 2973}
	if !maps.Equal(actions, want) || len(f.recs) != 68792 || snapshot != 8725 {
		t.Errorf("%d records, %d of the snapshot, %v", len(f.recs), snapshot, actions)
	}
}

func TestFuturesFiles(t *testing.T) {
	dir := dataDir(t)
	for name, want := range map[string]struct{ records, size int }{
		"futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst":  {2288, 80},
		"futures_trades_2024-07-01T23-58_2024-07-02T00-02.dbn.zst": {120, 48},
	} {
		f := roundTrip(t, filepath.Join(dir, name))
		if len(f.recs) != want.records || len(f.recs[0]) != want.size {
			t.Errorf("%s: %d records of %d bytes", name, len(f.recs), len(f.recs[0]))
		}
	}
}

// Exchange data of another format is refused, and said what it is.
func TestOtherFiles(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(dataDir(t), "..", "itch", "*"))
	if err != nil || len(paths) == 0 {
		t.Skip("no ITCH files here")
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, recs, err := readAll(bytes.NewReader(data), ReaderConfig{})
		wantFormatError(t, err, ErrNotDBN, 0)
		if len(recs) != 0 || !strings.Contains(err.Error(), "ITCH") {
			t.Errorf("%s: %d records, %v", path, len(recs), err)
		}
	}
}
