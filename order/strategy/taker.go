package strategy

import (
	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
)

// Taker follows momentum: when trades run ahead of their average it takes the other side's
// best price and goes with them, up to MaxPosition; when they fall back it gets out. It has
// one order at a time, which fills at once or not at all.
type Taker struct {
	Trader
	Window    int   // of trades that the average is about; 0: 32
	Threshold int64 // how far ahead of it, in 1e-9; 0: any
	average   int64 // price, 1e-9
	number    uint64
	settled   int // trades that the average has seen, up to Window
}

// Book looks whether there was a trade, and what it says.
func (t *Taker) Book(b *book.Book, mdSeq uint64) error {
	trade := b.LastTrade()
	if trade.Number == t.number {
		return nil
	}
	t.number = trade.Number
	ahead, ok := t.ahead(trade.Price)
	if !ok {
		return nil // not enough trades yet
	}
	bid, ask := b.BBO()
	position := t.position()
	switch {
	case position > 0 && ahead < 0:
		return t.take(order.Sell, bid.Price, min(position, int64(t.Qty)), mdSeq)
	case position < 0 && ahead > 0:
		return t.take(order.Buy, ask.Price, min(-position, int64(t.Qty)), mdSeq)
	case ahead > t.Threshold:
		return t.take(order.Buy, ask.Price, min(t.MaxPosition-position, int64(t.Qty)), mdSeq)
	case ahead < -t.Threshold:
		return t.take(order.Sell, bid.Price, min(t.MaxPosition+position, int64(t.Qty)), mdSeq)
	}
	return nil
}

// ahead returns by how much a trade is above the average of those before, which it then
// joins. It is false until there were Window of them.
func (t *Taker) ahead(price int64) (int64, bool) {
	window := t.Window
	if window <= 0 {
		window = 32
	}
	if t.settled == 0 {
		t.average = price
	}
	ahead := price - t.average
	t.average += ahead / int64(window) // exponential: each weighs 1/window
	if t.settled < window {
		t.settled++
		return 0, false
	}
	return ahead, true
}

// take sends an order unless one is under way.
func (t *Taker) take(side order.Side, price, qty int64, mdSeq uint64) error {
	if qty <= 0 || price == dbn.UndefPrice {
		return nil
	}
	for _, s := range [...]order.Side{order.Buy, order.Sell} {
		if o, busy := t.working(s); busy || o != nil {
			return nil
		}
	}
	return t.send(side, order.IOC, price, int32(qty), mdSeq)
}

// Event has nothing to remember: the client knows the position and what is under way.
func (t *Taker) Event(*order.Event) {}
