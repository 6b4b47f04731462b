package mmap

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Create makes a file for path and opens it for reading and writing. It has a
// temporary name beside path, ".<base>.tmp-<16 hex digits>", until
// [File.Commit] or [File.CommitNew] gives it its own; [File.Discard] and
// [File.Close] remove it before that. If Create itself fails nothing is left.
//
// The whole size is allocated, so later stores cannot run out of space. If it is
// not to be had the error is ErrNoSpace and says how much was wanted and how much
// is free; it is ErrTooLarge if no file may be that long. Filesystems without fallocate get zeros written.
//
// The temporary name is 22 bytes longer than the last element of path, which
// filesystems limit to 255 bytes.
func Create(path string, o CreateOptions) (*File, error) {
	if o.Size < 0 {
		return nil, fmt.Errorf("mmap: create %s: %w: size %d", path, ErrInvalid, o.Size)
	}
	if o.Perm&^fs.ModePerm != 0 {
		return nil, fmt.Errorf("mmap: create %s: %w: mode %v has more than permission bits", path, ErrInvalid, o.Perm)
	}
	if o.Perm == 0 {
		o.Perm = 0o600
	}
	dir, base, err := split("create", path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, access: ReadWrite, open: true, dir: dir}
	f.fd, f.temp, err = openTemp(dir, base)
	if err != nil {
		unix.Close(dir)
		return nil, failure("create", path, err)
	}
	if err := f.prepare(o); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.step()
	return f, nil
}

func openTemp(dir int, base string) (fd int, temp string, err error) {
	for range 100 {
		temp = tempName(base)
		err = retry(func() (err error) {
			fd, err = unix.Openat(dir, temp,
				unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
			return err
		})
		if err != unix.EEXIST {
			break
		}
	}
	return fd, temp, err
}

func (f *File) prepare(o CreateOptions) error {
	if err := allocate(f.fd, f.path, o.Size); err != nil {
		return err
	}
	return chmodExact(f.fd, f.path, uint32(o.Perm))
}

// chmodExact sets the mode and makes sure of it: the kernel takes a setgid bit
// away, without a word, from who is not in the group.
func chmodExact(fd int, path string, mode uint32) error {
	if err := unix.Fchmod(fd, mode); err != nil {
		return failure("chmod", path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return failure("stat", path, err)
	}
	if got := st.Mode & 0o7777; got != mode {
		return fmt.Errorf("mmap: chmod %s: %w: the mode became %#o, not %#o", path, ErrPermission, got, mode)
	}
	return nil
}

// Commit gives the file its path. It replaces what has that path now: those who
// have the old file open keep it.
func (f *File) Commit() error {
	return f.commit(func(base string) error {
		return unix.Renameat(f.dir, f.temp, f.dir, base)
	})
}

// CommitNew gives the file its path if nothing has it. Otherwise it returns
// ErrExist, and the file is still there to be discarded. Of several CommitNew
// for one path exactly one succeeds.
func (f *File) CommitNew() error {
	return f.commit(func(base string) error {
		err := unix.Renameat2(f.dir, f.temp, f.dir, base, unix.RENAME_NOREPLACE)
		if err != unix.EINVAL && err != unix.ENOSYS {
			return err
		}
		return f.linkNew(base)
	})
}

// linkNew is CommitNew for filesystems that cannot rename without replacing.
func (f *File) linkNew(base string) error {
	return f.linkThen(base, unix.Unlinkat)
}

// linkThen retries its two steps each by itself: the link, made a second time,
// would find its own path taken. Once it is made the file is committed, whatever
// becomes of the temporary name, which [RemoveTemp] takes away too.
func (f *File) linkThen(base string, unlink func(dir int, name string, flags int) error) error {
	err := retry(func() error { return unix.Linkat(f.dir, f.temp, f.dir, base, 0) })
	if err == nil {
		_ = retry(func() error { return unlink(f.dir, f.temp, 0) })
	}
	return err
}

func (f *File) commit(rename func(base string) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open {
		return f.closed("commit")
	}
	if f.temp == "" {
		return fmt.Errorf("mmap: commit %s: %w: it has its path already", f.path, ErrInvalid)
	}
	f.step()
	err := retry(func() error { return rename(filepath.Base(f.path)) })
	if err != nil {
		return failure("commit", f.path, err)
	}
	f.step()
	unix.Close(f.dir)
	f.dir, f.temp = -1, ""
	return nil
}

// CommitOver is Commit for a directory in which others may put things too: whatever has
// the path makes room, even a directory. That one gets the temporary name instead, and
// goes if it is empty.
func (f *File) CommitOver() error {
	return f.commit(func(base string) (err error) {
		for range 100 { // others may be at it all the time
			err = unix.Renameat(f.dir, f.temp, f.dir, base)
			if err != unix.EISDIR {
				return err
			}
			err = unix.Renameat2(f.dir, f.temp, f.dir, base, unix.RENAME_EXCHANGE)
			if err == nil {
				_ = unix.Unlinkat(f.dir, f.temp, unix.AT_REMOVEDIR)
			}
			if err != unix.ENOENT {
				return err
			}
		}
		return err
	})
}

// Discard removes a file that was created and not committed, and closes it. It
// leaves no trace.
func (f *File) Discard() error {
	f.mu.RLock()
	committed := f.open && f.temp == ""
	f.mu.RUnlock()
	if committed {
		return fmt.Errorf("mmap: discard %s: %w: it has its path already; remove that instead", f.path, ErrInvalid)
	}
	return f.Close()
}

// removeTemp takes the temporary name away, if there is one.
func (f *File) removeTemp() error {
	if f.temp == "" {
		return nil
	}
	err := unix.Unlinkat(f.dir, f.temp, 0)
	unix.Close(f.dir)
	f.dir, f.temp = -1, ""
	if err != nil && err != unix.ENOENT {
		return failure("remove the temporary file of", f.path, err)
	}
	return nil
}

// OpenOrCreate opens the file at path for reading and writing, or creates and
// commits it if there is none; created tells which. An existing file is taken as
// it is, whatever its size and mode. Processes that do this at the same time all
// get the same file, and exactly one created it.
func OpenOrCreate(path string, o CreateOptions) (f *File, created bool, err error) {
	// Somebody may create the file after Open and remove it before CommitNew,
	// but hardly again and again.
	for range 100 {
		f, err = Open(path, ReadWrite)
		if !errors.Is(err, ErrNotExist) {
			return f, false, err
		}
		if f, err = Create(path, o); err != nil {
			return nil, false, err
		}
		if err = f.CommitNew(); err == nil {
			return f, true, nil
		}
		f.Close()
		if !errors.Is(err, ErrExist) {
			return nil, false, err
		}
	}
	return nil, false, err
}
