package mmap

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Region is a part of a file mapped into memory and shared with everybody else
// who maps it. It outlives the File it came from.
type Region struct {
	path     string
	base     unsafe.Pointer
	len      int
	writable bool
	hugeErr  error
	closed   atomic.Bool
}

// Map maps a part of the file. It returns ErrTooShort if the file does not reach
// that far, ErrReadOnly if the file was not opened for the access wanted, and
// ErrMlock if the mapping cannot be locked in memory.
func (f *File) Map(o MapOptions) (*Region, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.open {
		return nil, f.closed("map")
	}
	f.step()
	length, err := f.extent(o)
	f.step()
	if err != nil {
		return nil, err
	}
	prot := unix.PROT_READ
	switch {
	case o.Access > ReadWrite:
		return nil, fmt.Errorf("mmap: map %s: %w: %v", f.path, ErrInvalid, o.Access)
	case o.Access > f.access:
		return nil, fmt.Errorf("mmap: map %s: %w", f.path, ErrReadOnly)
	case o.Access == ReadWrite:
		prot |= unix.PROT_WRITE
	}

	r := &Region{path: f.path, len: length, writable: o.Access == ReadWrite}
	if o.HugePages {
		r.base, err = mapAligned(f.fd, o.Offset, length, prot, hugeSize())
	} else {
		r.base, err = unix.MmapPtr(f.fd, o.Offset, nil, uintptr(length), prot, unix.MAP_SHARED)
	}
	if err != nil {
		return nil, failure("map", f.path, err)
	}
	f.step()
	if err := r.advise(o); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	f.mapped()
	return r, nil
}

// extent checks that the file has all the bytes that o wants and returns their
// number.
func (f *File) extent(o MapOptions) (int, error) {
	page := int64(os.Getpagesize())
	if o.Offset < 0 || o.Offset%page != 0 || o.Length < 0 {
		return 0, fmt.Errorf("mmap: map %s: %w: offset %d, length %d; neither may be negative and the offset has to be a multiple of %d",
			f.path, ErrInvalid, o.Offset, o.Length, page)
	}
	i, err := f.stat()
	if err != nil {
		return 0, err
	}
	have := i.Size - o.Offset
	switch {
	case i.Size == 0:
		return 0, fmt.Errorf("mmap: map %s: %w: it is empty", f.path, ErrTooShort)
	case have <= 0 && o.Length == 0:
		return 0, fmt.Errorf("mmap: map %s: %w: it ends at %d, and all from offset %d is wanted", f.path, ErrTooShort, i.Size, o.Offset)
	case have <= 0 || int64(o.Length) > have:
		return 0, fmt.Errorf("mmap: map %s: %w: %d bytes from offset %d are wanted, and it ends at %d",
			f.path, ErrTooShort, o.Length, o.Offset, i.Size)
	}
	if o.Length != 0 {
		return o.Length, nil
	}
	if have > math.MaxInt {
		return 0, fmt.Errorf("mmap: map %s: %w: %d bytes are more than this machine can address", f.path, ErrInvalid, have)
	}
	return int(have), nil
}

// advise does what o asks for beyond the mapping itself. Huge pages come before
// the page tables are filled and locked, so that this need not be done twice.
func (r *Region) advise(o MapOptions) error {
	mem := r.Bytes()
	if !o.Dump {
		if err := unix.Madvise(mem, unix.MADV_DONTDUMP); err != nil {
			return failure("keep out of core dumps", r.path, err)
		}
	}
	if o.HugePages {
		r.hugeErr = r.collapse()
	}
	if o.Prefault {
		if err := r.prefault(); err != nil {
			return err
		}
	}
	if o.Lock {
		if err := retry(func() error { return unix.Mlock(mem) }); err != nil {
			return r.mlockError(err)
		}
	}
	return nil
}

func (r *Region) prefault() error {
	advice := unix.MADV_POPULATE_READ
	if r.writable {
		advice = unix.MADV_POPULATE_WRITE
	}
	err := retry(func() error { return unix.Madvise(r.Bytes(), advice) })
	if err == unix.EINVAL { // Linux before 5.14
		return Guard(func() error { r.touch(); return nil })
	}
	if err != nil {
		return failure("prefault", r.path, err)
	}
	return nil
}

// touch faults every page in. To make a page writable it adds 0 to it, atomically,
// so that it changes nothing and loses nothing that others store there meanwhile.
func (r *Region) touch() {
	for off := 0; off < r.len; off += os.Getpagesize() {
		word := (*uint32)(unsafe.Add(r.base, off))
		if r.writable {
			atomic.AddUint32(word, 0)
		} else {
			atomic.LoadUint32(word)
		}
	}
}

func (r *Region) mlockError(err error) error {
	limit := "unknown"
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &l) == nil {
		limit = fmt.Sprint(l.Cur)
	}
	return fmt.Errorf("mmap: mlock %s: %w: %d bytes are wanted and RLIMIT_MEMLOCK is %s for all of the process; "+
		"raise it (ulimit -l, LimitMEMLOCK=) or do without", r.path, cause{ErrMlock.Error(), ErrMlock, err}, r.len, limit)
}

// Bytes returns the mapped memory, nil after Close. Others may change it at any
// time.
func (r *Region) Bytes() []byte {
	if r.closed.Load() {
		return nil
	}
	return unsafe.Slice((*byte)(r.base), r.len)
}

// Base returns the address of the first byte, nil after Close. It is aligned to
// a page.
func (r *Region) Base() unsafe.Pointer {
	if r.closed.Load() {
		return nil
	}
	return r.base
}

// Len returns the length in bytes.
func (r *Region) Len() int { return r.len }

// Path returns the path of the file that was mapped.
func (r *Region) Path() string { return r.path }

// Writable tells whether the mapping may be written to.
func (r *Region) Writable() bool { return r.writable }

// Contains tells whether addr lies in the mapping: a [FaultError.Addr], for
// instance.
func (r *Region) Contains(addr uintptr) bool {
	return !r.closed.Load() && addr-uintptr(r.base) < uintptr(r.len)
}

// HugeErr tells what came of [MapOptions.HugePages]: nil if the mapping is backed
// by huge pages wherever a whole one fits, else ErrNoHugePages with the reason. The
// mapping is good either way. It is nil if they were not asked for.
func (r *Region) HugeErr() error { return r.hugeErr }

// Close unmaps the region; a second Close does nothing. No goroutine may use the
// memory any more: an access after Close is a fault at best, and at worst hits
// whatever has been mapped there since.
func (r *Region) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	if err := unix.MunmapPtr(r.base, uintptr(r.len)); err != nil {
		return failure("unmap", r.path, err)
	}
	return nil
}
