package itch

// One struct per message type, with the field names of Nasdaq TotalView-ITCH 5.0.
// The comment after a field gives its offset in the message and, where needed,
// what it holds. Fields of one letter are written as they are, known or not.

// Header is what every message has after its type letter.
type Header struct {
	StockLocate    uint16 // 1: the stock's number for the day, 0 if not about one
	TrackingNumber uint16 // 3: Nasdaq's own
	Timestamp      uint64 // 5: 48 bits, ns since midnight in New York
}

// SystemEvent announces the stages of the trading day.
type SystemEvent struct {
	Header
	EventCode Char // 11: one of the Event constants
}

// StockDirectory describes one stock; sent for each at the start of the day.
type StockDirectory struct {
	Header
	Stock                       Alpha8 // 11: symbol
	MarketCategory              Char   // 19: Q G S Nasdaq tiers, N NYSE, A NYSE American, P Arca, Z BATS, V IEX, space: none
	FinancialStatusIndicator    Char   // 20: N normal, D deficient, E delinquent, Q bankrupt, S suspended, ...
	RoundLotSize                uint32 // 21: shares
	RoundLotsOnly               Char   // 25: Y or N
	IssueClassification         Char   // 26: C common stock, Q ETF, ...
	IssueSubType                Alpha2 // 27
	Authenticity                Char   // 29: P live, T test
	ShortSaleThresholdIndicator Char   // 30: Y, N or space
	IPOFlag                     Char   // 31: Y, N or space
	LULDReferencePriceTier      Char   // 32: 1, 2 or space
	ETPFlag                     Char   // 33: Y, N or space
	ETPLeverageFactor           uint32 // 34
	InverseIndicator            Char   // 38: Y or N
}

// StockTradingAction says whether a stock trades.
type StockTradingAction struct {
	Header
	Stock        Alpha8 // 11
	TradingState Char   // 19: one of the State constants
	Reserved     Char   // 20
	Reason       Alpha4 // 21
}

// RegSHORestriction gives the short sale price test of a stock.
type RegSHORestriction struct {
	Header
	Stock        Alpha8 // 11
	RegSHOAction Char   // 19: 0 none, 1 in effect since today, 2 remains in effect
}

// MarketParticipantPosition gives the status of a market participant in a stock.
type MarketParticipantPosition struct {
	Header
	MPID                   Alpha4 // 11
	Stock                  Alpha8 // 15
	PrimaryMarketMaker     Char   // 23: Y or N
	MarketMakerMode        Char   // 24: N normal, P passive, S syndicate, R pre-syndicate, L penalty
	MarketParticipantState Char   // 25: A active, E excused, W withdrawn, S suspended, D deleted
}

// MWCBDeclineLevel gives the levels of the S&P 500 index that halt the whole market.
type MWCBDeclineLevel struct {
	Header
	Level1 Price8 // 11: index points
	Level2 Price8 // 19
	Level3 Price8 // 27
}

// MWCBStatus says that the index has breached a level.
type MWCBStatus struct {
	Header
	BreachedLevel Char // 11: 1, 2 or 3
}

// IPOQuotingPeriodUpdate gives the time and price at which quoting begins in an IPO.
type IPOQuotingPeriodUpdate struct {
	Header
	Stock                        Alpha8 // 11
	IPOQuotationReleaseTime      uint32 // 19: seconds since midnight
	IPOQuotationReleaseQualifier Char   // 23: A anticipated, C cancelled or postponed
	IPOPrice                     Price4 // 24
}

// LULDAuctionCollar gives the price limits of the auction that ends a trading pause.
type LULDAuctionCollar struct {
	Header
	Stock                       Alpha8 // 11
	AuctionCollarReferencePrice Price4 // 19
	UpperAuctionCollarPrice     Price4 // 23
	LowerAuctionCollarPrice     Price4 // 27
	AuctionCollarExtension      uint32 // 31: number of extensions so far
}

// OperationalHalt says that one market has stopped or resumed a stock.
type OperationalHalt struct {
	Header
	Stock                 Alpha8 // 11
	MarketCode            Char   // 19: Q Nasdaq, B BX, X PSX
	OperationalHaltAction Char   // 20: H halted, T resumed
}

