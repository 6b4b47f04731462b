package mmap

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// TryLock takes an exclusive lock on the range, at once or not at all: ErrLocked
// means that somebody else holds a part of it. The file has to be open
// [ReadWrite]. See the package documentation for who else can keep a lock alive.
func (f *File) TryLock(r Range) error {
	return f.setLock("lock", unix.F_WRLCK, r)
}

// Unlock releases the range, or what is locked of it.
func (f *File) Unlock(r Range) error {
	return f.setLock("unlock", unix.F_UNLCK, r)
}

func (f *File) setLock(verb string, kind int16, r Range) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.open {
		return f.closed(verb)
	}
	if err := r.check(); err != nil {
		return fmt.Errorf("mmap: %s %s: %w", verb, f.path, err)
	}
	if f.access != ReadWrite {
		return fmt.Errorf("mmap: %s %s: %w, and a lock needs it open for writing", verb, f.path, ErrReadOnly)
	}
	f.step()
	l := unix.Flock_t{Type: kind, Whence: unix.SEEK_SET, Start: r.Start, Len: r.Len}
	err := retry(func() error { return unix.FcntlFlock(uintptr(f.fd), unix.F_OFD_SETLK, &l) })
	switch err {
	case nil:
		return nil
	case unix.EAGAIN, unix.EACCES:
		return fmt.Errorf("mmap: %s %s, %v: %w", verb, f.path, r, cause{ErrLocked.Error(), ErrLocked, err})
	}
	return failure(verb, f.path, err)
}

// Locked tells whether somebody else holds a lock on any part of the range. It
// works on a file open [ReadOnly], takes no lock itself, and does not see this
// File's own locks.
func (f *File) Locked(r Range) (bool, error) { return f.conflicts(unix.F_WRLCK, r) }

// LockedExclusively is Locked, but does not see the read locks that whoever can open the
// file for reading can put on it: only those that [File.TryLock] takes, which needs the
// file open for writing.
func (f *File) LockedExclusively(r Range) (bool, error) { return f.conflicts(unix.F_RDLCK, r) }

// conflicts tells whether somebody else's lock keeps one of that kind away.
func (f *File) conflicts(kind int16, r Range) (bool, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.open {
		return false, f.closed("probe the lock of")
	}
	if err := r.check(); err != nil {
		return false, fmt.Errorf("mmap: probe the lock of %s: %w", f.path, err)
	}
	f.step()
	l := unix.Flock_t{Type: kind, Whence: unix.SEEK_SET, Start: r.Start, Len: r.Len}
	err := retry(func() error { return unix.FcntlFlock(uintptr(f.fd), unix.F_OFD_GETLK, &l) })
	if err != nil {
		return false, failure("probe the lock of", f.path, err)
	}
	return l.Type != unix.F_UNLCK, nil
}
