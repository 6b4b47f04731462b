package exchange

import (
	"cmp"
	"slices"
	"time"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// Engine matches orders, with each other and with those of the market. What it reports
// follows from the calls alone. It is for one goroutine.
//
// After Market, and after Restore, Work is to be called until it is done.
type Engine struct {
	market  *book.Books // what the market shows
	books   *book.Books // the clients' orders: those that rest and those that wait
	taken   []uint32    // of the market's orders, by Ref: what clients took
	orders  []client
	free    uint32
	names   names
	closed  []uint32 // the last orders that were closed, in a circle
	oldest  int
	known   map[uint32]*instrument
	list    []*instrument // in the order in which they came
	work    work
	day     int64 // of the market data, since the epoch of its clock; noDay: none yet
	dayEnds time.Duration
	counts  Counts
}

const (
	remembered = 1 << 12 // closed orders
	noDay      = -1 << 62
)

// NewEngine returns an Engine that knows no instrument: it learns of them by market data.
// The trading day ends at dayEnds after midnight UTC, by the clock of the market data.
func NewEngine(dayEnds time.Duration) *Engine {
	e := &Engine{
		market: book.New(book.Config{Orders: 1 << 16}), known: map[uint32]*instrument{},
		day: noDay, dayEnds: dayEnds,
	}
	e.Reset()
	return e
}

// Reset forgets the orders of all clients, but not the market.
func (e *Engine) Reset() {
	e.books = book.New(book.Config{Orders: 1 << 12})
	e.orders = make([]client, 1, 1<<13)
	e.free, e.oldest, e.work, e.counts.Open = 0, 0, work{}, 0
	e.closed = make([]uint32, remembered)
	e.names.init(1 << 14)
	for _, in := range e.list {
		e.makeBooks(in)
		in.left = [2]uint32{}
	}
}

func (e *Engine) makeBooks(in *instrument) {
	in.clients, in.stops = e.books.Make(in.id, 0), e.books.Make(in.id, 1)
}

// instrument returns the instrument of this id, and makes it if need be.
func (e *Engine) instrument(id uint32) *instrument {
	in := e.known[id]
	if in == nil {
		in = &instrument{id: id, settled: true}
		e.makeBooks(in)
		e.known[id] = in
		e.list = append(e.list, in)
	}
	return in
}

// Restore puts an order into the book that was open before. Those that are restored are
// behind all that the market shows, and have their order among each other by Priority.
func (e *Engine) Restore(orders []order.Order) {
	orders = slices.Clone(orders)
	slices.SortFunc(orders, func(a, b order.Order) int { return cmp.Compare(a.Priority, b.Priority) })
	for n := range orders {
		o := &orders[n]
		i := e.newOrder(o.OrderID, o.ClOrdID, o.Strategy, o.SecurityID)
		c := &e.orders[i]
		c.price, c.qty, c.cum = o.Price, o.OrderQty, o.CumQty
		c.side, c.ordType, c.tif, c.status = o.Side, o.OrdType, o.TimeInForce, order.StatusNew
		if c.cum > 0 {
			c.status = order.StatusPartiallyFilled
		}
		switch {
		case c.ordType == order.Stop:
			e.wait(i)
		case c.ordType == order.Limit && (c.tif == order.Day || c.tif == order.GTC):
			e.rest(i)
		default: // its answer closed it; that this is not so is not for the exchange to mend
			c.doomed, e.work.sweep = true, 1
		}
	}
	e.work.crossed = append(e.work.crossed, e.list...)
}

// newOrder returns an order that is named and nothing else.
func (e *Engine) newOrder(orderID, clOrdID uint64, strategy uint16, security uint32) uint32 {
	i := e.free
	if i != 0 {
		e.free = e.orders[i].next
	} else {
		i = uint32(len(e.orders))
		e.orders = append(e.orders, client{})
	}
	c := &e.orders[i]
	*c = client{orderID: orderID, clOrdID: clOrdID, strategy: strategy, in: e.instrument(security)}
	e.names.insert(strategy, clOrdID, i)
	e.counts.Open++
	return i
}

// close ends an order, and forgets the one that was closed longest ago.
func (e *Engine) close(i uint32, status order.OrdStatus) {
	c := &e.orders[i]
	e.unplace(c)
	c.status = status
	e.counts.Open--
	if was := e.closed[e.oldest]; was != 0 {
		o := &e.orders[was]
		e.names.remove(o.strategy, o.clOrdID)
		o.next, e.free = e.free, was
	}
	e.closed[e.oldest] = i
	e.oldest = (e.oldest + 1) % len(e.closed)
}

// rest puts an order at the end of the queue of its price.
func (e *Engine) rest(i uint32) {
	c := &e.orders[i]
	c.ref = c.in.clients.Insert(uint64(i), dbnSides[sideOf(c.side)], c.price, uint32(c.leaves()))
	c.place, c.behind = resting, e.market.Priority()
}

// wait puts a stop order where it waits for a trade.
func (e *Engine) wait(i uint32) {
	c := &e.orders[i]
	c.ref = c.in.stops.Insert(uint64(i), dbnSides[1-sideOf(c.side)], c.price, uint32(c.leaves()))
	c.place = waiting
}

// unplace takes an order out of its book.
func (e *Engine) unplace(c *client) {
	switch c.place {
	case resting:
		c.in.clients.Remove(c.ref)
	case waiting:
		c.in.stops.Remove(c.ref)
	}
	c.place, c.ref = nowhere, 0
}

// firstClient returns the order of a client that trades first on a side, 0 if there is none.
func (e *Engine) firstClient(in *instrument, side int) uint32 {
	if r := in.clients.First(dbnSides[side]); r != 0 {
		return uint32(e.books.Order(r).ID)
	}
	return 0
}

// firstMarket returns the order of the market that trades first on a side, and how much of
// it is left. There is none while the market's own book is crossed: before an auction, or
// within an event.
func (e *Engine) firstMarket(in *instrument, side int) (book.Order, book.Ref, uint32) {
	if in.market == nil || in.market.Crossed() {
		return book.Order{}, 0, 0
	}
	w := &in.first[side]
	if !in.fresh[side] {
		*w, in.fresh[side] = in.market.Walk(dbnSides[side]), true
	}
	for ; w.Ref() != 0; w.Next() {
		o := e.market.Order(w.Ref())
		if taken := e.taken[w.Ref()]; taken < o.Size {
			return o, w.Ref(), o.Size - taken
		}
	}
	return book.Order{}, 0, 0
}

// fill fills a client's order.
func (e *Engine) fill(i uint32, price int64, qty int32, out *venue.Reports) {
	c := &e.orders[i]
	c.cum += qty
	c.status = order.StatusPartiallyFilled
	if c.leaves() == 0 {
		e.close(i, order.StatusFilled)
	} else if c.place == resting {
		c.in.clients.Reduce(c.ref, uint32(qty))
	}
	e.counts.Fills++
	e.counts.Quantity += uint64(qty)
	er := c.report(order.ExecTrade)
	er.LastPx, er.LastQty = price, qty
	out.Report(er)
}

// end cancels or expires what is left of an order.
func (e *Engine) end(i uint32, exec order.ExecType, why order.Text, clOrdID uint64, out *venue.Reports) {
	status := order.StatusCanceled
	count := &e.counts.Canceled
	if exec == order.ExecExpired {
		status, count = order.StatusExpired, &e.counts.Expired
	}
	count[why]++
	e.close(i, status)
	er := e.orders[i].report(exec)
	er.ClOrdID, er.Text = clOrdID, why
	out.Report(er)
}

// report is a report about an order as it is now.
func (c *client) report(exec order.ExecType) order.ExecutionReport {
	er := order.ExecutionReport{
		ClOrdID: c.clOrdID, OrderID: c.orderID, CumQty: c.cum, SecurityID: c.in.id, Strategy: c.strategy,
		ExecType: exec, OrdStatus: c.status, Side: c.side,
	}
	if c.status.Open() {
		er.LeavesQty = c.leaves()
	}
	return er
}
