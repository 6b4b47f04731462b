package dbn

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/iotest"
)

// Whatever the input is, the Reader ends with io.EOF or a FormatError, and what it
// hands out is the input's bytes, whole and in order, from which a Writer makes a
// file that reads the same.
func FuzzReader(f *testing.F) {
	for version := uint8(1); version <= MaxVersion; version++ {
		for _, tsOut := range []bool{false, true} {
			for _, zstd := range []bool{false, true} {
				cfg := WriterConfig{Zstd: zstd}
				f.Add(writeAll(f, someMetadata(version, tsOut), cfg, someRecords(version, tsOut)), uint8(FragmentNever))
				cfg.Fragment = true
				f.Add(writeAll(f, Metadata{Version: version, TsOut: tsOut}, cfg, someRecords(version, tsOut)), uint8(FragmentAuto))
			}
		}
	}
	f.Add(record(0x7F, 32, 1), uint8(FragmentAlways))
	f.Fuzz(func(t *testing.T, data []byte, fragment uint8) {
		cfg := ReaderConfig{Fragment: Fragment(fragment % 3)}
		r, err := NewReader(bytes.NewReader(data), cfg)
		if err != nil {
			if r != nil || !errors.As(err, new(*FormatError)) {
				t.Fatalf("%v %v", r, err)
			}
			return
		}
		defer r.Close()
		md, tsOut := r.Metadata(), false
		begin := r.Offset()
		at := begin
		var recs [][]byte
		for {
			rec, err := r.Next()
			if err != nil {
				if err != io.EOF && !errors.As(err, new(*FormatError)) {
					t.Fatal(err)
				}
				break
			}
			if r.Offset() != at || len(rec) < HeaderSize || len(rec) != int(rec[0])*wordSize {
				t.Fatalf("%d bytes at %d, want %d, % x", len(rec), r.Offset(), at, rec)
			}
			at += int64(len(rec))
			recs = append(recs, bytes.Clone(rec))
			RecordTime(rec)
			_ = RecordType(rec).String()
			for _, m := range messages {
				if v, ok := m.as(rec); ok && !r.TsOut() && !bytes.Equal(v.Append(nil), rec) {
					t.Fatalf("% x is appended as % x", rec, v.Append(nil))
				}
			}
		}
		tsOut = r.TsOut()
		if !isZstd(data) && !bytes.Equal(bytes.Join(recs, nil), data[begin:at]) {
			t.Fatal("the records are not the bytes of the input")
		}
		// The same byte by byte.
		md1, recs1, _ := readAll(iotest.OneByteReader(bytes.NewReader(data)), cfg)
		if !reflect.DeepEqual(md, md1) || !reflect.DeepEqual(recs, recs1) {
			t.Fatal("it reads otherwise byte by byte")
		}
		// The same through a Writer. A fragment may mix the sizes of versions.
		out, wcfg := Metadata{TsOut: tsOut}, WriterConfig{Fragment: true}
		if md != nil {
			out, wcfg.Fragment = *md, false
		}
		var buf bytes.Buffer
		w, err := NewWriter(&buf, out, wcfg)
		if err != nil {
			t.Fatalf("the header that was read cannot be written: %v", err)
		}
		for _, rec := range recs {
			if err := w.Write(rec); err != nil {
				if md == nil {
					return
				}
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		cfg.Fragment = FragmentAlways
		md2, recs2, err := readAll(&buf, cfg)
		if len(recs) == 0 && md == nil {
			return
		}
		if err != nil || !reflect.DeepEqual(md, md2) || !reflect.DeepEqual(recs, recs2) {
			t.Fatalf("after a Writer: %v\n%+v\n%+v\n%d and %d records", err, md, md2, len(recs), len(recs2))
		}
	})
}
