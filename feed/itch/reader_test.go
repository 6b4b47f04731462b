package itch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
)

// oneOfEach is a BinaryFILE with every message type once, without an end marker.
func oneOfEach() []byte {
	var file []byte
	for _, t := range Types() {
		file = AppendFrame(file, pattern(t))
	}
	return file
}

func compress(t testing.TB, members ...[]byte) []byte {
	var out bytes.Buffer
	for _, m := range members {
		zw := gzip.NewWriter(&out)
		if _, err := zw.Write(m); err != nil {
			t.Fatal(err)
		}
		if err := zw.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// readAll returns copies of all messages and what ended the reading, be it an
// error of NewReader or of Next.
func readAll(r io.Reader, cfg ReaderConfig) (msgs [][]byte, rd *Reader, err error) {
	rd, err = NewReader(r, cfg)
	if err != nil {
		return nil, nil, err
	}
	for {
		m, err := rd.Next()
		if err != nil {
			if _, again := rd.Next(); again != err {
				return msgs, rd, fmt.Errorf("first error %v, second %v", err, again)
			}
			return msgs, rd, err
		}
		msgs = append(msgs, bytes.Clone(m))
	}
}

func checkOneOfEach(t *testing.T, msgs [][]byte) {
	t.Helper()
	if len(msgs) != len(Types()) {
		t.Fatalf("%d messages, want %d", len(msgs), len(Types()))
	}
	for i, ty := range Types() {
		if !bytes.Equal(msgs[i], pattern(ty)) {
			t.Errorf("message %d: got %x, want %x", i, msgs[i], pattern(ty))
		}
	}
}

func TestReaderEveryKindOfInput(t *testing.T) {
	plain := oneOfEach()
	marked := append(bytes.Clone(plain), 0, 0)
	half := len(plain)/2 + 1
	for _, c := range []struct {
		name   string
		in     []byte
		marker bool
		gzip   bool
	}{
		{"plain", plain, false, false},
		{"end marker", marked, true, false},
		{"gzip", compress(t, marked), true, true},
		{"gzip of several members", compress(t, marked[:half], nil, marked[half:]), true, true},
		{"gzip padded by a byte", append(compress(t, marked), 0), true, true},
		{"gzip padded to a block", append(compress(t, plain), make([]byte, 100_000)...), false, true},
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r },
			"bytes": iotest.OneByteReader,
			"half":  iotest.HalfReader,
			"eof":   iotest.DataErrReader,
		} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				msgs, rd, err := readAll(wrap(bytes.NewReader(c.in)), ReaderConfig{BufferSize: 1})
				if err != io.EOF {
					t.Fatal(err)
				}
				checkOneOfEach(t, msgs)
				if rd.SessionEnded() != c.marker || rd.Compressed() != c.gzip {
					t.Errorf("SessionEnded %v, Compressed %v", rd.SessionEnded(), rd.Compressed())
				}
				want := int64(len(plain))
				if c.marker {
					want += 2
				}
				if rd.Offset() != want {
					t.Errorf("offset %d at the end, want %d", rd.Offset(), want)
				}
			})
		}
	}
}

// TestReaderBufferEdges reads a file many times the size of the buffer, so that
// frames meet the end of the buffer at every place, and follows the offset.
func TestReaderBufferEdges(t *testing.T) {
	var file []byte
	for len(file) < 20*minBufferSize {
		for i, ty := range Types() {
			m := pattern(ty)
			m[3] = byte(len(file) >> (8 * (i & 1)))
			file = AppendFrame(file, m)
		}
	}
	rd, err := NewReader(bytes.NewReader(file), ReaderConfig{BufferSize: minBufferSize})
	if err != nil {
		t.Fatal(err)
	}
	for off := 0; off < len(file); {
		if rd.Offset() != int64(off) {
			t.Fatalf("offset %d, want %d", rd.Offset(), off)
		}
		m, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		if want := file[off+2 : off+2+len(m)]; !bytes.Equal(m, want) {
			t.Fatalf("offset %d: got %x, want %x", off, m, want)
		}
		if cap(m) != len(m) {
			t.Fatal("message can be appended into the next one")
		}
		off += 2 + len(m)
	}
	if _, err := rd.Next(); err != io.EOF || rd.SessionEnded() {
		t.Errorf("end: %v, SessionEnded %v", err, rd.SessionEnded())
	}
}

