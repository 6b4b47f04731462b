package ring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// ringFile is an open and verified ring file.
type ringFile struct {
	file  *mmap.File
	fixed header // as it was on opening; the constant part is to be trusted
	geo   geometry
}

// openRing opens a ring's file and verifies it: kind of file, version, checksum,
// sizes against the real size of the file. It reads without mapping, so nothing
// that another process does to the file meanwhile can hurt.
func openRing(p paths, access mmap.Access) (*ringFile, error) {
	f, err := mmap.Open(p.ring(), access)
	if err != nil {
		if errors.Is(err, mmap.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", ErrNoRing, err)
		}
		return nil, err
	}
	r := &ringFile{file: f}
	if err := r.verify(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", p.ring(), err)
	}
	return r, nil
}

func (r *ringFile) verify() error {
	size, err := r.file.Size()
	if err != nil {
		return err
	}
	h := &r.fixed
	if size < dataOffset {
		return fmt.Errorf("%w: it has %d bytes and a ring has more", ErrNotRing, size)
	}
	if _, err := r.file.ReadAt(unsafe.Slice((*byte)(unsafe.Pointer(h)), unsafe.Sizeof(*h)), 0); err != nil {
		return err
	}
	switch {
	case h.magic == 0:
		return fmt.Errorf("%w: it has no magic number, so it was never finished; remove it", ErrNotRing)
	case h.magic != ringMagic:
		return fmt.Errorf("%w: it begins with %#x", ErrNotRing, h.magic)
	case h.version != layoutVersion:
		return fmt.Errorf("%w: the ring has version %d, this build reads %d; use a build of the ring's version, or remove the ring", ErrVersion, h.version, layoutVersion)
	case h.checksum != h.sum():
		return fmt.Errorf("%w: the header's checksum is %#x and should be %#x; remove the ring", ErrCorrupt, h.checksum, h.sum())
	}
	r.geo = geometry{capacity: h.capacity, block: h.block, maxMessage: uint64(h.maxMessage), firstSeq: h.firstSeq}
	if err := r.geo.check(size); err != nil {
		return err
	}
	switch {
	case h.stamps != uint32(StampEvery) && h.stamps != uint32(StampNone):
		return fmt.Errorf("%w: stamp policy %d is unknown", ErrCorrupt, h.stamps)
	case h.clockKind != uint32(tick.Counter) && h.clockKind != uint32(tick.Monotonic):
		return fmt.Errorf("%w: clock %d is unknown", ErrCorrupt, h.clockKind)
	case h.bootID != bootID():
		return fmt.Errorf("%w: it was made on this directory before the host booted, or on another host; remove the ring", ErrStale)
	}
	return nil
}

// superseded is an error if the file said when it was opened that it is not the ring any
// more: it has been replaced, or Remove is at it, or was killed at it.
func (r *ringFile) superseded() error {
	switch {
	case r.fixed.state != stateSuperseded:
		return nil
	case !r.file.Same(r.file.Path()):
		return errStaleRing
	}
	return fmt.Errorf("%w: %s is there, but its removal has begun; remove it again, or create the ring", ErrNoRing, r.file.Path())
}

func (h *header) schemaName() string { return cString(h.schema[:]) }
func (h *header) sourceName() string { return cString(h.source[:]) }

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// bootID identifies the host's present run. All 0 where the system does not tell.
func bootID() (id [16]byte) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return id
	}
	n := 0
	for _, c := range strings.TrimSpace(string(text)) {
		d := strings.IndexRune("0123456789abcdef", c)
		if d < 0 || n == 2*len(id) {
			continue
		}
		id[n/2] = id[n/2]<<4 | byte(d)
		n++
	}
	return id
}
