package book

import "math/bits"

// index finds books: open addressing, linear probing, at most half full. Nothing is removed.
type index struct {
	slots []indexed
	n     int
}

type indexed struct {
	key  uint64
	book *Book // nil: empty
}

func venueKey(instrument uint32, publisher uint16) uint64 {
	return uint64(instrument)<<16 | uint64(publisher)
}

// instrumentKey is that of the first book of an instrument.
func instrumentKey(instrument uint32) uint64 { return uint64(instrument) | 1<<63 }

func (x *index) init() { x.slots = make([]indexed, 64) }

func (x *index) slot(key uint64) *indexed {
	mask := uint64(len(x.slots) - 1)
	hi, lo := bits.Mul64(key, 0x9e3779b97f4a7c15)
	for i := hi ^ lo>>29; ; i++ {
		s := &x.slots[i&mask]
		if s.book == nil || s.key == key {
			return s
		}
	}
}

func (x *index) find(key uint64) *Book { return x.slot(key).book }

func (x *index) insert(key uint64, b *Book) {
	if x.n >= len(x.slots)/2 {
		was := x.slots
		x.slots = make([]indexed, 2*len(was))
		for _, s := range was {
			if s.book != nil {
				*x.slot(s.key) = s
			}
		}
	}
	x.n++
	*x.slot(key) = indexed{key, b}
}
