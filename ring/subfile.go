package ring

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// account is called with a message before next moves on. The cursor then says that the
// message before this one is done with.
func (s *subscriber) account(word, n uint64) {
	if s.chase.empties != 0 {
		s.chase.found()
	}
	f := s.stats
	if f == nil {
		return
	}
	s.holdCursor()
	mem.Add(&f.messages, 1)
	mem.Add(&f.bytes, n)
	if s.timed {
		s.recordLatency(word, s.clock.Now())
	}
}

// holdCursor says that all before the next message is done with.
func (s *subscriber) holdCursor() {
	mem.Store(&s.stats.cursorSeq, s.next)
	mem.Store(&s.stats.cursorPos, s.pos)
}

// done says that the message in hand is done with as well. What was skipped on
// joining counts as done, and a gap that is still to be reported does not.
func (s *subscriber) done() {
	seq := max(s.next, s.floor)
	if s.missed != 0 {
		seq = s.missed
	}
	mem.Store(&s.stats.cursorSeq, seq)
	mem.Store(&s.stats.cursorPos, s.pos)
}

// recordLatency counts the time from publish to now. A negative one means that the
// clocks of two cores differ; it is counted as such and not called 0.
//
// Its way for usual latencies calls nobody, so it needs no look at the stack: unusual has one.
//
//go:nosplit
func (s *subscriber) recordLatency(word, now uint64) {
	stamp := s.fullStamp(word)
	if stamp < s.joined {
		return
	}
	f := s.stats
	if now < stamp {
		mem.Add(&f.negative, 1)
		return
	}
	ns := s.scale.Ns(now - stamp)
	if ns > f.maxNs {
		mem.Store(&f.maxNs, ns)
	}
	if ns > s.usual {
		s.unusual(ns)
		return
	}
	mem.Add(&f.counts[histIndex(ns)], 1)
}

// fullStamp rebuilds a stamp from its low half: it is within 2^32 ticks after the
// anchor, because the publisher renews the anchor before that is over.
func (s *subscriber) fullStamp(word uint64) uint64 { return fullStamp(s.anchor, word) }

func fullStamp(anchor, word uint64) uint64 {
	return anchor + uint64(uint32(word>>32)-uint32(anchor))
}

// openedSub is a subscriber's own file.
type openedSub struct {
	file   *mmap.File
	region *mmap.Region
	stats  *subFile
	cursor uint64 // where the last owner was; 0: nowhere
	fresh  bool   // the file was made by this Open
}

// openSub makes this process the owner of a subscriber's name on the ring in r.
func openSub(p paths, name string, r *ringFile, owner uint32, lock bool) (*openedSub, error) {
	ringID := r.fixed.ringID
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if err := mmap.CheckDir(p.subs(), owner); err != nil {
		return nil, err
	}
	path := p.sub(name)
	for range replacedTries {
		f, err := mmap.Open(path, mmap.ReadWrite)
		if errors.Is(err, mmap.ErrNotExist) {
			f, err = newSub(path, name, ringID, (*mmap.File).CommitNew)
			if errors.Is(err, mmap.ErrExist) || errors.Is(err, errLostRace) {
				continue // somebody made it meanwhile
			}
			if err != nil {
				return nil, err
			}
			return mapSub(f, path, lock, true)
		}
		if err != nil {
			return nil, err
		}
		if err := p.checkSub(f); err != nil {
			f.Close()
			return nil, err
		}
		if err := f.TryLock(lockWhole); err != nil {
			held, _ := f.LockedExclusively(lockWhole)
			f.Close()
			switch {
			case errors.Is(err, mmap.ErrLocked) && held:
				return nil, fmt.Errorf("%w: %q is subscribed already; use another name", ErrSubscriberActive, name)
			case errors.Is(err, mmap.ErrLocked):
				return nil, fmt.Errorf("%w: a process that can only read %s keeps it locked; end that process, or use another name", ErrSubscriberActive, path)
			}
			return nil, err
		}
		if !f.Same(path) {
			f.Close() // removed or replaced between our open and our lock
			continue
		}
		old, err := readSub(f)
		if err != nil && !errors.Is(err, ErrVersion) {
			f.Close()
			return nil, fmt.Errorf("%s: %w; remove the file to begin anew", path, err)
		}
		if err != nil || old.ringID != ringID {
			// Of an earlier ring of this name, perhaps of another version: its cursor means
			// nothing here.
			if !r.file.Same(p.ring()) {
				f.Close()
				return nil, errStaleRing // or is ours the earlier one?
			}
			fresh, err := newSub(path, name, ringID, (*mmap.File).Commit)
			f.Close()
			if err != nil {
				return nil, err
			}
			return mapSub(fresh, path, lock, true)
		}
		return mapSub(f, path, lock, false)
	}
	return nil, errReplacedAgain(path)
}

// checkSub refuses the file of a subscriber's name if somebody may write it who is neither
// this user nor the ring's: he could cut it short under the mapping.
func (p paths) checkSub(f *mmap.File) error {
	i, err := f.Stat()
	if err != nil {
		return err
	}
	dir, err := os.Lstat(p.subs())
	if err != nil {
		return err
	}
	switch self := uint32(os.Geteuid()); {
	case i.UID != self && i.UID != ownerOf(dir):
		return fmt.Errorf("%w: %s belongs to user %d, who is neither this one nor the ring's; have it removed, or use another name", mmap.ErrPermission, f.Path(), i.UID)
	case i.UID == self && linked(i):
		return fmt.Errorf("%w: %s is a second name of a file that another user may write; have it removed, or use another name", mmap.ErrPermission, f.Path())
	}
	return nil
}

