package audit

import (
	"github.com/tickring/tickring/order"
)

// book has the open orders, as requests and reports tell of them.
type book struct {
	a       *Auditor
	orders  map[uint64]*entry // by OrderID
	current map[name]*entry   // by the ClOrdID of the last request that was accepted
	last    map[uint16]uint64 // highest ClOrdID that was forwarded, by strategy
	net     map[holding]int64
}

// name is what a strategy calls an order.
type name struct {
	strategy uint16
	cl       uint64
}

// holding is an instrument that a strategy has.
type holding struct {
	Strategy   uint16
	SecurityID uint32
}

// entry is an order.
type entry struct {
	id         uint64
	strategy   uint16
	security   uint32
	side       order.Side
	flags      order.Flags
	epoch      uint16 // of its last request that was accepted
	cl         uint64
	qty        int32
	price      int64
	cum        int32 // as the venue says
	sum        int32 // of the fills that the venue has reported
	sumJournal int32 // of the fills that G has passed on
	fresh      bool  // it is not acknowledged
	pending    *request
}

func (b *book) fault(s *stream, m *message, format string, args ...any) {
	b.a.fault(s, m, format, args...)
}

// forward takes in a request that G has forwarded.
func (b *book) forward(m *message, q *request, r *order.Request) {
	j := b.a.journal
	if q.typ == order.MsgNewOrderSingle {
		if r.OrderQty <= 0 {
			b.fault(j, m, "forwards an order of quantity %d", r.OrderQty)
		}
		o := &entry{id: m.seq, strategy: q.strategy, security: r.SecurityID, side: r.Side, flags: r.Flags, epoch: q.epoch, cl: q.cl, qty: r.OrderQty, price: r.Price, fresh: true}
		b.orders[o.id], b.current[name{q.strategy, q.cl}], q.order = o, o, o
		return
	}
	o := b.current[name{q.strategy, q.orig}]
	if o == nil {
		if b.a.figures.Whole {
			b.fault(j, m, "forwards a request for an order that is not open: strategy %d, ClOrdID %d", q.strategy, q.orig)
		}
		b.a.figures.Older++
		return
	}
	if r.SecurityID != o.security || r.Side != o.side {
		b.fault(j, m, "is of another instrument or side than its order %d", o.id)
	}
	if o.pending != nil {
		b.fault(j, m, "is forwarded while request %d for the same order %d is not answered", o.pending.seq, o.id)
	}
	if q.typ == order.MsgOrderCancelReplaceRequest && r.OrderQty <= o.cum {
		b.fault(j, m, "replaces order %d, which has %d filled, by one of %d", o.id, o.cum, r.OrderQty)
	}
	o.pending, q.order = q, o
}

// refused checks that the gateway had reason to refuse a cancel or a replace.
func (b *book) refused(m *message, strategy uint16, r *order.OrderCancelReject) {
	o := b.current[name{strategy, r.OrigClOrdID}]
	switch r.Text {
	case order.TextUnknownOrder:
		if o != nil {
			b.fault(b.a.journal, m, "says that ClOrdID %d of strategy %d is not open: it is order %d", r.OrigClOrdID, strategy, o.id)
		}
	case order.TextPending:
		if o != nil && o.pending == nil {
			b.fault(b.a.journal, m, "says that order %d has a request pending: it has none", o.id)
		}
	}
}

// answered notes that the venue has granted or refused a request.
func (b *book) answered(v *stream, in *message, q *request) {
	if q.answered {
		b.fault(v, in, "grants or refuses request %d a second time", q.seq)
	}
	q.reported, q.answered = true, true
	if q.order != nil && q.order.pending == q {
		q.order.pending = nil
	}
}

