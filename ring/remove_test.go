//go:build linux

package ring

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tickring/tickring/mmap"
)

// TestRemoveLeavesStrangers: a directory that is no ring stays as it is, and so does
// what a ring's directory has that is not of a ring.
func TestRemoveLeavesStrangers(t *testing.T) {
	dir := shmDir(t)
	write := func(path ...string) string {
		p := filepath.Join(append([]string{dir}, path...)...)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	kept := []string{write("project", "subs", "thesis"), write("project", "other")}
	if err := Remove(dir, "project"); !errors.Is(err, ErrNoRing) {
		t.Errorf("a directory that is no ring: %v", err)
	}

	mustCreate(t, "r", smallest(dir)).Close()
	kept = append(kept, write("r", "subs", "not a name"), write("r", "notes"))
	if err := Remove(dir, "r"); err == nil {
		t.Error("a stranger's file is no error")
	}
	if exists(filepath.Join(dir, "r", "ring")) {
		t.Error("the ring is still there")
	}
	for _, path := range kept {
		if !exists(path) {
			t.Errorf("%s is gone", path)
		}
	}
}

// TestLinkedSubs: subs/ is a link. Nothing behind it is touched.
func TestLinkedSubs(t *testing.T) {
	dir, elsewhere := shmDir(t), shmDir(t)
	victim := filepath.Join(elsewhere, "a")
	if err := os.WriteFile(victim, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, "r", smallest(dir)).Close()
	subs := filepath.Join(dir, "r", "subs")
	if err := os.Remove(subs); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, subs); err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir, "r"); !errors.Is(err, mmap.ErrUnsafeDir) {
		t.Errorf("Remove: %v", err)
	}
	if _, err := Open("r", Options{Dir: dir, Name: "b"}); !errors.Is(err, mmap.ErrUnsafeDir) {
		t.Errorf("Open: %v", err)
	}
	if got := names(t, elsewhere); got != "a" {
		t.Errorf("behind the link there is %q now", got)
	}
}

// TestRemoveRaces: removing and creating at the same time ends well for each, or with
// an error that says what the other did.
func TestRemoveRaces(t *testing.T) {
	dir := shmDir(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 100 {
				if i%2 == 0 {
					p, err := Create("r", smallest(dir))
					if err == nil {
						p.Close()
					} else if !errors.Is(err, ErrPublisherActive) {
						t.Error(err)
					}
				} else if err := Remove(dir, "r"); err != nil && !errors.Is(err, ErrNoRing) && !errors.Is(err, ErrPublisherActive) {
					t.Error(err)
				}
			}
		}()
	}
	all.Wait()
}

// TestRelativeDir: a later change of the working directory changes nothing.
func TestRelativeDir(t *testing.T) {
	dir := shmDir(t)
	t.Chdir(dir)
	p := mustCreate(t, "r", smallest("rings"))
	s := mustOpen(t, "r", Options{Dir: "rings", Name: "a", Ephemeral: true})
	t.Chdir("/")
	if life := s.Publisher(); life != Live {
		t.Errorf("the publisher is %v", life)
	}
	publishCount(t, p, 1)
	expect(t, s, 1)
	s.Close()
	if exists(filepath.Join(dir, "rings", "r", "subs", "a")) {
		t.Error("the ephemeral file is still there")
	}
}

// TestRemoveIsKilled: it has said that the ring is superseded, and gone no further. Nobody
// opens the ring, to be told so again and again; a publisher goes on with it.
func TestRemoveIsKilled(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	s := mustOpen(t, "r", Options{Dir: dir, Name: "s"})
	publishCount(t, p, 3)
	expect(t, s, 1)
	p.Close()
	f, err := mmap.Open(mustPaths(t, dir).ring(), mmap.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	supersede(f)
	expect(t, s, 2)
	expect(t, s, 3)
	expectStatus(t, s, Superseded)
	s.Close()
	if _, err := Open("r", Options{Dir: dir, Name: "s"}); !errors.Is(err, ErrNoRing) {
		t.Errorf("Open: %v", err)
	}
	p = mustCreate(t, "r", smallest(dir))
	defer p.Close()
	publishCount(t, p, 1)
	expect(t, mustOpen(t, "r", Options{Dir: dir, Name: "s"}), 4)
}
