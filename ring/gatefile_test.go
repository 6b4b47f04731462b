//go:build linux

package ring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
	"unsafe"
)

// Gates with files and processes.

func init() {
	roles["gate.publish"] = publishUntilRefused
	roles["gate.read"] = readAsGate
}

// publishUntilRefused makes a ring with gate g, publishes until that holds it, and waits
// to be killed: args are dir.
func publishUntilRefused(args []string) error {
	cfg := smallest(args[0])
	cfg.Gates = []Gate{{Name: "g"}}
	p, err := Create("r", cfg)
	for err == nil {
		err = p.Publish(uint16(p.Seq()+1), []byte(strconv.FormatUint(p.Seq()+1, 10)))
	}
	if err != ErrBackPressure {
		return err
	}
	fmt.Println(p.Seq())
	return awaitLine()
}

// readAsGate reads n messages as gate g, says which one is in hand, and waits to be
// killed: args are dir and n.
func readAsGate(args []string) error {
	s, err := Open("r", Options{Dir: args[0], Name: "g"})
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(args[1])
	for i := 0; i < n; {
		switch _, st := s.Next(); st {
		case Message:
			i++
		case Empty:
		default:
			return fmt.Errorf("%v", st)
		}
	}
	fmt.Println(s.Seq())
	return awaitLine()
}

// untilRefused publishes what publishCount does until a gate holds the publisher.
func untilRefused(t testing.TB, p *Publisher) {
	t.Helper()
	for {
		switch err := p.Publish(uint16(p.Seq()+1), []byte(strconv.FormatUint(p.Seq()+1, 10))); err {
		case nil:
		case ErrBackPressure:
			return
		default:
			t.Fatal(err)
		}
	}
}

// drain reads messages of publishCount from number seq on to the end.
func drain(t testing.TB, s *Subscriber, seq uint64) (next uint64) {
	t.Helper()
	for ; ; seq++ {
		m, st := s.Next()
		if st == Empty {
			return seq
		}
		if st != Message || s.Seq() != seq || string(m) != strconv.FormatUint(seq, 10) {
			t.Fatalf("got %v %q with number %d (%v), want message %d", st, m, s.Seq(), s.Err(), seq)
		}
	}
}

