package ring

import (
	"errors"
	"fmt"
	"os"

	"github.com/tickring/tickring/mmap"
)

// takeRing makes this process the ring's one publisher: its directory, the lock, and,
// once that is held, what else has to be there. Only the holder of the lock makes or
// removes anything in the ring's directory, but for the lock itself.
func (p *Publisher) takeRing(group bool) error {
	ring, subs := os.FileMode(0o700), os.FileMode(0o700)
	if group {
		ring, subs = 0o750|os.ModeSetgid, 0o770|os.ModeSetgid|os.ModeSticky
	}
	for tries := 1; ; tries++ {
		err := p.makeDir(p.paths.base, 0o700)
		if err == nil {
			err = p.makeDir(p.paths.dir, ring)
		}
		if err == nil {
			err = p.takeLock()
		}
		if err == nil {
			break
		}
		// Another Create that failed, or a Remove, can take the directory away
		// under us, and the holder of the lock our unfinished lock file.
		if !errors.Is(err, mmap.ErrNotExist) || tries == 100 {
			return err
		}
	}
	for _, path := range []string{p.paths.ring(), p.paths.lock(), p.paths.subs()} {
		if _, err := mmap.RemoveTemp(path); err != nil {
			return err
		}
	}
	return p.makeDir(p.paths.subs(), subs)
}

// makeDir makes a directory, if it is missing, and remembers it for abandon.
func (p *Publisher) makeDir(path string, perm os.FileMode) error {
	made, err := ensureDir(path, perm)
	if made {
		p.made = append(p.made, path)
	}
	return err
}

// takeLock takes the lock file of a ring whose directory is there.
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
		p.lock = f
		if made {
			p.made = append(p.made, p.paths.lock())
		}
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

// abandon is release after a Create that failed. What this Create has made goes, the
// last first, as long as the lock is held; directories only if they are empty. Without
// the lock it is somebody else's by now.
func (p *Publisher) abandon() {
	if p.lock != nil {
		if p.file != nil {
			p.file.Close() // an unfinished ring goes with it
		}
		for i := len(p.made) - 1; i >= 0; i-- {
			os.Remove(p.made[i])
		}
	}
	p.release()
}

// presenceByte of a ring's file is locked while it has a publisher, so that anyone
// who may read the ring can ask. It excludes nobody: the lock file does.
var presenceByte = mmap.Range{Start: 0, Len: 1}

// lockWhole is every byte of a file.
var lockWhole = mmap.Range{}
