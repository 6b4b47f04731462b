//go:build linux

package ring

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// polledRings makes n rings with a publisher and a subscriber each.
func polledRings(t testing.TB, dir string, n int) (pubs []*Publisher, subs []*Subscriber) {
	t.Helper()
	for i := range n {
		name := fmt.Sprint("r", i)
		pubs = append(pubs, mustCreate(t, name, smallest(dir)))
		subs = append(subs, mustOpen(t, name, Options{Dir: dir, Name: "p"}))
	}
	return pubs, subs
}

// from reads n messages and returns the rings that they came from.
func from(t testing.TB, p *Poller, subs []*Subscriber, n int) (order []int) {
	t.Helper()
	for range n {
		s, _, st := p.Next()
		if st != Message {
			t.Fatalf("after %v: %v", order, st)
		}
		order = append(order, slices.Index(subs, s))
	}
	return order
}

func nothing(t testing.TB, p *Poller) {
	t.Helper()
	for range 40 {
		if s, msg, st := p.Next(); s != nil || msg != nil || st != Empty {
			t.Fatalf("got %v of %v, want nothing", st, s.Name())
		}
	}
}

func TestPollerTakesTurns(t *testing.T) {
	dir := shmDir(t)
	pubs, subs := polledRings(t, dir, 5)
	publish := func(rings ...int) {
		for _, i := range rings {
			if err := publishNumbers(pubs[i], 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	var p Poller
	nothing(t, &p)
	for _, s := range subs[:4] {
		p.Add(s, 0)
	}
	nothing(t, &p)
	want := func(rings ...int) {
		t.Helper()
		if got := from(t, &p, subs, len(rings)); !slices.Equal(got, rings) {
			t.Fatalf("messages of %v, want %v", got, rings)
		}
	}
	// One that has many does not keep the others from their turn.
	publish(0, 0, 0, 0, 0, 1, 2, 3, 3)
	want(0, 1, 2, 3, 0, 3, 0, 0, 0)
	nothing(t, &p)
	publish(1, 2)
	want(1, 2)
	publish(0, 1, 2, 3)
	want(3, 0, 1, 2)

	// Of a higher priority, always first; and fair among themselves.
	p.Add(subs[1], 7)
	p.Add(subs[4], 7)
	p.Add(subs[2], -1)
	publish(0, 1, 2, 3, 0, 1, 2, 3, 4, 4, 4)
	want(1, 4, 1, 4, 4)
	publish(1)
	want(1)
	got := from(t, &p, subs, 4)
	if slices.Sort(got); !slices.Equal(got, []int{0, 0, 3, 3}) {
		t.Fatalf("messages of %v, want those of 0 and 3", got)
	}
	publish(3)
	want(3, 2, 2)
	nothing(t, &p)

	p.Remove(subs[1])
	p.Remove(subs[1])
	p.Remove(mustOpen(t, "r0", Options{Dir: dir})) // which is not here
	p.Add(nil, 0)
	publish(1, 0)
	want(0)
	nothing(t, &p)
	if p.Len() != 4 {
		t.Errorf("%d subscribers, want 4", p.Len())
	}
	p.Add(subs[1], -5)
	want(1)
	nothing(t, &p)
	// What was read is done with.
	for i, s := range subs {
		if info, ok := s.Info(); !ok || info.Cursor != pubs[i].Seq()+1 {
			t.Errorf("the cursor on ring %d is %d and not behind message %d", i, info.Cursor, pubs[i].Seq())
		}
	}
}

func TestPollerTellsEndsOnce(t *testing.T) {
	dir := shmDir(t)
	pubs, subs := polledRings(t, dir, 3)
	var p Poller
	for _, s := range subs {
		p.Add(s, 0)
	}
	want := func(i int, want Status) {
		t.Helper()
		for range 20 {
			s, _, st := p.Next()
			if st == Empty {
				continue
			}
			if s != subs[i] || st != want {
				t.Fatalf("got %v of %s, want %v of ring %d", st, s.Name(), want, i)
			}
			return
		}
		t.Fatalf("got nothing, want %v of ring %d", want, i)
	}
	nothing(t, &p)
	for range 3 {
		if err := publishNumbers(pubs[1], 1); err != nil {
			t.Fatal(err)
		}
		pubs[1].Close()
		want(1, Message)
		want(1, Closed)
		nothing(t, &p)
		if err := publishNumbers(pubs[2], 1); err != nil {
			t.Fatal(err)
		}
		want(2, Message)
		nothing(t, &p)
		pubs[1] = mustCreate(t, "r1", smallest(dir))
		nothing(t, &p)
	}
	pubs[1].Close()
	want(1, Closed)
	pubs[1] = mustCreate(t, "r1", smallest(dir))
	pubs[1].Close()
	want(1, Closed) // another publisher's
	nothing(t, &p)

	if err := Remove(dir, "r1"); err != nil {
		t.Fatal(err)
	}
	want(1, Superseded)
	nothing(t, &p)
	subs[1].Close()
	want(1, Closed)
	nothing(t, &p)

	pubs[0].commit(pubs[0].pos, lineSize, nil, 60000) // a frame that no publisher makes
	want(0, Corrupt)
	nothing(t, &p)
	if subs[0].Err() == nil {
		t.Error("the corrupt ring has no error")
	}
	// A ring that was lapped by zeros looks empty.
	zeros := make([]byte, 1000)
	for range minCapacity / 1000 * 5 / 4 {
		if err := pubs[2].Publish(0, zeros); err != nil {
			t.Fatal(err)
		}
	}
	want(2, Gap)
	want(2, Message)
}

// TestPollerFindsLossesUnderLoad: a lapped ring is found though another one has always
// something.
func TestPollerFindsLossesUnderLoad(t *testing.T) {
	pubs, subs := polledRings(t, shmDir(t), 20)
	var p Poller
	for _, s := range subs {
		p.Add(s, 0)
	}
	nothing(t, &p)
	zeros := make([]byte, 1000)
	for range minCapacity / 1000 * 5 / 4 {
		if err := pubs[7].Publish(0, zeros); err != nil {
			t.Fatal(err)
		}
	}
	for n := 0; ; n++ {
		if n > 2*len(subs) {
			t.Fatalf("not found in %d polls", n)
		}
		if err := publishNumbers(pubs[3], 1); err != nil {
			t.Fatal(err)
		}
		if s, _, st := p.Next(); st == Gap && s == subs[7] {
			break
		}
	}
}

// TestPollerAtRandom: subscribers come and go, publishers end and are followed, rings lap.
// From each ring everything comes in order or is told to be lost.
func TestPollerAtRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	dir := shmDir(t)
	const rings = 8
	pubs, subs := polledRings(t, dir, rings)
	due := make([]uint64, rings) // number of the next message
	for i := range due {
		due[i] = 1
	}
	var p Poller
	read := func() bool {
		s, m, st := p.Next()
		if st == Empty {
			return false
		}
		i := slices.Index(subs, s)
		switch st {
		case Message:
			if len(m) != 200 || binary.LittleEndian.Uint64(m) != due[i] || s.Seq() != due[i] {
				t.Fatalf("ring %d: message %d where %d was due", i, s.Seq(), due[i])
			}
			due[i]++
		case Gap:
			first, last := s.Gap()
			if first != due[i] {
				t.Fatalf("ring %d: gap %d-%d where %d was due", i, first, last, due[i])
			}
			due[i] = last + 1
		case Closed:
			if due[i] != pubs[i].Seq()+1 {
				t.Fatalf("ring %d has ended before message %d", i, due[i])
			}
		default:
			t.Fatalf("ring %d: %v %v", i, st, s.Err())
		}
		return true
	}
	for range 20_000 {
		i := r.IntN(rings)
		switch d := r.IntN(1000); {
		case d < 500:
			for range r.IntN(8) {
				if !read() {
					break
				}
			}
		case d < 950:
			n := r.IntN(4)
			if r.IntN(50) == 0 {
				n = minCapacity / 200
			}
			for range n {
				m := make([]byte, 200)
				binary.LittleEndian.PutUint64(m, pubs[i].Seq()+1)
				if err := pubs[i].Publish(0, m); err != nil {
					t.Fatal(err)
				}
			}
		case d < 970:
			p.Add(subs[i], r.IntN(3))
		case d < 985:
			p.Remove(subs[i])
		default:
			pubs[i].Close()
			if r.IntN(2) == 0 {
				for read() {
				}
			}
			pubs[i] = mustCreate(t, fmt.Sprint("r", i), smallest(dir))
		}
	}
	for i := range rings {
		p.Add(subs[i], r.IntN(3))
		pubs[i].Close()
	}
	for range 16 {
		for read() {
		}
	}
	for i := range rings {
		if due[i] != pubs[i].Seq()+1 {
			t.Errorf("ring %d: message %d is due, and the last one was %d", i, due[i], pubs[i].Seq())
		}
	}
}

// TestPollerWaits: with a Sleeper over rings that have wakers, whatever ring a message
// comes from; and with each other strategy. The end of the context ends it.
func TestPollerWaits(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	dir := shmDir(t)
	var pubs []*Publisher
	var p Poller
	for i := range 3 {
		cfg := smallest(dir)
		cfg.Waker = true
		pubs = append(pubs, mustCreate(t, fmt.Sprint("r", i), cfg))
		p.Add(mustOpen(t, fmt.Sprint("r", i), Options{Dir: dir, Name: "p"}), i%2)
	}
	sleeper := mustSleeper(t, SleepOptions{Spins: 1, Yields: 1, Longest: time.Hour})
	for name, w := range map[string]WaitStrategy{
		"sleeper": sleeper, "spin": Spin{}, "yield": Yield{}, "backoff": Backoff{}, "none": nil,
	} {
		ctx, cancel := context.WithCancelCause(context.Background())
		const messages = 200
		read := make(chan Status)
		ended := make(chan error)
		go func() {
			for {
				s, m, st, err := p.NextWait(ctx, w)
				if err != nil {
					ended <- err
					return
				}
				if st == Message && binary.LittleEndian.Uint64(m) != s.Seq() {
					t.Errorf("message %d of %s is %x", s.Seq(), s.Name(), m)
				}
				read <- st
			}
		}()
		for range messages {
			dawdle(r)
			if err := publishNumbers(pubs[r.IntN(len(pubs))], 1); err != nil {
				t.Fatal(err)
			}
			select {
			case st := <-read:
				if st != Message {
					t.Fatal(name, st)
				}
			case <-time.After(patience):
				t.Fatalf("%s: a message is not read", name)
			}
		}
		because := errors.New("because")
		cancel(because)
		if err := <-ended; err != because {
			t.Errorf("%s: %v", name, err)
		}
	}
	if st := sleeper.Stats(); st.Sleeps == 0 || st.Late > 0 {
		t.Errorf("%+v", st)
	}
	pubs[1].Close()
	if s, _, st, err := p.NextWait(context.Background(), sleeper); st != Closed || s.Name() != "r1" || err != nil {
		t.Errorf("%v %v, want the end of r1", st, err)
	}
}

func TestPollerDoesNotAllocate(t *testing.T) {
	pubs, subs := polledRings(t, shmDir(t), 10)
	var p Poller
	for i, s := range subs {
		p.Add(s, i%3)
	}
	msg := make([]byte, 56)
	if a := testing.AllocsPerRun(5, func() {
		for i := range 5000 {
			if pubs[i%10].Publish(0, msg) != nil {
				t.Fatal("publish failed")
			}
			if _, _, st, _ := p.NextWait(context.Background(), Spin{}); st != Message {
				t.Fatal(st)
			}
			p.Next()
		}
	}); a != 0 {
		t.Errorf("%.0f allocations in 5000 messages", a)
	}
}
