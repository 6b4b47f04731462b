package ring

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// fillClaim writes to claimed memory of a ring on the heap, which the race detector sees.
func fillClaim(claim, with []byte) {
	mem.CopyIn(unsafe.Pointer(unsafe.SliceData(claim)), with)
}

// wantNext reads the next message.
func wantNext(t *testing.T, s *subscriber, want []byte) {
	t.Helper()
	m, st := s.Next()
	if st != Message || !bytes.Equal(m, want) {
		t.Fatalf("%v %v: got %x, want %x", st, s.Err(), m, want)
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestClaim(t *testing.T) {
	base, g := heapRing(8, 512)
	p := newHeapPublisher(base, g, stampNone)
	s := newHeapSubscriber(base, g, FromOldest, 0)
	for n := range int(g.maxMessage) + 1 {
		claim, err := p.Claim(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(claim) != n || cap(claim) != n {
			t.Fatalf("a claim of %d bytes has %d and room for %d", n, len(claim), cap(claim))
		}
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(claim))); at%8 != 0 {
			t.Fatalf("a claim of %d bytes is at %#x", n, at)
		}
		m := bytes.Repeat([]byte{byte(n) | 1}, n)
		fillClaim(claim, m)
		if _, st := s.Next(); st != Empty {
			t.Fatalf("%v before the commit", st)
		}
		short := n * 3 / 4
		if err := p.Commit(uint16(n), short); err != nil {
			t.Fatal(err)
		}
		wantNext(t, s, m[:short])
		if s.Type() != uint16(n) || s.Seq() != uint64(n+1) || p.seq != uint64(n+2) {
			t.Fatalf("message %d has type %d; the publisher is at %d", s.Seq(), s.Type(), p.seq)
		}
	}
	if s.Lost() != 0 {
		t.Error("lost", s.Lost())
	}
}

// TestClaimsGivenUpTakeNoRoom: who claims a whole block again and again does not eat the
// ring.
func TestClaimsGivenUpTakeNoRoom(t *testing.T) {
	base, g := heapRing(8, 512)
	p := newHeapPublisher(base, g, stampClock)
	if err := p.Publish(0, nil); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := p.Claim(int(g.maxMessage)); err != nil {
			t.Fatal(err)
		}
		p.Abort()
		if p.pos != g.block {
			t.Fatalf("the next frame is at %d, want the start of the second block, %d", p.pos, g.block)
		}
	}
}

// TestOneClaimAtATime: an open claim stands in the way of all else, until it is committed
// or given up, whatever was tried meanwhile.
func TestOneClaimAtATime(t *testing.T) {
	base, g := heapRing(8, 512)
	p := newHeapPublisher(base, g, stampClock)
	s := newHeapSubscriber(base, g, FromOldest, 0)
	wantErr(t, "commit of nothing", p.Commit(0, 0), ErrNoClaim)
	p.Abort()
	for _, n := range []int{-1, 505, 1 << 40, -1 << 63} {
		if c, err := p.Claim(n); c != nil || err != ErrTooLarge {
			t.Errorf("a claim of %d bytes: %d, %v", n, len(c), err)
		}
	}
	if err := p.Publish(0, []byte("after a claim that failed")); err != nil {
		t.Fatal(err)
	}
	wantNext(t, s, []byte("after a claim that failed"))
	for _, end := range []string{"commit", "abort", "close"} {
		claim, err := p.Claim(100)
		if err != nil {
			t.Fatal(err)
		}
		fillClaim(claim, bytes.Repeat([]byte{1}, 100))
		wantErr(t, "publish", p.Publish(0, nil), ErrClaimOpen)
		wantErr(t, "publish long", p.Publish(0, make([]byte, 200)), ErrClaimOpen)
		wantErr(t, "batch", p.PublishBatch([]Outgoing{{}, {}}), ErrClaimOpen)
		_, err = p.Claim(1)
		wantErr(t, "claim", err, ErrClaimOpen)
		wantErr(t, "commit of more", p.Commit(0, 101), ErrNoClaim)
		wantErr(t, "commit of less than nothing", p.Commit(0, -1), ErrNoClaim)
		if _, st := s.Next(); st != Empty {
			t.Fatal(st)
		}
		switch end {
		case "commit":
			if err := p.Commit(3, 100); err != nil {
				t.Fatal(err)
			}
			wantNext(t, s, bytes.Repeat([]byte{1}, 100))
		case "abort":
			p.Abort()
			p.Abort()
			wantErr(t, "commit after abort", p.Commit(0, 0), ErrNoClaim)
		case "close":
			p.closed, p.end = true, 0 // what Publisher.Close does to this half
			wantErr(t, "commit", p.Commit(0, 1), ErrClosed)
			p.Abort()
			_, err := p.Claim(1)
			wantErr(t, "claim", err, ErrClosed)
			wantErr(t, "publish", p.Publish(0, nil), ErrClosed)
			wantErr(t, "batch", p.PublishBatch([]Outgoing{{}}), ErrClosed)
			continue
		}
		if err := p.Publish(0, []byte(end)); err != nil {
			t.Fatal(err)
		}
		wantNext(t, s, []byte(end))
	}
}

