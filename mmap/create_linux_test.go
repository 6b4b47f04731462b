package mmap

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCreateIsInvisibleUntilCommit(t *testing.T) {
	dir, path := inDir(t)
	f, err := Create(path, CreateOptions{Size: 3*chunk + 5})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before Commit: %v", err)
	}
	if f.Same(path) {
		t.Error("Same before Commit")
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, "file")
	if !f.Same(path) || f.Path() != path || f.Access() != ReadWrite {
		t.Errorf("Same %v, Path %q, Access %v", f.Same(path), f.Path(), f.Access())
	}

	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	if st.Size != 3*chunk+5 || st.Blocks*512 < st.Size {
		t.Errorf("size %d, %d of it allocated", st.Size, st.Blocks*512)
	}
	wantErr(t, f.Commit(), ErrInvalid)
	wantErr(t, f.CommitNew(), ErrInvalid)
	wantErr(t, f.Discard(), ErrInvalid)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	wantNames(t, dir, "file")
}

func TestCreateModeIgnoresUmask(t *testing.T) {
	dir := t.TempDir()
	for _, mask := range []int{0, 0o077, 0o777} {
		umask(t, mask)
		for perm, want := range map[fs.FileMode]fs.FileMode{
			0: 0o600, 0o600: 0o600, 0o644: 0o644, 0o660: 0o660, 0o666: 0o666, 0o777: 0o777, 0o400: 0o400,
		} {
			path := filepath.Join(dir, "file")
			f, err := Create(path, CreateOptions{Size: 1, Perm: perm})
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
			if i, err := f.Stat(); err != nil || i.Mode != want {
				t.Errorf("umask %#o, Perm %#o: mode %#o, %v, want %#o", mask, perm, i.Mode, err, want)
			}
			f.Close()
		}
	}
}

func TestCreateEmptyFile(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, 0)
	if size, err := f.Size(); size != 0 || err != nil {
		t.Errorf("size %d, %v", size, err)
	}
}