// AddOrder is a new displayed order without attribution.
type AddOrder struct {
	Header
	OrderReferenceNumber uint64 // 11: unique in the day
	BuySellIndicator     Char   // 19: Buy or Sell
	Shares               uint32 // 20
	Stock                Alpha8 // 24
	Price                Price4 // 32
}

// AddOrderMPID is a new displayed order that names its owner.
type AddOrderMPID struct {
	Header
	OrderReferenceNumber uint64 // 11: unique in the day
	BuySellIndicator     Char   // 19: Buy or Sell
	Shares               uint32 // 20
	Stock                Alpha8 // 24
	Price                Price4 // 32
	Attribution          Alpha4 // 36: MPID
}

// OrderExecuted is an execution of a displayed order at its own price.
type OrderExecuted struct {
	Header
	OrderReferenceNumber uint64 // 11
	ExecutedShares       uint32 // 19
	MatchNumber          uint64 // 23
}

// OrderExecutedWithPrice is an execution of a displayed order at a price of its own. If
// Printable is No the shares are also part of a later bulk print, a Q message.
type OrderExecutedWithPrice struct {
	Header
	OrderReferenceNumber uint64 // 11
	ExecutedShares       uint32 // 19
	MatchNumber          uint64 // 23
	Printable            Char   // 31: Yes or No
	ExecutionPrice       Price4 // 32
}

// OrderCancel takes shares off an order; some remain.
type OrderCancel struct {
	Header
	OrderReferenceNumber uint64 // 11
	CancelledShares      uint32 // 19
}

// OrderDelete takes an order out of the book.
type OrderDelete struct {
	Header
	OrderReferenceNumber uint64 // 11
}

// OrderReplace takes an order out of the book and puts another one in, of the same
// side, stock and owner.
type OrderReplace struct {
	Header
	OriginalOrderReferenceNumber uint64 // 11
	NewOrderReferenceNumber      uint64 // 19
	Shares                       uint32 // 27: of the new order
	Price                        Price4 // 31: of the new order
}

// Trade is an execution against an order that was not displayed (P).
type Trade struct {
	Header
	OrderReferenceNumber uint64 // 11: 0 since 2010
	BuySellIndicator     Char   // 19: of the hidden order; always Buy since 2014
	Shares               uint32 // 20
	Stock                Alpha8 // 24
	Price                Price4 // 32
	MatchNumber          uint64 // 36
}

// CrossTrade is the bulk print of an auction.
type CrossTrade struct {
	Header
	Shares      uint64 // 11
	Stock       Alpha8 // 19
	CrossPrice  Price4 // 27
	MatchNumber uint64 // 31
	CrossType   Char   // 39: one of the Cross constants
}

// BrokenTrade says that an execution was cancelled; the book is not affected.
type BrokenTrade struct {
	Header
	MatchNumber uint64 // 11: of the execution
}

// NOII is the Net Order Imbalance Indicator ahead of an auction.
type NOII struct {
	Header
	PairedShares            uint64 // 11
	ImbalanceShares         uint64 // 19
	ImbalanceDirection      Char   // 27: B, S, N none, O too few orders, P paused
	Stock                   Alpha8 // 28
	FarPrice                Price4 // 36
	NearPrice               Price4 // 40
	CurrentReferencePrice   Price4 // 44
	CrossType               Char   // 48: O, C, H or A (extended close)
	PriceVariationIndicator Char   // 49: distance of the near price from the reference
}

// RPII is the Retail Price Improvement Indicator.
type RPII struct {
	Header
	Stock        Alpha8 // 11
	InterestFlag Char   // 19: B, S, A both, N none
}

// DirectListing is the price discovery of a Direct Listing with Capital Raise.
type DirectListing struct {
	Header
	Stock                 Alpha8 // 11
	OpenEligibilityStatus Char   // 19: N not eligible, Y eligible
	MinimumAllowablePrice Price4 // 20
	MaximumAllowablePrice Price4 // 24
	NearExecutionPrice    Price4 // 28
	NearExecutionTime     uint64 // 32
	LowerPriceRangeCollar Price4 // 40
	UpperPriceRangeCollar Price4 // 44
}
