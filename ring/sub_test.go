//go:build linux

package ring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// Tests of subscribers: where they begin, what they count, and what their files tell
// to others and to their successors.

func init() {
	roles["sub.hold"] = holdName
	roles["sub.read"] = readAndTell
}

// holdName is a subscriber that reads all there is and holds its name until it gets a
// line: args are dir and name.
func holdName(args []string) error {
	s, err := Open("r", Options{Dir: args[0], Name: args[1], From: FromOldest})
	if err != nil {
		fmt.Println(errors.Is(err, ErrSubscriberActive), err)
		return nil
	}
	defer s.Close()
	for _, st := s.Next(); st != Empty; _, st = s.Next() {
	}
	fmt.Println("ready")
	return awaitLine()
}

func onlySub(t testing.TB, dir string) SubscriberInfo {
	t.Helper()
	subs := mustStat(t, dir, "r").Subscribers
	if len(subs) != 1 {
		t.Fatalf("Stat tells of %d subscribers, there is 1: %v", len(subs), subs)
	}
	return subs[0]
}

func TestOneOwnerOfAName(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 10)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
	expect(t, s, 1)
	_, err := Open("r", Options{Dir: dir, Name: "a"})
	wantError(t, "the second owner in one process", err, ErrSubscriberActive, `"a"`)
	c := start(t, "sub.hold", dir, "a")
	if got := c.line(); !strings.HasPrefix(got, "true ") {
		t.Errorf("the second owner in another process: %s", got)
	}
	c.wait()
	expect(t, s, 2) // the first does not notice
	mustOpen(t, "r", Options{Dir: dir, Name: "b"}).Close()
	mustOpen(t, "r", Options{Dir: dir}).Close()
	s.Close()
	mustOpen(t, "r", Options{Dir: dir, Name: "a"}).Close()
}

// TestFileOutlivesItsOwner: a subscriber is killed; its name is free and its file
// still tells what it did.
func TestFileOutlivesItsOwner(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 7)
	c := start(t, "sub.hold", dir, "a")
	if got := c.line(); got != "ready" {
		t.Fatal(got)
	}
	pid := c.cmd.Process.Pid
	if i := onlySub(t, dir); !i.Active || i.Closed || i.PID != pid || i.Messages != 7 || i.Bytes != 7 || i.Cursor != 8 || i.Err != nil {
		t.Errorf("alive: %+v", i)
	}
	_, err := Open("r", Options{Dir: dir, Name: "a"})
	wantError(t, "Open of a name in use", err, ErrSubscriberActive, `"a"`)
	c.kill()
	eventually(t, "the name is free", func() bool { return !onlySub(t, dir).Active })
	if i := onlySub(t, dir); i.Closed || i.PID != pid || i.Messages != 7 || i.Cursor != 8 || i.Latency == nil {
		t.Errorf("killed: %+v", i)
	}
	publishCount(t, p, 1)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	expect(t, s, 8)
	if i := onlySub(t, dir); !i.Active || i.PID != os.Getpid() || i.Messages != 1 {
		t.Errorf("of the new owner: %+v", i)
	}
	s.Close()
	if i := onlySub(t, dir); i.Active || !i.Closed || i.Cursor != 9 {
		t.Errorf("closed: %+v", i)
	}
}

// TestCounters laps a subscriber three times and checks every counter.
func TestCounters(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	var delivered, size, lost, overruns uint64
	for range 3 {
		publishCount(t, p, 3*minCapacity/lineSize)
		for next := delivered + lost + 1; ; next = s.Seq() + 1 {
			m, st := s.Next()
			if st == Empty {
				break
			}
			if st == Gap {
				first, last := s.Gap()
				if first != next || last < first {
					t.Fatalf("gap %d-%d came where %d was due", first, last, next)
				}
				lost += last - first + 1
				overruns++
				continue
			}
			if st != Message || s.Seq() != next {
				t.Fatalf("%v with number %d came where %d was due", st, s.Seq(), next)
			}
			delivered++
			size += uint64(len(m))
		}
		i := onlySub(t, dir)
		if i.Messages != delivered || i.Bytes != size || i.Lost != lost || i.Overruns != overruns || i.Cursor != p.Seq()+1 {
			t.Errorf("Stat says %+v; delivered %d of %d bytes, lost %d in %d overruns", i, delivered, size, lost, overruns)
		}
		if s.Lost() != lost {
			t.Errorf("Lost says %d, the gaps %d", s.Lost(), lost)
		}
		if delivered+lost != p.Seq() {
			t.Errorf("delivered %d + lost %d are not the %d published", delivered, lost, p.Seq())
		}
	}
	if overruns != 3 {
		t.Errorf("%d overruns, want 3", overruns)
	}
}

