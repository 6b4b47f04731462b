package mmap

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

var page = os.Getpagesize()

func TestMapIsShared(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, int64(3*page))
	w := mapFile(t, f, MapOptions{Access: ReadWrite})
	if w.Len() != 3*page || len(w.Bytes()) != w.Len() || !w.Writable() || w.Base() == nil || w.Path() != path {
		t.Errorf("Len %d, Bytes %d, Writable %v, Base %v, Path %q", w.Len(), len(w.Bytes()), w.Writable(), w.Base(), w.Path())
	}
	w.Bytes()[page+5] = 7

	// A part of it, through another description.
	r := mapFile(t, open(t, path, ReadOnly), MapOptions{Offset: int64(page), Length: 10})
	if r.Len() != 10 || r.Writable() || r.Bytes()[5] != 7 {
		t.Errorf("Len %d, Writable %v, byte %d", r.Len(), r.Writable(), r.Bytes()[5])
	}
	// The mapping does not need the file any more, nor its name.
	f.Close()
	os.Remove(path)
	w.Bytes()[page+5] = 8
	if r.Bytes()[5] != 8 {
		t.Error("not shared")
	}
}

func TestMapRefuses(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, int64(2*page))
	ro := open(t, path, ReadOnly)
	empty := create(t, path+"-empty", 0)
	p, huge := int64(page), math.MaxInt64&^int64(page-1)
	for _, c := range []struct {
		f    *File
		o    MapOptions
		want error
	}{
		{f, MapOptions{Length: 2*page + 1}, ErrTooShort},
		{f, MapOptions{Offset: p, Length: page + 1}, ErrTooShort},
		{f, MapOptions{Offset: 2 * p}, ErrTooShort},
		{f, MapOptions{Offset: 2 * p, Length: 1}, ErrTooShort},
		{f, MapOptions{Offset: 3 * p, Length: 1}, ErrTooShort},
		{f, MapOptions{Length: math.MaxInt}, ErrTooShort},
		{f, MapOptions{Offset: huge, Length: math.MaxInt}, ErrTooShort},
		{f, MapOptions{Offset: p, Length: math.MaxInt}, ErrTooShort},
		{f, MapOptions{Offset: huge}, ErrTooShort},
		{empty, MapOptions{}, ErrTooShort},
		{empty, MapOptions{Length: 1}, ErrTooShort},
		{f, MapOptions{Offset: 1}, ErrInvalid},
		{f, MapOptions{Offset: -p}, ErrInvalid},
		{f, MapOptions{Length: -1}, ErrInvalid},
		{f, MapOptions{Length: math.MinInt}, ErrInvalid},
		{f, MapOptions{Access: 2}, ErrInvalid},
		{ro, MapOptions{Access: ReadWrite}, ErrReadOnly},
	} {
		r, err := c.f.Map(c.o)
		if r != nil || err == nil {
			t.Errorf("%+v: mapped, %v", c.o, err)
			continue
		}
		wantErr(t, err, c.want)
	}
	// The same must hold for a file that was made shorter after it was opened.
	if err := os.Truncate(path, int64(page)); err != nil {
		t.Fatal(err)
	}
	_, err := f.Map(MapOptions{Length: 2 * page})
	wantErr(t, err, ErrTooShort)
	mapFile(t, f, MapOptions{Length: page})
}

