package ring

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// A Publisher writes a ring; a ring has one at a time. All that publishes, Seq and Close
// are for one goroutine, the other methods for any.
type Publisher struct {
	publisher

	paths  paths
	fixed  header // the constant part
	epoch  uint64
	lock   *ringLock
	made   []string // files and directories, which a Create that fails takes away
	file   *mmap.File
	region *mmap.Region

	beatEvery time.Duration // 0: Beat is the caller's business
	beats     sync.Mutex    // one heartbeat at a time
	first     clockAnchor
	doubt     tick.Scale // the last one measured that was not near first.scale
	present   bool       // presenceByte is locked
	stop      chan struct{}
	stopped   atomic.Bool // the same, for the waker
	done      sync.WaitGroup
	once      sync.Once

	replaced error
}

// adopt takes over what is constant.
func (p *Publisher) adopt(h header, g geometry, epoch uint64) {
	p.fixed = h
	p.epoch = epoch
	how := stampClock
	switch {
	case Stamps(h.stamps) == StampNone:
		how = stampNone
	case tick.Kind(h.clockKind) == tick.Counter:
		how = stampTicks
	}
	p.setup(newView(p.region.Base(), g), how)
}

// announce says that the ring has a publisher.
func (p *Publisher) announce(scale uint64) {
	ticks, mono := p.clock.Pair()
	p.first = clockAnchor{ticks: ticks, mono: mono, scale: scale}
	mem.Store(&p.hdr.epoch, p.epoch)
	mem.Store(&p.hdr.pid, uint64(os.Getpid()))
	mem.Store(&p.hdr.opened, uint64(time.Now().UnixNano()))
	mem.Store(&p.hdr.beatEvery, uint64(p.beatEvery))
	p.beat()
	p.showPresence() // after the heartbeat: with the old one it would look hung
	p.setState(stateLive)
	wakeSleepers(p.hdr)
}

// Seq returns the sequence number of the last message, or 0 before the first.
func (p *Publisher) Seq() uint64 { return p.seq - 1 }

// Name returns the ring's name.
func (p *Publisher) Name() string { return p.paths.name }

// Epoch returns how many publishers the ring has had, this one included.
func (p *Publisher) Epoch() uint64 { return p.epoch }

// Capacity returns the ring's size in bytes of frames.
func (p *Publisher) Capacity() uint64 { return p.fixed.capacity }

// MaxMessage returns the largest message in bytes.
func (p *Publisher) MaxMessage() int { return int(p.fixed.maxMessage) }

// Close says that nothing will follow, and lets go of the ring. The ring stays, for
// subscribers to read to the end, until [Remove]. A second Close does nothing.
func (p *Publisher) Close() error {
	p.once.Do(func() {
		p.closed, p.end = true, 0 // Publish goes the slow way and finds out
		close(p.stop)
		p.stopped.Store(true)
		p.done.Wait()
		p.beats.Lock()
		defer p.beats.Unlock()
		_ = mmap.Guard(func() error {
			p.setState(stateClosed)
			wakeSleepers(p.hdr)
			return nil
		}) // a ring that somebody cut short needs no last word
		p.release()
	})
	return nil
}

// release frees the mapping first and the lock last: whoever gets it finds a ring that
// nobody writes.
func (p *Publisher) release() {
	for _, g := range p.gates {
		g.cursor.close()
	}
	p.gates = nil
	if p.late != nil {
		p.late.close()
		p.late = nil
	}
	if p.region != nil {
		p.region.Close()
	}
	if p.file != nil {
		p.file.Close()
	}
	if p.lock != nil {
		p.lock.release()
	}
}

// mapOptions are those of a whole ring.
func mapOptions(a mmap.Access, size int64, noPrefault, huge, lock bool) mmap.MapOptions {
	return mmap.MapOptions{Length: int(size), Access: a, Prefault: !noPrefault, HugePages: huge, Lock: lock}
}

const _ = uint(unsafe.Sizeof(uintptr(0)) - 8) // positions and sizes need 64 bits

// Replaced says why Create made a new file in the place of the one that was there, or
// nil if it made the ring's first file or went on with the old one.
func (p *Publisher) Replaced() error { return p.replaced }