// TestLatencyCounts: every message that is published after the join is timed, if
// there is a stamp to time it by and the subscriber wants to.
func TestLatencyCounts(t *testing.T) {
	for _, c := range []struct {
		stamps      Stamps
		noHistogram bool
		want        uint64
	}{{StampEvery, false, 500}, {StampEvery, true, 0}, {StampNone, false, 0}} {
		dir := shmDir(t)
		cfg := smallest(dir)
		cfg.Stamps = c.stamps
		p := mustCreate(t, "r", cfg)
		publishCount(t, p, 100) // these waited for the subscriber to exist
		s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest, NoHistogram: c.noHistogram})
		time.Sleep(time.Millisecond) // clocks without a counter may differ by less
		for seq := range uint64(600) {
			if seq >= 100 {
				publishCount(t, p, 1)
			}
			expect(t, s, seq+1)
		}
		i := onlySub(t, dir)
		if got := uint64(i.Latency.TotalCount()) + i.Negative; got != c.want || i.TooLong != 0 {
			t.Errorf("stamps %v, NoHistogram %t: %d latencies, %d of them negative, %d too long; want %d",
				c.stamps, c.noHistogram, got, i.Negative, i.TooLong, c.want)
		}
		if i.Messages != 600 {
			t.Errorf("%d messages, want 600", i.Messages)
		}
		if timed := c.want > 0; timed != (i.Max > 0) {
			t.Errorf("stamps %v, NoHistogram %t: the largest latency is %v", c.stamps, c.noHistogram, i.Max)
		}
	}
}

// TestLatencyValues records latencies that are known and finds them in what a monitor
// imports.
func TestLatencyValues(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	if !s.timed {
		t.Fatal("the subscriber does not measure latencies")
	}
	publishCount(t, p, 1)
	expect(t, s, 1)
	before := onlySub(t, dir).Latency.TotalCount() + int64(onlySub(t, dir).Negative)
	if before != 1 {
		t.Fatalf("%d latencies after one message", before)
	}
	clear(s.stats.counts[:])
	s.stats.negative, s.stats.tooLong, s.stats.maxNs = 0, 0, 0

	// Made-up stamps, and ticks so short that what a test takes to record one is
	// nothing. Where it was interrupted for long all the same, it tries again.
	want := hdrhistogram.New(histLow, histHigh, histDigits)
	s.joined = 0
	const n = 2000
	for range n {
		ns := r.Uint64N(1 << r.IntN(34))
		width := max(bits.Len64(ns), 8) - 8 // of its bucket, in bits
		ns = ns >> width << width
		short := max(0, min(20, bits.Len64(s.clock.Now())-bits.Len64(ns)-1))
		s.scale = 1 << (32 - short)
		for {
			was := s.stats.counts
			s.anchor = s.clock.Now() - ns<<short
			s.recordLatency(s.anchor<<32, s.clock.Now())
			if s.scale.Ns(s.clock.Now()-s.anchor)>>width == ns>>width {
				break
			}
			s.stats.counts = was
		}
		if err := want.RecordValue(int64(ns)); err != nil {
			t.Fatal(err)
		}
	}
	if i := mustStat(t, dir, "r").Subscribers[0]; !errors.Is(i.Err, ErrCorrupt) {
		t.Errorf("more latencies than messages: %+v", i)
	}
	s.stats.messages = n + 2
	i := onlySub(t, dir)
	if i.Negative != 0 || i.TooLong != 0 || i.Latency.TotalCount() != n {
		t.Fatalf("%d latencies, %d negative, %d too long; want %d", i.Latency.TotalCount(), i.Negative, i.TooLong, n)
	}
	for _, q := range []float64{0, 1, 10, 50, 90, 99, 99.9, 99.99, 100} {
		if got, want := i.Latency.ValueAtPercentile(q), want.ValueAtPercentile(q); got != want {
			t.Errorf("p%v is %d ns, want %d", q, got, want)
		}
	}
	if !i.Latency.Equals(want) {
		t.Error("the imported histogram is not the library's own")
	}

	// Below 0, and too long.
	counts := s.stats.counts
	s.anchor = s.clock.Now() + 1<<31
	s.recordLatency(s.anchor<<32, s.clock.Now())
	if i := onlySub(t, dir); i.Negative != 1 || i.Latency.TotalCount() != n {
		t.Errorf("a stamp of the future: %d negative, %d in all", i.Negative, i.Latency.TotalCount())
	}
	s.scale = 1000 << 32 // a tick of 1 µs
	s.anchor = s.clock.Now() - 1<<31
	s.recordLatency(s.anchor<<32, s.clock.Now())
	i = onlySub(t, dir)
	if i.TooLong != 1 || i.Latency.TotalCount() != n+1 || i.Max < 2147*time.Second {
		t.Errorf("2147 s: %d too long, %d in all, largest %v", i.TooLong, i.Latency.TotalCount(), i.Max)
	}
	if last := histIndex(histHigh); s.stats.counts[last] != counts[last]+1 {
		t.Error("what is too long does not count in the last bucket")
	}
	if got := i.Latency.Max(); got < histHigh {
		t.Errorf("the histogram's largest is %d, want the last bucket", got)
	}
}

