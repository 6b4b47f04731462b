package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

type quote struct {
	Price int64
	Size  uint32
	Side  byte
	_     [3]byte
	Name  [8]byte
}

type book struct {
	Seq    uint64
	Levels [10]quote
}

// TestTypesThatAreNoMessages: what means nothing in another process is refused, with the
// path to it, its type, and what to do.
func TestTypesThatAreNoMessages(t *testing.T) {
	type inner struct{ A, B *int }
	for _, c := range []struct {
		err  error
		want string
	}{
		{checkType[*int](1000, 0), "*int cannot be shared, its type is *int"},
		{checkType[string](1000, 0), "string cannot be shared, its type is string"},
		{checkType[inner](1000, 0), "ring.inner.A cannot be shared, its type is *int: it points into the memory of one process"},
		{checkType[struct{ X inner }](1000, 0), ".X.A cannot"},
		{checkType[struct {
			A int
			B [2]struct{ C []byte }
		}](1000, 0), ".B[].C cannot be shared, its type is []uint8: it points to its elements; use an array"},
		{checkType[struct{ S string }](1000, 0), "use an array of bytes"},
		{checkType[struct{ M map[int]int }](1000, 0), ".M cannot be shared, its type is map[int]int"},
		{checkType[struct{ C chan int }](1000, 0), ".C cannot be shared, its type is chan int"},
		{checkType[struct{ F func() }](1000, 0), ".F cannot be shared, its type is func()"},
		{checkType[struct{ I any }](1000, 0), ".I cannot be shared, its type is interface {}"},
		{checkType[struct{ E error }](1000, 0), ".E cannot be shared, its type is error"},
		{checkType[struct{ P unsafe.Pointer }](1000, 0), ".P cannot be shared, its type is unsafe.Pointer"},
		{checkType[struct{ U uintptr }](1000, 0), "use a uint64 if it is a number"},
		{checkType[struct{ private string }](1000, 0), ".private cannot"},
		{checkType[time.Time](1000, 0), "time.Time.loc cannot be shared, its type is *time.Location"},
		{checkType[struct{}](1000, 0), "publish an empty message"},
		{checkType[[0]int](1000, 0), "has no bytes"},
	} {
		if !errors.Is(c.err, ErrType) || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%v; want ErrType with %q", c.err, c.want)
		}
	}
	for _, err := range []error{
		checkType[quote](24, 0),
		checkType[book](1000, 0),
		checkType[int](8, 0),
		checkType[[3]complex128](1000, 0),
		checkType[struct{ D time.Duration }](1000, 0),
		checkType[struct{ N atomic.Uint64 }](1000, 0),
		checkType[struct {
			_ [0]func()
			A bool
		}](1000, 0),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := checkType[book](247, 0); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "ring.book has 248 bytes") {
		t.Errorf("a book of 248 bytes on a ring of 247: %v", err)
	}
}

type versioned struct{ A uint32 }

func (versioned) SchemaHash() uint64 { return 77 }

func TestLayoutHash(t *testing.T) {
	hash := func(h uint64, err error) uint64 {
		t.Helper()
		if err != nil || h == 0 {
			t.Fatal(h, err)
		}
		return h
	}
	type price int64
	same := []uint64{
		hash(LayoutHash[quote]()),
		hash(LayoutHash[quote]()),
		hash(LayoutHash[struct {
			Price price // names of types do not count
			Size  uint32
			Side  uint8
			_     [3]uint8
			Name  [8]byte
		}]()),
	}
	for _, h := range same {
		if h != same[0] {
			t.Errorf("hashes of one layout: %x", same)
		}
	}
	seen := map[uint64]int{same[0]: -1}
	for i, h := range []uint64{
		hash(LayoutHash[struct { // another name
			Cost int64
			Size uint32
			Side byte
			_    [3]byte
			Name [8]byte
		}]()),
		hash(LayoutHash[struct { // another kind
			Price uint64
			Size  uint32
			Side  byte
			_     [3]byte
			Name  [8]byte
		}]()),
		hash(LayoutHash[struct { // another order
			Size  uint32
			Side  byte
			_     [3]byte
			Price int64
			Name  [8]byte
		}]()),
		hash(LayoutHash[struct { // another length
			Price int64
			Size  uint32
			Side  byte
			_     [3]byte
			Name  [9]byte
		}]()),
		hash(LayoutHash[struct { // the same bytes, other fields
			Price int64
			Size  uint32
			Side  byte
			Flags [3]byte
			Name  [8]byte
		}]()),
		hash(LayoutHash[struct { // nested
			Q struct {
				Price int64
				Size  uint32
				Side  byte
				_     [3]byte
				Name  [8]byte
			}
		}]()),
		hash(LayoutHash[book]()),
		hash(LayoutHash[[2]quote]()),
		hash(LayoutHash[[1]quote]()),
		hash(LayoutHash[struct{ A, B [2]byte }]()),
		hash(LayoutHash[struct{ A [4]byte }]()),
	} {
		if other, ok := seen[h]; ok {
			t.Errorf("layouts %d and %d have one hash", other, i)
		}
		seen[h] = i
	}
	if h := hash(LayoutHash[versioned]()); h != 77 {
		t.Errorf("a type with a hash of its own has %d", h)
	}
	for _, c := range []struct {
		err  error
		fits bool
	}{
		{checkType[quote](1000, same[0]), true},
		{checkType[quote](1000, 0), true},
		{checkType[quote](1000, same[0]+1), false},
		{checkType[versioned](1000, 77), true},
		{checkType[versioned](1000, 78), false},
	} {
		if c.fits != (c.err == nil) || !c.fits && !errors.Is(c.err, ErrSchema) {
			t.Errorf("want fits %t: %v", c.fits, c.err)
		}
	}
}

