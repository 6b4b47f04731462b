package ring

import (
	"fmt"
	"hash/maphash"
	"unsafe"

	"github.com/tickring/tickring/mmap"
)

// watchedFile is the file of a subscriber, or of the publisher, as a [Watch] has it: open,
// and what it said at the last look.
type watchedFile struct {
	name  string // of the subscriber
	path  string
	magic uint64
	file  *mmap.File // nil: to be opened

	known  bool // the words below are those of the last look
	opened uint64
	counts Counts
	total  uint64 // of counts
	fresh  []Count
	doubt  bool // the last look found more latencies than messages

	spikes  SpikeLog
	listed  uint64 // hash of the list that spikes tells of; 0: there is nothing in it
	hashing maphash.Seed

	// The cursor at the last look, and the stamp of the message there, if it was found.
	cursorSeq, cursorPos, cursorFile uint64
	stamp                            uint64
	stamped                          bool
}

// leave closes the file. What it said is known still, and told from what another file of the
// name says by when that was opened, and by its counts.
func (u *watchedFile) leave() {
	if u.file != nil {
		u.file.Close()
		u.file = nil
	}
}

func (u *watchedFile) close() {
	u.leave()
	u.known, u.stamped, u.listed = false, false, 0
}

// look copies what the file says to w.buf, without the list of spikes, and says what has
// been counted since the last look. After an error the next look is a first one.
func (u *watchedFile) look(w *Watch, l *Latencies) (SpikeLog, error) {
	err := u.read(&w.buf)
	if err == nil {
		err = u.compare(w, &w.buf, l)
	}
	if err == nil {
		err = u.readSpikes(&w.buf.spikes)
	}
	if err != nil {
		u.close()
		return SpikeLog{}, err
	}
	return u.spikes, nil
}

// read copies what every look wants of the file that has the name now. It does not map it:
// see [gateFile].
func (u *watchedFile) read(f *subFile) error {
	if u.file != nil && !u.named() {
		u.close()
	}
	if u.file == nil {
		file, err := mmap.Open(u.path, mmap.ReadOnly)
		if err != nil {
			return err
		}
		u.file = file
	}
	if err := f.readFrom(u.file, u.magic, watchBytes); err != nil {
		return fmt.Errorf("%s: %w", u.path, err)
	}
	return nil
}

// named says whether the file that is open has the name still. One with its only link has,
// as the name is in the directory.
func (u *watchedFile) named() bool {
	i, err := u.file.Stat()
	return err == nil && i.Nlink > 0 && (i.Nlink == 1 || u.file.Same(u.path))
}

// watchBytes is how much of a file every look reads: so much that it says whether there
// are spikes.
const watchBytes = int(unsafe.Offsetof(subFile{}.spikes) + unsafe.Offsetof(spikeList{}.records) + unsafe.Sizeof(uint64(0)))

// readSpikes makes u.spikes what the list says, of which l has the start. What an
// unchanged list says is not worked out again, and never changed: others may keep it.
func (u *watchedFile) readSpikes(l *spikeList) error {
	if l.begun == 0 && l.records[0].number == 0 {
		u.spikes, u.listed = SpikeLog{Threshold: nanoseconds(l.threshold), Spikes: l.begun, Messages: l.late}, 0
		return nil
	}
	all := unsafe.Slice((*byte)(unsafe.Pointer(l)), unsafe.Sizeof(*l))
	if _, err := u.file.ReadAt(all, int64(unsafe.Offsetof(subFile{}.spikes))); err != nil {
		return fmt.Errorf("%s: %w", u.path, errCutShort)
	}
	if u.hashing == (maphash.Seed{}) {
		u.hashing = maphash.MakeSeed()
	}
	if hash := maphash.Bytes(u.hashing, all) | 1; hash != u.listed {
		log, err := readSpikes(u.file, l)
		if err != nil {
			return fmt.Errorf("%s: %w", u.path, err)
		}
		u.spikes, u.listed = log, hash
	}
	return nil
}

// compare finds what has been counted since the last look.
func (u *watchedFile) compare(w *Watch, f *subFile, s *Latencies) error {
	u.moved(f)
	if !u.known || f.opened != u.opened {
		s.Anew = true
		u.known, u.opened = true, f.opened
		u.clear()
	}
	all, down := u.take((*Counts)(&f.counts))
	if down { // counts only grow, but when they are set to 0
		s.Anew = true
	}
	for _, c := range all {
		if c.N > maxCount {
			return fmt.Errorf("%s: %w: its histogram has %d latencies in one bucket, which nobody can have measured", u.path, ErrCorrupt, c.N)
		}
		u.total += c.N
	}
	if u.total > f.messages {
		// Messages are counted before their latencies, and the copy was not made at once.
		messages, ok := readWord(u.file, unsafe.Offsetof(f.messages))
		switch {
		case !ok:
			return fmt.Errorf("%s: %w", u.path, errCutShort)
		case u.total > messages && u.doubt:
			return fmt.Errorf("%s: %w: it has %d latencies of %d messages", u.path, ErrCorrupt, u.total, messages)
		case u.total > messages: // an owner that has just begun sets one after the other to 0
			s.Anew, u.known, u.doubt = true, false, true
			return nil
		}
	}
	u.doubt = false
	if u.total > 0 {
		s.Counts = &u.counts
	}
	if !down && (!s.Anew || u.isNewSince(w)) {
		s.New = all
	}
	return nil
}

// isNewSince says that the session began after the last look.
func (u *watchedFile) isNewSince(w *Watch) bool {
	return !w.looked.IsZero() && unixTime(u.opened).After(w.looked)
}

// take makes u.counts those of now, and returns what is added to them. If one of them is
// less than it was, what is returned counts from 0.
func (u *watchedFile) take(now *Counts) (added []Count, down bool) {
	u.fresh, down = u.counts.advance(u.fresh[:0], now)
	if down {
		u.clear()
		u.fresh, _ = u.counts.advance(u.fresh[:0], now)
	}
	return u.fresh, down
}

func (u *watchedFile) clear() {
	u.counts, u.total = Counts{}, 0
}

// moved remembers the cursor. A stamp that was found for it stays true as long as it
// does not move, be the message overwritten meanwhile.
func (u *watchedFile) moved(f *subFile) {
	if f.cursorSeq != u.cursorSeq || f.cursorPos != u.cursorPos || f.cursorFile != u.cursorFile {
		u.stamped = false
	}
	u.cursorSeq, u.cursorPos, u.cursorFile = f.cursorSeq, f.cursorPos, f.cursorFile
}
