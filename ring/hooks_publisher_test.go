//go:build linux && hooks

package ring

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
)

// Publishers that are killed or stopped at any access of shared memory, while an onlooker
// reads. A message is there from the last store of the call that published it, and not
// before; everything else goes on as if there had been a pause.

// passage is a script of a publisher on a ring that is in some state before.
type passage struct {
	name   string
	before func(p *Publisher) error // makes that state; nil: there is no ring
	cfg    Config
	gated  bool // the onlooker is the ring's gate, and reads when the script asks it to
	script []publisherStep
}

// publisherStep is an operation of a publisher: it makes all its messages visible with
// its last store, or none.
type publisherStep func(a *actor) error

// actor is a publisher in a script.
type actor struct {
	cfg  Config
	p    *Publisher
	held bool // the last publish was refused
}

func (a *actor) create() (err error) {
	a.p, err = Create("r", a.cfg)
	return err
}

func (a *actor) standby() (err error) {
	a.p, err = Standby(context.Background(), "r", a.cfg)
	return err
}

// next is the next message but n.
func (a *actor) next(n int) (uint16, []byte) {
	seq := a.p.seq + uint64(n)
	m := scriptMessage(make([]byte, minBlock), seq, 0)
	return typeOf(seq, len(m)), m
}

func (a *actor) publish() error { return a.p.Publish(a.next(0)) }

// tryPublish publishes, or is refused because a gate has not read; wait is to follow.
func (a *actor) tryPublish() error {
	if a.held {
		return nil
	}
	err := a.publish()
	if a.held = err == ErrBackPressure; a.held {
		return nil
	}
	return err
}

// wait has the gate read if it is in the way.
func (a *actor) wait() error {
	if !a.held {
		return nil
	}
	a.held = false
	return ask("read")
}

// batch publishes four messages at once.
func (a *actor) batch() error {
	var msgs []Outgoing
	for n := range 4 {
		typ, m := a.next(n)
		msgs = append(msgs, Outgoing{typ, m})
	}
	return a.p.PublishBatch(msgs)
}

// typed publishes two values at once when they are due, and else one message.
func (a *actor) typed() error { return publishTyped(&a.p.publisher, 2, scriptMessage) }

// claim publishes in place, of more room than it needs.
func (a *actor) claim() error { return a.fillIn(func() error { return nil }) }

// claimLate does so after a long time.
func (a *actor) claimLate() error { return a.fillIn(a.later) }

func (a *actor) fillIn(meanwhile func() error) error {
	typ, m := a.next(0)
	claim, err := a.p.Claim(len(m) + 100)
	if err != nil {
		return err
	}
	mem.CopyIn(unsafe.Pointer(&claim[0]), m)
	if err := meanwhile(); err != nil {
		return err
	}
	return a.p.Commit(typ, len(m))
}

// abort gives a claim up that is full of what looks like frames.
func (a *actor) abort() error {
	claim, err := a.p.Claim(200)
	if err != nil {
		return err
	}
	for i := 0; i < len(claim); i += 8 {
		mem.Store((*uint64)(unsafe.Pointer(&claim[i])), frameWord(8, 1))
	}
	a.p.Abort()
	return nil
}

// mark is the second half of PublishMark.
func (a *actor) mark() error {
	a.p.setMark(a.p.Seq())
	return nil
}

func (a *actor) addGate() error    { return a.p.AddGate(Gate{Name: "late", DropDead: true}) }
func (a *actor) removeGate() error { return a.p.RemoveGate("late") }

func (a *actor) close() error { return a.p.Close() }

// later makes a time frame due.
func (a *actor) later() error {
	a.p.anchor -= 1 << 33
	return nil
}

// larger replaces the ring by one of another size.
func (a *actor) larger() error {
	a.cfg.Capacity *= 2
	return a.create()
}

// bulkMessages are as large as a block. They fill a ring of the smallest size to its last
// block, in the second lap, before a script.
const bulkMessages = 2*minBlocks - 1

var scriptSizes = []int{0, 8, 56, 57, 1, 120, 56, 300, typedSize, typedSize, typedSize, 0, 24, 57, 200}

// scriptMessage is message seq of every script; fillWith says what is in it.
func scriptMessage(buf []byte, seq uint64, _ int) []byte {
	n := minBlock - headerBytes
	if seq > bulkMessages {
		n = scriptSizes[seq%uint64(len(scriptSizes))]
	}
	return fillWith(buf[:n], seq, rand.New(rand.NewPCG(seq, 99)))
}

