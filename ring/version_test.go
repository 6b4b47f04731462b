//go:build linux

package ring

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/tickring/tickring/mmap"
)

// writeAs rewrites the start of a file as that of another version, with a checksum that
// is right.
func writeAs(t *testing.T, path string, version uint32) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if h := headerIn(b); h.magic == ringMagic {
		h.version = version
		h.checksum = h.sum()
	} else {
		f := (*subFile)(unsafe.Pointer(&b[0]))
		f.version = version
		f.checksum = f.sum()
		if version < 3 {
			b = b[:0x8000] // they were shorter
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOtherVersion: a ring that an earlier or a later build has left, with subscribers. It
// is refused, not read and not written; the next publisher replaces it, and the old files
// of subscribers are in nobody's way.
func TestOtherVersion(t *testing.T) {
	for _, version := range []uint32{2, layoutVersion + 1} {
		dir := shmDir(t)
		path, _ := closedRing(t, dir, 10)
		sub := func(name string) string { return filepath.Join(dir, "r", "subs", name) }
		for _, name := range []string{"a", "gate"} {
			s := mustOpen(t, "r", Options{Dir: dir, Name: name, From: FromOldest})
			expect(t, s, 1)
			s.Close()
			writeAs(t, sub(name), version)
		}
		writeAs(t, path, version)
		left, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		old, err := mmap.Open(path, mmap.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		attachReadOnly(t, dir, "r", ErrVersion, path)

		cfg := smallest(dir)
		cfg.Gates = []Gate{{Name: "gate"}}
		p := mustCreate(t, "r", cfg)
		if !errors.Is(p.Replaced(), ErrVersion) || p.Seq() != 0 {
			t.Errorf("version %d was replaced because of %v, at message %d", version, p.Replaced(), p.Seq())
		}
		// Nothing is known of the old file's words: none of them is written.
		now := make([]byte, len(left))
		if _, err := old.ReadAt(now, 0); err != nil || string(now) != string(left) {
			t.Errorf("version %d: the old file was changed (%v)", version, err)
		}
		old.Close()
		for _, i := range mustStat(t, dir, "r").Subscribers {
			if i.Name == "a" {
				wantError(t, "Stat", i.Err, ErrVersion, sub("a"))
			} else if i.Err != nil {
				t.Error(i.Err)
			}
		}
		publishCount(t, p, 1)
		a, gate := mustOpen(t, "r", Options{Dir: dir, Name: "a"}), mustOpen(t, "r", Options{Dir: dir, Name: "gate"})
		publishCount(t, p, 1)
		expect(t, a, 2) // a new one, from the latest
		expect(t, gate, 1)
		p.Close()
		a.Close()
		gate.Close()

		writeAs(t, path, version)
		if err := Remove(dir, "r"); err != nil || names(t, dir) != "" {
			t.Errorf("Remove: %v, and leaves %q", err, names(t, dir))
		}
	}
}
