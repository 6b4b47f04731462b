package mmap

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What the system said is found by errors.Is, and printed only where it adds
// something; the text says what to do.
func TestFailureSaysEverythingOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, c := range []struct {
		errno  unix.Errno
		is     []error
		quoted bool
		advice string
	}{
		{unix.ENOENT, []error{ErrNotExist, fs.ErrNotExist}, false, ""},
		{unix.ENOTDIR, []error{ErrNotExist}, false, "not a directory"},
		{unix.EEXIST, []error{ErrExist, fs.ErrExist}, false, "remove it"},
		{unix.EACCES, []error{ErrPermission, fs.ErrPermission}, true, "change"},
		{unix.EPERM, []error{ErrPermission, fs.ErrPermission}, true, "change"},
		{unix.EROFS, []error{ErrPermission}, false, "read-only; choose"},
		{unix.ELOOP, []error{ErrInvalid}, false, "name the directory itself"},
		{unix.ENOSPC, []error{ErrNoSpace}, false, "make room"},
		{unix.EDQUOT, []error{ErrNoSpace}, false, "quota"},
		{unix.EISDIR, []error{ErrNotRegular}, false, "directory"},
		{unix.ENXIO, []error{ErrNotRegular}, false, "FIFO"},
		{unix.ENAMETOOLONG, nil, true, "shorter"},
		{unix.EMFILE, nil, true, "ulimit -n"},
		{unix.ENFILE, nil, true, "fs.file-max"},
		{unix.EIO, nil, true, ""},
	} {
		err := failure("open", path, c.errno)
		wantErr(t, err, append(c.is, c.errno)...)
		var errno unix.Errno
		if !errors.As(err, &errno) || errno != c.errno {
			t.Errorf("%v: As finds %v", c.errno, errno)
		}
		text := err.Error()
		quoted := strings.Contains(text, c.errno.Error()) && c.errno != unix.ENOTDIR
		if quoted != c.quoted || strings.Count(text, path) != 1 || !strings.Contains(text, c.advice) {
			t.Errorf("%v: %q; want %q in it, and the system's words: %v", c.errno, text, c.advice, c.quoted)
		}
	}

	_, err := Open(path, ReadOnly)
	if want := "mmap: open " + path + ": nothing is there"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	f := create(t, path, 10)
	if err := f.TryLock(Range{}); err != nil {
		t.Fatal(err)
	}
	err = open(t, path, ReadWrite).TryLock(Range{})
	wantErr(t, err, ErrLocked, unix.EAGAIN)
	if strings.Contains(err.Error(), unix.EAGAIN.Error()) {
		t.Errorf("the same twice: %v", err)
	}
	f.Close()
	_, err = f.Size()
	wantErr(t, err, ErrClosed, fs.ErrClosed)
	if strings.Contains(err.Error(), fs.ErrClosed.Error()) {
		t.Errorf("the same twice: %v", err)
	}
}

// A name of maxBase bytes is the longest that can be created.
func TestLongestName(t *testing.T) {
	dir := t.TempDir()
	create(t, filepath.Join(dir, strings.Repeat("x", maxBase)), 1)
	_, err := Create(filepath.Join(dir, strings.Repeat("y", maxBase+1)), CreateOptions{})
	wantErr(t, err, unix.ENAMETOOLONG)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("longer than %d bytes", maxBase)) {
		t.Errorf("the error does not say how long a name may be: %v", err)
	}
}

// A loop above the file is no fault of the file's own name.
func TestLoopOfLinks(t *testing.T) {
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(loop, "file")
	_, opened := Open(below, ReadOnly)
	_, created := Create(below, CreateOptions{})
	_, cleaned := RemoveTemp(below)
	for _, err := range []error{opened, created, cleaned, EnsureDir(below, 0), CheckDir(below)} {
		wantErr(t, err, unix.ELOOP)
		if err == nil || errors.Is(err, ErrSymlink) || !strings.Contains(err.Error(), "its directory is a loop") {
			t.Errorf("the file is blamed: %v", err)
		}
	}
	_, err := Open(loop, ReadOnly)
	wantErr(t, err, ErrSymlink)
	wantErr(t, failure("open", loop, unix.ELOOP), ErrSymlink, unix.ELOOP)
}

