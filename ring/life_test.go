//go:build linux

package ring

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/mmap"
)

// Tests of a publisher's life and death as others see it, with real processes that
// are really killed.

func init() {
	roles["life.hold"] = holdRing
	roles["life.create"] = tryCreate
	roles["life.parent"] = holdRingWithChild
	roles["life.idle"] = func([]string) error { return awaitLine() }
	roles["life.torrent"] = torrent
}

// awaitLine waits for a line on stdin or its end.
func awaitLine() error {
	bufio.NewReader(os.Stdin).ReadString('\n')
	return nil
}

// holdRing publishes one message and holds the ring until it gets a line: args are
// dir and the heartbeat.
func holdRing(args []string) error {
	beat, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	cfg := smallest(args[0])
	cfg.Heartbeat = beat
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	if err := p.Publish(0, []byte("1")); err != nil {
		return err
	}
	fmt.Println(os.Getpid())
	awaitLine()
	return p.Close()
}

// tryCreate says what Create says: args are dir.
func tryCreate(args []string) error {
	p, err := Create("r", smallest(args[0]))
	fmt.Println(errors.Is(err, ErrPublisherActive), err)
	if err == nil {
		p.Close()
	}
	return nil
}

func TestLifeOfAProcess(t *testing.T) {
	dir := shmDir(t)
	c := start(t, "life.hold", dir, "10ms")
	pid, _ := strconv.Atoi(c.line())
	s := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
	life := func(want Life) {
		t.Helper()
		eventually(t, fmt.Sprint("the publisher is ", want), func() bool { return s.Publisher() == want })
		eventually(t, fmt.Sprint("Stat says ", want), func() bool { return mustStat(t, dir, "r").Publisher == want })
	}
	expect(t, s, 1)
	life(Live)
	if i := mustStat(t, dir, "r"); i.PID != pid || i.Epoch != 1 || i.Last != 1 || i.First != 1 || i.Oldest != 1 {
		t.Errorf("Stat says %+v; want pid %d, epoch 1, message 1", i, pid)
	}

	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	life(Hung)
	expectStatus(t, s, Empty)
	// A stopped publisher may go on at any time: nobody takes its place.
	_, err := Create("r", smallest(dir))
	wantError(t, "Create", err, ErrPublisherActive, filepath.Join(dir, "r", "lock"))
	if err := unix.Kill(pid, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	life(Live)

	c.kill()
	life(Dead)
	expectStatus(t, s, Empty)
	if i := mustStat(t, dir, "r"); i.PID != pid {
		t.Errorf("Stat names process %d, it was %d", i.PID, pid)
	}

	c = start(t, "life.hold", dir, "10ms")
	c.line()
	life(Live)
	m, st := s.Next()
	if st != Message || s.Seq() != 2 || string(m) != "1" {
		t.Fatalf("after the takeover: %v %q, number %d", st, m, s.Seq())
	}
	c.say("")
	c.wait()
	life(Ended)
	expectStatus(t, s, Closed)
	expectStatus(t, s, Closed)

	if err := Remove(dir, "r"); err != nil {
		t.Fatal(err)
	}
	expectStatus(t, s, Superseded)
	if got := s.Publisher(); got != Replaced {
		t.Errorf("of a removed ring the publisher is %v, want %v", got, Replaced)
	}
	if got := names(t, dir); got != "" {
		t.Errorf("Remove has left %s", got)
	}
}

// TestRestarts: each publisher goes on with the sequence, and a subscriber notices
// nothing but the pause.
func TestRestarts(t *testing.T) {
	dir := shmDir(t)
	var s *Subscriber
	for epoch := uint64(1); epoch <= 5; epoch++ {
		p := mustCreate(t, "r", smallest(dir))
		if s == nil {
			s = mustOpen(t, "r", Options{Dir: dir})
		}
		if p.Epoch() != epoch || p.Seq() != (epoch-1)*100 {
			t.Fatalf("publisher %d has epoch %d and begins after number %d", epoch, p.Epoch(), p.Seq())
		}
		if got := s.Publisher(); got != Live {
			t.Errorf("the publisher is %v, want %v", got, Live)
		}
		expectStatus(t, s, Empty)
		publishCount(t, p, 100)
		i := mustStat(t, dir, "r")
		if i.Epoch != epoch || i.PID != os.Getpid() || i.Last != epoch*100 || i.Opened.After(time.Now()) {
			t.Errorf("Stat says %+v, want epoch %d, pid %d, last %d", i, epoch, os.Getpid(), epoch*100)
		}
		for seq := (epoch-1)*100 + 1; seq <= epoch*100; seq++ {
			expect(t, s, seq)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("a second Close: %v", err)
		}
		for _, msg := range [][]byte{nil, {1}, make([]byte, 1000), make([]byte, 1<<17)} {
			if err := p.Publish(1, msg); err != ErrClosed {
				t.Errorf("Publish of %d bytes after Close: %v, want %v", len(msg), err, ErrClosed)
			}
		}
		p.Beat() // of a closed publisher: nothing
		expectStatus(t, s, Closed)
		if got := s.Publisher(); got != Ended {
			t.Errorf("the publisher is %v, want %v", got, Ended)
		}
	}
}

// TestTakenAway: the ring's file goes without a word to its subscribers.
func TestTakenAway(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir})
	if err := os.RemoveAll(filepath.Join(dir, "r")); err != nil {
		t.Fatal(err)
	}
	if got := s.Publisher(); got != Replaced {
		t.Errorf("the publisher of a file that has no name is %v, want %v", got, Replaced)
	}
	publishCount(t, p, 1)
	expect(t, s, 1)
	// It does not stand in the way of another.
	q := mustCreate(t, "r", smallest(dir))
	publishCount(t, q, 1)
	expect(t, mustOpen(t, "r", Options{Dir: dir, From: FromOldest}), 1)
	p.Close()
	if got := mustStat(t, dir, "r").Publisher; got != Live {
		t.Errorf("the other publisher is %v, want %v", got, Live)
	}
}