// publishScript publishes so many messages of a script.
func publishScript(p *Publisher, n int) error {
	a := actor{p: p}
	for range n {
		if err := a.publish(); err != nil {
			return err
		}
	}
	return nil
}

// having makes a ring with so many messages.
func having(n int) func(p *Publisher) error {
	return func(p *Publisher) error { return publishScript(p, n) }
}

// nearlyFull makes a ring on which there is room for some lines before its gates have to
// read: one that waits for its onlooker and one that nobody has open. They stand behind n
// messages.
func nearlyFull(n int) func(p *Publisher) error {
	return func(p *Publisher) error {
		err := publishScript(p, n)
		for _, g := range []Gate{{Name: "gate"}, {Name: "dead", DropDead: true}} {
			err = errors.Join(err, p.AddGate(g))
		}
		for err == nil && p.pos+10*lineSize < p.view.limit(p.gates[0])-p.block {
			err = publishScript(p, 1)
		}
		return err
	}
}

func steps(s ...any) (all []publisherStep) {
	n := 1
	for _, s := range s {
		switch s := s.(type) {
		case int:
			n = s
		case func(*actor) error:
			all = append(all, slices.Repeat([]publisherStep{s}, n)...)
			n = 1
		}
	}
	return all
}

var (
	everyStamp = Config{Capacity: minCapacity, Heartbeat: -1, Stamps: StampEvery}
	noStamp    = Config{Capacity: minCapacity, Heartbeat: -1, Stamps: StampNone}
)

// A number stands for so many times the step after it.
var passages = []passage{
	{"first", nil, everyStamp, false, steps(
		(*actor).create, 3, (*actor).publish, (*actor).close)},
	{"wrap", having(bulkMessages + 18), noStamp, false, steps(
		(*actor).create, 30, (*actor).publish, (*actor).close)},
	{"stamped", having(bulkMessages + 25), everyStamp, false, steps(
		(*actor).standby, 6, (*actor).publish, (*actor).later, 18, (*actor).publish, (*actor).mark,
		(*actor).close, (*actor).create, 3, (*actor).publish)},
	{"forms", having(bulkMessages + 24), noStamp, false, steps(
		(*actor).create, (*actor).batch, (*actor).claim, (*actor).abort, 4, (*actor).batch,
		8, (*actor).typed, (*actor).claim, (*actor).batch, (*actor).abort)},
	{"late", having(bulkMessages + 29), everyStamp, false, steps(
		(*actor).create, (*actor).claimLate, (*actor).later, (*actor).batch, (*actor).publish, (*actor).claimLate,
		(*actor).later, (*actor).typed, 4, (*actor).publish, 3, (*actor).claim, 2, (*actor).claimLate)},
	{"gated", nearlyFull(bulkMessages + 10), noStamp, true, steps(
		(*actor).create, 9, (*actor).tryPublish, (*actor).wait,
		(*actor).addGate, 2, (*actor).batch, (*actor).removeGate, 2, (*actor).publish, (*actor).close)},
	{"gated.edge", nearlyFull(bulkMessages), everyStamp, true, steps( // at a block's start
		(*actor).create, 11, (*actor).tryPublish, (*actor).wait, 2, (*actor).publish)},
	{"replace", having(bulkMessages + 5), noStamp, false, steps(
		(*actor).create, 3, (*actor).publish, (*actor).close, (*actor).larger, (*actor).later, 3, (*actor).publish)},
}

func init() {
	for _, p := range passages {
		scripts["publish."+p.name] = func(b *box, dir string) error {
			a := &actor{cfg: p.cfg}
			a.cfg.Dir = dir
			for i, step := range p.script {
				if err := step(a); err != nil {
					return fmt.Errorf("step %d: %w", i, err)
				}
				b.done(a.p.Seq(), oneIf(a.held))
			}
			return nil
		}
	}
}

