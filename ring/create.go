package ring

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// Create makes the ring called name and becomes its publisher. If the ring is there
// and has no publisher, because the last one closed it or died, Create goes on with
// it: the next message has the next sequence number, and subscribers notice nothing
// but the pause.
//
// If cfg asks for other sizes, stamps, schema or source than the ring has, or the ring
// is corrupt, of another version, from before the last boot, or stamped with a clock
// that this build cannot read, a new file takes its place. The sequence goes on if it
// can be known, and subscribers of the old file learn that it is superseded.
//
// Errors: [ErrName], [ErrConfig], [ErrPublisherActive], and those of package mmap,
// among them mmap.ErrNoSpace. Whatever fails leaves everything as it was.
func Create(name string, cfg Config) (*Publisher, error) {
	p, err := create(name, cfg, func(p *Publisher) (*oldRing, error) {
		return nil, p.takeRing(cfg.Group)
	})
	if err != nil {
		return nil, fmt.Errorf("ring: create %q: %w", name, err)
	}
	return p, nil
}

// create makes a publisher as soon as take has got the ring's lock. take also returns
// what it has made ready of the ring that is there, if anything.
func create(name string, cfg Config, take func(*Publisher) (*oldRing, error)) (_ *Publisher, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	ps, err := pathsOf(cfg.Dir, name)
	if err != nil {
		return nil, err
	}
	p := &Publisher{paths: ps, stop: make(chan struct{}), beatEvery: cfg.beatEvery()}
	p.clock = tick.New()
	p.onLag, p.onDemote = cfg.OnLag, cfg.OnDemote
	defer func() {
		if err != nil {
			p.abandon()
		}
	}()
	ready, err := take(p)
	if err != nil {
		return nil, err
	}
	old, err := findOld(ps, cfg, ready)
	if err != nil {
		return nil, err
	}
	defer old.close()
	if old.ring != nil {
		old.why = old.misfit(cfg, p.clock.Kind())
	}
	var late *lateness
	if cfg.Spikes > 0 {
		if late, err = newLateness(ps, cfg); err != nil {
			return nil, err
		}
		defer func() {
			if p.late == nil {
				late.close()
			}
		}()
	}
	// A file can be cut short also while it has only a temporary name.
	err = mmap.Guard(func() error {
		if old.ring != nil && old.why == nil {
			return p.goOn(old, cfg)
		}
		return p.replace(old, cfg)
	})
	if err == nil && late != nil {
		if err = p.recordLateness(late); err != nil {
			_ = mmap.Guard(func() error { p.setState(stateClosed); return nil })
		}
	}
	if err != nil {
		return nil, err
	}
	p.startBeating()
	if cfg.Waker {
		p.startWaker(WakerOptions{Wait: cfg.WakerWait})
	}
	return p, nil
}