// TestGateOutlivesAll: publisher and gate are killed, again and again; every message
// arrives, and at most the one that was in hand twice.
func TestGateOutlivesAll(t *testing.T) {
	dir := shmDir(t)
	next := uint64(1)
	for round := range 5 {
		pub := start(t, "gate.publish", dir)
		last, err := strconv.ParseUint(pub.line(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if i := mustStat(t, dir, "r"); i.Refused == 0 || i.Last != last || i.Subscribers[0].Gate != GateHolding || i.Subscribers[0].Active {
			t.Fatalf("Stat says %+v", i)
		}
		if round%2 == 0 {
			pub.kill()
		}
		const n = 1000
		sub := start(t, "gate.read", dir, strconv.Itoa(n))
		inHand, err := strconv.ParseUint(sub.line(), 10, 64)
		if err != nil || inHand != next+n-1 {
			t.Fatalf("the gate has message %d in hand (%v), want %d", inHand, err, next+n-1)
		}
		sub.kill()
		pub.kill()
		next = inHand
	}
	p := mustCreate(t, "r", smallest(dir)) // names no gates: the ring has one
	untilRefused(t, p)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	if got := drain(t, s, next); got != p.Seq()+1 {
		t.Errorf("read to %d of %d", got-1, p.Seq())
	}
	if s.Lost() != 0 || s.Gate() != GateHolding {
		t.Errorf("lost %d, gate %v", s.Lost(), s.Gate())
	}
}

// TestGateFile: it exists from the start, and only the publisher's user can open it.
func TestGateFile(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "a"}, {Name: "b", Hold: time.Second, DropDead: true}}
	cfg.Group = true
	p := mustCreate(t, "r", cfg)
	for _, g := range cfg.Gates {
		i, err := os.Stat(filepath.Join(dir, "r", "subs", g.Name))
		if err != nil || i.Mode() != 0o600 {
			t.Errorf("gate %s: %v, %v", g.Name, i, err)
		}
	}
	subs := mustStat(t, dir, "r").Subscribers
	if len(subs) != 2 || subs[0].Gate != GateHolding || subs[0].Hold != 0 || subs[0].DropDead ||
		subs[1].Gate != GateHolding || subs[1].Hold != time.Second || !subs[1].DropDead {
		t.Errorf("Stat tells of %+v", subs)
	}
	if got := p.Gates(); len(got) != 2 || got[0].Name != "a" || got[1].Hold != time.Second || got[0].Lag != 0 {
		t.Errorf("Gates tells of %+v", got)
	}
	// Unread messages wait for a gate that never was there.
	publishCount(t, p, 3)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	expect(t, s, 1)
	s.Close() // 1 is done with
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	expect(t, s, 2)
	s.Close()

	for _, opt := range []Options{{From: FromOldest}, {From: FromSeq, Seq: 1}, {From: FromMark}, {Ephemeral: true}} {
		opt.Dir, opt.Name = dir, "a"
		_, err := Open("r", opt)
		wantError(t, fmt.Sprintf("Open %+v", opt), err, ErrConfig, "gate")
	}
	s = mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromLatest})
	expectStatus(t, s, Empty)
	publishCount(t, p, 1)
	expect(t, s, 4)

	if err := p.AddGate(Gate{Name: "a", Hold: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if got := p.Gates(); got[0].Hold != time.Minute || len(p.gates) != 2 {
		t.Errorf("after the change of a policy: %+v", got)
	}
	if err := p.RemoveGate("a"); err != nil {
		t.Fatal(err)
	}
	expectStatus(t, s, Demoted)
	if s.Gate() != GateNone || len(p.Gates()) != 1 {
		t.Errorf("a removed gate is %v, of %v", s.Gate(), p.Gates())
	}
	wantError(t, "RemoveGate", p.RemoveGate("a"), ErrConfig, "a")
	for i := range maxGates - 1 {
		if err := p.AddGate(Gate{Name: fmt.Sprint("n", i)}); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, "AddGate", p.AddGate(Gate{Name: "more"}), ErrConfig, "32")
	wantError(t, "AddGate", p.AddGate(Gate{Name: "/"}), ErrName, "/")
	p.Close()
	wantError(t, "AddGate", p.AddGate(Gate{Name: "a"}), ErrClosed, "")
}

// TestAllGatesOrNone: a Create that fails on one gate makes no gate of the others, whom
// nobody would read, and changes no policy.
func TestAllGatesOrNone(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "old"}}
	p := mustCreate(t, "r", cfg)
	publishCount(t, p, 5)
	p.Close()
	if err := os.Mkdir(filepath.Join(dir, "r", "subs", "bad"), 0o700); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	many := make([]Gate, maxGates)
	for i := range many {
		many[i].Name = fmt.Sprintf("%0*d", maxName, i)
	}
	for _, gates := range [][]Gate{{{Name: "old", Hold: 1}, {Name: "new"}, {Name: "bad"}}, many} {
		cfg := smallest(dir)
		cfg.Gates = gates
		_, err := Create("r", cfg)
		if err == nil {
			t.Fatalf("%d gates besides the one that is there: no error", len(gates))
		}
		if got := mustStat(t, dir, "r").Subscribers; len(got) != 2 || got[1].Name != "old" || got[1].Gate != GateHolding || got[1].Hold != 0 {
			t.Errorf("%v: the ring has %+v", err, got)
		}
		if after := tree(t, dir); after != before {
			t.Errorf("%v has left\n%s\nit was\n%s", err, after, before)
		}
	}
	cfg = smallest(dir)
	cfg.Gates = many[1:]
	if p = mustCreate(t, "r", cfg); len(p.Gates()) != maxGates {
		t.Errorf("%d gates are %v", maxGates, p.Gates())
	}
}

