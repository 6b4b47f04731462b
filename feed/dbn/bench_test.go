package dbn

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// mboRecords makes n MBO records that do not repeat.
func mboRecords(n int) []byte {
	var b []byte
	m := MboMsg{Action: ActionAdd, Side: SideBid}
	for i := range n {
		m.OrderID, m.Price, m.Size = uint64(i+1), int64(i%100)*250_000_000, uint32(i%17)
		m.TsRecv, m.TsEvent = uint64(i)*1000, uint64(i)*1000-300
		b = m.Append(b)
	}
	return b
}

// benchRead reads b.N MBO records.
func benchRead(b *testing.B, r *Reader) {
	b.SetBytes(MboSize)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// A plain file of MBO records that is in memory: one record an operation.
func BenchmarkReader(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"default", 0}, {"1MiB", 1 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			header, _ := (&Metadata{}).Append(nil)
			in := io.MultiReader(bytes.NewReader(header), &endless{b: mboRecords(1 << 17)})
			r, err := NewReader(in, ReaderConfig{BufferSize: c.size})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			benchRead(b, r)
		})
	}
}

// The same, and the fields that a strategy looks at.
func BenchmarkReaderAsMbo(b *testing.B) {
	r, err := NewReader(&endless{b: mboRecords(1 << 17)}, ReaderConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	var sum int64
	b.SetBytes(MboSize)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		rec, err := r.Next()
		if err != nil {
			b.Fatal(err)
		}
		if m, ok := AsMbo(rec); ok {
			sum += m.Price*int64(m.Size) + int64(m.OrderID)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	if sum == 0 {
		b.Error("nothing was read")
	}
}

// A plain file in the page cache, from its beginning to its end and over again.
func BenchmarkReaderFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "bench.dbn")
	if err := os.WriteFile(path, mboRecords(1<<20), 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := NewReader(&again{f}, ReaderConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	benchRead(b, r)
}

// again begins from the start at the end.
type again struct{ io.ReadSeeker }

func (a *again) Read(p []byte) (int, error) {
	n, err := a.ReadSeeker.Read(p)
	if err == io.EOF {
		_, err = a.Seek(0, io.SeekStart)
	}
	return n, err
}

// A file compressed with zstd, whose frames follow each other for ever.
func BenchmarkReaderZstd(b *testing.B) {
	for _, c := range []struct {
		name  string
		ahead int
	}{{"caller", 0}, {"ahead", 4}} {
		b.Run(c.name, func(b *testing.B) {
			r, err := NewReader(&endless{b: compress(b, mboRecords(1<<17))}, ReaderConfig{ZstdAhead: c.ahead})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			benchRead(b, r)
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	rec := mboRecords(1)
	var m MboMsg
	if err := m.Decode(rec); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		cfg   WriterConfig
		write func(w *Writer) error
	}{
		{"record", WriterConfig{}, func(w *Writer) error { return w.Write(rec) }},
		{"struct", WriterConfig{}, func(w *Writer) error { m.OrderID++; return w.WriteMbo(&m) }},
		{"zstd", WriterConfig{Zstd: true}, func(w *Writer) error { m.OrderID++; return w.WriteMbo(&m) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			w, err := NewWriter(io.Discard, Metadata{}, c.cfg)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(MboSize)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.write(w); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
