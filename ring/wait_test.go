//go:build linux

package ring

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// Tests of sleeping and waking with real processes. A sleeper's sleeps are of an hour
// where nothing but a wake-up is to end them: a lost one stops the test.

func init() {
	roles["wait.sleep"] = sleepingSubscriber
	roles["wait.wake"] = wakingProcess
	roles["wait.publish"] = publishOnDemand
}

const forever = "1h"

// sleepingSubscriber reads to an end and says what it was: args are dir, its name and
// the longest sleep.
func sleepingSubscriber(args []string) error {
	longest, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	s, err := Open("r", Options{Dir: args[0], Name: args[1], From: FromOldest})
	if err != nil {
		return err
	}
	w, err := NewSleeper(SleepOptions{Spins: 1, Yields: 1, Longest: longest})
	if err != nil {
		return err
	}
	fmt.Println("joined")
	delivered := uint64(0)
	for {
		m, st, err := s.NextWait(context.Background(), w)
		switch st {
		case Message:
			if len(m) != 8 || binary.LittleEndian.Uint64(m) != s.Seq() {
				return fmt.Errorf("message %d is %x", s.Seq(), m)
			}
			delivered++
		case Gap:
		default:
			fmt.Println(st, delivered, s.Lost(), w.Stats().Late, err)
			return s.Close()
		}
	}
}

// wakingProcess wakes until it gets a line: args are dir and the strategy.
func wakingProcess(args []string) error {
	opt := WakerOptions{Dir: args[0]}
	if args[1] == "yield" {
		opt.Wait = Yield{Spins: 1}
	}
	opt.Notify = func(s WakerState) {
		if s == WakerFollowing {
			fmt.Println("following")
		}
	}
	w, err := NewWaker("r", opt)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		awaitLine()
		cancel()
	}()
	if err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Println("ended")
	return nil
}

// publishOnDemand publishes as many messages as each line says, and closes the ring at
// the end of its input: args are dir and whether it has a waker.
func publishOnDemand(args []string) error {
	cfg := smallest(args[0])
	cfg.Waker = args[1] == "true"
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	fmt.Println(p.Seq())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		n, err := strconv.Atoi(in.Text())
		if err != nil {
			return err
		}
		if err := publishNumbers(p, n); err != nil {
			return err
		}
		fmt.Println(p.Seq())
	}
	return p.Close()
}

// publishNumbers publishes messages that say their number.
func publishNumbers(p *Publisher, n int) error {
	for range n {
		if err := p.Publish(0, binary.LittleEndian.AppendUint64(nil, p.Seq()+1)); err != nil {
			return err
		}
	}
	return nil
}

// sleeper is a sleeping subscriber's process.
type sleeper struct {
	*child
	file *mmap.File
}

