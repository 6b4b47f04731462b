package book

import "github.com/tickring/tickring/feed/dbn"

func (b *Book) anomaly(a Anomaly) { b.s.stats.Anomalies[a]++ }

func (b *Book) add(m *dbn.MboMsg) (Ref, Kind) {
	side, ok := sideOf(m.Side)
	switch {
	case !ok:
		b.anomaly(BadSide)
		return 0, None
	case m.Flags&dbn.FlagTOB != 0:
		return b.top(m, side)
	case m.Price == dbn.UndefPrice:
		b.anomaly(BadPrice)
		return 0, None
	case m.Size == 0:
		b.anomaly(BadSize)
		return 0, None
	}
	was, at := b.s.byID.find(m.OrderID, b.n)
	if was != 0 {
		b.anomaly(DuplicateOrder)
		b.remove(was, at)
		_, at = b.s.byID.find(m.OrderID, b.n)
	}
	return b.insert(m.OrderID, side, m.Price, m.Size, at), Added
}

// top puts what a venue shows as the top of its book in place of all that it showed before.
func (b *Book) top(m *dbn.MboMsg, side uint8) (Ref, Kind) {
	b.clear(side)
	if m.Price == dbn.UndefPrice || m.Size == 0 {
		return 0, Cleared
	}
	r := b.s.newOrder()
	o := &b.s.orders[r]
	o.id, o.size = m.OrderID, m.Size
	b.enqueue(r, b.makeLevel(side, m.Price))
	l := &b.s.levels[o.level]
	l.top, l.count = true, 0
	return r, Added
}

func (b *Book) cancel(m *dbn.MboMsg) (Ref, Kind) {
	r, at := b.s.byID.find(m.OrderID, b.n)
	if r == 0 {
		b.anomaly(UnknownOrder)
		return 0, None
	}
	if m.Size == 0 {
		b.anomaly(BadSize)
		return 0, None
	}
	if o := &b.s.orders[r]; m.Size < o.size {
		return b.Reduce(r, m.Size)
	} else if m.Size > o.size {
		b.anomaly(TooLarge)
	}
	b.remove(r, at)
	return 0, Removed
}

func (b *Book) modify(m *dbn.MboMsg) (Ref, Kind) {
	side, ok := sideOf(m.Side)
	switch {
	case !ok:
		b.anomaly(BadSide)
		return 0, None
	case m.Price == dbn.UndefPrice:
		b.anomaly(BadPrice)
		return 0, None
	}
	r, at := b.s.byID.find(m.OrderID, b.n)
	if r == 0 {
		b.anomaly(UnknownOrder)
	}
	if m.Size == 0 {
		b.anomaly(BadSize)
		if r == 0 {
			return 0, None
		}
		b.remove(r, at)
		return 0, Removed
	}
	if r == 0 {
		return b.insert(m.OrderID, side, m.Price, m.Size, at), Added
	}
	o := &b.s.orders[r]
	l := &b.s.levels[o.level]
	if l.side != side {
		b.anomaly(OtherSide)
	} else if l.price == m.Price && m.Size <= o.size {
		l.size -= uint64(o.size - m.Size)
		o.size = m.Size
		return r, Reduced
	}
	b.dequeue(r)
	o.size = m.Size
	b.enqueue(r, b.makeLevel(side, m.Price))
	return r, Moved
}

func (b *Book) trade(m *dbn.MboMsg) {
	if m.Price == dbn.UndefPrice {
		return
	}
	t := &b.trades
	t.Price, t.TsEvent, t.Size, t.Side = m.Price, m.TsEvent, m.Size, m.Side
	t.Number++
}

// Insert adds an order, last in the queue of its price, as an A would. It returns 0 if there
// is an order of this id, no such side, no price or no size.
func (b *Book) Insert(id uint64, s dbn.Side, price int64, size uint32) Ref {
	side, ok := sideOf(s)
	if !ok || price == dbn.UndefPrice || size == 0 {
		return 0
	}
	was, at := b.s.byID.find(id, b.n)
	if was != 0 {
		return 0
	}
	return b.insert(id, side, price, size, at)
}

