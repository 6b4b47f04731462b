package mmap

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// cause is an error of this package that a system call gave rise to. errors.Is
// finds both; the text is one sentence, which the system's words are part of only
// where they say more.
type cause struct {
	text      string
	kind, sys error
}

func (c cause) Error() string   { return c.text }
func (c cause) Unwrap() []error { return []error{c.kind, c.sys} }

// failure makes the error of a failed system call.
func failure(verb, path string, err error) error {
	return fmt.Errorf("mmap: %s %s: %w", verb, path, reason(path, err))
}

// reason says in this package's terms what err means for path, and what can be
// done about it.
func reason(path string, err error) error {
	because := func(kind error, advice string) error {
		return cause{kind.Error() + advice, kind, err}
	}
	switch err {
	case unix.ENOENT:
		return because(ErrNotExist, "")
	case unix.ENOTDIR:
		return because(ErrNotExist, ": a name before the last one in the path is not a directory")
	case unix.EEXIST:
		return because(ErrExist, "; remove it or choose another path")
	case unix.EACCES, unix.EPERM:
		return because(ErrPermission, fmt.Sprintf(" (%v); change them or run as a user who may", err))
	case unix.EROFS:
		return cause{"the filesystem is mounted read-only; choose a path on another", ErrPermission, err}
	case unix.ELOOP:
		var st unix.Stat_t
		if unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			return because(ErrSymlink, "; name the file itself")
		}
		return cause{"its directory is a loop of symbolic links; name the directory itself", ErrInvalid, err}
	case unix.ENOSPC:
		return because(ErrNoSpace, " on its filesystem; make room there")
	case unix.EDQUOT:
		return because(ErrNoSpace, ": a disk quota is used up; remove files or have it raised")
	case unix.EISDIR:
		return because(ErrNotRegular, " but a directory")
	case unix.EAGAIN:
		return cause{"its owner has a lease on it (fcntl F_SETLEASE) that keeps others out; have it given up or the file removed", ErrPermission, err}
	case unix.ENXIO:
		return because(ErrNotRegular, " but a FIFO, a socket or a device")
	case unix.ENAMETOOLONG:
		return fmt.Errorf("%w; choose a shorter path, and no name in it longer than %d bytes", err, maxBase)
	case unix.EMFILE:
		return fmt.Errorf("%w in this process; close some or raise its limit (ulimit -n, LimitNOFILE=)", err)
	case unix.ENFILE:
		return fmt.Errorf("%w; close some or raise its limit (sysctl fs.file-max)", err)
	}
	return err
}
