//go:build linux

package ring

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ledger is what a process of the chaos test has done, in a file that it maps, so that it
// is there whenever the process is killed. What belongs together is on a page; the
// process writes the other one and turns it over with one store.
type ledger struct {
	turned uint64 // odd: the second page counts
	pages  [2]page

	// Of publishers: whether the process has the ring, and what it has written.
	active  uint64
	seed    uint64
	written uint64
	bytes   uint64
	held    uint64 // times that a gate began to hold it
	demoted uint64 // gates that it let go

	// Of those who sleep: how often they did, how many of these sleeps somebody ended,
	// and how many nobody ended though a waker should have.
	sleeps, woken, late uint64
}

// page is what a subscriber was given, over all processes that bore its name.
type page struct {
	first, next     uint64 // numbers of this join, from first to before next; next 0: nothing yet
	before          uint64 // how many numbers the joins before were given
	delivered, lost uint64
	hand            uint64 // how many of those that were given last may be in hand
	again           uint64 // messages that a predecessor had in hand when it was killed
	clean           uint64 // 1: the last process left in order and had nothing in hand
	joins           uint64
	gaps            uint64
	demotions       uint64
	replaced        uint64 // times that the ring was another file
	bytes           uint64
}

// whole says whether every number that was passed was either delivered or lost.
func (p *page) whole() error {
	if p.delivered+p.lost != p.before+p.next-p.first {
		return fmt.Errorf("delivered %d + lost %d, but %d + (%d to %d) were passed", p.delivered, p.lost, p.before, p.first, p.next-1)
	}
	return nil
}

// mapFile maps the file at path, made if it is missing, as a T that outlives the process.
func mapFile[T any](path string) (*T, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int(unsafe.Sizeof(*new(T)))
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	m, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*T)(unsafe.Pointer(&m[0])), nil
}

// unmapFile is for what mapFile has mapped.
func unmapFile[T any](p *T) {
	_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)))
}

// edit returns a copy of the page that counts, for its writer to change.
func (b *ledger) edit() *page {
	p := &b.pages[(b.turned+1)%2]
	*p = b.pages[b.turned%2]
	return p
}

// turn makes the page that was edited count.
func (b *ledger) turn() { atomic.AddUint64(&b.turned, 1) }

// read returns the page that counts. It is for others than the writer.
func (b *ledger) read() page {
	for {
		n := atomic.LoadUint64(&b.turned)
		p := b.pages[n%2]
		if atomic.LoadUint64(&b.turned) == n {
			return p
		}
	}
}