func TestCreateFailuresLeaveNothing(t *testing.T) {
	before := descriptors(t)
	for name, c := range map[string]struct {
		path string // below the directory
		o    CreateOptions
		want []error
	}{
		"negative size":     {"x", CreateOptions{Size: -1}, []error{ErrInvalid}},
		"setuid":            {"x", CreateOptions{Perm: fs.ModeSetuid | 0o600}, []error{ErrInvalid}},
		"no name":           {"", CreateOptions{}, []error{ErrInvalid}},
		"dot":               {".", CreateOptions{}, []error{ErrInvalid}},
		"dot dot":           {"..", CreateOptions{}, []error{ErrInvalid}},
		"no such directory": {"no/x", CreateOptions{}, []error{ErrNotExist, fs.ErrNotExist, unix.ENOENT}},
		"too long a name":   {strings.Repeat("x", 250), CreateOptions{}, []error{unix.ENAMETOOLONG}},
		"no space":          {"x", CreateOptions{Size: 1 << 60}, []error{ErrNoSpace, unix.ENOSPC}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f, err := Create(dir+"/"+c.path, c.o)
			if f != nil || err == nil {
				t.Fatalf("Create = %v, %v", f, err)
			}
			wantErr(t, err, c.want...)
			wantNames(t, dir)
		})
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestDiscardAndCloseLeaveNothing(t *testing.T) {
	before := descriptors(t)
	for name, end := range map[string]func(*File) error{"Discard": (*File).Discard, "Close": (*File).Close} {
		dir, path := inDir(t)
		f, err := Create(path, CreateOptions{Size: 10})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second does nothing
			if err := end(f); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantNames(t, dir)
		wantErr(t, f.Commit(), ErrClosed, fs.ErrClosed)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestCommitReplaces(t *testing.T) {
	dir, path := inDir(t)
	old := create(t, path, 1)
	f := create(t, path, 2)
	if old.Same(path) || !f.Same(path) {
		t.Error("the path does not name the new file")
	}
	if i, err := old.Stat(); err != nil || i.Size != 1 || i.Nlink != 0 {
		t.Errorf("the old file: %+v, %v", i, err)
	}
	// A symbolic link is replaced, not followed.
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	g := create(t, link, 3)
	if !g.Same(link) || !f.Same(path) {
		t.Error("Commit followed a symbolic link")
	}
}

func TestCommitOverDirectoryFails(t *testing.T) {
	dir, path := inDir(t)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := Create(path, CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, f.Commit(), ErrNotRegular, unix.EISDIR)
	wantErr(t, f.CommitNew(), ErrExist, fs.ErrExist)
	if err := f.Discard(); err != nil {
		t.Error(err)
	}
	wantNames(t, dir, "file")
}

// TestCommitOver: whatever has the path makes room.
func TestCommitOver(t *testing.T) {
	dir, path := inDir(t)
	for what, put := range map[string]func() error{
		"nothing":          func() error { return nil },
		"a file":           func() error { return os.WriteFile(path, []byte("x"), 0o600) },
		"a symlink":        func() error { return os.Symlink("/dev/zero", path) },
		"a FIFO":           func() error { return unix.Mkfifo(path, 0o600) },
		"a directory":      func() error { return os.Mkdir(path, 0o700) },
		"a full directory": func() error { return os.MkdirAll(filepath.Join(path, "kept"), 0o700) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		f, err := Create(path, CreateOptions{Size: 5})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.CommitOver(); err != nil || !f.Same(path) {
			t.Errorf("over %s: %v", what, err)
		}
		f.Close()
		names, _ := os.ReadDir(dir)
		if want := map[bool]int{true: 2, false: 1}[what == "a full directory"]; len(names) != want {
			t.Errorf("over %s: %v is left", what, names)
		}
		for _, n := range names {
			os.RemoveAll(filepath.Join(dir, n.Name()))
		}
	}
}

func TestCommitNewHasOneWinner(t *testing.T) {
	for name, commit := range map[string]func(*File) error{
		"rename": (*File).CommitNew,
		"link":   func(f *File) error { return f.commit(f.linkNew) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := inDir(t)
			var wg sync.WaitGroup
			won := make(chan byte, 16)
			for i := range byte(16) {
				wg.Go(func() {
					f, err := Create(path, CreateOptions{Size: 100})
					if err != nil {
						t.Error(err)
						return
					}
					defer f.Close()
					if _, err := f.WriteAt([]byte{i}, 0); err != nil {
						t.Error(err)
					}
					if err := commit(f); err == nil {
						won <- i
					} else {
						wantErr(t, err, ErrExist, fs.ErrExist)
					}
				})
			}
			wg.Wait()
			close(won)
			winner, ok := <-won
			if !ok || len(won) != 0 {
				t.Fatalf("won: %v, and %d more", ok, len(won))
			}
			b, err := os.ReadFile(path)
			if err != nil || b[0] != winner {
				t.Errorf("the file is that of %d, %v, and the winner is %d", b[0], err, winner)
			}
			wantNames(t, dir, "file")
		})
	}
}

// While files replace one another, whoever opens the path finds a complete one.
func TestCommitIsAtomic(t *testing.T) {
	const size, writers, rounds = 8192, 4, 25
	dir, path := inDir(t)
	create(t, path, size)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range rounds {
				f, err := Create(path, CreateOptions{Size: size})
				if err != nil {
					t.Error(err)
					return
				}
				f.WriteAt(bytes.Repeat([]byte{byte(w)}, size), 0)
				if err := f.Commit(); err != nil {
					t.Error(err)
				}
				f.Close()
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		f, err := Open(path, ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, size)
		if _, err := f.ReadAt(b, 0); err != nil || !bytes.Equal(b, bytes.Repeat(b[:1], size)) {
			t.Fatalf("half a file: %v", err)
		}
		f.Close()
	}
	wantNames(t, dir, "file")
}

func TestOpenOrCreateAgrees(t *testing.T) {
	dir, path := inDir(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var files []*File
	creators := 0
	for range 16 {
		wg.Go(func() {
			f, created, err := OpenOrCreate(path, CreateOptions{Size: 4096, Perm: 0o640})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			files = append(files, f)
			if created {
				creators++
			}
		})
	}
	wg.Wait()
	for _, f := range files {
		if i, err := f.Stat(); !f.Same(path) || err != nil || i.Mode != 0o640 || i.Size != 4096 {
			t.Errorf("not the same file for all: %+v, %v", i, err)
		}
		f.Close()
	}
	if creators != 1 {
		t.Errorf("%d created it", creators)
	}
	wantNames(t, dir, "file")

	_, _, err := OpenOrCreate(dir, CreateOptions{})
	wantErr(t, err, ErrNotRegular)
	_, _, err = OpenOrCreate(filepath.Join(dir, "no", "x"), CreateOptions{})
	wantErr(t, err, ErrNotExist)
}

func TestRemoveTempAfterKilledCreator(t *testing.T) {
	dir, path := inDir(t)
	start(t, "create", path).kill()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || !isTemp(entries[0].Name(), "file") {
		t.Fatalf("the killed creator left %v, %v", entries, err)
	}
	if err := os.Mkdir(filepath.Join(dir, tempName("file")), 0o700); err != nil {
		t.Fatal(err)
	}
	others := []string{".file.tmp-", ".file.tmp-0123456789abcdeX", tempName("other"), tempName("file") + "0", "file"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := RemoveTemp(path); n != 2 || err != nil {
		t.Errorf("RemoveTemp = %d, %v", n, err)
	}
	for _, name := range others {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	wantNames(t, dir)

	n, err := RemoveTemp(filepath.Join(dir, "no", "x"))
	if n != 0 {
		t.Errorf("RemoveTemp = %d", n)
	}
	wantErr(t, err, ErrNotExist)
}

// A creator whose temporary file was taken away must not commit anything.
func TestCommitWithoutTemporaryFile(t *testing.T) {
	dir, path := inDir(t)
	f, err := Create(path, CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := RemoveTemp(path); n != 1 || err != nil {
		t.Fatalf("RemoveTemp = %d, %v", n, err)
	}
	wantErr(t, f.Commit(), ErrNotExist)
	wantErr(t, f.CommitNew(), ErrNotExist)
	if err := f.Discard(); err != nil {
		t.Error(err)
	}
	wantNames(t, dir)
}

func TestCreateWithoutPermission(t *testing.T) {
	dir, path := inDir(t)
	becomeNobody(t, dir)
	_, err := Create(path, CreateOptions{})
	wantErr(t, err, ErrPermission, fs.ErrPermission)
	wantNames(t, dir)
}

// A directory that may be searched and written but not read is enough.
func TestCreateInUnreadableDirectory(t *testing.T) {
	dir := t.TempDir()
	becomeNobody(t, dir)
	sub, err := os.MkdirTemp("", "mmap-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(sub)
	if err := os.Chmod(sub, 0o300); err != nil {
		t.Fatal(err)
	}
	f := create(t, filepath.Join(sub, "file"), 10)
	if !f.Same(filepath.Join(sub, "file")) {
		t.Error("not there")
	}
	os.Chmod(sub, 0o700)
}

func TestNoSpaceOnSmallFilesystem(t *testing.T) {
	if !rerun(t, mountNamespace()) {
		return
	}
	dir := mount(t, "tmpfs", "size=1m")
	path := filepath.Join(dir, "file")
	create(t, filepath.Join(dir, "first"), 600<<10)

	_, err := Create(path, CreateOptions{Size: 500 << 10})
	wantErr(t, err, ErrNoSpace, unix.ENOSPC)
	if s := err.Error(); !strings.Contains(s, " 512000 bytes") || !strings.Contains(s, " 434176 are free") {
		t.Errorf("the error does not say what is wanted and what is free: %v", err)
	}
	wantNames(t, dir, "first")

	// Space can also go after the look at what is free.
	for name, step := range map[string]func(int, int64, int64) error{"fallocate": fallocate, "write": writeZeros} {
		f, err := Create(path, CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := step(f.fd, 0, 400<<10); err != nil {
			t.Errorf("%s what fits: %v", name, err)
		}
		if err := step(f.fd, 400<<10, 100<<10); err != unix.ENOSPC {
			t.Errorf("%s what does not fit: %v", name, err)
		}
		wantErr(t, fill(f.fd, path, 500<<10), ErrNoSpace, unix.ENOSPC)
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	wantNames(t, dir, "first")
	create(t, path, 400<<10) // all of it is free again
}

// What cannot fit must not take others' space even for a moment.
func TestHopelessAllocationTakesNothing(t *testing.T) {
	if !rerun(t, mountNamespace()) {
		return
	}
	f := create(t, filepath.Join(mount(t, "tmpfs", "size=6m"), "file"), 0)
	wantErr(t, allocate(f.fd, f.path, 2*chunk), ErrNoSpace)
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil || st.Blocks != 0 {
		t.Errorf("%d blocks were taken, %v", st.Blocks, err)
	}
}

// ramfs has no fallocate and tells no size.
func TestCreateWithoutFallocate(t *testing.T) {
	if !rerun(t, mountNamespace()) {
		return
	}
	dir := mount(t, "ramfs", "mode=700")
	probe := create(t, filepath.Join(dir, "probe"), 0)
	if err := fallocate(probe.fd, 0, 1); err != unix.EOPNOTSUPP {
		t.Skipf("fallocate on ramfs: %v", err)
	}
	f := create(t, filepath.Join(dir, "file"), chunk+4097)
	i, err := f.Stat()
	if err != nil || i.Size != chunk+4097 {
		t.Errorf("%+v, %v", i, err)
	}
	r := mapFile(t, f, MapOptions{})
	if n := bytes.Count(r.Bytes(), []byte{0}); n != r.Len() {
		t.Errorf("%d of %d bytes are zero", n, r.Len())
	}
}

func TestDescriptorsAreCloseOnExec(t *testing.T) {
	_, path := inDir(t)
	f, err := Create(path, CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	check := func(name string, fd int) {
		flags, err := unix.FcntlInt(uintptr(fd), syscall.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: flags %#x, %v", name, flags, err)
		}
	}
	check("created file", f.fd)
	check("its directory", f.dir)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	check("opened file", open(t, path, ReadOnly).fd)
}
