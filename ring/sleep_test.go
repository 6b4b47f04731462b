//go:build linux

package ring

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// The sleep protocol on heap words, where the race detector sees it, with real futexes.

// newLookout is that of a waker on a heap ring.
func newLookout(v view) *lookout {
	l := &lookout{view: v}
	l.rejoin()
	return l
}

// TestLookoutMissesNothing: a look after anything was committed finds news; and when one
// finds none, the lookout stands at the head.
func TestLookoutMissesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	for range 50 {
		base, g := heapRing(8<<r.IntN(3), 256<<r.IntN(4))
		p := newHeapPublisher(base, g, stampClock)
		buf := make([]byte, g.maxMessage)
		l := newLookout(p.view)
		l.news(true)
		for range 500 {
			from := p.seq
			switch r.IntN(10) {
			case 0:
				p.anchor -= 1 << 33 // a time frame is due
			case 1:
				next, err := takeOver(base, g, stampClock)
				if err != nil {
					t.Fatal(err)
				}
				p = next
			case 2:
				for range g.capacity / lineSize / (1 + r.Uint64N(4)) { // perhaps a lap
					if err := publishOne(p, buf); err != nil {
						t.Fatal(err)
					}
				}
			default:
				for range r.IntN(20) {
					if err := publishOne(p, buf); err != nil {
						t.Fatal(err)
					}
				}
			}
			news := l.news(r.IntN(2) == 0)
			if p.seq != from && !news {
				t.Fatalf("%d messages were committed and the lookout has no news", p.seq-from)
			}
			for n := uint64(0); l.news(r.IntN(2) == 0); n++ {
				if n > g.capacity {
					t.Fatal("there is news without end")
				}
			}
			if l.pos != p.pos {
				t.Fatalf("the lookout is at %d, the publisher at %d", l.pos, p.pos)
			}
		}
		p.setState(stateClosed)
		if !l.news(false) || l.news(false) {
			t.Fatal("the end is news, once")
		}
	}
}

// TestLookoutOnRubbish: whatever the ring holds, a look ends, stays inside the ring, and
// does not find news for ever.
func TestLookoutOnRubbish(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	for range 2000 {
		base, g := heapRing(8, 256)
		p := newHeapPublisher(base, g, stampNone)
		buf := make([]byte, g.maxMessage)
		for range r.IntN(100) {
			if err := publishOne(p, buf); err != nil {
				t.Fatal(err)
			}
		}
		l := newLookout(p.view)
		words := unsafe.Slice((*uint64)(p.data), g.capacity/8)
		for range 1 + r.IntN(100) {
			words[r.IntN(len(words))] = r.Uint64() >> (r.IntN(2) * 48)
		}
		if r.IntN(2) == 0 {
			mem.Store(p.claimed, r.Uint64()>>r.IntN(64))
		}
		for n := uint64(0); l.news(r.IntN(2) == 0); n++ {
			if n > g.capacity/lineSize {
				t.Fatal("there is news without end")
			}
		}
	}
}

// TestLookoutBeyondTheClaim: a ring that is full of frames, with no 0 to end at, of which little
// is claimed. The news ends there, and goes on with the next claim.
func TestLookoutBeyondTheClaim(t *testing.T) {
	base, g := heapRing(8, 256)
	p := newHeapPublisher(base, g, stampNone)
	for pos := uint64(0); pos < g.capacity; pos += lineSize {
		mem.Store((*uint64)(p.line(pos)), 1+1)
	}
	mem.Store(p.claimed, g.block+lineSize)
	l := newLookout(p.view)
	drained := func() {
		t.Helper()
		for n := uint64(0); l.news(n%2 == 0); n++ {
			if n > g.block/lineSize {
				t.Fatal("there is news without end")
			}
		}
	}
	drained()
	mem.Store(p.claimed, 2*g.block+lineSize)
	if !l.news(false) {
		t.Error("the next block is no news")
	}
	drained()
}

