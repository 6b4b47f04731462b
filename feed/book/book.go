package book

import "github.com/tickring/tickring/feed/dbn"

// Book is the orders of one instrument of one publisher. It is part of a Books and changes
// with it.
type Book struct {
	s          *Books
	sides      [2]side
	trades     Trade
	next       *Book
	n          uint32 // index in s.books
	instrument uint32
	publisher  uint16
	settled    bool
}

// Level is a price and what is there.
type Level struct {
	Price int64 // 1e-9; dbn.UndefPrice: there is no such level
	Size  uint64
	Count uint32 // orders; 0 for what a venue shows without orders (FlagTOB)
}

// Order is an order of a book.
type Order struct {
	ID       uint64
	Price    int64 // 1e-9
	Priority uint64
	Size     uint32
	Side     dbn.Side
}

// Trade is a trade of the feed.
type Trade struct {
	Price   int64 // 1e-9
	TsEvent uint64
	Number  uint64 // of trades so far; 0: none
	Size    uint32
	Side    dbn.Side // the aggressor's
}

func (b *Book) Instrument() uint32 { return b.instrument }
func (b *Book) Publisher() uint16  { return b.publisher }

// Next returns the book of the same instrument at another publisher, nil after the last.
func (b *Book) Next() *Book { return b.next }

// Settled says that the last record was the last of its event: the book is as it was at the
// venue. Between the records of an event it may be crossed.
func (b *Book) Settled() bool { return b.settled }

// LastTrade returns the last trade of the feed; its Number is 0 if there was none. It is not
// forgotten when the book is cleared.
func (b *Book) LastTrade() Trade { return b.trades }

func (b *Book) level(n uint32) Level {
	if n == 0 {
		return Level{Price: dbn.UndefPrice}
	}
	l := &b.s.levels[n]
	return Level{Price: l.price, Size: l.size, Count: l.count}
}

// BBO returns the best bid and the best ask.
func (b *Book) BBO() (bid, ask Level) {
	return b.level(b.sides[bids].best()), b.level(b.sides[asks].best())
}

// Best returns the best level of a side.
func (b *Book) Best(s dbn.Side) Level {
	if side, ok := sideOf(s); ok {
		return b.level(b.sides[side].best())
	}
	return b.level(0)
}

// Crossed says that the best bid is not below the best ask.
func (b *Book) Crossed() bool {
	x, y := b.sides[bids].levels, b.sides[asks].levels
	return len(x) > 0 && len(y) > 0 && x[len(x)-1].key >= ^y[len(y)-1].key
}

// Levels is how many prices a side has.
func (b *Book) Levels(s dbn.Side) int {
	if side, ok := sideOf(s); ok {
		return len(b.sides[side].levels)
	}
	return 0
}

// Depth appends the n best levels of a side, the best first, or all that there are.
func (b *Book) Depth(dst []Level, s dbn.Side, n int) []Level {
	side, ok := sideOf(s)
	if !ok {
		return dst
	}
	levels := b.sides[side].levels
	for i := len(levels) - 1; i >= 0 && n > 0; i, n = i-1, n-1 {
		dst = append(dst, b.level(levels[i].level))
	}
	return dst
}

// At returns the level of a price.
func (b *Book) At(s dbn.Side, price int64) Level {
	if side, ok := sideOf(s); ok {
		if i, ok := b.sides[side].find(key(price, side)); ok {
			return b.level(b.sides[side].levels[i].level)
		}
	}
	return b.level(0)
}

// Find returns the order of this id, 0 if there is none.
func (b *Book) Find(id uint64) Ref {
	r, _ := b.s.byID.find(id, b.n)
	return r
}

// First returns the order of a side that trades first, 0 if the side is empty.
func (b *Book) First(s dbn.Side) Ref {
	if side, ok := sideOf(s); ok {
		if n := b.sides[side].best(); n != 0 {
			return b.s.levels[n].head
		}
	}
	return 0
}

// Order returns a live order.
func (s *Books) Order(r Ref) Order {
	o := &s.orders[r]
	l := &s.levels[o.level]
	return Order{ID: o.id, Price: l.price, Priority: o.priority, Size: o.size, Side: dbnSide(l.side)}
}

// Ahead returns how many orders, and how much size, are before an order in the queue of its
// price. It is a walk along them.
func (s *Books) Ahead(r Ref) (orders int, size uint64) {
	for r = s.orders[r].prev; r != 0; r = s.orders[r].prev {
		orders++
		size += uint64(s.orders[r].size)
	}
	return orders, size
}

// Walk goes through the orders of a side in the order in which they trade: best price first,
// and first come first within a price.
//
//	for w := b.Walk(dbn.SideBid); w.Ref() != 0; w.Next() {
//		o := books.Order(w.Ref())
//	}
//
// It ends with the next change of the book.
type Walk struct {
	s    *Books
	side *side
	at   int
	ref  Ref
}

// Walk returns the walk that begins with the first order of a side.
func (b *Book) Walk(s dbn.Side) Walk {
	side, ok := sideOf(s)
	if !ok {
		return Walk{}
	}
	w := Walk{s: b.s, side: &b.sides[side], at: len(b.sides[side].levels)}
	w.nextLevel()
	return w
}

// Ref is the order that the walk is at, 0 at the end.
func (w *Walk) Ref() Ref { return w.ref }

// Next goes on to the next order.
func (w *Walk) Next() {
	if w.ref == 0 {
		return
	}
	if w.ref = w.s.orders[w.ref].next; w.ref == 0 {
		w.nextLevel()
	}
}

func (w *Walk) nextLevel() {
	if w.at > 0 {
		w.at--
		w.ref = w.s.levels[w.side.levels[w.at].level].head
	}
}
