//go:build linux

package ring

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() { roles["end.read"] = readToTheEnd }

// readToTheEnd reads ring after ring, as they are named, and says how many messages
// were delivered and lost.
func readToTheEnd(args []string) error {
	for {
		var name string
		if _, err := fmt.Scanln(&name); err != nil {
			return nil
		}
		s, err := Open(name, Options{Dir: args[0], From: FromOldest})
		if err != nil {
			return err
		}
		fmt.Println("ready")
		n := uint64(0)
		for st := Empty; st != Closed; {
			if _, st = s.Next(); st == Message {
				n++
			}
		}
		fmt.Println(n + s.Lost())
		s.Close()
	}
}

// TestStoppedWhileItEnds: a subscriber is stopped at whatever instruction while it polls,
// the publisher laps it with zeros and closes the ring, and the subscriber goes on. It
// must not take a 0 in a later lap's payload for the end.
func TestStoppedWhileItEnds(t *testing.T) {
	dir := shmDir(t)
	c := start(t, "end.read", dir)
	zeros := make([]byte, 1000)
	for i := range 100 {
		name := fmt.Sprint("r", i)
		p := mustCreate(t, name, Config{Dir: dir, Capacity: minCapacity, Stamps: StampNone, NoPrefault: true})
		publishCount(t, p, 5)
		c.say(name)
		c.line()
		time.Sleep(300 * time.Microsecond) // let it poll; if it does not yet, the trial tests less
		unix.Kill(c.cmd.Process.Pid, unix.SIGSTOP)
		time.Sleep(300 * time.Microsecond)
		for range 400 { // a lap and a half
			if err := p.Publish(0, zeros); err != nil {
				t.Fatal(err)
			}
		}
		published := p.Seq()
		p.Close()
		unix.Kill(c.cmd.Process.Pid, unix.SIGCONT)
		var got uint64
		fmt.Sscan(c.line(), &got)
		if got != published {
			t.Fatalf("trial %d: delivered + lost = %d of %d", i, got, published)
		}
		Remove(dir, name)
	}
}

// TestGapIsToldAgain: a subscriber that dies with a gap in hand learns of it again, as
// of a message.
func TestGapIsToldAgain(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
	publishCount(t, p, 3*minCapacity/lineSize)
	expectStatus(t, s, Gap)
	s.own.close() // as a kill does: the cursor is what it is
	s.own = nil
	again := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	expectStatus(t, again, Gap)
	if first, _ := again.Gap(); first != 1 {
		t.Errorf("the gap begins with %d, want 1", first)
	}
}

// TestDefaultsKeepTheRing: an empty Config goes on with whatever ring is there.
func TestDefaultsKeepTheRing(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Stamps, cfg.Schema, cfg.SchemaHash, cfg.Source = StampNone, "schema", 7, "source"
	mustCreate(t, "r", cfg).Close()
	s := mustOpen(t, "r", Options{Dir: dir})
	for _, same := range []Config{{Dir: dir}, {Dir: dir, Schema: "schema"}, {Dir: dir, SchemaHash: 7}} {
		p := mustCreate(t, "r", same)
		if err := p.Replaced(); err != nil {
			t.Errorf("%+v replaced the ring: %v", same, err)
		}
		p.Close()
	}
	expectStatus(t, s, Closed)
	other := mustCreate(t, "r", Config{Dir: dir, Stamps: StampEvery})
	if other.Replaced() == nil {
		t.Error("other stamps did not replace the ring")
	}
	expectStatus(t, s, Superseded)
}
