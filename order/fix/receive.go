package fix

import (
	"math/big"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// Values of ExecType and OrdStatus that have no place in our records.
const (
	execDoneForDay order.ExecType  = '3'
	execRestated   order.ExecType  = 'D'
	execCorrect    order.ExecType  = 'G'
	execBust       order.ExecType  = 'H'
	doneForDay     order.OrdStatus = '3'
)

// restatedGT is the ExecRestatementReason of a GTC order that is told again, as every morning.
const restatedGT = 1

// receive reports what a message comes to.
func (s *Session) receive(in *inbound, out *venue.Reports) {
	switch in.kind {
	case loggedOn:
		s.on = true
		s.askAll()
		return
	case loggedOut:
		s.on = false
		for _, o := range s.book.sorted() {
			s.doubt(o)
		}
		return
	}
	o := s.book.find(in.id)
	if o == nil && in.kind == execution {
		o = s.book.find(in.orig)
	}
	if o == nil {
		if in.kind == execution && !in.again && (in.execType != order.ExecOrderStatus || in.ordStatus.Open()) {
			s.unmatched(in, "there is no such open order")
		}
		return
	}
	switch in.kind {
	case execution:
		s.execution(o, in, out)
	case cancelReject:
		s.cancelRejected(o, in, out)
	case withheld:
		s.doubt(o)
		s.ask(o)
	case refused:
		s.endRequest(o, in, order.TextVenue, out)
	case unsent:
		s.endRequest(o, in, in.text, out)
	}
}

func (s *Session) unmatched(in *inbound, why string) {
	s.counts.unmatched.Add(1)
	s.notify(Unmatched, "not reported: %s: %s", why, in.raw)
}

// endRequest reports that a request was not accepted.
func (s *Session) endRequest(o *order.Order, in *inbound, text order.Text, out *venue.Reports) {
	switch in.reqType {
	case 'D':
		if in.id.n == o.ClOrdID {
			s.reject(o, rejReasons[text], text, out)
		}
	case 'F', 'G':
		if in.id.n == o.Pending.ClOrdID {
			s.refuse(o, order.CxlOther, text, out)
		}
	}
}

func (s *Session) cancelRejected(o *order.Order, in *inbound, out *venue.Reports) {
	if o.Pending.Kind == order.PendingNone || in.id.n != o.Pending.ClOrdID {
		s.counts.repeated.Add(1)
		return
	}
	why := order.CxlOther
	switch r := order.CxlRejReason(in.cxlRej); r {
	case order.CxlTooLate, order.CxlUnknownOrder, order.CxlBroker, order.CxlPending, order.CxlDuplicate:
		if in.cxlRej <= int(order.CxlDuplicate) {
			why = r
		}
	}
	s.refuse(o, why, order.TextVenue, out)
	if why == order.CxlUnknownOrder {
		s.ask(o) // it is open here
	}
}

// execution reports an ExecutionReport: what was filled that was not reported yet, and what
// it says besides, unless that was reported before.
func (s *Session) execution(o *order.Order, in *inbound, out *venue.Reports) {
	reported := false
	switch in.execType {
	case execCorrect, execBust:
		s.unmatched(in, "fills cannot be corrected or taken back here; the position is not what the venue says")
		return
	case order.ExecRejected:
		reported = s.rejected(o, in, out)
	case order.ExecOrderStatus:
		reported = s.status(o, in, out)
	case execRestated:
		if reported = s.status(o, in, out); in.restated != restatedGT {
			s.unmatched(in, "the venue has changed an order by itself; its price and quantity are not what the venue has")
			return
		}
	case order.ExecPendingNew, order.ExecPendingCancel, order.ExecPendingReplace:
		return // it was reported when it was sent
	default:
		if in.execType == order.ExecReplaced {
			reported = s.replaced(o, in, out)
		} else {
			reported = s.accepted(o, in, out)
		}
		if s.fill(o, in, out) {
			reported = true
		}
		if s.ended(o, in, out) {
			reported = true
		}
	}
	if !reported {
		s.counts.repeated.Add(1)
	}
}

// accepted reports that an order is one now, before anything else that says so is reported.
func (s *Session) accepted(o *order.Order, in *inbound, out *venue.Reports) bool {
	if o.Venue&order.VenueAccepted != 0 {
		return false
	}
	return s.report(o, reportOf(o, order.ExecNew), out)
}

// fill reports what was filled up to the message and not reported.
func (s *Session) fill(o *order.Order, in *inbound, out *venue.Reports) bool {
	qty := in.cumQty - o.CumQty
	if qty <= 0 || !o.Open() {
		return false
	}
	px := in.lastPx
	switch {
	case qty == in.lastQty && in.priced:
		if !in.exact {
			s.notify(Unmatched, "LastPx was rounded to 1e-9: %s", in.raw)
		}
	case in.avgPx != 0:
		px = restPx(o, in)
	default:
		if px == 0 {
			px = o.Price
		}
		s.notify(Unmatched, "fills were missed, and there is no AvgPx to tell their price; %s is assumed: %s", formatPrice(px), in.raw)
	}
	er := reportOf(o, order.ExecTrade)
	er.LastQty, er.LastPx, er.CumQty, er.LeavesQty = qty, px, in.cumQty, o.LeavesQty()-qty
	if er.OrdStatus = order.StatusPartiallyFilled; er.LeavesQty == 0 {
		er.OrdStatus = order.StatusFilled
	}
	if !s.report(o, er, out) {
		s.unmatched(in, "more was filled than was ordered")
		return false
	}
	return true
}

// restPx is the price of what was filled and not reported, by the average price of all.
func restPx(o *order.Order, in *inbound) int64 {
	rest := new(big.Int).Mul(big.NewInt(in.avgPx), big.NewInt(int64(in.cumQty)))
	paid := new(big.Int).SetUint64(o.Paid.Lo)
	paid.Add(paid, new(big.Int).Lsh(big.NewInt(o.Paid.Hi), 64))
	qty := big.NewInt(int64(in.cumQty - o.CumQty))
	rest.Sub(rest, paid).Mul(rest, big.NewInt(2)).Add(rest, qty) // to round to the nearest
	if rest.Div(rest, qty.Mul(qty, big.NewInt(2))); !rest.IsInt64() {
		return in.avgPx // the two cannot both be true
	}
	return rest.Int64()
}

// replaced reports that a replace was granted.
func (s *Session) replaced(o *order.Order, in *inbound, out *venue.Reports) bool {
	p := o.Pending
	if p.Kind != order.PendingReplace || in.id.n != p.ClOrdID {
		if in.id.n > o.ClOrdID { // later than the last one that was granted
			s.unmatched(in, "the venue has granted a replace that was refused; the order's price and quantity are not what the venue has")
			return true
		}
		return false
	}
	reported := s.accepted(o, in, out)
	if missed := in.cumQty - o.CumQty; missed > 0 && missed < o.LeavesQty() {
		reported = s.fill(o, in, out) || reported
	}
	er := reportOf(o, order.ExecReplaced)
	er.ClOrdID, er.LeavesQty = p.ClOrdID, p.OrderQty-o.CumQty
	if er.LeavesQty == 0 {
		er.OrdStatus = order.StatusFilled
	}
	return s.report(o, er, out) || reported
}

// ended reports that an order is closed, if the message says so and it is no fill.
func (s *Session) ended(o *order.Order, in *inbound, out *venue.Reports) bool {
	if !o.Open() {
		return false
	}
	switch in.execType {
	case order.ExecCanceled:
		return s.end(o, in, order.ExecCanceled, order.StatusCanceled, order.TextNone, out)
	case order.ExecExpired, execDoneForDay:
		return s.end(o, in, order.ExecExpired, order.StatusExpired, order.TextNone, out)
	}
	return false
}

func (s *Session) end(o *order.Order, in *inbound, what order.ExecType, status order.OrdStatus, text order.Text, out *venue.Reports) bool {
	er := reportOf(o, what)
	er.OrdStatus, er.LeavesQty, er.Text = status, 0, text
	if what == order.ExecCanceled && o.Pending.Kind == order.PendingCancel && in.execType != order.ExecRejected {
		er.ClOrdID = o.Pending.ClOrdID
	}
	return s.report(o, er, out)
}

// rejected reports that the venue refuses an order; of one that it had accepted, that it is
// canceled.
func (s *Session) rejected(o *order.Order, in *inbound, out *venue.Reports) bool {
	if o.Venue&order.VenueAccepted == 0 && o.CumQty == 0 && in.cumQty == 0 {
		why := order.RejOther
		switch r := order.OrdRejReason(in.ordRej); r {
		case order.RejBroker, order.RejUnknownSymbol, order.RejExchangeClosed, order.RejExceedsLimit, order.RejTooLate,
			order.RejUnknownOrder, order.RejDuplicateOrder, order.RejUnsupported, order.RejIncorrectQty:
			if in.ordRej < int(order.RejOther) {
				why = r
			}
		}
		return s.reject(o, why, order.TextVenue, out)
	}
	if in.ordRej == int(order.RejUnknownOrder) {
		s.unmatched(in, "the venue does not know an order that it had accepted; it stays in doubt")
		s.doubtAccepted(o, out)
		return true
	}
	reported := s.fill(o, in, out)
	return o.Open() && s.end(o, in, order.ExecCanceled, order.StatusCanceled, order.TextVenue, out) || reported
}

// doubtAccepted reports that an order that the venue had accepted is in doubt.
func (s *Session) doubtAccepted(o *order.Order, out *venue.Reports) {
	if !o.InDoubt() {
		er := reportOf(o, order.ExecOrderStatus)
		er.Text, er.OrdStatus = order.TextInDoubt, o.OrdStatus()
		s.report(o, er, out)
	}
}

// status reports what the answer to a question tells that is not known.
func (s *Session) status(o *order.Order, in *inbound, out *venue.Reports) bool {
	p := o.Pending
	aboutReplace := p.Kind == order.PendingReplace && in.id.n == p.ClOrdID
	if in.ordStatus == order.StatusRejected {
		switch {
		case aboutReplace: // it never got there, or was refused
			s.refuse(o, order.CxlOther, order.TextVenue, out)
			s.ask(o) // what was said of the order itself was passed over
			return true
		case p.Kind == order.PendingReplace:
			return false // it may be known by the ClOrdID of the replace: that is asked for as well
		}
		return s.rejected(o, in, out)
	}
	reported := false
	if in.ordStatus != order.StatusPendingNew {
		if aboutReplace && in.ordStatus != order.StatusPendingReplace {
			reported = s.replaced(o, in, out)
		}
		reported = s.accepted(o, in, out) || reported
	}
	reported = s.fill(o, in, out) || reported
	if !o.Open() {
		return true
	}
	switch in.ordStatus {
	case order.StatusCanceled:
		return s.end(o, in, order.ExecCanceled, order.StatusCanceled, order.TextNone, out)
	case order.StatusExpired, doneForDay:
		return s.end(o, in, order.ExecExpired, order.StatusExpired, order.TextNone, out)
	case order.StatusFilled:
		s.unmatched(in, "the venue says that the order is filled, and has not filled all of it")
		return true
	case order.StatusNew, order.StatusPartiallyFilled:
		// The venue answers in order: a cancel or replace that was sent before the question, and
		// that it still does not say is pending, is not in effect and will not be.
		asked, answer := s.asked[o.OrderID], in.execType == order.ExecOrderStatus && !in.again
		if in.hasAsked {
			asked, answer = in.asked, true
		}
		if o.Pending.Kind != order.PendingNone && o.Pending.Seq == asked && answer && !aboutReplace {
			s.refuse(o, order.CxlOther, order.TextVenue, out)
			return true
		}
	}
	if o.InDoubt() {
		er := reportOf(o, order.ExecOrderStatus)
		er.OrdStatus = o.OrdStatus()
		return s.report(o, er, out)
	}
	return reported
}