// TestResume: a name goes on with the first message that it was not done with.
func TestResume(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 300)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
	for seq := uint64(1); seq <= 150; seq++ {
		expect(t, s, seq)
	}
	s.Close() // and is done with 150
	if got := onlySub(t, dir).Cursor; got != 151 {
		t.Errorf("the cursor is %d after number 150", got)
	}
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	for seq := uint64(151); seq <= 300; seq++ {
		expect(t, s, seq)
	}
	expectStatus(t, s, Empty)
	s.Close()
	// At the head, and then the publisher changes.
	p.Close()
	p = mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 1)
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	expect(t, s, 301)
	s.Close()
	// Far behind: what has left the ring is a gap, and nothing else is missing.
	publishCount(t, p, 2*minCapacity/lineSize)
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	oldest := mustStat(t, dir, "r").Oldest
	expectGap(t, s, 302, oldest-1)
	for seq := oldest; seq <= p.Seq(); seq++ {
		expect(t, s, seq)
	}
	expectStatus(t, s, Empty)
	if i := onlySub(t, dir); i.Lost != oldest-302 || i.Messages != p.Seq()-oldest+1 {
		t.Errorf("Stat says %+v; lost are %d", i, oldest-302)
	}
	s.Close()
	// Another place may be asked for; the next time the name goes on from there.
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromSeq, Seq: oldest + 100})
	expect(t, s, oldest+100)
	s.Close()
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	expect(t, s, oldest+101)
}

// TestCursorHolds: a subscriber that ends before its first Next leaves the cursor, and the
// gap that it would have reported, to its successor.
func TestCursorHolds(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 100)
	reopen := func(from From) *Subscriber {
		t.Helper()
		return mustOpen(t, "r", Options{Dir: dir, Name: "a", From: from})
	}
	reopen(FromLatest).Close()
	s := reopen(FromCursor)
	expectStatus(t, s, Empty)
	s.Close()
	s = reopen(FromOldest)
	for seq := uint64(1); seq <= 90; seq++ {
		expect(t, s, seq)
	}
	s.Close()
	for range 3 {
		reopen(FromCursor).Close()
		if got := onlySub(t, dir).Cursor; got != 91 {
			t.Fatalf("the cursor is %d, want 91", got)
		}
	}
	s = reopen(FromCursor)
	expect(t, s, 91)
	s.Close()
	publishCount(t, p, 2*minCapacity/lineSize)
	for range 3 {
		reopen(FromCursor).Close()
	}
	oldest := mustStat(t, dir, "r").Oldest
	s = reopen(FromCursor)
	expectGap(t, s, 92, oldest-1)
	expect(t, s, oldest)
}

// TestCursorAhead: a cursor that no subscriber of this ring can have had.
func TestCursorAhead(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 10)
	path := filepath.Join(dir, "r", "subs", "a")
	for _, cursor := range []uint64{12, 1 << 40, 1<<64 - 1} {
		mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromLatest}).Close()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, cursor), int64(unsafe.Offsetof(subFile{}.cursorSeq))); err != nil {
			t.Fatal(err)
		}
		_, err = Open("r", Options{Dir: dir, Name: "a"})
		wantError(t, "Open", err, ErrCorrupt, path)
		// Who says where to begin does not need it.
		s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
		expect(t, s, 1)
		s.Close()
	}
}

// readAndTell reads with the name a and tells the number of each message once it has
// been dealt with: args are dir.
func readAndTell(args []string) error {
	s, err := Open("r", Options{Dir: args[0], Name: "a"})
	if err != nil {
		return err
	}
	var line []byte
	for {
		_, st := s.Next()
		switch st {
		case Message:
			// One write: a line is told whole or not at all.
			line = append(strconv.AppendUint(line[:0], s.Seq(), 10), '\n')
			if _, err := os.Stdout.Write(line); err != nil {
				return err
			}
		case Empty:
			yield()
		default:
			return fmt.Errorf("%v: %w", st, s.Err())
		}
	}
}

