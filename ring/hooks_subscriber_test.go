//go:build linux && hooks

package ring

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
)

// Subscribers that are killed or stopped at any access of shared memory. Their publisher
// is the test itself, which notices nothing; and who comes after a named one goes on from
// where it was.

func init() {
	for who, what := range readings {
		scripts["subscribe."+who] = func(b *box, dir string) error {
			next := func(s *Subscriber) Status { _, st := s.Next(); return st }
			switch who {
			case "sleeper":
				next = sleepy(20 * time.Millisecond)
			case "viewer":
				next = look
			case "batch":
				batch := NewBatch(4, 0)
				next = func(s *Subscriber) Status { return s.NextBatch(batch) }
			}
			return subscribeKilled(b, dir, what, next)
		}
	}
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

// source is the publisher, with an onlooker that reads everything.
type source struct {
	p    *Publisher
	w    *onlooker
	buf  []byte
	soon sync.WaitGroup // what is published a little later
}

// newSource makes a ring with 100 messages, and gate a if it is to have one.
func newSource(dir string, gate bool) (*source, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p, err := Create("r", Config{Dir: dir, Capacity: minCapacity, Heartbeat: -1})
	if err != nil {
		return nil, err
	}
	s := &source{p: p, w: newOnlooker(dir), buf: make([]byte, minBlock)}
	s.w.o.fill = mixedMessage
	err = s.publish(100, 0)
	if gate && err == nil {
		err = p.AddGate(Gate{Name: "a"})
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *source) close() {
	s.soon.Wait()
	s.w.close()
	s.p.Close()
}

// publish appends n messages, and as many more as it takes to fill so many bytes.
func (s *source) publish(n int, bytes uint64) error {
	for start := s.p.pos; n > 0 || s.p.pos-start < bytes; n-- {
		if err := s.publishOne(); err != nil {
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

func (s *source) publishOne() error {
	m := mixedMessage(s.buf, s.p.seq, 0)
	return s.p.Publish(typeOf(s.p.seq, len(m)), m)
}

// serve does what a script asks for: so many messages; a lap and a half; as many as a gate
// leaves room for; or one in a moment, when it is asleep.
func (s *source) serve(what string) error {
	s.soon.Wait()
	switch what {
	case "lap":
		return s.publish(0, minCapacity*3/2)
	case "fill":
		if err := s.publish(0, 2*minCapacity); err != ErrBackPressure {
			return fmt.Errorf("two laps and a gate was not in the way: %v", err)
		}
		return nil
	case "soon":
		s.soon.Go(func() {
			time.Sleep(2 * time.Millisecond)
			if s.publishOne() == nil {
				wakeSleepers(s.p.hdr)
			}
		})
		return nil
	}
	n, err := strconv.Atoi(what)
	if err != nil {
		return err
	}
	return s.publish(n, 0)
}

// undisturbed checks that the publisher and the onlooker have noticed nothing.
func (s *source) undisturbed() error {
	s.soon.Wait()
	if err := s.publish(3, 0); err != nil && err != ErrBackPressure {
		return err
	}
	if st, err := s.w.read(); st != Empty || err != nil {
		return fmt.Errorf("the onlooker: %v, %v", st, err)
	}
	return s.w.hasSeen(s.p.Seq())
}

// readings are what a subscriber does when it is killed: ask for messages, read them,
// come and go.
var readings = map[string][]any{
	// Through a lap, with a gap in hand, and again from its cursor, which is in the ring,
	// or not any more. The ninth finds nothing.
	"named": {"open", "8", 9, "4", 2, "lap", 4, "close", "4", "open", 3, "close", "lap", "open", 3, "close"},
	// The same in place.
	"viewer": {"open", "8", 9, "4", 2, "lap", 4, "close", "4", "open", 3, "close", "lap", "open", 3, "close"},
	// As many at once as there are, up to four, which are then all in hand.
	"batch": {"open", "8", 3, "6", 1, "lap", 3, "close", "4", "open", 2, "close", "lap", "open", 3, "close"},
	// A gate that holds the publisher, with a message in hand.
	"gate": {"open", "8", 9, "4", 2, "fill", 3, "fill", 40, "fill", 2, "close", "fill", "open", 40, "fill", 3, "close"},
	// One that sleeps until a message comes.
	"sleeper": {"open", "3", 3, "soon", 1, "soon", 1, "close", "open", "soon", 1, "2", 2, "soon", 1, "close"},
}

// subscribeKilled does these readings as subscriber a.
func subscribeKilled(b *box, dir string, what []any, next func(s *Subscriber) Status) error {
	var s *Subscriber
	for _, what := range what {
		var err error
		switch what := what.(type) {
		case int:
			for range what {
				before := s.next
				st := next(s)
				first, last := max(before, s.want), s.Seq()
				if st == Gap {
					first, last = s.Gap()
				}
				b.done(uint64(st), first, last)
			}
			continue
		case string:
			switch what {
			case "open":
				s, err = Open("r", Options{Dir: dir, Name: "a", NoStepOff: true})
			case "close":
				err = s.Close()
			default:
				if err := ask(what); err != nil {
					return err
				}
				continue
			}
		}
		if err != nil {
			return err
		}
		b.done(uint64(Empty))
	}
	return nil
}

// sleepy is Next that sleeps, for as long as it takes somebody to wake it.
func sleepy(longest time.Duration) func(s *Subscriber) Status {
	w, err := NewSleeper(SleepOptions{Spins: 1, Yields: 1, Longest: longest})
	if err != nil {
		panic(err)
	}
	return func(s *Subscriber) Status {
		_, st, _ := s.NextWait(context.Background(), w)
		return st
	}
}

// look is Next in place; the message is looked at, to have accesses in which to die.
func look(s *Subscriber) Status {
	m, st := s.View()
	if st == Message {
		mem.CopyOut(make([]byte, len(m)), unsafe.Pointer(unsafe.SliceData(m)))
		if !s.Valid() {
			return Empty
		}
	}
	return st
}

// TestSubscriberKilledAt kills a named subscriber at points of its script. Its successor
// begins with what it had not been given yet, or with what it had in hand; nothing is
// skipped, and nobody else notices.
func TestSubscriberKilledAt(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	for _, who := range slices.Sorted(maps.Keys(readings)) {
		t.Run(who, func(t *testing.T) {
			src, err := newSource(filepath.Join(shmDir(t), "rings"), who == "gate")
			if err != nil {
				t.Fatal(err)
			}
			defer src.close()
			c, err := learn("subscribe."+who, src.w.dir, src.serve)
			if err != nil {
				t.Fatal(err)
			}
			points := c.kills(r)
			var kills atomic.Int64
			inParallel(t, points, func(dir string, point uint64) error {
				src, err := newSource(dir, who == "gate")
				if err != nil {
					return err
				}
				defer src.close()
				killed, err := subscriberKilled("subscribe."+who, src, point)
				if killed {
					kills.Add(1)
				}
				return err
			})
			// Its course differs by what it counts of latencies, and by how long it waits, so
			// that it may end before it comes to a point.
			if n := int(kills.Load()); n < len(points)/2 {
				t.Errorf("only %d were killed", n)
			}
			t.Logf("killed at %d of %d points", kills.Load(), c.points)
		})
	}
}

func subscriberKilled(script string, src *source, point uint64) (killed bool, err error) {
	joined := src.p.Seq() + 1
	h, err := startHooked(script, src.w.dir, point, unix.SIGKILL)
	if err != nil {
		return false, err
	}
	defer h.close()
	if err := h.serve(src.serve); err != nil {
		return false, err
	}
	if killed, err = h.ended(); err != nil {
		return false, err
	}
	src.soon.Wait()
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
		return false, fmt.Errorf("Stat says %+v, %v", i, err)
	}
	var s *Subscriber
	err = untilFree(func() (err error) {
		s, err = Open("r", Options{Dir: src.w.dir, Name: "a", NoStepOff: true})
		return err
	})
	if err != nil {
		return false, err
	}
	defer s.Close()
	if got := dirNames(filepath.Join(src.w.dir, "r", "subs")); got != "a" {
		return false, fmt.Errorf("subs has %s", got)
	}
	if err := src.undisturbed(); err != nil {
		return false, err
	}
	o := newOracle(minBlock)
	o.fill = mixedMessage
	for o.next <= src.p.Seq() {
		before := o.next
		st, err := o.step(&s.subscriber)
		if err != nil {
			return false, err
		}
		if st != Message && st != Gap || st == Gap && s.Gate() != GateNone {
			return false, fmt.Errorf("%v at number %d, the last is %d", st, before, src.p.Seq())
		}
		if before != 0 {
			continue
		}
		begins := s.Seq()
		if st == Gap {
			begins, _ = s.Gap()
		}
		if begins != next && begins != first {
			return false, fmt.Errorf("the successor begins with number %d; the one before it had %d-%d in hand", begins, first, next-1)
		}
	}
	return killed, src.undisturbed()
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
	src, err := newSource(filepath.Join(shmDir(t), "rings"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
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