// RLIMIT_FSIZE has nothing to do with the space on the filesystem.
func TestFileSizeLimit(t *testing.T) {
	dir, path := inDir(t)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil || old.Max < 1<<20 {
		t.Skip(old, err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_FSIZE, &old) })
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	_, err := Create(path, CreateOptions{Size: 2 << 20})
	wantErr(t, err, ErrTooLarge, unix.EFBIG)
	if err == nil || errors.Is(err, ErrNoSpace) ||
		!strings.Contains(err.Error(), "RLIMIT_FSIZE is 1048576") || !strings.Contains(err.Error(), "ulimit -f") {
		t.Errorf("unclear error: %v", err)
	}
	wantNames(t, dir)
	create(t, path, 1<<20)
}

func TestQuotaIsNamed(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, 0)
	err := noSpace(f.fd, path, 10, unix.EDQUOT)
	wantErr(t, err, ErrNoSpace, unix.EDQUOT)
	if s := err.Error(); !strings.Contains(s, "a disk quota is used up") || strings.Contains(s, "make room") {
		t.Errorf("unclear error: %v", err)
	}
}

// Blocks that are kept for root are free for root alone.
func TestFreeSpace(t *testing.T) {
	st := unix.Statfs_t{Bsize: 1, Frsize: 4096, Blocks: 100, Bfree: 10, Bavail: 5}
	if root, others := free(st, true), free(st, false); root != 10*4096 || others != 5*4096 {
		t.Errorf("%d bytes for root, %d for others", root, others)
	}
	st.Bfree = math.MaxUint64
	if root := free(st, true); root != math.MaxInt64 {
		t.Errorf("%d bytes for root", root)
	}
}

// Descriptor 0 is somebody else's.
func TestZeroFile(t *testing.T) {
	before := descriptors(t)
	var f File
	b := make([]byte, 1)
	_, read := f.ReadAt(b, 0)
	_, write := f.WriteAt(b, 0)
	_, size := f.Size()
	_, mapped := f.Map(MapOptions{})
	_, locked := f.Locked(Range{})
	for _, err := range []error{read, write, size, mapped, locked, f.TryLock(Range{}), f.Unlock(Range{}), f.Commit(), f.CommitNew()} {
		if err == nil {
			t.Error("a call on a zero File succeeded")
		}
		wantErr(t, err, ErrClosed)
	}
	if err := errors.Join(f.Discard(), f.Close()); err != nil {
		t.Error(err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// Once the file has its path, whatever happens to the temporary name is no reason
// to try again or to call it a failure.
func TestLinkIsMadeOnce(t *testing.T) {
	for name, last := range map[string]func(int, string, int) error{
		"interrupted": unix.Unlinkat,
		"failed":      func(int, string, int) error { return unix.EIO },
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := inDir(t)
			f, err := Create(path, CreateOptions{Size: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			calls := 0
			err = f.commit(func(base string) error {
				return f.linkThen(base, func(dir int, name string, flags int) error {
					if calls++; calls == 1 {
						return unix.EINTR
					}
					return last(dir, name, flags)
				})
			})
			if err != nil || calls != 2 || !f.Same(path) {
				t.Errorf("commit: %v after %d calls, the file is there: %v", err, calls, f.Same(path))
			}
			if _, err := RemoveTemp(path); err != nil {
				t.Error(err)
			}
			wantNames(t, dir, "file")
		})
	}
}

func TestTooShortSaysWhat(t *testing.T) {
	_, path := inDir(t)
	f, empty := create(t, path, int64(page)), create(t, path+"-empty", 0)
	for _, c := range []struct {
		f    *File
		o    MapOptions
		says string
	}{
		{empty, MapOptions{}, "it is empty"},
		{empty, MapOptions{Length: 5}, "it is empty"},
		{f, MapOptions{Offset: int64(page)}, fmt.Sprintf("it ends at %d, and all from offset %d is wanted", page, page)},
		{f, MapOptions{Length: page + 1}, fmt.Sprintf("%d bytes from offset 0 are wanted, and it ends at %d", page+1, page)},
	} {
		_, err := c.f.Map(c.o)
		wantErr(t, err, ErrTooShort)
		if err == nil || !strings.HasSuffix(err.Error(), c.says) {
			t.Errorf("%+v: %v; want it to say %q", c.o, err, c.says)
		}
	}
}
