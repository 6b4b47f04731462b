//go:build linux

package ring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/tickring/tickring/mmap"
)

// The fuzz tests change words of files that were good, before they are opened and
// while they are in use. Whatever is in a file, nothing may panic, hang, or touch
// memory outside the mapping, and what is delivered has to make sense.

// edit is one change of a word. An input is a row of them, editSize bytes each.
type edit struct {
	where uint8  // what index counts, and when
	how   uint8  // what value does
	index uint16 // of the word
	value uint64
}

const (
	editSize = 12

	inHeader = 0 // where: words of the first part
	inTable  = 1 // words of the block table
	inFrames = 2 // the first word of a line
	inFile   = 3 // any word: the index is scaled
	later    = 4 // once the file is in use

	set     = 0 // how
	flip    = 1
	add     = 2
	setLow  = 3 // the low half
	setHigh = 4
	mend    = 8 // with a checksum that is right
)

func (e edit) bytes() []byte {
	b := append([]byte{e.where, e.how}, 0, 0)
	binary.LittleEndian.PutUint16(b[2:], e.index)
	return binary.LittleEndian.AppendUint64(b, e.value)
}

func edits(list ...edit) (b []byte) {
	for _, e := range list {
		b = append(b, e.bytes()...)
	}
	return b
}

func parseEdits(b []byte) (list []edit) {
	for ; len(b) >= editSize && len(list) < 32; b = b[editSize:] {
		list = append(list, edit{b[0], b[1], binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint64(b[4:])})
	}
	return list
}

// offset is where the word of e is in a file of size bytes.
func (e edit) offset(size int) int {
	switch i := int(e.index); e.where & 3 {
	case inHeader:
		return i % (tableOffset / 8) * 8
	case inTable:
		return tableOffset + i%((dataOffset-tableOffset)/8)*8
	case inFrames:
		if lines := (size - dataOffset) / lineSize; lines > 0 {
			return dataOffset + i%lines*lineSize
		}
	}
	return int(e.index) * (size / 8) >> 16 * 8
}

func (e edit) change(word uint64) uint64 {
	switch e.how & 7 {
	case flip:
		return word ^ e.value
	case add:
		return word + e.value
	case setLow:
		return word&^(1<<32-1) | e.value&(1<<32-1)
	case setHigh:
		return word&(1<<32-1) | e.value<<32
	}
	return e.value
}

// applyEdits makes those changes to a file whose time it is. sum mends the checksum in
// the first page.
func applyEdits(t testing.TB, path string, list []edit, when uint8, sum func(page []byte)) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	i, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.where&later != when {
			continue
		}
		off := int64(e.offset(int(i.Size())))
		var b [8]byte
		if _, err := f.ReadAt(b[:], off); err != nil {
			t.Fatal(err)
		}
		binary.LittleEndian.PutUint64(b[:], e.change(binary.LittleEndian.Uint64(b[:])))
		if _, err := f.WriteAt(b[:], off); err != nil {
			t.Fatal(err)
		}
		if e.how&mend != 0 {
			page := make([]byte, 4096)
			if _, err := f.ReadAt(page, 0); err != nil {
				t.Fatal(err)
			}
			sum(page)
			if _, err := f.WriteAt(page[:headerSumEnd], 0); err != nil {
				t.Fatal(err)
			}
		}
	}
}

const headerSumEnd = 16 // both files: magic, version, checksum

// inTime ends the process, with all stacks, if the test does not come to an end. The
// time is far more than any input needs.
func inTime(t testing.TB) {
	debug.SetTraceback("all")
	w := time.AfterFunc(patience, func() { panic("it hangs: " + t.Name()) })
	t.Cleanup(func() { w.Stop() })
}

// fuzzRings are the rings that the fuzz tests begin with: one that is not full and one
// that has lapped, made once.
var fuzzRings = sync.OnceValue(func() (rings [2][]byte) {
	dir, err := os.MkdirTemp("", "tickring-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for i, n := range []int{150, 3000} {
		p, err := Create("r", Config{Dir: dir, Capacity: minCapacity, Heartbeat: -1})
		if err != nil {
			panic(err)
		}
		buf := make([]byte, p.MaxMessage())
		for range n {
			if err := publishOne(&p.publisher, buf); err != nil {
				panic(err)
			}
		}
		p.Close()
		if rings[i], err = os.ReadFile(p.paths.ring()); err != nil {
			panic(err)
		}
		if err := Remove(dir, "r"); err != nil {
			panic(err)
		}
	}
	return rings
})

