//go:build linux && hooks

package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Subscribers that are killed or stopped at any access of shared memory. Their publisher
// is the test itself, which notices nothing; and who comes after a named one goes on from
// where it was.

func init() {
	scripts["subscribe.named"] = subscribeNamed
	scripts["subscribe.joins"] = subscribeJoins
}

// mixedMessage is message seq of the publisher: runs of small ones and runs of such that
// take a block each, by which the ring is lapped soon.
func mixedMessage(buf []byte, seq uint64, _ int) []byte {
	n := minBlock - headerBytes
	if seq/minBlocks%2 == 0 {
		n = scriptSizes[seq%uint64(len(scriptSizes))]
	}
	return fillWith(buf[:n], seq, rand.New(rand.NewPCG(seq, 99)))
}

// source is the publisher, with a onlooker that reads everything.
type source struct {
	p   *Publisher
	w   *onlooker
	buf []byte
}

func newSource(dir string) (*source, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p, err := Create("r", Config{Dir: dir, Capacity: minCapacity, Heartbeat: -1})
	if err != nil {
		return nil, err
	}
	s := &source{p, newOnlooker(dir), make([]byte, minBlock)}
	s.w.o.fill = mixedMessage
	return s, nil
}

func (s *source) close() {
	s.w.close()
	s.p.Close()
}

// publish appends n messages, and as many more as it takes to fill so many bytes.
func (s *source) publish(n int, bytes uint64) error {
	for start := s.p.pos; n > 0 || s.p.pos-start < bytes; n-- {
		if err := s.p.Publish(scriptType(s.p.seq), mixedMessage(s.buf, s.p.seq, 0)); err != nil {
			return err
		}
		if s.p.seq%16 == 0 {
			if _, err := s.w.read(); err != nil {
				return err
			}
		}
	}
	return nil
}

// serve does what a script asks for: so many messages, or a lap and a half.
func (s *source) serve(what string) error {
	if what == "lap" {
		return s.publish(0, minCapacity*3/2)
	}
	n, err := strconv.Atoi(what)
	if err != nil {
		return err
	}
	return s.publish(n, 0)
}

// undisturbed checks that the publisher and the onlooker have noticed nothing.
func (s *source) undisturbed() error {
	if err := s.publish(3, 0); err != nil {
		return err
	}
	if st, err := s.w.read(); st != Empty || err != nil {
		return fmt.Errorf("the onlooker: %v, %v", st, err)
	}
	return s.w.hasSeen(s.p.Seq())
}