func TestOnePublisher(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	before := tree(t, dir)
	lock := filepath.Join(dir, "r", "lock")
	_, err := Create("r", smallest(dir))
	wantError(t, "Create in the same process", err, ErrPublisherActive, lock)
	other := smallest(dir)
	other.Capacity *= 2 // another configuration is no way in, either
	_, err = Create("r", other)
	wantError(t, "Create of another ring", err, ErrPublisherActive, lock)
	wantError(t, "Remove", Remove(dir, "r"), ErrPublisherActive, lock)
	c := start(t, "life.create", dir)
	if got := c.line(); !strings.HasPrefix(got, "true ") || !strings.Contains(got, lock) {
		t.Errorf("another process: %s", got)
	}
	c.wait()
	if after := tree(t, dir); after != before {
		t.Errorf("who was refused has changed the directory:\n%swas\n%s", after, before)
	}
	publishCount(t, p, 1)
	expect(t, mustOpen(t, "r", Options{Dir: dir, From: FromOldest}), 1)

	p.Close()
	c = start(t, "life.create", dir)
	if got := c.line(); got != "false <nil>" {
		t.Errorf("after Close another process may: %s", got)
	}
	c.wait()
}

// TestReplaced: a publisher that wants another ring gets a new file; the sequence and
// the ring's identity go on.
func TestReplaced(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(c *Config)
		same   bool
	}{
		{"nothing", func(c *Config) {}, true},
		{"whatever it has", func(c *Config) { c.Capacity = 0 }, true},
		{"heartbeat", func(c *Config) { c.Heartbeat = time.Second }, true},
		{"capacity", func(c *Config) { c.Capacity *= 2 }, false},
		{"largest message", func(c *Config) { c.MaxMessage = 100 }, false},
		{"stamps", func(c *Config) { c.Stamps = StampNone }, false},
		{"schema", func(c *Config) { c.Schema = "other" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shmDir(t)
			cfg := smallest(dir)
			cfg.Schema, cfg.SchemaHash = "first", 7
			p := mustCreate(t, "r", cfg)
			publishCount(t, p, 10)
			p.Close()
			s := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
			expect(t, s, 1)
			next := smallest(dir)
			c.change(&next)
			q := mustCreate(t, "r", next)
			if q.Seq() != 10 || q.Epoch() != 2 || q.fixed.ringID != p.fixed.ringID {
				t.Fatalf("the new publisher begins after number %d, in epoch %d, of ring %#x; it was 10, 1, %#x",
					q.Seq(), q.Epoch(), q.fixed.ringID, p.fixed.ringID)
			}
			publishCount(t, q, 1)
			for seq := uint64(2); seq <= 10; seq++ {
				expect(t, s, seq)
			}
			if c.same {
				expect(t, s, 11)
				if name, hash := s.Schema(); name != "first" || hash != 7 {
					t.Errorf("the schema is %q, %d", name, hash)
				}
				return
			}
			expectStatus(t, s, Superseded)
			expectStatus(t, s, Superseded)
			if got := s.Publisher(); got != Replaced {
				t.Errorf("of the old file the publisher is %v, want %v", got, Replaced)
			}
			s = mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
			expect(t, s, 11)
			if i := mustStat(t, dir, "r"); i.First != 11 || i.Oldest != 11 || i.Last != 11 || i.Publisher != Live {
				t.Errorf("Stat says %+v", i)
			}
		})
	}
}