func TestRegionClose(t *testing.T) {
	_, path := inDir(t)
	r := mapFile(t, create(t, path, int64(page)), MapOptions{})
	base := uintptr(r.Base())
	if !r.Contains(base) || !r.Contains(base+uintptr(page)-1) || r.Contains(base-1) || r.Contains(base+uintptr(page)) {
		t.Error("Contains")
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if r.Bytes() != nil || r.Base() != nil || r.Contains(base) {
			t.Error("the memory is still handed out")
		}
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	if bytes.Contains(maps, []byte(path)) {
		t.Error("still mapped")
	}
}

// The kernel does not let a read-only file become writable memory.
func TestReadOnlyMappingStaysReadOnly(t *testing.T) {
	_, path := inDir(t)
	create(t, path, int64(page))
	r := mapFile(t, open(t, path, ReadOnly), MapOptions{})
	if err := unix.Mprotect(r.Bytes(), unix.PROT_READ|unix.PROT_WRITE); err != unix.EACCES {
		t.Errorf("mprotect: %v", err)
	}
	err := Guard(func() error { r.Bytes()[3] = 1; return nil })
	wantErr(t, err, ErrFault)
	if fault := (*FaultError)(nil); !errors.As(err, &fault) || fault.Addr != uintptr(r.Base())+3 {
		t.Errorf("%v, base %p", err, r.Base())
	}
}

func TestPrefault(t *testing.T) {
	const size = 1 << 20
	for _, a := range []Access{ReadOnly, ReadWrite} {
		path := filepath.Join(shm(t), "file")
		f := create(t, path, size)
		want := bytes.Repeat([]byte("tick"), size/4)
		f.WriteAt(want, 0)

		r := mapFile(t, f, MapOptions{Access: a})
		if got := kilobytes(t, smaps(t, r)["Rss"]); got != 0 {
			t.Logf("without Prefault %d bytes are there already", got)
		}
		r.Close()

		r = mapFile(t, f, MapOptions{Access: a, Prefault: true})
		if got := kilobytes(t, smaps(t, r)["Rss"]); got != size {
			t.Errorf("%v: %d of %d bytes are there", a, got, size)
		}
		if !bytes.Equal(r.Bytes(), want) {
			t.Errorf("%v: the content changed", a)
		}
		r.Close()

		// What kernels without MADV_POPULATE get.
		r = mapFile(t, f, MapOptions{Access: a})
		r.touch()
		if got := kilobytes(t, smaps(t, r)["Rss"]); got != size {
			t.Errorf("touch, %v: %d of %d bytes are there", a, got, size)
		}
		if !bytes.Equal(r.Bytes(), want) {
			t.Errorf("touch, %v: the content changed", a)
		}
	}
}

// Faulting pages in must not undo what others store there at the same time.
func TestTouchLosesNoStores(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, int64(page))
	r := mapFile(t, f, MapOptions{Access: ReadWrite})
	word := (*uint32)(mapFile(t, f, MapOptions{Access: ReadWrite}).Base())
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 20000 {
			atomic.AddUint32(word, 1)
		}
	})
	wg.Go(func() {
		for range 20000 {
			r.touch()
		}
	})
	wg.Wait()
	if n := atomic.LoadUint32(word); n != 20000 {
		t.Errorf("%d of 20000 additions", n)
	}
}

func TestCoreDumps(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, int64(page))
	for _, dump := range []bool{false, true} {
		flags := strings.Fields(smaps(t, mapFile(t, f, MapOptions{Dump: dump}))["VmFlags"])
		left := false
		for _, flag := range flags {
			left = left || flag == "dd"
		}
		if left == dump {
			t.Errorf("Dump %v: flags %v", dump, flags)
		}
	}
}

func TestHugePages(t *testing.T) {
	size := hugeSize()
	if size == 0 || size > 4<<20 {
		t.Skipf("huge pages of %d bytes", size)
	}
	f := create(t, filepath.Join(shm(t), "file"), int64(2*size+page))
	f.WriteAt([]byte("tick"), int64(size))
	for _, c := range []struct {
		o    MapOptions
		want int
	}{
		{MapOptions{Access: ReadWrite, HugePages: true}, 2 * size},
		{MapOptions{HugePages: true, Prefault: true}, 2 * size},
		{MapOptions{HugePages: true, Offset: int64(page)}, size},
		{MapOptions{HugePages: true, Offset: int64(page), Length: size - 2*page}, 0},
		{MapOptions{HugePages: true, Length: size - 1}, 0},
	} {
		r := mapFile(t, f, c.o)
		if (uintptr(r.Base())-uintptr(c.o.Offset))%uintptr(size) != 0 {
			t.Errorf("%+v: mapped at %p", c.o, r.Base())
		}
		got := kilobytes(t, smaps(t, r)["ShmemPmdMapped"])
		switch err := r.HugeErr(); {
		case err != nil && c.want == 0:
			wantErr(t, err, ErrNoHugePages)
		case err != nil:
			wantErr(t, err, ErrNoHugePages)
			t.Logf("this kernel has none for /dev/shm: %v", err)
		case c.want == 0:
			t.Errorf("%+v: no error for a mapping without a whole huge page", c.o)
		case got != c.want:
			t.Errorf("%+v: %d bytes in huge pages, want %d", c.o, got, c.want)
		}
		if at := int64(size) - c.o.Offset; at+4 <= int64(r.Len()) && string(r.Bytes()[at:at+4]) != "tick" {
			t.Errorf("%+v: the content changed", c.o)
		}
		r.Close()
	}
	if r := mapFile(t, f, MapOptions{}); r.HugeErr() != nil {
		t.Errorf("HugeErr without HugePages: %v", r.HugeErr())
	}
}