func TestReaderTruncatedAtEveryByte(t *testing.T) {
	file := oneOfEach()
	ends := map[int]int{} // offset of a message's end -> messages so far
	for i, off := 0, 0; i < len(Types()); i++ {
		off += 2 + Types()[i].Size()
		ends[off] = i + 1
	}
	whole := 0
	for n := 1; n <= len(file); n++ {
		msgs, _, err := readAll(bytes.NewReader(file[:n]), ReaderConfig{Name: "cut"})
		if at, ok := ends[n]; ok {
			whole = at
			if err != io.EOF {
				t.Fatalf("cut at %d, after a message: %v", n, err)
			}
		} else {
			var fe *FormatError
			if !errors.Is(err, ErrTruncated) || !errors.As(err, &fe) {
				t.Fatalf("cut at %d: %v", n, err)
			}
			if _, ok := ends[int(fe.Offset)]; !ok && fe.Offset != 0 || int(fe.Offset) > n {
				t.Fatalf("cut at %d: error names offset %d", n, fe.Offset)
			}
		}
		if len(msgs) != whole {
			t.Fatalf("cut at %d: %d messages, want %d", n, len(msgs), whole)
		}
	}
}

// A gzip stream is whole at the end of a member and nowhere else, be it in the name
// that a member's header may have.
func TestReaderTruncatedGzip(t *testing.T) {
	file := append(oneOfEach(), 0, 0)
	var out bytes.Buffer
	first := 0
	for _, part := range [][]byte{file[:len(file)-2], file[len(file)-2:]} {
		first = out.Len()
		zw := gzip.NewWriter(&out)
		zw.Name = "part of a session"
		if _, err := zw.Write(part); err != nil {
			t.Fatal(err)
		}
		if err := zw.Close(); err != nil {
			t.Fatal(err)
		}
	}
	packed := out.Bytes()
	for n := 1; n < len(packed); n++ {
		msgs, _, err := readAll(bytes.NewReader(packed[:n]), ReaderConfig{})
		if n == first {
			if err != io.EOF || len(msgs) != 23 {
				t.Fatalf("the first of two members: %d messages, %v", len(msgs), err)
			}
			continue
		}
		if !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), ": get the file again") {
			t.Fatalf("cut at %d of %d: %v", n, len(packed), err)
		}
		trailer := n >= first-8 && n < first || n >= len(packed)-8
		if len(msgs) > 23 || trailer && len(msgs) != 23 || trailer && !strings.Contains(err.Error(), "ends before its checksum") {
			t.Fatalf("cut at %d of %d: %d messages, %v", n, len(packed), len(msgs), err)
		}
	}
}

