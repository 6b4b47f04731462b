package ring

import (
	"errors"
	"fmt"
	"os"

	"github.com/tickring/tickring/mmap"
)

// Remove removes a ring and the files of its subscribers; dir is empty for
// [DefaultDir]. Subscribers that still read it learn that it is superseded; what they
// have mapped stays until they close it.
//
// Errors: [ErrPublisherActive], [ErrNoRing], those of package mmap.
func Remove(dir, name string) error {
	ps, err := pathsOf(dir, name)
	if err == nil {
		err = ps.check()
	}
	if err == nil {
		err = remove(ps)
	}
	if err != nil {
		return fmt.Errorf("ring: remove %q: %w", name, err)
	}
	return nil
}

func remove(ps paths) error {
	if _, err := os.Lstat(ps.dir); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %s is not there", ErrNoRing, ps.dir)
	}
	if err := mmap.CheckDir(ps.dir); err != nil {
		return err
	}
	p := Publisher{paths: ps}
	if err := p.takeLock(); err != nil {
		return err
	}
	defer p.release()
	// Whatever is called the ring goes, be it a good one or not.
	if f, err := mmap.Open(ps.ring(), mmap.ReadWrite); err == nil {
		supersede(f)
		f.Close()
	}
	if err := os.Remove(ps.ring()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, path := range []string{ps.ring(), ps.lock(), ps.subs()} {
		if _, err := mmap.RemoveTemp(path); err != nil {
			return err
		}
	}
	subs, err := os.ReadDir(ps.subs())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, s := range subs {
		if err := os.Remove(ps.sub(s.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	// The lock goes last: until then nobody makes the ring anew.
	for _, path := range []string{ps.subs(), ps.lock(), ps.dir} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
