//go:build linux

package ring

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

func mustWatch(t testing.TB, dir string) *Watch {
	t.Helper()
	w, err := OpenWatch(dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func mustLook(t testing.TB, w *Watch, s *Sight) {
	t.Helper()
	if err := w.Look(s); err != nil {
		t.Fatal(err)
	}
}

// sameAsStat compares a look at a ring that rests with what Stat tells.
func sameAsStat(t testing.TB, dir string, s *Sight) {
	t.Helper()
	i := mustStat(t, dir, "r")
	got, want := s.Info, i
	got.Beat, want.Beat, got.TickHz, want.TickHz = 0, 0, 0, 0
	got.Subscribers, want.Subscribers, got.Late, want.Late, got.Err, want.Err = nil, nil, nil, nil, nil, nil
	if !equalJSON(t, got, want) || (s.Err == nil) != (i.Err == nil) {
		t.Errorf("\n%+v %v\n%+v %v", got, s.Err, want, i.Err)
	}
	if (s.Own != nil) != (i.Late != nil) {
		t.Errorf("the publisher's own file: %v, %v", s.Own, i.Late)
	}
	if len(s.Subs) != len(i.Subscribers) {
		t.Fatalf("%d subscribers, not %d", len(s.Subs), len(i.Subscribers))
	}
	for k := range s.Subs {
		u, w := s.Subs[k], i.Subscribers[k]
		h := new(Counts).Histogram()
		if u.Counts != nil {
			h = u.Counts.Histogram()
		}
		if w.Err == nil && !h.Equals(w.Latency) {
			t.Errorf("%s: the latencies are other ones", u.Name)
		}
		a, b := u.SubscriberInfo, w
		b.Latency, a.Err, b.Err = nil, nil, nil
		if !equalJSON(t, a, b) || (u.Err == nil) != (w.Err == nil) {
			t.Errorf("\n%+v %v\n%+v %v", a, u.Err, b, w.Err)
		}
	}
}

// TestWatchSeesWhatStatSees does hundreds of things at random to a ring and its subscribers
// and looks after each.
func TestWatchSeesWhatStatSees(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "gate", Hold: 1}} // not for long
	p := mustCreate(t, "r", cfg)
	w := mustWatch(t, dir)
	var s Sight
	subs := map[string]*Subscriber{}
	files := uint64(0)
	known := map[string]Counts{"gate": {}}
	mustLook(t, w, &s)
	buf := make([]byte, 2000)
	for k := range 600 {
		name := string(rune('a' + r.IntN(4)))
		switch op := r.IntN(40); {
		case op < 15:
			for range r.IntN(300) {
				_ = p.Publish(0, buf[:r.IntN(1+r.IntN(len(buf)))]) // a gate may refuse it
			}
		case op < 30:
			if sub := subs[name]; sub != nil {
				for range r.IntN(300) {
					sub.Next()
				}
			}
		case op < 34:
			if subs[name] == nil {
				subs[name] = mustOpen(t, "r", Options{Dir: dir, Name: name, Ephemeral: r.IntN(3) == 0})
			}
		case op < 37:
			if subs[name] != nil {
				subs[name].Close()
				delete(subs, name)
			}
		case op < 38:
			_ = p.PublishMark(1, nil)
		case op < 39:
			_ = p.RemoveGate("gate") // a new file would lose what it has not read
			p.Close()
			if r.IntN(2) == 0 {
				cfg.Capacity = minCapacity << r.IntN(3)
			}
			before := p.fixed.fileID
			p = mustCreate(t, "r", cfg)
			if p.fixed.fileID != before {
				files++
			}
		default:
			p.Close()
			for n, sub := range subs {
				sub.Close()
				delete(subs, n)
			}
			if err := Remove(dir, "r"); err != nil {
				t.Fatal(err)
			}
			if r.IntN(2) == 0 {
				if err := w.Look(&s); !errors.Is(err, ErrNoRing) || len(s.Subs) != 0 || s.Name != "r" {
					t.Fatalf("%v, %+v", err, s)
				}
			}
			p = mustCreate(t, "r", cfg)
			files++
		}
		mustLook(t, w, &s)
		sameAsStat(t, dir, &s)
		var reader subscriber // Stat is a look itself: a reader knows by other ways where a ring begins and ends
		reader.start(p.view)
		reader.joinOldest(0)
		oldest := reader.next
		if reader.joinLatest(); s.Oldest != oldest || s.Last != reader.floor-1 {
			t.Errorf("from %d to %d, not from %d to %d", s.Oldest, s.Last, oldest, reader.floor-1)
		}
		if s.Replaced != files {
			t.Errorf("%d files came after the first, not %d", s.Replaced, files)
		}
		seen := map[string]Counts{}
		for i := range s.Subs {
			u := &s.Subs[i]
			now := Counts{}
			if u.Counts != nil {
				now = *u.Counts
			}
			before, had := known[u.Name]
			if u.Anew {
				before, had = Counts{}, true
			}
			for _, c := range u.New {
				before[c.Bucket] += c.N
			}
			if !had || before != now && (len(u.New) > 0 || !u.Anew) {
				t.Errorf("%s: what is new does not lead from what was there to what is", u.Name)
			}
			seen[u.Name] = now
		}
		known = seen
		if t.Failed() {
			t.Fatalf("step %d", k)
		}
	}
}

