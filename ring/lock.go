package ring

import (
	"errors"
	"fmt"
	"os"

	"github.com/tickring/tickring/mmap"
)

// takeLock makes this process the ring's one publisher.
func (p *Publisher) takeLock() error {
	for {
		f, made, err := mmap.OpenOrCreate(p.paths.lock(), mmap.CreateOptions{Size: int64(os.Getpagesize())})
		if err != nil {
			return err
		}
		if err := f.TryLock(lockWhole); err != nil {
			f.Close()
			if errors.Is(err, mmap.ErrLocked) {
				return fmt.Errorf("%w already (it holds %s); wait for its end, or use another name", ErrPublisherActive, p.paths.lock())
			}
			return err
		}
		if !f.Same(p.paths.lock()) {
			f.Close() // the ring was removed between our open and our lock
			continue
		}
		p.lock, p.lockMade = f, made
		p.pinned, err = f.Map(mmap.MapOptions{Length: os.Getpagesize()})
		return err
	}
}

// release frees the mapping first and the locks last: whoever gets them finds a
// ring that nobody writes.
func (p *Publisher) release() {
	if p.region != nil {
		p.region.Close()
	}
	if p.file != nil {
		p.file.Close()
	}
	if p.pinned != nil {
		p.pinned.Close()
	}
	if p.lock != nil {
		p.lock.Close()
	}
}

// abandon is release after a Create that failed. The lock file goes if this Create
// has made it.
func (p *Publisher) abandon() {
	if p.lockMade {
		os.Remove(p.paths.lock())
	}
	p.release()
}

// removeTemps removes what processes left that were killed while they made one of
// the ring's own files. Only the holder of the lock makes them.
func (p paths) removeTemps() error {
	for _, path := range []string{p.ring(), p.lock(), p.subs()} {
		if _, err := mmap.RemoveTemp(path); err != nil {
			return err
		}
	}
	return nil
}

// presenceByte of a ring's file is locked while it has a publisher, so that anyone
// who may read the ring can ask. It excludes nobody: the lock file does.
var presenceByte = mmap.Range{Start: 0, Len: 1}

// lockWhole is every byte of a file.
var lockWhole = mmap.Range{}
