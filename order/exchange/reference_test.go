package exchange

import (
	"fmt"
	"slices"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// reference is the exchange as it is written down, slow and obvious: one list of all orders,
// of the market and of clients, in the order in which they got their places. Whoever trades
// is found by looking at all of them.
type reference struct {
	queue []*refOrder
	stops []*refOrder
	left  map[uint32]*[2]uint32 // of the market's aggressor, for orders of either side
	calm  map[uint32]bool       // the last record ended an event
	known map[uint32]bool
	said  []string
}

type refOrder struct {
	client   bool
	id       uint64 // of the market's order, or OrderID
	clOrdID  uint64
	strategy uint16
	security uint32
	side     order.Side
	ordType  order.OrdType
	tif      order.TimeInForce
	price    int64
	size     int32 // the market's: that it shows
	taken    int32 // the market's: of size. A client's: filled
}

func newReference() *reference {
	return &reference{left: map[uint32]*[2]uint32{}, calm: map[uint32]bool{}, known: map[uint32]bool{}}
}

func (o *refOrder) available() int32 { return max(0, o.size-o.taken) }

func other(s order.Side) order.Side { return order.Buy + order.Sell - s }

// beats: a of side s trades before b, price alone.
func beats(s order.Side, a, b int64) bool { return s == order.Buy && a > b || s == order.Sell && a < b }

func (r *reference) marketBest(security uint32, s order.Side) (best *refOrder) {
	for _, o := range r.queue {
		if !o.client && o.security == security && o.side == s && (best == nil || beats(s, o.price, best.price)) {
			best = o
		}
	}
	return best
}

func (r *reference) crossed(security uint32) bool {
	b, a := r.marketBest(security, order.Buy), r.marketBest(security, order.Sell)
	return b != nil && a != nil && b.price >= a.price
}

// first returns who trades first on a side; with clients or market alone, if asked.
func (r *reference) first(security uint32, s order.Side, clients, market bool) (best *refOrder) {
	if r.crossed(security) {
		market = false
	}
	for _, o := range r.queue {
		if o.security != security || o.side != s || o.available() == 0 || o.client && !clients || !o.client && !market {
			continue
		}
		if best == nil || beats(s, o.price, best.price) {
			best = o
		}
	}
	return best
}

func (r *reference) drop(o *refOrder) {
	is := func(x *refOrder) bool { return x == o }
	r.queue = slices.DeleteFunc(r.queue, is)
	r.stops = slices.DeleteFunc(r.stops, is)
}

func (r *reference) say(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// fill fills a client's order.
func (r *reference) fill(o *refOrder, price int64, qty int32) {
	o.taken += qty
	if o.available() == 0 {
		r.drop(o)
	}
	r.say("fill %d/%d: %d at %d, %d of %d", o.strategy, o.clOrdID, qty, price, o.taken, o.size)
}

// trade matches an order that is in no list. whole: all or nothing.
func (r *reference) trade(o *refOrder) {
	takes := func(p *refOrder) bool {
		return p != nil && (o.ordType != order.Limit || p.price == o.price || !beats(o.side, p.price, o.price))
	}
	if o.tif == order.FOK {
		sum := int32(0)
		for _, p := range r.queue {
			if p.security == o.security && p.side == other(o.side) && takes(p) && (p.client || !r.crossed(o.security)) {
				sum += p.available()
			}
		}
		if sum < o.available() {
			r.say("expired %d/%d: %d", o.strategy, o.clOrdID, o.taken)
			return
		}
	}
	var price int64
	var shown int32
	flush := func() {
		if shown > 0 {
			r.fill(o, price, shown)
			shown = 0
		}
	}
	for o.available() > shown {
		p := r.first(o.security, other(o.side), true, true)
		if !takes(p) {
			break
		}
		qty := min(o.available()-shown, p.available())
		if p.client {
			flush()
			r.fill(o, p.price, qty)
			r.fill(p, p.price, qty)
			continue
		}
		if p.price != price {
			flush()
		}
		p.taken += qty
		price, shown = p.price, shown+qty
	}
	flush()
	switch {
	case o.available() == 0:
	case o.ordType == order.Limit && (o.tif == order.Day || o.tif == order.GTC):
		r.queue = append(r.queue, o)
	default:
		r.say("expired %d/%d: %d", o.strategy, o.clOrdID, o.taken)
	}
}

func (r *reference) request(seq uint64, typ order.MsgType, q *order.Request) {
	r.said = nil
	if typ == order.MsgNewOrderSingle {
		if !r.known[q.SecurityID] {
			r.say("rejected %d/%d", q.Origin.Ring, q.ClOrdID)
			return
		}
		r.say("new %d/%d", q.Origin.Ring, q.ClOrdID)
		o := &refOrder{client: true, id: seq, clOrdID: q.ClOrdID, strategy: q.Origin.Ring, security: q.SecurityID,
			side: q.Side, ordType: q.OrdType, tif: q.TimeInForce, price: q.Price, size: q.OrderQty}
		if o.ordType == order.Stop {
			r.stops = append(r.stops, o)
			return
		}
		r.trade(o)
		return
	}
	var o *refOrder
	for _, x := range append(slices.Clone(r.queue), r.stops...) {
		if x.client && x.strategy == q.Origin.Ring && x.clOrdID == q.OrigClOrdID {
			o = x
		}
	}
	switch {
	case o == nil || typ == order.MsgOrderCancelReplaceRequest && q.OrderQty <= o.taken:
		r.say("refused %d/%d", q.Origin.Ring, q.ClOrdID)
	case typ == order.MsgOrderCancelRequest:
		r.drop(o)
		r.say("canceled %d/%d: %d", q.Origin.Ring, q.ClOrdID, o.taken)
	default:
		keeps := q.Price == o.price && q.OrderQty <= o.size
		o.clOrdID, o.price, o.size = q.ClOrdID, q.Price, q.OrderQty
		r.say("replaced %d/%d: %d of %d", o.strategy, o.clOrdID, o.taken, o.size)
		if keeps {
			return
		}
		r.drop(o)
		if o.ordType == order.Stop {
			r.stops = append(r.stops, o)
			return
		}
		r.trade(o)
	}
}

// market takes in a record. live: clients trade.
func (r *reference) market(m *dbn.MboMsg, live bool) {
	r.said = nil
	sec := m.InstrumentID
	r.known[sec] = true
	if r.left[sec] == nil {
		r.left[sec] = new([2]uint32)
	}
	side := order.Buy
	if m.Side == dbn.SideAsk {
		side = order.Sell
	}
	var o *refOrder
	for _, x := range r.queue {
		if !x.client && x.security == sec && x.id == m.OrderID {
			o = x
		}
	}
	add := func() {
		r.queue = append(r.queue, &refOrder{id: m.OrderID, security: sec, side: side, price: m.Price, size: int32(m.Size)})
	}
	if r.calm[sec] {
		*r.left[sec] = [2]uint32{}
	}
	r.calm[sec] = m.Flags&dbn.FlagLast != 0
	left := r.left[sec]
	switch m.Action {
	case dbn.ActionAdd:
		if o != nil {
			r.drop(o)
		}
		add()
	case dbn.ActionCancel:
		if o != nil {
			if o.size -= int32(m.Size); o.size <= 0 {
				r.drop(o)
			}
		}
	case dbn.ActionModify:
		if o != nil && o.side == side && o.price == m.Price && int32(m.Size) <= o.size {
			o.size = int32(m.Size)
		} else {
			if o != nil {
				r.drop(o)
			}
			add()
		}
	case dbn.ActionClear:
		r.queue = slices.DeleteFunc(r.queue, func(x *refOrder) bool { return !x.client && x.security == sec })
	case dbn.ActionTrade:
		if live {
			*left = [2]uint32{m.Size, m.Size}
			switch m.Side {
			case dbn.SideBid:
				left[0] = 0
			case dbn.SideAsk:
				left[1] = 0
			}
			r.through(sec, m.Price, left)
			r.trigger(sec, m.Price)
		}
	case dbn.ActionFill:
		if live && o != nil {
			n := 0
			if o.side == order.Sell {
				n = 1
			}
			for left[n] > 0 {
				c := r.first(sec, o.side, true, false)
				if c == nil || beats(o.side, o.price, c.price) ||
					c.price == o.price && slices.Index(r.queue, c) > slices.Index(r.queue, o) {
					break
				}
				r.meet(c, &left[n])
			}
			left[n] -= min(left[n], m.Size)
		}
	}
	if live && r.calm[sec] {
		r.uncross(sec)
	}
}

func (r *reference) meet(c *refOrder, left *uint32) {
	qty := min(int32(*left), c.available())
	*left -= uint32(qty)
	r.fill(c, c.price, qty)
}

func (r *reference) through(sec uint32, price int64, left *[2]uint32) {
	for n, s := range []order.Side{order.Buy, order.Sell} {
		for left[n] > 0 {
			c := r.first(sec, s, true, false)
			if c == nil || !beats(s, c.price, price) {
				break
			}
			r.meet(c, &left[n])
		}
	}
}

func (r *reference) trigger(sec uint32, price int64) {
	for _, s := range []order.Side{order.Buy, order.Sell} {
		for {
			var next *refOrder
			for _, o := range r.stops {
				if o.security == sec && o.side == s && !beats(s, o.price, price) && (next == nil || beats(s, next.price, o.price)) {
					next = o
				}
			}
			if next == nil {
				break
			}
			r.drop(next)
			r.trade(next)
		}
	}
}

func (r *reference) uncross(sec uint32) {
	for _, s := range []order.Side{order.Buy, order.Sell} {
		for {
			c, m := r.first(sec, s, true, false), r.first(sec, other(s), false, true)
			if c == nil || m == nil || beats(s, m.price, c.price) {
				break
			}
			qty := min(c.available(), m.available())
			m.taken += qty
			r.fill(c, c.price, qty)
		}
	}
}

// restore puts the orders that are open behind what the market shows, and forgets what was
// taken of that.
func (r *reference) restore(open []order.Order) {
	var market []*refOrder
	clients := map[uint64]*refOrder{}
	for _, o := range append(r.queue, r.stops...) {
		if o.client {
			clients[o.id] = o
		} else {
			o.taken = 0
			market = append(market, o)
		}
	}
	r.queue, r.stops, r.said = market, nil, nil
	r.left = map[uint32]*[2]uint32{}
	slices.SortFunc(open, func(a, b order.Order) int { return int(int64(a.Priority) - int64(b.Priority)) })
	for i := range open {
		if o := clients[open[i].OrderID]; o.ordType == order.Stop {
			r.stops = append(r.stops, o)
		} else {
			r.queue = append(r.queue, o)
		}
	}
}

// texts writes down what was reported, as the reference does.
func reported(out *venue.Reports) (said []string) {
	for i := range out.Len() {
		if cr := out.CancelRejection(i); cr != nil {
			said = append(said, fmt.Sprintf("refused %d/%d", cr.Strategy, cr.ClOrdID))
			continue
		}
		er := out.Execution(i)
		name := fmt.Sprintf("%d/%d", er.Strategy, er.ClOrdID)
		switch er.ExecType {
		case order.ExecNew:
			said = append(said, "new "+name)
		case order.ExecRejected:
			said = append(said, "rejected "+name)
		case order.ExecTrade:
			said = append(said, fmt.Sprintf("fill %s: %d at %d, %d of %d", name, er.LastQty, er.LastPx, er.CumQty, er.CumQty+er.LeavesQty))
		case order.ExecCanceled:
			said = append(said, fmt.Sprintf("canceled %s: %d", name, er.CumQty))
		case order.ExecExpired:
			said = append(said, fmt.Sprintf("expired %s: %d", name, er.CumQty))
		case order.ExecReplaced:
			said = append(said, fmt.Sprintf("replaced %s: %d of %d", name, er.CumQty, er.CumQty+er.LeavesQty))
		}
	}
	return said
}
