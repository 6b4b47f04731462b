package ring

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// A Publisher writes a ring; a ring has one at a time. Publish, Seq and Close are for
// one goroutine, the other methods for any.
type Publisher struct {
	publisher

	paths  paths
	head   header // the constant part
	epoch  uint64
	lock   *mmap.File
	pinned *mmap.Region // a page of lock: no stray close releases it
	file   *mmap.File
	region *mmap.Region

	beats   sync.Mutex // one heartbeat at a time
	first   clockAnchor
	present bool // presenceByte is locked
	stop    chan struct{}
	done    sync.WaitGroup
	once    sync.Once
}

// Create makes the ring called name and becomes its publisher. If the ring is there
// and has no publisher, because the last one closed it or died, Create goes on with
// it: the next message has the next sequence number, and subscribers notice nothing
// but the pause. If cfg asks for other sizes, stamps or schema than the ring has, or
// the ring is corrupt, of another version or from before the last boot, a new file
// takes its place; the sequence goes on if it can be known, and subscribers of the
// old file learn that it is superseded.
//
// Errors: [ErrName], [ErrConfig], [ErrPublisherActive], and those of package mmap,
// among them mmap.ErrNoSpace. Whatever fails leaves everything as it was.
func Create(name string, cfg Config) (*Publisher, error) {
	p, err := create(name, cfg)
	if err != nil {
		return nil, fmt.Errorf("ring: create %q: %w", name, err)
	}
	return p, nil
}

func create(name string, cfg Config) (_ *Publisher, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	ps, err := pathsOf(cfg.Dir, name)
	if err != nil {
		return nil, err
	}
	if cfg.Capacity != 0 || cfg.MaxMessage != 0 {
		// Refuse sizes that no ring has before anything is made.
		if _, err := newGeometry(cfg.capacity(), uint64(cfg.MaxMessage)); err != nil {
			return nil, err
		}
	}
	undo, err := ps.make(cfg.Group)
	if err != nil {
		return nil, err
	}
	p := &Publisher{paths: ps, stop: make(chan struct{})}
	p.clock = tick.New()
	defer func() {
		if err != nil {
			p.release()
			undo()
		}
	}()
	if err := p.takeLock(); err != nil {
		return nil, err
	}
	if _, err := mmap.RemoveTemp(ps.ring()); err != nil {
		return nil, err
	}
	old, err := openRing(ps, mmap.ReadWrite)
	switch {
	case err == nil:
		err = p.continueOn(old, cfg)
	case errors.Is(err, ErrNoRing):
		err = p.build(cfg, 1, 0, 1)
	case errors.Is(err, ErrVersion), errors.Is(err, ErrCorrupt), errors.Is(err, ErrStale), errors.Is(err, ErrNotRing):
		err = p.build(cfg, 1, 0, 1)
	}
	if err != nil {
		return nil, err
	}
	p.startBeating(cfg.beatEvery())
	return p, nil
}

func (c *Config) capacity() uint64 {
	if c.Capacity == 0 {
		return defaultCapacity
	}
	return c.Capacity
}

// takeLock makes this process the ring's one publisher.
func (p *Publisher) takeLock() error {
	for {
		f, _, err := mmap.OpenOrCreate(p.paths.lock(), mmap.CreateOptions{Size: int64(os.Getpagesize())})
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
		p.pinned, err = f.Map(mmap.MapOptions{Length: os.Getpagesize()})
		return err
	}
}

// continueOn goes on with the ring in old, or replaces it where cfg asks for
// another. It owns old.
func (p *Publisher) continueOn(old *ringFile, cfg Config) error {
	keep := false
	defer func() {
		if !keep {
			old.file.Close()
		}
	}()
	region, err := old.file.Map(mapOptions(mmap.ReadWrite, old.geo.fileSize(), cfg.NoPrefault, cfg.HugePages, cfg.Mlock))
	if err != nil {
		return err
	}
	defer func() {
		if !keep {
			region.Close()
		}
	}()
	var head head
	var epoch uint64
	fault := mmap.Guard(func() error {
		p.view = newView(region.Base(), old.geo)
		epoch = mem.LoadAcquire(&p.hdr.epoch)
		head, err = p.findHead()
		return nil
	})
	switch {
	case fault != nil:
		return fault
	case err != nil: // corrupt: nothing in it can be relied on
		if err := p.build(cfg, 1, 0, epoch+1); err != nil {
			return err
		}
	case !old.fits(cfg, p.clock.Kind()):
		if err := p.build(cfg, head.seq, old.head.ringID, epoch+1); err != nil {
			return err
		}
	default:
		keep = true
		p.file, p.region = old.file, region
		p.adopt(old.head, old.geo, epoch+1)
		return mmap.Guard(func() error {
			if err := p.resume(); err != nil {
				return err
			}
			a, ok := p.view.clock()
			if !ok || !tick.Scale(a.scale).Valid() {
				a.scale = uint64(p.clock.Calibrate(calibrateFor))
			}
			p.announce(a.scale)
			return nil
		})
	}
	// The new file is in place. Who still reads the old one is told.
	return mmap.Guard(func() error {
		v := newView(region.Base(), old.geo)
		v.setState(stateSuperseded)
		return nil
	})
}

// calibrateFor is how long a tick is measured when a ring is made; heartbeats
// measure better later.
const calibrateFor = 10 * time.Millisecond