// typedTrip sends values of a T through a ring, one by one and in batches, with other
// messages between them.
func typedTrip[T comparable](t *testing.T, value func(r *rand.Rand) T) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed(t), 0))
	base, g := heapRing(8, 4096)
	p := newHeapPublisher(base, g, stampClock)
	tp := &TypedPublisher[T]{p, 3}
	ts := newTypedSubscriber[T](newHeapSubscriber(base, g, FromOldest, 0), 3)
	var others uint64
	for range 300 {
		var sent []T
		for range r.IntN(3) {
			if err := p.Publish(uint16(4+r.IntN(2)<<10), fill(make([]byte, g.maxMessage), p.seq, int(g.maxMessage))); err != nil {
				t.Fatal(err)
			}
			others++
		}
		if r.IntN(2) == 0 {
			sent = []T{value(r)}
			if err := tp.Publish(&sent[0]); err != nil {
				t.Fatal(err)
			}
		} else {
			for range r.IntN(tp.MaxBatch() + 1) {
				sent = append(sent, value(r))
			}
			if err := tp.PublishBatch(sent); err != nil {
				t.Fatal(err)
			}
		}
		if r.IntN(2) == 0 {
			for i, want := range sent {
				got, st := ts.Next()
				if st != Message || *got != want {
					t.Fatalf("value %d of %d: %v %v, want %v", i, len(sent), st, got, want)
				}
			}
		} else {
			vs := make([]T, 1+r.IntN(100))
			for len(sent) > 0 {
				n, st := ts.NextBatch(vs)
				if st != Message || n == 0 || !slices.Equal(vs[:n], sent[:min(n, len(sent))]) {
					t.Fatalf("%d of %d: %v %v, want %v", n, len(vs), st, vs[:n], sent)
				}
				sent = sent[n:]
			}
		}
		if got, st := ts.Next(); st != Empty || got != nil || ts.s.Lost() != 0 {
			t.Fatal(got, st, ts.s.Lost())
		}
	}
	if ts.Other() != others {
		t.Errorf("%d others were passed over, not %d", ts.Other(), others)
	}
	if err := tp.PublishBatch(make([]T, tp.MaxBatch()+1)); err != ErrTooLarge {
		t.Errorf("a batch that is too large: %v", err)
	}
}

