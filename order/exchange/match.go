package exchange

import (
	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// match trades an order, which is in no book, with what the market shows and with the
// orders of other clients, in the order of price and time. What it takes of the market at
// one price is one fill. It is true if there was no room for more reports.
func (e *Engine) match(i uint32, out *venue.Reports) (full bool) {
	c := &e.orders[i]
	in, side := c.in, sideOf(c.side)
	left := c.leaves()
	var price int64
	var shown int32 // traded with the market at price, and not reported yet
	flush := func() {
		if shown > 0 {
			e.fill(i, price, shown, out)
			shown = 0
		}
	}
	for left > 0 {
		m, ref, size := e.firstMarket(in, 1-side)
		other := e.firstClient(in, 1-side)
		passive := e.isFirst(other, m, ref, 1-side)
		if !passive && ref == 0 {
			break
		}
		p := m.Price
		if passive {
			p = e.orders[other].price
		}
		if c.ordType == order.Limit && !reaches(side, c.price, p) {
			break
		}
		// This fill, its other side, one that is still to be reported, and the end.
		if out.Room() < 4 {
			full = true
			break
		}
		if passive || p != price {
			flush()
		}
		if passive {
			qty := min(left, e.orders[other].leaves())
			left -= qty
			e.fill(i, p, qty, out)
			e.fill(other, p, qty, out)
			continue
		}
		qty := int32(min(uint32(left), size))
		e.taken[ref] += uint32(qty)
		price, shown, left = p, shown+qty, left-qty
	}
	flush()
	return full
}

// isFirst says whether a client's order trades before the market's m, of the same side. Either
// may be none.
func (e *Engine) isFirst(other uint32, m book.Order, ref book.Ref, side int) bool {
	if other == 0 || ref == 0 {
		return other != 0
	}
	o := &e.orders[other]
	return better(side, o.price, m.Price) || o.price == m.Price && o.behind < m.Priority
}

// fillable says whether match would fill the order whole. It changes nothing.
func (e *Engine) fillable(i uint32, out *venue.Reports) bool {
	c := &e.orders[i]
	in, side := c.in, sideOf(c.side)
	left, room := c.leaves(), out.Room()
	e.firstMarket(in, 1-side)
	var w book.Walk
	if in.market != nil && !in.market.Crossed() {
		w = in.first[1-side]
	}
	v := in.clients.Walk(dbnSides[1-side])
	var price int64
	shown := false
	for left > 0 {
		var m book.Order
		var size uint32
		if w.Ref() != 0 {
			m = e.market.Order(w.Ref())
			if taken := e.taken[w.Ref()]; taken < m.Size {
				size = m.Size - taken
			} else {
				w.Next()
				continue
			}
		}
		var other uint32
		if v.Ref() != 0 {
			other = uint32(e.books.Order(v.Ref()).ID)
		}
		passive := e.isFirst(other, m, w.Ref(), 1-side)
		if !passive && w.Ref() == 0 {
			return false
		}
		p := m.Price
		if passive {
			p = e.orders[other].price
		}
		if c.ordType == order.Limit && !reaches(side, c.price, p) || room < 4 {
			return false
		}
		if shown && (passive || p != price) {
			room, shown = room-1, false
		}
		if passive {
			left -= min(left, e.orders[other].leaves())
			room -= 2
			v.Next()
			continue
		}
		left -= int32(min(uint32(left), size))
		price, shown = p, true
		w.Next()
	}
	return true
}
