package ring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tickring/tickring/mmap"
)

// Remove removes a ring and the files of its subscribers; dir is empty for
// [DefaultDir]. Subscribers that still read it learn that it is superseded; what they
// have mapped stays until they close it. What is in the ring's directory and is not of
// a ring stays there, and the error says so.
//
// Errors: [ErrPublisherActive], [ErrNoRing], those of package mmap.
func Remove(dir, name string) error {
	ps, err := pathsOf(dir, name)
	if err == nil {
		err = ps.check(0)
	}
	if err == nil {
		err = remove(ps)
	}
	if errors.Is(err, mmap.ErrNotExist) && !errors.Is(err, ErrNoRing) {
		err = fmt.Errorf("%w: %w", ErrNoRing, err) // another Remove was faster
	}
	if err != nil {
		return fmt.Errorf("ring: remove %q: %w", name, err)
	}
	return nil
}

func remove(ps paths) error {
	if !exists(ps.ring()) && !exists(ps.lock()) {
		return fmt.Errorf("%w: neither %s nor its lock is there", ErrNoRing, ps.ring())
	}
	// Never through a link: what is behind it is not of this ring.
	if err := mmap.CheckDir(ps.subs()); err != nil && !errors.Is(err, mmap.ErrNotExist) {
		return err
	}
	lock, err := takeLock(ps)
	if err != nil {
		return err
	}
	defer lock.release()
	// Whatever is called the ring goes, be it a good one or not.
	if f, err := mmap.Open(ps.ring(), mmap.ReadWrite); err == nil {
		supersede(f)
		f.Close()
	}
	// All of it is tried; the first thing that cannot be removed is the error.
	var first error
	try := func(path string) {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) && first == nil {
			first = err
		}
	}
	try(ps.ring())
	try(ps.publisher())
	if err := ps.removeTemps(); err != nil {
		first = err
	}
	subs, err := os.ReadDir(ps.subs())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, s := range subs {
		name := finalName(s.Name()) // of a killed creator's too
		if s.Type().IsRegular() && CheckName(name) == nil {
			try(ps.sub(s.Name()))
		} else if first == nil {
			first = fmt.Errorf("%s is none of the ring's files and stays; remove it by hand", ps.sub(s.Name()))
		}
	}
	try(ps.subs())
	if first != nil {
		return first
	}
	// The lock goes last: until then nobody makes the ring anew. Who does from now on
	// keeps the directory.
	try(ps.lock())
	err = os.Remove(ps.dir)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) && !ps.hasForeign() {
		err = nil
	}
	if first == nil {
		first = err
	}
	return first
}

// hasForeign says whether there is something in the ring's directory that is not of a ring.
func (p paths) hasForeign() bool {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	for _, e := range entries {
		switch filepath.Join(p.dir, finalName(e.Name())) { // somebody may be making it
		case p.ring(), p.publisher(), p.lock(), p.subs():
		default:
			return true
		}
	}
	return false
}

// finalName is what a file is to be called that package mmap is making: .NAME.tmp-... is
// its name until then.
func finalName(name string) string {
	rest, hidden := strings.CutPrefix(name, ".")
	if at := strings.LastIndex(rest, ".tmp-"); hidden && at >= 0 {
		return rest[:at]
	}
	return name
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
