//go:build linux && hooks

package ring

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sleepers are subscribers of this process that sleep, for so long at most.
type sleepers struct {
	seen [2]atomic.Uint64
	errs chan error
}

func putToSleep(dir string, longest time.Duration) (*sleepers, error) {
	s := &sleepers{errs: make(chan error, 2)}
	for i := range s.seen {
		sub, err := Open("r", Options{Dir: dir, NoStepOff: true})
		if err != nil {
			return nil, err
		}
		s.seen[i].Store(sub.floor - 1)
		next := sleepy(longest)
		go func() {
			defer sub.Close()
			for {
				switch st := next(sub); st {
				case Message:
					s.seen[i].Store(sub.Seq())
				case Closed:
					s.errs <- nil
					return
				default:
					s.errs <- fmt.Errorf("%v after number %d", st, s.seen[i].Load())
					return
				}
			}
		}()
	}
	return s, nil
}

// all is the number of the last message that all have seen.
func (s *sleepers) all() uint64 { return min(s.seen[0].Load(), s.seen[1].Load()) }

// ended waits for all to come to the ring's end.
func (s *sleepers) ended(t *testing.T) {
	for range s.seen {
		select {
		case err := <-s.errs:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("a sleeper sleeps through the end of the ring")
		}
	}
}

// TestWakerStoppedAt stops a waker after each access, and messages are published
// meanwhile. When it goes on it wakes who sleeps: a sleep that nothing ends takes an hour.
func TestWakerStoppedAt(t *testing.T) {
	src, err := newSource(filepath.Join(shmDir(t), "rings"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	h, err := startHooked("waker", src.w.dir, atAll, unix.SIGSTOP)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	var s *sleepers
	last, since := src.p.Seq(), time.Now()
	stops := 0
	for ; stops < 1_000 || s.all() < 400; stops++ {
		if ok, err := h.stopped(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if s == nil && stops > 10 { // it has the sign by which they trust that it wakes them
			if s, err = putToSleep(src.w.dir, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		switch {
		case s == nil:
		case s.all() == last: // the next one, once they have all seen this one
			err = src.publish(1, 0)
			last, since = src.p.Seq(), time.Now()
		case time.Since(since) > patience:
			err = fmt.Errorf("a sleeper has seen message %d and sleeps on %v after message %d", s.all(), patience, last)
		}
		if err := errors.Join(err, h.goOn()); err != nil {
			t.Fatal(err)
		}
	}
	h.close()
	src.p.Close()
	s.ended(t)
	t.Logf("stopped after each of %d accesses, %d messages", stops, src.p.Seq())
}
