package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// gateFile is a gate's file as the publisher has it. Its owner may write what he likes, cut
// it short or replace it, and the publisher gets wrong numbers or none at worst.
//
// It is mapped for reading, and read under mmap.Guard, which costs a tenth of a system
// call. But not if another user may write it: while he punches a hole into a file that he
// has made large (fallocate), the kernel keeps a load of a missing page waiting, and no
// deadline of ours ends that. A pread waits for nothing.
type gateFile struct {
	paths  paths
	gate   Gate
	ringID uint64
	fileID uint64 // of the ring's file that positions belong to

	file   *mmap.File   // nil while it cannot be had
	region *mmap.Region // nil: it is not to be mapped
	load   func() error // loadCursor, made once
	loaded [3]uint64    // cursorFile, cursorPos, cursorSeq: what load or pread found
	buf    [24]byte

	seq    uint64    // the gate's cursor when it was last believed
	made   bool      // the file was not there before
	looked time.Time // when the name was last looked at
}

// lookEvery is how often a gate that holds the publisher has its name looked at: the
// file may have been removed or replaced.
const lookEvery = 10 * time.Millisecond

// openGate finds the file of a gate, or makes it with a cursor at message seq and
// position pos. oldest is where a cursor goes that cannot be read: the gate gets again
// what is in the ring, and loses nothing. known says that the name was a gate's already.
//
// The name of a gate is the publisher's: what another user has put there makes room.
func openGate(ps paths, g Gate, ringID, fileID, seq, pos, oldest uint64, known bool) (*gateFile, error) {
	f := &gateFile{paths: ps, gate: g, ringID: ringID, fileID: fileID, seq: seq}
	f.load = f.loadCursor
	for tries := 1; ; tries++ {
		err := f.open(known)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, mmap.ErrNotExist):
			err = f.make(seq, pos, (*mmap.File).CommitNew)
			f.made = err == nil
		case errors.Is(err, errOtherRing):
			err = f.make(seq, pos, (*mmap.File).Commit)
		case errors.Is(err, ErrCorrupt), errors.Is(err, ErrVersion):
			err = f.make(oldest, 0, (*mmap.File).Commit)
		case f.inTheWay(err):
			err = f.make(oldest, 0, (*mmap.File).CommitOver)
		}
		if err != nil && !errors.Is(err, mmap.ErrExist) && !errors.Is(err, mmap.ErrNotExist) || tries == 100 {
			return nil, fmt.Errorf("gate %q: %w", g.Name, err)
		}
	}
}

// errOtherRing: the file is of an earlier ring of this name.
var errOtherRing = errors.New("of another ring")

// errNotOurs: what has the gate's name is neither the publisher's nor the gate's owner's.
var errNotOurs = errors.New("another user's")

// inTheWay says whether err comes from something of another user that is no gate's file.
func (f *gateFile) inTheWay(err error) bool {
	if errors.Is(err, errNotOurs) {
		return true
	}
	for _, kind := range []error{mmap.ErrNotRegular, mmap.ErrSymlink, mmap.ErrPermission} {
		if errors.Is(err, kind) {
			i, err := os.Lstat(f.paths.sub(f.gate.Name))
			return err == nil && ownerOf(i) != uint32(os.Geteuid())
		}
	}
	return false
}

// open opens the file of that name and verifies it.
func (f *gateFile) open(known bool) error {
	file, err := mmap.Open(f.paths.sub(f.gate.Name), mmap.ReadOnly)
	if err != nil {
		return err
	}
	err = f.verify(file, known)
	if err != nil {
		file.Close()
		return err
	}
	var region *mmap.Region
	if self := uint32(os.Geteuid()); f.gate.Owner == 0 || f.gate.Owner == self {
		region, err = file.Map(mmap.MapOptions{Length: os.Getpagesize()})
	}
	if err != nil {
		file.Close()
		return err
	}
	f.close()
	f.file, f.region = file, region
	return nil
}

func (f *gateFile) verify(file *mmap.File, known bool) error {
	i, err := file.Stat()
	if err != nil {
		return err
	}
	self := uint32(os.Geteuid())
	switch {
	case i.UID != self && i.UID != 0 && i.UID != f.gate.Owner:
		return fmt.Errorf("%w: %s belongs to user %d", errNotOurs, file.Path(), i.UID)
	case !known && linked(i):
		return fmt.Errorf("%w: %s is the file of another gate", errNotOurs, file.Path())
	case !known && i.UID == self: // it may have been another gate's, which has a new one
		if only, err := file.GrantedOnly(f.owners()...); err != nil || !only {
			return fmt.Errorf("%w: %s can be written by others than the gate's owner", errNotOurs, file.Path())
		}
	}
	s, err := readSub(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file.Path(), err)
	}
	if s.ringID != f.ringID {
		return errOtherRing
	}
	if i.UID == self {
		return f.grant(file)
	}
	return nil
}

