package ring

import (
	"errors"
	"fmt"
	"os"

	"github.com/tickring/tickring/mmap"
)

// ringLock is the right to publish on a ring: an OFD lock on its lock file. The kernel
// drops it with the process. Who holds it makes and removes what is in the ring's
// directory; nobody else does, but for the lock file itself.
type ringLock struct {
	file   *mmap.File
	pinned *mmap.Region // a page of file: no stray close releases the lock
	made   bool         // the file was not there before
}

// takeLock takes the lock of a ring whose directory is there.
func takeLock(p paths) (*ringLock, error) {
	for range replacedTries {
		f, made, err := mmap.OpenOrCreate(p.lock(), mmap.CreateOptions{Size: int64(os.Getpagesize())})
		if err != nil {
			return nil, err
		}
		if err := f.TryLock(lockWhole); err != nil {
			f.Close()
			if errors.Is(err, mmap.ErrLocked) {
				return nil, fmt.Errorf("%w already (it holds %s); wait for its end, or use another name", ErrPublisherActive, p.lock())
			}
			return nil, err
		}
		if !f.Same(p.lock()) {
			f.Close() // the ring was removed between our open and our lock
			continue
		}
		page, err := pin(f)
		if err != nil {
			f.Close()
			return nil, err
		}
		return &ringLock{file: f, pinned: page, made: made}, nil
	}
	return nil, errReplacedAgain(p.lock())
}

// replacedTries is how often to open a file again that was replaced between open and lock.
// Other processes do that, but each of them once.
const replacedTries = 100

func errReplacedAgain(path string) error {
	return fmt.Errorf("%w: %s was replaced each of %d times that it was opened; find out by whom", ErrCorrupt, path, replacedTries)
}

// pin maps a page of a lock's file, for a mapping keeps the lock. Nobody reads it; somebody
// may have cut it short.
func pin(f *mmap.File) (*mmap.Region, error) {
	length := os.Getpagesize()
	if size, err := f.Size(); err != nil {
		return nil, err
	} else if size < int64(length) {
		if _, err := f.WriteAt(make([]byte, length), 0); err != nil {
			return nil, err
		}
	}
	return f.Map(mmap.MapOptions{Length: length})
}

// release gives the lock up at once, even if a child that is just being started has the
// file open as well.
func (l *ringLock) release() {
	l.pinned.Close()
	_ = l.file.Unlock(lockWhole)
	l.file.Close()
}

// lockWhole is every byte of a file.
var lockWhole = mmap.Range{}