func TestReaderFaults(t *testing.T) {
	add := AppendFrame(nil, pattern(TypeAddOrder))
	with := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	zeroed := bytes.Clone(add)
	zeroed[0], zeroed[1] = 0, 0
	longer := bytes.Clone(add)
	longer[1]++
	unknown := bytes.Clone(add)
	unknown[2] = 'z'
	huge := bytes.Clone(add)
	huge[0] = 0xff
	damaged := compress(t, with(add, add))
	damaged[len(damaged)-6] ^= 0xff // in the checksum
	noise := compress(t, with(add, add))
	noise[10] = 0xff // no such kind of block
	ended := with(add, []byte{0, 0})

	for _, c := range []struct {
		name   string
		in     []byte
		want   error
		offset int64
		msgs   int
		says   string
	}{
		{"empty", nil, ErrEmpty, 0, 0, "no message in it: get the file again"},
		{"empty gzip", compress(t, nil), ErrEmpty, 0, 0, "holds no bytes: get the file again"},
		{"first prefix zero", with(zeroed, add), ErrZeroLength, 0, 0, "type A"},
		{"zero prefix in the middle", with(add, zeroed, add), ErrZeroLength, 38, 1, "type A"},
		{"bytes after the end marker", with(add, []byte{0, 0, 9}), ErrZeroLength, 38, 1, "more bytes follow"},
		{"two end markers", with(add, []byte{0, 0, 0, 0}), ErrZeroLength, 38, 1, "more bytes follow"},
		{"session and session", with(ended, ended), ErrZeroLength, 38, 1, "another one follows at offset 40: the files were joined, split them there"},
		{"sessions in gzip", compress(t, ended, ended), ErrZeroLength, 38, 1, "another one follows at offset 40"},
		{"empty session and session", with([]byte{0, 0}, ended), ErrZeroLength, 0, 0, "another one follows at offset 2"},
		{"end marker and zeros", with(ended, make([]byte, 50)), ErrZeroLength, 38, 1, "more bytes follow"},
		{"end marker alone", []byte{0, 0}, ErrZeroLength, 0, 0, "before the first message"},
		{"wrong length at first", with(longer, add), ErrLength, 0, 0, "probably not"},
		{"wrong length", with(add, longer, add), ErrLength, 38, 1, "length prefix is 37, a message of type A has 36 bytes: the file is damaged from here on, get it again"},
		{"length past the end", with(add, huge), ErrLength, 38, 1, "length prefix is 65316"},
		{"unknown type", with(add, add, unknown), ErrUnknownType, 76, 2, "z (length prefix 36): the file is damaged from here on, get it again"},
		{"one byte", []byte{0}, ErrTruncated, 0, 0, "get the file again"},
		{"cut message", add[:20], ErrTruncated, 0, 0, "cut short: message of type A has 18 of 36 bytes: get the file again"},
		{"no type", with(add, []byte{0, 36}), ErrTruncated, 38, 1, "get the file again"},
		{"text", []byte("hello, world\n"), ErrUnknownType, 0, 0, "probably not an ITCH 5.0 BinaryFILE: check"},
		{"DBN", []byte("DBN\x01 and so on"), ErrNotITCH, 0, 0, "a DBN file: read it as DBN"},
		{"zstd", []byte("\x28\xb5\x2f\xfd and so on"), ErrNotITCH, 0, 0, "a zstd file: decompress it with zstd -d"},
		{"pcap", []byte("\xd4\xc3\xb2\xa1 and so on"), ErrNotITCH, 0, 0, "a packet capture (pcap): get the data"},
		{"DBN in gzip", compress(t, []byte("DBN\x01 and so on")), ErrNotITCH, 0, 0, "a DBN file: decompress it with gzip -d, then read it as DBN"},
		{"gzip in gzip", compress(t, compress(t, add)), ErrNotITCH, 0, 0, "inside the gzip file: decompress it with gzip -d"},
		{"bad gzip header", []byte("\x1f\x8b\xff and so on, and on"), ErrCompressed, 0, 0, "damaged: the header"},
		{"bad gzip checksum", damaged, ErrCompressed, 76, 2, "damaged: the data does not have the checksum"},
		{"bad gzip block", noise, ErrCompressed, 0, 0, "damaged: a member is wrong before byte"},
		{"gzip and a byte", append(compress(t, ended), 'x'), ErrCompressed, 38, 1, "bytes that are not gzip follow"},
		{"gzip and text", append(compress(t, add), "signed by nobody"...), ErrCompressed, 38, 1, "bytes that are not gzip follow it: cut them off"},
		{"gzip, zeros and text", append(compress(t, add), "\x00\x00\x00x"...), ErrCompressed, 38, 1, "bytes that are not gzip follow"},
		{"gzip and a bad member", append(compress(t, add), "\x1f\x8b and so on"...), ErrCompressed, 38, 1, "the header of a gzip member"},
	} {
		t.Run(c.name, func(t *testing.T) {
			msgs, _, err := readAll(bytes.NewReader(c.in), ReaderConfig{Name: "some.itch50"})
			var fe *FormatError
			if !errors.Is(err, c.want) || !errors.As(err, &fe) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if fe.Offset != c.offset || len(msgs) != c.msgs {
				t.Errorf("offset %d, %d messages; want %d, %d", fe.Offset, len(msgs), c.offset, c.msgs)
			}
			text := err.Error()
			if !strings.Contains(text, "some.itch50") || !strings.Contains(text, fmt.Sprint("offset ", c.offset)) || !strings.Contains(text, c.says) {
				t.Errorf("message does not say enough: %s", text)
			}
		})
	}
}

