package order

import "math"

// GatewayBit in a ClOrdID says that the gateway made the request: its cancel of the order
// whose ClOrdID the other bits are.
const GatewayBit = 1 << 63

// GatewayCancel returns the request by which a gateway cancels an order by itself.
func GatewayCancel(o *Order) Request {
	return Request{ClOrdID: GatewayBit | o.ClOrdID, OrigClOrdID: o.ClOrdID, Origin: Origin{Ring: o.Strategy},
		SecurityID: o.SecurityID, Side: o.Side}
}

// ByGateway says that the request is the gateway's own: no input.
func (r *Request) ByGateway() bool { return r.ClOrdID&GatewayBit != 0 }

// Check says what is wrong with a request whatever the state; TextNone: nothing.
func (r *Request) Check(typ MsgType) Text {
	switch typ {
	case MsgNewOrderSingle:
		if r.OrigClOrdID != 0 {
			return TextField
		}
		return r.checkTerms()
	case MsgOrderCancelReplaceRequest:
		if r.OrigClOrdID == 0 {
			return TextUnknownOrder
		}
		return r.checkTerms()
	case MsgOrderCancelRequest:
		switch {
		case r.OrigClOrdID == 0:
			return TextUnknownOrder
		case r.Side != Buy && r.Side != Sell:
			return TextSide
		case r.Flags&^CancelOnDisconnect != 0:
			return TextFlags
		case r.Price != 0 || r.OrderQty != 0 || r.OrdType != 0 || r.TimeInForce != 0:
			return TextField
		}
		return TextNone
	}
	return TextUnknownType
}

func (r *Request) checkTerms() Text {
	switch {
	case r.Side != Buy && r.Side != Sell:
		return TextSide
	case r.OrderQty <= 0:
		return TextQty
	case r.Flags&^CancelOnDisconnect != 0:
		return TextFlags
	}
	timed, priced := true, r.Price != 0 && r.Price != math.MaxInt64 && r.Price != math.MinInt64
	switch r.OrdType {
	case Market:
		timed, priced = r.TimeInForce != GTC, r.Price == 0
	case Stop:
		timed = r.TimeInForce == Day || r.TimeInForce == GTC
	case Limit:
	default:
		return TextOrdType
	}
	switch r.TimeInForce {
	case Day, GTC, IOC, FOK:
	default:
		timed = false
	}
	switch {
	case !timed:
		return TextTimeInForce
	case !priced:
		return TextPrice
	}
	return TextNone
}

// CheckRequest says why a request of Origin.Ring cannot be forwarded in the state as it is:
// its ClOrdID, its MdSeq, its epoch, a kill switch, the order it names, no more room.
// TextNone: it can. Its form ([Request.Check]), number and risk are the caller's to look at;
// ring is the number of the ring that it came by.
func (s *State) CheckRequest(typ MsgType, r *Request) Text {
	i := s.session(r.Origin.Ring)
	if i < 0 || r.Origin.Ring > MaxStrategy {
		return TextStrategy
	}
	text, _ := s.checkRequest(typ, r, &s.sessions[i])
	return text
}

// checkRequest is CheckRequest; it returns the row of the order that a cancel or replace is for.
func (s *State) checkRequest(typ MsgType, r *Request, in *Session) (Text, int) {
	strategy := r.Origin.Ring
	if r.ByGateway() {
		if typ != MsgOrderCancelRequest || r.ClOrdID != GatewayBit|r.OrigClOrdID {
			return TextClOrdID, -1
		}
	} else {
		switch {
		case r.ClOrdID == 0:
			return TextClOrdID, -1
		case r.ClOrdID <= in.LastClOrdID:
			return TextDuplicate, -1
		case in.LastEpoch != 0 && uint16(in.Epoch)-r.Origin.Epoch > uint16(in.Epoch)-in.LastEpoch: // further back
			return TextSequence, -1
		case r.MdSeq != 0 && r.MdSeq < in.LastMdSeq && r.Origin.Epoch == in.LastEpoch:
			return TextMdSeq, -1
		case typ != MsgOrderCancelRequest && (s.killed|in.Killed) != 0:
			return TextKilled, -1
		}
	}
	if (s.above || r.ByGateway()) && s.orderRows.find(uint32(strategy), r.ClOrdID) >= 0 {
		return TextDuplicate, -1
	}
	if typ == MsgNewOrderSingle {
		if len(s.orders) >= s.bounds.Rows ||
			len(s.positions) >= s.bounds.Rows && s.positionRows.find(uint32(strategy), uint64(r.SecurityID)) < 0 {
			return TextFull, -1
		}
		return TextNone, -1
	}
	row := s.orderRows.find(uint32(strategy), r.OrigClOrdID)
	if row < 0 || row >= unansweredRow {
		return TextUnknownOrder, -1
	}
	o := &s.orders[row]
	switch {
	case o.SecurityID != r.SecurityID || o.Side != r.Side:
		return TextOtherSecurity, row
	case o.Pending.Kind != PendingNone:
		return TextPending, row
	case typ == MsgOrderCancelRequest:
	case o.OrdType != r.OrdType:
		return TextOrdType, row
	case o.TimeInForce != r.TimeInForce:
		return TextTimeInForce, row
	case r.OrderQty <= o.CumQty:
		return TextQty, row
	}
	if len(s.requests) >= s.bounds.Rows {
		return TextFull, row
	}
	return TextNone, row
}

// CheckReport says why a report of the venue does not fit the state; the error is
// ErrTransition then. The gateway asks before it publishes a report, as one that does not
// fit is not to be believed.
func (s *State) CheckReport(er *ExecutionReport) error {
	if !s.follows(er.Strategy) {
		return nil
	}
	row, why := s.findReported(er)
	if why != "" {
		return s.refuseReport(er, row, why)
	}
	return nil
}

// CheckCancelReject says why an OrderCancelReject of the venue does not fit the state, as
// CheckReport does.
func (s *State) CheckCancelReject(cr *OrderCancelReject) error {
	if !s.follows(cr.Strategy) {
		return nil
	}
	row, why := s.findRejected(cr)
	if why != "" {
		return s.refuseReject(cr, row, why)
	}
	return nil
}
