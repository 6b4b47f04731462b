package book

import (
	"math/rand/v2"

	"github.com/tickring/tickring/feed/dbn"
)

// Config says what to make room for at the start. Its zero value is ready for use: there is
// room for more whenever it is needed, at the price of a pause, some milliseconds for a
// million orders.
type Config struct {
	Orders int // live orders, 64 to 96 bytes each
}

// Books is the books of a feed. It is for one goroutine.
type Books struct {
	orders []order // by Ref; 0 is none
	levels []level // 0 is none
	free   Ref     // orders, chained by next
	freeLv uint32  // levels, chained by head
	clock  uint64  // Priority of the last order
	byID   table
	books  []*Book
	index  index
	last   *Book // of the last record
	stats  Stats
}

// Ref names a live order of a Books, in less room than its id. 0 is none. It is good until
// the order goes; then another order may get it.
type Ref uint32

// order is a live order.
type order struct {
	id         uint64
	priority   uint64
	size       uint32
	level      uint32
	next, prev Ref // in the queue; of a free one, next is the next free one
}

// level is the orders of one price.
type level struct {
	price      int64
	size       uint64
	count      uint32
	head, tail Ref // of a free one, head is the next free one
	side       uint8
	top        bool // FlagTOB: what it has is no order
}

// New returns empty Books.
func New(cfg Config) *Books {
	n := min(max(cfg.Orders, 0), 1<<26)
	s := &Books{
		orders: make([]order, 1, 1+max(n, 1<<10)),
		levels: make([]level, 1, 1+max(n/4, 1<<8)),
	}
	s.byID.init(n, rand.Uint64())
	s.index.init()
	return s
}

// Stats returns the counts so far.
func (s *Books) Stats() Stats {
	st := s.stats
	st.Orders, st.Books = s.byID.n, len(s.books)
	return st
}

// Get returns the book of an instrument, nil if there was no record of it. If several
// publishers have it, it is that of the first; Book.Next has the others.
func (s *Books) Get(instrument uint32) *Book { return s.index.find(instrumentKey(instrument)) }

// Venue returns the book of one publisher's instrument, nil if there was no record of it.
func (s *Books) Venue(instrument uint32, publisher uint16) *Book {
	return s.index.find(venueKey(instrument, publisher))
}

// Make returns the book of one publisher's instrument, and makes it if there is none.
func (s *Books) Make(instrument uint32, publisher uint16) *Book {
	if b := s.Venue(instrument, publisher); b != nil {
		return b
	}
	b := &Book{s: s, n: uint32(len(s.books)), instrument: instrument, publisher: publisher, settled: true}
	s.books = append(s.books, b)
	s.index.insert(venueKey(instrument, publisher), b)
	if first := s.Get(instrument); first == nil {
		s.index.insert(instrumentKey(instrument), b)
	} else {
		for first.next != nil {
			first = first.next
		}
		first.next = b
	}
	return b
}

// Len is how many books there are; At returns one of them, in the order in which they came.
func (s *Books) Len() int       { return len(s.books) }
func (s *Books) At(i int) *Book { return s.books[i] }

// Clear takes all orders out of all books, as is right after a gap: what was missed could
// have ended any of them. The books and their last trades stay.
func (s *Books) Clear() {
	for _, b := range s.books {
		b.Clear()
	}
}

// Priority is that of the order which was put into a queue last, in any book. An order with
// a larger one came later.
func (s *Books) Priority() uint64 { return s.clock }

// Change is what a record did.
type Change struct {
	Book *Book
	Ref  Ref // of Added, Reduced and Moved
	Kind Kind
}

// Kind of a Change.
type Kind uint8

const (
	None    Kind = iota // nothing to the orders
	Added               // a new order
	Reduced             // less size, in its old place
	Moved               // another price, or more size: last in its queue; under its old Ref
	Removed
	Cleared // all orders of the book, or of one side (FlagTOB)
)

// Apply takes the next record.
func (s *Books) Apply(m *dbn.MboMsg) Change {
	b := s.last
	if b == nil || b.instrument != m.InstrumentID || b.publisher != m.PublisherID {
		b = s.Make(m.InstrumentID, m.PublisherID)
		s.last = b
	}
	s.stats.Records++
	c := Change{Book: b}
	switch m.Action {
	case dbn.ActionAdd:
		c.Ref, c.Kind = b.add(m)
	case dbn.ActionCancel:
		c.Ref, c.Kind = b.cancel(m)
	case dbn.ActionModify:
		c.Ref, c.Kind = b.modify(m)
	case dbn.ActionClear:
		b.Clear()
		c.Kind = Cleared
	case dbn.ActionTrade:
		b.trade(m)
	case dbn.ActionFill, dbn.ActionNone:
	default:
		s.stats.Anomalies[UnknownAction]++
	}
	b.settled = m.Flags&dbn.FlagLast != 0
	if b.settled && b.Crossed() {
		s.stats.Anomalies[CrossedBook]++
	}
	return c
}
