// Package book builds order books from market-by-order records (DBN schema mbo): every
// order, its place in the queue of its price, and what is best on either side.
//
// [Books] takes the records of any number of instruments and venues. Each instrument of
// each publisher has a [Book] of its own:
//
//	books := book.New(book.Config{})
//	for each record m {
//		books.Apply(m)
//		if m.Flags&dbn.FlagLast != 0 {
//			bid, ask := books.Get(m.InstrumentID).BBO()
//		}
//	}
//
// # What a record does
//
// As Databento defines its actions (https://databento.com/docs/schemas/mbo and the examples
// on order tracking and book construction there):
//
//	action        book
//	A  add        a new order, last in the queue of its price
//	C  cancel     takes Size out of the order; the order goes when nothing is left
//	M  modify     another price or more size: last in the queue of its price;
//	              less size: the order keeps its place
//	R  clear      all orders of the book go
//	T  trade      nothing but LastTrade
//	F  fill       nothing: a C or M for it follows
//	N  none       nothing
//
// An M for an order that is not there adds it. An A with FlagTOB is not an order: it is all
// that its venue shows of that side, and takes the place of the side; with UndefPrice the
// side is empty. An order that shows a part of its size and is replenished by an M of the
// same size keeps its place, as DBN does not tell that from no change. FlagSnapshot changes nothing: a snapshot is a clear and adds in order of
// priority.
//
// One event of the venue may be several records. In between a book may be crossed; look at
// it after FlagLast, see [Book.Settled].
//
// # What does not fit
//
// A feed that begins in the middle, a gap, or a file of a sample has records that do not fit
// the book. They do what is nearest to what they say, are counted by [Anomaly], and never
// stop anything. After a gap, [Books.Clear]: an order whose end was missed would stay for
// ever.
//
// # Cost
//
// Apply takes some tens of nanoseconds, and does not allocate but for more live orders,
// levels or books than there ever were. Finding an order is one look into a hash table;
// finding a price is a search from the best price on; a new level shifts those that are
// better. Orders of one price are a list, so that a place in the queue is a walk.
package book
