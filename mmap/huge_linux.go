package mmap

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugeSize returns the size of a transparent huge page, or 0 if there are none.
func hugeSize() int {
	b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || n <= 0 || n&(n-1) != 0 {
		return 0
	}
	return n
}

// mapAligned maps the file so that a multiple of align in the file lies at a
// multiple of align in memory: only there can the kernel use a huge page. It
// reserves more address space than it needs, maps the file inside that, and
// gives the rest back. With align 0 it just maps.
func mapAligned(fd int, offset int64, length, prot, align int) (unsafe.Pointer, error) {
	if align == 0 {
		return unix.MmapPtr(fd, offset, nil, uintptr(length), prot, unix.MAP_SHARED)
	}
	page := uintptr(os.Getpagesize())
	size := (uintptr(length) + page - 1) &^ (page - 1)
	spare := uintptr(align)
	reserved, err := unix.MmapPtr(-1, 0, nil, size+spare, unix.PROT_NONE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	head := (uintptr(offset) - uintptr(reserved)) & (spare - 1)
	base, err := unix.MmapPtr(fd, offset, unsafe.Add(reserved, head), uintptr(length), prot,
		unix.MAP_SHARED|unix.MAP_FIXED)
	if err != nil {
		unix.MunmapPtr(reserved, size+spare)
		return nil, err
	}
	if head > 0 {
		unix.MunmapPtr(reserved, head)
	}
	if tail := spare - head; tail > 0 {
		unix.MunmapPtr(unsafe.Add(base, size), tail)
	}
	return base, nil
}

// collapse asks for huge pages where whole ones fit. MADV_HUGEPAGE is for pages
// yet to come and for the kernel's own collapsing; a default /dev/shm ignores it.
// MADV_COLLAPSE works there too, at once, on pages that exist already.
func (r *Region) collapse() error {
	size := hugeSize()
	if size == 0 {
		return fmt.Errorf("mmap: huge pages for %s: %w: this kernel has no transparent ones", r.path, ErrNoHugePages)
	}
	mem := r.Bytes()
	unix.Madvise(mem, unix.MADV_HUGEPAGE)

	head := int(-uintptr(r.base) & uintptr(size-1))
	whole := (r.len - head) &^ (size - 1)
	if r.len < head || whole == 0 {
		return fmt.Errorf("mmap: huge pages for %s: %w: the %d bytes mapped hold no whole page of %d",
			r.path, ErrNoHugePages, r.len, size)
	}
	var err error
	for range 3 { // EAGAIN: a page was in use just then
		err = retry(func() error { return unix.Madvise(mem[head:head+whole], unix.MADV_COLLAPSE) })
		if err != unix.EAGAIN {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("mmap: huge pages for %s: %w: the kernel refuses them for this file (%w)",
			r.path, ErrNoHugePages, err)
	}
	return nil
}
