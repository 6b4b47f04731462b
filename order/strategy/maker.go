package strategy

import (
	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
)

// Maker quotes on both sides: it joins the best bid and the best ask, and follows them. A
// side that would take the position beyond MaxPosition is not quoted.
type Maker struct {
	Trader
	bid, ask quote
}

// quote is what the maker remembers of a side: a price that was refused is not asked for
// again until the market has moved on.
type quote struct{ asked, refused int64 }

// Book moves the quotes to the best prices.
func (m *Maker) Book(b *book.Book, mdSeq uint64) error {
	bid, ask := b.BBO()
	position, qty := m.position(), int64(m.Qty)
	market := bid.Price != dbn.UndefPrice && ask.Price != dbn.UndefPrice && bid.Price < ask.Price
	if err := m.quote(&m.bid, order.Buy, bid.Price, market && position+qty <= m.MaxPosition, mdSeq); err != nil {
		return err
	}
	return m.quote(&m.ask, order.Sell, ask.Price, market && position-qty >= -m.MaxPosition, mdSeq)
}

// quote brings one side to where it is wanted, one step at a time.
func (m *Maker) quote(q *quote, side order.Side, price int64, wanted bool, mdSeq uint64) error {
	o, busy := m.working(side)
	switch {
	case busy:
		return nil // the answer decides
	case o != nil && !wanted:
		return m.sent(m.Client.Cancel(o.ClOrdID, mdSeq))
	case !wanted, price == q.refused, o != nil && price == o.Price:
		return nil
	}
	q.asked, q.refused = price, 0
	if o == nil {
		return m.send(side, order.Day, price, m.Qty, mdSeq)
	}
	r := order.Request{Price: price, OrderQty: o.CumQty + m.Qty, MdSeq: mdSeq} // as much as ever again
	return m.sent(m.Client.Replace(o.ClOrdID, &r))
}

// Event remembers what was refused. All else is in the client when the book changes next.
func (m *Maker) Event(e *order.Event) {
	if e.Kind != order.EventRejected && e.Kind != order.EventCancelReject {
		return
	}
	q := &m.bid
	if e.Side == order.Sell {
		q = &m.ask
	}
	q.refused = q.asked
}
