package gateway

import (
	"testing"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order/risk"
)

// Prices come of every schema that has them, and of orders once an event is whole.
func TestPrices(t *testing.T) {
	var m market
	m.init()
	m.books = book.New(book.Config{})
	none := int64(risk.NoPrice)
	want := func(what string, bid, ask, last int64) {
		t.Helper()
		if got := *m.of(es); got != (risk.Market{Bid: bid, Ask: ask, Last: last}) {
			t.Errorf("%s: %+v, want %d %d %d", what, got, bid, ask, last)
		}
	}
	id := uint64(0)
	mbo := func(action dbn.Action, side dbn.Side, price int64, flags uint8) {
		id++
		r := dbn.MboMsg{OrderID: id, Price: price, Size: 5, Flags: flags, Action: action, Side: side}
		r.InstrumentID = es
		m.apply(r.Append(nil))
	}
	want("nothing", none, none, none)
	mbo(dbn.ActionAdd, dbn.SideBid, 99, dbn.FlagLast)
	want("a bid", 99, none, none)
	mbo(dbn.ActionAdd, dbn.SideAsk, 101, 0)
	want("an event that is not whole", 99, none, none)
	mbo(dbn.ActionAdd, dbn.SideAsk, 102, dbn.FlagLast)
	want("both sides", 99, 101, none)
	mbo(dbn.ActionTrade, dbn.SideAsk, 100, dbn.FlagLast)
	want("a trade", 99, 101, 100)
	mbo(dbn.ActionTrade, dbn.SideAsk, dbn.UndefPrice, dbn.FlagLast)
	want("a trade without a price", 99, 101, 100)
	mbo(dbn.ActionAdd, dbn.SideBid, 105, dbn.FlagLast)
	want("a crossed book", none, none, 100)
	mbo(dbn.ActionClear, dbn.SideNone, dbn.UndefPrice, dbn.FlagLast)
	want("a clear", none, none, 100)
	m.forget()
	want("what was lost", none, none, 100)

	trade := dbn.TradeMsg{Price: 103, Action: dbn.ActionTrade}
	trade.InstrumentID = es
	m.apply(trade.Append(nil))
	want("a trade of schema trades", none, none, 103)
	trade.Price = dbn.UndefPrice
	m.apply(trade.Append(nil))
	want("a trade of schema trades without a price", none, none, 103)
	top := dbn.Mbp1Msg{TradeMsg: trade, Level: dbn.BidAskPair{BidPx: 100, AskPx: dbn.UndefPrice}}
	top.Price = 104
	m.apply(top.Append(nil))
	want("the top of the book after a trade", 100, none, 104)
	top.Action, top.Price = dbn.ActionAdd, 1
	m.apply(top.Append(nil))
	want("the top of the book after an order", 100, none, 104)

	for _, rubbish := range [][]byte{nil, {1}, make([]byte, 16), trade.Append(nil)[:40]} {
		m.apply(rubbish)
	}
	want("rubbish", 100, none, 104)
}
