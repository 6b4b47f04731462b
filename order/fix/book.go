package fix

import (
	"cmp"
	"slices"

	"github.com/tickring/tickring/order"
)

// book is the open orders, as far as they have been reported.
type book struct {
	byID map[uint64]*order.Order // by OrderID
	ids  map[clOrdID]uint64      // OrderID by ClOrdID: the order's, and its pending request's
}

func newBook() book { return book{map[uint64]*order.Order{}, map[clOrdID]uint64{}} }

func (b *book) add(o order.Order) {
	b.byID[o.OrderID] = &o
	b.index(&o)
}

func (b *book) index(o *order.Order) {
	b.ids[clOrdID{o.Strategy, o.ClOrdID}] = o.OrderID
	if o.Pending.Kind != order.PendingNone {
		b.ids[clOrdID{o.Strategy, o.Pending.ClOrdID}] = o.OrderID
	}
}

// changed puts an order where it is found after a report; a closed one goes.
func (b *book) changed(before, o *order.Order) {
	delete(b.ids, clOrdID{o.Strategy, before.ClOrdID})
	if before.Pending.Kind != order.PendingNone {
		delete(b.ids, clOrdID{o.Strategy, before.Pending.ClOrdID})
	}
	if o.Open() {
		b.index(o)
	} else {
		delete(b.byID, o.OrderID)
	}
}

// find returns the order that has this ClOrdID, or whose pending request has; nil: none.
func (b *book) find(id clOrdID) *order.Order { return b.byID[b.ids[id]] }

// sorted returns the orders by OrderID.
func (b *book) sorted() []*order.Order {
	all := make([]*order.Order, 0, len(b.byID))
	for _, o := range b.byID {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *order.Order) int { return cmp.Compare(a.OrderID, b.OrderID) })
	return all
}