// TestLeftoversInTheWay: of a publisher that was killed the kernel has let go of the lock, and
// not of presenceByte, when its successor begins. The successor soon is the one that lives,
// however seldom its heart beats.
func TestLeftoversInTheWay(t *testing.T) {
	dir := shmDir(t)
	mustCreate(t, "r", smallest(dir)).Close()
	r, err := openRing(mustPaths(t, dir), mmap.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer r.file.Close()
	if err := r.file.TryLock(presenceByte); err != nil { // as what is left of it
		t.Fatal(err)
	}
	mustCreate(t, "r", Config{Dir: dir, Heartbeat: time.Hour})
	time.Sleep(30 * time.Millisecond)
	if err := r.file.Unlock(presenceByte); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the successor lives", func() bool { return mustStat(t, dir, "r").Publisher == Live })
}

// TestReplacedInPart: what the new publisher does not ask for stays as it was.
func TestReplacedInPart(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.MaxMessage, cfg.Schema, cfg.SchemaHash, cfg.Source = 100, "schema", 7, "source"
	mustCreate(t, "r", cfg).Close()
	p := mustCreate(t, "r", Config{Dir: dir, Stamps: StampNone, Heartbeat: -1})
	i := mustStat(t, dir, "r")
	if i.Stamps != StampNone || i.Capacity != minCapacity || i.MaxMessage != 100 || i.Schema != "schema" || i.SchemaHash != 7 || i.Source != "source" {
		t.Errorf("the new ring is %+v", i)
	}
	if p.Capacity() != i.Capacity || p.MaxMessage() != i.MaxMessage {
		t.Errorf("the publisher says %d and %d", p.Capacity(), p.MaxMessage())
	}
}

// holdRingWithChild holds a ring and a subscriber's name and starts a process that
// inherits whatever this one lets it: args are dir.
func holdRingWithChild(args []string) error {
	p, err := Create("r", smallest(args[0]))
	if err != nil {
		return err
	}
	defer p.Close()
	s, err := Open("r", Options{Dir: args[0], Name: "s"})
	if err != nil {
		return err
	}
	defer s.Close()
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	// It ends with the test: when the other end of stdin is closed.
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "TICKRING_TEST_ROLE=life.idle")
	cmd.Stdin = os.Stdin
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Println(cmd.Process.Pid)
	select {}
}