func startSleepers(t testing.TB, dir string, n int, longest string) []sleeper {
	t.Helper()
	var all []sleeper
	for i := range n {
		name := fmt.Sprint("s", i)
		c := start(t, "wait.sleep", dir, name, longest)
		if got := c.line(); got != "joined" {
			t.Fatal(got)
		}
		f, err := mmap.Open(paths{dir: dir + "/r"}.sub(name), mmap.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		all = append(all, sleeper{c, f})
	}
	return all
}

func startWaker(t testing.TB, dir string) *child {
	t.Helper()
	c := start(t, "wait.wake", dir, "yield")
	if got := c.line(); got != "following" {
		t.Fatal(got)
	}
	return c
}

func (s *sleeper) word(off uintptr) uint64 {
	s.t.Helper()
	var b [8]byte
	if _, err := s.file.ReadAt(b[:], int64(off)); err != nil {
		s.t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(b[:])
}

func (s *sleeper) cursor() uint64 { return s.word(unsafe.Offsetof(subFile{}.cursorSeq)) }
func (s *sleeper) sleeps() uint64 { return s.word(unsafe.Offsetof(subFile{}.sleeps)) }

// haveRead waits until all sleepers are done with message seq.
func haveRead(t testing.TB, all []sleeper, seq uint64) {
	t.Helper()
	for i := range all {
		for began := time.Now(); all[i].cursor() != seq+1; {
			if time.Since(began) > patience {
				t.Fatalf("sleeper %d is at message %d and not at %d", i, all[i].cursor(), seq+1)
			}
			yield()
		}
	}
}

// asleep waits until all sleepers are about to sleep, and a little longer, so that they do.
func asleep(t testing.TB, all []sleeper) {
	t.Helper()
	for i := range all {
		eventually(t, "a sleeper sleeps", func() bool {
			stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", all[i].cmd.Process.Pid))
			_, state, _ := strings.Cut(string(stat), ") ")
			return all[i].sleeps() > 0 && strings.HasPrefix(state, "S")
		})
	}
	time.Sleep(2 * time.Millisecond)
}

// cameTo wants all sleepers to have come to this end, with every message but those lost.
func cameTo(t testing.TB, all []sleeper, st Status, published uint64) {
	t.Helper()
	for i := range all {
		got := all[i].line()
		var end string
		var delivered, lost, late uint64
		if _, err := fmt.Sscan(got, &end, &delivered, &lost, &late); err != nil {
			t.Fatal(got, err)
		}
		if end != st.String() || delivered+lost != published {
			t.Errorf("sleeper %d: %q; want %v and %d messages", i, got, st, published)
		}
		if late > 0 {
			t.Errorf("sleeper %d was late %d times", i, late)
		}
		all[i].wait()
	}
}

// TestSleepersAreWoken: bursts and single messages, each read by all sleepers before the
// next, woken by a process or by a thread beside the publisher.
func TestSleepersAreWoken(t *testing.T) {
	for _, inside := range []bool{false, true} {
		t.Run(fmt.Sprint("inside=", inside), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed(t), 0))
			dir := shmDir(t)
			cfg := smallest(dir)
			cfg.Waker = inside
			p := mustCreate(t, "r", cfg)
			if !inside {
				startWaker(t, dir)
			}
			all := startSleepers(t, dir, 4, forever)
			for range 1000 {
				for range 1 + r.IntN(3) {
					if err := publishNumbers(p, 1+r.IntN(2)*r.IntN(100)); err != nil {
						t.Fatal(err)
					}
					dawdle(r)
				}
				haveRead(t, all, p.Seq())
			}
			asleep(t, all)
			sleeps := uint64(0)
			for i := range all {
				sleeps += all[i].sleeps()
			}
			t.Logf("%d sleeps", sleeps)
			p.Close()
			cameTo(t, all, Closed, p.Seq())
		})
	}
}

// TestPublisherDiesWhileAllSleep: publisher after publisher is killed; the waker wakes for
// each of them.
func TestPublisherDiesWhileAllSleep(t *testing.T) {
	dir := shmDir(t)
	p := start(t, "wait.publish", dir, "false")
	p.line()
	startWaker(t, dir)
	all := startSleepers(t, dir, 3, forever)
	published := uint64(0)
	for range 5 {
		for range 3 {
			p.say("10")
			published += 10
			if got := p.line(); got != fmt.Sprint(published) {
				t.Fatal(got)
			}
			haveRead(t, all, published)
			asleep(t, all)
		}
		p.kill()
		p = start(t, "wait.publish", dir, "false")
		p.line()
	}
	p.in.Close()
	cameTo(t, all, Closed, published)
}

