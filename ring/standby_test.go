//go:build linux

package ring

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/mmap"
)

func init() {
	roles["standby.relay"] = relay
	roles["standby.make"] = makeAndClose
}

// awaited is what a Standby comes to.
type awaited struct {
	p   *Publisher
	err error
}

// asked counts how often a standby has asked its context whether to go on.
type asked struct {
	context.Context
	n *atomic.Int64
}

func (a asked) Err() error {
	a.n.Add(1)
	return a.Context.Err()
}

// standBy starts a standby in a goroutine and returns when it waits and has made ready
// what it can.
func standBy(t testing.TB, ctx context.Context, cfg Config) <-chan awaited {
	t.Helper()
	cfg.Poll = 100 * time.Microsecond
	a := asked{ctx, new(atomic.Int64)}
	got := make(chan awaited, 1)
	go func() {
		p, err := Standby(a, "r", cfg)
		got <- awaited{p, err}
	}()
	eventually(t, "the standby waits", func() bool { return a.n.Load() > 3 || len(got) > 0 })
	return got
}

// won wants a standby to have become the publisher.
func won(t testing.TB, got <-chan awaited) *Publisher {
	t.Helper()
	select {
	case a := <-got:
		if a.err != nil {
			t.Fatal(a.err)
		}
		t.Cleanup(func() { a.p.Close() })
		return a.p
	case <-time.After(patience):
		t.Fatal("the standby does not take the ring")
		return nil
	}
}

// waiting wants a standby to wait still.
func waiting(t testing.TB, got <-chan awaited) {
	t.Helper()
	time.Sleep(5 * time.Millisecond)
	select {
	case a := <-got:
		t.Fatalf("the standby does not wait any more: %v", a.err)
	default:
	}
}

// TestStandbyTakesAtOnce: a ring without a publisher is not waited for.
func TestStandbyTakesAtOnce(t *testing.T) {
	dir := shmDir(t)
	for epoch := uint64(1); epoch <= 3; epoch++ {
		p, err := Standby(context.Background(), "r", smallest(dir))
		if err != nil {
			t.Fatal(err)
		}
		if p.Epoch() != epoch || p.Seq() != epoch-1 {
			t.Errorf("standby %d has epoch %d and begins after number %d", epoch, p.Epoch(), p.Seq())
		}
		publishCount(t, p, 1)
		p.Close()
	}
}

// TestStandbyTakesOver: in the same file, with the next number; its pages are there
// before it has the ring.
func TestStandbyTakesOver(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir})
	before := tree(t, dir)
	publishCount(t, p, 10)
	got := standBy(t, context.Background(), Config{Dir: dir})
	if n := mappingsOf(t, filepath.Join(dir, "r", "ring")); n != 3 {
		t.Errorf("the ring is mapped %d times, want it by publisher, subscriber and standby", n)
	}
	publishCount(t, p, 10_000) // more than a lap
	waiting(t, got)
	p.Close()
	q := won(t, got)
	if q.Epoch() != 2 || q.Seq() != 10_010 || q.Replaced() != nil {
		t.Errorf("it has epoch %d, goes on after number %d, replaced: %v", q.Epoch(), q.Seq(), q.Replaced())
	}
	if after := tree(t, dir); after != before {
		t.Errorf("the files were\n%sand are\n%s", before, after)
	}
	publishCount(t, q, 1)
	for {
		if m, st := s.Next(); st == Message && s.Seq() == 10_011 {
			break
		} else if st != Message && st != Gap {
			t.Fatalf("%v %q", st, m)
		}
	}
	if life := s.Publisher(); life != Live {
		t.Errorf("the publisher is %v", life)
	}
}

// mappingsOf counts how often this process has mapped a file.
func mappingsOf(t testing.TB, path string) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	return strings.Count(string(maps), path+"\n")
}

// TestStandbyEnds: ctx ends the wait with its cause, and then nothing is left of it. A
// context that is done takes no ring, not even a free one.
func TestStandbyEnds(t *testing.T) {
	dir := shmDir(t)
	reason := errors.New("the reason")
	done, cancel := context.WithCancelCause(context.Background())
	cancel(reason)
	_, err := Standby(done, "r", smallest(dir))
	wantError(t, "Standby with a context that is done", err, reason, `"r"`)
	if got := names(t, dir); got != "" {
		t.Errorf("it has left %s", got)
	}

	p := mustCreate(t, "r", smallest(dir))
	before := tree(t, dir)
	ctx, cancel := context.WithCancelCause(context.Background())
	got := standBy(t, ctx, smallest(dir))
	cancel(reason)
	if a := <-got; !errors.Is(a.err, reason) {
		t.Errorf("Standby: %v", a.err)
	}
	if n := mappingsOf(t, filepath.Join(dir, "r", "ring")); n != 1 {
		t.Errorf("the ring is mapped %d times, want it by the publisher alone", n)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("the files were\n%sand are\n%s", before, after)
	}
	publishCount(t, p, 1)
}

