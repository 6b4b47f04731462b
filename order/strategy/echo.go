package strategy

import (
	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
)

// Echo answers every change of the book with an order that cannot trade: to buy at the best
// bid at once or not at all. It is for measuring.
type Echo struct{ Trader }

// Book sends the order.
func (e *Echo) Book(b *book.Book, mdSeq uint64) error {
	bid, ask := b.BBO()
	if bid.Price == dbn.UndefPrice || ask.Price == dbn.UndefPrice || bid.Price >= ask.Price {
		return nil
	}
	return e.send(order.Buy, order.IOC, bid.Price, e.Qty, mdSeq)
}

// Event has nothing to do.
func (e *Echo) Event(*order.Event) {}
