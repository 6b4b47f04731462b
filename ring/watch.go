package ring

import (
	"bytes"
	"fmt"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// A Watch looks at a ring again and again. It tells what [Stat] tells, and what has come
// since the last look, for a fraction of the cost: it keeps the files open, as long as there
// are file descriptors for all of them, and of the newest block it walks what it has not
// walked yet. It changes nothing, and maps the ring read-only; what others do to the files
// makes an error at worst. It is for one goroutine.
type Watch struct {
	paths  paths
	ring   *ringFile // nil: to be opened
	region *mmap.Region
	view   view
	tail   tail
	clock  clockAnchor // as of this look; without a scale it is not known

	schema, source string
	lean           bool   // files of subscribers are open only while they are looked at
	files          uint64 // that had this name
	fileID         uint64 // of the last of them

	subs   []*watchedFile // by name
	own    watchedFile    // the publisher's
	looked time.Time      // when the last look began; zero: there was none
	now    time.Time      // when this one did
	buf    subFile        // what is read of a subscriber's file
	head   header         // what is read of the ring's
}

// Sight is what a [Watch] saw of a ring.
type Sight struct {
	Info            // Subscribers and Late are nil: see Subs and Own
	Subs []SubSight // by name
	Own  *PubSight  // the publisher's own file; nil: it has none
	// Replaced counts the files of this name that the Watch has seen come after the first.
	Replaced uint64
}

// SubSight is what a [Watch] saw of a subscriber.
type SubSight struct {
	SubscriberInfo // Latency is nil: see Counts
	// Unread is how long ago the message at the cursor was published: 0 if it is yet to
	// come, -1 if that is not known.
	Unread time.Duration

	Latencies
}

// PubSight is what a [Watch] saw of the publisher's own file.
type PubSight struct {
	PublisherInfo // Latency is nil: see Counts
	Latencies
}

// Latencies is what a [Watch] saw of the histogram in a file.
type Latencies struct {
	// Counts has what was measured since the file's owner opened it, nil if that is
	// nothing. It is the Watch's, and good until its next look.
	Counts *Counts
	// New is what has been added to Counts since the last look, in the order of the buckets.
	// It is good until the next look.
	New []Count
	// Anew says that counting has begun anew since the last look: the counters are those of
	// another session, or they went down, or this is the first look. New has then all that
	// was measured since the last look, or nothing if that cannot be told.
	Anew bool
}

// OpenWatch begins to watch a ring; dir is empty for [DefaultDir]. The ring may be yet to
// come. Errors: [ErrName].
func OpenWatch(dir, name string) (*Watch, error) {
	ps, err := pathsOf(dir, name)
	if err != nil {
		return nil, fmt.Errorf("ring: watch %q: %w", name, err)
	}
	return newWatch(ps), nil
}

func newWatch(ps paths) *Watch {
	return &Watch{paths: ps, own: watchedFile{path: ps.publisher(), magic: pubMagic}}
}

// Look looks at the ring and at its subscribers once, and fills s, of which it uses the
// memory again. A ring that was removed and made anew, or replaced, is another file of the
// same name: the look finds it. What is wrong with a subscriber's file stands in its Err.
//
// Errors: those of [Stat], [ErrNoRing] among them. There is nothing in s then but the name,
// the path and Replaced, and the next Look begins from the start.
func (w *Watch) Look(s *Sight) error {
	subs := s.Subs[:0]
	*s = Sight{}
	w.now = time.Now()
	err := w.look(s, subs)
	if err != nil {
		w.forget()
		*s = Sight{Info: Info{Name: w.paths.name, Path: w.paths.dir}, Subs: subs}
		err = fmt.Errorf("ring: watch %q: %w", w.paths.name, err)
	}
	if w.files > 0 {
		s.Replaced = w.files - 1
	}
	w.looked = w.now
	return err
}

// Close lets go of all files. The Watch may look again.
func (w *Watch) Close() error {
	w.forget()
	return nil
}

// forget closes everything.
func (w *Watch) forget() {
	for _, u := range w.subs {
		u.close()
	}
	w.subs = nil
	w.own.close()
	w.leave()
}

// leave closes the ring's file.
func (w *Watch) leave() {
	if w.region != nil {
		w.region.Close()
		w.region = nil
	}
	if w.ring != nil {
		w.ring.file.Close()
		w.ring = nil
	}
}

func (w *Watch) look(s *Sight, subs []SubSight) error {
	life, err := w.find()
	if err != nil {
		return err
	}
	return w.lookAt(life, s, subs)
}

// lookAt looks at the ring that is open, and fills s, with the memory of subs.
func (w *Watch) lookAt(life Life, s *Sight, subs []SubSight) error {
	h := &w.ring.fixed
	s.Info = Info{
		Name: w.paths.name, Path: w.paths.dir,
		Capacity: h.capacity, Block: h.block, MaxMessage: int(h.maxMessage), Stamps: Stamps(h.stamps),
		Schema: w.schema, SchemaHash: h.schemaHash, Source: w.source,
		Created: unixTime(h.created), Publisher: life, First: h.firstSeq,
	}
	s.Waker, _ = w.ring.file.LockedExclusively(wakerByte)
	var gates []GateLag
	err := mmap.Guard(func() error {
		gates = w.lookAtRing(&s.Info)
		return nil
	})
	if err != nil {
		return err
	}
	s.Own = w.lookAtOwn()
	s.Subs, err = w.lookAtSubs(subs, gates, s.Last, s.Err == nil)
	return err
}

// find makes sure that the ring's file is open which has the name now, and is what it was.
func (w *Watch) find() (Life, error) {
	for tries := 1; ; tries++ {
		if w.ring == nil {
			if err := w.open(); err != nil {
				return 0, err
			}
		}
		life := w.ring.life()
		switch {
		case life != Replaced && w.unchanged():
			return life, nil
		case tries < 3:
			w.leave()
		case life == Replaced:
			return life, w.ring.superseded()
		default:
			return 0, fmt.Errorf("%w: the header of %s changes all the time", ErrCorrupt, w.paths.ring())
		}
	}
}

func (w *Watch) open() error {
	if err := w.paths.checkToLook(); err != nil {
		return err
	}
	r, err := openRing(w.paths, mmap.ReadOnly)
	if err != nil {
		return err
	}
	region, err := r.file.Map(mapOptions(mmap.ReadOnly, r.geo.fileSize(), true, false, false))
	if err != nil {
		r.file.Close()
		return err
	}
	w.ring, w.region, w.view, w.tail = r, region, newView(region.Base(), r.geo), tail{}
	w.schema, w.source = r.fixed.schemaName(), r.fixed.sourceName()
	if w.files == 0 || w.fileID != r.fixed.fileID {
		w.files++
		w.fileID = r.fixed.fileID
	}
	return nil
}

// unchanged says whether the file has the size and the constant part that it had.
func (w *Watch) unchanged() bool {
	constant := func(h *header) []byte {
		return unsafe.Slice((*byte)(unsafe.Pointer(h)), unsafe.Offsetof(h.claimed))
	}
	size, err := w.ring.file.Size()
	if err != nil || size != w.ring.geo.fileSize() {
		return false
	}
	_, err = w.ring.file.ReadAt(constant(&w.head), 0)
	return err == nil && bytes.Equal(constant(&w.head), constant(&w.ring.fixed))
}

// lookAtRing reads what changes in a ring. It may fault.
func (w *Watch) lookAtRing(i *Info) []GateLag {
	v := &w.view
	i.Epoch = mem.LoadAcquire(&v.hdr.epoch)
	i.PID = int(mem.LoadAcquire(&v.hdr.pid))
	i.Opened = unixTime(mem.LoadAcquire(&v.hdr.opened))
	if beat, now := mem.LoadAcquire(&v.hdr.beat), tick.Mono(); now > beat {
		i.Beat = time.Duration(now - beat)
	}
	w.clock = clockAnchor{}
	if a, ok := v.clock(); ok {
		w.clock = a
		i.TickHz = tick.Scale(a.scale).Hz()
	}
	i.Mark, i.Refused = v.mark(), mem.LoadAcquire(&v.hdr.refused)
	if i.Err = w.tail.follow(v); i.Err == nil {
		i.Oldest, i.Last = w.tail.oldest, w.tail.seq-1
	}
	return v.listGates()
}
