package itch

import (
	"encoding/binary"
	"fmt"
)

// Message is implemented by the pointers to the 23 message structs.
type Message interface {
	// Type returns the type letter of the struct.
	Type() Type
	// Decode fills the struct from one whole message without its length
	// prefix. The type and the length must be right, else it returns
	// ErrUnknownType or ErrLength and leaves the struct as it was. It keeps no
	// reference to b and does not check what the fields say.
	Decode(b []byte) error
	// Append appends the message, without a length prefix, to b.
	Append(b []byte) []byte
}

// AppendFrame appends msg to dst with the length prefix of a BinaryFILE. A
// message of no bytes gives the marker that ends a session. msg must be no
// longer than 65,535 bytes; no ITCH message is longer than MaxMessageSize.
func AppendFrame(dst, msg []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(msg)))
	return append(dst, msg...)
}

// AppendMessage appends m to dst with the length prefix of a BinaryFILE, without
// a copy in between.
func AppendMessage(dst []byte, m Message) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.Type().Size()))
	return m.Append(dst)
}

// Decode returns the struct of any message. It allocates: for the hot path, look
// at the type letter and decode into a struct of your own.
func Decode(b []byte) (Message, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("itch: decode: message of no bytes: %w", ErrLength)
	}
	m := newMessage(Type(b[0]))
	if m == nil {
		return nil, fmt.Errorf("itch: decode: %w %v", ErrUnknownType, Type(b[0]))
	}
	if err := m.Decode(b); err != nil {
		return nil, err
	}
	return m, nil
}

func newMessage(t Type) Message {
	switch t {
	case TypeSystemEvent:
		return &SystemEvent{}
	case TypeStockDirectory:
		return &StockDirectory{}
	case TypeStockTradingAction:
		return &StockTradingAction{}
	case TypeRegSHORestriction:
		return &RegSHORestriction{}
	case TypeMarketParticipantPosition:
		return &MarketParticipantPosition{}
	case TypeMWCBDeclineLevel:
		return &MWCBDeclineLevel{}
	case TypeMWCBStatus:
		return &MWCBStatus{}
	case TypeIPOQuotingPeriodUpdate:
		return &IPOQuotingPeriodUpdate{}
	case TypeLULDAuctionCollar:
		return &LULDAuctionCollar{}
	case TypeOperationalHalt:
		return &OperationalHalt{}
	case TypeAddOrder:
		return &AddOrder{}
	case TypeAddOrderMPID:
		return &AddOrderMPID{}
	case TypeOrderExecuted:
		return &OrderExecuted{}
	case TypeOrderExecutedWithPrice:
		return &OrderExecutedWithPrice{}
	case TypeOrderCancel:
		return &OrderCancel{}
	case TypeOrderDelete:
		return &OrderDelete{}
	case TypeOrderReplace:
		return &OrderReplace{}
	case TypeTrade:
		return &Trade{}
	case TypeCrossTrade:
		return &CrossTrade{}
	case TypeBrokenTrade:
		return &BrokenTrade{}
	case TypeNOII:
		return &NOII{}
	case TypeRPII:
		return &RPII{}
	case TypeDirectListing:
		return &DirectListing{}
	}
	return nil
}

// check is the test that every Decode begins with.
func check(b []byte, t Type) error {
	if len(b) == t.Size() && Type(b[0]) == t {
		return nil
	}
	return checkFailed(b, t)
}

func checkFailed(b []byte, t Type) error {
	if len(b) > 0 && Type(b[0]) != t {
		return fmt.Errorf("itch: decode %v: message is of type %v: %w", t, Type(b[0]), ErrUnknownType)
	}
	return fmt.Errorf("itch: decode %v: %w: %d bytes, want %d", t, ErrLength, len(b), t.Size())
}

func (h *Header) decode(b []byte) {
	h.StockLocate = binary.BigEndian.Uint16(b[1:])
	h.TrackingNumber = binary.BigEndian.Uint16(b[3:])
	h.Timestamp = Timestamp(b)
}