func oneIf(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// committed is how many messages there are at a point of the course.
func (c *course) committed(point uint64) uint64 {
	n := c.op[0].said[0] // what the ring had before
	for _, o := range c.op {
		if o.written <= point {
			n = o.said[0]
		}
	}
	return n
}

// onlooker reads a ring from its oldest message on, through whatever happens.
type onlooker struct {
	dir string
	s   *Subscriber // nil: there has been no ring
	o   *oracle
	// It is not there all the time, so that a file can have come and gone unseen.
	away bool
	name string // of a gate; empty: a pure reader
}

func newOnlooker(dir string) *onlooker {
	w := &onlooker{dir: dir, o: newOracle(minBlock)}
	w.o.fill = scriptMessage
	return w
}

// read reads all there is. It comes back with Empty or Closed; with the latter only from
// the file that has the ring's name.
func (w *onlooker) read() (Status, error) {
	for {
		if w.s == nil {
			opt := Options{Dir: w.dir, Name: w.name, From: FromOldest, NoStepOff: true}
			if w.name != "" {
				opt.From = FromCursor
			} else if w.o.next != 0 {
				opt.From, opt.Seq = FromSeq, w.o.next
			}
			s, err := Open("r", opt)
			if errors.Is(err, ErrNoRing) {
				return Empty, nil
			}
			if err != nil {
				return Empty, err
			}
			if w.o.next == 0 {
				w.o.next = max(s.next, s.want)
			}
			w.s = s
		}
		replaced := false
	reading:
		st, err := w.o.step(&w.s.subscriber)
		if err != nil || st == Corrupt {
			return st, err
		}
		switch {
		case st == Message || st == Gap:
			goto reading
		case st == Superseded || replaced:
			w.close()
			continue
		case w.s.Publisher() == Replaced:
			replaced = true // by somebody who was killed before he could say so
			goto reading
		}
		return st, nil
	}
}

func (w *onlooker) close() {
	if w.s != nil {
		w.s.Close()
		w.s = nil
	}
}

// hasSeen checks that the onlooker has read everything up to last, and lost nothing.
func (w *onlooker) hasSeen(last uint64) error {
	if w.o.next != last+1 && (last != 0 || w.o.next != 0) || w.o.lost != 0 && !w.away {
		return fmt.Errorf("the onlooker has read up to %d and lost %d; %d are committed", w.o.next-1, w.o.lost, last)
	}
	return nil
}

// succession goes on with what a publisher left in dir that has committed last messages:
// the next one finds everything usable, those who were there read on, and in the end the
// ring can be removed without a trace.
func succession(dir string, cfg Config, last uint64, w *onlooker) error {
	cfg.Dir, cfg.Capacity = dir, 0 // whichever it has by now
	var p *Publisher
	err := untilFree(func() (err error) {
		p, err = Create("r", cfg)
		return err
	})
	if err != nil {
		return err
	}
	defer p.Close()
	if p.Seq() != last {
		return fmt.Errorf("the next publisher begins after number %d, but %d are committed", p.Seq(), last)
	}
	if p.Replaced() != nil {
		return fmt.Errorf("the next publisher made a new file: %w", p.Replaced())
	}
	if got := dirNames(filepath.Join(dir, "r")); got != "lock ring subs" {
		return fmt.Errorf("the ring's directory has %s", got)
	}
	if w.name != "" {
		if last, err = untilHeld(p); err != nil {
			return err
		}
		if err := w.readOn(last); err != nil {
			return err
		}
	}
	if err := publishScript(p, 5); err != nil {
		return err
	}
	p.Close()
	late := newOnlooker(dir)
	defer late.close()
	for _, w := range []*onlooker{w, late} {
		if st, err := w.read(); err != nil || st != Closed {
			return fmt.Errorf("the end is %v: %v", st, err)
		}
		if err := w.hasSeen(last + 5); err != nil {
			return err
		}
		w.close()
	}
	if i, err := Stat(dir, "r"); err != nil || i.Err != nil || i.Last != last+5 || i.Publisher != Ended {
		return fmt.Errorf("Stat says %+v, %v", i, err)
	}
	if err := Remove(dir, "r"); err != nil {
		return err
	}
	if got := dirNames(dir); got != "" {
		return fmt.Errorf("Remove has left %s", got)
	}
	return nil
}

// untilHeld publishes until a gate is in the way, which it has to be within a lap, and
// returns the last number.
func untilHeld(p *Publisher) (last uint64, err error) {
	for start := p.pos; p.pos-start <= p.capacity; {
		if err := publishScript(p, 1); err != nil {
			if errors.Is(err, ErrBackPressure) {
				err = nil
			}
			return p.Seq(), err
		}
	}
	return 0, fmt.Errorf("a lap was published and the gate was not in the way")
}

func dirNames(dir string) string {
	found, _ := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
	for i, f := range found {
		found[i] = filepath.Base(f)
	}
	return strings.Join(append(found, hidden...), " ")
}

// TestPublisherKilledAt kills publishers at points of their scripts. What was committed
// is there, once, and nothing else; the onlooker has read all of it; the next publisher
// goes on.
func TestPublisherKilledAt(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	for _, p := range passages {
		t.Run(p.name, func(t *testing.T) {
			before, c := p.prepare(t)
			points := c.kills(r)
			inParallel(t, points, func(dir string, point uint64) error {
				if err := copyRings(before, dir); err != nil {
					return err
				}
				return p.killed(dir, &c, point)
			})
			t.Logf("killed at %d of %d points", len(points), c.points)
		})
	}
}

// TestPublishersKilledInARow: each publisher takes over from one that was killed, some
// of them while they took over, or made the ring's first file, themselves.
func TestPublishersKilledInARow(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	for _, p := range passages {
		t.Run(p.name, func(t *testing.T) {
			before, c := p.prepare(t)
			dir := filepath.Join(shmDir(t), "rings")
			if err := copyRings(before, dir); err != nil {
				t.Fatal(err)
			}
			w := p.onlooker(dir)
			defer w.close()
			w.away = !p.gated
			last := uint64(0)
			kills := 0
			for range 30 {
				point := 1 + r.Uint64N(c.points)
				if r.IntN(3) == 0 {
					point = 1 + r.Uint64N(c.op[0].points) // while it takes over
				}
				h, err := startHooked("publish."+p.name, dir, point, unix.SIGKILL)
				if err != nil {
					t.Fatal(err)
				}
				serving := h.serve(w.onAsking)
				killed, err := h.ended()
				if err := errors.Join(serving, err); err != nil {
					t.Fatal(err)
				}
				if killed {
					kills++
				}
				// What the process itself knows: the call that it died in has committed or not.
				known := last
				if h.box.ops > 0 {
					known = h.box.op[h.box.ops-1].said[0]
				}
				h.close()
				if _, err := w.read(); err != nil {
					t.Fatal(err)
				}
				if known > 0 && (w.o.next-1 < known || w.o.next-1 > known+4) {
					t.Fatalf("the onlooker has read up to %d, the publisher was killed after %d or in the next", w.o.next-1, known)
				}
				last = w.o.next - 1
				if w.o.next == 0 {
					last = 0
				}
			}
			if err := succession(dir, p.cfg, last, w); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d kills, %d messages", kills, last)
		})
	}
}

// prepare makes what the passage begins with, in a directory of its own, and learns its
// course.
func (p *passage) prepare(t *testing.T) (before string, c course) {
	t.Helper()
	base := shmDir(t)
	before = filepath.Join(base, "before")
	if p.before == nil {
		if err := os.Mkdir(before, 0o700); err != nil {
			t.Fatal(err)
		}
	} else {
		cfg := p.cfg
		cfg.Dir = filepath.Join(base, "made")
		made := mustCreate(t, "r", cfg)
		if err := p.before(made); err != nil {
			t.Fatal(err)
		}
		if err := copyRings(cfg.Dir, before); err != nil { // as a kill leaves it
			t.Fatal(err)
		}
	}
	probe := filepath.Join(base, "probe")
	if err := copyRings(before, probe); err != nil {
		t.Fatal(err)
	}
	w := p.onlooker(probe)
	defer w.close()
	c, err := learn("publish."+p.name, probe, w.onAsking)
	if err != nil {
		t.Fatal(err)
	}
	held := false
	for _, o := range c.op {
		held = held || o.said[1] != 0
	}
	if held != p.gated {
		t.Fatalf("a gate was in the way: %t", held)
	}
	if err := w.readOn(c.committed(c.points)); err != nil {
		t.Fatal(err)
	}
	if p.before != nil && !p.gated && w.s.capacity == p.cfg.Capacity && w.s.countPads() == 0 {
		t.Fatal("the script has no pad")
	}
	return before, c
}

// onlooker is who reads beside the passage in dir.
func (p *passage) onlooker(dir string) *onlooker {
	w := newOnlooker(dir)
	if p.gated {
		w.name = "gate"
	}
	return w
}

// onAsking reads when a script asks for it.
func (w *onlooker) onAsking(string) error {
	_, err := w.read()
	return err
}

// readOn reads all there is and checks that it is up to last.
func (w *onlooker) readOn(last uint64) error {
	if _, err := w.read(); err != nil || w.s == nil {
		return err
	}
	return w.hasSeen(last)
}

// countPads counts the pads in the blocks of the last lap.
func (s *subscriber) countPads() (pads int) {
	newest := s.newest(mem.LoadAcquire(s.claimed))
	for start := s.oldest(newest); start <= newest; start += s.block {
		for pos := start; pos < start+s.block; pos += lineSize {
			if s.frameHeader(pos) == sizePad {
				pads++
			}
		}
	}
	return pads
}

// killed runs the script in dir with an onlooker beside it, kills it at a point, and goes
// on with what is left.
func (p *passage) killed(dir string, c *course, point uint64) error {
	w := p.onlooker(dir)
	defer w.close()
	if !p.gated {
		if _, err := w.read(); err != nil {
			return err
		}
	}
	h, err := startHooked("publish."+p.name, dir, point, unix.SIGKILL)
	if err != nil {
		return err
	}
	defer h.close()
	var over atomic.Bool
	reading := make(chan error, 1)
	go func() {
		for !over.Load() && !p.gated {
			if _, err := w.read(); err != nil {
				reading <- err
				return
			}
			time.Sleep(50 * time.Microsecond)
		}
		reading <- nil
	}()
	serving := h.serve(w.onAsking)
	killed, err := h.ended()
	over.Store(true)
	if err := errors.Join(err, serving, <-reading); err != nil {
		return err
	}
	if !killed {
		return fmt.Errorf("the script has come to its end")
	}
	if !c.same(h.box) {
		return errOtherCourse
	}
	last := c.committed(point)
	if !p.gated {
		if err := w.readOn(last); err != nil {
			return err
		}
	}
	return succession(dir, p.cfg, last, w)
}

// TestPublisherStoppedAt stops publishers after every access in turn. Until then the
// onlooker has read just what is committed; nobody else may publish; a copy of the files,
// which is what a kill at this point leaves, is taken over. Then the publisher goes on as
// if nothing had been.
func TestPublisherStoppedAt(t *testing.T) {
	for _, p := range passages {
		t.Run(p.name, func(t *testing.T) {
			before, c := p.prepare(t)
			base := shmDir(t)
			dir := filepath.Join(base, "rings")
			if err := copyRings(before, dir); err != nil {
				t.Fatal(err)
			}
			w := p.onlooker(dir)
			defer w.close()
			h, err := startHooked("publish."+p.name, dir, atAll, unix.SIGSTOP)
			if err != nil {
				t.Fatal(err)
			}
			defer h.close()
			serving := make(chan error, 1)
			go func() { serving <- h.serve(w.onAsking) }()
			stops := 0
			for {
				stopped, err := h.stopped()
				if err != nil {
					t.Fatal(err)
				}
				if !stopped {
					break
				}
				stops++
				if err := p.whileStopped(dir, filepath.Join(base, "copy"), &c, h.box.points, w); err != nil {
					t.Fatalf("stopped at point %d: %v", h.box.points, err)
				}
				if err := h.goOn(); err != nil {
					t.Fatal(err)
				}
			}
			if err := <-serving; err != nil {
				t.Fatal(err)
			}
			if killed, err := h.ended(); killed || err != nil {
				t.Fatal(killed, err)
			}
			if err := succession(dir, p.cfg, c.committed(c.points), w); err != nil {
				t.Fatal(err)
			}
			t.Logf("stopped after each of %d accesses", stops)
		})
	}
}

func (p *passage) whileStopped(dir, copied string, c *course, point uint64, w *onlooker) error {
	last := c.committed(point)
	if !p.gated {
		if err := w.readOn(last); err != nil {
			return err
		}
	}
	cfg := p.cfg
	cfg.Dir = dir
	if other, err := Create("r", cfg); !errors.Is(err, ErrPublisherActive) {
		if err == nil {
			other.Close()
		}
		return fmt.Errorf("Create: %v, want %v", err, ErrPublisherActive)
	}
	if err := copyRings(dir, copied); err != nil {
		return err
	}
	defer os.RemoveAll(copied)
	next := w.o.next
	w = p.onlooker(copied)
	defer w.close()
	if p.gated {
		w.o.next = next // its cursor
	} else if err := w.readOn(last); err != nil {
		return err
	}
	return succession(copied, p.cfg, last, w)
}
