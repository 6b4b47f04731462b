package order

import "strconv"

// Text (58) says in detail why something was refused or happened: a number, as records
// have no room for words. String has the words.
type Text uint16

const (
	TextNone Text = iota

	// Not a proper request.
	TextUnknownType     // unknown kind of message
	TextLength          // not 56 bytes
	TextStrategy        // Origin.Ring is not the number of the ring that it came by
	TextSequence        // Origin.Seq or Origin.Epoch is not that of the message, or runs backwards
	TextClOrdID         // ClOrdID is 0, or too large
	TextDuplicate       // ClOrdID is not above that of an earlier request
	TextMdSeq           // MdSeq runs backwards
	TextSide            // no such side
	TextOrdType         // no such order type
	TextTimeInForce     // no such time in force, or not with this order type
	TextFlags           // unknown flags
	TextQty             // OrderQty is not above 0, or below what is filled already
	TextPrice           // a price where none belongs, or none where one does
	TextField           // a field is set that does not belong to this message
	TextUnknownSecurity // instrument not in the limits
	TextUnknownOrder    // no open order of this ClOrdID
	TextPending         // the order has a cancel or replace pending
	TextOtherSecurity   // SecurityID or Side are not those of the order

	// Risk.
	TextKilled      // kill switch
	TextMaxQty      // OrderQty above the limit
	TextMaxNotional // price times quantity above the limit
	TextCollar      // too far from the market
	TextNoMarket    // there is no market to hold the price against
	TextPosition    // position, with open orders, above the limit
	TextOpenOrders  // too many open orders
	TextRate        // too many messages a second
	TextExpired     // TTL has passed
	TextFull        // the gateway has no room for more open orders or instruments

	// Events.
	TextDisconnect  // canceled because the strategy's process ended
	TextByKill      // canceled by the kill switch
	TextInDoubt     // whether the venue has it cannot be known
	TextIllegal     // the venue's report does not fit the order; it was not applied
	TextNoLiquidity // nothing to trade with
	TextFills       // more fills than one request may have
	TextEndOfDay
	TextVenue   // the venue's own reason
	TextOffline // the venue is not connected
)

var texts = [...]string{
	TextNone:            "",
	TextUnknownType:     "unknown kind of message",
	TextLength:          "not the length of a request",
	TextStrategy:        "the strategy is not that of the ring",
	TextSequence:        "sequence number or epoch are not those of the message",
	TextClOrdID:         "ClOrdID out of range",
	TextDuplicate:       "ClOrdID is not above that of an earlier request",
	TextMdSeq:           "MdSeq runs backwards",
	TextSide:            "no such Side",
	TextOrdType:         "no such OrdType",
	TextTimeInForce:     "no such TimeInForce, or not with this OrdType",
	TextFlags:           "unknown flags",
	TextQty:             "OrderQty is not above 0 and what is filled",
	TextPrice:           "a price is missing or does not belong here",
	TextField:           "a field does not belong to this message",
	TextUnknownSecurity: "unknown instrument",
	TextUnknownOrder:    "no such open order",
	TextPending:         "the order has a cancel or replace pending",
	TextOtherSecurity:   "SecurityID or Side are not the order's",
	TextKilled:          "kill switch",
	TextMaxQty:          "OrderQty above the limit",
	TextMaxNotional:     "notional above the limit",
	TextCollar:          "price too far from the market",
	TextNoMarket:        "no market to hold the price against",
	TextPosition:        "position above the limit",
	TextOpenOrders:      "too many open orders",
	TextRate:            "too many messages a second",
	TextExpired:         "time to live has passed",
	TextFull:            "the gateway has no room for more",
	TextDisconnect:      "strategy disconnected",
	TextByKill:          "canceled by the kill switch",
	TextInDoubt:         "in doubt: whether the venue has it is not known",
	TextIllegal:         "the venue's report does not fit the order",
	TextNoLiquidity:     "nothing to trade with",
	TextFills:           "more fills than one request may have",
	TextEndOfDay:        "end of day",
	TextVenue:           "the venue's own reason",
	TextOffline:         "the venue is not connected",
}

func (t Text) String() string {
	if int(t) < len(texts) {
		return texts[t]
	}
	return "reason " + strconv.Itoa(int(t))
}
