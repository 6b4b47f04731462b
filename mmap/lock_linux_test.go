package mmap

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func wantLocked(t *testing.T, f *File, r Range, want bool) {
	t.Helper()
	if got, err := f.Locked(r); got != want || err != nil {
		t.Errorf("Locked(%v) = %v, %v, want %v", r, got, err, want)
	}
}

func TestLockExcludes(t *testing.T) {
	_, path := inDir(t)
	a, b := create(t, path, 10), open(t, path, ReadWrite)
	probe := open(t, path, ReadOnly)
	first := Range{0, 4}
	if err := a.TryLock(first); err != nil {
		t.Fatal(err)
	}
	wantLocked(t, a, first, false) // its own
	for _, f := range []*File{b, probe} {
		wantLocked(t, f, first, true)
		wantLocked(t, f, Range{}, true)
		wantLocked(t, f, Range{3, 1}, true)
		wantLocked(t, f, Range{3, 100}, true)
		wantLocked(t, f, Range{4, 1}, false)
		wantLocked(t, f, Range{4, 0}, false)
	}
	for _, r := range []Range{first, {}, {3, 1}, {1, 0}} {
		wantErr(t, b.TryLock(r), ErrLocked, unix.EAGAIN)
	}
	if err := a.TryLock(first); err != nil {
		t.Errorf("again: %v", err)
	}

	// Another range, beyond the end of the file, too.
	if err := b.TryLock(Range{4, 0}); err != nil {
		t.Fatal(err)
	}
	wantLocked(t, a, Range{math.MaxInt64, 0}, true)
	wantLocked(t, a, Range{math.MaxInt64 - 1, 1}, true)

	if err := a.Unlock(Range{0, 2}); err != nil { // a part of it
		t.Fatal(err)
	}
	wantLocked(t, b, Range{0, 2}, false)
	wantLocked(t, b, Range{2, 2}, true)
	if err := a.Unlock(Range{}); err != nil { // more than it has
		t.Fatal(err)
	}
	wantLocked(t, b, Range{0, 4}, false)
	wantLocked(t, a, Range{4, 0}, true)
	if err := b.TryLock(first); err != nil {
		t.Error(err)
	}
	b.Close()
	wantLocked(t, probe, Range{}, false)
}

func TestLockRefuses(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, 10)
	ro := open(t, path, ReadOnly)
	wantErr(t, ro.TryLock(Range{}), ErrReadOnly)
	wantErr(t, ro.Unlock(Range{}), ErrReadOnly)
	for _, r := range []Range{{-1, 1}, {0, -1}, {math.MaxInt64, 1}, {1, math.MaxInt64}, {math.MinInt64, math.MinInt64}} {
		_, err := f.Locked(r)
		for _, err := range []error{f.TryLock(r), f.Unlock(r), err} {
			wantErr(t, err, ErrInvalid)
		}
	}
}

// A read lock, which needs only read access, keeps the exclusive one away.
func TestReadLockCounts(t *testing.T) {
	_, path := inDir(t)
	f, reader := create(t, path, 10), open(t, path, ReadOnly)
	l := unix.Flock_t{Type: unix.F_RDLCK, Len: 1}
	if err := unix.FcntlFlock(uintptr(reader.fd), unix.F_OFD_SETLK, &l); err != nil {
		t.Fatal(err)
	}
	wantErr(t, f.TryLock(Range{0, 1}), ErrLocked)
	wantLocked(t, f, Range{0, 1}, true)

	// But it can be told from one that only a writer can have.
	exclusive := func(want bool) {
		t.Helper()
		if got, err := reader.LockedExclusively(Range{}); got != want || err != nil {
			t.Errorf("LockedExclusively: %v, %v, want %v", got, err, want)
		}
	}
	exclusive(false)
	other := open(t, path, ReadOnly)
	if err := unix.FcntlFlock(uintptr(other.fd), unix.F_OFD_SETLK, &l); err != nil {
		t.Fatal(err)
	}
	exclusive(false)
	if err := f.TryLock(Range{5, 1}); err != nil {
		t.Fatal(err)
	}
	exclusive(true)
	if _, err := f.LockedExclusively(Range{-1, 1}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

func TestKillReleasesLock(t *testing.T) {
	_, path := inDir(t)
	f, probe := create(t, path, 10), open(t, path, ReadOnly)
	wantLocked(t, probe, Range{0, 1}, false)
	holder := start(t, "hold", path)
	wantLocked(t, probe, Range{0, 1}, true)
	wantLocked(t, probe, Range{1, 0}, false)
	wantErr(t, f.TryLock(Range{0, 1}), ErrLocked)

	holder.kill()
	// The kernel may be busy with what is left of the process for a while.
	deadline := time.Now().Add(time.Minute)
	for {
		err := f.TryLock(Range{0, 1})
		if err == nil {
			break
		}
		if !errors.Is(err, ErrLocked) || time.Now().After(deadline) {
			t.Fatalf("after the holder was killed: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
	wantLocked(t, probe, Range{0, 1}, true)
}

func TestMappingPinsLock(t *testing.T) {
	dir := shm(t)
	path := filepath.Join(dir, "file")
	f := create(t, path, int64(2*page))
	probe := open(t, path, ReadOnly)
	a := mapFile(t, f, MapOptions{Length: page})
	if err := f.TryLock(Range{}); err != nil {
		t.Fatal(err)
	}
	b := mapFile(t, f, MapOptions{Offset: int64(page), Access: ReadWrite})
	f.Close()
	wantLocked(t, probe, Range{}, true)
	a.Close()
	wantLocked(t, probe, Range{}, true)
	b.Close()
	wantLocked(t, probe, Range{}, false)

	// A mapping of another File of the same path pins nothing.
	f = open(t, path, ReadWrite)
	mapFile(t, probe, MapOptions{})
	if err := f.TryLock(Range{}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	wantLocked(t, probe, Range{}, false)
}

func TestChildDoesNotKeepLock(t *testing.T) {
	_, path := inDir(t)
	f, probe := create(t, path, int64(page)), open(t, path, ReadOnly)
	if err := f.TryLock(Range{}); err != nil {
		t.Fatal(err)
	}
	r := mapFile(t, f, MapOptions{})
	child := start(t, "idle", path)
	wantLocked(t, probe, Range{}, true)
	f.Close()
	r.Close()
	wantLocked(t, probe, Range{}, false)
	child.kill()

	// One that is handed the descriptor does.
	f = open(t, path, ReadWrite)
	if err := f.TryLock(Range{}); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.FcntlInt(uintptr(f.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	dup := os.NewFile(uintptr(fd), path)
	child = start(t, "idle", path, dup)
	dup.Close()
	f.Close()
	wantLocked(t, probe, Range{}, true)
	child.kill()
	wantLocked(t, probe, Range{}, false)
}

func BenchmarkLocked(b *testing.B) {
	path := filepath.Join(shm(b), "file")
	f, _, err := OpenOrCreate(path, CreateOptions{Size: 4096})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	b.ReportAllocs()
	for b.Loop() {
		f.Locked(Range{0, 1})
	}
}
