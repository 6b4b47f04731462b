package book

import "github.com/tickring/tickring/feed/dbn"

const (
	bids = 0
	asks = 1
)

// side is the levels of one side, the best one last: most of what happens is near it.
type side struct {
	levels []entry
}

// entry has the price as a key that is larger the better it is: so both sides are searched
// by the same code.
type entry struct {
	key   int64
	level uint32
}

// key turns a price into a key, and back. Other than -price, ^price cannot overflow.
func key(price int64, side uint8) int64 { return price ^ -int64(side) }

func sideOf(s dbn.Side) (uint8, bool) {
	switch s {
	case dbn.SideBid:
		return bids, true
	case dbn.SideAsk:
		return asks, true
	}
	return 0, false
}

func dbnSide(side uint8) dbn.Side {
	if side == bids {
		return dbn.SideBid
	}
	return dbn.SideAsk
}

const nearby = 8 // levels that are looked at one by one

// find returns the place of a key, or where it would be.
func (s *side) find(k int64) (at int, found bool) {
	at = len(s.levels)
	for least := max(0, at-nearby); at > least; at-- {
		if e := s.levels[at-1].key; e <= k {
			if e == k {
				return at - 1, true
			}
			return at, false
		}
	}
	// The key is among the first at: bisect.
	lo := 0
	for n := at; n > 0; {
		half := n / 2
		if s.levels[lo+half].key < k {
			lo += n - half
		}
		n = half
	}
	return lo, lo < at && s.levels[lo].key == k
}

func (s *side) best() uint32 {
	if n := len(s.levels); n > 0 {
		return s.levels[n-1].level
	}
	return 0
}
