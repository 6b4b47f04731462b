//go:build linux

package ring

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/tickring/tickring/mmap"
)

// The forms of publishing and reading on rings of real files; on heap words they are in
// claim_test.go, typed_test.go and heap_test.go.

// TestTypedOnARing: programs with different types find out when they begin.
func TestTypedOnARing(t *testing.T) {
	hash, err := LayoutHash[quote]()
	if err != nil {
		t.Fatal(err)
	}
	cfg := smallest(shmDir(t))
	cfg.SchemaHash = hash
	p := mustCreate(t, "r", cfg)
	s := mustOpen(t, "r", Options{Dir: cfg.Dir, Name: "a"})

	type newer struct {
		quote
		Flags uint64
	}
	for _, c := range []struct {
		err  error
		want error
	}{
		{second(NewTypedPublisher[newer](p, 1)), ErrSchema},
		{second(NewTypedSubscriber[newer](s, 1)), ErrSchema},
		{second(NewTypedPublisher[*quote](p, 1)), ErrType},
		{second(NewTypedSubscriber[[]quote](s, 1)), ErrType},
		{second(NewTypedPublisher[[1 << 12]byte](p, 1)), ErrTooLarge},
		{second(NewTypedSubscriber[[1 << 12]byte](s, 1)), ErrTooLarge},
	} {
		wantErr(t, "another type", c.err, c.want)
		if c.err != nil && !strings.Contains(c.err.Error(), `"r"`) {
			t.Errorf("the ring is not named: %v", c.err)
		}
	}

	tp, err := NewTypedPublisher[quote](p, 1)
	if err != nil {
		t.Fatal(err)
	}
	ts, err := NewTypedSubscriber[quote](s, 1)
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, "publish", tp.Publish(&quote{Price: 1}), nil)
	wantErr(t, "publish and wait", tp.PublishWait(context.Background(), &quote{Price: 2}), nil)
	wantErr(t, "publish a batch", tp.PublishBatch([]quote{{Price: 3}, {Price: 4}}), nil)
	for i := int64(1); i <= 4; i++ {
		if q, st := ts.Next(); st != Message || q.Price != i || s.Seq() != uint64(i) || s.Type() != 1 {
			t.Fatalf("%d: %v %v", i, st, q)
		}
	}
	if _, st := ts.Next(); st != Empty {
		t.Error(st)
	}
	if i := onlySub(t, cfg.Dir); i.Messages != 4 || i.Bytes != 4*24 || i.Latency.TotalCount() != 4 {
		t.Errorf("%d messages, %d bytes, %d latencies", i.Messages, i.Bytes, i.Latency.TotalCount())
	}
	p.Close()
	wantErr(t, "publish after the end", tp.Publish(&quote{}), ErrClosed)
	wantErr(t, "publish after the end", tp.PublishBatch([]quote{{}}), ErrClosed)
}

func second[T any](_ T, err error) error { return err }

// expectView has message seq in view.
func expectView(t testing.TB, s *Subscriber, seq uint64) []byte {
	t.Helper()
	m, st := s.View()
	if st != Message || s.Seq() != seq || string(m) != strconv.FormatUint(seq, 10) || cap(m) != len(m) {
		t.Fatalf("got %v %q with number %d (%v), want message %d", st, m, s.Seq(), s.Err(), seq)
	}
	return m
}

// lap publishes as much as the ring holds, and a block more.
func lap(t testing.TB, p *Publisher) {
	t.Helper()
	publishCount(t, p, (p.Capacity()+p.Block())/lineSize)
}

func TestView(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	if s.Valid() {
		t.Error("valid without a view")
	}
	publishCount(t, p, 5)
	m := expectView(t, s, 1)
	base := uintptr(s.view.data)
	if at := uintptr(unsafe.Pointer(unsafe.SliceData(m))); at < base || at >= base+uintptr(s.Capacity()) {
		t.Error("the message in view is not in the ring's memory")
	}
	if i := onlySub(t, dir); i.Messages != 0 || i.Cursor != 1 {
		t.Errorf("in view: %d messages counted, the cursor at %d", i.Messages, i.Cursor)
	}
	for range 2 {
		if !s.Valid() {
			t.Error("not valid")
		}
	}
	if i := onlySub(t, dir); i.Messages != 1 || i.Bytes != 1 || i.Cursor != 1 || i.Latency.TotalCount() != 1 {
		t.Errorf("valid: %d messages of %d bytes counted, %d latencies, the cursor at %d", i.Messages, i.Bytes, i.Latency.TotalCount(), i.Cursor)
	}
	expectView(t, s, 2) // nobody asks
	expect(t, s, 3)
	if s.Valid() {
		t.Error("valid, but there is no view any more")
	}
	expectView(t, s, 4)
	expectView(t, s, 5)
	if i := onlySub(t, dir); i.Messages != 4 || i.Cursor != 5 {
		t.Errorf("in view again: %d messages counted, the cursor at %d", i.Messages, i.Cursor)
	}
	if m, st := s.View(); st != Empty || m != nil || s.Valid() {
		t.Error(st, m)
	}
	if i := onlySub(t, dir); i.Messages != 5 || i.Cursor != 6 || i.Lost != 0 {
		t.Errorf("%d messages counted, the cursor at %d", i.Messages, i.Cursor)
	}
}

