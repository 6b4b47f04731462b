package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// scratch is a directory that goes with this process: remove removes it, or, if the
// process was killed, the next sweep does. A lock on it tells that its process lives.
type scratch struct {
	path string
	lock *os.File
}

// scratchPrefix is how their names begin.
const scratchPrefix = ".tickring-demo-"

// newScratch makes one in a directory; "" is that for temporary files.
func newScratch(base string) (*scratch, error) {
	for {
		path, err := os.MkdirTemp(base, scratchPrefix)
		if err != nil {
			return nil, err
		}
		lock, err := os.Open(path)
		if err == nil {
			// Somebody's sweep may have it for a moment, and it is gone afterwards. A
			// filesystem without locks has no sweeps either.
			_ = unix.Flock(int(lock.Fd()), unix.LOCK_EX)
			if _, err = os.Lstat(path); err == nil {
				return &scratch{path, lock}, nil
			}
			lock.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
}

func (s *scratch) remove() {
	os.RemoveAll(s.path)
	s.lock.Close()
}

// sweepScratch removes what killed processes of this user have left in a directory.
func sweepScratch(base string) {
	if base == "" {
		base = os.TempDir()
	}
	paths, _ := filepath.Glob(filepath.Join(base, scratchPrefix+"*")) // or there is nothing to sweep
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
			continue
		}
		lock, err := os.Open(path)
		if err != nil {
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(path)
		}
		lock.Close()
	}
}
