package dbn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// forms are the ways a file can be on disk.
var forms = []struct {
	name   string
	writer WriterConfig
	reader ReaderConfig
}{
	{"plain", WriterConfig{}, ReaderConfig{}},
	{"zstd", WriterConfig{Zstd: true}, ReaderConfig{}},
	{"zstd ahead", WriterConfig{Zstd: true, Level: 19}, ReaderConfig{ZstdAhead: 2}},
	{"fragment", WriterConfig{Fragment: true}, ReaderConfig{}},
	{"fragment zstd", WriterConfig{Fragment: true, Zstd: true}, ReaderConfig{Fragment: FragmentAlways}},
}

// eachForm runs f for each version, with and without ts_out, in each form.
func eachForm(t *testing.T, f func(t *testing.T, version uint8, tsOut bool, w WriterConfig, r ReaderConfig)) {
	for version := uint8(1); version <= MaxVersion; version++ {
		for _, tsOut := range []bool{false, true} {
			for _, form := range forms {
				t.Run(fmt.Sprintf("v%d/ts_out %v/%s", version, tsOut, form.name), func(t *testing.T) {
					f(t, version, tsOut, form.writer, form.reader)
				})
			}
		}
	}
}

// What was written is read again, byte for byte, however the bytes come in, at
// the offsets at which it stands.
func TestReader(t *testing.T) {
	eachForm(t, func(t *testing.T, version uint8, tsOut bool, wcfg WriterConfig, rcfg ReaderConfig) {
		var want [][]byte
		for range 8 { // several times the smallest buffer
			want = append(want, someRecords(version, tsOut)...)
		}
		md := someMetadata(version, tsOut)
		data := writeAll(t, md, wcfg, want)
		var begin int64
		if !wcfg.Fragment {
			header, _ := md.Append(nil)
			begin = int64(len(header))
		}
		rcfg.BufferSize = 1 // the smallest
		for name, in := range map[string]io.Reader{
			"whole":       bytes.NewReader(data),
			"one byte":    iotest.OneByteReader(bytes.NewReader(data)),
			"half":        iotest.HalfReader(bytes.NewReader(data)),
			"EOF at once": iotest.DataErrReader(bytes.NewReader(data)),
			"stutter":     &stutter{r: bytes.NewReader(data)},
		} {
			r, err := NewReader(in, rcfg)
			if err != nil {
				t.Fatal(name, err)
			}
			if (r.Metadata() == nil) != wcfg.Fragment {
				t.Errorf("%s: metadata %+v", name, r.Metadata())
			}
			offset := begin
			if r.Offset() != offset {
				t.Errorf("%s: begins at %d, want %d", name, r.Offset(), offset)
			}
			for i, rec := range want {
				got, err := r.Next()
				if err != nil || !bytes.Equal(got, rec) {
					t.Fatalf("%s: record %d: %v\n got % x\nwant % x", name, i, err, got, rec)
				}
				if r.Offset() != offset {
					t.Errorf("%s: record %d is at %d, want %d", name, i, r.Offset(), offset)
				}
				if cap(got) != len(got) {
					t.Errorf("%s: an append to record %d would write over the next", name, i)
				}
				offset += int64(len(rec))
			}
			if r.TsOut() != tsOut {
				t.Errorf("%s: ts_out is %v", name, r.TsOut())
			}
			for range 2 {
				if rec, err := r.Next(); err != io.EOF || rec != nil {
					t.Errorf("%s: after the end: %v, %v", name, rec, err)
				}
			}
			if want := offset - int64(len(want[len(want)-1])); r.Offset() != want {
				t.Errorf("%s: after the end, the last record is at %d, want %d", name, r.Offset(), want)
			}
			r.Close()
			r.Close()
			if _, err := r.Next(); !errors.Is(err, ErrClosed) {
				t.Errorf("%s: after Close: %v", name, err)
			}
		}
	})
}