// TestChildInheritsNothing: a process that a publisher has started does not keep the
// ring when the publisher is killed.
func TestChildInheritsNothing(t *testing.T) {
	dir := shmDir(t)
	c := start(t, "life.parent", dir)
	grandchild, err := strconv.Atoi(c.line())
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open("r", Options{Dir: dir, Name: "s"})
	wantError(t, "Open", err, ErrSubscriberActive, "")
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the publisher is dead", func() bool { return mustStat(t, dir, "r").Publisher == Dead })
	if err := unix.Kill(grandchild, 0); err != nil {
		t.Fatalf("the publisher's child has ended too: %v", err)
	}
	var p *Publisher
	eventually(t, "a new publisher", func() bool {
		p, err = Create("r", smallest(dir))
		if err != nil && !errors.Is(err, ErrPublisherActive) {
			t.Fatal(err)
		}
		return err == nil
	})
	defer p.Close()
	var s *Subscriber
	eventually(t, "a new owner of the name", func() bool {
		s, err = Open("r", Options{Dir: dir, Name: "s"})
		if err != nil && !errors.Is(err, ErrSubscriberActive) {
			t.Fatal(err)
		}
		return err == nil
	})
	defer s.Close()
	publishCount(t, p, 1)
	expect(t, s, 1)
}

// torrent publishes until it is killed or gets a line: args are dir, capacity. It
// says that it begins, and at the end the number of its last message.
func torrent(args []string) error {
	capacity, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	var p *Publisher
	for p == nil {
		// The kernel may not be done yet with the process that was killed before.
		p, err = Create("r", Config{Dir: args[0], Capacity: capacity, Heartbeat: time.Millisecond})
		if err != nil && !errors.Is(err, ErrPublisherActive) {
			return err
		}
	}
	fmt.Println(p.Seq())
	var stop atomic.Bool
	go func() {
		awaitLine()
		stop.Store(true)
	}()
	buf := make([]byte, p.MaxMessage())
	for !stop.Load() {
		if err := publishOne(&p.publisher, buf); err != nil {
			return err
		}
		if p.seq%500 == 0 {
			p.setMark(p.seq - 1)
		}
	}
	fmt.Println(p.Seq())
	return p.Close()
}

// TestKilledPublishers kills publishers at random moments, some while they take
// over, and lets others end well. One subscriber reads all along: every message
// arrives whole and once or is counted as lost.
func TestKilledPublishers(t *testing.T) {
	for _, capacity := range []uint64{minCapacity, 4 << 20} {
		t.Run(fmt.Sprint(capacity), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed(t), 0))
			dir := shmDir(t)
			mustCreate(t, "r", Config{Dir: dir, Capacity: capacity, Heartbeat: time.Millisecond}).Close()

			s := mustOpen(t, "r", Options{Dir: dir, Name: "witness", From: FromOldest})
			o := newOracle(s.MaxMessage())
			o.next = 1
			var until atomic.Uint64 // the last number there will ever be
			read := make(chan error, 1)
			go func() {
				read <- func() error {
					for {
						st, err := o.step(&s.subscriber)
						if err != nil {
							return err
						}
						switch st {
						case Message, Gap:
							continue
						case Superseded:
							return errors.New("the ring was replaced")
						}
						if last := until.Load(); last != 0 && o.next > last {
							return nil
						}
						yield()
					}
				}()
			}()

			var last, kills uint64
			for round := uint64(1); round <= 20; round++ {
				c := start(t, "life.torrent", dir, strconv.FormatUint(capacity, 10))
				if r.IntN(4) == 0 {
					time.Sleep(time.Duration(r.IntN(30_000)) * time.Microsecond)
				} else {
					// The new publisher goes on exactly where the one before was killed.
					if got := c.line(); got != fmt.Sprint(last) {
						t.Fatalf("publisher %d begins after number %s, the one before ended with %d", round, got, last)
					}
					time.Sleep(time.Duration(r.IntN(20_000)) * time.Microsecond)
				}
				closed := r.IntN(5) == 0
				if closed {
					c.say("")
					c.wait() // it may not have said yet that it begins
				} else {
					c.kill()
					kills++
				}
				i := mustStat(t, dir, "r")
				if i.Last < last {
					t.Fatalf("the last number was %d and is %d now", last, i.Last)
				}
				if want := map[bool]Life{true: Ended, false: Dead}[closed]; i.Publisher != want && !(last == i.Last && i.Publisher == Ended) {
					t.Errorf("the publisher is %v, want %v", i.Publisher, want)
				}
				last = i.Last
				select {
				case err := <-read:
					t.Fatal(err)
				default:
				}
			}
			if last == 0 {
				t.Fatal("nothing was published at all")
			}
			until.Store(last)
			select {
			case err := <-read:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(patience):
				t.Fatal("the subscriber does not come to the end")
			}
			t.Logf("%d kills; published %d = delivered %d + lost %d", kills, last, o.delivered, o.lost)
			if o.delivered+o.lost != last {
				t.Errorf("delivered %d + lost %d are not the %d published", o.delivered, o.lost, last)
			}
			if s.Lost() != o.lost || s.stats.lost != o.lost || s.stats.messages != o.delivered {
				t.Errorf("the counters say lost %d and %d, delivered %d", s.Lost(), s.stats.lost, s.stats.messages)
			}
			// And all of what is in the ring is what was published.
			again := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
			o = newOracle(again.MaxMessage())
			for {
				st, err := o.step(&again.subscriber)
				if err != nil {
					t.Fatal(err)
				}
				if st != Message {
					break
				}
			}
			if o.next != last+1 {
				t.Errorf("a new subscriber reads up to number %d, the last is %d", o.next-1, last)
			}
		})
	}
}