// TestStandbyKnowsAtOnce: what can never be is said before the wait, not at the takeover.
func TestStandbyKnowsAtOnce(t *testing.T) {
	dir := shmDir(t)
	mustCreate(t, "r", smallest(dir))
	for _, cfg := range []Config{
		{Dir: dir, Capacity: 1000},
		{Dir: dir, Capacity: minCapacity, MaxMessage: 1 << 15},
		{Dir: dir, Stamps: 99},
		{Dir: dir, Poll: -1},
		{Dir: dir, Poll: time.Hour},
	} {
		_, err := Standby(context.Background(), "r", cfg)
		wantError(t, fmt.Sprintf("%+v", cfg), err, ErrConfig, "")
	}
	_, err := Standby(context.Background(), "../r", smallest(dir))
	wantError(t, "a bad name", err, ErrName, "")
}

// TestStandbyFindsAnother: what the standby has made ready is not what it finds when it
// gets the ring.
func TestStandbyFindsAnother(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, dir string)
		seq    uint64 // the first that the standby publishes
		same   bool   // in the same file
	}{
		{"nothing", func(*testing.T, string) {}, 4, true},
		{"removed", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "r", "ring")); err != nil {
				t.Fatal(err)
			}
		}, 1, false},
		{"another ring", func(t *testing.T, dir string) {
			other := shmDir(t)
			path, _ := closedRing(t, other, 100)
			if err := os.Rename(path, filepath.Join(dir, "r", "ring")); err != nil {
				t.Fatal(err)
			}
		}, 101, false},
		{"cut short", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "r", "ring"), dataOffset+minCapacity/2); err != nil {
				t.Fatal(err)
			}
		}, 1, false},
		{"longer", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "r", "ring"), dataOffset+2*minCapacity); err != nil {
				t.Fatal(err)
			}
		}, 1, false},
		{"bad header", func(t *testing.T, dir string) { overwrite(t, dir, 24, 0xFF) }, 1, false},
		{"bad claim", func(t *testing.T, dir string) { overwrite(t, dir, 0x100, 0xFF) }, 1, false},
		{"other version", func(t *testing.T, dir string) { overwrite(t, dir, 8, 1) }, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shmDir(t)
			p := mustCreate(t, "r", smallest(dir))
			publishCount(t, p, 3)
			s := mustOpen(t, "r", Options{Dir: dir})
			got := standBy(t, context.Background(), smallest(dir))
			c.change(t, dir)
			waiting(t, got) // whatever happens to the file, the lock is what counts
			p.Close()
			q := won(t, got)
			if q.Seq()+1 != c.seq || (q.fixed.fileID == p.fixed.fileID) != c.same {
				t.Errorf("it begins with number %d, in the same file: %t", q.Seq()+1, q.fixed.fileID == p.fixed.fileID)
			}
			if life := s.Publisher(); (life == Live) != c.same {
				t.Errorf("for who reads the old file the publisher is %v", life)
			}
			publishCount(t, q, 1)
			expect(t, mustOpen(t, "r", Options{Dir: dir, From: FromSeq, Seq: c.seq}), c.seq)
		})
	}
}

// overwrite changes one byte of a ring's file.
func overwrite(t *testing.T, dir string, at int64, b byte) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "r", "ring"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{b}, at); err != nil {
		t.Fatal(err)
	}
}

// TestStandbyWithoutDirectory: the ring is taken away, lock and all, under its publisher
// and its standby. Then it has no publisher, and the standby makes it.
func TestStandbyWithoutDirectory(t *testing.T) {
	dir := shmDir(t)
	mustCreate(t, "r", smallest(dir))
	got := standBy(t, context.Background(), smallest(dir))
	if err := os.RemoveAll(filepath.Join(dir, "r")); err != nil {
		t.Fatal(err)
	}
	q := won(t, got)
	publishCount(t, q, 1)
	expect(t, mustOpen(t, "r", Options{Dir: dir, From: FromOldest}), 1)
}

// TestStandbyWantsAnother: it replaces the ring when it gets it, and not before.
func TestStandbyWantsAnother(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 3)
	s := mustOpen(t, "r", Options{Dir: dir})
	cfg := smallest(dir)
	cfg.Capacity *= 2
	got := standBy(t, context.Background(), cfg)
	expectStatus(t, s, Empty)
	p.Close()
	q := won(t, got)
	if q.Seq() != 3 || q.Replaced() == nil {
		t.Errorf("it begins after number %d, replaced: %v", q.Seq(), q.Replaced())
	}
	expectStatus(t, s, Superseded)
}