func TestTyped(t *testing.T) {
	t.Run("1 byte", func(t *testing.T) {
		typedTrip(t, func(r *rand.Rand) uint8 { return uint8(r.Uint32()) })
	})
	t.Run("3 bytes", func(t *testing.T) {
		typedTrip(t, func(r *rand.Rand) [3]int8 { return [3]int8{int8(r.Uint32()), 1, 2} })
	})
	t.Run("quote", func(t *testing.T) {
		typedTrip(t, func(r *rand.Rand) quote {
			return quote{Price: r.Int64(), Size: r.Uint32(), Name: [8]byte{7: byte(r.Uint32())}}
		})
	})
	t.Run("a line", func(t *testing.T) {
		typedTrip(t, func(r *rand.Rand) [7]uint64 { return [7]uint64{r.Uint64(), 6: r.Uint64()} })
	})
	t.Run("a line and a byte", func(t *testing.T) {
		typedTrip(t, func(r *rand.Rand) [57]byte { return [57]byte{byte(r.Uint32()), 56: byte(r.Uint32())} })
	})
	t.Run("book", func(t *testing.T) {
		typedTrip(t, func(r *rand.Rand) book { return book{Seq: r.Uint64(), Levels: [10]quote{9: {Price: r.Int64()}}} })
	})
	t.Run("a block", func(t *testing.T) {
		typedTrip(t, func(r *rand.Rand) [4088]byte { return [4088]byte{byte(r.Uint32()), 4087: byte(r.Uint32())} })
	})
}

// TestTypedOfAnotherSize: a message of the right type number and the wrong size ends the
// reading, and is not read.
func TestTypedOfAnotherSize(t *testing.T) {
	for _, n := range []int{0, 23, 25, 100} {
		base, g := heapRing(8, 512)
		p := newHeapPublisher(base, g, stampNone)
		s := newHeapSubscriber(base, g, FromOldest, 0)
		s.stats = new(subFile)
		ts := newTypedSubscriber[quote](s, 3)
		tp := &TypedPublisher[quote]{p, 3}
		wantErr(t, "publish", tp.Publish(&quote{Price: 5}), nil)
		wantErr(t, "publish", p.Publish(3, make([]byte, n)), nil)
		wantErr(t, "publish", tp.Publish(&quote{Price: 6}), nil)
		if q, st := ts.Next(); st != Message || q.Price != 5 {
			t.Fatal(q, st)
		}
		for range 2 {
			if q, st := ts.Next(); st != Corrupt || q != nil {
				t.Fatalf("%d bytes: %v, %v", n, q, st)
			}
		}
		if err := s.Err(); !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), fmt.Sprintf("message 2 of type 3 has %d bytes and a ring.quote has 24", n)) {
			t.Error(err)
		}
		if s.stats.cursorSeq != 2 || s.stats.messages != 1 {
			t.Errorf("%d messages were read and the cursor is at %d", s.stats.messages, s.stats.cursorSeq)
		}
	}
}

func TestTypedDoesNotAllocate(t *testing.T) {
	base, g := heapRing(64, 4096)
	p := newHeapPublisher(base, g, stampClock)
	s := newHeapSubscriber(base, g, FromOldest, 0)
	s.stats, s.timed = new(subFile), true
	quotes, books := &TypedPublisher[quote]{p, 3}, &TypedPublisher[book]{p, 4}
	inQuotes, inBooks := newTypedSubscriber[quote](s, 3), newTypedSubscriber[book](s, 4)
	some := make([]quote, 10)
	got := make([]quote, 100)
	if a := testing.AllocsPerRun(5, func() {
		for i := range 1000 {
			if quotes.Publish(&some[0]) != nil || quotes.PublishBatch(some) != nil || books.Publish(new(book)) != nil {
				t.Fatal("publish failed")
			}
			for n := 0; n < len(some)+1; {
				if i%2 == 0 {
					if k, st := inQuotes.NextBatch(got); st == Message {
						n += k
					}
				} else if _, st := inQuotes.Next(); st == Message {
					n++
				}
			}
			if _, st := inBooks.Next(); st != Message {
				t.Fatal(st)
			}
		}
	}); a != 0 {
		t.Errorf("%.0f allocations in 12,000 messages", a)
	}
}

// TestTypedComesBack: a flood of other messages does not keep Next.
func TestTypedComesBack(t *testing.T) {
	base, g := heapRing(64, 4096)
	p := newHeapPublisher(base, g, stampNone)
	ts := newTypedSubscriber[quote](newHeapSubscriber(base, g, FromOldest, 0), 3)
	const others = 3*othersAtOnce + 1
	for range others {
		wantErr(t, "publish", p.Publish(2, nil), nil)
	}
	wantErr(t, "publish", p.Publish(3, bytesOf(&quote{Price: 5})), nil)
	for range 3 {
		if q, st := ts.Next(); st != Empty {
			t.Fatal(q, st)
		}
	}
	if q, st := ts.Next(); st != Message || q.Price != 5 || ts.s.Seq() != others+1 || ts.Other() != others {
		t.Fatal(q, st, ts.s.Seq(), ts.Other())
	}
}