// TestWakerDies: sleeps are bounded without a waker. One that is killed is missed no longer
// than the longest sleep, one that ends in order not at all, and the next one wakes again.
func TestWakerDies(t *testing.T) {
	for _, kill := range []bool{true, false} {
		t.Run(fmt.Sprint("kill=", kill), func(t *testing.T) {
			dir := shmDir(t)
			p := mustCreate(t, "r", smallest(dir))
			longest := forever
			if kill {
				longest = "50ms"
			}
			w := startWaker(t, dir)
			all := startSleepers(t, dir, 3, longest)
			publish := func(n int) {
				t.Helper()
				for range n {
					if err := publishNumbers(p, 1); err != nil {
						t.Fatal(err)
					}
					haveRead(t, all, p.Seq())
				}
			}
			publish(20)
			for range 3 {
				asleep(t, all)
				if kill {
					w.kill()
				} else {
					w.say("")
					if got := w.line(); got != "ended" {
						t.Fatal(got)
					}
					w.wait()
				}
				publish(20)
				w = startWaker(t, dir)
				publish(20)
			}
			asleep(t, all)
			p.Close()
			for i := range all {
				if got := all[i].line(); !strings.HasPrefix(got, fmt.Sprintf("closed %d 0 ", p.Seq())) {
					t.Errorf("sleeper %d: %s", i, got)
				}
			}
		})
	}
}

// TestSecondWaker: of two wakers one can be killed at any time; who remains wakes.
func TestSecondWaker(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	first := startWaker(t, dir)
	startWaker(t, dir)
	all := startSleepers(t, dir, 2, forever)
	for i := range 100 {
		if i == 50 {
			asleep(t, all)
			first.kill()
		}
		if err := publishNumbers(p, 1); err != nil {
			t.Fatal(err)
		}
		haveRead(t, all, p.Seq())
	}
	p.Close()
	cameTo(t, all, Closed, p.Seq())
}

// TestEndsWakeSleepers: the end of a ring, and its next publisher, wake without a waker:
// the one there is seems to live, but is stopped.
func TestEndsWakeSleepers(t *testing.T) {
	for what, do := range map[string]func(t *testing.T, dir string, pub *child, all []sleeper) Status{
		"close": func(t *testing.T, dir string, pub *child, all []sleeper) Status {
			pub.in.Close()
			return Closed
		},
		"remove": func(t *testing.T, dir string, pub *child, all []sleeper) Status {
			pub.kill()
			if err := Remove(dir, "r"); err != nil {
				t.Fatal(err)
			}
			return Superseded
		},
		"replace": func(t *testing.T, dir string, pub *child, all []sleeper) Status {
			pub.kill()
			cfg := smallest(dir)
			cfg.Capacity *= 2
			mustCreate(t, "r", cfg)
			return Superseded
		},
		"takeover": func(t *testing.T, dir string, pub *child, all []sleeper) Status {
			pub.kill()
			before := make([]uint64, len(all))
			for i := range all {
				before[i] = all[i].sleeps()
			}
			p := mustCreate(t, "r", smallest(dir))
			for i := range all {
				eventually(t, "the next publisher wakes", func() bool { return all[i].sleeps() > before[i] })
			}
			asleep(t, all)
			p.Close()
			return Closed
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := shmDir(t)
			pub := start(t, "wait.publish", dir, "false")
			pub.line()
			w := startWaker(t, dir)
			all := startSleepers(t, dir, 3, forever)
			pub.say("10")
			pub.line()
			haveRead(t, all, 10)
			asleep(t, all)
			if err := w.cmd.Process.Signal(unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			cameTo(t, all, do(t, dir, pub, all), 10)
		})
	}
}

// TestSleeperIsStopped: a sleeper that is stopped in its sleep, and lapped, learns of it
// when it goes on, though it missed the wake-up; the others are not held up.
func TestSleeperIsStopped(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	startWaker(t, dir)
	all := startSleepers(t, dir, 2, forever)
	if err := publishNumbers(p, 10); err != nil {
		t.Fatal(err)
	}
	haveRead(t, all, p.Seq())
	asleep(t, all)
	pid := all[0].cmd.Process.Pid
	unix.Kill(pid, unix.SIGSTOP)
	for range 100 {
		if err := publishNumbers(p, 100); err != nil { // together two laps
			t.Fatal(err)
		}
		haveRead(t, all[1:], p.Seq())
	}
	unix.Kill(pid, unix.SIGCONT)
	haveRead(t, all, p.Seq())
	asleep(t, all)
	p.Close()
	cameTo(t, all, Closed, p.Seq())
}