// errStaleRing: the ring was replaced while it was being opened.
var errStaleRing = errors.New("the ring was replaced")

// errLostRace: the owner of the name took our unfinished file for a dead one's.
var errLostRace = errors.New("the file has an owner now")

// newSub makes a subscriber's file, locked before it has its name.
func newSub(path, name string, ringID uint64, commit func(*mmap.File) error) (*mmap.File, error) {
	f, err := prepareSub(path, name, ringID, 0o640)
	if err != nil {
		return nil, err
	}
	if err := f.TryLock(lockWhole); err != nil {
		f.Close()
		return nil, err
	}
	if err := commit(f); err != nil {
		f.Close()
		if errors.Is(err, mmap.ErrNotExist) {
			err = errLostRace
		}
		return nil, err
	}
	return f, nil
}

// prepareSub makes a subscriber's file that has yet to get its name.
func prepareSub(path, name string, ringID uint64, perm os.FileMode) (*mmap.File, error) {
	f, err := mmap.Create(path, mmap.CreateOptions{Size: int64(subFileSize), Perm: perm})
	if err != nil {
		return nil, err
	}
	h := newSubFile(subMagic, ringID, name)
	if _, err := f.WriteAt(unsafe.Slice((*byte)(unsafe.Pointer(h)), unsafe.Offsetof(h.cursorSeq)), 0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// newSubFile is a file of a subscriber, or of a publisher, that nobody has opened yet.
func newSubFile(magic, ringID uint64, name string) *subFile {
	f := &subFile{
		magic: magic, version: layoutVersion, ringID: ringID, created: uint64(time.Now().UnixNano()),
		histLow: histLow, histHigh: histHigh, histDigits: histDigits, histLen: histLen,
	}
	copy(f.name[:], name)
	f.checksum = f.sum()
	return f
}

// mapSub maps a subscriber's file that this process has locked. It owns f.
func mapSub(f *mmap.File, path string, lock, fresh bool) (*openedSub, error) {
	// What others left who were killed while they made this file. Who is still at it
	// has lost the race for the name anyway.
	if _, err := mmap.RemoveTemp(path); err != nil && !errors.Is(err, mmap.ErrPermission) {
		f.Close()
		return nil, err
	}
	r, err := f.Map(mmap.MapOptions{Length: subFileSize, Access: mmap.ReadWrite, Prefault: true, Lock: lock})
	if err != nil {
		f.Close()
		return nil, err
	}
	o := &openedSub{file: f, region: r, fresh: fresh, stats: (*subFile)(r.Base())}
	err = mmap.Guard(func() error {
		o.cursor = mem.LoadAcquire(&o.stats.cursorSeq)
		return nil
	})
	if err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// begin begins a session: the counters are those since now. The latencies go first, so that
// there are never more of them than messages, wherever this is killed.
func (f *subFile) begin() {
	for i := range f.counts {
		mem.Store(&f.counts[i], 0)
	}
	for _, w := range []*uint64{&f.messages, &f.bytes, &f.overruns, &f.lost, &f.negative, &f.tooLong, &f.maxNs, &f.sleeps} {
		mem.Store(w, 0)
	}
	mem.Store(&f.wait, waitUnknown)
	f.spikes.reset()
	mem.Store(&f.pid, uint64(os.Getpid()))
	mem.Store(&f.opened, uint64(time.Now().UnixNano()))
	mem.StoreRelease(&f.state, stateLive)
}

// remove takes the file away, if it is still the one of that name.
func (o *openedSub) remove() {
	if o.file.Same(o.file.Path()) {
		os.Remove(o.file.Path()) // what cannot be removed stays for Remove
	}
}

func (o *openedSub) close() {
	o.region.Close()
	_ = o.file.Unlock(lockWhole) // see ringLock.release
	o.file.Close()
}

// readSub copies a subscriber's file and verifies its constant part. It does not
// map it, so its owner can do nothing to the reader.
func readSub(f *mmap.File) (*subFile, error) {
	s := new(subFile)
	if err := s.readFrom(f, subMagic, subFileSize); err != nil {
		return nil, err
	}
	return s, nil
}

// readFrom is readSub of the first n bytes, the constant part at least, of a file with that
// magic number.
func (s *subFile) readFrom(f *mmap.File, magic uint64, n int) error {
	size, err := f.Size()
	if err != nil {
		return err
	}
	// The start first: a file of another version has another size.
	_, err = f.ReadAt(unsafe.Slice((*byte)(unsafe.Pointer(s)), min(size, int64(n))), 0)
	switch {
	case errors.Is(err, io.EOF):
		return errCutShort
	case err != nil:
		return err
	case size >= 16 && s.magic == magic && s.version != layoutVersion:
		return fmt.Errorf("%w: version %d, this build reads %d", ErrVersion, s.version, layoutVersion)
	case size != int64(subFileSize):
		return fmt.Errorf("%w: a subscriber's file has %d bytes, this one %d", ErrCorrupt, subFileSize, size)
	case s.magic != magic:
		return fmt.Errorf("%w: it begins with %#x and is no file of a subscriber or a publisher, as its name says it were", ErrCorrupt, s.magic)
	case s.checksum != s.sum():
		return fmt.Errorf("%w: its header's checksum is wrong", ErrCorrupt)
	case s.histLow != histLow || s.histHigh != histHigh || s.histDigits != histDigits || s.histLen != histLen:
		return fmt.Errorf("%w: its histogram has another geometry", ErrCorrupt)
	}
	return nil
}

var errCutShort = fmt.Errorf("%w: it was cut short while it was read", ErrCorrupt)