// TestReaderPassesOnErrors: what was read before an I/O error comes first, then
// the error, again and again.
func TestReaderPassesOnErrors(t *testing.T) {
	file := oneOfEach()
	bad := errors.New("disk on fire")
	for _, n := range []int{0, 1, 2, 14, 15, 16, 100, len(file)} {
		src := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(bad))
		msgs, _, err := readAll(src, ReaderConfig{Name: "f"})
		if !errors.Is(err, bad) || !strings.Contains(err.Error(), "read f: offset") {
			t.Errorf("after %d bytes: %v", n, err)
		}
		want, _, _ := readAll(bytes.NewReader(file[:n]), ReaderConfig{})
		if len(msgs) != len(want) {
			t.Errorf("after %d bytes: %d messages, want %d", n, len(msgs), len(want))
		}
	}
	if _, _, err := readAll(stuck{}, ReaderConfig{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("reader without progress: %v", err)
	}
	src := io.MultiReader(bytes.NewReader(file), stuck{})
	if msgs, _, err := readAll(src, ReaderConfig{}); !errors.Is(err, io.ErrNoProgress) || len(msgs) != 23 {
		t.Errorf("reader that stops: %d messages, %v", len(msgs), err)
	}
	src = io.MultiReader(bytes.NewReader(compress(t, file)), stuck{})
	if msgs, _, err := readAll(src, ReaderConfig{}); !errors.Is(err, io.ErrNoProgress) || len(msgs) != 23 {
		t.Errorf("reader that stops behind gzip: %d messages, %v", len(msgs), err)
	}
}

// TestReaderImpossibleCount: a reader that says it has read what cannot be.
func TestReaderImpossibleCount(t *testing.T) {
	file := oneOfEach()
	for _, in := range [][]byte{file, compress(t, file)} {
		for _, good := range []int{0, 1, 20, len(in)} {
			for _, n := range []int{-1, 1 << 30} {
				src := io.MultiReader(bytes.NewReader(in[:good]), impossible(n))
				if _, _, err := readAll(src, ReaderConfig{Name: "f"}); !errors.Is(err, errImpossibleCount) || !strings.Contains(err.Error(), "read f: offset") {
					t.Errorf("%d after %d bytes: %v", n, good, err)
				}
			}
		}
	}
}

type impossible int