// TestSleeperIsKilled: its name is free, with its cursor; nobody else notices.
func TestSleeperIsKilled(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	startWaker(t, dir)
	all := startSleepers(t, dir, 3, forever)
	if err := publishNumbers(p, 10); err != nil {
		t.Fatal(err)
	}
	haveRead(t, all, p.Seq())
	asleep(t, all)
	all[0].kill()
	if err := publishNumbers(p, 10); err != nil {
		t.Fatal(err)
	}
	haveRead(t, all[1:], p.Seq())
	s := mustOpen(t, "r", Options{Dir: dir, Name: "s0"})
	if m, st := s.Next(); st != Message || s.Seq() != 11 {
		t.Errorf("its successor begins with %v %d %x, want message 11", st, s.Seq(), m)
	}
	p.Close()
	cameTo(t, all[1:], Closed, p.Seq())
}

// pretendWaker makes sleepers believe that somebody will wake them.
func pretendWaker(t testing.TB, dir string) {
	t.Helper()
	f, err := mmap.Open(dir+"/r/ring", mmap.ReadWrite)
	if err == nil {
		err = f.TryLock(wakerByte)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
}

func mustSleeper(t testing.TB, opt SleepOptions, subs ...*Subscriber) *Sleeper {
	t.Helper()
	s, err := NewSleeper(opt, subs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCancelledWait: whatever it waits with, the end of a context ends the wait, and what
// there is to read is read all the same.
func TestCancelledWait(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	pretendWaker(t, dir)
	s := mustOpen(t, "r", Options{Dir: dir})
	because := errors.New("because")
	for name, w := range map[string]WaitStrategy{
		"spin": Spin{}, "yield": Yield{}, "backoff": Backoff{}, "none": nil,
		"sleeper":        mustSleeper(t, SleepOptions{Spins: 1, Yields: 1, Longest: time.Hour}),
		"sleeper of one": mustSleeper(t, SleepOptions{Longest: time.Hour}, s),
	} {
		for range 20 {
			ctx, cancel := context.WithCancelCause(context.Background())
			go func() {
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
				cancel(because)
			}()
			m, st, err := s.NextWait(ctx, w)
			if st != Empty || err != because || m != nil {
				t.Fatalf("%s: %v %v", name, st, err)
			}
			if err := publishNumbers(p, 1); err != nil {
				t.Fatal(err)
			}
			if _, st, err := s.NextWait(ctx, w); st != Message || err != nil {
				t.Fatalf("%s: a message that was there: %v %v", name, st, err)
			}
			if _, st, err := s.NextWait(ctx, w); st != Empty || err != because {
				t.Fatalf("%s: and then: %v %v", name, st, err)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if _, st, err := s.NextWait(ctx, w); st != Empty || err != context.DeadlineExceeded {
			t.Fatalf("%s: a deadline: %v %v", name, st, err)
		}
		cancel()
	}
}

// TestWakerIsNotPretended: a lock that a reader can take makes nobody believe in a waker.
func TestWakerIsNotPretended(t *testing.T) {
	dir := shmDir(t)
	mustCreate(t, "r", smallest(dir))
	f, err := os.Open(dir + "/r/ring")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := unix.Flock_t{Type: unix.F_RDLCK, Start: wakerByte.Start, Len: wakerByte.Len}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &l); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, "r", Options{Dir: dir})
	expectStatus(t, s, Empty)
	if s.hasWaker(s.wakes(), tick.Mono()) || mustStat(t, dir, "r").Waker {
		t.Error("a reader's lock looks like a waker")
	}
}

// TestInterrupt: it ends the present sleep or the next one, once.
func TestInterrupt(t *testing.T) {
	dir := shmDir(t)
	mustCreate(t, "r", smallest(dir))
	pretendWaker(t, dir)
	s := mustOpen(t, "r", Options{Dir: dir})
	w := mustSleeper(t, SleepOptions{Longest: time.Hour}, s)
	expectStatus(t, s, Empty)
	for i := range 200 {
		said := make(chan bool)
		go func() {
			w.Interrupt()
			close(said)
		}()
		w.Wait(1 << 20)
		<-said // a signal of the Go runtime ends a sleep, too
		if i%2 == 0 {
			w.Interrupt()
			w.Interrupt()
			w.Wait(1 << 20) // before it sleeps
		}
	}
	w.opt.Longest = time.Millisecond
	before := w.Stats()
	after := before
	for tries := 0; after.TimedOut == before.TimedOut && tries < 1000; tries++ {
		w.Wait(1 << 20)
		after = w.Stats()
	}
	if after.TimedOut != before.TimedOut+1 || after.Late != 0 {
		t.Errorf("a sleep that nobody ends: %+v and then %+v", before, after)
	}
}

// TestLate: a sleep that ended by itself though there was something to read, and somebody
// should have said so, is counted.
func TestLate(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir})
	expectStatus(t, s, Empty)
	w := mustSleeper(t, SleepOptions{Longest: 200 * time.Millisecond}, s)
	sleep := func() {
		done := make(chan bool)
		go func() {
			w.Wait(1 << 20)
			close(done)
		}()
		time.Sleep(20 * time.Millisecond) // let it sleep; if it does not yet, it does not now
		if err := publishNumbers(p, 1); err != nil {
			t.Fatal(err)
		}
		<-done
		for {
			if _, st := s.Next(); st == Empty {
				break
			}
		}
	}
	sleep()
	if got := w.Stats(); got.Late != 0 {
		t.Errorf("nobody was to wake: %+v", got)
	}
	pretendWaker(t, dir)
	s.wakerAsked = 0
	eventually(t, "one is late", func() bool {
		sleep()
		return w.Stats().Late > 0
	})
}

// countingContext counts who is to be told of its end.
type countingContext struct {
	context.Context
	done chan struct{} // its own, or the standard library would not ask it
	told atomic.Int64
}

func (c *countingContext) Done() <-chan struct{} { return c.done }

func (c *countingContext) AfterFunc(func()) func() bool {
	c.told.Add(1)
	return func() bool {
		c.told.Add(-1)
		return true
	}
}

// TestDroppedSleepers: a context that outlives its sleepers does not keep anything of them.
func TestDroppedSleepers(t *testing.T) {
	dir := shmDir(t)
	defer mustCreate(t, "r", smallest(dir)).Close()
	s := mustOpen(t, "r", Options{Dir: dir})
	ctx := &countingContext{Context: context.Background(), done: make(chan struct{})}
	for range 10 {
		w := mustSleeper(t, SleepOptions{Spins: 1, Yields: 1, Longest: time.Millisecond})
		brief, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		for _, c := range []context.Context{ctx, brief, ctx} {
			w.interruptBy(c)
			w.Wait(3)
			expectStatus(t, s, Empty)
		}
		cancel()
	}
	if ctx.told.Load() == 0 {
		t.Error("nobody was to be told")
	}
	eventually(t, "all are forgotten", func() bool {
		runtime.GC()
		return ctx.told.Load() == 0
	})
}

// TestNextWaitTellsTheRightEnd: the next publisher begins just after the last one was seen to
// have ended. Its own end is told all the same.
func TestNextWaitTellsTheRightEnd(t *testing.T) {
	dir := shmDir(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	mustCreate(t, "r", smallest(dir)).Close()
	s := mustOpen(t, "r", Options{Dir: dir})
	_, st := s.Next()
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 1)
	_, st, err := s.nextWait(ctx, Yield{}, st)
	if st == Closed {
		_, st, err = s.NextWait(ctx, Yield{})
	}
	if st != Message || err != nil {
		t.Fatalf("%v %v, want the message", st, err)
	}
	p.Close()
	if _, st, err = s.NextWait(ctx, Yield{}); st != Closed || err != nil {
		t.Errorf("%v %v, want the end", st, err)
	}
}

// TestNextWaitTellsTheEndOnce: and goes on with the next publisher.
func TestNextWaitTellsTheEndOnce(t *testing.T) {
	dir := shmDir(t)
	s := (*Subscriber)(nil)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w := mustSleeper(t, SleepOptions{Spins: 1, Yields: 1, Longest: time.Hour})
	next := func(want Status) {
		t.Helper()
		if _, st, err := s.NextWait(ctx, w); st != want || err != nil {
			t.Fatalf("%v %v, want %v", st, err, want)
		}
	}
	for range 3 {
		for messages := range 3 { // 0: a publisher that comes and goes
			p := mustCreate(t, "r", smallest(dir))
			if s == nil {
				s = mustOpen(t, "r", Options{Dir: dir})
			}
			if err := publishNumbers(p, messages); err != nil {
				t.Fatal(err)
			}
			for range messages {
				next(Message)
			}
			if messages == 0 {
				expectStatus(t, s, Empty) // it was seen
			}
			p.Close()
			next(Closed)
			brief, cancel := context.WithTimeout(ctx, time.Millisecond)
			if _, st, err := s.NextWait(brief, w); st != Empty || err != context.DeadlineExceeded {
				t.Fatalf("after the end: %v %v", st, err)
			}
			cancel()
		}
	}
	if err := Remove(dir, "r"); err != nil {
		t.Fatal(err)
	}
	next(Superseded)
	next(Superseded)
	s.Close()
	next(Closed)
	next(Closed)
	if err := s.Await(ctx, w); err != nil {
		t.Fatal(err)
	}
}

// TestWaitingDoesNotAllocate: neither with messages nor without, and sleeping or not.
func TestWaitingDoesNotAllocate(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, Name: "s"})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := mustSleeper(t, SleepOptions{Spins: 1, Yields: 1, Longest: 10 * time.Microsecond})
	msg := []byte("message")
	if a := testing.AllocsPerRun(5, func() {
		for range 1000 {
			p.Publish(0, msg)
			if _, st, _ := s.NextWait(ctx, w); st != Message {
				t.Fatal(st)
			}
		}
	}); a != 0 {
		t.Errorf("%.0f allocations in 1000 messages", a)
	}
	expectStatus(t, s, Empty)
	if a := testing.AllocsPerRun(5, func() {
		for range 100 {
			for polls := range 5 {
				w.interruptBy(ctx)
				w.one[0] = s
				w.wait(polls, w.one[:])
			}
		}
	}); a != 0 {
		t.Errorf("%.0f allocations in 500 waits", a)
	}
	if w.Stats().Sleeps == 0 {
		t.Error("it did not sleep")
	}
}

