package dbn

import "unsafe"

// The structs are the records byte for byte: a field that moves must not compile.
// Each line indexes an array of one element with a constant that must be 0.
var one = [1]struct{}{}

var (
	_ = one[unsafe.Sizeof(RecordHeader{})-HeaderSize]
	_ = one[unsafe.Offsetof(RecordHeader{}.TsEvent)-8]

	_ = one[unsafe.Sizeof(MboMsg{})-MboSize]
	_ = one[unsafe.Offsetof(MboMsg{}.OrderID)-16]
	_ = one[unsafe.Offsetof(MboMsg{}.Price)-24]
	_ = one[unsafe.Offsetof(MboMsg{}.Size)-32]
	_ = one[unsafe.Offsetof(MboMsg{}.Flags)-36]
	_ = one[unsafe.Offsetof(MboMsg{}.ChannelID)-37]
	_ = one[unsafe.Offsetof(MboMsg{}.Action)-38]
	_ = one[unsafe.Offsetof(MboMsg{}.Side)-39]
	_ = one[unsafe.Offsetof(MboMsg{}.TsRecv)-40]
	_ = one[unsafe.Offsetof(MboMsg{}.TsInDelta)-48]
	_ = one[unsafe.Offsetof(MboMsg{}.Sequence)-52]

	_ = one[unsafe.Sizeof(TradeMsg{})-TradeSize]
	_ = one[unsafe.Offsetof(TradeMsg{}.Price)-16]
	_ = one[unsafe.Offsetof(TradeMsg{}.Size)-24]
	_ = one[unsafe.Offsetof(TradeMsg{}.Action)-28]
	_ = one[unsafe.Offsetof(TradeMsg{}.Side)-29]
	_ = one[unsafe.Offsetof(TradeMsg{}.Flags)-30]
	_ = one[unsafe.Offsetof(TradeMsg{}.Depth)-31]
	_ = one[unsafe.Offsetof(TradeMsg{}.TsRecv)-32]
	_ = one[unsafe.Offsetof(TradeMsg{}.TsInDelta)-40]
	_ = one[unsafe.Offsetof(TradeMsg{}.Sequence)-44]

	_ = one[unsafe.Sizeof(BidAskPair{})-pairSize]
	_ = one[unsafe.Offsetof(BidAskPair{}.AskPx)-8]
	_ = one[unsafe.Offsetof(BidAskPair{}.BidSz)-16]
	_ = one[unsafe.Offsetof(BidAskPair{}.AskSz)-20]
	_ = one[unsafe.Offsetof(BidAskPair{}.BidCt)-24]
	_ = one[unsafe.Offsetof(BidAskPair{}.AskCt)-28]

	_ = one[unsafe.Sizeof(Mbp1Msg{})-Mbp1Size]
	_ = one[unsafe.Offsetof(Mbp1Msg{}.Level)-TradeSize]
	_ = one[unsafe.Sizeof(Mbp10Msg{})-Mbp10Size]
	_ = one[unsafe.Offsetof(Mbp10Msg{}.Levels)-TradeSize]
)