// TestLostGateFile: a gate's file is removed while nobody has the ring open. The gate gets
// again what is there, and is not told that it lost what it may have read.
func TestLostGateFile(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "g"}}
	p := mustCreate(t, "r", cfg)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	for next := uint64(1); p.pos < 3*minCapacity; {
		untilRefused(t, p)
		next = drain(t, s, next)
	}
	s.Close()
	p.Close()
	os.Remove(filepath.Join(dir, "r", "subs", "g"))
	p = mustCreate(t, "r", smallest(dir))
	s = mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	expect(t, s, mustStat(t, dir, "r").Oldest)
	for next := s.Seq() + 1; p.pos < 5*minCapacity; {
		untilRefused(t, p)
		next = drain(t, s, next)
	}
}

// TestGateFileRemovedUnderItsOwner: who reads the gate goes on, and the publisher with him.
func TestGateFileRemovedUnderItsOwner(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "g"}}
	p := mustCreate(t, "r", cfg)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	path := filepath.Join(dir, "r", "subs", "g")
	os.Remove(path)
	next := uint64(1)
	for p.pos < 3*minCapacity {
		untilRefused(t, p)
		for began := time.Now(); time.Since(began) < 2*lookEvery; {
			p.Publish(0, nil) // it looks for the file
		}
		if _, err := os.Lstat(path); err == nil {
			t.Fatal("the file was made again while its owner has it open")
		}
		next = drain(t, s, next)
	}
	s.Close()
	untilRefused(t, p)
	eventually(t, "the file is made again", func() bool {
		p.Publish(0, nil)
		_, err := os.Lstat(path)
		return err == nil
	})
	s = mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	if got := drain(t, s, next); got != p.Seq()+1 {
		t.Errorf("read to %d of %d", got-1, p.Seq())
	}
}

// TestEphemeralGate: a subscriber that takes its file with it becomes a gate meanwhile.
// The file stays, with what it is done with.
func TestEphemeralGate(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, Name: "g", Ephemeral: true})
	if err := p.AddGate(Gate{Name: "g"}); err != nil {
		t.Fatal(err)
	}
	publishCount(t, p, 3)
	expect(t, s, 1)
	s.Close()
	s = mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	expect(t, s, 2)
}

func TestPublishWait(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "g"}}
	p := mustCreate(t, "r", cfg)
	untilRefused(t, p)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	last := p.Seq()
	err := p.PublishWait(ctx, 0, nil)
	wantError(t, "PublishWait", err, ErrBackPressure, "")
	if !errors.Is(err, context.DeadlineExceeded) || p.Seq() != last {
		t.Errorf("PublishWait: %v, message %d, was %d", err, p.Seq(), last)
	}
	s := mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	done := make(chan error)
	go func() {
		done <- p.PublishWait(context.Background(), uint16(last+1), []byte(strconv.FormatUint(last+1, 10)))
	}()
	for next := uint64(1); next <= last+1; {
		next = drain(t, s, next)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestNewFileForAGate: a file of another size is not made while it would lose what a
// gate has not read; then the gate goes on in the new one.
func TestNewFileForAGate(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "g"}}
	p := mustCreate(t, "r", cfg)
	publishCount(t, p, 10)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	expect(t, s, 1)
	p.Close()

	larger := smallest(dir)
	larger.Capacity *= 2
	before := tree(t, dir)
	_, err := Create("r", larger)
	wantError(t, "Create", err, ErrUnread, `gate "g" has not read 10 messages`)
	if after := tree(t, dir); after != before {
		t.Errorf("Create has left\n%s\nit was\n%s", after, before)
	}
	for seq := uint64(2); seq <= 10; seq++ {
		expect(t, s, seq)
	}
	expectStatus(t, s, Closed)
	p = mustCreate(t, "r", larger)
	if p.Replaced() == nil || len(p.gates) != 1 {
		t.Fatalf("replaced %v, %d gates", p.Replaced(), len(p.gates))
	}
	expectStatus(t, s, Superseded)
	// The gate has not come yet: the cursor in its file is one of the old ring's, and
	// must not be believed, however far the new one comes.
	untilRefused(t, p)
	s.Close()
	s = mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	if got := drain(t, s, 11); got != p.Seq()+1 {
		t.Errorf("read to %d of %d", got-1, p.Seq())
	}
	publishCount(t, p, 1)
}