// TestResumeAfterKill kills a subscriber at random moments, again and again. Its
// successor sees at most the message again that was in hand, and misses none.
func TestResumeAfterKill(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Capacity = 16 << 20 // all of the test stays in it
	p := mustCreate(t, "r", cfg)
	mustOpen(t, "r", Options{Dir: dir, Name: "a"}).Close() // the cursor is at number 1
	published := func(n uint64) { publishCount(t, p, min(n, 200_000-min(p.Seq(), 200_000))) }
	var dealt uint64 // the last message that was told
	again := 0
	for range 15 {
		published(500)
		c := start(t, "sub.read", dir)
		first, err := strconv.ParseUint(c.line(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if dealt != 0 && first != dealt && first != dealt+1 {
			t.Fatalf("a successor begins with number %d, after number %d was dealt with", first, dealt)
		}
		if first == dealt {
			again++
		}
		// Read on for a while, and then to the end of what it has told before it died.
		for range r.IntN(400) {
			published(1)
			dealt++
			first++
			if got := c.line(); got != fmt.Sprint(first) {
				t.Fatalf("number %s came where %d was due", got, first)
			}
		}
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		dealt = first
		for {
			line, err := c.out.ReadString('\n')
			if err != nil {
				break
			}
			dealt++
			if got := strings.TrimSpace(line); got != fmt.Sprint(dealt) {
				t.Fatalf("number %s came where %d was due", got, dealt)
			}
		}
		c.kill()
		if got := onlySub(t, dir).Cursor; got != dealt && got != dealt+1 {
			t.Fatalf("the cursor is %d, after number %d was dealt with", got, dealt)
		}
	}
	t.Logf("15 kills, %d messages dealt with, %d seen again", dealt, again)
}

// TestResumeInANewFile: a publisher with another configuration replaces the file and
// keeps the sequence; so cursors still count.
func TestResumeInANewFile(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 100)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromSeq, Seq: 40})
	expect(t, s, 40)
	s.Close()
	p.Close()
	cfg := smallest(dir)
	cfg.Capacity *= 2
	p = mustCreate(t, "r", cfg)
	publishCount(t, p, 100)
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	expectGap(t, s, 41, 100) // they were in the old file
	for seq := uint64(101); seq <= 200; seq++ {
		expect(t, s, seq)
	}
}

// TestCursorOfAnotherRing: a ring of the same name is not the same ring.
func TestCursorOfAnotherRing(t *testing.T) {
	dir := shmDir(t)
	path, content := closedRing(t, dir, 100)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
	for seq := range uint64(50) {
		expect(t, s, seq+1)
	}
	s.Close()
	content[0] ^= 1 // no ring any more: the next publisher begins anew
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 60)
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	expectStatus(t, s, Empty) // as a new name does, it begins with the latest
	publishCount(t, p, 1)
	expect(t, s, 61)
	if i := onlySub(t, dir); i.Messages != 1 || i.Lost != 0 || i.Cursor != 61 {
		t.Errorf("Stat says %+v", i)
	}
}

// TestBadSubscriberFiles: what has a subscriber's name is no good file of one.
func TestBadSubscriberFiles(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(path string, f *subFile) error
		want   error
	}{
		{"empty", func(path string, f *subFile) error { return os.WriteFile(path, nil, 0o600) }, ErrCorrupt},
		{"cut short", func(path string, f *subFile) error { return os.Truncate(path, int64(subFileSize)-1) }, ErrCorrupt},
		{"too long", func(path string, f *subFile) error { return os.Truncate(path, int64(subFileSize)+1) }, ErrCorrupt},
		{"zeros", func(path string, f *subFile) error { return os.WriteFile(path, make([]byte, subFileSize), 0o600) }, ErrCorrupt},
		{"magic", func(path string, f *subFile) error { f.magic++; return nil }, ErrCorrupt},
		{"checksum", func(path string, f *subFile) error { f.checksum++; return nil }, ErrCorrupt},
		{"name", func(path string, f *subFile) error { f.name[0]++; return nil }, ErrCorrupt},
		{"histogram", func(path string, f *subFile) error { f.histLen++; f.checksum = f.sum(); return nil }, ErrCorrupt},
		{"directory", func(path string, f *subFile) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, mmap.ErrNotRegular},
		{"symlink", func(path string, f *subFile) error {
			return errors.Join(os.Rename(path, path+".old"), os.Symlink(path+".old", path))
		}, mmap.ErrSymlink},
		{"FIFO", func(path string, f *subFile) error {
			return errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600))
		}, mmap.ErrNotRegular},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shmDir(t)
			p := mustCreate(t, "r", smallest(dir))
			publishCount(t, p, 3)
			s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
			expect(t, s, 1)
			s.Close()
			path := filepath.Join(dir, "r", "subs", "a")
			f, err := mmap.Open(path, mmap.ReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			r, err := f.Map(mmap.MapOptions{Access: mmap.ReadWrite})
			if err != nil {
				t.Fatal(err)
			}
			err = c.change(path, (*subFile)(r.Base()))
			r.Close()
			f.Close()
			if err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			_, err = Open("r", Options{Dir: dir, Name: "a"})
			wantError(t, "Open", err, c.want, path)
			if after := tree(t, dir); after != before {
				t.Errorf("an Open that failed has changed the directory:\n%swas\n%s", after, before)
			}
			// Stat tells of it, and of all the others.
			good := mustOpen(t, "r", Options{Dir: dir, Name: "b", From: FromOldest})
			expect(t, good, 1)
			for _, i := range mustStat(t, dir, "r").Subscribers {
				switch i.Name {
				case "a":
					wantError(t, "Stat", i.Err, c.want, path)
				case "b":
					if i.Err != nil || i.Messages != 1 || !i.Active {
						t.Errorf("the other: %+v", i)
					}
				}
			}
			// The way out that the error names.
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			s = mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
			expect(t, s, 1)
		})
	}
}

