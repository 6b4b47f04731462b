package book

import (
	"cmp"
	"slices"

	"github.com/tickring/tickring/feed/dbn"
)

// reference is a book that is obvious and slow: a list of orders in the order in which they
// got their places, out of which everything is found by looking at all of them.
type reference struct {
	orders []refOrder
}

type refOrder struct {
	id    uint64
	side  dbn.Side
	price int64
	size  uint32
	top   bool
}

func (r *reference) find(id uint64) int {
	return slices.IndexFunc(r.orders, func(o refOrder) bool { return !o.top && o.id == id })
}

func (r *reference) drop(i int) { r.orders = slices.Delete(r.orders, i, i+1) }

func (r *reference) apply(m *dbn.MboMsg) {
	sided := m.Side == dbn.SideBid || m.Side == dbn.SideAsk
	dropSide := func(topOnly bool) {
		r.orders = slices.DeleteFunc(r.orders, func(o refOrder) bool { return o.side == m.Side && (o.top || !topOnly) })
	}
	at := r.find(m.OrderID)
	o := refOrder{m.OrderID, m.Side, m.Price, m.Size, m.Action == 'A' && m.Flags&dbn.FlagTOB != 0}
	switch {
	case m.Action == 'R':
		r.orders = nil
	case m.Action == 'C' && at >= 0 && m.Size > 0:
		if m.Size >= r.orders[at].size {
			r.drop(at)
		} else {
			r.orders[at].size -= m.Size
		}
	case m.Action == 'A' && sided && o.top:
		dropSide(false)
		if m.Price != dbn.UndefPrice && m.Size > 0 {
			r.orders = append(r.orders, o)
		}
	case (m.Action == 'A' || m.Action == 'M') && sided && m.Price != dbn.UndefPrice:
		switch {
		case m.Size == 0 && m.Action == 'A':
		case m.Size == 0:
			if at >= 0 {
				r.drop(at)
			}
		case at < 0:
			dropSide(true)
			r.orders = append(r.orders, o)
		case m.Action == 'M' && r.orders[at].price == m.Price && r.orders[at].side == m.Side && m.Size <= r.orders[at].size:
			r.orders[at].size = m.Size
		default:
			r.drop(at)
			dropSide(true)
			r.orders = append(r.orders, o)
		}
	}
}

// queue returns the orders of a side, those that trade first first.
func (r *reference) queue(side dbn.Side) []refOrder {
	var q []refOrder
	for _, o := range r.orders {
		if o.side == side {
			q = append(q, o)
		}
	}
	slices.SortStableFunc(q, func(a, b refOrder) int {
		if side == dbn.SideBid {
			a, b = b, a
		}
		return cmp.Compare(a.price, b.price)
	})
	return q
}

func (r *reference) depth(side dbn.Side) []Level {
	var d []Level
	for _, o := range r.queue(side) {
		if len(d) == 0 || d[len(d)-1].Price != o.price {
			d = append(d, Level{Price: o.price})
		}
		l := &d[len(d)-1]
		l.Size += uint64(o.size)
		if !o.top {
			l.Count++
		}
	}
	return d
}