// TestWatchedFileIsSpoilt: whatever is done to a subscriber's file is told in words, once
// it is mended the subscriber is back, and the others are seen all the time.
func TestWatchedFileIsSpoilt(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	good := mustOpen(t, "r", Options{Dir: dir, Name: "good"})
	bad := mustOpen(t, "r", Options{Dir: dir, Name: "bad"})
	bad.Close() // its own mapping is in nobody's way
	path := dir + "/r/subs/bad"
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(f func(b []byte) []byte) func() error {
		return func() error { return os.WriteFile(path, f(append([]byte(nil), whole...)), 0o600) }
	}
	word := func(at int, v uint64) func() error {
		return write(func(b []byte) []byte {
			for i := range 8 {
				b[at+i] = byte(v >> (8 * i))
			}
			return b
		})
	}
	w := mustWatch(t, dir)
	var s Sight
	for _, c := range []struct {
		what, says string
		do         func() error
		looks      int // until it is told
	}{
		{"empty", "bytes", write(func(b []byte) []byte { return nil }), 1},
		{"cut short", "bytes", write(func(b []byte) []byte { return b[:0x1200] }), 1},
		{"longer", "bytes", write(func(b []byte) []byte { return append(b, 0) }), 1},
		{"no magic", "begins with", word(0, 0), 1},
		{"another version", "version", word(8, 77), 1},
		{"another name", "checksum", word(0x40, 77), 1},
		{"a count nobody can have measured", "one bucket", word(0x1000, 1<<63), 1},
		{"more latencies than messages", "latencies of", word(0x1000, 5), 2},
		{"a directory", "directory", func() error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, 1},
		{"a link", "symbolic link", func() error { return errors.Join(os.Remove(path), os.Symlink(dir+"/r/subs/good", path)) }, 1},
	} {
		os.Remove(path)
		if err := write(func(b []byte) []byte { return b })(); err != nil {
			t.Fatal(err)
		}
		mustLook(t, w, &s)
		if len(s.Subs) != 2 || s.Subs[0].Err != nil || s.Subs[0].Name != "bad" {
			t.Fatalf("before %s: %+v", c.what, s.Subs)
		}
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		publishCount(t, p, 1)
		good.Next()
		for range c.looks {
			mustLook(t, w, &s)
		}
		if len(s.Subs) != 2 {
			t.Fatalf("%s: %+v", c.what, s.Subs)
		}
		if err := s.Subs[0].Err; err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", c.what, err)
		}
		if u := s.Subs[0]; u.Counts != nil || u.New != nil || u.Unread != -1 || u.Messages != 0 {
			t.Errorf("%s: what cannot be known is told: %+v", c.what, u)
		}
		mustLook(t, w, &s)
		if s.Subs[0].Err == nil {
			t.Errorf("%s: told once, and not the second time", c.what)
		}
		if u := s.Subs[1]; u.Err != nil || u.Messages == 0 || !u.Active {
			t.Errorf("%s: the other subscriber: %+v", c.what, u)
		}
	}
	// Counters that go down begin anew.
	os.Remove(path)
	if err := word(0x180, 1000)(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	put := func(bucket, n byte) {
		if _, err := file.WriteAt([]byte{n}, 0x1000+8*int64(bucket)); err != nil {
			t.Fatal(err)
		}
	}
	put(100, 10)
	mustLook(t, w, &s)
	for _, c := range []struct {
		n, added byte
		anew     bool
	}{{10, 0, false}, {15, 5, false}, {3, 0, true}, {3, 0, false}, {4, 1, false}, {0, 0, true}, {1, 1, false}} {
		put(100, c.n)
		mustLook(t, w, &s)
		u, added := s.Subs[0], uint64(0)
		for _, k := range u.New {
			added += k.N
		}
		if u.Err != nil || u.Anew != c.anew || added != uint64(c.added) || (u.Counts == nil) != (c.n == 0) {
			t.Errorf("%+v: %+v", c, u.Latencies)
		}
	}
}

