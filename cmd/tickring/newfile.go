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
// of it is there. Its errors tell of its own name.
type newFile struct {
	temp  *os.File
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
			if dir := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("write %s: %w: the directory %s; make it, or name another file", path, fs.ErrNotExist, dir)
			}
			return nil, writeError(path, err)
		}
		return &newFile{temp: f, path: path, force: force}, nil
	}
}

// writeError is what kept a file from being written, whatever name an operation on it used.
func writeError(path string, err error) error {
	var file *fs.PathError
	var names *os.LinkError
	switch {
	case errors.As(err, &file):
		err = file.Err
	case errors.As(err, &names):
		err = names.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: err}
}

func (f *newFile) Write(b []byte) (int, error) {
	n, err := f.temp.Write(b)
	if err != nil {
		err = writeError(f.path, err)
	}
	return n, err
}

// Close may be called more than once.
func (f *newFile) Close() error {
	if err := f.temp.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return writeError(f.path, err)
	}
	return nil
}

func existsError(path string) error {
	return fmt.Errorf("write %s: %w; name another one, or replace it with --force", path, fs.ErrExist)
}

// commit gives the file its name. Closing comes first, because it is the last that
// can tell that something is not written.
func (f *newFile) commit() error {
	if err := f.Close(); err != nil {
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
		if err := os.Rename(f.temp.Name(), path); err != nil {
			return writeError(path, err)
		}
	} else {
		// A link, unlike a rename, never replaces what is there.
		err := os.Link(f.temp.Name(), path)
		switch {
		case errors.Is(err, fs.ErrExist):
			return existsError(path)
		case err != nil: // a filesystem without links
			if _, serr := os.Lstat(path); serr == nil {
				return existsError(path)
			}
			if err := os.Rename(f.temp.Name(), path); err != nil {
				return writeError(path, err)
			}
		default:
			os.Remove(f.temp.Name())
		}
	}
	f.done = true
	return nil
}

// discard removes the file if it has not got a name.
func (f *newFile) discard() {
	if !f.done {
		f.Close()
		os.Remove(f.temp.Name())
	}
}
