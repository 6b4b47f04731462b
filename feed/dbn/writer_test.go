package dbn

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestWriterTyped(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, Metadata{Version: 2}, WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	// The structs have no Length and RType: the writer knows them.
	mbo := MboMsg{OrderID: 1, Action: ActionAdd, Side: SideBid}
	trade := TradeMsg{Price: 2, Action: ActionTrade}
	mbp1 := Mbp1Msg{Level: BidAskPair{BidPx: 3}}
	mbp10 := Mbp10Msg{}
	mbp10.Levels[9].AskCt = 4
	for _, err := range []error{w.WriteMbo(&mbo), w.WriteTrade(&trade), w.WriteMbp1(&mbp1), w.WriteMbp10(&mbp10), w.Close(), w.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := w.WriteMbo(&mbo); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	_, recs, err := readAll(&out, ReaderConfig{})
	if err != nil || len(recs) != 4 {
		t.Fatal(len(recs), err)
	}
	m, ok := AsMbo(recs[0])
	if !ok || m.Length != 14 || m.RType != RTypeMbo || m.OrderID != 1 || m.Side != SideBid {
		t.Errorf("mbo: %+v", m)
	}
	if m, ok := AsTrade(recs[1]); !ok || m.Price != 2 {
		t.Errorf("trade: %+v", m)
	}
	if m, ok := AsMbp1(recs[2]); !ok || m.Level.BidPx != 3 {
		t.Errorf("mbp-1: %+v", m)
	}
	if m, ok := AsMbp10(recs[3]); !ok || m.Levels[9].AskCt != 4 {
		t.Errorf("mbp-10: %+v", m)
	}
}

// A record that does not belong in the file leaves no trace in it.
func TestWriterRefuses(t *testing.T) {
	good := record(RTypeMbo, 56, 1)
	for name, c := range map[string]struct {
		md  Metadata
		rec []byte
	}{
		"nothing":          {Metadata{}, nil},
		"length byte":      {Metadata{}, record(RTypeMbo, 60, 1)[:56]},
		"two records":      {Metadata{}, append(bytes.Clone(good), good...)},
		"below header":     {Metadata{}, record(0x7F, 12, 1)},
		"size of its type": {Metadata{}, record(RTypeMbo, 64, 1)},
		"other version":    {Metadata{Version: 1}, record(RTypeDefinition, 520, 1)},
		"no ts_out":        {Metadata{TsOut: true}, good},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w, err := NewWriter(&out, c.md, WriterConfig{Name: "b.dbn"})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(c.rec); !errors.Is(err, ErrRecord) || !strings.Contains(err.Error(), "b.dbn") {
				t.Errorf("%v", err)
			}
			next := record(0x7F, 20, 1) // fits any file
			if err := w.Write(next); err != nil {
				t.Error(err)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			_, recs, err := readAll(&out, ReaderConfig{})
			if err != nil || len(recs) != 1 || !bytes.Equal(recs[0], next) {
				t.Errorf("%d records, %v", len(recs), err)
			}
		})
	}
}

// full takes some bytes and no more.
type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestWriterOutputError(t *testing.T) {
	rec := record(RTypeMbo, 56, 1)
	for _, zstd := range []bool{false, true} {
		w, err := NewWriter(&full{room: 10}, Metadata{}, WriterConfig{Zstd: zstd, BufferSize: 1, Name: "c.dbn"})
		for i := 0; err == nil && i < 1_000_000; i++ {
			rec[20], rec[21], rec[22] = byte(i), byte(i>>8), byte(i>>16) // not to be compressed to nothing
			err = w.Write(rec)
		}
		if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "c.dbn") {
			t.Fatalf("zstd %v: %v", zstd, err)
		}
		for range 2 {
			if err := w.Close(); !errors.Is(err, errFull) {
				t.Errorf("zstd %v: Close: %v", zstd, err)
			}
		}
	}
	w, err := NewWriter(&full{room: 10}, Metadata{}, WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("a header that does not fit: %v", err)
	}
}

// Levels outside of the encoder's range are taken too.
func TestWriterLevels(t *testing.T) {
	want := someRecords(3, false)
	for _, level := range []int{-5, 0, 1, 9, 22, 99} {
		data := writeAll(t, Metadata{}, WriterConfig{Zstd: true, Level: level}, want)
		if _, recs, err := readAll(bytes.NewReader(data), ReaderConfig{}); err != nil || len(recs) != len(want) {
			t.Errorf("level %d: %d records, %v", level, len(recs), err)
		}
	}
	if _, err := NewWriter(io.Discard, Metadata{Version: 9}, WriterConfig{Zstd: true}); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}