// TestWatchedRingIsSpoilt: what is wrong with a ring is told, and the ring is back when
// it is mended.
func TestWatchedRingIsSpoilt(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir)) // with 64 messages to a block
	publishCount(t, p, 100)
	p.Close()
	path := dir + "/r/ring"
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := mustWatch(t, dir)
	var s Sight
	spoil := func(what string, says string, change func(b []byte) []byte) {
		t.Helper()
		if err := errors.Join(os.Remove(path), os.WriteFile(path, change(append([]byte(nil), whole...)), 0o600)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err := w.Look(&s)
			if err == nil {
				err = s.Err
			}
			if err == nil || !strings.Contains(err.Error(), says) || s.Last != 0 {
				t.Errorf("%s: %v, last %d", what, err, s.Last)
			}
		}
		if err := errors.Join(os.Remove(path), os.WriteFile(path, whole, 0o600)); err != nil {
			t.Fatal(err)
		}
		mustLook(t, w, &s)
		if s.Err != nil || s.Last != 100 || s.Replaced != 0 {
			t.Errorf("after %s: %+v", what, s)
		}
	}
	set := func(at int, v byte) func(b []byte) []byte {
		return func(b []byte) []byte { b[at] = v; return b }
	}
	mustLook(t, w, &s)
	spoil("empty", "has 0 bytes", func(b []byte) []byte { return nil })
	spoil("half a ring", "bytes", func(b []byte) []byte { return b[:len(b)/2] })
	spoil("no magic", "begins with", set(0, 1))
	spoil("capacity", "checksum", set(0x12, 77))
	spoil("claimed", "claimed", set(0x100, 1))
	spoil("the block's number", "cannot begin", set(tableOffset+16+7, 1))
	spoil("the oldest block's number", "cannot begin", set(tableOffset+7, 1))
	spoil("a frame", "does not fit", set(dataOffset+80*lineSize+1, 0xff))
}