// report takes in an ExecutionReport of the venue, message in of ring v, which G has passed
// on as m. q is the request that it answers, nil if the venue reports by itself.
func (b *book) report(v *stream, in, m *message, r *order.ExecutionReport, q *request) {
	c := b.a.count(r.Strategy)
	o := b.orders[r.OrderID]
	if o == nil && r.ExecType == order.ExecRejected && r.OrderID == 0 { // it never became an order
		if q != nil {
			o = q.order
		} else {
			o = b.current[name{r.Strategy, r.ClOrdID}]
		}
	}
	if o == nil {
		if b.a.figures.Whole || r.OrderID >= b.a.begin {
			b.fault(v, in, "reports on order %d, which is closed or was never forwarded", r.OrderID)
			return
		}
		b.older(v, in, r, q)
		return
	}
	if r.Strategy != o.strategy || r.SecurityID != o.security || r.Side != o.side {
		b.fault(v, in, "is of another strategy, instrument or side than order %d", o.id)
	}
	if q == nil {
		q = b.byName(o, r)
	}
	if p := o.pending; r.ClOrdID != o.cl && (p == nil || r.ClOrdID != p.cl || r.ExecType == order.ExecTrade || r.ExecType == order.ExecExpired) {
		b.fault(v, in, "ClOrdID %d is not that of order %d, which has %d", r.ClOrdID, o.id, o.cl)
	}
	was := o.status()
	switch r.ExecType {
	case order.ExecPendingNew, order.ExecPendingCancel, order.ExecPendingReplace:
		b.figures(v, in, o, r)
		return
	case order.ExecOrderStatus:
		if r.Text != order.TextInDoubt {
			b.figures(v, in, o, r)
		}
		return
	case order.ExecNew:
		if !o.fresh {
			b.fault(v, in, "acknowledges order %d a second time", o.id)
		}
		o.fresh = false
		c.Acknowledged++
		b.grant(v, in, o, q, order.MsgNewOrderSingle)
		b.figures(v, in, o, r)
	case order.ExecRejected:
		if !o.fresh {
			b.fault(v, in, "rejects order %d, which is %s", o.id, was)
		}
		c.Rejected++
		b.grant(v, in, o, q, order.MsgNewOrderSingle)
		b.closed(v, in, o, r, order.StatusRejected)
	case order.ExecTrade:
		b.trade(v, in, m, o, r)
	case order.ExecReplaced:
		p := o.pending
		if p == nil || p.typ != order.MsgOrderCancelReplaceRequest || r.ClOrdID != p.cl {
			b.fault(v, in, "replaces order %d, which was not asked for", o.id)
			break
		}
		c.Replaced++
		b.grant(v, in, o, p, order.MsgOrderCancelReplaceRequest)
		delete(b.current, name{o.strategy, o.cl})
		o.cl, o.qty, o.price, o.flags, o.epoch = p.cl, p.qty, p.price, p.flags, p.epoch
		b.current[name{o.strategy, o.cl}] = o
		switch {
		case o.qty < o.sum:
			b.fault(v, in, "replaces order %d, which has %d filled, by one of %d", o.id, o.sum, o.qty)
		case o.qty == o.sum: // filled while the request was on its way
			c.Filled++
			b.closed(v, in, o, r, order.StatusFilled)
		default:
			b.figures(v, in, o, r)
		}
	case order.ExecCanceled:
		if p := o.pending; p != nil && p.typ == order.MsgOrderCancelRequest && r.ClOrdID == p.cl {
			b.grant(v, in, o, p, order.MsgOrderCancelRequest)
		} else if o.fresh {
			b.fault(v, in, "cancels order %d before it is acknowledged", o.id)
		}
		c.Canceled++
		b.closed(v, in, o, r, order.StatusCanceled)
	case order.ExecExpired:
		if o.fresh {
			b.fault(v, in, "order %d expires before it is acknowledged", o.id)
		}
		c.Expired++
		b.closed(v, in, o, r, order.StatusExpired)
	default:
		b.fault(v, in, "ExecType %q is none that is known", rune(r.ExecType))
	}
	if r.ExecType != order.ExecTrade && (r.LastQty != 0 || r.LastPx != 0) {
		b.fault(v, in, "is no fill and has a LastQty of %d", r.LastQty)
	}
}

// byName finds the request that a report of a venue beyond a socket answers: the venue says
// so by ClOrdID only.
func (b *book) byName(o *entry, r *order.ExecutionReport) *request {
	if o.fresh {
		return b.a.find(o.id)
	}
	if o.pending != nil && o.pending.cl == r.ClOrdID {
		return o.pending
	}
	return nil
}

// grant notes that a report answers request q, which must be of type typ.
func (b *book) grant(v *stream, in *message, o *entry, q *request, typ order.MsgType) {
	switch {
	case q == nil:
		b.fault(v, in, "answers no request")
	case q.typ != typ || q.order != o:
		b.fault(v, in, "does not answer request %d, which is another", q.seq)
	default:
		b.answered(v, in, q)
	}
}