// stutter returns nothing before each piece that it returns.
type stutter struct {
	r    io.Reader
	turn int
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.turn++; s.turn%3 != 0 {
		return 0, nil
	}
	return s.r.Read(p[:min(len(p), 100)])
}

// A file that ends at any byte gives its whole records, and a clean end only
// where a record ends.
func TestReaderTruncated(t *testing.T) {
	eachForm(t, func(t *testing.T, version uint8, tsOut bool, wcfg WriterConfig, rcfg ReaderConfig) {
		want := someRecords(version, tsOut)
		md := someMetadata(version, tsOut)
		data := writeAll(t, md, wcfg, want)
		plain := writeAll(t, md, WriterConfig{Fragment: wcfg.Fragment}, want)
		// ends[n] is set if n bytes of the plain file are so many whole records.
		at := len(plain)
		ends := map[int]int{}
		for i := len(want); i >= 0; i-- {
			ends[at] = i
			if i > 0 {
				at -= len(want[i-1])
			}
		}
		for n := range data {
			_, recs, err := readAll(bytes.NewReader(data[:n]), rcfg)
			for i := range recs {
				if !bytes.Equal(recs[i], want[i]) {
					t.Fatalf("%d bytes: record %d is wrong", n, i)
				}
			}
			whole, clean := ends[n]
			clean = clean && n > 0 && !wcfg.Zstd
			switch {
			case err == nil && !clean, err != nil && clean:
				t.Errorf("%d bytes: %d records, then %v", n, len(recs), err)
			case clean && len(recs) != whole:
				t.Errorf("%d bytes: %d records, want %d", n, len(recs), whole)
			case !clean && n == 0 && !errors.Is(err, ErrEmpty):
				t.Errorf("0 bytes: %v", err)
			case !clean && n > 1 && !errors.Is(err, ErrTruncated):
				t.Errorf("%d bytes: %v", n, err)
			case err != nil && !errors.As(err, new(*FormatError)):
				t.Errorf("%d bytes: %v is no FormatError", n, err)
			}
			if !wcfg.Zstd && !clean && n > at { // all records before the cut
				if want := ends[n-lastPart(n, ends)]; len(recs) != want {
					t.Errorf("%d bytes: %d records, want %d", n, len(recs), want)
				}
			}
		}
	})
}

// lastPart says how many of the first n bytes lie behind a record's end.
func lastPart(n int, ends map[int]int) int {
	for k := 0; ; k++ {
		if _, ok := ends[n-k]; ok {
			return k
		}
	}
}

func TestReaderSaysWhatIsMissing(t *testing.T) {
	data := writeAll(t, Metadata{Version: 1}, WriterConfig{}, [][]byte{record(RTypeMbo, 56, 1), record(RTypeMbo, 56, 2)})
	_, recs, err := readAll(bytes.NewReader(data[:len(data)-13]), ReaderConfig{Name: "a.dbn"})
	wantFormatError(t, err, ErrTruncated, 128+56)
	if want := "dbn: read a.dbn: offset 184: file is cut short: the last record has 43 of 56 bytes, 13 are missing: get the file again"; len(recs) != 1 || err.Error() != want {
		t.Errorf("%d records, then\n     %v\nwant %v", len(recs), err, want)
	}
}