// subscribeNamed opens, reads and closes as subscriber a: through a lap, with a gap in
// hand, and again from its cursor, which is in the ring, or not any more.
func subscribeNamed(b *box, dir string) error {
	var s *Subscriber
	open := func() (err error) {
		s, err = Open("r", Options{Dir: dir, Name: "a", NoStepOff: true})
		b.done(uint64(Empty))
		return err
	}
	read := func(n int) {
		for range n {
			_, st := s.Next()
			first, last := s.Seq(), s.Seq()
			if st == Gap {
				first, last = s.Gap()
			}
			b.done(uint64(st), first, last)
		}
	}
	for _, step := range []func() error{
		open,
		func() error { return ask("8") },
		func() error { read(9); return ask("4") }, // the last of them finds nothing
		func() error { read(2); return nil },
		func() error { return ask("lap") },
		func() error { read(4); return s.Close() },
		func() error { return ask("4") },
		open,
		func() error { read(3); return s.Close() },
		func() error { return ask("lap") },
		open,
		func() error { read(3); return s.Close() },
		func() error { b.done(uint64(Closed)); return nil },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// TestSubscriberKilledAt kills a named subscriber at points of its script. Its successor
// begins with what it had not been given yet, or with what it had in hand; nothing is
// skipped, and nobody else notices.
func TestSubscriberKilledAt(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	src, err := newSource(filepath.Join(shmDir(t), "rings"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	if err := src.publish(100, 0); err != nil {
		t.Fatal(err)
	}
	c, err := learn("subscribe.named", src.w.dir, src.serve)
	if err != nil {
		t.Fatal(err)
	}
	points := c.kills(r)
	inParallel(t, points, func(dir string, point uint64) error {
		src, err := newSource(dir)
		if err != nil {
			return err
		}
		defer src.close()
		if err := src.publish(100, 0); err != nil {
			return err
		}
		return subscriberKilled(src, &c, point)
	})
	t.Logf("killed at %d of %d points", len(points), c.points)
}

func subscriberKilled(src *source, c *course, point uint64) error {
	joined := src.p.Seq() + 1
	h, err := startHooked("subscribe.named", src.w.dir, point, unix.SIGKILL)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.serve(src.serve); err != nil {
		return err
	}
	// Its course may differ by what it counts of latencies, so that it may have ended well
	// before it came to its last points.
	if killed, err := h.ended(); err != nil || !killed && point < c.points-100 {
		return fmt.Errorf("it was not killed: %v", err)
	}
	// What it was given last, and what would have come next.
	first, next := joined, joined
	for _, o := range h.box.op[:h.box.ops] {
		switch Status(o.said[0]) {
		case Message, Gap:
			first, next = o.said[1], o.said[2]+1
		default:
			first = next // done with what it had in hand
		}
	}
	if i, err := Stat(src.w.dir, "r"); err != nil || i.Err != nil || len(i.Subscribers) > 1 || len(i.Subscribers) == 1 && i.Subscribers[0].Err != nil {
		return fmt.Errorf("Stat says %+v, %v", i, err)
	}
	var s *Subscriber
	err = untilFree(func() (err error) {
		s, err = Open("r", Options{Dir: src.w.dir, Name: "a", NoStepOff: true})
		return err
	})
	if err != nil {
		return err
	}
	defer s.Close()
	if got := dirNames(filepath.Join(src.w.dir, "r", "subs")); got != "a" {
		return fmt.Errorf("subs has %s", got)
	}
	if err := src.undisturbed(); err != nil {
		return err
	}
	o := newOracle(minBlock)
	o.fill = mixedMessage
	for o.next <= src.p.Seq() {
		before := o.next
		st, err := o.step(&s.subscriber)
		if err != nil {
			return err
		}
		if st != Message && st != Gap {
			return fmt.Errorf("%v at number %d, the last is %d", st, before, src.p.Seq())
		}
		if before != 0 {
			continue
		}
		begins := s.Seq()
		if st == Gap {
			begins, _ = s.Gap()
		}
		if begins != next && begins != first {
			return fmt.Errorf("the successor begins with number %d; the one before it had %d-%d in hand", begins, first, next-1)
		}
	}
	return nil
}

// subscribeJoins joins the ring again and again, from each place, and checks what it
// reads, until the ring is closed.
func subscribeJoins(b *box, dir string) error {
	next := uint64(0) // of the session before
	for session := 0; ; session++ {
		opt := Options{Dir: dir, From: []From{FromOldest, FromSeq, FromLatest}[session%3], Seq: next, NoStepOff: true}
		if session%16 == 0 {
			opt.Name, opt.From = "a", FromCursor
		}
		// While the publisher laps, a look for a number in all of the table takes many turns.
		if b.lapIn = 5; opt.From != FromSeq {
			b.lapIn = 20
		}
		last := b.last
		s, err := Open("r", opt)
		if err != nil {
			return fmt.Errorf("session %d: %w", session, err)
		}
		b.lapIn = 5
		o := newOracle(minBlock)
		o.fill = mixedMessage
		switch {
		case opt.From == FromSeq && next != 0:
			o.next = next
		case opt.From == FromOldest:
			o.next = s.next
		case opt.From == FromLatest:
			if o.next = s.floor; o.next <= last || o.next > b.last+1 {
				return fmt.Errorf("session %d: it joins at number %d, and the last was between %d and %d", session, o.next, last, b.last)
			}
		}
		start, empties := o.next, 0
		for n := 0; n < 12 && empties < 2; n++ {
			last := b.last
			st, err := o.step(&s.subscriber)
			if st == Empty && o.next != 0 && o.next <= last {
				return fmt.Errorf("session %d: it finds nothing at number %d, but there are %d", session, o.next, last)
			}
			switch {
			case err != nil:
				return fmt.Errorf("session %d: %w", session, err)
			case st == Closed:
				b.done(uint64(session), s.next)
				return s.Close()
			case st == Empty:
				empties++
			}
		}
		if o.next != 0 {
			if start != 0 && o.delivered+o.lost != o.next-start || s.Lost() != o.lost {
				return fmt.Errorf("session %d: from %d to %d delivered %d, lost %d and %d", session, start, o.next-1, o.delivered, o.lost, s.Lost())
			}
			next = o.next
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
}

// TestSubscriberStoppedAt stops a subscriber after each access, while it joins and reads,
// and the publisher goes on meanwhile: not at all, by a few messages, or by a lap and
// more. The subscriber checks for itself that nothing is torn, doubled or skipped.
func TestSubscriberStoppedAt(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	src, err := newSource(filepath.Join(shmDir(t), "rings"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	if err := src.publish(100, 0); err != nil {
		t.Fatal(err)
	}
	h, err := startHooked("subscribe.joins", src.w.dir, atAll, unix.SIGSTOP)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	stops, laps := 0, 0
	for {
		stopped, err := h.stopped()
		if err != nil {
			t.Fatal(err)
		}
		if !stopped {
			break
		}
		stops++
		switch d := r.Uint64N(1000); {
		case stops > 20_000:
			src.p.Close()
		case d < h.box.lapIn/2:
			err = src.publish(0, minCapacity+r.Uint64N(2*minBlock))
			laps++
		case d < h.box.lapIn:
			err = src.publish(0, r.Uint64N(minCapacity*2))
			laps++
		case d < 100:
			err = src.publish(r.IntN(4), 0)
		}
		h.box.last = src.p.Seq()
		if err := errors.Join(err, h.goOn()); err != nil {
			t.Fatal(err)
		}
	}
	if killed, err := h.ended(); killed || err != nil {
		t.Fatal(killed, err)
	}
	if _, err := src.w.read(); err != nil {
		t.Fatal(err)
	}
	if err := src.w.hasSeen(src.p.Seq()); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped after each of %d accesses in %d sessions, lapped at %d; %d messages", stops, h.box.op[0].said[0], laps, src.p.Seq())
}