// TestSleeperOfManyRings: more than one wait can be for. What it does not wait for it
// looks at often.
func TestSleeperOfManyRings(t *testing.T) {
	dir := shmDir(t)
	// The rings at these places are rings of their own, all others are one.
	own := map[int]*Publisher{0: nil, 5: nil, 126: nil, 127: nil, 199: nil}
	create := func(name string) *Publisher {
		cfg := smallest(dir)
		cfg.Waker = true
		return mustCreate(t, name, cfg)
	}
	create("r")
	var subs []*Subscriber
	for i := range 200 {
		name := "r"
		if _, ok := own[i]; ok {
			name = fmt.Sprint("r", i)
			own[i] = create(name)
		}
		subs = append(subs, mustOpen(t, name, Options{Dir: dir}))
	}
	w := mustSleeper(t, SleepOptions{Spins: 1, Yields: 1, Longest: time.Hour}, subs...)
	drain := func() (from []int) {
		for i, s := range subs {
			for {
				_, st := s.Next()
				if st == Empty {
					break
				}
				from = append(from, i)
			}
		}
		return from
	}
	for i, p := range own {
		drain()
		done := make(chan error)
		go func() {
			time.Sleep(time.Millisecond)
			done <- p.Publish(0, nil)
		}()
		var from []int
		for polls := 1; len(from) == 0; polls++ {
			w.Wait(polls)
			from = drain()
		}
		if !slices.Equal(from, []int{i}) {
			t.Errorf("ring %d has a message, and it came from %v", i, from)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if w.Stats().Sleeps == 0 {
		t.Error("it did not sleep")
	}
}

// TestWakerFollowsTheName: a ring that is not there yet, comes, is replaced, is removed,
// and comes again.
func TestWakerFollowsTheName(t *testing.T) {
	dir := shmDir(t)
	states := make(chan WakerState, 10)
	w, err := NewWaker("r", WakerOptions{Dir: dir, Notify: func(s WakerState) { states <- s }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	expect := func(want WakerState) {
		t.Helper()
		select {
		case got := <-states:
			if got != want {
				t.Fatalf("the waker is in state %v, want %v", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("the waker does not come to state %v", want)
		}
	}
	wakes := func() {
		t.Helper()
		s := mustOpen(t, "r", Options{Dir: dir})
		p := mustCreate(t, "r", Config{Dir: dir, Heartbeat: -1})
		defer p.Close()
		before := s.wakes()
		eventually(t, "the waker has seen messages", func() bool {
			if err := publishNumbers(p, 1); err != nil {
				t.Fatal(err)
			}
			return s.wakes() > before+3
		})
		eventually(t, "the ring has a waker", func() bool {
			held, err := s.ring.file.LockedExclusively(wakerByte)
			return held && err == nil
		})
	}
	expect(WakerAway)
	mustCreate(t, "r", smallest(dir)).Close()
	expect(WakerFollowing)
	wakes()
	cfg := smallest(dir)
	cfg.Capacity *= 2
	mustCreate(t, "r", cfg).Close()
	expect(WakerFollowing)
	wakes()
	if err := Remove(dir, "r"); err != nil {
		t.Fatal(err)
	}
	expect(WakerAway)
	mustCreate(t, "r", smallest(dir)).Close()
	expect(WakerFollowing)
	wakes()
	// Somebody was killed while he removed it: it says that it is superseded, but is there.
	f, err := mmap.Open(mustPaths(t, dir).ring(), mmap.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	supersede(f)
	f.Close()
	expect(WakerAway)
	time.Sleep(10 * wakerPoll)
	if n := len(states); n != 0 {
		t.Fatalf("the waker has said %d things more", n)
	}
	mustCreate(t, "r", smallest(dir)).Close()
	expect(WakerFollowing)
	wakes()
	// Removed by somebody who says nothing.
	if err := os.RemoveAll(dir + "/r"); err != nil {
		t.Fatal(err)
	}
	expect(WakerAway)
	because := errors.New("because")
	cancel(because)
	if err := <-ended; err != because {
		t.Error(err)
	}
	if w.Wakes() == 0 {
		t.Error("it has woken nobody")
	}
}

// TestWakerWithALongInterval: it can be told to stop in the midst of it.
func TestWakerWithALongInterval(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	defer p.Close()
	w, err := NewWaker("r", WakerOptions{Dir: dir, Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	eventually(t, "it wakes at first", func() bool { return w.Wakes() > 0 })
	if err := publishNumbers(p, 1); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Millisecond) // it is likely to gather now
	cancel()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("it does not stop")
	}
}

// TestWakerRefuses: what a waker cannot do is said, and it does not try again.
func TestWakerRefuses(t *testing.T) {
	dir := shmDir(t)
	for _, c := range []struct {
		name string
		opt  WakerOptions
		want error
	}{
		{"", WakerOptions{Dir: dir}, ErrName},
		{"r", WakerOptions{Dir: dir, Interval: -1}, ErrConfig},
	} {
		_, err := NewWaker(c.name, c.opt)
		wantError(t, "NewWaker", err, c.want, "waker")
	}
	for _, opt := range []SleepOptions{{Spins: -1}, {Yields: -1}, {Longest: -1}} {
		_, err := NewSleeper(opt)
		wantError(t, "NewSleeper", err, ErrConfig, "negative")
	}
	_, err := NewSleeper(SleepOptions{}, nil)
	wantError(t, "NewSleeper", err, ErrConfig, "nil")

	w, err := NewWaker("r", WakerOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	mustCreate(t, "r", smallest(dir)).Close()
	if err := os.Truncate(dir+"/r/ring", 5000); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Run", w.Run(context.Background()), ErrNotRing, "5000 bytes")
}