// TestStandbyFindsNoSpace: it needs a new file and there is no room. Everything is as
// before, and the next one may have the ring.
func TestStandbyFindsNoSpace(t *testing.T) {
	dir := shmDir(t)
	cfg := tooLarge(t, dir)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 3)
	before := tree(t, dir)
	got := standBy(t, context.Background(), cfg)
	p.Close()
	a := <-got
	wantError(t, "Standby", a.err, mmap.ErrNoSpace, dir)
	if after := tree(t, dir); after != before {
		t.Errorf("the files were\n%sand are\n%s", before, after)
	}
	p = mustCreate(t, "r", smallest(dir))
	if p.Seq() != 3 {
		t.Errorf("the next one begins after number %d", p.Seq())
	}
}

// TestOneOfManyStandbys: publishers end one after the other; each time exactly one of
// those who wait goes on, with the next number.
func TestOneOfManyStandbys(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir})
	const n = 8
	got := make(chan awaited, n)
	for range n {
		one := standBy(t, context.Background(), smallest(dir))
		go func() { got <- <-one }()
	}
	for i := uint64(1); i <= n; i++ {
		publishCount(t, p, 10)
		p.Close()
		p = won(t, got)
		if p.Epoch() != i+1 || p.Seq() != i*10 {
			t.Fatalf("standby %d has epoch %d and begins after number %d", i, p.Epoch(), p.Seq())
		}
		if len(got) > 0 {
			t.Fatal("more than one has the ring")
		}
	}
	for seq := uint64(1); seq <= n*10; seq++ {
		expect(t, s, seq)
	}
}

// TestObituary: the end of a process ends a wait, once; what is no process does not.
func TestObituary(t *testing.T) {
	c := start(t, "life.idle")
	var o obituary
	defer o.close()
	o.wait(time.Microsecond)
	for _, pid := range []uint64{0, 1 << 40, ^uint64(0)} {
		o.of(pid)
		o.wait(time.Microsecond)
	}
	o.of(uint64(c.cmd.Process.Pid))
	o.wait(time.Microsecond)
	if o.pidfd == 0 {
		t.Fatal("it knows nothing of a process that lives")
	}
	c.kill()
	for o.pidfd != 0 { // a signal may end it early
		o.wait(time.Hour)
	}
	o.wait(time.Microsecond)
}

// makeAndClose makes new rings in the place of each other, by asking for another size
// each time, and closes each after one message, until it is killed: args are dir.
func makeAndClose(args []string) error {
	fmt.Println("makes")
	for i := 0; ; i++ {
		p, err := Create("r", Config{Dir: args[0], Capacity: minCapacity << (i % 3)})
		if errors.Is(err, ErrPublisherActive) {
			continue
		}
		if err == nil {
			err = p.Publish(uint16(p.seq*7), []byte("a message"))
		}
		if err != nil {
			return err
		}
		p.Close()
	}
}

// TestStandbyAfterMaker kills publishers while they make and close rings. Whatever it
// finds, a standby goes on with a whole ring, never with an earlier number, and nothing
// else is left.
func TestStandbyAfterMaker(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	dir := shmDir(t)
	mustCreate(t, "r", smallest(dir)).Close()
	var last uint64
	for range 20 {
		c := start(t, "standby.make", dir)
		c.line()
		time.Sleep(time.Duration(r.IntN(40_000)) * time.Microsecond)
		unix.Kill(c.cmd.Process.Pid, unix.SIGKILL) // the standby need not wait for its end
		p, err := Standby(context.Background(), "r", Config{Dir: dir, Heartbeat: -1})
		if err != nil {
			t.Fatal(err)
		}
		if p.Seq() < last {
			t.Fatalf("it goes on after number %d, the last was %d", p.Seq(), last)
		}
		publishCount(t, p, 1)
		last = p.Seq()
		expect(t, mustOpen(t, "r", Options{Dir: dir, From: FromSeq, Seq: last}), last)
		if got := names(t, filepath.Join(dir, "r")); got != "lock ring subs" {
			t.Fatalf("in the ring's directory there is %s", got)
		}
		p.Close()
		c.kill()
	}
	t.Logf("%d messages", last)
}

// relay stands by or restarts, and publishes until it is killed: args are dir, how
// (standby or restart) and the ring's capacity. It says when it has the ring.
func relay(args []string) error {
	capacity, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	cfg := Config{Dir: args[0], Capacity: capacity, Heartbeat: time.Hour} // never hung
	var p *Publisher
	if args[1] == "standby" {
		fmt.Println("waits")
		if p, err = Standby(context.Background(), "r", cfg); err != nil {
			return err
		}
	} else {
		for p == nil {
			p, err = Create("r", cfg)
			if err != nil && !errors.Is(err, ErrPublisherActive) {
				return err
			}
		}
	}
	fmt.Println("publishes after", p.Seq())
	buf := make([]byte, p.MaxMessage())
	for {
		switch err := publishOne(&p.publisher, buf); {
		case err == ErrBackPressure:
			yield()
		case err != nil:
			return err
		}
	}
}

