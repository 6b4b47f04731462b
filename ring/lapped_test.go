package ring

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/tickring/tickring/internal/mem"
)

// TestLappedAnywhere: a subscriber stands at a block's start, in it, at its end or behind
// that, and is k laps behind, or some lines more or less, wherever it goes on then and
// however it reads. The ring is full of zeros. Delivered + lost = published, and it is
// lapped exactly if its place may have been overwritten.
func TestLappedAnywhere(t *testing.T) {
	var lapped, kept int
	for rejoin := RejoinOldest; rejoin <= RejoinMark; rejoin++ {
		for _, lines := range []int{1, 2, 3} { // of a message; blocks have 4
			for read := range 7 {
				for laps := uint64(1); laps <= 2; laps++ {
					for off := int64(-6); off <= 6; off++ {
						for _, view := range []bool{false, true} {
							was, err := lappedBy(rejoin, lines, read, laps, off, view)
							if err != nil {
								t.Fatalf("rejoin %d, messages of %d lines, %d read, %d laps %+d lines, in place %v: %v", rejoin, lines, read, laps, off, view, err)
							}
							if was {
								lapped++
							} else {
								kept++
							}
						}
					}
				}
			}
		}
	}
	if lapped == 0 || kept == 0 {
		t.Errorf("lapped %d times, kept %d times: the test tries one of them only", lapped, kept)
	}
}

func lappedBy(rejoin Rejoin, lines, read int, laps uint64, off int64, view bool) (lapped bool, err error) {
	base, g := heapRing(8, 256)
	p := newHeapPublisher(base, g, stampNone)
	s := newHeapSubscriber(base, g, FromOldest, 0)
	s.rejoin = rejoin
	zeros := make([]byte, lines*lineSize-headerBytes)
	next, delivered, lost := uint64(1), uint64(0), uint64(0)
	step := func() (Status, error) {
		var m []byte
		var st Status
		if view {
			m, st = s.View()
		} else {
			m, st = s.Next()
		}
		switch {
		case st == Message && (s.Seq() != next || len(m) != len(zeros) || view && !s.Valid()):
			return st, fmt.Errorf("message %d of %d bytes, want %d", s.Seq(), len(m), next)
		case st == Message:
			next++
			delivered++
		case st == Gap:
			first, last := s.Gap()
			if first != next || last < first {
				return st, fmt.Errorf("a gap from %d to %d, want one from %d", first, last, next)
			}
			next = last + 1
			lost += last - first + 1
		case st == Corrupt:
			return st, s.Err()
		}
		return st, nil
	}
	for i := range read {
		if err := p.Publish(0, zeros); err != nil {
			return false, err
		}
		if st, err := step(); err != nil || st != Message {
			return false, fmt.Errorf("message %d: %v %v", i, st, err)
		}
	}
	target := s.pos + laps*g.capacity + uint64(off*lineSize)
	for p.pos < target {
		publish := p.Publish
		if p.seq%11 == 0 {
			publish = p.PublishMark
		}
		if err := publish(0, zeros); err != nil {
			return false, err
		}
	}
	// A message that is in view is looked at until it is known to be good.
	lapped = mem.LoadAcquire(p.claimed) > s.pos+g.capacity
	p.setState(stateClosed)
	for st := Message; st != Closed; {
		if st, err = step(); err != nil {
			return lapped, err
		}
	}
	if total := p.seq - 1; delivered+lost != total || s.Lost() != lost {
		return lapped, fmt.Errorf("delivered %d + lost %d (it says %d) of %d", delivered, lost, s.Lost(), total)
	}
	if lapped != (lost > 0) {
		return lapped, fmt.Errorf("lapped: %v, and lost %d", lapped, lost)
	}
	return lapped, nil
}

// TestReentriesRaceClaims: subscribers that are lapped again and again, while the
// publisher goes on, go on where each policy says, and join anew from everywhere. What
// they say of their losses is exact each time.
func TestReentriesRaceClaims(t *testing.T) {
	reentries := 300
	if mem.Portable || testing.Short() {
		reentries = 60
	}
	start := seed(t)
	base, g := heapRing(16, 1<<10)
	p := newHeapPublisher(base, g, stampClock)
	var working atomic.Int32
	errs := make(chan error)
	const readers = 2 * (RejoinMark + 1)
	working.Store(int32(readers))
	for i := range readers {
		r := rand.New(rand.NewPCG(start, uint64(i)))
		go func() {
			err := reenter(r, p.view, Rejoin(i/2), i%2 == 1, reentries)
			working.Add(-1)
			errs <- err
		}()
	}
	buf := make([]byte, g.maxMessage)
	for working.Load() > 0 {
		err := publishOne(p, buf)
		if p.seq%200 == 0 {
			p.setMark(p.seq - 1)
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.seq%1024 == 0 {
			yield()
		}
	}
	for range readers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// reenter reads a little, waits until it is lapped, and reads on; or it joins again.
func reenter(r *rand.Rand, v view, rejoin Rejoin, again bool, times int) error {
	var s *subscriber
	var o *oracle
	for n := range times {
		if s == nil || again {
			s, o = &subscriber{}, newOracle(int(v.maxMessage))
			s.start(v)
			s.chase.off, s.rejoin = true, rejoin
			from, seq := From(1+n%4), uint64(0)
			if from == FromSeq {
				// One that is there or has left the ring.
				s.joinOldest(0)
				seq = s.next - min(s.next-1, r.Uint64N(100)) + r.Uint64N(100)
				o.next = seq
			}
			s.join(from, seq)
			if s.err != nil {
				return s.err
			}
		}
		for reads := 1 + r.IntN(50); reads > 0; {
			st, err := o.step(s)
			switch {
			case err != nil:
				return fmt.Errorf("rejoin %d, after %d re-entries: %w", rejoin, n, err)
			case st == Empty:
				yield()
			case st != Message && st != Gap:
				return fmt.Errorf("%v", st)
			default:
				reads--
			}
		}
		if s.Lost() != o.lost {
			return fmt.Errorf("lost %d, and it says %d", o.lost, s.Lost())
		}
		for !s.overrun(s.pos) {
			yield()
		}
	}
	return nil
}