// TestNoWakeUpIsLost: sleepers that nothing but a wake-up ends, on a ring whose publisher
// waits after each burst until all of it was read, which lasts for ever if one is lost.
func TestNoWakeUpIsLost(t *testing.T) {
	const sleepers = 3
	rounds := 2000
	if mem.Portable {
		rounds = 300
	}
	r := rand.New(rand.NewPCG(seed(t), 0))
	base, g := heapRing(16, 1<<10)
	p := newHeapPublisher(base, g, stampNone)
	p.setState(stateLive)
	var read [sleepers]atomic.Uint64
	var sleeps atomic.Uint64
	errs := make(chan error, sleepers)
	for i := range sleepers {
		s := newHeapSubscriber(base, g, FromOldest, 0)
		r := rand.New(rand.NewPCG(r.Uint64(), 0))
		go func() {
			for {
				m, st := s.Next()
				switch st {
				case Message:
					if binary.LittleEndian.Uint64(m) != s.Seq() {
						errs <- fmt.Errorf("message %d is %x", s.Seq(), m)
						return
					}
					read[i].Store(s.Seq())
				case Gap:
					_, last := s.Gap()
					read[i].Store(last)
				case Empty:
					// Between any two steps others may do all of theirs.
					dawdle(r)
					v := s.wakes()
					dawdle(r)
					if s.quiet() {
						dawdle(r)
						sleeps.Add(1)
						futexWait([]futexWaiter{waitOn(&s.hdr.wake[0], v)}, time.Hour)
					}
				default:
					errs <- s.err
					return
				}
			}
		}()
	}
	var stop atomic.Bool
	ended := make(chan bool)
	go func() { // the waker
		defer close(ended)
		l := newLookout(newView(base, g))
		wakeSleepers(l.hdr)
		for !stop.Load() {
			if l.news(false) {
				wakeSleepers(l.hdr)
			} else {
				yield()
			}
		}
	}()
	for range rounds {
		for range 1 + r.IntN(2)*r.IntN(2)*r.IntN(100) {
			var m [8]byte
			binary.LittleEndian.PutUint64(m[:], p.seq)
			if err := p.Publish(0, m[:]); err != nil {
				t.Fatal(err)
			}
			dawdle(r)
		}
		for i := range read {
			for began := time.Now(); read[i].Load() != p.seq-1; {
				if time.Since(began) > patience {
					t.Fatalf("sleeper %d has read message %d and not %d", i, read[i].Load(), p.seq-1)
				}
				yield()
			}
		}
	}
	p.setState(stateClosed)
	for range sleepers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	<-ended
	t.Logf("%d sleeps, %d messages", sleeps.Load(), p.seq-1)
	if sleeps.Load() < uint64(rounds)/10 {
		t.Errorf("%d sleeps in %d rounds: that tests nothing", sleeps.Load(), rounds)
	}
}

// dawdle gives the core away now and then.
func dawdle(r *rand.Rand) {
	if r.IntN(4) == 0 {
		for range r.IntN(10) {
			yield()
		}
	}
}

// TestFutex: the two ways to wait do what the protocol needs of them.
func TestFutex(t *testing.T) {
	words := make([]uint32, 3)
	for name, wait := range map[string]func(w []futexWaiter, d time.Duration) woken{
		"several": futexWait,
		"one": func(w []futexWaiter, d time.Duration) woken {
			return futexWaitOne(&w[0], d)
		},
	} {
		for i, on := range []func(*uint32, uint32) futexWaiter{waitOn, waitOnOwn} {
			wake := []func(*uint32){futexWake, futexWakeOwn}[i]
			of := func(v uint32) []futexWaiter {
				return []futexWaiter{on(&words[0], v), waitOn(&words[1], words[1]), waitOn(&words[2], words[2])}
			}
			v := atomic.LoadUint32(&words[0])
			if got := wait(of(v+1), time.Hour); got != wokenUp {
				t.Errorf("%s, on a word that is another one: %v", name, got)
			}
			got := wait(of(v), time.Millisecond)
			for tries := 0; got == wokenUp && tries < 1000; tries++ { // by a signal of the Go runtime
				got = wait(of(v), time.Millisecond)
			}
			if got != timedOut {
				t.Errorf("%s, without a wake-up: %v", name, got)
			}
			done := make(chan woken)
			go func() { done <- wait(of(v), time.Hour) }()
			time.Sleep(time.Millisecond) // let it wait; if it does not yet, the trial tests less
			atomic.AddUint32(&words[0], 1)
			wake(&words[0])
			if got := <-done; got != wokenUp {
				t.Errorf("%s, woken: %v", name, got)
			}
		}
		if got := wait([]futexWaiter{{addr: 8, flags: futexSizeU32}}, time.Hour); got != noWaiting {
			t.Errorf("%s, on a word that is not there: %v", name, got)
		}
	}
}

// TestSleeperWithoutWaitv: where several words cannot be waited for, sleeps are short.
func TestSleeperWithoutWaitv(t *testing.T) {
	s, err := NewSleeper(SleepOptions{Longest: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	words := make([]uint32, 4)
	for n := 1; n <= len(words); n++ {
		s.words = s.words[:0]
		for i := range n {
			w := waitOn(&words[i], 0)
			w.flags |= 1 << 30 // futex_waitv refuses it, as if there were none
			s.words = append(s.words, w)
		}
		if got := s.block(time.Hour); got != timedOut {
			t.Errorf("%d words: %v", n, got)
		}
	}
	s.words = []futexWaiter{{addr: 8}, {addr: 8}} // of a file that was cut short
	if got := s.block(time.Hour); got != noWaiting {
		t.Errorf("a word that is not there: %v", got)
	}
}