func TestEphemeral(t *testing.T) {
	dir := shmDir(t)
	mustCreate(t, "r", smallest(dir))
	subs := filepath.Join(dir, "r", "subs")
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", Ephemeral: true})
	if got := names(t, subs); got != "a" {
		t.Errorf("subs has %q", got)
	}
	s.Close()
	if got := names(t, subs); got != "" {
		t.Errorf("an ephemeral subscriber has left %q", got)
	}
	// One that was removed meanwhile does not take its successor's file away.
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a", Ephemeral: true})
	if err := os.Remove(filepath.Join(subs, "a")); err != nil {
		t.Fatal(err)
	}
	next := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	s.Close()
	if got := names(t, subs); got != "a" {
		t.Errorf("subs has %q", got)
	}
	_, err := Open("r", Options{Dir: dir, Name: "a"})
	wantError(t, "Open", err, ErrSubscriberActive, `"a"`)
	next.Close()
	// A pure reader leaves nothing.
	mustOpen(t, "r", Options{Dir: dir}).Close()
	if got := names(t, subs); got != "a" {
		t.Errorf("subs has %q", got)
	}
}

// TestFrom: each place to begin, on a ring that is empty, has begun, and has lapped.
func TestFrom(t *testing.T) {
	for _, published := range []uint64{0, 1, 63, 64, 65, 100, 5 * minCapacity / lineSize} {
		t.Run(fmt.Sprint(published), func(t *testing.T) {
			dir := shmDir(t)
			p := mustCreate(t, "r", smallest(dir))
			publishCount(t, p, published)
			i := mustStat(t, dir, "r")
			oldest, last := i.Oldest, i.Last
			if i.First != 1 || last != published || (published <= 100) != (oldest == 1) {
				t.Fatalf("Stat says first %d, oldest %d, last %d", i.First, oldest, last)
			}
			opened := func(from From, seq uint64) *Subscriber {
				return mustOpen(t, "r", Options{Dir: dir, From: from, Seq: seq})
			}
			latest, none := opened(FromLatest, 0), opened(FromCursor, 0)
			named := mustOpen(t, "r", Options{Dir: dir, Name: "new"})
			future, next := opened(FromSeq, last+10), opened(FromSeq, last+1)
			for _, s := range []*Subscriber{latest, none, named, future, next} {
				expectStatus(t, s, Empty)
			}

			// What is there.
			s := opened(FromOldest, 0)
			if published > 0 {
				if _, st := s.Next(); st != Message || s.Seq() < oldest || s.Seq() > oldest+2*minBlock/lineSize {
					t.Errorf("FromOldest: %v with number %d, the oldest is %d", st, s.Seq(), oldest)
				}
				for seq := s.Seq() + 1; seq <= last; seq++ {
					expect(t, s, seq)
				}
			}
			expectStatus(t, s, Empty)
			for _, seq := range []uint64{0, 1, oldest, oldest + 1, (oldest + last) / 2, last - min(last, 1), last} {
				s := opened(FromSeq, seq)
				from := max(seq, 1)
				if from < oldest {
					expectGap(t, s, from, oldest-1)
					if s.Lost() != oldest-from {
						t.Errorf("FromSeq %d: lost %d, want %d", seq, s.Lost(), oldest-from)
					}
					from = oldest
				}
				for ; from <= last; from++ {
					expect(t, s, from)
				}
				expectStatus(t, s, Empty)
			}

			// What is to come.
			publishCount(t, p, 20)
			for _, s := range []*Subscriber{latest, none, named, next} {
				for seq := last + 1; seq <= last+20; seq++ {
					expect(t, s, seq)
				}
			}
			for seq := last + 10; seq <= last+20; seq++ {
				expect(t, future, seq)
			}
		})
	}
}

