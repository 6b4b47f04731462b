package mmap

import (
	"fmt"
	"io/fs"
	"math"
)

// Access says what may be done with a file or a mapping.
type Access uint8

const (
	ReadOnly Access = iota
	ReadWrite
)

func (a Access) String() string {
	switch a {
	case ReadOnly:
		return "reading"
	case ReadWrite:
		return "reading and writing"
	}
	return fmt.Sprintf("access %d", uint8(a))
}

// CreateOptions describes the file that [Create] makes.
type CreateOptions struct {
	// Size in bytes. All of it is allocated and reads as zeros. Zero makes an
	// empty file.
	Size int64
	// Perm is the exact mode, whatever the umask. Only the nine permission bits
	// are allowed. Zero means 0600.
	Perm fs.FileMode
}

// MapOptions describes a mapping. The zero value maps the whole file read-only.
type MapOptions struct {
	// Offset of the first byte in the file: a multiple of the page size.
	Offset int64
	// Length in bytes. Zero means up to the present end of the file.
	Length int
	// Access of the mapping: at most that of the file.
	Access Access
	// Prefault makes the page tables complete before Map returns, so that no
	// first access takes a page fault. It changes no content.
	Prefault bool
	// Lock keeps the mapping in memory with mlock. Map fails with ErrMlock if
	// RLIMIT_MEMLOCK does not allow it.
	Lock bool
	// HugePages aligns the mapping and asks for huge pages, as well as the
	// kernel can; [Region.HugeErr] tells what came of it. Collapsing small pages
	// stops everybody who uses them for milliseconds: ask for it before the file
	// is committed. For those who map it later it costs nothing.
	HugePages bool
	// Dump includes the mapping in core dumps. By default it is left out: a
	// dump of a large mapping keeps the locks of a dead process for seconds.
	Dump bool
}

// Range is a range of bytes of a file for locking. It may lie beyond the end of
// the file. Len 0 means to the end of the file, however long it becomes; so the
// zero Range is the whole file.
type Range struct{ Start, Len int64 }

func (r Range) String() string {
	if r.Len == 0 {
		return fmt.Sprintf("bytes %d to the end", r.Start)
	}
	return fmt.Sprintf("bytes %d to %d", r.Start, r.Start+r.Len-1)
}

func (r Range) check() error {
	if r.Start < 0 || r.Len < 0 || r.Start > math.MaxInt64-r.Len {
		return fmt.Errorf("%w: range {Start: %d, Len: %d} is negative or too large", ErrInvalid, r.Start, r.Len)
	}
	return nil
}

// Info is what the system knows of an open file.
type Info struct {
	Size     int64
	Mode     fs.FileMode
	UID, GID uint32
	Nlink    uint64 // 0: no name is left, the file was removed or replaced
	Dev, Ino uint64 // together they identify the file on this host
}
