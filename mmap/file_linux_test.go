package mmap

import (
	"bytes"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenRefuses(t *testing.T) {
	before := descriptors(t)
	for name, c := range map[string]struct {
		make func(path string) error
		want []error
		word string
	}{
		"nothing":   {func(string) error { return nil }, []error{ErrNotExist, fs.ErrNotExist, unix.ENOENT}, "nothing"},
		"directory": {func(p string) error { return os.Mkdir(p, 0o700) }, []error{ErrNotRegular}, "directory"},
		"FIFO":      {func(p string) error { return unix.Mkfifo(p, 0o600) }, []error{ErrNotRegular}, "FIFO"},
		"socket": {func(p string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: p})
			if err == nil {
				l.SetUnlinkOnClose(false)
				l.Close()
			}
			return err
		}, []error{ErrNotRegular}, "socket"},
		"link to a file": {func(p string) error {
			return os.Symlink("/proc/self/exe", p)
		}, []error{ErrSymlink}, "link"},
		"dangling link": {func(p string) error { return os.Symlink(p+"2", p) }, []error{ErrSymlink}, "link"},
	} {
		t.Run(name, func(t *testing.T) {
			_, path := inDir(t)
			if err := c.make(path); err != nil {
				t.Skip(err)
			}
			for _, a := range []Access{ReadOnly, ReadWrite} {
				f, err := Open(path, a)
				if f != nil || err == nil {
					t.Fatalf("Open = %v, %v", f, err)
				}
				wantErr(t, err, c.want...)
				if s := err.Error(); !strings.Contains(s, path) || !strings.Contains(s, c.word) {
					t.Errorf("unclear error: %v", err)
				}
			}
		})
	}
	_, err := Open("/dev/null", ReadOnly)
	wantErr(t, err, ErrNotRegular)
	_, path := inDir(t)
	create(t, path, 1).Close()
	_, err = Open(path+"/x", ReadOnly)
	wantErr(t, err, ErrNotExist, unix.ENOTDIR)
	_, err = Open(path, Access(7))
	wantErr(t, err, ErrInvalid)
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// The names above the file may be links: only its own must not be.
func TestOpenFollowsLinksAbove(t *testing.T) {
	dir, path := inDir(t)
	create(t, path, 1)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if f := open(t, link+"/file", ReadOnly); !f.Same(path) {
		t.Error("not the same file")
	}
}

func TestOpenWithoutPermission(t *testing.T) {
	dir, path := inDir(t)
	f, err := Create(path, CreateOptions{Size: 4096, Perm: 0o604})
	if err == nil {
		err = f.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	becomeNobody(t, dir)
	open(t, path, ReadOnly)
	_, err = Open(path, ReadWrite)
	wantErr(t, err, ErrPermission, fs.ErrPermission, unix.EACCES)
}

func TestReadAtWriteAt(t *testing.T) {
	_, path := inDir(t)
	w := create(t, path, 10)
	if n, err := w.WriteAt([]byte("hello"), 3); n != 5 || err != nil {
		t.Errorf("WriteAt = %d, %v", n, err)
	}
	r := open(t, path, ReadOnly)
	b := make([]byte, 5)
	if n, err := r.ReadAt(b, 3); n != 5 || err != nil || string(b) != "hello" {
		t.Errorf("ReadAt = %d, %v, %q", n, err, b)
	}
	if n, err := r.ReadAt(b, 7); n != 3 || err != io.EOF || string(b[:3]) != "o\x00\x00" {
		t.Errorf("ReadAt over the end = %d, %v, %q", n, err, b[:n])
	}
	if n, err := r.ReadAt(b, 10); n != 0 || err != io.EOF {
		t.Errorf("ReadAt at the end = %d, %v", n, err)
	}
	if n, err := r.ReadAt(nil, 0); n != 0 || err != nil {
		t.Errorf("ReadAt of nothing = %d, %v", n, err)
	}
	_, err := r.ReadAt(b, -1)
	wantErr(t, err, unix.EINVAL)
	_, err = r.WriteAt(b, 0)
	wantErr(t, err, ErrReadOnly)
	_, err = w.WriteAt(b, -1)
	wantErr(t, err, unix.EINVAL)

	// What is read is what was stored through a mapping, and the other way round.
	m := mapFile(t, w, MapOptions{Access: ReadWrite})
	copy(m.Bytes(), "map")
	if n, err := r.ReadAt(b, 0); n != 5 || err != nil || string(b) != "maphe" {
		t.Errorf("ReadAt = %d, %v, %q", n, err, b)
	}
	w.WriteAt([]byte("pam"), 0)
	if !bytes.HasPrefix(m.Bytes(), []byte("pamhe")) {
		t.Errorf("mapped: %q", m.Bytes())
	}
	var _ io.ReaderAt = r
	var _ io.WriterAt = w
}

func TestStatAndSame(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, 123)
	i, err := f.Stat()
	if err != nil || i.Size != 123 || i.Mode != 0o600 || i.UID != uint32(os.Geteuid()) || i.Nlink != 1 {
		t.Errorf("%+v, %v", i, err)
	}
	if i2, err := open(t, path, ReadOnly).Stat(); err != nil || i2 != i {
		t.Errorf("%+v, %v, want %+v", i2, err, i)
	}
	link := path + "-link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if !f.Same(path) || f.Same(link) || f.Same(path+"-no") {
		t.Errorf("Same: %v, link %v, nothing %v", f.Same(path), f.Same(link), f.Same(path+"-no"))
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if i, err := f.Stat(); f.Same(path) || err != nil || i.Nlink != 0 {
		t.Errorf("removed: %+v, %v", i, err)
	}
}

func TestClosedFile(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, 4096)
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, 1)
	_, read := f.ReadAt(b, 0)
	_, write := f.WriteAt(b, 0)
	_, size := f.Size()
	_, mapped := f.Map(MapOptions{})
	_, locked := f.Locked(Range{})
	for _, err := range []error{read, write, size, mapped, locked, f.TryLock(Range{}), f.Unlock(Range{}), f.Commit()} {
		wantErr(t, err, ErrClosed, fs.ErrClosed)
	}
	if f.Same(path) {
		t.Error("Same after Close")
	}
}

// A closed file's descriptor number is soon that of another file. A call that runs
// together with Close must get its own file or ErrClosed, never the other one.
func TestCloseWhileInUse(t *testing.T) {
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "0"), filepath.Join(dir, "1")}
	for i, p := range paths {
		create(t, p, 1).WriteAt([]byte{byte(i)}, 0)
	}
	for i := range 200 {
		own := byte(i % 2)
		f := open(t, paths[own], ReadOnly)
		var wg sync.WaitGroup
		wg.Go(func() {
			b := make([]byte, 1)
			for {
				if _, err := f.ReadAt(b, 0); err != nil {
					wantErr(t, err, ErrClosed)
					return
				}
				if b[0] != own {
					t.Errorf("read from another file")
					return
				}
			}
		})
		f.Close()
		open(t, paths[1-own], ReadOnly).Close()
		wg.Wait()
	}
}

func BenchmarkReadAt(b *testing.B) {
	path := filepath.Join(shm(b), "file")
	f, _, err := OpenOrCreate(path, CreateOptions{Size: 4096})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	word := make([]byte, 8)
	b.ReportAllocs()
	for b.Loop() {
		f.ReadAt(word, 64)
	}
}