// To align a mapping, more address space is reserved than is kept.
func TestAlignedMappingLeaksNothing(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, int64(page))
	virtual := func() int {
		b, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Skip(err)
		}
		_, after, _ := strings.Cut(string(b), "VmSize:")
		line, _, _ := strings.Cut(after, "\n")
		return kilobytes(t, strings.TrimSpace(line))
	}
	const align, rounds = 1 << 30, 100
	before := virtual()
	for range rounds {
		base, err := mapAligned(f.fd, 0, page, unix.PROT_READ, align)
		if err != nil {
			t.Fatal(err)
		}
		if uintptr(base)%align != 0 {
			t.Errorf("mapped at %p", base)
		}
		if err := unix.MunmapPtr(base, uintptr(page)); err != nil {
			t.Error(err)
		}
	}
	if grown := virtual() - before; grown > align {
		t.Errorf("the address space grew by %d bytes", grown)
	}
	if _, err := mapAligned(-1, 0, page, unix.PROT_READ, align); err != unix.EBADF {
		t.Errorf("bad descriptor: %v", err)
	}
	if grown := virtual() - before; grown > align {
		t.Errorf("after a failure the address space grew by %d bytes", grown)
	}
}

func TestMlock(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, int64(2*page))
	r, err := f.Map(MapOptions{Lock: true})
	if errors.Is(err, ErrMlock) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := kilobytes(t, smaps(t, r)["Locked"]); got != 2*page {
		t.Errorf("%d of %d bytes are locked", got, 2*page)
	}
}

func TestMlockLimit(t *testing.T) {
	dir, path := inDir(t)
	f := create(t, path, int64(4*page))
	limit := uint64(2 * page)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &old); err != nil || old.Max < limit {
		t.Skip(old, err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_MEMLOCK, &old) })
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: limit, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // root has no limit
		becomeNobody(t, dir)
	}
	_, err := f.Map(MapOptions{Lock: true})
	wantErr(t, err, ErrMlock)
	if s := err.Error(); !strings.Contains(s, fmt.Sprintf("RLIMIT_MEMLOCK is %d ", limit)) {
		t.Errorf("the error does not name the limit: %v", err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil || bytes.Contains(maps, []byte(path)) {
		t.Errorf("the mapping is left: %v", err)
	}
	mapFile(t, f, MapOptions{Lock: true, Length: page})
}

// Storage is allocated, so stores succeed on a filesystem that became full; and
// reading, which on a hole of a full tmpfs would be a SIGBUS too.
func TestFullFilesystem(t *testing.T) {
	if !rerun(t, mountNamespace()) {
		return
	}
	dir := mount(t, "tmpfs", "size=1m")
	f := create(t, filepath.Join(dir, "file"), 512<<10)
	create(t, filepath.Join(dir, "filler"), 512<<10)
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil || st.Bfree != 0 {
		t.Fatalf("%d blocks are free, %v", st.Bfree, err)
	}
	r := mapFile(t, f, MapOptions{Access: ReadWrite})
	if err := Guard(func() error { clear(r.Bytes()); return nil }); err != nil {
		t.Error(err)
	}

	hole := create(t, filepath.Join(dir, "hole"), 0)
	if err := unix.Ftruncate(hole.fd, int64(page)); err != nil {
		t.Fatal(err)
	}
	h := mapFile(t, hole, MapOptions{})
	var sink byte
	err := Guard(func() error { sink += h.Bytes()[0]; return nil })
	wantErr(t, err, ErrFault) // that is why
	if sink != 0 {
		t.Error("read a byte that is not there")
	}
}