func (h *Header) append(b []byte, t Type) []byte {
	b = append(b, byte(t))
	b = binary.BigEndian.AppendUint16(b, h.StockLocate)
	b = binary.BigEndian.AppendUint16(b, h.TrackingNumber)
	b = binary.BigEndian.AppendUint16(b, uint16(h.Timestamp>>32))
	return binary.BigEndian.AppendUint32(b, uint32(h.Timestamp))
}

// Type returns TypeSystemEvent.
func (m *SystemEvent) Type() Type { return TypeSystemEvent }

// Decode implements Message.
func (m *SystemEvent) Decode(b []byte) error {
	if err := check(b, TypeSystemEvent); err != nil {
		return err
	}
	m.decode(b)
	m.EventCode = Char(b[11])
	return nil
}

// Append implements Message.
func (m *SystemEvent) Append(b []byte) []byte {
	b = m.append(b, TypeSystemEvent)
	return append(b, byte(m.EventCode))
}

// Type returns TypeStockDirectory.
func (m *StockDirectory) Type() Type { return TypeStockDirectory }

// Decode implements Message.
func (m *StockDirectory) Decode(b []byte) error {
	if err := check(b, TypeStockDirectory); err != nil {
		return err
	}
	m.decode(b)
	m.Stock = Alpha8(b[11:19])
	m.MarketCategory = Char(b[19])
	m.FinancialStatusIndicator = Char(b[20])
	m.RoundLotSize = binary.BigEndian.Uint32(b[21:])
	m.RoundLotsOnly = Char(b[25])
	m.IssueClassification = Char(b[26])
	m.IssueSubType = Alpha2(b[27:29])
	m.Authenticity = Char(b[29])
	m.ShortSaleThresholdIndicator = Char(b[30])
	m.IPOFlag = Char(b[31])
	m.LULDReferencePriceTier = Char(b[32])
	m.ETPFlag = Char(b[33])
	m.ETPLeverageFactor = binary.BigEndian.Uint32(b[34:])
	m.InverseIndicator = Char(b[38])
	return nil
}

// Append implements Message.
func (m *StockDirectory) Append(b []byte) []byte {
	b = m.append(b, TypeStockDirectory)
	b = append(b, m.Stock[:]...)
	b = append(b, byte(m.MarketCategory))
	b = append(b, byte(m.FinancialStatusIndicator))
	b = binary.BigEndian.AppendUint32(b, m.RoundLotSize)
	b = append(b, byte(m.RoundLotsOnly))
	b = append(b, byte(m.IssueClassification))
	b = append(b, m.IssueSubType[:]...)
	b = append(b, byte(m.Authenticity))
	b = append(b, byte(m.ShortSaleThresholdIndicator))
	b = append(b, byte(m.IPOFlag))
	b = append(b, byte(m.LULDReferencePriceTier))
	b = append(b, byte(m.ETPFlag))
	b = binary.BigEndian.AppendUint32(b, m.ETPLeverageFactor)
	return append(b, byte(m.InverseIndicator))
}

// Type returns TypeStockTradingAction.
func (m *StockTradingAction) Type() Type { return TypeStockTradingAction }

// Decode implements Message.
func (m *StockTradingAction) Decode(b []byte) error {
	if err := check(b, TypeStockTradingAction); err != nil {
		return err
	}
	m.decode(b)
	m.Stock = Alpha8(b[11:19])
	m.TradingState = Char(b[19])
	m.Reserved = Char(b[20])
	m.Reason = Alpha4(b[21:25])
	return nil
}

// Append implements Message.
func (m *StockTradingAction) Append(b []byte) []byte {
	b = m.append(b, TypeStockTradingAction)
	b = append(b, m.Stock[:]...)
	b = append(b, byte(m.TradingState))
	b = append(b, byte(m.Reserved))
	return append(b, m.Reason[:]...)
}

// Type returns TypeRegSHORestriction.
func (m *RegSHORestriction) Type() Type { return TypeRegSHORestriction }