func (n impossible) Read([]byte) (int, error) { return int(n), nil }

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// TestReaderDoesNotReadAhead: a message that came through a pipe is delivered
// before the next one has been written.
func TestReaderDoesNotReadAhead(t *testing.T) {
	pr, pw := io.Pipe()
	step := make(chan bool)
	go func() {
		for _, ty := range Types() {
			_, _ = pw.Write(AppendFrame(nil, pattern(ty)))
			<-step
		}
		_ = pw.Close()
	}()
	rd, err := NewReader(pr, ReaderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ty := range Types() {
		m, err := rd.Next()
		if err != nil || !bytes.Equal(m, pattern(ty)) {
			t.Fatalf("type %v: %x, %v", ty, m, err)
		}
		step <- true
	}
	if _, err := rd.Next(); err != io.EOF {
		t.Error(err)
	}
}

func TestReaderAllocatesNothingPerMessage(t *testing.T) {
	file := bytes.Repeat(oneOfEach(), 200)
	src := bytes.NewReader(file)
	rd, err := NewReader(src, ReaderConfig{BufferSize: minBufferSize})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(3000, func() {
		if _, err := rd.Next(); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per message", n)
	}
}

// dataFile returns the path of a file of real market data, or skips the test.
func dataFile(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("TICKRING_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, "itch", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no real market data here (set TICKRING_TESTDATA): %v", err)
	}
	return path
}

func TestReaderRealFile(t *testing.T) {
	path := dataFile(t, "ritch-ex20101224.fixedlen.itch50")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{"plain": data, "gzip": compress(t, data)} {
		rd, err := NewReader(bytes.NewReader(in), ReaderConfig{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		got := map[Type]int{}
		var again []byte
		for {
			m, err := rd.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got[Type(m[0])]++
			s, err := Decode(m)
			if err != nil {
				t.Fatal(err)
			}
			again = AppendMessage(again, s)
		}
		want := map[Type]int{'P': 5000, 'A': 4997, 'D': 1745, 'E': 198, 'X': 45, 'U': 12, 'S': 6, 'R': 3, 'H': 3, 'F': 3}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		if rd.Offset() != int64(len(data)) {
			t.Errorf("%s: offset %d, want %d", name, rd.Offset(), len(data))
		}
		if !bytes.Equal(again, data) {
			t.Errorf("%s: decoded and encoded again, the file is not the same", name)
		}
	}
}

func TestReaderRefusesZeroedPrefixes(t *testing.T) {
	path := dataFile(t, "ritch-ex20101224.TEST_ITCH_50.raw")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	msgs, _, err := readAll(f, ReaderConfig{Name: path})
	var fe *FormatError
	if !errors.Is(err, ErrZeroLength) || !errors.As(err, &fe) || fe.Offset != 0 || len(msgs) != 0 {
		t.Fatalf("%d messages, %v", len(msgs), err)
	}
	if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "offset 0") {
		t.Errorf("message does not name the file and the place: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	file := oneOfEach()
	f.Add(file, 4096)
	f.Add(append(bytes.Clone(file), 0, 0), 1)
	f.Add(compress(f, file), 7)
	f.Add(file[:50], 3)
	f.Add([]byte{0, 0, 'S'}, 1)
	f.Fuzz(func(t *testing.T, in []byte, chunk int) {
		if chunk <= 0 {
			chunk = 1
		}
		msgs, rd, err := readAll(&chunked{in, chunk}, ReaderConfig{BufferSize: 1})
		if err == nil {
			t.Fatal("no error at the end")
		}
		var frames []byte
		for _, m := range msgs {
			if len(m) == 0 || Type(m[0]).Size() != len(m) {
				t.Fatalf("message %x", m)
			}
			frames = AppendFrame(frames, m)
		}
		var fe *FormatError
		switch {
		case err == io.EOF:
			if rd.SessionEnded() {
				frames = append(frames, 0, 0)
			}
			if len(frames) != int(rd.Offset()) || !rd.Compressed() && !bytes.Equal(frames, in) {
				t.Fatalf("offset %d after %d bytes of messages", rd.Offset(), len(frames))
			}
		case errors.As(err, &fe):
			if fe.Offset != int64(len(frames)) {
				t.Fatalf("error at %d after %d bytes of messages: %v", fe.Offset, len(frames), err)
			}
		default:
			t.Fatalf("not a FormatError: %v", err)
		}
	})
}

type chunked struct {
	b []byte
	n int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.n)], c.b)
	c.b = c.b[n:]
	return n, nil
}

func BenchmarkReader(b *testing.B) {
	file := flow(1, 200_000, 20_000)
	src := bytes.NewReader(file)
	b.SetBytes(int64(len(file)) / int64(countMessages(file)))
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		src.Reset(file)
		rd, err := NewReader(src, ReaderConfig{})
		if err != nil {
			b.Fatal(err)
		}
		for ; n < b.N; n++ {
			if _, err := rd.Next(); err != nil {
				if err != io.EOF {
					b.Fatal(err)
				}
				break
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mmsg/s")
}
