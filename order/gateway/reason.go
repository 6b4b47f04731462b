package gateway

import (
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/risk"
)

// ordRejReason returns the OrdRejReason (103) that goes with why a new order is refused.
func ordRejReason(t order.Text) order.OrdRejReason {
	switch t {
	case order.TextDuplicate:
		return order.RejDuplicateOrder
	case order.TextQty:
		return order.RejIncorrectQty
	case order.TextExpired:
		return order.RejTooLate
	case order.TextSide, order.TextOrdType, order.TextTimeInForce, order.TextFlags, order.TextPrice, order.TextField:
		return order.RejUnsupported
	case order.TextStrategy, order.TextSequence, order.TextClOrdID, order.TextMdSeq:
		return order.RejOther
	}
	return risk.Reason(t)
}

// cxlRejReason returns the CxlRejReason (102) that goes with why a cancel or replace is
// refused.
func cxlRejReason(t order.Text) order.CxlRejReason {
	switch t {
	case order.TextUnknownOrder:
		return order.CxlUnknownOrder
	case order.TextPending:
		return order.CxlPending
	case order.TextDuplicate:
		return order.CxlDuplicate
	case order.TextExpired:
		return order.CxlTooLate
	case order.TextKilled, order.TextMaxQty, order.TextMaxNotional, order.TextCollar, order.TextNoMarket,
		order.TextPosition, order.TextRate, order.TextFull, order.TextUnknownSecurity:
		return order.CxlBroker
	}
	return order.CxlOther
}
