package ring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tickring/tickring/mmap"
)

// maxName is the longest name of a ring or a subscriber, in bytes.
const maxName = 63

// CheckName returns nil if name can be the name of a ring or a subscriber: 1 to 63
// letters, digits, '.', '_' and '-', the first a letter or digit. Otherwise the
// error wraps [ErrName] and says what is wrong.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(name) > maxName:
		return fmt.Errorf("%w: %.20q... has %d bytes, more than %d", ErrName, name, len(name), maxName)
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return fmt.Errorf("%w: %q has %q at position %d; use letters, digits, '.', '_' and '-', and begin with a letter or digit", ErrName, name, c, i)
		}
	}
	return nil
}

// DefaultDir is the directory of rings where none is named: TICKRING_DIR from the
// environment, or /dev/shm/tickring-UID.
func DefaultDir() string {
	if d := os.Getenv("TICKRING_DIR"); d != "" {
		return d
	}
	return filepath.Join("/dev/shm", "tickring-"+strconv.Itoa(os.Getuid()))
}

// paths are the files of one ring.
type paths struct {
	name string
	base string // the directory of rings
	dir  string // of this ring
}

func pathsOf(dir, name string) (paths, error) {
	if err := CheckName(name); err != nil {
		return paths{}, err
	}
	if dir == "" {
		dir = DefaultDir()
	}
	dir, err := filepath.Abs(dir) // a later chdir changes nothing
	if err != nil {
		return paths{}, err
	}
	return paths{name: name, base: dir, dir: filepath.Join(dir, name)}, nil
}

func (p paths) ring() string           { return filepath.Join(p.dir, "ring") }
func (p paths) publisher() string      { return filepath.Join(p.dir, "publisher") }
func (p paths) lock() string           { return filepath.Join(p.dir, "lock") }
func (p paths) subs() string           { return filepath.Join(p.dir, "subs") }
func (p paths) sub(name string) string { return filepath.Join(p.subs(), name) }

// removeTemps removes what processes left that were killed while they made one of the
// ring's own files or directories. Only for the holder of the lock.
func (p paths) removeTemps() error {
	for _, path := range []string{p.dir, p.ring(), p.publisher(), p.lock(), p.subs()} {
		if _, err := mmap.RemoveTemp(path); err != nil && !errors.Is(err, mmap.ErrPermission) {
			return err
		}
	}
	return nil
}

// ensureDir makes a directory if it is missing, and says so.
func ensureDir(path string, perm os.FileMode) (made bool, err error) {
	_, before := os.Lstat(path)
	err = mmap.EnsureDir(path, perm)
	return err == nil && errors.Is(before, os.ErrNotExist), err
}

// check verifies the directories before a subscriber trusts what is in them: they
// belong to this user, to root or to owner.
func (p paths) check(owner uint32) error {
	for _, dir := range []string{p.base, p.dir} {
		if err := mmap.CheckDir(dir, owner); err != nil {
			if errors.Is(err, mmap.ErrNotExist) {
				return fmt.Errorf("%w: %w", ErrNoRing, err)
			}
			return err
		}
	}
	return nil
}

// checkToLook is check for those who only look, whoever the owner is: nothing is
// believed there that could do harm.
func (p paths) checkToLook() error {
	i, err := os.Lstat(p.dir)
	if err != nil {
		return p.check(0)
	}
	return p.check(ownerOf(i))
}