// takeRing makes this process the ring's one publisher: the ring's directory, the lock,
// and, once that is held, what else has to be there.
func (p *Publisher) takeRing(group bool) error {
	base, dir, subs := os.FileMode(0o700), os.FileMode(0o700), os.FileMode(0o700)
	if group {
		base, dir, subs = 0o750|os.ModeSetgid, 0o750|os.ModeSetgid, 0o770|os.ModeSetgid|os.ModeSticky
	}
	for tries := 1; ; tries++ {
		err := p.makeDir(p.paths.base, base)
		if err == nil {
			err = p.makeDir(p.paths.dir, dir)
		}
		if err == nil {
			p.lock, err = takeLock(p.paths)
		}
		if err == nil {
			break
		}
		// Another Create that failed, or a Remove, can take the directory away under
		// us, and the holder of the lock what we had not finished.
		if !errors.Is(err, mmap.ErrNotExist) || tries == 100 {
			return err
		}
	}
	if p.lock.made {
		p.made = append(p.made, p.paths.lock())
	}
	if err := p.paths.removeTemps(); err != nil {
		return err
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

// abandon ends a Create that failed. What it has made goes, the last first; directories
// only if they are empty, and whoever is about to use one makes it again. Files it has
// made only with the lock, and has it still.
func (p *Publisher) abandon() {
	if p.file != nil {
		p.file.Close() // an unfinished ring goes with it
	}
	for i := len(p.made) - 1; i >= 0; i-- {
		os.Remove(p.made[i])
	}
	p.release()
}

// oldRing is what there is under the ring's name.
type oldRing struct {
	file   *mmap.File // nil: nothing was there
	ring   *ringFile  // nil: it is of no use
	why    error      // ... because of this
	region *mmap.Region
	head   head
	epoch  uint64
}

// findOld opens what is there, unless ready is that already, and finds its head. That
// it is of no use is not an error. Only for the holder of the lock.
func findOld(ps paths, cfg Config, ready *oldRing) (o *oldRing, err error) {
	if o = ready; !o.current(ps) {
		o.close()
		o, err = openOld(ps, cfg)
	}
	if err != nil || o.ring == nil {
		return o, err
	}
	err = mmap.Guard(func() error {
		v := newView(o.region.Base(), o.ring.geo)
		o.epoch = mem.LoadAcquire(&v.hdr.epoch)
		if o.head, o.why = v.findHead(); o.why != nil {
			o.ring = nil
		}
		return nil
	})
	if err != nil {
		o.close()
	}
	return o, err
}

// openOld opens and maps what is there.
func openOld(ps paths, cfg Config) (*oldRing, error) {
	o := &oldRing{}
	r, err := openRing(ps, mmap.ReadWrite)
	switch {
	case errors.Is(err, ErrNoRing):
		return o, nil
	case errors.Is(err, ErrVersion), errors.Is(err, ErrCorrupt), errors.Is(err, ErrStale), errors.Is(err, ErrNotRing):
		o.why = err
		o.file, err = mmap.Open(ps.ring(), mmap.ReadWrite)
		return o, err
	case err != nil:
		return o, err
	}
	o.file, o.ring = r.file, r
	o.region, err = r.file.Map(mapOptions(mmap.ReadWrite, r.geo.fileSize(), cfg.NoPrefault, cfg.HugePages, cfg.Mlock))
	if err != nil {
		o.close()
	}
	return o, err
}

// current says whether what was opened some time ago is sound and has the ring's name
// now, and reads its header again.
func (o *oldRing) current(ps paths) bool {
	if o == nil || o.ring == nil || !o.file.Same(ps.ring()) {
		return false
	}
	now := &ringFile{file: o.file}
	if now.verify() != nil || now.geo != o.ring.geo {
		return false
	}
	o.ring = now
	return true
}

func (o *oldRing) close() {
	if o == nil {
		return
	}
	if o.region != nil {
		o.region.Close()
	}
	if o.file != nil {
		o.file.Close()
	}
}

// misfit says in what the ring is not what cfg asks for.
func (o *oldRing) misfit(cfg Config, clock tick.Kind) error {
	h := &o.ring.fixed
	switch {
	case cfg.Capacity != 0 && cfg.Capacity != h.capacity:
		return fmt.Errorf("its capacity was %d bytes and %d are wanted", h.capacity, cfg.Capacity)
	case cfg.MaxMessage != 0 && cfg.MaxMessage != int(h.maxMessage):
		return fmt.Errorf("its limit was %d bytes a message and %d are wanted", h.maxMessage, cfg.MaxMessage)
	case cfg.Schema != "" && cfg.Schema != h.schemaName():
		return fmt.Errorf("its schema was %q and %q is wanted", h.schemaName(), cfg.Schema)
	case cfg.SchemaHash != 0 && cfg.SchemaHash != h.schemaHash:
		return fmt.Errorf("its schema had hash %#x and %#x is wanted", h.schemaHash, cfg.SchemaHash)
	case cfg.Source != "" && cfg.Source != h.sourceName():
		return fmt.Errorf("its source was %q and %q is wanted", h.sourceName(), cfg.Source)
	case cfg.Stamps != StampDefault && uint32(cfg.Stamps) != h.stamps:
		return fmt.Errorf("its stamps were %q and %q are wanted", Stamps(h.stamps), cfg.Stamps)
	case uint32(clock) != h.clockKind:
		return fmt.Errorf("its stamps count the %v clock and this build reads the %v one", tick.Kind(h.clockKind), clock)
	}
	return nil
}

// goOn continues the old ring in its file. It may fault, as replace may.
func (p *Publisher) goOn(o *oldRing, cfg Config) error {
	p.file, p.region = o.file, o.region
	o.file, o.region = nil, nil
	p.adopt(o.ring.fixed, o.ring.geo, o.epoch+1)
	p.resume(o.head)
	if err := p.adoptGates(); err != nil {
		return err
	}
	if err := p.addGates(cfg.Gates); err != nil {
		return err
	}
	a, ok := p.view.clock()
	if !ok || !tick.Scale(a.scale).Valid() {
		a.scale = uint64(p.clock.Calibrate(calibrateFor))
	}
	p.announce(a.scale)
	return nil
}

// replace makes a new file and tells those who have the old one.
func (p *Publisher) replace(o *oldRing, cfg Config) error {
	first, id := uint64(1), uint64(0)
	if o.ring != nil {
		h := &o.ring.fixed
		first, id = o.head.seq, h.ringID
		if cfg.Capacity == 0 || cfg.Capacity == h.capacity {
			cfg.Capacity = h.capacity
			if cfg.MaxMessage == 0 {
				cfg.MaxMessage = int(h.maxMessage)
			}
		}
		// One of the two is taken over only if the other is not another one.
		if (cfg.Schema == "" || cfg.Schema == h.schemaName()) && (cfg.SchemaHash == 0 || cfg.SchemaHash == h.schemaHash) {
			cfg.Schema, cfg.SchemaHash = h.schemaName(), h.schemaHash
		}
		if cfg.Source == "" {
			cfg.Source = h.sourceName()
		}
		if cfg.Stamps == StampDefault {
			cfg.Stamps = Stamps(h.stamps)
		}
	}
	gates, err := o.gates(p.paths)
	if err != nil {
		return err
	}
	for _, g := range gates {
		if !slices.ContainsFunc(cfg.Gates, func(n Gate) bool { return n.Name == g.Name }) {
			cfg.Gates = append(cfg.Gates[:len(cfg.Gates):len(cfg.Gates)], g)
		}
	}
	if err := p.build(cfg, first, id, o.epoch+1); err != nil {
		return err
	}
	if o.file != nil {
		p.replaced = o.why
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
		wakeFile(f)
	}
}

// calibrateFor is how long a tick is measured when a ring is made; heartbeats
// measure better later.
const calibrateFor = 10 * time.Millisecond

// build makes a new file and gives it the ring's name. id 0 is a new ring.
func (p *Publisher) build(cfg Config, firstSeq, id, epoch uint64) error {
	if cfg.Capacity == 0 {
		cfg.Capacity = DefaultCapacity
	}
	if cfg.Stamps == StampDefault {
		cfg.Stamps = StampEvery
	}
	g, err := newGeometry(cfg.Capacity, uint64(cfg.MaxMessage))
	if err != nil {
		return err
	}
	if id == 0 {
		id = randomID()
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
		fileID:     randomID(),
	}
	copy(h.schema[:], cfg.Schema)
	copy(h.source[:], cfg.Source)
	h.checksum = h.sum()
	magic := h.magic
	h.magic = 0
	*(*header)(p.region.Base()) = h // nobody else has the file yet
	p.adopt(h, g, epoch)
	p.begin(firstSeq)
	if err := p.addGates(cfg.Gates); err != nil {
		return err
	}
	p.announce(uint64(p.clock.Calibrate(calibrateFor)))
	mem.Exchange(&p.hdr.magic, magic)
	p.fixed.magic = magic
	return f.Commit()
}

// randomID is not 0.
func randomID() uint64 {
	for {
		var b [8]byte
		rand.Read(b[:]) // never fails
		if id := binary.LittleEndian.Uint64(b[:]); id != 0 {
			return id
		}
	}
}