// TestNew: where a subscriber without a cursor begins, and that one with a cursor does
// not.
func TestNew(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 9)
	if err := p.PublishMark(0, []byte("10")); err != nil {
		t.Fatal(err)
	}
	publishCount(t, p, 5)
	for from, first := range map[From]uint64{FromCursor: 16, FromLatest: 16, FromOldest: 1, FromSeq: 7, FromMark: 10} {
		name := fmt.Sprint("sub", from)
		for _, name := range []string{"", name} {
			s := mustOpen(t, "r", Options{Dir: dir, Name: name, New: from, Seq: 7})
			if first == 16 {
				expectStatus(t, s, Empty)
			} else {
				expect(t, s, first)
			}
			s.Close()
		}
		s := mustOpen(t, "r", Options{Dir: dir, Name: name, New: FromLatest})
		if first == 16 {
			expectStatus(t, s, Empty)
		} else {
			expect(t, s, first+1)
		}
		s.Close()
	}
	s := mustOpen(t, "r", Options{Dir: dir, From: FromLatest, New: FromOldest})
	expectStatus(t, s, Empty) // New is for FromCursor
	_, err := Open("r", Options{Dir: dir, New: FromMark + 1})
	wantError(t, "Open", err, ErrConfig, "New")
}

// TestJoinUnderForce joins and asks for the state of a small ring that another process
// fills as fast as it can.
func TestJoinUnderForce(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	dir := shmDir(t)
	c := start(t, "life.torrent", dir, fmt.Sprint(minCapacity))
	c.line()
	eventually(t, "the ring has lapped", func() bool { return mustStat(t, dir, "r").Oldest > 1 })
	var got, lost uint64
	joins := 300
	if mem.Portable {
		joins = 60
	}
	for i := range joins {
		before := mustStat(t, dir, "r")
		if before.Oldest > before.Last || before.Publisher == Ended || before.Publisher == Dead {
			t.Fatalf("Stat says %+v", before)
		}
		opt := Options{Dir: dir, From: From(i % 5), Rejoin: Rejoin(i / 5 % 4)}
		if i%10 >= 5 {
			opt.Name, opt.Ephemeral = "a", true
		}
		o := newOracle(MaxMessage)
		if opt.From == FromSeq {
			opt.Seq = before.Oldest/2 + r.Uint64N(before.Last-before.Oldest/2+1000)
			o.next = max(opt.Seq, 1)
		}
		s, err := Open("r", opt)
		if err != nil {
			t.Fatal(err)
		}
		o.largest = s.MaxMessage()
		first := uint64(0)
		for first == 0 || o.delivered < 50 {
			st, err := o.step(&s.subscriber)
			if err != nil {
				t.Fatalf("%+v: %v", opt, err)
			}
			switch st {
			case Message, Gap:
				if first == 0 {
					first = o.next - 1
				}
			case Empty:
				yield()
			default:
				t.Fatalf("%+v: %v", opt, st)
			}
		}
		if first < before.Oldest && opt.From != FromSeq || (opt.From == FromLatest || opt.From == FromCursor) && first <= before.Last {
			t.Errorf("%+v: it begins with number %d; before that %d to %d were there", opt, first, before.Oldest, before.Last)
		}
		got, lost = got+o.delivered, lost+o.lost
		s.Close()
	}
	t.Logf("%d joins: %d messages, %d lost", joins, got, lost)
	c.say("")
	c.wait()
}