// TestUnreadIsOfTheMessageAtTheCursor compares the stamp that is found for a cursor with
// the one that a reader finds, on blocks with and without time frames.
func TestUnreadIsOfTheMessageAtTheCursor(t *testing.T) {
	for _, slow := range []bool{false, true} {
		dir := shmDir(t)
		p := mustCreate(t, "r", smallest(dir))
		w := mustWatch(t, dir)
		all := mustOpen(t, "r", Options{Dir: dir})
		s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
		r := rand.New(rand.NewPCG(seed(t), 0))
		stamps := map[uint64]uint64{}
		buf := make([]byte, 300)
		var sight Sight
		found := 0
		for range 500 {
			for range r.IntN(100) {
				if slow && r.IntN(10) == 0 { // as if a second had passed
					p.anchor -= 1 << 32
				}
				if err := p.Publish(0, buf[:r.IntN(len(buf))]); err != nil {
					t.Fatal(err)
				}
				if _, st := all.Next(); st != Message {
					t.Fatal(st)
				}
				stamps[all.Seq()] = all.fullStamp(all.word)
			}
			for range r.IntN(110) {
				s.Next()
			}
			mustLook(t, w, &sight)
			u, file := sight.Subs[0], w.subs[0]
			switch {
			case u.Cursor > sight.Last:
				if u.Unread != 0 {
					t.Errorf("nothing is unread, since %v", u.Unread)
				}
			case u.Unread >= 0:
				found++
				if file.stamp != stamps[u.Cursor] {
					t.Fatalf("slow %v: message %d has stamp %d, not %d", slow, u.Cursor, stamps[u.Cursor], file.stamp)
				}
			default:
				t.Errorf("slow %v: the time of message %d of %d to %d is not known", slow, u.Cursor, sight.Oldest, sight.Last)
			}
		}
		if found < 100 {
			t.Errorf("%d looks found a message", found)
		}
		// Lapped: the stamp that was found stays that of the cursor.
		publishCount(t, p, 1)
		s.Next()
		mustLook(t, w, &sight)
		had := w.subs[0].stamp
		publishCount(t, p, 2*minCapacity/lineSize)
		mustLook(t, w, &sight)
		if u := sight.Subs[0]; u.Cursor >= sight.Oldest || u.Unread <= 0 || w.subs[0].stamp != had {
			t.Errorf("lapped: %+v", u)
		}
		other := mustWatch(t, dir)
		mustLook(t, other, &sight)
		if u := sight.Subs[0]; u.Unread != -1 {
			t.Errorf("a message that is not in the ring any more is %v old", u.Unread)
		}
	}
}

// TestUnreadOfWhoHasYetToSkip: who joins at the end stands at the start of a block, where
// there is an older message.
func TestUnreadOfWhoHasYetToSkip(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 10)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", New: FromLatest})
	publishCount(t, p, 1)
	w := mustWatch(t, dir)
	var sight Sight
	mustLook(t, w, &sight)
	if u := sight.Subs[0]; u.Cursor != 11 || u.Unread != -1 {
		t.Errorf("%+v", u)
	}
	if mem.LoadAcquire(&s.stats.cursorPos) == p.pos-lineSize {
		t.Error("it stands at its message: this test tests nothing")
	}
}

// TestUnreadAfterTakeOvers: each publisher that goes on in a block leaves a time frame there,
// behind which the message may have no room.
func TestUnreadAfterTakeOvers(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	w := mustWatch(t, dir)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	var sight Sight
	for left := range uint64(8) {
		for publishCount(t, p, 1); (p.end-p.pos)/lineSize != left; {
			publishCount(t, p, 1)
		}
		st := Message
		for st != Empty {
			_, st = s.Next()
		}
		for range 2 {
			p.Close()
			p = mustCreate(t, "r", smallest(dir))
		}
		if err := p.Publish(0, make([]byte, 4*lineSize)); err != nil {
			t.Fatal(err)
		}
		published := tick.Mono()
		time.Sleep(time.Millisecond)
		least := time.Duration(tick.Mono()-published) * 9 / 10 // clocks are not the same
		mustLook(t, w, &sight)
		u, got := sight.Subs[0], w.subs[0].stamp
		if _, st := s.Next(); st != Message || s.fullStamp(s.word) != got || u.Unread < least || u.Cursor != s.Seq() {
			t.Errorf("with %d lines left: %v, message %d has stamp %d, not %d: %+v", left, st, s.Seq(), s.fullStamp(s.word), got, u)
		}
	}
}

