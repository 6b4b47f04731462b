//go:build linux && hooks

package ring

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// What changes each time that it is looked at keeps nobody for ever.

// TestNobodyJoinsForEver: somebody raises claimed by two laps whenever it was read.
func TestNobodyJoinsForEver(t *testing.T) {
	for name, join := range map[string]func(s *subscriber){
		"oldest": func(s *subscriber) { s.joinOldest(0) },
		"latest": func(s *subscriber) { s.joinLatest() },
		"cursor": func(s *subscriber) { s.joinCursor(1) },
		"number": func(s *subscriber) { s.floor = 2; s.joinSeq(1) },
		"again":  func(s *subscriber) { s.rejoin = RejoinMark; s.setMark(5); s.joinAgain(3) },
		"lapped": func(s *subscriber) { s.lapped() },
	} {
		base, g := heapRing(minBlocks, minBlock)
		var p publisher
		p.setup(newView(base, g), stampNone)
		p.begin(1)
		var s subscriber
		s.start(p.view)
		mem.Hook = func(word *uint64, write, done bool) {
			if word == p.claimed && !write && done {
				*word += 2 * g.capacity
			}
		}
		join(&s)
		mem.Hook = nil
		if !errors.Is(s.err, errMoves) {
			t.Errorf("%s: %v", name, s.err)
		}
	}
	var l tail
	base, g := heapRing(minBlocks, minBlock)
	v := newView(base, g)
	*v.claimed = g.block + lineSize
	mem.Hook = func(word *uint64, write, done bool) {
		if word == v.claimed && !write && done {
			*word += 2 * g.capacity
		}
	}
	err := l.follow(&v)
	mem.Hook = nil
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("a look at the end: %v", err)
	}
}

// TestNobodyOpensForEver: somebody puts a copy of a file in its place whenever something is
// done to it.
func TestNobodyOpensForEver(t *testing.T) {
	dir := shmDir(t)
	mustCreate(t, "r", smallest(dir)).Close()
	mustOpen(t, "r", Options{Dir: dir, Name: "sub"}).Close()
	restless := func(path string) (done func()) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		mmap.Hook = func(_ int, at string, _ bool) {
			if at == path {
				if err := errors.Join(os.WriteFile(path+"~", content, 0o600), os.Rename(path+"~", path)); err != nil {
					t.Error(err)
				}
			}
		}
		return func() { mmap.Hook = nil }
	}
	done := restless(filepath.Join(dir, "r", "lock"))
	_, err := Create("r", smallest(dir))
	done()
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("a lock: %v", err)
	}
	done = restless(filepath.Join(dir, "r", "subs", "sub"))
	_, err = Open("r", Options{Dir: dir, Name: "sub"})
	done()
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("a subscriber's file: %v", err)
	}
	mustCreate(t, "r", smallest(dir)).Close()
	mustOpen(t, "r", Options{Dir: dir, Name: "sub"}).Close()
}
