package gateway

import (
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order/risk"
)

// applyMbo takes a record of market by order: the best prices are those of the instrument's
// book once an event is whole.
func (m *market) applyMbo(r *dbn.MboMsg) {
	p := m.priceOf(r.InstrumentID)
	if r.Action == dbn.ActionTrade && r.Price != dbn.UndefPrice {
		p.Last = r.Price
	}
	m.books.Apply(r)
	b := m.books.Get(r.InstrumentID)
	if b == nil || !b.Settled() {
		return
	}
	if b.Crossed() { // it began in the middle of the feed: what it has is not to be trusted
		p.Bid, p.Ask = risk.NoPrice, risk.NoPrice
		return
	}
	bid, ask := b.BBO()
	p.Bid, p.Ask = bid.Price, ask.Price // UndefPrice is NoPrice
}