// TestCutShort: somebody who may write the ring's file cuts it. Publisher, heartbeat
// and subscriber get an error where they ask for one, and nobody crashes.
func TestCutShort(t *testing.T) {
	for _, stamps := range []Stamps{StampEvery, StampNone} {
		dir := shmDir(t)
		cfg := Config{Dir: dir, Capacity: minCapacity, Stamps: stamps, Heartbeat: time.Millisecond}
		p := mustCreate(t, "r", cfg)
		publishCount(t, p, 100)
		s := mustOpen(t, "r", Options{Dir: dir, Name: "s", From: FromOldest})
		expect(t, s, 1)
		quiet := smallest(dir)
		q := mustCreate(t, "other", quiet)
		path := filepath.Join(dir, "r", "ring")
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		err := mmap.Guard(func() error {
			_, st := s.Next()
			return fmt.Errorf("it read on: %v", st)
		})
		if !errors.Is(err, mmap.ErrFault) {
			t.Errorf("Next: %v, want %v", err, mmap.ErrFault)
		}
		for _, size := range []int{0, 8, 56, 57, 4000} {
			err = mmap.Guard(func() error {
				return fmt.Errorf("it wrote on: %v", p.Publish(0, make([]byte, size)))
			})
			if !errors.Is(err, mmap.ErrFault) {
				t.Errorf("Publish of %d bytes: %v, want %v", size, err, mmap.ErrFault)
			}
		}
		p.Beat()
		time.Sleep(10 * time.Millisecond) // for the heartbeat's goroutine to run into it, if it is scheduled
		if got := s.Publisher(); got != Dead {
			t.Errorf("the publisher is %v, want %v", got, Dead)
		}
		_, err = Stat(dir, "r")
		wantError(t, "Stat", err, ErrNotRing, dir)
		// Its goroutine lives: as soon as there is memory again, so is a heartbeat.
		if err := os.Truncate(path, dataOffset); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a heartbeat", func() bool {
			b, err := os.ReadFile(path)
			return err == nil && headerIn(b).beat != 0
		})
		if err := p.Close(); err != nil {
			t.Errorf("Close of the publisher: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close of the subscriber: %v", err)
		}
		// The ring beside it and its successor are not impressed.
		publishCount(t, q, 1)
		p = mustCreate(t, "r", cfg)
		publishCount(t, p, 1)
		expect(t, mustOpen(t, "r", Options{Dir: dir, From: FromOldest}), 1)
		p.Close()
		q.Close()
	}
}