// Reduce takes size out of an order of this book, which keeps its place, or goes if nothing
// is left.
func (b *Book) Reduce(r Ref, size uint32) (Ref, Kind) {
	o := &b.s.orders[r]
	if size >= o.size {
		b.Remove(r)
		return 0, Removed
	}
	o.size -= size
	b.s.levels[o.level].size -= uint64(size)
	return r, Reduced
}

// Remove takes out an order of this book.
func (b *Book) Remove(r Ref) {
	o := &b.s.orders[r]
	if l := &b.s.levels[o.level]; l.top { // the one that is not found by its id
		b.clear(l.side)
		return
	}
	_, at := b.s.byID.find(o.id, b.n)
	b.remove(r, at)
}

// Clear takes out all orders.
func (b *Book) Clear() {
	b.clear(bids)
	b.clear(asks)
}

// insert adds an order whose id is not found at its slot.
func (b *Book) insert(id uint64, side uint8, price int64, size uint32, at uint64) Ref {
	n := b.makeLevel(side, price)
	r := b.s.newOrder()
	o := &b.s.orders[r]
	o.id, o.size = id, size
	b.s.byID.insert(id, b.n, r, at)
	b.enqueue(r, n)
	return r
}

// remove takes out the order of this slot.
func (b *Book) remove(r Ref, at uint64) {
	b.s.byID.remove(at)
	b.dequeue(r)
	b.s.freeOrder(r)
}

// enqueue puts an order at the end of a level's queue.
func (b *Book) enqueue(r Ref, n uint32) {
	s := b.s
	o, l := &s.orders[r], &s.levels[n]
	s.clock++
	o.priority, o.level, o.next, o.prev = s.clock, n, 0, l.tail
	if l.tail != 0 {
		s.orders[l.tail].next = r
	} else {
		l.head = r
	}
	l.tail = r
	l.size += uint64(o.size)
	l.count++
}

// dequeue takes an order out of its queue, and the level out of the book if it is the last.
func (b *Book) dequeue(r Ref) {
	s := b.s
	o := &s.orders[r]
	l := &s.levels[o.level]
	if o.prev != 0 {
		s.orders[o.prev].next = o.next
	} else {
		l.head = o.next
	}
	if o.next != 0 {
		s.orders[o.next].prev = o.prev
	} else {
		l.tail = o.prev
	}
	l.size -= uint64(o.size)
	l.count--
	if l.head == 0 {
		b.dropLevel(o.level)
	}
}

// makeLevel returns the level of a price that an order is to join. A top of the book, of
// which there is one a side, makes room for it.
func (b *Book) makeLevel(side uint8, price int64) uint32 {
	x := &b.sides[side]
	if n := x.best(); n != 0 && b.s.levels[n].top {
		b.clear(side)
	}
	k := key(price, side)
	at, found := x.find(k)
	if found {
		return x.levels[at].level
	}
	n := b.s.newLevel()
	l := &b.s.levels[n]
	l.price, l.side = price, side
	x.levels = append(x.levels, entry{})
	copy(x.levels[at+1:], x.levels[at:])
	x.levels[at] = entry{k, n}
	return n
}

func (b *Book) dropLevel(n uint32) {
	l := &b.s.levels[n]
	x := &b.sides[l.side]
	if at, ok := x.find(key(l.price, l.side)); ok {
		copy(x.levels[at:], x.levels[at+1:])
		x.levels = x.levels[:len(x.levels)-1]
	}
	b.s.freeLevel(n)
}

func (b *Book) clear(side uint8) {
	s := b.s
	for _, e := range b.sides[side].levels {
		l := &s.levels[e.level]
		for r := l.head; r != 0; {
			next := s.orders[r].next
			if !l.top {
				_, at := s.byID.find(s.orders[r].id, b.n)
				s.byID.remove(at)
			}
			s.freeOrder(r)
			r = next
		}
		s.freeLevel(e.level)
	}
	b.sides[side].levels = b.sides[side].levels[:0]
}