// TestStandbysAndRestartsRace kills publishers while standbys wait and restarts are
// tried, sometimes in the midst of their takeover. Whoever gets the ring, there is one:
// the subscriber sees every message whole and once, or counts it as lost; a gate loses
// none.
func TestStandbysAndRestartsRace(t *testing.T) {
	t.Run("lossy", func(t *testing.T) { race(t, 1<<20, Config{}) })
	t.Run("gated", func(t *testing.T) { race(t, minCapacity, Config{Gates: []Gate{{Name: "witness"}}}) })
}

func race(t *testing.T, capacity int, cfg Config) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	dir := shmDir(t)
	cfg.Dir, cfg.Capacity = dir, uint64(capacity)
	mustCreate(t, "r", cfg).Close()
	s := mustOpen(t, "r", Options{Dir: dir, Name: "witness"})
	w := witnessOf(s, yield)

	capacityArg := strconv.Itoa(capacity)
	alive := map[int]*child{}
	join := func(how string) {
		c := start(t, "standby.relay", dir, how, capacityArg)
		if how == "standby" {
			c.line()
		}
		alive[c.cmd.Process.Pid] = c
	}
	for range 3 {
		join("standby")
	}
	var last uint64
	kills, rounds := 0, 15
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		if r.IntN(3) == 0 {
			join("restart")
		}
		// The one whose pid is in the header has the ring; or it is dead and another one
		// is in the midst of its takeover.
		var holder *child
		eventually(t, "a publisher that lives", func() bool {
			w.lives(t) // at a gate that has ended nobody publishes
			i := mustStat(t, dir, "r")
			if i.Last < last {
				t.Fatalf("the last number was %d and is %d", last, i.Last)
			}
			holder = alive[i.PID]
			return i.Publisher == Live && i.Last > last && holder != nil
		})
		last = mustStat(t, dir, "r").Last
		delete(alive, holder.cmd.Process.Pid)
		unix.Kill(holder.cmd.Process.Pid, unix.SIGKILL)
		kills++
		if r.IntN(2) == 0 {
			// And one of the others at some moment, most likely while it takes over.
			for pid, c := range alive {
				time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
				delete(alive, pid)
				c.kill()
				kills++
				break
			}
		}
		holder.kill()
		for len(alive) < 3 {
			join("standby")
		}
	}
	for _, c := range alive {
		c.kill()
	}
	i := mustStat(t, dir, "r")
	if i.Publisher != Dead {
		t.Errorf("all are killed and the publisher is %v", i.Publisher)
	}
	w.finish(t, i.Last)
	if len(cfg.Gates) > 0 && w.o.lost > 0 {
		t.Errorf("the gate lost %d messages", w.o.lost)
	}
	t.Logf("%d kills, %d publishers, %d messages, %d of them lost", kills, i.Epoch, i.Last, s.Lost())
}

// witness reads a ring and checks everything.
type witness struct {
	s    *Subscriber
	o    *oracle
	last atomic.Uint64 // the last number there will ever be
	idle func()
	end  chan error
}

// witnessOf reads with s, which has not read yet, in a goroutine.
func witnessOf(s *Subscriber, idle func()) *witness {
	w := &witness{s: s, o: newOracle(s.MaxMessage()), idle: idle, end: make(chan error, 1)}
	w.o.next = s.next
	go func() { w.end <- w.read() }()
	return w
}

func (w *witness) read() error {
	for {
		st, err := w.o.step(&w.s.subscriber)
		if err != nil {
			return err
		}
		switch st {
		case Message, Gap, Empty, Closed:
		default:
			return fmt.Errorf("it is told %v after %d messages", st, w.o.delivered)
		}
		if last := w.last.Load(); last != 0 && w.o.next > last {
			return nil
		}
		if st == Empty || st == Closed {
			w.idle()
		}
	}
}

// lives says at once what has ended the witness, if something has.
func (w *witness) lives(t testing.TB) {
	t.Helper()
	select {
	case err := <-w.end:
		t.Fatalf("the witness has ended: %v", err)
	default:
	}
}

// finish waits until the witness has read up to the last message, and accounts for all.
func (w *witness) finish(t testing.TB, last uint64) {
	t.Helper()
	if last == 0 {
		t.Fatal("nothing was published at all")
	}
	w.last.Store(last)
	select {
	case err := <-w.end:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("the witness does not come to the end")
	}
	if w.o.delivered+w.o.lost != last || w.s.Lost() != w.o.lost {
		t.Errorf("delivered %d + lost %d (%d) are not the %d published", w.o.delivered, w.o.lost, w.s.Lost(), last)
	}
}
