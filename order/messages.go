package order

// This file is the layout of what travels between strategies, gateway and venue. Every
// record has 56 bytes, a cache line as a frame; little-endian, fields on their natural
// boundaries, nothing between them. docs/orders.md has the same as tables, and a test holds
// the two together. Prices are in 1e-9 of the instrument's unit, as in DBN.

// Size is the length of every record in bytes.
const Size = 56

// MaxReports is how many records at most a venue answers a request with. By it a gateway knows
// how many requests may be without an answer, so that all answers fit into the venue's ring.
const MaxReports = 64

// MsgType says what a record is: the type of the message in the ring. Those that FIX has
// are FIX's MsgType (35), as a character.
type MsgType uint16

// From a strategy to the gateway, and from the gateway to the venue: [Request].
const (
	MsgNewOrderSingle            MsgType = 'D'
	MsgOrderCancelRequest        MsgType = 'F'
	MsgOrderCancelReplaceRequest MsgType = 'G'
)

// From the venue to the gateway, and from the gateway to everybody.
const (
	MsgExecutionReport       MsgType = '8' // ExecutionReport
	MsgOrderCancelReject     MsgType = '9' // OrderCancelReject
	MsgBusinessMessageReject MsgType = 'j' // BusinessMessageReject
)

// The gateway's own, and its operator's.
const (
	MsgSessionStatus MsgType = 0x101 // SessionStatus: a strategy came, went, or is another process
	MsgKillSwitch    MsgType = 0x102 // KillSwitch: from the operator, and again from the gateway when it is done
	MsgVenueStatus   MsgType = 0x103 // VenueStatus: how far a venue has come
	MsgCheckpoint    MsgType = 0x110 // Checkpoint: begins a snapshot of the gateway's state

	// The rows of a snapshot, as many as fit into a message: the only messages that are
	// not of Size. See checkpoint.go.
	MsgCheckpointSessions  MsgType = 0x111 // Session
	MsgCheckpointPositions MsgType = 0x112 // Position
	MsgCheckpointOrders    MsgType = 0x113 // Order
	MsgCheckpointRequests  MsgType = 0x114 // Unanswered
)

// Origin says which message of which ring a record answers, or is. A record of a strategy
// names itself; the gateway passes it on with everything that comes of it, so that each
// frame of its ring has exactly one input, and each input one frame.
type Origin struct {
	Seq   uint32 // low half of the message's sequence number in its ring
	Epoch uint16 // low bits of the ring's epoch: which process of that strategy or venue it was
	Ring  uint16 // number of the ring: of the strategy, or one of those below
}

// Numbers of rings that are not strategies'.
const (
	RingGateway  = 0      // the gateway's own decision: no input
	RingOperator = 0xFFFE // commands of the operator
	RingVenue    = 0xFFFF
	MaxStrategy  = 0xFEFF // strategies have 1 to this
)

// Request is NewOrderSingle, OrderCancelRequest or OrderCancelReplaceRequest. A strategy
// makes it; the gateway forwards it as it is, but for what is left of TTL. The number of the
// forwarded NewOrderSingle in the gateway's ring is the OrderID of the order, through all
// replaces.
type Request struct {
	ClOrdID     uint64 // above that of the strategy's last request, below 1<<63
	OrigClOrdID uint64 // F and G: of the order's last accepted D or G. D: 0
	MdSeq       uint64 // number of the market-data message that it answers; 0: none
	Price       int64  // limit; of a stop order the stop price; 0 for a market order. F: 0
	Origin      Origin // Ring is the strategy
	OrderQty    int32  // D and G: the whole order's, filled or not. F: 0
	SecurityID  uint32 // instrument_id of the feed
	TTL         uint32 // µs from its publishing in which it has to reach the venue; 0: no limit
	Side        Side
	OrdType     OrdType     // F: 0
	TimeInForce TimeInForce // F: 0
	Flags       Flags
}

// ExecutionReport says what became of an order. That of the venue is passed on by the
// gateway with another Origin: the venue's message. The number of the message in the
// gateway's ring is its ExecID. OrderQty is CumQty + LeavesQty while the order is open.
type ExecutionReport struct {
	ClOrdID      uint64 // of the request that it answers; if it answers none, of the order's last accepted one
	OrderID      uint64 // 0: it never became an order
	LastPx       int64  // of this fill; else 0
	Origin       Origin // from the venue: the request, or RingVenue with no Seq; from the gateway: its input
	LastQty      int32  // of this fill; else 0
	CumQty       int32
	LeavesQty    int32 // 0 if the order is closed
	SecurityID   uint32
	Strategy     uint16
	Text         Text // why, in detail
	ExecType     ExecType
	OrdStatus    OrdStatus
	Side         Side
	OrdRejReason OrdRejReason // if Rejected
}

// OrderCancelReject refuses an OrderCancelRequest or an OrderCancelReplaceRequest. The order
// is as it was.
type OrderCancelReject struct {
	ClOrdID          uint64 // of the request
	OrigClOrdID      uint64 // of the order, as the request has it
	OrderID          uint64 // 0: no such order
	MdSeq            uint64 // of the request
	Origin           Origin
	SecurityID       uint32
	Strategy         uint16
	Text             Text
	OrdStatus        OrdStatus // Rejected if there is no such order, as FIX has it
	CxlRejReason     CxlRejReason
	CxlRejResponseTo CxlRejResponseTo
	_                [5]byte
}

// BusinessMessageReject refuses what is no proper message at all.
type BusinessMessageReject struct {
	ClOrdID              uint64 // if the message is long enough to have one
	Origin               Origin // the message
	RefMsgType           MsgType
	Strategy             uint16
	Length               uint32 // of the message in bytes
	Text                 Text
	BusinessRejectReason BusinessRejectReason
	_                    [29]byte
}

// SessionStatus says that the gateway has found, lost, or found again the process at the
// other end of an order ring, or the venue's.
type SessionStatus struct {
	RingID uint64 // of that ring; a ring of another id begins at message 1 again
	Epoch  uint64 // of that ring
	Seq    uint64 // number of the last message of that ring that was judged
	Origin Origin
	Ring   uint16
	Text   Text
	Status SessionState
	_      [19]byte
}

// KillSwitch stops a strategy, or all: no new orders and replaces; cancels go through. The
// operator sends it and the gateway repeats it when it is in force.
type KillSwitch struct {
	Origin   Origin
	Strategy uint16 // 0: all
	Engaged  uint8  // 1: stop; 0: go on. All and single strategies are switches of their own
	Cancel   uint8  // 1: stop, and cancel the open orders
	_        [44]byte
}

// VenueStatus is what a venue knows of its inputs. It is a snapshot mark of the venue's
// ring, of which there is one in every block.
type VenueStatus struct {
	GatewaySeq uint64 // up to here the gateway's messages have been dealt with
	GatewayID  uint64 // RingID of the gateway's ring
	MdSeq      uint64 // up to here market data has been taken in; 0: none
	Origin     Origin // from the venue: RingVenue with no Seq; from the gateway: the venue's message
	_          [24]byte
}

// Checkpoint begins a snapshot of the gateway's state. It and the messages with its rows,
// in the order of their types, are published at once.
type Checkpoint struct {
	Seq       uint64 // the state is that after this message of the gateway's ring: the one before
	Layout    uint32 // of the rows: CheckpointLayout
	Sessions  uint32 // how many rows of each kind follow
	Positions uint32
	Orders    uint32
	Requests  uint32
	Killed    Kill // the kill switch of all
	_         [27]byte
}
