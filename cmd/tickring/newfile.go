package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// newFile is a file in the making: it has a temporary name beside its own until all
// of it is there.
type newFile struct {
	*os.File
	path  string
	force bool // may replace what is there
	done  bool
}

func createFile(path string, force bool) (*newFile, error) {
	if path == stdinPath {
		return nil, usagef("invalid --output %q: want the name of a file", path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("write %s: it is not a regular file; name another one", path)
	}
	if !force {
		if _, err := os.Lstat(path); err == nil {
			return nil, existsError(path)
		}
	}
	for {
		// Random, because process ids are not: in containers everyone may have the
		// same, and what a killed process left would be in the way of all others.
		temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.tmp-%08x", filepath.Base(path), rand.Uint32()))
		f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &newFile{File: f, path: path, force: force}, nil
	}
}

func existsError(path string) error {
	return fmt.Errorf("write %s: %w; name another one, or replace it with --force", path, fs.ErrExist)
}

// commit gives the file its name. Closing comes first, because it is the last that
// can tell that something is not written.
func (f *newFile) commit() error {
	if err := f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return f.nameIt(f.path, f.force)
}

// keepPartial gives a file that did not become whole a name that says so, one that
// nothing has. It returns the name.
func (f *newFile) keepPartial() (string, error) {
	f.Close() // if that fails now, it is not the first that did
	path := f.path + ".partial"
	for n := 2; ; n++ {
		err := f.nameIt(path, false)
		if !errors.Is(err, fs.ErrExist) {
			return path, err
		}
		path = fmt.Sprintf("%s.partial%d", f.path, n)
	}
}

func (f *newFile) nameIt(path string, replace bool) error {
	if replace {
		if err := os.Rename(f.Name(), path); err != nil {
			return err
		}
	} else {
		// A link, unlike a rename, never replaces what is there.
		err := os.Link(f.Name(), path)
		switch {
		case errors.Is(err, fs.ErrExist):
			return existsError(path)
		case err != nil: // a filesystem without links
			if _, serr := os.Lstat(path); serr == nil {
				return existsError(path)
			}
			if err := os.Rename(f.Name(), path); err != nil {
				return err
			}
		default:
			os.Remove(f.Name())
		}
	}
	f.done = true
	return nil
}

// discard removes the file if it has not got a name.
func (f *newFile) discard() {
	if !f.done {
		f.Close()
		os.Remove(f.Name())
	}
}
