package affinity

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// reserveLock is a file with an OFD lock on it. The lock belongs to this opening of the
// file, so that nothing else in the process can lose it, and it is not inherited.
type reserveLock struct{ fd int }

func (l *reserveLock) release() error {
	if l.fd < 0 {
		return nil
	}
	err := unix.Close(l.fd)
	l.fd = -1
	return err
}

// reserveDir returns the directory, which it makes if it has to.
func reserveDir(dir string) (string, error) {
	path, err := filepath.Abs(orDefaultDir(dir)) // a later chdir changes nothing
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(path, 0o777); err == nil {
		// Everybody may take a CPU, and nobody may delete another's file.
		return path, os.Chmod(path, 0o777|fs.ModeSticky)
	} else if !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if st, err := os.Lstat(path); err != nil {
		return "", err
	} else if !st.IsDir() {
		return "", fmt.Errorf("%s is no directory: move it away or name another one: %w", path, unix.ENOTDIR)
	}
	return path, nil
}

func lockCPU(dir string, cpu int) (reserveLock, error) {
	path := filepath.Join(dir, lockName(cpu))
	for range 100 {
		fd, err := openLock(path, unix.O_RDWR)
		if errors.Is(err, fs.ErrNotExist) {
			if err := makeLock(dir, path); err != nil {
				return reserveLock{-1}, err
			}
			continue
		}
		if err != nil {
			return reserveLock{-1}, err
		}
		l := reserveLock{fd}
		lock := unix.Flock_t{Type: unix.F_WRLCK}
		if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &lock); err != nil {
			l.release()
			if err == unix.EAGAIN || err == unix.EACCES {
				return l, ErrReserved
			}
			return l, &fs.PathError{Op: "lock", Path: path, Err: err}
		}
		if isAt(fd, path) {
			if _, err := unix.Pwrite(fd, signature(), 0); err != nil {
				l.release()
				return l, &fs.PathError{Op: "write", Path: path, Err: err}
			}
			return l, nil
		}
		l.release() // somebody put another file in its place
	}
	return reserveLock{-1}, &fs.PathError{Op: "lock", Path: path, Err: errors.New("it was removed or replaced each time that it was opened; find out by whom")}
}

// openLock opens a lock's file, if that is what it is: others may write to the directory.
func openLock(path string, how int) (int, error) {
	fd, err := unix.Open(path, how|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = errors.New("it is no regular file; remove it")
	}
	if err != nil {
		unix.Close(fd)
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// makeLock makes a file that everybody may lock. It appears with its mode: a process
// that is killed meanwhile leaves no file that only it could have opened.
func makeLock(dir, path string) error {
	temp := filepath.Join(dir, ".new-"+strconv.FormatUint(rand.Uint64(), 36))
	fd, err := unix.Open(temp, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return &fs.PathError{Op: "create", Path: temp, Err: err}
	}
	defer unix.Unlink(temp)
	defer unix.Close(fd)
	if err := unix.Fchmod(fd, 0o666); err != nil {
		return &fs.PathError{Op: "chmod", Path: temp, Err: err}
	}
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func isAt(fd int, path string) bool {
	var a, b unix.Stat_t
	return unix.Fstat(fd, &a) == nil && unix.Lstat(path, &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

func cpuLocked(dir string, cpu int) (bool, error) {
	path := filepath.Join(dir, lockName(cpu))
	fd, err := openLock(path, unix.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &lock); err != nil {
		return false, &fs.PathError{Op: "probe the lock of", Path: path, Err: err}
	}
	return lock.Type != unix.F_UNLCK, nil
}

// holder returns who wrote its name into the file last.
func holder(dir string, cpu int) Holder {
	fd, err := openLock(filepath.Join(dir, lockName(cpu)), unix.O_RDONLY)
	if err != nil {
		return Holder{CPU: cpu}
	}
	defer unix.Close(fd)
	var b [2 * mostName]byte
	n, err := unix.Pread(fd, b[:], 0)
	if err != nil {
		return Holder{CPU: cpu}
	}
	return parseHolder(cpu, string(b[:n]))
}