// Decode implements Message.
func (m *RegSHORestriction) Decode(b []byte) error {
	if err := check(b, TypeRegSHORestriction); err != nil {
		return err
	}
	m.decode(b)
	m.Stock = Alpha8(b[11:19])
	m.RegSHOAction = Char(b[19])
	return nil
}

// Append implements Message.
func (m *RegSHORestriction) Append(b []byte) []byte {
	b = m.append(b, TypeRegSHORestriction)
	b = append(b, m.Stock[:]...)
	return append(b, byte(m.RegSHOAction))
}

// Type returns TypeMarketParticipantPosition.
func (m *MarketParticipantPosition) Type() Type { return TypeMarketParticipantPosition }

// Decode implements Message.
func (m *MarketParticipantPosition) Decode(b []byte) error {
	if err := check(b, TypeMarketParticipantPosition); err != nil {
		return err
	}
	m.decode(b)
	m.MPID = Alpha4(b[11:15])
	m.Stock = Alpha8(b[15:23])
	m.PrimaryMarketMaker = Char(b[23])
	m.MarketMakerMode = Char(b[24])
	m.MarketParticipantState = Char(b[25])
	return nil
}

// Append implements Message.
func (m *MarketParticipantPosition) Append(b []byte) []byte {
	b = m.append(b, TypeMarketParticipantPosition)
	b = append(b, m.MPID[:]...)
	b = append(b, m.Stock[:]...)
	b = append(b, byte(m.PrimaryMarketMaker))
	b = append(b, byte(m.MarketMakerMode))
	return append(b, byte(m.MarketParticipantState))
}

// Type returns TypeMWCBDeclineLevel.
func (m *MWCBDeclineLevel) Type() Type { return TypeMWCBDeclineLevel }

// Decode implements Message.
func (m *MWCBDeclineLevel) Decode(b []byte) error {
	if err := check(b, TypeMWCBDeclineLevel); err != nil {
		return err
	}
	m.decode(b)
	m.Level1 = Price8(binary.BigEndian.Uint64(b[11:]))
	m.Level2 = Price8(binary.BigEndian.Uint64(b[19:]))
	m.Level3 = Price8(binary.BigEndian.Uint64(b[27:]))
	return nil
}

// Append implements Message.
func (m *MWCBDeclineLevel) Append(b []byte) []byte {
	b = m.append(b, TypeMWCBDeclineLevel)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Level1))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Level2))
	return binary.BigEndian.AppendUint64(b, uint64(m.Level3))
}

// Type returns TypeMWCBStatus.
func (m *MWCBStatus) Type() Type { return TypeMWCBStatus }

// Decode implements Message.
func (m *MWCBStatus) Decode(b []byte) error {
	if err := check(b, TypeMWCBStatus); err != nil {
		return err
	}
	m.decode(b)
	m.BreachedLevel = Char(b[11])
	return nil
}

// Append implements Message.
func (m *MWCBStatus) Append(b []byte) []byte {
	b = m.append(b, TypeMWCBStatus)
	return append(b, byte(m.BreachedLevel))
}

// Type returns TypeIPOQuotingPeriodUpdate.
func (m *IPOQuotingPeriodUpdate) Type() Type { return TypeIPOQuotingPeriodUpdate }

// Decode implements Message.
func (m *IPOQuotingPeriodUpdate) Decode(b []byte) error {
	if err := check(b, TypeIPOQuotingPeriodUpdate); err != nil {
		return err
	}
	m.decode(b)
	m.Stock = Alpha8(b[11:19])
	m.IPOQuotationReleaseTime = binary.BigEndian.Uint32(b[19:])
	m.IPOQuotationReleaseQualifier = Char(b[23])
	m.IPOPrice = Price4(binary.BigEndian.Uint32(b[24:]))
	return nil
}

// Append implements Message.
func (m *IPOQuotingPeriodUpdate) Append(b []byte) []byte {
	b = m.append(b, TypeIPOQuotingPeriodUpdate)
	b = append(b, m.Stock[:]...)
	b = binary.BigEndian.AppendUint32(b, m.IPOQuotationReleaseTime)
	b = append(b, byte(m.IPOQuotationReleaseQualifier))
	return binary.BigEndian.AppendUint32(b, uint32(m.IPOPrice))
}

