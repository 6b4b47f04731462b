package book

import "math/bits"

// table finds live orders by book and id: open addressing with linear probing and
// backward-shift deletion, at most half full, doubling. The home of an order depends on a
// secret random number, so that nobody can aim for collisions; its order is never seen.
type table struct {
	slots  []slot
	mask   uint64
	shift  uint
	secret uint64
	n      int
}

// slot is 16 bytes: four of them are a line.
type slot struct {
	id   uint64
	book uint32
	ref  Ref // 0: empty
}

const (
	minSlots = 1 << 10
	maxHint  = 1 << 27
)

func (t *table) init(orders int, secret uint64) {
	n := minSlots
	for n/2 < orders && n < maxHint {
		n *= 2
	}
	t.secret = secret
	t.set(make([]slot, n))
}

func (t *table) set(s []slot) {
	t.slots, t.mask = s, uint64(len(s)-1)
	t.shift = uint(64 - bits.TrailingZeros(uint(len(s))))
}

func (t *table) home(id uint64, book uint32) uint64 {
	hi, lo := bits.Mul64(id^t.secret, 0x9e3779b97f4a7c15+uint64(book)<<33)
	return (hi ^ lo) >> t.shift
}

// find returns the order, or 0, and its slot, or where it would be: good until the next
// change.
func (t *table) find(id uint64, book uint32) (ref Ref, at uint64) {
	for i := t.home(id, book); ; i++ {
		s := &t.slots[i&t.mask]
		if s.ref == 0 || s.id == id && s.book == book {
			return s.ref, i & t.mask
		}
	}
}

// insert adds an order that is not there; at is where find said it would be.
func (t *table) insert(id uint64, book uint32, ref Ref, at uint64) {
	t.n++
	if t.n > len(t.slots)/2 {
		t.grow()
		t.place(slot{id, book, ref})
		return
	}
	t.slots[at&t.mask] = slot{id, book, ref}
}

func (t *table) place(s slot) {
	i := t.home(s.id, s.book)
	for t.slots[i&t.mask].ref != 0 {
		i++
	}
	t.slots[i&t.mask] = s
}

func (t *table) grow() {
	was := t.slots
	t.set(make([]slot, 2*len(was)))
	for _, s := range was {
		if s.ref != 0 {
			t.place(s)
		}
	}
}

// remove takes out the order of this slot.
func (t *table) remove(at uint64) {
	t.n--
	// Close the hole: an order behind it may move up if that does not put it in front of
	// its home.
	for i := (at + 1) & t.mask; ; i = (i + 1) & t.mask {
		s := &t.slots[i]
		if s.ref == 0 {
			break
		}
		if (i-t.home(s.id, s.book))&t.mask >= (i-at)&t.mask {
			t.slots[at&t.mask] = *s
			at = i
		}
	}
	t.slots[at&t.mask].ref = 0
}