// TestClaimHeldForLong: however long a claim is open, its stamp is that of the commit,
// and the payload is what was put there, in the midst of a block and at its start, for a
// message that leaves no room for a time frame too, and for a subscriber that joined
// while the claim was open.
func TestClaimHeldForLong(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	base, g := heapRing(8, 512)
	p := newHeapPublisher(base, g, stampClock)
	s := newHeapSubscriber(base, g, FromOldest, 0)
	var inside, start, full int
	for p.seq < 3000 {
		n := r.IntN(int(g.maxMessage) + 1)
		if r.IntN(4) == 0 {
			n = int(g.maxMessage)
		}
		claim, err := p.Claim(n)
		if err != nil {
			t.Fatal(err)
		}
		m := make([]byte, n)
		for i := range m {
			m[i] = byte(r.Uint32())
		}
		fillClaim(claim, m)
		if r.IntN(2) == 0 {
			// As if that much time had passed since the block was entered.
			p.anchor -= 1<<32 + r.Uint64N(1<<40)
			if !p.atStart() {
				inside++
			} else {
				p.renewEntry(p.pos, p.anchor)
				if start++; n == int(g.maxMessage) {
					full++
				}
			}
		}
		late := newHeapSubscriber(base, g, FromLatest, 0)
		if r.IntN(2) == 0 {
			n -= r.IntN(n + 1)
		}
		before := p.clock.Now()
		if err := p.Commit(0, n); err != nil {
			t.Fatal(err)
		}
		after := p.clock.Now()
		for _, s := range []*subscriber{s, late} {
			wantNext(t, s, m[:n])
			if s.Seq() != p.seq-1 {
				t.Fatalf("message %d came where %d was due", s.Seq(), p.seq-1)
			}
			if got := s.fullStamp(s.word); got < before || got > after {
				t.Fatalf("message %d of %d bytes: stamp %d is not in [%d, %d]", s.Seq(), n, got, before, after)
			}
		}
	}
	if inside == 0 || start == 0 || full == 0 {
		t.Errorf("%d inside a block, %d at its start, %d of these fill it: not all were tested", inside, start, full)
	}
}

// TestBackPressureComesFirst: a gate that is in the way of the next block stops every
// form of publishing before a byte is written, and no later than it has to.
func TestBackPressureComesFirst(t *testing.T) {
	for _, how := range []stamping{stampNone, stampClock} {
		base, g := heapRing(8, 512)
		p := newHeapPublisher(base, g, how)
		addHeapGate(p, Gate{Name: "slow"}, &heapGate{alive: true})
		long := make([]byte, 300) // one fits into a block
		for p.pos < g.capacity-2*g.block {
			if err := p.Publish(0, long); err != nil {
				t.Fatal(err)
			}
		}
		frames := unsafe.Slice((*uint64)(p.data), g.capacity/8)
		before, was, claimed := slices.Clone(frames), *p, *p.claimed
		for range 2 {
			wantErr(t, "publish", p.Publish(0, long), ErrBackPressure)
			wantErr(t, "batch", p.PublishBatch([]Outgoing{{}, {0, long}}), ErrBackPressure)
			_, err := p.Claim(len(long))
			wantErr(t, "claim", err, ErrBackPressure)
			p.anchor -= 1 << 40 // a time frame is due
		}
		if !slices.Equal(frames, before) || *p.claimed != claimed || p.pos != was.pos || p.seq != was.seq {
			t.Error("something was written")
		}
		p.anchor = was.anchor
		claim, err := p.Claim(50)
		wantErr(t, "claim what fits", err, nil)
		wantErr(t, "commit what fits", p.Commit(0, len(claim)), nil)
		wantErr(t, "a batch that fits", p.PublishBatch([]Outgoing{{}}), nil)
		p.letGo(p.gates[0], gateDropped)
		p.limit = noLimit
		wantErr(t, "publish then", p.PublishBatch([]Outgoing{{}, {0, long}}), nil)
	}
}

func TestBatch(t *testing.T) {
	for _, how := range []stamping{stampNone, stampClock} {
		base, g := heapRing(8, 512)
		p := newHeapPublisher(base, g, how)
		s := newHeapSubscriber(base, g, FromOldest, 0)
		batch := func(sizes ...int) (msgs []Outgoing) {
			for i, n := range sizes {
				msgs = append(msgs, Outgoing{uint16(i), bytes.Repeat([]byte{byte(n)}, n)})
			}
			return msgs
		}
		wantErr(t, "no messages", p.PublishBatch(nil), nil)
		if _, st := s.Next(); st != Empty || p.seq != 1 {
			t.Fatalf("%v after no messages; the next is %d", st, p.seq)
		}
		wantErr(t, "a message that is too large", p.PublishBatch(batch(1, int(g.maxMessage)+1)), ErrTooLarge)
		wantErr(t, "a line more than a block", p.PublishBatch(batch(56, 56, 56, 56, 56, 56, 56, 56, 0)), ErrTooLarge)
		if p.seq != 1 {
			t.Fatal("something was published")
		}
		for _, sizes := range [][]int{
			{0}, {504}, {56, 56, 56, 56, 56, 56, 56, 56}, {0, 0, 0, 0, 0, 0, 0, 0}, // a block
			{57, 56, 120}, {1, 300}, {300, 1}, {440, 56}, {1, 2, 3}, {100}, {400, 3},
		} {
			msgs := batch(sizes...)
			if err := p.PublishBatch(msgs); err != nil {
				t.Fatal(sizes, err)
			}
			var stamp uint64
			for i, m := range msgs {
				wantNext(t, s, m.Data)
				if i == 0 {
					stamp = s.fullStamp(s.word)
				}
				if s.Type() != m.Type || s.fullStamp(s.word) != stamp {
					t.Fatalf("%v: message %d has type %d and stamp %d, the first had %d", sizes, i, s.Type(), s.fullStamp(s.word), stamp)
				}
			}
		}
		if _, st := s.Next(); st != Empty || s.Lost() != 0 {
			t.Error(st, s.Lost())
		}
	}
}