// linked says whether somebody who may write a file has given it a second name. He could
// harm who takes it for the one of that name.
func linked(i mmap.Info) bool { return i.Nlink > 1 && i.Mode&0o022 != 0 }

// grant lets the gate's owner and the publisher have the file, and nobody else.
func (f *gateFile) grant(file *mmap.File) error { return file.Grant(f.owners()...) }

// owners is who may write the file beside the publisher.
func (f *gateFile) owners() []uint32 {
	if f.gate.Owner == 0 || f.gate.Owner == uint32(os.Geteuid()) {
		return nil
	}
	return []uint32{f.gate.Owner}
}

// make makes the file.
func (f *gateFile) make(seq, pos uint64, commit func(*mmap.File) error) error {
	file, err := prepareSub(f.paths.sub(f.gate.Name), f.gate.Name, f.ringID, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() // removes it, if it was not committed
	if err := f.grant(file); err != nil {
		return err
	}
	var cursor [24]byte
	binary.LittleEndian.PutUint64(cursor[0:], seq)
	binary.LittleEndian.PutUint64(cursor[8:], pos)
	binary.LittleEndian.PutUint64(cursor[16:], f.fileID)
	if _, err := file.WriteAt(cursor[:], int64(unsafe.Offsetof(subFile{}.cursorSeq))); err != nil {
		return err
	}
	return commit(file)
}

// read is false for a cursor in another file of the ring: its owner has not come to
// this one yet.
func (f *gateFile) read(head uint64) (uint64, bool) {
	switch {
	case f.file == nil:
		return 0, false
	case f.region == nil:
		if f.pread() != nil {
			return 0, false
		}
	case mmap.Guard(f.load) != nil:
		return 0, false
	}
	fileID, pos, seq := f.loaded[0], f.loaded[1], f.loaded[2]
	if fileID != f.fileID || pos > head {
		return 0, false
	}
	f.seq = max(f.seq, seq)
	return pos, true
}

func (f *gateFile) loadCursor() error {
	s := (*subFile)(f.region.Base())
	f.loaded = [3]uint64{mem.LoadAcquire(&s.cursorFile), mem.LoadAcquire(&s.cursorPos), mem.LoadAcquire(&s.cursorSeq)}
	return nil
}

// pread reads the cursor with system calls. Nothing says that the kernel copies a word at
// once. A carry between two bytes of a growing number can make what it copies too large;
// but not in the same way twice, and the smaller of two is no larger than the second.
func (f *gateFile) pread() error {
	f.loaded = [3]uint64{noLimit, noLimit, noLimit}
	for range 2 {
		if _, err := f.file.ReadAt(f.buf[:], int64(unsafe.Offsetof(subFile{}.cursorSeq))); err != nil {
			return err
		}
		for i, w := range [3]int{16, 8, 0} {
			f.loaded[i] = min(f.loaded[i], binary.LittleEndian.Uint64(f.buf[w:]))
		}
	}
	return nil
}

// owned takes a file that cannot be asked for one that has an owner. It does not see the
// lock of somebody who may only read the file: he cannot have opened the gate.
func (f *gateFile) owned() bool {
	if f.file == nil {
		return true
	}
	held, err := f.file.LockedExclusively(lockWhole)
	return err != nil || held
}

// lookAgain opens what has the gate's name now, and makes the file anew if nothing has.
// But whoever has the file open that was removed goes on with that: as long as he does,
// it is the gate's. Not more often than every lookEvery.
func (f *gateFile) lookAgain() {
	now := time.Now()
	if now.Sub(f.looked) < lookEvery {
		return
	}
	f.looked = now
	if f.file != nil && f.file.Same(f.file.Path()) {
		return
	}
	// Position 0 is believed as little as any that is behind what was seen.
	if err := f.open(true); errors.Is(err, mmap.ErrNotExist) && !f.owned() {
		_ = f.make(f.seq, 0, (*mmap.File).CommitNew)
	} else if err != nil && f.inTheWay(err) {
		_ = f.make(f.seq, 0, (*mmap.File).CommitOver)
	}
}

func (f *gateFile) close() {
	if f.file != nil {
		if f.region != nil {
			f.region.Close()
		}
		f.file.Close()
		f.file, f.region = nil, nil
	}
}