// TestViewOverwritten: a message that is overwritten while it is in view is lost, once,
// whoever asks and whatever is called next; after Valid has said yes it is not.
func TestViewOverwritten(t *testing.T) {
	for _, asks := range []string{"before", "after", "never"} {
		for _, next := range []string{"next", "view", "close"} {
			t.Run(asks+" "+next, func(t *testing.T) {
				dir := shmDir(t)
				p := mustCreate(t, "r", smallest(dir))
				s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
				publishCount(t, p, 1)
				expectView(t, s, 1)
				delivered := uint64(0)
				if asks == "before" {
					delivered = 1
					if !s.Valid() {
						t.Fatal("not valid")
					}
				}
				lap(t, p)
				if asks != "never" && s.Valid() {
					t.Error("valid")
				}
				if next == "close" {
					s.Close()
					s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
				}
				read := s.Next
				if next == "view" {
					read = s.View
				}
				_, st := read()
				if first, _ := s.Gap(); st != Gap || first != 1+delivered {
					t.Fatalf("%v from %d", st, first)
				}
				for st != Empty {
					_, st = s.Next()
				}
				if i := onlySub(t, dir); next != "close" && i.Messages+i.Lost != p.Seq() || i.Lost != s.Lost() {
					t.Errorf("delivered %d + lost %d are not the %d published; it says %d", i.Messages, i.Lost, p.Seq(), s.Lost())
				}
			})
		}
	}
}

// TestViewOfGate: nothing is overwritten that a gate has in view.
func TestViewOfGate(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "a"}}
	p := mustCreate(t, "r", cfg)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	publishCount(t, p, 2)
	expectView(t, s, 1)
	m := expectView(t, s, 2)
	var err error
	for err == nil {
		err = p.Publish(0, []byte("overwrite"))
	}
	wantErr(t, "publish", err, ErrBackPressure)
	if string(m) != "2" || !s.Valid() {
		t.Error("overwritten", m)
	}
}

// TestViewOfDemotedGate: what a gate had in view when it was let go is lost, also if it
// is the last line that was claimed.
func TestViewOfDemotedGate(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "a", Hold: 1}}
	p := mustCreate(t, "r", cfg)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	first := p.Block()/lineSize + 1 // of the second block
	publishCount(t, p, first+1)
	for seq := uint64(1); seq < first; seq++ {
		expect(t, s, seq)
	}
	expectView(t, s, first)
	for *p.claimed < p.Capacity()+p.Block()+lineSize {
		if err := p.Publish(0, nil); err != nil && err != ErrBackPressure {
			t.Fatal(err)
		}
	}
	if s.Valid() {
		t.Error("valid")
	}
	expectStatus(t, s, Demoted)
	expectStatus(t, s, Gap)
	if from, _ := s.Gap(); from != first {
		t.Errorf("the gap begins with %d, want %d", from, first)
	}
}

// TestViewIsReadOnly: a write to what is in view is a fault, and not the end of the feed.
func TestViewIsReadOnly(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir})
	publishCount(t, p, 2)
	m := expectView(t, s, 1)
	if err := mmap.Guard(func() error { m[0] = 0; return nil }); err == nil {
		t.Error("written")
	}
	expect(t, s, 2)
}

// TestBatchInHand: a named subscriber's batch is in hand until the next call, and comes
// again if the subscriber dies before that.
func TestBatchInHand(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	publishCount(t, p, 10)
	b := NewBatch(4, 0)
	for i := range uint64(2) {
		if st := s.NextBatch(b); st != Message || b.Len() != 4 || b.Seq(0) != 1+4*i || string(b.Message(3)) != strconv.Itoa(int(4+4*i)) {
			t.Fatal(st, b.Len(), b.Seq(0), b.Message(3))
		}
		if i := onlySub(t, dir); i.Cursor != b.Seq(0) || i.Messages != b.Seq(3) || i.Bytes != b.Seq(3) || i.Latency.TotalCount() != int64(b.Seq(3)) {
			t.Errorf("%d messages, %d bytes, %d latencies, the cursor is at %d", i.Messages, i.Bytes, i.Latency.TotalCount(), i.Cursor)
		}
	}
	s.own.close() // as a kill does
	s.own = nil
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	expect(t, s, 5)
	if st := s.NextBatch(b); st != Message || b.Seq(0) != 6 || s.Seq() != 9 {
		t.Error(st, b.Seq(0), s.Seq())
	}
	p.Close()
	expect(t, s, 10)
	if st := s.NextBatch(b); st != Closed || b.Len() != 0 {
		t.Error(st, b.Len())
	}
	s.Close()
	if st := s.NextBatch(b); st != Closed {
		t.Error(st)
	}
}