// TestWatchedHeaderChanges: what is constant in a ring's header is held against what it was.
func TestWatchedHeaderChanges(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	w := mustWatch(t, dir)
	var sight Sight
	mustLook(t, w, &sight)
	f, err := os.OpenFile(p.paths.ring(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, source := range []string{"x", "\x00"} {
		if _, err := f.WriteAt([]byte(source), int64(unsafe.Offsetof(header{}.source))); err != nil {
			t.Fatal(err)
		}
		if err := w.Look(&sight); source == "x" != errors.Is(err, ErrCorrupt) {
			t.Errorf("source %q: %v", source, err)
		}
	}
}

// TestWatchOfALaterSession: counts that have only grown are another session's all the same, if
// that says so; and a cursor of an earlier ring of this name means nothing.
func TestWatchOfALaterSession(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	w := mustWatch(t, dir)
	var sight Sight
	for n := range uint64(3) {
		s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
		publishCount(t, p, 1)
		s.Next()
		clear(s.stats.counts[:])
		s.stats.messages, s.stats.counts[5] = n+1, n+1
		mustLook(t, w, &sight)
		if u := sight.Subs[0]; !u.Anew || n > 0 && (len(u.New) != 1 || u.New[0] != Count{5, n + 1}) {
			t.Errorf("session %d: %+v", n, u.Latencies)
		}
		s.Close()
	}
	p.Close()
	if err := os.Remove(p.paths.ring()); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, "r", smallest(dir))
	if u := onlySub(t, dir); u.Cursor != 0 || u.Messages != 3 {
		t.Errorf("of an earlier ring: %+v", u)
	}
}

// TestWatchOfFewDescriptors: with too few of them, a watch opens the files of subscribers one
// after the other, and nothing that it knows of them is lost.
func TestWatchOfFewDescriptors(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	const subs = 12
	for i := range subs {
		mustOpen(t, "r", Options{Dir: dir, Name: strings.Repeat("s", i+1)}).Close()
	}
	s := mustOpen(t, "r", Options{Dir: dir, Name: "reads"})
	read := func() {
		publishCount(t, p, 1)
		if _, st := s.Next(); st != Message {
			t.Fatal(st)
		}
	}
	w := mustWatch(t, dir)
	var sight Sight
	mustLook(t, w, &sight)
	if w.lean {
		t.Fatal("lean from the start: this test tests nothing")
	}
	w.forget()
	spare, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0) // the lowest that is free
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(spare)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	few := before
	few.Cur = uint64(spare) + subs/2
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		read()
		mustLook(t, w, &sight)
		for _, u := range sight.Subs {
			if u.Err != nil {
				t.Fatal(u.Err)
			}
		}
		reads := sight.Subs[0]
		if !w.lean || len(sight.Subs) != subs+1 || reads.Name != "reads" || reads.Anew != (round == 0) || round > 0 && len(reads.New) != 1 {
			t.Fatalf("round %d, lean %v: %+v", round, w.lean, reads)
		}
	}
}

func TestWatchNames(t *testing.T) {
	if _, err := OpenWatch("", "no/name"); !errors.Is(err, ErrName) {
		t.Error(err)
	}
	dir := shmDir(t)
	w := mustWatch(t, dir+"/none")
	var s Sight
	if err := w.Look(&s); !errors.Is(err, ErrNoRing) || !errors.Is(err, mmap.ErrNotExist) {
		t.Error(err)
	}
	mustCreate(t, "r", smallest(dir)).Close()
	if err := os.Remove(dir + "/r/subs"); err != nil {
		t.Fatal(err)
	}
	w = mustWatch(t, dir)
	mustLook(t, w, &s)
	if err := os.WriteFile(dir+"/r/subs", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Look(&s); err == nil {
		t.Errorf("subs is no directory: %+v", s)
	}
}

func TestBucketRange(t *testing.T) {
	next := int64(0)
	for i := range histLen {
		low, high := BucketRange(i)
		if low != next || high < low || histIndex(uint64(low)) != uint64(i) || histIndex(uint64(high)) != uint64(i) {
			t.Fatalf("bucket %d is %d to %d", i, low, high)
		}
		next = high + 1
	}
}

func BenchmarkLook(b *testing.B) {
	dir := shmDir(b)
	p := mustCreate(b, "r", Config{Dir: dir, Heartbeat: time.Hour})
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		mustOpen(b, "r", Options{Dir: dir, Name: name})
	}
	w := mustWatch(b, dir)
	var s Sight
	b.ReportAllocs()
	for b.Loop() {
		publishCount(b, p, 10)
		mustLook(b, w, &s)
	}
}

func equalJSON(t testing.TB, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}