// fuzzDir is a directory with a ring whose file has this content.
func fuzzDir(t testing.TB, content []byte) (dir string, ps paths) {
	t.Helper()
	dir = shmDir(t)
	ps, err := pathsOf(dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(ps.dir, 0o700), os.Mkdir(ps.subs(), 0o700), os.WriteFile(ps.ring(), content, 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir, ps
}

// refused checks that an error is one that is meant for bad files.
func refused(t testing.TB, what string, err error) {
	t.Helper()
	for _, want := range []error{ErrNotRing, ErrVersion, ErrCorrupt, ErrStale, ErrNoRing} {
		if errors.Is(err, want) {
			return
		}
	}
	t.Errorf("%s: %v", what, err) // mmap.ErrFault above all: it has touched what is not there
}

// watched looks twice at whatever is there, and checks that what is told makes sense by
// itself.
func watched(t testing.TB, w *Watch) {
	t.Helper()
	var s Sight
	for range 2 {
		if err := w.Look(&s); err != nil {
			refused(t, "Look", err)
			continue
		}
		if s.Err != nil {
			refused(t, "what Look finds", s.Err)
		}
		for _, u := range s.Subs {
			if u.Err != nil {
				refused(t, "Look at a subscriber", u.Err)
			}
			if u.Err != nil && (u.Counts != nil || u.New != nil) || u.Unread < -1 || len(u.Spikes.List) > MaxSpikes {
				t.Errorf("%+v", u)
			}
			total, added := uint64(0), uint64(0)
			for _, c := range u.New {
				added += c.N
			}
			if u.Counts != nil {
				for _, n := range u.Counts {
					total += n
				}
			}
			if added > total || total > u.Messages {
				t.Errorf("%d latencies, %d of them new, of %d messages", total, added, u.Messages)
			}
		}
	}
}

// inBounds checks what keeps a subscriber inside its mapping.
func inBounds(t testing.TB, s *Subscriber) {
	t.Helper()
	if s.pos%lineSize != 0 || s.end%s.block != 0 || s.end-s.pos > s.block || s.capacity%s.block != 0 {
		t.Fatalf("it stands at %#x in a block of %#x that ends at %#x, in a ring of %#x", s.pos, s.block, s.end, s.capacity)
	}
}

// readSome reads to the first thing that is no message or gap, or calls times, in one
// form after the other, and checks that each answer makes sense by itself.
func readSome(t testing.TB, s *Subscriber, calls int) (messages int) {
	t.Helper()
	inBounds(t, s)
	quiet := 0
	var batch Batch
	for call := range calls {
		var m []byte
		var st Status
		switch call % 4 {
		case 0:
			m, st = s.Next()
		case 1:
			if m, st = s.View(); st == Message {
				m = bytes.Clone(m)
				s.Valid()
			}
		case 2:
			st = s.NextBatch(&batch)
			for i := range batch.Len() {
				if m = batch.Message(i); len(m) > s.MaxMessage() {
					t.Fatalf("a message of %d bytes in a batch, where %d are allowed", len(m), s.MaxMessage())
				}
				batch.Age(i)
			}
			messages += max(batch.Len(), 1) - 1
		case 3:
			typed := newTypedSubscriber[uint64](&s.subscriber, 0xFFFF) // which nobody publishes
			var v *uint64
			if v, st = typed.Next(); st == Message {
				m = bytesOf(v)
			}
			messages += int(typed.Other())
		}
		inBounds(t, s)
		switch st {
		case Message:
			messages++
			if len(m) > s.MaxMessage() {
				t.Fatalf("a message of %d bytes, where %d are allowed", len(m), s.MaxMessage())
			}
			s.Age()
			s.Type()
		case Gap:
			if first, last := s.Gap(); first > last {
				t.Fatalf("a gap from %d to %d", first, last)
			}
		case Corrupt:
			if !errors.Is(s.Err(), ErrCorrupt) && !errors.Is(s.Err(), ErrSchema) {
				t.Fatalf("it is corrupt because of %v", s.Err())
			}
			if _, st := s.Next(); st != Corrupt {
				t.Fatalf("it was corrupt and is %v", st)
			}
			return messages
		case Empty, Closed, Superseded:
			if m != nil {
				t.Fatalf("%v comes with %d bytes", st, len(m))
			}
			if quiet++; quiet > 3 {
				return messages
			}
		default:
			t.Fatalf("status %d", st)
		}
	}
	return messages
}

func FuzzOpenRing(f *testing.F) {
	const (
		claimedWord = 0x100 / 8
		stateWord   = 0x180 / 8
	)
	f.Add(uint8(0), uint64(0), []byte{})
	f.Add(uint8(1), uint64(1), []byte{})
	for _, mode := range []uint8{0, 1, 2, 3} {
		for i := range uint16(0x100 / 8) { // every constant of the header, with a checksum that is right
			if i%4 == uint16(mode) {
				f.Add(mode, uint64(i), edits(edit{inHeader, flip | mend, i, 1}))
				f.Add(mode, uint64(i), edits(edit{inHeader, set | mend, i, 1<<63 | 1}))
			}
		}
		// What a publisher writes, before and while it is read.
		for _, when := range []uint8{0, later} {
			f.Add(mode, uint64(3), edits(edit{inHeader | when, add, claimedWord, minBlock}))
			f.Add(mode, uint64(5), edits(edit{inHeader | when, set, claimedWord, minBlock + lineSize}))
			f.Add(mode, uint64(7), edits(edit{inHeader | when, set, stateWord, stateSuperseded}))
			f.Add(mode, uint64(7), edits(edit{inHeader | when, set, stateWord, 77}))
			f.Add(mode, uint64(9), edits(edit{inTable | when, add, 2, 1}, edit{inTable | when, set, 1, 0}))
			f.Add(mode, uint64(9), edits(edit{inFrames | when, set, 0, sizePad}, edit{inFrames | when, set, 64, sizeTime}))
			f.Add(mode, uint64(2), edits(edit{inFrames | when, setLow, 5, 0xFFFD}, edit{inFrames | when, set, 9, 0}))
			f.Add(mode, uint64(1<<62), edits(edit{inFile | when, set, 0x8000, 1<<64 - 1}))
			f.Add(mode, uint64(3), edits(edit{inHeader | when, set, 0x208 / 8, 1}, edit{inHeader | when, set, 0x228 / 8, 1<<64 - 1}))
		}
	}
	// What no publisher writes: a claim in the midst of a block, at the end of all
	// numbers, or with a frame that would reach over the end of the file.
	for _, k := range []uint64{0, 1, lineSize, minBlock + 1, minBlock + 2*lineSize, minCapacity - 1, minCapacity + minBlock,
		1 << 63, 1<<63 + lineSize, 1<<64 - minCapacity, 1<<64 - minBlock + lineSize, 1<<64 - lineSize, 1<<64 - 1} {
		for _, when := range []uint8{0, later} {
			f.Add(uint8(1), uint64(5), edits(edit{inHeader | when, set, claimedWord, k}))
			f.Add(uint8(3), uint64(2000), edits(edit{inHeader | when, set, claimedWord, k},
				edit{inFrames | when, set, minCapacity/lineSize - 1, frameWord(2000, 0)}))
		}
	}
	f.Fuzz(func(t *testing.T, mode uint8, seq uint64, changes []byte) {
		inTime(t)
		dir, ps := fuzzDir(t, fuzzRings()[mode&1])
		list := parseEdits(changes)
		mendRing := func(page []byte) { headerIn(page).checksum = headerIn(page).sum() }
		applyEdits(t, ps.ring(), list, 0, mendRing)

		w := mustWatch(t, dir)
		stat := func() {
			watched(t, w)
			i, err := Stat(dir, "r")
			if err = errors.Join(err, i.Err); err != nil {
				refused(t, "Stat", err)
			}
		}
		stat()
		var subs []*Subscriber
		for i, opt := range []Options{{From: FromOldest, Name: "a"}, {From: FromLatest}, {From: FromSeq, Seq: seq}} {
			opt.Dir = dir
			s, err := Open("r", opt)
			if err != nil {
				refused(t, fmt.Sprint("Open ", i), err)
				continue
			}
			defer s.Close()
			inBounds(t, s)
			if i == 2 { // some of it before it changes
				readSome(t, s, 5)
			}
			subs = append(subs, s)
		}
		applyEdits(t, ps.ring(), list, later, mendRing)
		for _, s := range subs {
			readSome(t, s, 5000)
			s.PublishTime()
			s.Publisher()
		}
		stat()
		if mode&2 == 0 {
			return // Create takes its time, for it measures the clock
		}

		// Whatever it was: a publisher goes on with it or replaces it, and then the ring is
		// good for those who come now. It is bad for nobody else.
		p, err := Create("r", Config{Dir: dir, Capacity: minCapacity, Heartbeat: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		late, err := Open("r", Options{Dir: dir, From: FromLatest})
		if err != nil {
			t.Fatal(err)
		}
		defer late.Close()
		o := newOracle(p.MaxMessage())
		buf := make([]byte, p.MaxMessage())
		for range 200 {
			if err := publishOne(&p.publisher, buf); err != nil {
				t.Fatal(err)
			}
			st, err := o.step(&late.subscriber)
			if err != nil {
				t.Fatal(err)
			}
			if st != Message || late.Seq() != p.Seq() {
				t.Fatalf("%v with number %d, published was %d", st, late.Seq(), p.Seq())
			}
		}
		for _, s := range subs {
			readSome(t, s, 5000)
		}
	})
}

func FuzzSubFile(f *testing.F) {
	at := func(off uintptr) uint16 { return uint16(off / 8) }
	var s subFile // for the offsets
	f.Add([]byte{})
	for i := range at(unsafe.Offsetof(s.cursorSeq)) {
		if i < 20 {
			f.Add(edits(edit{inHeader, flip, i, 1}))
			f.Add(edits(edit{inHeader, add | mend, i, 1}))
		}
	}
	for _, when := range []uint8{0, later} {
		for _, v := range []uint64{0, 1, 50, 149, 151, 152, 1000, 1<<64 - 1} {
			f.Add(edits(edit{inHeader | when, set, at(unsafe.Offsetof(s.cursorSeq)), v}))
		}
		f.Add(edits(edit{inHeader | when, set, at(unsafe.Offsetof(s.state)), 99}))
		f.Add(edits(edit{inHeader | when, set, at(unsafe.Offsetof(s.maxNs)), 1<<64 - 1}))
		f.Add(edits(edit{inFile | when, set, 0x4000, 1<<64 - 1}, edit{inFile | when, set, 0x8000, 1 << 62}, edit{inFile | when, set, 0xFFFF, 1<<62 + 1}))
	}
	f.Fuzz(func(t *testing.T, changes []byte) {
		inTime(t)
		dir, ps := fuzzDir(t, fuzzRings()[0])
		first, err := Open("r", Options{Dir: dir, Name: "a", From: FromOldest})
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			first.Next()
		}
		first.Close()
		list := parseEdits(changes)
		mendSub := func(page []byte) {
			sum := sumBytes(unsafe.Pointer(&page[0]), unsafe.Offsetof(s.ringID), unsafe.Offsetof(s.cursorSeq))
			binary.LittleEndian.PutUint32(page[unsafe.Offsetof(s.checksum):], sum)
		}
		w := mustWatch(t, dir)
		stat := func() {
			watched(t, w)
			i, err := Stat(dir, "r") // the ring is good
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range i.Subscribers {
				if s.Err != nil {
					refused(t, "Stat", s.Err)
					continue
				}
				last := int64(0)
				for _, q := range []float64{0, 50, 99, 99.9, 100} {
					v := s.Latency.ValueAtPercentile(q)
					if v < last {
						t.Errorf("p%v is %d, less than %d", q, v, last)
					}
					last = v
				}
				if n := s.Latency.TotalCount(); n < 0 {
					t.Errorf("%d latencies in all", n)
				}
				s.Latency.Mean()
				s.Latency.StdDev()
				s.Latency.Max()
			}
		}
		applyEdits(t, ps.sub("a"), list, 0, mendSub)
		stat()
		s, err := Open("r", Options{Dir: dir, Name: "a"})
		if err != nil {
			refused(t, "Open", err)
			if errors.Is(err, mmap.ErrFault) {
				t.Fatal(err)
			}
			return
		}
		readSome(t, s, 10)
		applyEdits(t, ps.sub("a"), list, later, mendSub)
		stat()
		readSome(t, s, 1000)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		stat()
		s, err = Open("r", Options{Dir: dir, Name: "a", From: FromOldest, Ephemeral: true})
		if err != nil {
			refused(t, "Open again", err)
			return
		}
		if got := readSome(t, s, 1000); got != 150 {
			t.Errorf("from the oldest, %d of 150 messages come", got)
		}
		s.Close()
	})
}
