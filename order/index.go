package order

import (
	"math/bits"
	"math/rand/v2"
)

// index finds rows by (space, key): open addressing, linear probing, no tombstones. The
// seeds are its own, so that nobody can choose keys that collide.
type index struct {
	slots []slot // a power of two of them, at most half used
	used  int
	seeds [2]uint64
}

type slot struct {
	key   uint64
	row   uint32 // and 1; 0: the slot is free
	space uint32
}

const minSlots = 64

func newIndex() index {
	return index{slots: make([]slot, minSlots), seeds: [2]uint64{rand.Uint64(), rand.Uint64() | 1}}
}

func (x *index) home(space uint32, key uint64) int {
	hi, lo := bits.Mul64(key^x.seeds[0], x.seeds[1]+uint64(space)*0x9E3779B97F4A7C15)
	return int(hi^lo) & (len(x.slots) - 1)
}

// find returns the row of a key, and -1 if there is none.
func (x *index) find(space uint32, key uint64) int {
	mask := len(x.slots) - 1
	for i := x.home(space, key); ; i = (i + 1) & mask {
		s := &x.slots[i&mask]
		if s.row == 0 {
			return -1
		}
		if s.key == key && s.space == space {
			return int(s.row) - 1
		}
	}
}

// put sets the row of a key.
func (x *index) put(space uint32, key uint64, row int) {
	if 2*x.used >= len(x.slots) {
		x.grow()
	}
	mask := len(x.slots) - 1
	for i := x.home(space, key); ; i = (i + 1) & mask {
		s := &x.slots[i&mask]
		if s.row == 0 {
			x.used++
			*s = slot{key, uint32(row) + 1, space}
			return
		}
		if s.key == key && s.space == space {
			s.row = uint32(row) + 1
			return
		}
	}
}

func (x *index) grow() {
	old := x.slots
	x.slots, x.used = make([]slot, 2*len(old)), 0
	for _, s := range old {
		if s.row != 0 {
			x.put(s.space, s.key, int(s.row)-1)
		}
	}
}

// remove takes a key out, and moves what stands behind it nearer to where it belongs.
func (x *index) remove(space uint32, key uint64) {
	mask := len(x.slots) - 1
	i := x.home(space, key)
	for ; ; i = (i + 1) & mask {
		if x.slots[i].row == 0 {
			return
		}
		if x.slots[i].key == key && x.slots[i].space == space {
			break
		}
	}
	for j := (i + 1) & mask; x.slots[j].row != 0; j = (j + 1) & mask {
		home := x.home(x.slots[j].space, x.slots[j].key)
		if (j-home)&mask >= (j-i)&mask {
			x.slots[i] = x.slots[j]
			i = j
		}
	}
	x.slots[i] = slot{}
	x.used--
}

func (x *index) clear() {
	clear(x.slots)
	x.used = 0
}
