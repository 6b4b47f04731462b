package itch

import (
	"math/bits"
	"math/rand/v2"

	"github.com/tickring/tickring/feed/dbn"
)

// order is what has to be remembered of a live order: an execution or a delete
// names it by its reference and nothing else. 24 bytes.
type order struct {
	ref    uint64
	price  Price4
	shares uint32 // remaining; 0 marks an empty slot
	book   bookSide
}

// bookSide is one side of one stock's book. It is a struct within order because
// the compiler keeps a struct of up to four fields in registers: with five, each
// order passed or copied goes through memory, in stores too narrow to be
// forwarded to the loads.
type bookSide struct {
	locate uint16
	side   dbn.Side
}

// orders is the set of live orders by reference.
//
// Nasdaq gives out references in nearly rising order, and most orders are gone
// within seconds. So there are two levels. A new order goes into the young
// table: one slot for each value of some bits of the reference, next to those of
// its neighbours in time, and small enough for the second-level cache. If an
// older order is still in that slot, it moves to the old table: open addressing
// with linear probing and backward-shift deletion, at most half full, doubling.
// An order is in one of them, never in both. Most orders never touch the old
// table, whose random access misses the cache once it holds many orders.
//
// No choice of references makes this slow: in the young table the worst is that
// each insert moves an order on, and the home in the old table depends on a
// secret random number, so that nobody can aim for collisions.
//
// Measured with BenchmarkOrders, in ns of processor time for an insert or a
// removal, each with the search before it (an EPYC with 512 KiB and 32 MiB of
// second- and third-level cache, best of many runs on a machine busy with other
// work; references in steps of 4):
//
//	live orders    Go map    old table alone    both
//	    100,000       135                 46      34
//	  1,000,000       224                125      40
//
// Indexing one table by the low bits of the reference, to keep neighbours
// together without the young table, did as well with steps of 4 but took 200 to
// 600 ns with steps of 1: the live orders then form one long run, which every
// search and removal has to walk.
type orders struct {
	young  *[youngSize]order
	old    []order
	mask   uint64 // len(old)-1
	shift  uint   // 64 - log2(len(old))
	secret uint64
	nOld   int
	nYoung int
	maxOld uint64 // no reference in old is larger; most inserts need not look there
}

const (
	youngBits = 14
	youngSize = 1 << youngBits // 384 KiB
	minOld    = 1 << 10
	maxHint   = 1 << 27 // slots, 3 GiB; beyond that the table has to show that it needs them
)

// newOrders makes room for n live orders; more find room by doubling.
func newOrders(n int) *orders {
	t := &orders{young: new([youngSize]order), secret: rand.Uint64()}
	size := minOld
	for size/2 < n && size < maxHint {
		size *= 2
	}
	t.setOld(make([]order, size))
	return t
}

func (t *orders) setOld(table []order) {
	t.old = table
	t.mask = uint64(len(table) - 1)
	t.shift = uint(64 - bits.TrailingZeros(uint(len(table))))
}

func (t *orders) len() int { return t.nOld + t.nYoung }

// youngSlot puts references in steps of 4, as Nasdaq's are, side by side; those
// in between have places a quarter of the table away.
func youngSlot(ref uint64) uint64 {
	return (ref>>2 + ref<<(youngBits-2)) % youngSize
}

// home is the slot in old where the search for ref begins.
func (t *orders) home(ref uint64) uint64 {
	hi, lo := bits.Mul64(ref^t.secret, 0x9e3779b97f4a7c15)
	return (hi ^ lo) >> t.shift
}

// inYoung is the place that find returns for an order in the young table.
const inYoung = ^uint64(0)

// find returns the order and its place, or nil. The pointer is good until the
// next insert or remove.
func (t *orders) find(ref uint64) (*order, uint64) {
	if o := &t.young[youngSlot(ref)]; o.ref == ref && o.shares != 0 {
		return o, inYoung
	}
	if ref > t.maxOld {
		return nil, 0
	}
	return t.findOld(ref)
}

func (t *orders) findOld(ref uint64) (*order, uint64) {
	for i := t.home(ref); ; i = (i + 1) & t.mask {
		o := &t.old[i&t.mask]
		if o.shares == 0 {
			return nil, 0
		}
		if o.ref == ref {
			return o, i
		}
	}
}

// insert adds an order that is not in the table and has shares.
func (t *orders) insert(o order) {
	slot := &t.young[youngSlot(o.ref)]
	if slot.shares != 0 {
		t.insertOld(slot)
		t.nYoung--
	}
	*slot = o
	t.nYoung++
}

func (t *orders) insertOld(o *order) {
	if t.nOld >= len(t.old)/2 {
		t.grow()
	}
	t.nOld++
	t.maxOld = max(t.maxOld, o.ref)
	t.place(o)
}

func (t *orders) place(o *order) {
	i := t.home(o.ref)
	for t.old[i&t.mask].shares != 0 {
		i = (i + 1) & t.mask
	}
	t.old[i&t.mask] = *o
}

func (t *orders) grow() {
	was := t.old
	t.setOld(make([]order, 2*len(was)))
	for i := range was {
		if was[i].shares != 0 {
			t.place(&was[i])
		}
	}
}

// remove takes out the order that find returned.
func (t *orders) remove(o *order, at uint64) {
	if at == inYoung {
		o.shares = 0
		t.nYoung--
		return
	}
	t.nOld--
	// Close the hole: an order behind it may move up if that does not put it
	// in front of its home.
	for i := (at + 1) & t.mask; ; i = (i + 1) & t.mask {
		next := &t.old[i]
		if next.shares == 0 {
			break
		}
		if (i-t.home(next.ref))&t.mask >= (i-at)&t.mask {
			t.old[at] = *next
			at = i
		}
	}
	t.old[at].shares = 0
}