// A damaged record is found where it begins; those before it are good.
func TestReaderBadRecord(t *testing.T) {
	good := record(RTypeMbo, 56, 1)
	for name, c := range map[string]struct {
		version uint8
		tsOut   bool
		rec     []byte
		says    string
	}{
		"length 0":            {3, false, make([]byte, 56), "length byte is 0"},
		"length 0, unknown":   {3, false, append([]byte{0, 0x7F}, make([]byte, 54)...), "length byte is 0"},
		"below header":        {3, false, []byte{3, 0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "12 bytes long"},
		"unknown, below":      {3, false, []byte{3, 0x7F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "12 bytes long"},
		"mbo of 60":           {3, false, record(RTypeMbo, 60, 1), "mbo is 60 bytes long, in version 3 it is [56]"},
		"mbo with ts_out":     {3, false, record(RTypeMbo, 64, 1), "[56]"},
		"mbo without ts_out":  {3, true, record(RTypeMbo, 56, 1), "in version 3 with ts_out it is [64]"},
		"definition of v2":    {3, false, record(RTypeDefinition, 400, 1), "[520]"},
		"definition of v3":    {2, false, record(RTypeDefinition, 520, 1), "[400]"},
		"statistics of v3":    {1, false, record(RTypeStatistics, 80, 1), "[64]"},
		"cut and of no size":  {3, false, record(RTypeMbo, 60, 1)[:5], "60 bytes long"},
		"cut and of length 0": {3, false, []byte{0}, "length byte is 0"},
	} {
		t.Run(name, func(t *testing.T) {
			first := good
			if c.tsOut {
				first = record(RTypeMbo, 64, 1)
			}
			data := writeAll(t, Metadata{Version: c.version, TsOut: c.tsOut}, WriterConfig{}, [][]byte{first})
			for _, in := range [][]byte{append(data, c.rec...), compress(t, append(data, c.rec...))} {
				r, err := NewReader(bytes.NewReader(in), ReaderConfig{})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if rec, err := r.Next(); err != nil || !bytes.Equal(rec, first) {
					t.Fatal(err)
				}
				_, err = r.Next()
				wantFormatError(t, err, ErrRecord, int64(len(data)))
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v does not say %q", err, c.says)
				}
				if _, again := r.Next(); again != err {
					t.Errorf("the second time: %v", again)
				}
			}
		})
	}
}

// Files that were joined are one too many: the second header is no record.
func TestReaderJoined(t *testing.T) {
	for version := uint8(1); version <= MaxVersion; version++ {
		for _, tsOut := range []bool{false, true} {
			recs := someRecords(version, tsOut)
			first := writeAll(t, someMetadata(version, tsOut), WriterConfig{}, recs)
			for v := uint8(1); v <= MaxVersion; v++ {
				second := writeAll(t, someMetadata(v, false), WriterConfig{}, someRecords(v, false))
				fragment := bytes.Join(recs, nil)
				for name, c := range map[string]struct {
					in   []byte
					at   int
					says string
				}{
					"plain":             {append(bytes.Clone(first), second...), len(first), "another DBN file"},
					"zstd":              {append(compress(t, first), compress(t, second)...), len(first), "another DBN file"},
					"joined, then zstd": {compress(t, append(bytes.Clone(first), second...)), len(first), "another DBN file"},
					"fragment":          {append(bytes.Clone(fragment), second...), len(fragment), "another DBN file"},
					"plain and zstd":    {append(bytes.Clone(first), compress(t, second)...), len(first), "a zstd file"},
					"magic alone":       {append(bytes.Clone(first), second[:4]...), len(first), "another DBN file"},
				} {
					for _, in := range []io.Reader{bytes.NewReader(c.in), iotest.OneByteReader(bytes.NewReader(c.in))} {
						_, got, err := readAll(in, ReaderConfig{})
						wantFormatError(t, err, ErrRecord, int64(c.at))
						if len(got) != len(recs) || err == nil || !strings.Contains(err.Error(), c.says+" begins here, the files were joined: split") {
							t.Errorf("version %d, then %d, %s: %d records, want %d, then %v", version, v, name, len(got), len(recs), err)
						}
					}
				}
			}
		}
	}
	// An unknown type may be any but that.
	like := record(0x42, 0x44*wordSize, 1)
	copy(like, "DBN\x00")
	data := writeAll(t, Metadata{}, WriterConfig{}, [][]byte{like, record(0xB5, 0x28*wordSize, 1)})
	if _, got, err := readAll(bytes.NewReader(data), ReaderConfig{}); len(got) != 2 || err != nil {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// A reader that says it has read what cannot be.
func TestReaderImpossibleCount(t *testing.T) {
	for _, form := range forms {
		data := writeAll(t, Metadata{}, form.writer, someRecords(3, false))
		for _, n := range []int{-1, 1 << 30} {
			for _, good := range []int{0, 20, len(data)} {
				in := io.MultiReader(bytes.NewReader(data[:good]), impossible(n))
				_, _, err := readAll(in, form.reader)
				if err == nil || !strings.Contains(err.Error(), "impossible count") {
					t.Errorf("%s: %d bytes after %d: %v", form.name, n, good, err)
				}
			}
		}
	}
}

type impossible int

func (n impossible) Read([]byte) (int, error) { return int(n), nil }

// A file that is not DBN is refused before a record of it is handed out.
func TestReaderWrongFile(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		kind error
		says string
	}{
		"empty":             {"", ErrEmpty, "empty"},
		"itch":              {"\x00\x0cS\x00\x00\x00\x00\x0a\x2d\xf4\x92\x1d\x67O\x00\x27R", ErrForm, "ITCH"},
		"itch without size": {"\x00\x00S\x00\x00\x00\x00\x0a\x2d\xf4\x92\x1d\x67O\x00\x27R", ErrForm, "ITCH"},
		"json":              {`{"hd":{"ts_event":"1609160400000429831"}}`, ErrNotDBN, "JSON"},
		"csv":               {"ts_recv,ts_event,rtype,publisher_id\n", ErrNotDBN, `text that begins with "ts_recv,ts_e"`},
		"text like mbp-10":  {"\\\nthis is a text\n", ErrNotDBN, "text"},
		"gzip":              {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00", ErrForm, "gzip"},
		"zeros":             {strings.Repeat("\x00", 100), ErrNotDBN, "00 00 00 00 00 00 00 00"},
		"noise":             {"\x9c\x33\x81\x07\xfe\x10\x22\x9a\xd1\x00\x41\x5b\x6a\x13\x99\xc0\xff", ErrNotDBN, "9c 33"},
		"one byte":          {"\x0e", ErrNotDBN, "0e"},
		"dbz":               {"\x51\x2a\x4d\x18\x04\x00\x00\x00DBZ\x01\x28\xb5\x2f\xfd", ErrForm, "DBZ"},
		"magic only":        {"DBN", ErrTruncated, "3 of at least 128"},
		"part of magic":     {"DB", ErrTruncated, "2 bytes"},
		"part of zstd":      {"\x28\xb5\x2f", ErrTruncated, "3 bytes"},
		"zstd of nothing":   {string(writeNothing(t)), ErrEmpty, "zstd"},
		"zstd of text":      {string(compress(t, []byte("hello, this is a text"))), ErrNotDBN, "text"},
		"zstd twice":        {string(compress(t, compress(t, header(3, false)))), ErrForm, "twice"},
		"itch in zstd":      {string(compress(t, []byte("\x00\x0cS\x00\x00\x00\x00\x0a\x2d\xf4\x92\x1d\x67O"))), ErrForm, "ITCH BinaryFILE compressed with zstd: decompress it with zstd -d"},
		"gzip in zstd":      {string(compress(t, []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00"))), ErrForm, "with gzip and then with zstd: decompress it with zstd -d"},
		"zstd of 256 MiB":   {"\x28\xb5\x2f\xfd\x00\x90\x09\x00\x00D", ErrCorrupt, "128 MiB"},
		"zstd of noise":     {"\x28\xb5\x2f\xfd" + strings.Repeat("\xff", 40), ErrCorrupt, "zstd"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, fragment := range []Fragment{FragmentAuto, FragmentNever} {
				r, err := NewReader(strings.NewReader(c.data), ReaderConfig{Fragment: fragment})
				if r != nil {
					t.Error("there is a Reader")
				}
				if c.kind == ErrForm && !errors.Is(err, ErrNotDBN) || c.kind == ErrNotDBN && errors.Is(err, ErrForm) {
					t.Errorf("%v: ErrForm is an ErrNotDBN, and not the other way round", err)
				}
				if !errors.Is(err, c.kind) || !errors.As(err, new(*FormatError)) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want %q with %q", err, c.kind, c.says)
				}
			}
		})
	}
}

func writeNothing(t *testing.T) []byte {
	return writeAll(t, Metadata{}, WriterConfig{Zstd: true, Fragment: true}, nil)
}

func TestReaderFragment(t *testing.T) {
	mbo := record(RTypeMbo, 56, 1)
	unknown := record(0x7F, 32, 1)
	long := record(RTypeMbo, 64, 1) // with ts_out
	old := record(RTypeDefinition, 360, 1)
	for name, c := range map[string]struct {
		recs     [][]byte
		fragment Fragment
		good     int
		kind     error
	}{
		"auto":                   {[][]byte{mbo, unknown, mbo}, FragmentAuto, 3, nil},
		"auto, unknown first":    {[][]byte{unknown, mbo}, FragmentAuto, 0, ErrNotDBN},
		"never":                  {[][]byte{mbo}, FragmentNever, 0, ErrNotDBN},
		"always":                 {[][]byte{unknown, long, unknown, long}, FragmentAlways, 4, nil},
		"ts_out, then without":   {[][]byte{long, mbo}, FragmentAuto, 1, ErrRecord},
		"without, then ts_out":   {[][]byte{unknown, mbo, long}, FragmentAlways, 2, ErrRecord},
		"any version":            {[][]byte{old, record(RTypeDefinition, 520, 2), mbo}, FragmentAuto, 3, nil},
		"no version's size":      {[][]byte{mbo, record(RTypeDefinition, 364, 1)}, FragmentAuto, 1, ErrRecord},
		"first of no size":       {[][]byte{record(RTypeMbo, 60, 1)}, FragmentAlways, 0, ErrRecord},
		"first of no size, auto": {[][]byte{record(RTypeMbo, 60, 1)}, FragmentAuto, 0, ErrNotDBN},
	} {
		t.Run(name, func(t *testing.T) {
			md, recs, err := readAll(bytes.NewReader(bytes.Join(c.recs, nil)), ReaderConfig{Fragment: c.fragment})
			if md != nil || len(recs) != c.good || !errors.Is(err, c.kind) {
				t.Errorf("%d records, then %v, want %d, then %v", len(recs), err, c.good, c.kind)
			}
		})
	}
	// A header is read even where none is expected.
	md, _, err := readAll(bytes.NewReader(header(2, false)), ReaderConfig{Fragment: FragmentAlways})
	if err != nil || md == nil || md.Version != 2 {
		t.Errorf("%+v, %v", md, err)
	}
}

// Frames behind each other are one stream, with those that carry no data left out.
func TestReaderZstdFrames(t *testing.T) {
	want := someRecords(3, false)
	plain := writeAll(t, someMetadata(3, false), WriterConfig{}, want)
	skip := []byte("\x50\x2a\x4d\x18\x05\x00\x00\x00hello")
	var data []byte
	for i := 0; i < len(plain); i += 100 {
		data = append(data, skip...)
		data = append(data, compress(t, plain[i:min(i+100, len(plain))])...)
	}
	_, recs, err := readAll(bytes.NewReader(data), ReaderConfig{})
	if err != nil || len(recs) != len(want) || !bytes.Equal(bytes.Join(recs, nil), bytes.Join(want, nil)) {
		t.Errorf("%d records, %v, want %d", len(recs), err, len(want))
	}
	// What follows a frame must be one.
	_, recs, err = readAll(bytes.NewReader(append(data, "garbage"...)), ReaderConfig{})
	if !errors.Is(err, ErrCorrupt) || len(recs) != len(want) {
		t.Errorf("%d records, then %v", len(recs), err)
	}
}

// No bit of a zstd file can change without being found: its frames have checksums.
func TestReaderZstdCorrupt(t *testing.T) {
	want := someRecords(3, false)
	data := writeAll(t, someMetadata(3, false), WriterConfig{Zstd: true}, want)
	for i := 4; i < len(data); i++ {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		_, recs, err := readAll(bytes.NewReader(bad), ReaderConfig{})
		if err == nil && bytes.Equal(bytes.Join(recs, nil), bytes.Join(want, nil)) {
			continue // a bit without a meaning
		}
		if !errors.As(err, new(*FormatError)) {
			t.Errorf("byte %d: %d records, then %v", i, len(recs), err)
		}
	}
}

// A damaged frame is found while the decoder is reading those behind it, and the
// records before it are good.
func TestReaderZstdCorruptAhead(t *testing.T) {
	recs := mboRecords(10_000)
	frame := compress(t, recs)
	bad := bytes.Clone(frame)
	bad[len(bad)-1]++ // the checksum
	in := io.MultiReader(bytes.NewReader(frame), bytes.NewReader(bad), &endless{b: frame})
	_, got, err := readAll(iotest.HalfReader(in), ReaderConfig{ZstdAhead: 3})
	if !errors.Is(err, ErrCorrupt) || len(got) < 10_000 || len(got) > 20_000 {
		t.Errorf("%d records, then %v", len(got), err)
	}
	for i, rec := range got {
		at := i % 10_000 * MboSize
		if !bytes.Equal(rec, recs[at:at+MboSize]) {
			t.Fatalf("record %d is wrong", i)
		}
	}
}

// A failure of the input is passed on as it is, behind a decoder too.
func TestReaderInputError(t *testing.T) {
	broken := errors.New("the disk is broken")
	want := someRecords(3, false)
	for _, zstd := range []bool{false, true} {
		data := writeAll(t, Metadata{}, WriterConfig{Zstd: zstd}, want)
		for _, n := range []int{0, 3, 9, 20, len(data) - 1, len(data)} {
			in := io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(broken))
			_, recs, err := readAll(in, ReaderConfig{})
			if !errors.Is(err, broken) || errors.As(err, new(*FormatError)) {
				t.Errorf("zstd %v, %d bytes: %d records, then %v", zstd, n, len(recs), err)
			}
		}
		in := io.MultiReader(bytes.NewReader(data[:len(data)-1]), iotest.ErrReader(nil))
		if _, _, err := readAll(in, ReaderConfig{}); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("zstd %v: a reader that returns nothing for ever: %v", zstd, err)
		}
	}
}

// endless repeats its bytes for ever.
type endless struct {
	b  []byte
	at int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.b[e.at:])
	e.at = (e.at + n) % len(e.b)
	return n, nil
}

func TestNoAllocations(t *testing.T) {
	types := []RType{RTypeMbo, RTypeMbp0, RTypeMbp1, RTypeMbp10, RTypeDefinition, 0x7F}
	var recs []byte
	for i, typ := range types {
		size, ok := RecordSize(typ, 3)
		if !ok {
			size = 24
		}
		recs = append(recs, record(typ, size, i)...)
	}
	r, err := NewReader(&endless{b: recs}, ReaderConfig{}) // a fragment: sizes of all versions
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := NewWriter(io.Discard, Metadata{}, WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var mbo MboMsg
	var sum uint64
	seen := map[RType]int{}
	for _, typ := range types {
		seen[typ] = 0
	}
	one := func() {
		rec, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		seen[RecordType(rec)]++
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		if RecordType(rec) == RTypeMbo {
			if err := mbo.Decode(rec); err != nil {
				t.Fatal(err)
			}
			if err := w.WriteMbo(&mbo); err != nil {
				t.Fatal(err)
			}
		}
		if viewIsDirect {
			if m, ok := AsMbp10(rec); ok {
				sum += uint64(m.Levels[9].BidPx)
			}
		}
		sum += RecordTime(rec)
	}
	// AllocsPerRun rounds down: so many records a run that one kind of them
	// cannot hide.
	if n := testing.AllocsPerRun(100, func() {
		for range 100 * len(types) {
			one()
		}
	}); n != 0 {
		t.Errorf("%v allocations in %d records", n, 100*len(types))
	}
	for typ, n := range seen {
		if n < 1000 {
			t.Errorf("%d records of %v", n, typ)
		}
	}
}