// trade takes in a fill.
func (b *book) trade(v *stream, in, m *message, o *entry, r *order.ExecutionReport) {
	c := b.a.count(r.Strategy)
	if o.fresh {
		b.fault(v, in, "fills order %d before it is acknowledged", o.id)
	}
	if r.LastQty <= 0 {
		b.fault(v, in, "is a fill of %d", r.LastQty)
	}
	o.sum += r.LastQty
	passed := decode[order.ExecutionReport](m)
	o.sumJournal += passed.LastQty
	o.cum = r.CumQty
	c.Fills++
	c.Quantity += int64(r.LastQty)
	signed := int64(r.LastQty)
	if o.side == order.Sell {
		signed = -signed
	}
	b.net[holding{o.strategy, o.security}] += signed
	if r.CumQty != o.sum {
		b.fault(v, in, "CumQty of order %d is %d, its fills are %d", o.id, r.CumQty, o.sum)
	}
	switch {
	case o.sum > o.qty:
		b.fault(v, in, "order %d of %d has fills of %d", o.id, o.qty, o.sum)
	case o.sum == o.qty:
		c.Filled++
		b.closed(v, in, o, r, order.StatusFilled)
	default:
		b.figures(v, in, o, r)
	}
}

// figures checks the quantities and the status of an order that is open after the report.
func (b *book) figures(v *stream, in *message, o *entry, r *order.ExecutionReport) {
	if r.CumQty != o.sum || r.LeavesQty != o.qty-o.sum {
		b.fault(v, in, "order %d of %d has fills of %d: CumQty %d and LeavesQty %d do not add up", o.id, o.qty, o.sum, r.CumQty, r.LeavesQty)
	}
	want := order.StatusNew
	if o.sum > 0 {
		want = order.StatusPartiallyFilled
	}
	switch r.OrdStatus {
	case want, order.StatusPendingNew, order.StatusPendingCancel, order.StatusPendingReplace:
	default:
		b.fault(v, in, "OrdStatus of order %d is %q, and should be %q", o.id, rune(r.OrdStatus), rune(want))
	}
}

// closed takes an order out.
func (b *book) closed(v *stream, in *message, o *entry, r *order.ExecutionReport, want order.OrdStatus) {
	if r.CumQty != o.sum || r.LeavesQty != 0 || r.OrdStatus != want {
		b.fault(v, in, "closes order %d of %d with fills of %d: CumQty %d, LeavesQty %d, OrdStatus %q", o.id, o.qty, o.sum, r.CumQty, r.LeavesQty, rune(r.OrdStatus))
	}
	delete(b.orders, o.id)
	delete(b.current, name{o.strategy, o.cl})
}

// cancelReject takes in an OrderCancelReject of the venue.
func (b *book) cancelReject(v *stream, in *message, r *order.OrderCancelReject, q *request) {
	if q == nil { // of a venue beyond a socket
		q = b.named(r.Strategy, r.ClOrdID)
	}
	b.a.count(r.Strategy).CancelRejects++
	if q == nil {
		if b.a.figures.Whole {
			b.fault(v, in, "refuses no request")
		}
		return
	}
	if q.typ == order.MsgNewOrderSingle || r.ClOrdID != q.cl || r.OrigClOrdID != q.orig || r.Strategy != q.strategy ||
		(r.CxlRejResponseTo == order.ToReplace) != (q.typ == order.MsgOrderCancelReplaceRequest) {
		b.fault(v, in, "does not answer request %d, which is another", q.seq)
	}
	if q.order != nil && b.orders[q.order.id] != nil && r.Text == order.TextUnknownOrder {
		b.fault(v, in, "says that order %d is not open: it is", q.order.id)
	}
	b.answered(v, in, q)
}

// older takes in a report on an order that was forwarded before the audit began. Nothing is
// known of it; but a request for it may be answered by that.
func (b *book) older(v *stream, in *message, r *order.ExecutionReport, q *request) {
	b.a.figures.Older++
	c := b.a.count(r.Strategy)
	switch r.ExecType {
	case order.ExecTrade:
		c.Fills++
		c.Quantity += int64(r.LastQty)
		return
	case order.ExecCanceled:
		c.Canceled++
	case order.ExecReplaced:
		c.Replaced++
	case order.ExecExpired:
		c.Expired++
		return
	default:
		return
	}
	if q == nil {
		q = b.named(r.Strategy, r.ClOrdID)
	}
	if q != nil && q.cl == r.ClOrdID {
		b.answered(v, in, q)
	}
}

// named returns the request of that ClOrdID that is not answered.
func (b *book) named(strategy uint16, cl uint64) *request {
	for _, q := range b.a.forwards {
		if q.strategy == strategy && q.cl == cl && !q.answered {
			return q
		}
	}
	return nil
}

func (o *entry) status() string {
	if o.fresh {
		return "not acknowledged"
	}
	return "open"
}