// TestTimes: the publish time lies between two looks at the clock, and the age is a
// time since then. How exact they are is not for a test to say.
func TestTimes(t *testing.T) {
	const slack = time.Minute
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir})
	for range 3 {
		before := time.Now()
		publishCount(t, p, 1)
		expect(t, s, p.Seq())
		at, ok := s.PublishTime()
		if !ok || at.Before(before.Add(-slack)) || at.After(time.Now().Add(slack)) {
			t.Errorf("published at %v, %t; that was after %v", at, ok, before)
		}
		age, ok := s.Age()
		if !ok || age < -slack || age > time.Since(before)+slack {
			t.Errorf("age %v, %t; it was published after %v", age, ok, before)
		}
		time.Sleep(time.Millisecond)
		if later, ok := s.Age(); !ok || later <= age {
			t.Errorf("the message does not grow older: %v, then %v", age, later)
		}
		p.Close()
		p = mustCreate(t, "r", smallest(dir)) // whose stamps count from elsewhere
	}
	if hz := mustStat(t, dir, "r").TickHz; hz < 1e6 || hz > 1e11 {
		t.Errorf("the clock has %v Hz", hz)
	}
	cfg := smallest(dir)
	cfg.Stamps = StampNone
	p = mustCreate(t, "none", cfg)
	s = mustOpen(t, "none", Options{Dir: dir})
	publishCount(t, p, 1)
	expect(t, s, 1)
	if at, ok := s.PublishTime(); ok {
		t.Errorf("a ring without stamps says that it was published at %v", at)
	}
	if age, ok := s.Age(); ok {
		t.Errorf("a ring without stamps says that it was published %v ago", age)
	}
}

// TestReadToTheEnd: what was published before Close is read after it, and what a
// successor publishes after that.
func TestReadToTheEnd(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir})
	publishCount(t, p, 100)
	p.Close()
	late := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
	for seq := range uint64(100) {
		expect(t, s, seq+1)
		expect(t, late, seq+1)
	}
	for range 3 {
		expectStatus(t, s, Closed)
	}
	p = mustCreate(t, "r", smallest(dir))
	expectStatus(t, s, Empty)
	publishCount(t, p, 1)
	expect(t, s, 101)
	expectStatus(t, s, Empty)
	p.Close()
	expectStatus(t, s, Closed)
	expect(t, late, 101)
	expectStatus(t, late, Closed)
}

// TestClosedSubscriber: all methods are harmless then.
func TestClosedSubscriber(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 10)
	for _, name := range []string{"", "a"} {
		s := mustOpen(t, "r", Options{Dir: dir, Name: name, From: FromOldest})
		m, _ := s.Next()
		kept := bytes.Clone(m)
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if !bytes.Equal(m, kept) {
			t.Error("the message in hand went away with Close")
		}
		for range 10_000 {
			expectStatus(t, s, Closed)
		}
		s.Age()
		if _, ok := s.PublishTime(); ok {
			t.Error("PublishTime without a ring")
		}
		if s.Publisher() != Ended || s.Lost() != 0 || s.Err() != nil || s.Name() != "r" || s.MaxMessage() != p.MaxMessage() || s.Capacity() != p.Capacity() {
			t.Errorf("%v %d %v %q", s.Publisher(), s.Lost(), s.Err(), s.Name())
		}
		s.Schema()
		s.Source()
		s.Gap()
		s.Type()
		s.Seq()
	}
	// A gap that was not asked for any more.
	publishCount(t, p, 2*minCapacity/lineSize)
	s := mustOpen(t, "r", Options{Dir: dir, From: FromSeq, Seq: 1})
	s.Close()
	expectStatus(t, s, Closed)
}

// TestCorruptSubscriber: one that has met nonsense keeps saying so, and its file tells
// how far it came.
func TestCorruptSubscriber(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 3)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
	expect(t, s, 1)
	mem.Store((*uint64)(p.line(s.pos)), frameWord(minBlock, 0))
	for range 3 {
		expectStatus(t, s, Corrupt)
		if !errors.Is(s.Err(), ErrCorrupt) {
			t.Errorf("because of %v", s.Err())
		}
	}
	s.Close()
	if i := mustStat(t, dir, "r"); !errors.Is(i.Err, ErrCorrupt) || i.Subscribers[0].Cursor != 2 || !i.Subscribers[0].Closed {
		t.Errorf("Stat says %+v", i)
	}
}