// TestRubbishInAGate: whatever a gate does to its file, nothing comes of it but that
// it may hold the publisher, or lose its own stream.
func TestRubbishInAGate(t *testing.T) {
	for _, c := range []struct {
		what  string
		spoil func(t *testing.T, path string)
		lost  bool // its own stream
	}{
		{"a cursor beyond the head", func(t *testing.T, path string) { writeCursor(t, path, 1<<40) }, false},
		{"the largest cursor", func(t *testing.T, path string) { writeCursor(t, path, 1<<64-1) }, false},
		{"a cursor between two lines", func(t *testing.T, path string) { writeCursor(t, path, minCapacity/2+1) }, false},
		{"a cursor that runs ahead", func(t *testing.T, path string) { writeCursor(t, path, minCapacity/2) }, true},
		{"cut short", func(t *testing.T, path string) { truncate(t, path, 0) }, false},
		{"cut within the cursor", func(t *testing.T, path string) { truncate(t, path, 0x104) }, false},
		{"removed", func(t *testing.T, path string) { os.Remove(path) }, false},
		{"a directory", func(t *testing.T, path string) { os.Remove(path); os.Mkdir(path, 0o700) }, false},
		{"a symlink", func(t *testing.T, path string) { os.Remove(path); os.Symlink("/dev/zero", path) }, false},
		{"all ones", func(t *testing.T, path string) {
			b := make([]byte, subFileSize)
			for i := range b {
				b[i] = 0xff
			}
			os.Remove(path)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := shmDir(t)
			cfg := smallest(dir)
			cfg.Gates = []Gate{{Name: "g", Hold: time.Hour}}
			p := mustCreate(t, "r", cfg)
			other := mustOpen(t, "r", Options{Dir: dir, Name: "other", From: FromOldest})
			for p.pos < minCapacity/2+minBlock {
				publishCount(t, p, 1)
			}
			path := filepath.Join(dir, "r", "subs", "g")
			c.spoil(t, path)
			lapped := func() bool { return p.pos > 2*minCapacity }
			for tries := 0; tries < 100 && !lapped(); tries++ {
				for p.Publish(0, nil) == nil && !lapped() {
				}
			}
			if lapped() {
				t.Error("the publisher was not held")
			}
			if _, st := other.Next(); st != Message && st != Gap {
				t.Errorf("another subscriber: %v", st)
			}
			// What lies there is removed by whom it belongs to; then the publisher makes
			// the file again, and the gate goes on.
			os.Remove(path)
			eventually(t, "the file is made again", func() bool {
				p.Publish(0, nil)
				_, err := os.Lstat(path)
				return err == nil
			})
			s := mustOpen(t, "r", Options{Dir: dir, Name: "g"})
			if _, st := s.Next(); c.lost && st != Gap || !c.lost && (st != Message || s.Seq() != 1) {
				t.Errorf("the gate got %v, message %d", st, s.Seq())
			}
		})
	}
}

func writeCursor(t *testing.T, path string, pos uint64) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := unsafe.Slice((*byte)(unsafe.Pointer(&pos)), 8)
	if _, err := f.WriteAt(b, int64(unsafe.Offsetof(subFile{}.cursorPos))); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string, size int64) {
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// TestSuccessorOfRubbish: the next publisher can use what a gate's file has become.
func TestSuccessorOfRubbish(t *testing.T) {
	for _, size := range []int64{0, 0x104, int64(subFileSize)} {
		dir := shmDir(t)
		cfg := smallest(dir)
		cfg.Gates = []Gate{{Name: "g"}}
		p := mustCreate(t, "r", cfg)
		publishCount(t, p, 10)
		p.Close()
		path := filepath.Join(dir, "r", "subs", "g")
		os.Truncate(path, 0)
		os.Truncate(path, size)
		p = mustCreate(t, "r", smallest(dir))
		s := mustOpen(t, "r", Options{Dir: dir, Name: "g"})
		for seq := uint64(1); seq <= 10; seq++ {
			expect(t, s, seq) // again, perhaps; but nothing is lost
		}
		p.Close()
		s.Close()
	}
}
