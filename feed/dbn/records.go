package dbn

import "math"

// UndefPrice is the value of a price field that holds no price.
const UndefPrice = math.MaxInt64

// UndefTime is the value of a timestamp field that holds no time.
const UndefTime = math.MaxUint64

// RType says what a record is; it is the second byte of every record.
type RType uint8

// The record types that this package has a Go struct for. Every other record
// is passed through whole.
const (
	RTypeMbp0  RType = 0x00 // TradeMsg
	RTypeMbp1  RType = 0x01 // Mbp1Msg
	RTypeMbp10 RType = 0x0A // Mbp10Msg
	RTypeMbo   RType = 0xA0 // MboMsg
)

// Action says what happened to an order or a book.
type Action uint8

// Actions of DBN. Trade, Fill and None leave the book as it is: the change that
// follows from them comes in a record of its own.
const (
	ActionAdd    Action = 'A'
	ActionCancel Action = 'C'
	ActionModify Action = 'M'
	ActionClear  Action = 'R'
	ActionTrade  Action = 'T'
	ActionFill   Action = 'F'
	ActionNone   Action = 'N'
)

// Side of an order; for a trade, the side of the aggressor.
type Side uint8

// Sides of DBN.
const (
	SideAsk  Side = 'A'
	SideBid  Side = 'B'
	SideNone Side = 'N'
)

// Bits of the Flags field.
const (
	FlagLast              = 0x80 // last record of the event for this instrument
	FlagTOB               = 0x40 // top of book
	FlagSnapshot          = 0x20 // from a snapshot, not from live traffic
	FlagMBP               = 0x10 // aggregated price level
	FlagBadTsRecv         = 0x08 // ts_recv is inaccurate
	FlagMaybeBadBook      = 0x04 // a gap was seen; the book may be wrong
	FlagPublisherSpecific = 0x02 // an event whose meaning is the publisher's own
)

// RecordHeader begins every record: 16 bytes.
type RecordHeader struct {
	Length       uint8 // of the whole record, in 4-byte words
	RType        RType
	PublisherID  uint16
	InstrumentID uint32
	TsEvent      uint64 // UNIX ns
}

// MboMsg is one order event (schema mbo): 56 bytes.
type MboMsg struct {
	RecordHeader
	OrderID   uint64
	Price     int64 // 1e-9
	Size      uint32
	Flags     uint8
	ChannelID uint8
	Action    Action
	Side      Side
	TsRecv    uint64 // UNIX ns
	TsInDelta int32  // ns
	Sequence  uint32
}

// TradeMsg is one trade (schema trades): 48 bytes.
type TradeMsg struct {
	RecordHeader
	Price     int64 // 1e-9
	Size      uint32
	Action    Action
	Side      Side
	Flags     uint8
	Depth     uint8
	TsRecv    uint64 // UNIX ns
	TsInDelta int32  // ns
	Sequence  uint32
}

// BidAskPair is one level of a book: 32 bytes.
type BidAskPair struct {
	BidPx, AskPx int64 // 1e-9
	BidSz, AskSz uint32
	BidCt, AskCt uint32
}

// Mbp1Msg is a change at the top of the book (schemas mbp-1 and tbbo): 80 bytes.
type Mbp1Msg struct {
	TradeMsg
	Level BidAskPair
}

// TbboMsg is a trade with the best bid and offer before it (schema tbbo). It has
// the layout of Mbp1Msg.
type TbboMsg = Mbp1Msg

// Mbp10Msg is a change within the first ten levels (schema mbp-10): 368 bytes.
type Mbp10Msg struct {
	TradeMsg
	Levels [10]BidAskPair
}
