package exchange

import (
	"math"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// work is what a record of market data means for the clients' orders, as far as it is still
// to be done.
type work struct {
	in      *instrument
	through bool // a trade: orders of a better price
	price   int64
	fill    book.Ref // a fill of this order: those that were before it
	size    uint32
	stops   bool          // a trade: stop orders
	crossed []*instrument // what the market shows now
	sweep   int           // the next order to look at for its end; 0: none
	dayEnd  bool          // Day orders end
}

// Load takes in a record of market data that is history: no client trades.
func (e *Engine) Load(m *dbn.MboMsg) {
	e.apply(m)
	e.day = max(e.day, e.dayOf(m))
}

// Market takes in a record of market data. Work has to be called then, until it is done.
func (e *Engine) Market(m *dbn.MboMsg) {
	in := e.apply(m)
	if day := e.dayOf(m); day > e.day {
		if e.day != noDay {
			e.work.sweep, e.work.dayEnd = 1, true
		}
		e.day = day
	}
	if in == nil {
		return
	}
	if in.settled {
		in.left = [2]uint32{}
	}
	in.settled = m.Flags&dbn.FlagLast != 0
	e.work.in = in
	switch m.Action {
	case dbn.ActionTrade:
		e.trades(in, m)
	case dbn.ActionFill:
		e.work.fill, e.work.size = in.market.Find(m.OrderID), m.Size
	}
	if in.settled {
		e.work.crossed = append(e.work.crossed, in)
	}
}

// trades notes what a trade means.
func (e *Engine) trades(in *instrument, m *dbn.MboMsg) {
	if m.Price == dbn.UndefPrice {
		return
	}
	in.left = [2]uint32{m.Size, m.Size}
	switch m.Side { // the aggressor's: it meets the other one
	case dbn.SideBid:
		in.left[bid] = 0
	case dbn.SideAsk:
		in.left[ask] = 0
	}
	w := &e.work
	w.through, w.stops, w.price = true, true, m.Price
}

// apply changes the market's book. It returns the instrument, nil if the record is that of a
// second publisher of it.
func (e *Engine) apply(m *dbn.MboMsg) *instrument {
	c := e.market.Apply(m)
	in := e.instrument(m.InstrumentID)
	if in.market == nil {
		in.market = c.Book
	} else if in.market != c.Book {
		e.taken = grown(e.taken, c.Ref)
		return nil
	}
	e.taken = grown(e.taken, c.Ref)
	if c.Kind != book.None {
		in.fresh = [2]bool{}
		if c.Kind != book.Reduced {
			e.taken[c.Ref] = 0 // c.Ref 0 is nobody's
		}
	}
	return in
}

func grown(taken []uint32, r book.Ref) []uint32 {
	for int(r) >= len(taken) {
		taken = append(taken, 0)
	}
	return taken
}

const dayNs = 24 * 60 * 60 * 1e9

// dayOf returns the trading day of a record, noDay if it has no time.
func (e *Engine) dayOf(m *dbn.MboMsg) int64 {
	if m.TsRecv > math.MaxInt64-dayNs {
		return noDay
	}
	return (int64(m.TsRecv) + dayNs - int64(e.dayEnds)) / dayNs
}

// Lost says that market data is missing: what the market shows is not known.
func (e *Engine) Lost(messages uint64) {
	e.counts.Lost += messages
	e.market.Clear()
	for _, in := range e.list {
		in.left, in.settled, in.fresh = [2]uint32{}, true, [2]bool{}
	}
}

// stopRoom is how much room a stop order waits for when it is triggered: that of a request, so
// that what it makes is the same however far the gateway has read.
const stopRoom = venue.MaxReports

// Work reports what the market data means for the clients' orders, as far as there is room.
// It is true when all is done.
func (e *Engine) Work(out *venue.Reports) bool {
	w := &e.work
	if w.through {
		if !e.tradeThrough(w.in, bid, out) || !e.tradeThrough(w.in, ask, out) {
			return false
		}
		w.through = false
	}
	if w.fill != 0 {
		if !e.tradeAt(w.in, out) {
			return false
		}
		w.fill = 0
	}
	if w.stops {
		if !e.trigger(w.in, out) {
			return false
		}
		w.stops = false
	}
	for n := len(w.crossed); n > 0; n-- {
		if in := w.crossed[n-1]; !e.uncross(in, bid, out) || !e.uncross(in, ask, out) {
			return false
		}
		w.crossed = w.crossed[:n-1]
	}
	return w.sweep == 0 || e.sweep(out)
}

// tradeThrough fills orders of a better price than that of the market's trade: its aggressor
// would have met them first.
func (e *Engine) tradeThrough(in *instrument, side int, out *venue.Reports) bool {
	for in.left[side] > 0 {
		i := e.firstClient(in, side)
		if i == 0 || !better(side, e.orders[i].price, e.work.price) {
			break
		}
		if out.Room() < 1 {
			return false
		}
		e.meet(in, side, i, out)
	}
	return true
}

// tradeAt fills orders that were before the one that the market has filled.
func (e *Engine) tradeAt(in *instrument, out *venue.Reports) bool {
	m := e.market.Order(e.work.fill)
	side := bid
	if m.Side == dbn.SideAsk {
		side = ask
	}
	for in.left[side] > 0 {
		i := e.firstClient(in, side)
		if i == 0 || !e.isFirst(i, m, e.work.fill, side) {
			break
		}
		if out.Room() < 1 {
			return false
		}
		e.meet(in, side, i, out)
	}
	in.left[side] -= min(in.left[side], e.work.size)
	return true
}

// meet fills an order with what the market's aggressor has left.
func (e *Engine) meet(in *instrument, side int, i uint32, out *venue.Reports) {
	c := &e.orders[i]
	qty := min(in.left[side], uint32(c.leaves()))
	in.left[side] -= qty
	e.fill(i, c.price, int32(qty), out)
}

// trigger turns the stop orders that the market's trade has reached into market orders.
func (e *Engine) trigger(in *instrument, out *venue.Reports) bool {
	for side := range dbnSides {
		// Those to buy are kept as asks: see instrument.
		for r := in.stops.First(dbnSides[1-side]); r != 0; r = in.stops.First(dbnSides[1-side]) {
			o := e.books.Order(r)
			if !reaches(side, e.work.price, o.Price) {
				break
			}
			if out.Room() < stopRoom {
				return false
			}
			e.counts.Triggered++
			i := uint32(o.ID)
			e.unplace(&e.orders[i])
			e.trade(i, out)
		}
	}
	return true
}

// uncross trades resting orders with those that the market has come to show.
func (e *Engine) uncross(in *instrument, side int, out *venue.Reports) bool {
	for {
		i := e.firstClient(in, side)
		if i == 0 {
			return true
		}
		c := &e.orders[i]
		m, ref, size := e.firstMarket(in, 1-side)
		if ref == 0 || !reaches(side, c.price, m.Price) {
			return true
		}
		if out.Room() < 1 {
			return false
		}
		qty := min(size, uint32(c.leaves()))
		e.taken[ref] += qty
		e.fill(i, c.price, int32(qty), out)
	}
}

// sweep ends Day orders, when the day has, and those that were restored in error.
func (e *Engine) sweep(out *venue.Reports) bool {
	w := &e.work
	for ; w.sweep < len(e.orders); w.sweep++ {
		c := &e.orders[w.sweep]
		why := order.TextNoLiquidity
		switch {
		case !c.status.Open():
			continue
		case c.doomed:
		case w.dayEnd && c.tif == order.Day:
			why = order.TextEndOfDay
		default:
			continue
		}
		if out.Room() < 1 {
			return false
		}
		e.end(uint32(w.sweep), order.ExecExpired, why, c.clOrdID, out)
	}
	w.sweep, w.dayEnd = 0, false
	return true
}