// fits says whether the ring is what cfg asks for.
func (r *ringFile) fits(cfg Config, clock tick.Kind) bool {
	h := &r.head
	return (cfg.Capacity == 0 || cfg.Capacity == h.capacity) &&
		(cfg.MaxMessage == 0 || uint64(cfg.MaxMessage) == uint64(h.maxMessage)) &&
		(cfg.Schema == "" || cfg.Schema == h.schemaName() && cfg.SchemaHash == h.schemaHash) &&
		(cfg.Source == "" || cfg.Source == h.sourceName()) &&
		uint32(cfg.Stamps) == h.stamps && uint32(clock) == h.clockKind &&
		uint32(cfg.beatEvery()/time.Millisecond) == h.beatEvery
}

// build makes a new file and gives it the ring's name. id 0 is a new ring.
func (p *Publisher) build(cfg Config, firstSeq, id, epoch uint64) error {
	g, err := newGeometry(cfg.capacity(), uint64(cfg.MaxMessage))
	if err != nil {
		return err
	}
	for id == 0 {
		var b [8]byte
		rand.Read(b[:]) // never fails
		id = binary.LittleEndian.Uint64(b[:])
	}
	perm := os.FileMode(0o600)
	if cfg.Group {
		perm = 0o640
	}
	f, err := mmap.Create(p.paths.ring(), mmap.CreateOptions{Size: g.fileSize(), Perm: perm})
	if err != nil {
		return err
	}
	p.file = f // release discards it until it is committed
	p.region, err = f.Map(mapOptions(mmap.ReadWrite, g.fileSize(), cfg.NoPrefault, cfg.HugePages, cfg.Mlock))
	if err != nil {
		return err
	}
	h := header{
		magic:      ringMagic,
		version:    layoutVersion,
		capacity:   g.capacity,
		block:      g.block,
		maxMessage: uint32(g.maxMessage),
		stamps:     uint32(cfg.Stamps),
		clockKind:  uint32(p.clock.Kind()),
		beatEvery:  uint32(cfg.beatEvery() / time.Millisecond),
		ringID:     id,
		created:    uint64(time.Now().UnixNano()),
		bootID:     bootID(),
		schemaHash: cfg.SchemaHash,
		firstSeq:   firstSeq,
	}
	copy(h.schema[:], cfg.Schema)
	copy(h.source[:], cfg.Source)
	h.checksum = h.sum()
	magic := h.magic
	h.magic = 0
	*(*header)(p.region.Base()) = h // nobody else has the file yet
	p.adopt(h, g, epoch)
	p.begin(firstSeq)
	p.announce(uint64(p.clock.Calibrate(calibrateFor)))
	mem.Exchange(&p.hdr.magic, magic)
	p.head.magic = magic
	return f.Commit()
}

// adopt takes over what is constant.
func (p *Publisher) adopt(h header, g geometry, epoch uint64) {
	p.view = newView(p.region.Base(), g)
	p.head = h
	p.epoch = epoch
	p.maxMessage = g.maxMessage
	switch {
	case Stamps(h.stamps) == StampNone:
		p.stamping = stampNone
	case tick.Kind(h.clockKind) == tick.Counter:
		p.stamping = stampTicks
	default:
		p.stamping = stampClock
	}
}

// announce says that the ring has a publisher.
func (p *Publisher) announce(scale uint64) {
	ticks, mono := p.clock.Pair()
	p.first = clockAnchor{ticks: ticks, mono: mono, scale: scale}
	p.showPresence()
	mem.Store(&p.hdr.epoch, p.epoch)
	mem.Store(&p.hdr.pid, uint64(os.Getpid()))
	mem.Store(&p.hdr.opened, uint64(time.Now().UnixNano()))
	p.beat()
	p.setState(stateLive)
}

// Seq returns the sequence number of the last message, or 0 before the first.
func (p *Publisher) Seq() uint64 { return p.seq - 1 }

// Name returns the ring's name.
func (p *Publisher) Name() string { return p.paths.name }

// Epoch returns how many publishers the ring has had, this one included.
func (p *Publisher) Epoch() uint64 { return p.epoch }

// Capacity returns the ring's size in bytes of frames.
func (p *Publisher) Capacity() uint64 { return p.head.capacity }

// MaxMessage returns the largest message in bytes.
func (p *Publisher) MaxMessage() int { return int(p.head.maxMessage) }

// Close says that nothing will follow, and lets go of the ring. The ring stays, for
// subscribers to read to the end, until [Remove]. A second Close does nothing.
func (p *Publisher) Close() error {
	p.once.Do(func() {
		p.closed, p.end = true, 0 // Publish goes the slow way and finds out
		close(p.stop)
		p.done.Wait()
		p.beats.Lock()
		defer p.beats.Unlock()
		_ = mmap.Guard(func() error {
			p.setState(stateClosed)
			return nil
		}) // a ring that somebody cut short needs no last word
		p.release()
	})
	return nil
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

func mapOptions(a mmap.Access, size int64, noPrefault, huge, lock bool) mmap.MapOptions {
	return mmap.MapOptions{Length: int(size), Access: a, Prefault: !noPrefault, HugePages: huge, Lock: lock}
}

const _ = uint(unsafe.Sizeof(uintptr(0)) - 8) // positions and sizes need 64 bits
