package synth

import "github.com/tickring/tickring/feed/itch"

// Prices are in ticks of a cent, and those of all orders of a book lie within
// half of window from its fair price. So a level is an element of an array, found
// by the low bits of its price.
const (
	window = 256
	half   = window / 2
	tick   = 100 // in the 1/10000 dollar of itch.Price4
)

type side uint8

const (
	buy side = iota
	sell
)

func (s side) other() side { return s ^ 1 }

func (s side) letter() itch.Char {
	if s == buy {
		return itch.Buy
	}
	return itch.Sell
}

// better returns the step from a price of this side to the next better one.
func (s side) better() int32 { return 1 - 2*int32(s) }

// order is a live order. Orders are named by their index in the pool; 0 is none.
type order struct {
	ref        uint64
	shares     uint32
	price      int32
	next, prev int32 // at the same price: later and earlier
	place      int32 // in the book's list of live orders
	side       side
}

// pool holds the orders of all books.
type pool struct {
	orders []order
	free   []int32
}

// newPool returns a pool with room for this number of orders.
func newPool(room int) pool {
	return pool{orders: make([]order, 1, 1+room), free: make([]int32, 0, room)}
}

func (p *pool) take() int32 {
	if n := len(p.free); n > 0 {
		id := p.free[n-1]
		p.free = p.free[:n-1]
		return id
	}
	p.orders = append(p.orders, order{})
	return int32(len(p.orders) - 1)
}

// level is the queue of the orders at one price. Both sides share the levels:
// they are never at the same price.
type level struct{ oldest, newest int32 }

// book is the order book of one stock.
type book struct {
	levels [window]level
	live   []int32  // all orders, in no order, to draw one from
	count  [2]int32 // orders of each side
	best   [2]int32 // price, if the side has orders

	fair, low, high int32 // the fair price, and where its walk turns back
	step            int32 // which the fair price is to take: 1, -1 or 0

	target uint64 // around which the number of live orders settles
	depth  uint64 // mean distance of new orders from the fair price
	locate uint16
	stock  itch.Alpha8
}

func (b *book) at(price int32) *level { return &b.levels[price&(window-1)] }

// holds reports whether an order may have this price.
func (b *book) holds(price int32) bool { return price >= b.fair-half && price < b.fair+half }

// stale reports whether the fair price has reached the best price of a side:
// nobody would want to trade there any more.
func (b *book) stale(s side) bool {
	return b.count[s] > 0 && (b.fair-b.best[s])*s.better() <= 0
}

// front returns the order of a side that is the first to be executed. The side
// has orders.
func (b *book) front(s side) int32 { return b.at(b.best[s]).oldest }

// move takes the step that the fair price is to take. The window moves with it;
// if orders stand in the way, at the end that it would leave, one of them is
// returned: it has to go, and the step waits.
func (b *book) move() (inTheWay int32) {
	leaves := b.fair - half
	if b.step < 0 {
		leaves = b.fair + half - 1
	}
	if id := b.at(leaves).oldest; id != 0 {
		return id
	}
	if next := b.fair + b.step; next >= b.low && next <= b.high {
		b.fair = next
	}
	b.step = 0
	return 0
}

// add puts an order at the end of the queue of its price, which the book holds
// and which is worse than the best price of the other side.
func (b *book) add(p *pool, ref uint64, s side, shares uint32, price int32) {
	id := p.take()
	l := b.at(price)
	p.orders[id] = order{
		ref: ref, shares: shares, price: price, side: s,
		prev: l.newest, place: int32(len(b.live)),
	}
	if l.newest != 0 {
		p.orders[l.newest].next = id
	} else {
		l.oldest = id
	}
	l.newest = id
	b.live = append(b.live, id)
	if b.count[s]++; b.count[s] == 1 || (price-b.best[s])*s.better() > 0 {
		b.best[s] = price
	}
}

// remove takes an order out.
func (b *book) remove(p *pool, id int32) {
	o := &p.orders[id]
	l := b.at(o.price)
	if o.prev != 0 {
		p.orders[o.prev].next = o.next
	} else {
		l.oldest = o.next
	}
	if o.next != 0 {
		p.orders[o.next].prev = o.prev
	} else {
		l.newest = o.prev
	}
	last := len(b.live) - 1
	moved := b.live[last]
	b.live[o.place] = moved
	p.orders[moved].place = o.place
	b.live = b.live[:last]
	p.free = append(p.free, id)

	if b.count[o.side]--; b.count[o.side] > 0 {
		// Every order of this side is here or further from the other side.
		for b.at(b.best[o.side]).oldest == 0 {
			b.best[o.side] -= o.side.better()
		}
	}
}
