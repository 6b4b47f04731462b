package mmap

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// File is an open shared file. Its methods may be called from any goroutine;
// after Close, and of a zero File, they return ErrClosed. A File that is not closed stays open, with
// its locks, until the process ends: the garbage collector does not close it.
type File struct {
	path   string
	access Access

	// mu keeps the descriptor open during each use of it: a system call on a
	// closed and reused number would reach a stranger's file.
	mu   sync.RWMutex
	fd   int
	open bool // false after Close, and in a zero File
	// Of a created file until it is committed: its directory and temporary name.
	dir  int
	temp string
}

// Open opens the regular file at path. It does not follow a symbolic link
// (ErrSymlink), and refuses all that is not a regular file without opening it
// (ErrNotRegular). Other errors: ErrNotExist, ErrPermission.
func Open(path string, a Access) (*File, error) {
	flags := unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY
	switch a {
	case ReadOnly:
		flags |= unix.O_RDONLY
	case ReadWrite:
		flags |= unix.O_RDWR
	default:
		return nil, fmt.Errorf("mmap: open %s: %w: %v", path, ErrInvalid, a)
	}

	// Look first: to open a device can already have an effect. The look after
	// it is the one that counts.
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return nil, failure("open", path, err)
	}
	if err := checkRegular(path, st.Mode); err != nil {
		return nil, err
	}
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, flags, 0)
		return err
	})
	if err != nil {
		return nil, failure("open", path, err)
	}
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, failure("open", path, err)
	}
	if err := checkRegular(path, st.Mode); err != nil {
		unix.Close(fd)
		return nil, err
	}
	f := &File{path: path, access: a, fd: fd, open: true}
	f.step()
	return f, nil
}

func checkRegular(path string, mode uint32) error {
	kind := ""
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return nil
	case unix.S_IFLNK:
		return fmt.Errorf("mmap: open %s: %w; name the file itself", path, ErrSymlink)
	case unix.S_IFDIR:
		kind = "a directory"
	case unix.S_IFIFO:
		kind = "a FIFO"
	case unix.S_IFSOCK:
		kind = "a socket"
	default:
		kind = "a device"
	}
	return fmt.Errorf("mmap: open %s: %w but %s", path, ErrNotRegular, kind)
}

// Path returns the path that the file was opened by or is to be committed to.
func (f *File) Path() string { return f.path }

// Access returns what the file was opened for.
func (f *File) Access() Access { return f.access }

// Size returns the present size in bytes.
func (f *File) Size() (int64, error) {
	i, err := f.Stat()
	return i.Size, err
}

// Stat returns what the system knows of the open file, whatever its path names
// now.
func (f *File) Stat() (Info, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.open {
		return Info{}, f.closed("stat")
	}
	return f.stat()
}

func (f *File) stat() (Info, error) {
	f.step()
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return Info{}, failure("stat", f.path, err)
	}
	return Info{
		Size:  st.Size,
		Mode:  fs.FileMode(st.Mode & 0o777),
		UID:   st.Uid,
		GID:   st.Gid,
		Nlink: uint64(st.Nlink),
		Dev:   uint64(st.Dev),
		Ino:   st.Ino,
	}, nil
}

// Same tells whether path names this file now. It does not follow a symbolic
// link at path. It is false after Close, too.
func (f *File) Same(path string) bool {
	i, err := f.Stat()
	if err != nil {
		return false
	}
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && uint64(st.Dev) == i.Dev && st.Ino == i.Ino
}

// ReadAt reads len(p) bytes from offset off, as io.ReaderAt: if the file ends
// before that, it returns what there is and io.EOF. Unlike a load from a
// mapping it cannot fault.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.open {
		return 0, f.closed("read")
	}
	f.step()
	n := 0
	for n < len(p) {
		m, err := unix.Pread(f.fd, p[n:], off+int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, failure("read", f.path, err)
		case m == 0:
			return n, io.EOF
		default:
			n += m
		}
	}
	return n, nil
}

// WriteAt writes p at offset off, as io.WriterAt. Like pwrite it makes the file
// longer if p does not fit into it. It cannot fault.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.open {
		return 0, f.closed("write")
	}
	if f.access != ReadWrite {
		return 0, fmt.Errorf("mmap: write %s: %w", f.path, ErrReadOnly)
	}
	f.step()
	n := 0
	for n < len(p) {
		m, err := unix.Pwrite(f.fd, p[n:], off+int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, failure("write", f.path, err)
		default:
			n += m
		}
	}
	return n, nil
}

// Close closes the file; a second Close does nothing. Mappings stay valid, and
// as long as one is there the locks stay too. A file that was created and not
// committed is removed.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open {
		return nil
	}
	err := f.removeTemp()
	// Whatever close says, the number is free after it: never close it again.
	if cerr := unix.Close(f.fd); cerr != nil && cerr != unix.EINTR {
		err = errors.Join(err, failure("close", f.path, cerr))
	}
	f.fd, f.open = -1, false
	return err
}

func (f *File) closed(verb string) error {
	return fmt.Errorf("mmap: %s %s: %w", verb, f.path, cause{ErrClosed.Error(), ErrClosed, fs.ErrClosed})
}

// retry repeats call as long as a signal interrupts it. The Go runtime sends
// itself such signals.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// split cuts path into an open descriptor of its directory and the name in it.
// All that is done to a path while it is made goes through this descriptor, so
// that it stays in one directory whatever happens to the names above.
func split(verb, path string) (dir int, base string, err error) {
	d, base := filepath.Split(path)
	if base == "" || base == "." || base == ".." {
		return -1, "", fmt.Errorf("mmap: %s %s: %w: the path does not end in a name", verb, path, ErrInvalid)
	}
	if d == "" {
		d = "."
	}
	err = retry(func() (err error) {
		dir, err = unix.Open(d, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return -1, "", failure(verb, path+": look up its directory", err)
	}
	return dir, base, nil
}
