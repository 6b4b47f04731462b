package mmap

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// chunk is how much is allocated by one system call. On many kernels a signal
// makes fallocate on tmpfs give up and take everything back, so that one call for a
// large file might never succeed in a process that gets signals all the time, from
// a profiler for instance. 4 MiB take less than the time between two of them, many
// such calls take no longer than one large one, and no huge page is cut in two.
const chunk = 4 << 20

// allocate makes the empty file size bytes long, with all of it backed by storage.
func allocate(fd int, path string, size int64) error {
	// A file that cannot fit must not fill the filesystem first: others would
	// run out of space for no reason. A filesystem without a limit has 0 blocks.
	if st, err := statfs(fd); err == nil && st.Blocks > 0 && size > free(st, isRoot()) {
		return noSpace(fd, path, size, unix.ENOSPC)
	}
	return fill(fd, path, size)
}

// fill allocates chunk by chunk: with fallocate, or where the filesystem has none
// by writing.
func fill(fd int, path string, size int64) error {
	step := fallocate
	for off := int64(0); off < size; {
		n := min(chunk, size-off)
		switch err := retry(func() error { return step(fd, off, n) }); err {
		case nil:
			off += n
		case unix.EOPNOTSUPP, unix.ENOSYS:
			step = writeZeros
		case unix.ENOSPC, unix.EDQUOT:
			return noSpace(fd, path, size, err)
		case unix.EFBIG:
			return tooLarge(path, size, err)
		default:
			return failure("allocate", path, err)
		}
	}
	return nil
}

func fallocate(fd int, off, n int64) error { return unix.Fallocate(fd, 0, off, n) }

func writeZeros(fd int, off, n int64) error {
	var zeros [64 << 10]byte
	for n > 0 {
		m, err := unix.Pwrite(fd, zeros[:min(n, int64(len(zeros)))], off)
		if err != nil {
			return err
		}
		off, n = off+int64(m), n-int64(m)
	}
	return nil
}

func noSpace(fd int, path string, size int64, err error) error {
	room := "an unknown number"
	if st, serr := statfs(fd); serr == nil {
		room = fmt.Sprint(free(st, isRoot()))
	}
	advice := "; make room there or the file smaller"
	if err == unix.EDQUOT {
		advice = ", but a disk quota is used up; have it raised or make the file smaller"
	}
	return fmt.Errorf("mmap: create %s: %w: %d bytes are wanted and %s are free on its filesystem%s",
		path, cause{ErrNoSpace.Error(), ErrNoSpace, err}, size, room, advice)
}

func tooLarge(path string, size int64, err error) error {
	limit := "not set"
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_FSIZE, &l) == nil && l.Cur != unix.RLIM_INFINITY {
		limit = fmt.Sprint(l.Cur)
	}
	return fmt.Errorf("mmap: create %s: %w: %d bytes are more than this process or the filesystem allows (RLIMIT_FSIZE is %s); "+
		"raise the limit (ulimit -f, LimitFSIZE=) or make the file smaller",
		path, cause{ErrTooLarge.Error(), ErrTooLarge, err}, size, limit)
}

func isRoot() bool { return os.Geteuid() == 0 }

// free returns how many bytes can be allocated: some blocks are kept for root.
func free(st unix.Statfs_t, root bool) int64 {
	if root {
		return blocks(st.Bfree, st)
	}
	return blocks(st.Bavail, st)
}

func statfs(fd int) (st unix.Statfs_t, err error) {
	err = retry(func() error { return unix.Fstatfs(fd, &st) })
	return st, err
}

// blocks converts a number of blocks to bytes.
func blocks(n uint64, st unix.Statfs_t) int64 {
	size := uint64(st.Bsize)
	if st.Frsize > 0 {
		size = uint64(st.Frsize)
	}
	if size > 0 && n > math.MaxInt64/size {
		return math.MaxInt64
	}
	return int64(n * size)
}
