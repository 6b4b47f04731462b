package itch

import "encoding/binary"

// Type is the first byte of a message: it says which of the 23 kinds it is.
type Type byte

// The message types of TotalView-ITCH 5.0.
const (
	TypeSystemEvent               Type = 'S'
	TypeStockDirectory            Type = 'R'
	TypeStockTradingAction        Type = 'H'
	TypeRegSHORestriction         Type = 'Y'
	TypeMarketParticipantPosition Type = 'L'
	TypeMWCBDeclineLevel          Type = 'V'
	TypeMWCBStatus                Type = 'W'
	TypeIPOQuotingPeriodUpdate    Type = 'K'
	TypeLULDAuctionCollar         Type = 'J'
	TypeOperationalHalt           Type = 'h'
	TypeAddOrder                  Type = 'A'
	TypeAddOrderMPID              Type = 'F'
	TypeOrderExecuted             Type = 'E'
	TypeOrderExecutedWithPrice    Type = 'C'
	TypeOrderCancel               Type = 'X'
	TypeOrderDelete               Type = 'D'
	TypeOrderReplace              Type = 'U'
	TypeTrade                     Type = 'P'
	TypeCrossTrade                Type = 'Q'
	TypeBrokenTrade               Type = 'B'
	TypeNOII                      Type = 'I'
	TypeRPII                      Type = 'N'
	TypeDirectListing             Type = 'O'
)

// MaxMessageSize is the size of the longest message type, in bytes.
const MaxMessageSize = 50

// Sizes of the messages in bytes, without the length prefix.
const (
	SizeSystemEvent               = 12
	SizeStockDirectory            = 39
	SizeStockTradingAction        = 25
	SizeRegSHORestriction         = 20
	SizeMarketParticipantPosition = 26
	SizeMWCBDeclineLevel          = 35
	SizeMWCBStatus                = 12
	SizeIPOQuotingPeriodUpdate    = 28
	SizeLULDAuctionCollar         = 35
	SizeOperationalHalt           = 21
	SizeAddOrder                  = 36
	SizeAddOrderMPID              = 40
	SizeOrderExecuted             = 31
	SizeOrderExecutedWithPrice    = 36
	SizeOrderCancel               = 23
	SizeOrderDelete               = 19
	SizeOrderReplace              = 35
	SizeTrade                     = 44
	SizeCrossTrade                = 40
	SizeBrokenTrade               = 19
	SizeNOII                      = 50
	SizeRPII                      = 20
	SizeDirectListing             = 48
)

// sizes is indexed by the type letter; 0 means there is no such type.
var sizes = [256]uint8{
	TypeSystemEvent:               SizeSystemEvent,
	TypeStockDirectory:            SizeStockDirectory,
	TypeStockTradingAction:        SizeStockTradingAction,
	TypeRegSHORestriction:         SizeRegSHORestriction,
	TypeMarketParticipantPosition: SizeMarketParticipantPosition,
	TypeMWCBDeclineLevel:          SizeMWCBDeclineLevel,
	TypeMWCBStatus:                SizeMWCBStatus,
	TypeIPOQuotingPeriodUpdate:    SizeIPOQuotingPeriodUpdate,
	TypeLULDAuctionCollar:         SizeLULDAuctionCollar,
	TypeOperationalHalt:           SizeOperationalHalt,
	TypeAddOrder:                  SizeAddOrder,
	TypeAddOrderMPID:              SizeAddOrderMPID,
	TypeOrderExecuted:             SizeOrderExecuted,
	TypeOrderExecutedWithPrice:    SizeOrderExecutedWithPrice,
	TypeOrderCancel:               SizeOrderCancel,
	TypeOrderDelete:               SizeOrderDelete,
	TypeOrderReplace:              SizeOrderReplace,
	TypeTrade:                     SizeTrade,
	TypeCrossTrade:                SizeCrossTrade,
	TypeBrokenTrade:               SizeBrokenTrade,
	TypeNOII:                      SizeNOII,
	TypeRPII:                      SizeRPII,
	TypeDirectListing:             SizeDirectListing,
}

// Size returns the length in bytes of a message of type t, or 0 if ITCH 5.0 has
// no such type. A type has one length.
func (t Type) Size() int { return int(sizes[t]) }

// String returns the type letter, or the value in hexadecimal if it is not a
// printable character.
func (t Type) String() string {
	if t > ' ' && t < 0x7f {
		return string(rune(t))
	}
	const hex = "0123456789abcdef"
	return "0x" + string(hex[t>>4]) + string(hex[t&15])
}

// Types returns the 23 message types in the order of Nasdaq's specification.
func Types() []Type {
	return []Type{
		TypeSystemEvent, TypeStockDirectory, TypeStockTradingAction, TypeRegSHORestriction,
		TypeMarketParticipantPosition, TypeMWCBDeclineLevel, TypeMWCBStatus,
		TypeIPOQuotingPeriodUpdate, TypeLULDAuctionCollar, TypeOperationalHalt,
		TypeAddOrder, TypeAddOrderMPID, TypeOrderExecuted, TypeOrderExecutedWithPrice,
		TypeOrderCancel, TypeOrderDelete, TypeOrderReplace, TypeTrade, TypeCrossTrade,
		TypeBrokenTrade, TypeNOII, TypeRPII, TypeDirectListing,
	}
}

// HeaderSize is the size of the fields that begin every message: the type
// letter, then the three fields of Header.
const HeaderSize = 11

// Timestamp returns the time in a message, in nanoseconds since midnight in New
// York. The message must be at least HeaderSize bytes long, as every message
// from a Reader is.
func Timestamp(msg []byte) uint64 {
	_ = msg[HeaderSize-1]
	return uint64(binary.BigEndian.Uint16(msg[5:]))<<32 | uint64(binary.BigEndian.Uint32(msg[7:]))
}

// StockLocate returns the stock locate code of a message: a number that stands
// for the stock during one day, or 0 if the message is not about one stock. The
// message must be at least HeaderSize bytes long.
func StockLocate(msg []byte) uint16 {
	return binary.BigEndian.Uint16(msg[1:HeaderSize])
}
