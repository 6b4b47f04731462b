package fix

import (
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// Request reports the intent of a request, which is sent with the next call, or refuses it.
func (s *Session) Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *venue.Reports) error {
	s.handOver()
	text := order.TextNone
	symbol, known := s.cfg.Symbols[r.SecurityID]
	switch {
	case expired:
		text = order.TextExpired
	case !known:
		text = order.TextUnknownSecurity
	case !s.on || !s.up.Load():
		text = order.TextOffline
	}
	m := outbound{typ: byte(typ), id: clOrdID{r.Origin.Ring, r.ClOrdID}, seq: seq, symbol: symbol, side: r.Side,
		ordType: r.OrdType, tif: r.TimeInForce, qty: r.OrderQty, px: r.Price}
	if r.TTL != 0 && typ != order.MsgOrderCancelRequest {
		m.deadline = time.Now().Add(time.Duration(r.TTL) * time.Microsecond)
	}
	if typ == order.MsgNewOrderSingle {
		s.newOrder(seq, r, text, m, out)
		return nil
	}
	o := s.book.find(clOrdID{r.Origin.Ring, r.OrigClOrdID})
	if o == nil || o.Pending.Kind != order.PendingNone || o.ClOrdID != r.OrigClOrdID {
		cr := tooLate(&order.Unanswered{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, SecurityID: r.SecurityID,
			Strategy: r.Origin.Ring, Kind: order.Kind(typ)})
		cr.MdSeq = r.MdSeq
		if cr.Text = order.TextUnknownOrder; o != nil {
			cr.OrderID, cr.OrdStatus, cr.CxlRejReason, cr.Text = o.OrderID, o.OrdStatus(), order.CxlPending, order.TextPending
		}
		out.CancelReject(cr)
		return nil
	}
	before := *o
	o.Pending = order.Pending{ClOrdID: r.ClOrdID, Seq: seq, MdSeq: r.MdSeq, Price: r.Price, OrderQty: r.OrderQty,
		Epoch: r.Origin.Epoch, Kind: order.Kind(typ), Flags: r.Flags}
	s.book.changed(&before, o)
	if text != order.TextNone {
		why := order.CxlBroker
		if text == order.TextExpired {
			why = order.CxlTooLate
		}
		s.refuse(o, why, text, out)
		return nil
	}
	er := reportOf(o, order.ExecPendingCancel)
	er.OrdStatus = order.StatusPendingCancel
	if typ == order.MsgOrderCancelReplaceRequest {
		er.ExecType, er.OrdStatus = order.ExecPendingReplace, order.StatusPendingReplace
	} else {
		m.qty = o.OrderQty
	}
	er.ClOrdID = r.ClOrdID
	s.report(o, er, out)
	m.orig = clOrdID{r.Origin.Ring, r.OrigClOrdID}
	s.sends = append(s.sends, m)
	return nil
}

func (s *Session) newOrder(seq uint64, r *order.Request, text order.Text, m outbound, out *venue.Reports) {
	s.book.add(order.Order{OrderID: seq, ClOrdID: r.ClOrdID, MdSeq: r.MdSeq, Price: r.Price, Priority: seq,
		SecurityID: r.SecurityID, OrderQty: r.OrderQty, Strategy: r.Origin.Ring, Epoch: r.Origin.Epoch,
		Side: r.Side, OrdType: r.OrdType, TimeInForce: r.TimeInForce, Flags: r.Flags})
	o := s.book.byID[seq]
	if text != order.TextNone {
		s.reject(o, rejReasons[text], text, out)
		return
	}
	er := reportOf(o, order.ExecPendingNew)
	er.OrdStatus = order.StatusPendingNew
	s.report(o, er, out)
	s.sends = append(s.sends, m)
}

var rejReasons = map[order.Text]order.OrdRejReason{
	order.TextExpired:         order.RejTooLate,
	order.TextUnknownSecurity: order.RejUnknownSymbol,
	order.TextOffline:         order.RejExchangeClosed,
	order.TextVenue:           order.RejOther,
}

// reject reports that an order was refused, which it can be until it was accepted.
func (s *Session) reject(o *order.Order, why order.OrdRejReason, text order.Text, out *venue.Reports) bool {
	er := reportOf(o, order.ExecRejected)
	er.OrdStatus, er.LeavesQty, er.OrdRejReason, er.Text = order.StatusRejected, 0, why, text
	return s.report(o, er, out)
}
