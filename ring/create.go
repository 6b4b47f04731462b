package ring

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// Create makes the ring called name and becomes its publisher. If the ring is there
// and has no publisher, because the last one closed it or died, Create goes on with
// it: the next message has the next sequence number, and subscribers notice nothing
// but the pause. If cfg asks for other sizes, stamps, schema or source than the ring
// has, or the ring is corrupt, of another version or from before the last boot, a new file
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
	p := &Publisher{paths: ps, stop: make(chan struct{}), beatEvery: cfg.beatEvery()}
	p.clock = tick.New()
	defer func() {
		if err != nil {
			p.abandon()
		}
	}()
	if err := p.takeRing(cfg.Group); err != nil {
		return nil, err
	}
	old, err := findOld(ps, cfg)
	if err != nil {
		return nil, err
	}
	defer old.close()
	if old.fits(cfg, p.clock.Kind()) {
		err = p.goOn(old)
	} else {
		err = p.replace(old, cfg)
	}
	if err != nil {
		return nil, err
	}
	p.startBeating()
	return p, nil
}

// oldRing is what Create found under the ring's name.
type oldRing struct {
	file   *mmap.File // nil: nothing was there
	ring   *ringFile  // nil: it is of no use
	region *mmap.Region
	head   head
	epoch  uint64
}

// findOld opens what is there. That it is of no use is not an error.
func findOld(ps paths, cfg Config) (_ *oldRing, err error) {
	o := &oldRing{}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	r, err := openRing(ps, mmap.ReadWrite)
	switch {
	case errors.Is(err, ErrNoRing):
		return o, nil
	case errors.Is(err, ErrVersion), errors.Is(err, ErrCorrupt), errors.Is(err, ErrStale), errors.Is(err, ErrNotRing):
		o.file, err = mmap.Open(ps.ring(), mmap.ReadWrite)
		return o, err
	case err != nil:
		return nil, err
	}
	o.file = r.file
	o.region, err = r.file.Map(mapOptions(mmap.ReadWrite, r.geo.fileSize(), cfg.NoPrefault, cfg.HugePages, cfg.Mlock))
	if err != nil {
		return nil, err
	}
	err = mmap.Guard(func() error {
		v := newView(o.region.Base(), r.geo)
		o.epoch = mem.LoadAcquire(&v.hdr.epoch)
		h, err := v.findHead()
		if err == nil {
			o.ring, o.head = r, h
		}
		return nil
	})
	return o, err
}

func (o *oldRing) close() {
	if o.region != nil {
		o.region.Close()
	}
	if o.file != nil {
		o.file.Close()
	}
}

// fits says whether the ring is there and what cfg asks for.
func (o *oldRing) fits(cfg Config, clock tick.Kind) bool {
	if o.ring == nil {
		return false
	}
	h := &o.ring.head
	return (cfg.Capacity == 0 || cfg.Capacity == h.capacity) &&
		(cfg.MaxMessage == 0 || cfg.MaxMessage == int(h.maxMessage)) &&
		(cfg.Schema == "" && cfg.SchemaHash == 0 || cfg.Schema == h.schemaName() && cfg.SchemaHash == h.schemaHash) &&
		(cfg.Source == "" || cfg.Source == h.sourceName()) &&
		uint32(cfg.Stamps) == h.stamps && uint32(clock) == h.clockKind
}

// goOn continues the old ring in its file.
func (p *Publisher) goOn(o *oldRing) error {
	p.file, p.region = o.file, o.region
	o.file, o.region = nil, nil
	p.adopt(o.ring.head, o.ring.geo, o.epoch+1)
	return mmap.Guard(func() error {
		p.resume(o.head)
		a, ok := p.view.clock()
		if !ok || !tick.Scale(a.scale).Valid() {
			a.scale = uint64(p.clock.Calibrate(calibrateFor))
		}
		p.announce(a.scale)
		return nil
	})
}

// replace makes a new file and tells those who have the old one.
func (p *Publisher) replace(o *oldRing, cfg Config) error {
	first, id := uint64(1), uint64(0)
	if o.ring != nil {
		h := &o.ring.head
		first, id = o.head.seq, h.ringID
		if cfg.Capacity == 0 || cfg.Capacity == h.capacity {
			cfg.Capacity = h.capacity
			if cfg.MaxMessage == 0 {
				cfg.MaxMessage = int(h.maxMessage)
			}
		}
		if cfg.Schema == "" && cfg.SchemaHash == 0 {
			cfg.Schema, cfg.SchemaHash = h.schemaName(), h.schemaHash
		}
		if cfg.Source == "" {
			cfg.Source = h.sourceName()
		}
	}
	if err := p.build(cfg, first, id, o.epoch+1); err != nil {
		return err
	}
	if o.file != nil {
		supersede(o.file)
	}
	return nil
}

// supersede tells the subscribers of a ring's file that it is not the ring any more,
// if the file is of this layout. Others find out by asking for the publisher's state.
func supersede(f *mmap.File) {
	var start [16]byte
	if size, err := f.Size(); err != nil || size < dataOffset {
		return
	}
	if _, err := f.ReadAt(start[:], 0); err != nil {
		return
	}
	if binary.LittleEndian.Uint64(start[:]) == ringMagic && binary.LittleEndian.Uint32(start[8:]) == layoutVersion {
		state := [8]byte{stateSuperseded}
		_, _ = f.WriteAt(state[:], int64(stateOffset)) // best effort, see above
	}
}

// calibrateFor is how long a tick is measured when a ring is made; heartbeats
// measure better later.
const calibrateFor = 10 * time.Millisecond

// build makes a new file and gives it the ring's name. id 0 is a new ring.
func (p *Publisher) build(cfg Config, firstSeq, id, epoch uint64) error {
	if cfg.Capacity == 0 {
		cfg.Capacity = defaultCapacity
	}
	g, err := newGeometry(cfg.Capacity, uint64(cfg.MaxMessage))
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
