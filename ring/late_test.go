//go:build linux

package ring

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// TestReplacedBetweenOpeningAndNaming: the ring is replaced, and the subscriber's cursor
// moves on in the new file, after Open has the old one. That is no corrupt cursor.
func TestReplacedBetweenOpeningAndNaming(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 1)
	p.Close()
	ps, err := pathsOf(dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	s := &Subscriber{name: "r"}
	defer func() { s.release(false) }()
	if s.ring, err = openRing(ps, mmap.ReadOnly); err != nil {
		t.Fatal(err)
	}
	if s.region, err = s.ring.file.Map(mapOptions(mmap.ReadOnly, s.ring.geo.fileSize(), true, false, false)); err != nil {
		t.Fatal(err)
	}

	larger := smallest(dir)
	larger.Capacity *= 2
	publishCount(t, mustCreate(t, "r", larger), 1)
	other := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
	expect(t, other, 2)
	other.Close()

	if s.own, err = openSub(ps, "a", s.ring, 0, false); err != nil {
		t.Fatal(err)
	}
	if err := s.enter(Options{Dir: dir, Name: "a"}); !errors.Is(err, errStaleRing) {
		t.Errorf("%v, want to open the ring again", err)
	}
}

// TestCursorOfAnEarlierRing: Stat does not tell a position in another ring as one in
// this.
func TestCursorOfAnEarlierRing(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 5)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromOldest})
	expect(t, s, 1)
	s.Close()
	p.Close()
	if err := os.Remove(dir + "/r/ring"); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, "r", smallest(dir))
	if got := onlySub(t, dir).Cursor; got != 0 {
		t.Errorf("the cursor is at %d of a ring that it was never on", got)
	}
}

func TestRemoveTakesUnfinishedFilesOfLongNames(t *testing.T) {
	dir := shmDir(t)
	mustCreate(t, "r", smallest(dir)).Close()
	ps, err := pathsOf(dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ps.sub("."+strings.Repeat("a", maxName)+".tmp-0123456789abcdef"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir, "r"); err != nil {
		t.Error(err)
	}
}

// TestWrongScaleIsCorrected: a length of a tick that two measurements in a row
// contradict is given up; one alone may be a host that was suspended.
func TestWrongScaleIsCorrected(t *testing.T) {
	cfg := smallest(shmDir(t))
	cfg.Heartbeat = -1
	p := mustCreate(t, "r", cfg)
	if p.clock.Kind() != tick.Counter {
		t.Skip("this build's clock counts nanoseconds")
	}
	right := tick.Scale(p.first.scale)
	p.first.scale *= 2
	beatAfterTwoSeconds := func() tick.Scale {
		ticks, mono := p.clock.Pair()
		p.first.ticks, p.first.mono = ticks-right.Ticks(2e9), mono-2e9
		p.Beat()
		return tick.Scale(mem.LoadAcquire(&p.hdr.clockScale))
	}
	if s := beatAfterTwoSeconds(); s.Near(right) {
		t.Error("one measurement was enough")
	}
	if s := beatAfterTwoSeconds(); !s.Near(right) {
		t.Errorf("%.0f Hz after two measurements of %.0f", s.Hz(), right.Hz())
	}
}

func TestReplacingKeepsTheSchemasHash(t *testing.T) {
	cfg := smallest(shmDir(t))
	cfg.Schema, cfg.SchemaHash = "schema", 7
	mustCreate(t, "r", cfg).Close()
	cfg.SchemaHash = 0
	cfg.Capacity *= 2
	p := mustCreate(t, "r", cfg)
	if p.Replaced() == nil || p.fixed.schemaHash != 7 {
		t.Errorf("replaced: %v, hash %d", p.Replaced(), p.fixed.schemaHash)
	}
}
