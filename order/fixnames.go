package order

import "strconv"

// The String methods give the names of FIX, as people read them.

func (s Side) String() string {
	switch s {
	case Buy:
		return "Buy"
	case Sell:
		return "Sell"
	}
	return char("Side", uint8(s))
}

func (t OrdType) String() string {
	switch t {
	case Market:
		return "Market"
	case Limit:
		return "Limit"
	case Stop:
		return "Stop"
	}
	return char("OrdType", uint8(t))
}

func (t TimeInForce) String() string {
	switch t {
	case Day:
		return "Day"
	case GTC:
		return "GTC"
	case IOC:
		return "IOC"
	case FOK:
		return "FOK"
	}
	return char("TimeInForce", uint8(t))
}

func (t ExecType) String() string {
	switch t {
	case ExecNew:
		return "New"
	case ExecCanceled:
		return "Canceled"
	case ExecReplaced:
		return "Replaced"
	case ExecRejected:
		return "Rejected"
	case ExecPendingNew:
		return "PendingNew"
	case ExecExpired:
		return "Expired"
	case ExecTrade:
		return "Trade"
	case ExecPendingCancel:
		return "PendingCancel"
	case ExecPendingReplace:
		return "PendingReplace"
	case ExecOrderStatus:
		return "OrderStatus"
	}
	return char("ExecType", uint8(t))
}

func (s OrdStatus) String() string {
	switch s {
	case StatusNew:
		return "New"
	case StatusPartiallyFilled:
		return "PartiallyFilled"
	case StatusFilled:
		return "Filled"
	case StatusCanceled:
		return "Canceled"
	case StatusPendingCancel:
		return "PendingCancel"
	case StatusRejected:
		return "Rejected"
	case StatusPendingNew:
		return "PendingNew"
	case StatusExpired:
		return "Expired"
	case StatusPendingReplace:
		return "PendingReplace"
	}
	return char("OrdStatus", uint8(s))
}

func (t MsgType) String() string {
	switch t {
	case MsgNewOrderSingle:
		return "NewOrderSingle"
	case MsgOrderCancelRequest:
		return "OrderCancelRequest"
	case MsgOrderCancelReplaceRequest:
		return "OrderCancelReplaceRequest"
	case MsgExecutionReport:
		return "ExecutionReport"
	case MsgOrderCancelReject:
		return "OrderCancelReject"
	case MsgBusinessMessageReject:
		return "BusinessMessageReject"
	case MsgSessionStatus:
		return "SessionStatus"
	case MsgKillSwitch:
		return "KillSwitch"
	case MsgVenueStatus:
		return "VenueStatus"
	case MsgCheckpoint:
		return "Checkpoint"
	case MsgCheckpointSessions, MsgCheckpointPositions, MsgCheckpointOrders, MsgCheckpointRequests:
		return "CheckpointRows"
	}
	return "MsgType " + strconv.Itoa(int(t))
}

func (s SessionState) String() string {
	switch s {
	case SessionUp:
		return "up"
	case SessionDown:
		return "down"
	case 0:
		return "not seen"
	}
	return "SessionState " + strconv.Itoa(int(s))
}

// char is a code that has no name: its character if it is one that can be read.
func char(of string, c uint8) string {
	if c > ' ' && c < 0x7F {
		return of + " " + string(rune(c))
	}
	return of + " " + strconv.Itoa(int(c))
}