// TestSizesAndTypes: every size of message around what fits into lines, the largest
// of all rings, and every bit of the type.
func TestSizesAndTypes(t *testing.T) {
	for _, c := range []struct {
		capacity uint64
		max      int
		want     int
	}{
		{minCapacity, 0, minBlock - headerBytes},
		{minCapacity, 1, 1},
		{minCapacity, 56, 56},
		{minCapacity, 100, 100},
		{4 << 20, 0, MaxMessage},
		{4 << 20, MaxMessage, MaxMessage},
		{8 << 20, MaxMessage, 65528},
	} {
		for _, stamps := range []Stamps{StampEvery, StampNone} {
			dir := shmDir(t)
			p := mustCreate(t, "r", Config{Dir: dir, Capacity: c.capacity, MaxMessage: c.max, Stamps: stamps, Heartbeat: -1})
			s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
			if p.MaxMessage() != c.want || s.MaxMessage() != c.want || p.Capacity() != c.capacity {
				t.Fatalf("%+v: the largest message is %d and %d", c, p.MaxMessage(), s.MaxMessage())
			}
			msg := make([]byte, c.want+1)
			for i := range msg {
				msg[i] = byte(i*31 + i>>8 + 1)
			}
			total := uint64(0)
			for n, n0 := 0, -1; n != n0; {
				for _, typ := range []uint16{0, 1, 0x1234, 0x8000, 0xFFFE, 0xFFFF} {
					if err := p.Publish(typ, msg[:n]); err != nil {
						t.Fatal(err)
					}
					m, st := s.Next()
					if st != Message || s.Type() != typ || !bytes.Equal(m, msg[:n]) || cap(m) != len(m) {
						t.Fatalf("%d bytes of type %#x came as %v, %d bytes of type %#x", n, typ, st, len(m), s.Type())
					}
					total += uint64(n)
				}
				n0 = n
				if n < 300 {
					n = min(n+1, c.want)
				} else {
					n = min(n+n/5, c.want)
				}
			}
			seq := p.Seq()
			for _, n := range []int{c.want + 1, 2 * c.want, 1 << 16, 1<<16 + 1, 1 << 20} {
				if n > c.want {
					if err := p.Publish(1, make([]byte, n)); err != ErrTooLarge {
						t.Errorf("Publish of %d bytes where %d are allowed: %v", n, c.want, err)
					}
				}
			}
			if p.Seq() != seq {
				t.Error("a message that is too large has a number")
			}
			if err := p.Publish(7, nil); err != nil {
				t.Error(err)
			}
			if m, st := s.Next(); st != Message || len(m) != 0 || s.Type() != 7 || s.Seq() != seq+1 {
				t.Errorf("after messages that are too large: %v, %d bytes", st, len(m))
			}
			if got := onlySub(t, dir).Bytes; got != total {
				t.Errorf("%d bytes counted, %d published", got, total)
			}
		}
	}
}

// TestSubscriberCutShort: somebody cuts a subscriber's file. That is the subscriber's
// trouble alone.
func TestSubscriberCutShort(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", Config{Dir: dir, Capacity: minCapacity, Heartbeat: time.Millisecond})
	publishCount(t, p, 10)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
	other := mustOpen(t, "r", Options{Dir: dir, Name: "b", From: FromOldest})
	expect(t, s, 1)
	path := filepath.Join(dir, "r", "subs", "a")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	publishCount(t, p, 10)
	p.Beat()
	err := mmap.Guard(func() error {
		_, st := s.Next()
		return fmt.Errorf("it read on: %v", st)
	})
	if !errors.Is(err, mmap.ErrFault) {
		t.Errorf("Next: %v, want %v", err, mmap.ErrFault)
	}
	for seq := range uint64(20) {
		expect(t, other, seq+1)
	}
	for _, i := range mustStat(t, dir, "r").Subscribers {
		if i.Name == "a" {
			wantError(t, "Stat", i.Err, ErrCorrupt, path)
		} else if i.Err != nil || i.Messages != 20 {
			t.Errorf("the other: %+v", i)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	expectStatus(t, s, Closed)
}

// TestReadOnly: the kernel keeps a subscriber from writing to the ring.
func TestReadOnly(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
	err := mmap.Guard(func() error {
		s.hdr.state = stateClosed
		return errors.New("it wrote")
	})
	if !errors.Is(err, mmap.ErrFault) {
		t.Errorf("a store into the ring: %v, want %v", err, mmap.ErrFault)
	}
	publishCount(t, p, 1)
	expect(t, s, 1)
}

// TestInfoIsWhatStatSays: a subscriber sees of itself what others see.
func TestInfoIsWhatStatSays(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	publishCount(t, p, 5)
	for seq := uint64(1); seq <= 5; seq++ {
		expect(t, s, seq)
	}
	own, ok := s.Info()
	theirs := onlySub(t, dir)
	if !ok || own.Messages != 5 || own.Latency.TotalCount() != 5 {
		t.Errorf("%t, %d messages, %d latencies", ok, own.Messages, own.Latency.TotalCount())
	}
	own.Latency, theirs.Latency = nil, nil
	if !reflect.DeepEqual(own, theirs) {
		t.Errorf("it says %+v, Stat says %+v", own, theirs)
	}
	s.Close()
	if _, ok := s.Info(); ok {
		t.Error("a closed subscriber has a file")
	}
	if _, ok := mustOpen(t, "r", Options{Dir: dir}).Info(); ok {
		t.Error("a pure reader has a file")
	}
}
