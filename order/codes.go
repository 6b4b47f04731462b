package order

// The codes are those of FIX 4.4, tag numbers in brackets. Characters are characters,
// numbers are numbers.

// Side (54).
type Side uint8

const (
	Buy  Side = '1'
	Sell Side = '2'
)

// OrdType (40).
type OrdType uint8

const (
	Market OrdType = '1'
	Limit  OrdType = '2'
	Stop   OrdType = '3' // becomes a market order when the market trades at its price or beyond
)

// TimeInForce (59).
type TimeInForce uint8

const (
	Day TimeInForce = '0' // until the venue's day ends
	GTC TimeInForce = '1' // good till cancel
	IOC TimeInForce = '3' // immediate or cancel: what does not fill at once expires
	FOK TimeInForce = '4' // fill or kill: all at once or nothing
)

// Flags of a request.
type Flags uint8

// CancelOnDisconnect: if the strategy's process ends, this order is to be canceled
// (ExecInst (18) o, cancel on connection loss).
const CancelOnDisconnect Flags = 1

// ExecType (150): what an ExecutionReport reports.
type ExecType uint8

const (
	ExecNew            ExecType = '0'
	ExecCanceled       ExecType = '4'
	ExecReplaced       ExecType = '5'
	ExecRejected       ExecType = '8'
	ExecPendingNew     ExecType = 'A' // on its way over a socket: sent, not yet answered
	ExecExpired        ExecType = 'C'
	ExecTrade          ExecType = 'F' // a partial fill or the last one: OrdStatus says which
	ExecPendingCancel  ExecType = '6'
	ExecPendingReplace ExecType = 'E'
	ExecOrderStatus    ExecType = 'I' // the state as far as it is known; Text InDoubt: it is not
)

// OrdStatus (39).
type OrdStatus uint8

const (
	StatusNew             OrdStatus = '0'
	StatusPartiallyFilled OrdStatus = '1'
	StatusFilled          OrdStatus = '2'
	StatusCanceled        OrdStatus = '4'
	StatusPendingCancel   OrdStatus = '6'
	StatusRejected        OrdStatus = '8'
	StatusPendingNew      OrdStatus = 'A'
	StatusExpired         OrdStatus = 'C'
	StatusPendingReplace  OrdStatus = 'E'
)

// Open says whether an order of this status can still be filled.
func (s OrdStatus) Open() bool {
	switch s {
	case StatusNew, StatusPartiallyFilled, StatusPendingNew, StatusPendingCancel, StatusPendingReplace:
		return true
	}
	return false
}

// OrdRejReason (103).
type OrdRejReason uint8

const (
	RejBroker         OrdRejReason = 0 // broker / exchange option
	RejUnknownSymbol  OrdRejReason = 1
	RejExchangeClosed OrdRejReason = 2
	RejExceedsLimit   OrdRejReason = 3
	RejTooLate        OrdRejReason = 4
	RejUnknownOrder   OrdRejReason = 5
	RejDuplicateOrder OrdRejReason = 6 // duplicate ClOrdID
	RejUnsupported    OrdRejReason = 11
	RejIncorrectQty   OrdRejReason = 13
	RejOther          OrdRejReason = 99
)

// CxlRejReason (102).
type CxlRejReason uint8

const (
	CxlTooLate      CxlRejReason = 0
	CxlUnknownOrder CxlRejReason = 1
	CxlBroker       CxlRejReason = 2
	CxlPending      CxlRejReason = 3 // the order has a cancel or replace pending already
	CxlDuplicate    CxlRejReason = 6 // duplicate ClOrdID
	CxlOther        CxlRejReason = 99
)

// CxlRejResponseTo (434).
type CxlRejResponseTo uint8

const (
	ToCancel  CxlRejResponseTo = '1'
	ToReplace CxlRejResponseTo = '2'
)

// BusinessRejectReason (380).
type BusinessRejectReason uint8

const (
	BusinessOther           BusinessRejectReason = 0
	BusinessUnsupportedType BusinessRejectReason = 3
	BusinessNotAvailable    BusinessRejectReason = 4
	BusinessRequiredMissing BusinessRejectReason = 5
	BusinessNotAuthorized   BusinessRejectReason = 6
)

// Kill is the state of a kill switch, in bits.
type Kill uint8

const (
	KillEngaged Kill = 1 // no new orders and replaces
	KillCancels Kill = 2 // and open orders are to be canceled
)

// SessionState is what a SessionStatus says.
type SessionState uint8

const (
	SessionUp   SessionState = 1 // found, or another process than before
	SessionDown SessionState = 2 // its process has ended, and what it sent is judged
)
