package mmap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// EnsureDir makes the directory at path with exactly the mode perm, whatever the
// umask; fs.ModeSetgid and fs.ModeSticky are allowed in it, and zero means 0700.
// It appears with that mode, never with another; only on filesystems that cannot
// rename without replacing it has 0700 for a moment. If something is there already
// it is left as it is and [CheckDir] decides. The parent has to exist.
func EnsureDir(path string, perm fs.FileMode) error {
	if perm&^(fs.ModePerm|fs.ModeSetgid|fs.ModeSticky) != 0 {
		return fmt.Errorf("mmap: make directory %s: %w: mode %v", path, ErrInvalid, perm)
	}
	if perm == 0 {
		perm = 0o700
	}
	path = trimSlashes(path)
	var st unix.Stat_t
	if unix.Lstat(path, &st) == nil {
		return CheckDir(path)
	}
	err := makeDir(path, dirMode(perm))
	if errors.Is(err, ErrExist) { // somebody was faster
		return CheckDir(path)
	}
	return err
}

// makeDir makes the directory under a temporary name, so that a process killed
// between mkdir and chmod does not leave it with the wrong mode.
func makeDir(path string, mode uint32) error {
	parent, base, err := split("make directory", path)
	if err != nil {
		return err
	}
	defer unix.Close(parent)
	temp := tempName(base)
	if err := unix.Mkdirat(parent, temp, 0o700); err != nil {
		return failure("make directory", path, err)
	}
	if err := chmodDir(parent, temp, path, mode); err != nil {
		unix.Unlinkat(parent, temp, unix.AT_REMOVEDIR)
		return err
	}
	err = unix.Renameat2(parent, temp, parent, base, unix.RENAME_NOREPLACE)
	if err == nil {
		return nil
	}
	unix.Unlinkat(parent, temp, unix.AT_REMOVEDIR)
	if err == unix.EINVAL || err == unix.ENOSYS {
		return makeDirInPlace(parent, base, path, mode)
	}
	return failure("make directory", path, err)
}

// makeDirInPlace is makeDir for filesystems that cannot rename without replacing.
func makeDirInPlace(parent int, base, path string, mode uint32) error {
	if err := unix.Mkdirat(parent, base, 0o700); err != nil {
		return failure("make directory", path, err)
	}
	err := chmodDir(parent, base, path, mode)
	if err != nil {
		unix.Unlinkat(parent, base, unix.AT_REMOVEDIR)
	}
	return err
}

func chmodDir(parent int, name, path string, mode uint32) error {
	fd, err := unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return failure("make directory", path, err)
	}
	defer unix.Close(fd)
	return chmodExact(fd, path, mode)
}

// CheckDir tells whether the files in the directory at path can be trusted to be
// those that its owner put there: ErrUnsafeDir says what is wrong and what to do,
// ErrNotExist that nothing is there. A safe directory
//
//   - is a directory and not a symbolic link to one;
//   - belongs to this process's user, to root, or to one of owners;
//   - cannot be written by group or others, unless it is sticky, so that nobody
//     can remove or replace what is not his own; or it belongs to root, is setgid
//     and only the group can write: then an administrator made it for people who
//     trust each other.
//
// It looks at this directory alone. Those above it need the same, once.
func CheckDir(path string, owners ...uint32) error {
	path = trimSlashes(path)
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return failure("check directory", path, err)
	}
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("mmap: check directory %s: %w: %w", path, ErrUnsafeDir, fmt.Errorf(format, args...))
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
	case unix.S_IFLNK:
		return refuse("it is %w; name the directory itself", ErrSymlink)
	default:
		return refuse("it is not a directory; remove it or choose another path")
	}

	me := uint32(os.Geteuid())
	if st.Uid != me && st.Uid != 0 && !slices.Contains(owners, st.Uid) {
		return refuse("it belongs to user %d, and neither to user %d nor to root; choose another or have it given to one of them", st.Uid, me)
	}
	group, others := st.Mode&0o020 != 0, st.Mode&0o002 != 0
	switch {
	case !group && !others, st.Mode&unix.S_ISVTX != 0:
		return nil
	case !others && st.Mode&unix.S_ISGID != 0 && st.Uid == 0:
		return nil
	}
	return refuse("its mode is %#o, so that other users can replace files in it; "+
		"take that away (chmod go-w) or make it sticky (chmod +t)", st.Mode&0o7777)
}

func dirMode(perm fs.FileMode) uint32 {
	mode := uint32(perm.Perm())
	if perm&fs.ModeSetgid != 0 {
		mode |= unix.S_ISGID
	}
	if perm&fs.ModeSticky != 0 {
		mode |= unix.S_ISVTX
	}
	return mode
}

// trimSlashes removes slashes at the end: with them lstat follows a link.
func trimSlashes(path string) string {
	for len(path) > 1 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	return path
}