// Type returns TypeLULDAuctionCollar.
func (m *LULDAuctionCollar) Type() Type { return TypeLULDAuctionCollar }

// Decode implements Message.
func (m *LULDAuctionCollar) Decode(b []byte) error {
	if err := check(b, TypeLULDAuctionCollar); err != nil {
		return err
	}
	m.decode(b)
	m.Stock = Alpha8(b[11:19])
	m.AuctionCollarReferencePrice = Price4(binary.BigEndian.Uint32(b[19:]))
	m.UpperAuctionCollarPrice = Price4(binary.BigEndian.Uint32(b[23:]))
	m.LowerAuctionCollarPrice = Price4(binary.BigEndian.Uint32(b[27:]))
	m.AuctionCollarExtension = binary.BigEndian.Uint32(b[31:])
	return nil
}

// Append implements Message.
func (m *LULDAuctionCollar) Append(b []byte) []byte {
	b = m.append(b, TypeLULDAuctionCollar)
	b = append(b, m.Stock[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(m.AuctionCollarReferencePrice))
	b = binary.BigEndian.AppendUint32(b, uint32(m.UpperAuctionCollarPrice))
	b = binary.BigEndian.AppendUint32(b, uint32(m.LowerAuctionCollarPrice))
	return binary.BigEndian.AppendUint32(b, m.AuctionCollarExtension)
}

// Type returns TypeOperationalHalt.
func (m *OperationalHalt) Type() Type { return TypeOperationalHalt }

// Decode implements Message.
func (m *OperationalHalt) Decode(b []byte) error {
	if err := check(b, TypeOperationalHalt); err != nil {
		return err
	}
	m.decode(b)
	m.Stock = Alpha8(b[11:19])
	m.MarketCode = Char(b[19])
	m.OperationalHaltAction = Char(b[20])
	return nil
}

// Append implements Message.
func (m *OperationalHalt) Append(b []byte) []byte {
	b = m.append(b, TypeOperationalHalt)
	b = append(b, m.Stock[:]...)
	b = append(b, byte(m.MarketCode))
	return append(b, byte(m.OperationalHaltAction))
}

// Type returns TypeAddOrder.
func (m *AddOrder) Type() Type { return TypeAddOrder }

// Decode implements Message.
func (m *AddOrder) Decode(b []byte) error {
	if err := check(b, TypeAddOrder); err != nil {
		return err
	}
	m.decode(b)
	m.OrderReferenceNumber = binary.BigEndian.Uint64(b[11:])
	m.BuySellIndicator = Char(b[19])
	m.Shares = binary.BigEndian.Uint32(b[20:])
	m.Stock = Alpha8(b[24:32])
	m.Price = Price4(binary.BigEndian.Uint32(b[32:]))
	return nil
}

// Append implements Message.
func (m *AddOrder) Append(b []byte) []byte {
	b = m.append(b, TypeAddOrder)
	b = binary.BigEndian.AppendUint64(b, m.OrderReferenceNumber)
	b = append(b, byte(m.BuySellIndicator))
	b = binary.BigEndian.AppendUint32(b, m.Shares)
	b = append(b, m.Stock[:]...)
	return binary.BigEndian.AppendUint32(b, uint32(m.Price))
}

// Type returns TypeAddOrderMPID.
func (m *AddOrderMPID) Type() Type { return TypeAddOrderMPID }

// Decode implements Message.
func (m *AddOrderMPID) Decode(b []byte) error {
	if err := check(b, TypeAddOrderMPID); err != nil {
		return err
	}
	m.decode(b)
	m.OrderReferenceNumber = binary.BigEndian.Uint64(b[11:])
	m.BuySellIndicator = Char(b[19])
	m.Shares = binary.BigEndian.Uint32(b[20:])
	m.Stock = Alpha8(b[24:32])
	m.Price = Price4(binary.BigEndian.Uint32(b[32:]))
	m.Attribution = Alpha4(b[36:40])
	return nil
}

// Append implements Message.
func (m *AddOrderMPID) Append(b []byte) []byte {
	b = m.append(b, TypeAddOrderMPID)
	b = binary.BigEndian.AppendUint64(b, m.OrderReferenceNumber)
	b = append(b, byte(m.BuySellIndicator))
	b = binary.BigEndian.AppendUint32(b, m.Shares)
	b = append(b, m.Stock[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(m.Price))
	return append(b, m.Attribution[:]...)
}

// Type returns TypeOrderExecuted.
func (m *OrderExecuted) Type() Type { return TypeOrderExecuted }

// Decode implements Message.
func (m *OrderExecuted) Decode(b []byte) error {
	if err := check(b, TypeOrderExecuted); err != nil {
		return err
	}
	m.decode(b)
	m.OrderReferenceNumber = binary.BigEndian.Uint64(b[11:])
	m.ExecutedShares = binary.BigEndian.Uint32(b[19:])
	m.MatchNumber = binary.BigEndian.Uint64(b[23:])
	return nil
}

// Append implements Message.
func (m *OrderExecuted) Append(b []byte) []byte {
	b = m.append(b, TypeOrderExecuted)
	b = binary.BigEndian.AppendUint64(b, m.OrderReferenceNumber)
	b = binary.BigEndian.AppendUint32(b, m.ExecutedShares)
	return binary.BigEndian.AppendUint64(b, m.MatchNumber)
}

// Type returns TypeOrderExecutedWithPrice.
func (m *OrderExecutedWithPrice) Type() Type { return TypeOrderExecutedWithPrice }

// Decode implements Message.
func (m *OrderExecutedWithPrice) Decode(b []byte) error {
	if err := check(b, TypeOrderExecutedWithPrice); err != nil {
		return err
	}
	m.decode(b)
	m.OrderReferenceNumber = binary.BigEndian.Uint64(b[11:])
	m.ExecutedShares = binary.BigEndian.Uint32(b[19:])
	m.MatchNumber = binary.BigEndian.Uint64(b[23:])
	m.Printable = Char(b[31])
	m.ExecutionPrice = Price4(binary.BigEndian.Uint32(b[32:]))
	return nil
}

// Append implements Message.
func (m *OrderExecutedWithPrice) Append(b []byte) []byte {
	b = m.append(b, TypeOrderExecutedWithPrice)
	b = binary.BigEndian.AppendUint64(b, m.OrderReferenceNumber)
	b = binary.BigEndian.AppendUint32(b, m.ExecutedShares)
	b = binary.BigEndian.AppendUint64(b, m.MatchNumber)
	b = append(b, byte(m.Printable))
	return binary.BigEndian.AppendUint32(b, uint32(m.ExecutionPrice))
}

// Type returns TypeOrderCancel.
func (m *OrderCancel) Type() Type { return TypeOrderCancel }

// Decode implements Message.
func (m *OrderCancel) Decode(b []byte) error {
	if err := check(b, TypeOrderCancel); err != nil {
		return err
	}
	m.decode(b)
	m.OrderReferenceNumber = binary.BigEndian.Uint64(b[11:])
	m.CancelledShares = binary.BigEndian.Uint32(b[19:])
	return nil
}

// Append implements Message.
func (m *OrderCancel) Append(b []byte) []byte {
	b = m.append(b, TypeOrderCancel)
	b = binary.BigEndian.AppendUint64(b, m.OrderReferenceNumber)
	return binary.BigEndian.AppendUint32(b, m.CancelledShares)
}

// Type returns TypeOrderDelete.
func (m *OrderDelete) Type() Type { return TypeOrderDelete }

// Decode implements Message.
func (m *OrderDelete) Decode(b []byte) error {
	if err := check(b, TypeOrderDelete); err != nil {
		return err
	}
	m.decode(b)
	m.OrderReferenceNumber = binary.BigEndian.Uint64(b[11:])
	return nil
}

// Append implements Message.
func (m *OrderDelete) Append(b []byte) []byte {
	b = m.append(b, TypeOrderDelete)
	return binary.BigEndian.AppendUint64(b, m.OrderReferenceNumber)
}

// Type returns TypeOrderReplace.
func (m *OrderReplace) Type() Type { return TypeOrderReplace }

// Decode implements Message.
func (m *OrderReplace) Decode(b []byte) error {
	if err := check(b, TypeOrderReplace); err != nil {
		return err
	}
	m.decode(b)
	m.OriginalOrderReferenceNumber = binary.BigEndian.Uint64(b[11:])
	m.NewOrderReferenceNumber = binary.BigEndian.Uint64(b[19:])
	m.Shares = binary.BigEndian.Uint32(b[27:])
	m.Price = Price4(binary.BigEndian.Uint32(b[31:]))
	return nil
}

// Append implements Message.
func (m *OrderReplace) Append(b []byte) []byte {
	b = m.append(b, TypeOrderReplace)
	b = binary.BigEndian.AppendUint64(b, m.OriginalOrderReferenceNumber)
	b = binary.BigEndian.AppendUint64(b, m.NewOrderReferenceNumber)
	b = binary.BigEndian.AppendUint32(b, m.Shares)
	return binary.BigEndian.AppendUint32(b, uint32(m.Price))
}

// Type returns TypeTrade.
func (m *Trade) Type() Type { return TypeTrade }

// Decode implements Message.
func (m *Trade) Decode(b []byte) error {
	if err := check(b, TypeTrade); err != nil {
		return err
	}
	m.decode(b)
	m.OrderReferenceNumber = binary.BigEndian.Uint64(b[11:])
	m.BuySellIndicator = Char(b[19])
	m.Shares = binary.BigEndian.Uint32(b[20:])
	m.Stock = Alpha8(b[24:32])
	m.Price = Price4(binary.BigEndian.Uint32(b[32:]))
	m.MatchNumber = binary.BigEndian.Uint64(b[36:])
	return nil
}

// Append implements Message.
func (m *Trade) Append(b []byte) []byte {
	b = m.append(b, TypeTrade)
	b = binary.BigEndian.AppendUint64(b, m.OrderReferenceNumber)
	b = append(b, byte(m.BuySellIndicator))
	b = binary.BigEndian.AppendUint32(b, m.Shares)
	b = append(b, m.Stock[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(m.Price))
	return binary.BigEndian.AppendUint64(b, m.MatchNumber)
}

// Type returns TypeCrossTrade.
func (m *CrossTrade) Type() Type { return TypeCrossTrade }

// Decode implements Message.
func (m *CrossTrade) Decode(b []byte) error {
	if err := check(b, TypeCrossTrade); err != nil {
		return err
	}
	m.decode(b)
	m.Shares = binary.BigEndian.Uint64(b[11:])
	m.Stock = Alpha8(b[19:27])
	m.CrossPrice = Price4(binary.BigEndian.Uint32(b[27:]))
	m.MatchNumber = binary.BigEndian.Uint64(b[31:])
	m.CrossType = Char(b[39])
	return nil
}

// Append implements Message.
func (m *CrossTrade) Append(b []byte) []byte {
	b = m.append(b, TypeCrossTrade)
	b = binary.BigEndian.AppendUint64(b, m.Shares)
	b = append(b, m.Stock[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(m.CrossPrice))
	b = binary.BigEndian.AppendUint64(b, m.MatchNumber)
	return append(b, byte(m.CrossType))
}

// Type returns TypeBrokenTrade.
func (m *BrokenTrade) Type() Type { return TypeBrokenTrade }

// Decode implements Message.
func (m *BrokenTrade) Decode(b []byte) error {
	if err := check(b, TypeBrokenTrade); err != nil {
		return err
	}
	m.decode(b)
	m.MatchNumber = binary.BigEndian.Uint64(b[11:])
	return nil
}

// Append implements Message.
func (m *BrokenTrade) Append(b []byte) []byte {
	b = m.append(b, TypeBrokenTrade)
	return binary.BigEndian.AppendUint64(b, m.MatchNumber)
}

// Type returns TypeNOII.
func (m *NOII) Type() Type { return TypeNOII }

// Decode implements Message.
func (m *NOII) Decode(b []byte) error {
	if err := check(b, TypeNOII); err != nil {
		return err
	}
	m.decode(b)
	m.PairedShares = binary.BigEndian.Uint64(b[11:])
	m.ImbalanceShares = binary.BigEndian.Uint64(b[19:])
	m.ImbalanceDirection = Char(b[27])
	m.Stock = Alpha8(b[28:36])
	m.FarPrice = Price4(binary.BigEndian.Uint32(b[36:]))
	m.NearPrice = Price4(binary.BigEndian.Uint32(b[40:]))
	m.CurrentReferencePrice = Price4(binary.BigEndian.Uint32(b[44:]))
	m.CrossType = Char(b[48])
	m.PriceVariationIndicator = Char(b[49])
	return nil
}

// Append implements Message.
func (m *NOII) Append(b []byte) []byte {
	b = m.append(b, TypeNOII)
	b = binary.BigEndian.AppendUint64(b, m.PairedShares)
	b = binary.BigEndian.AppendUint64(b, m.ImbalanceShares)
	b = append(b, byte(m.ImbalanceDirection))
	b = append(b, m.Stock[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(m.FarPrice))
	b = binary.BigEndian.AppendUint32(b, uint32(m.NearPrice))
	b = binary.BigEndian.AppendUint32(b, uint32(m.CurrentReferencePrice))
	b = append(b, byte(m.CrossType))
	return append(b, byte(m.PriceVariationIndicator))
}

// Type returns TypeRPII.
func (m *RPII) Type() Type { return TypeRPII }

// Decode implements Message.
func (m *RPII) Decode(b []byte) error {
	if err := check(b, TypeRPII); err != nil {
		return err
	}
	m.decode(b)
	m.Stock = Alpha8(b[11:19])
	m.InterestFlag = Char(b[19])
	return nil
}

// Append implements Message.
func (m *RPII) Append(b []byte) []byte {
	b = m.append(b, TypeRPII)
	b = append(b, m.Stock[:]...)
	return append(b, byte(m.InterestFlag))
}

// Type returns TypeDirectListing.
func (m *DirectListing) Type() Type { return TypeDirectListing }

// Decode implements Message.
func (m *DirectListing) Decode(b []byte) error {
	if err := check(b, TypeDirectListing); err != nil {
		return err
	}
	m.decode(b)
	m.Stock = Alpha8(b[11:19])
	m.OpenEligibilityStatus = Char(b[19])
	m.MinimumAllowablePrice = Price4(binary.BigEndian.Uint32(b[20:]))
	m.MaximumAllowablePrice = Price4(binary.BigEndian.Uint32(b[24:]))
	m.NearExecutionPrice = Price4(binary.BigEndian.Uint32(b[28:]))
	m.NearExecutionTime = binary.BigEndian.Uint64(b[32:])
	m.LowerPriceRangeCollar = Price4(binary.BigEndian.Uint32(b[40:]))
	m.UpperPriceRangeCollar = Price4(binary.BigEndian.Uint32(b[44:]))
	return nil
}

// Append implements Message.
func (m *DirectListing) Append(b []byte) []byte {
	b = m.append(b, TypeDirectListing)
	b = append(b, m.Stock[:]...)
	b = append(b, byte(m.OpenEligibilityStatus))
	b = binary.BigEndian.AppendUint32(b, uint32(m.MinimumAllowablePrice))
	b = binary.BigEndian.AppendUint32(b, uint32(m.MaximumAllowablePrice))
	b = binary.BigEndian.AppendUint32(b, uint32(m.NearExecutionPrice))
	b = binary.BigEndian.AppendUint64(b, m.NearExecutionTime)
	b = binary.BigEndian.AppendUint32(b, uint32(m.LowerPriceRangeCollar))
	return binary.BigEndian.AppendUint32(b, uint32(m.UpperPriceRangeCollar))
}
