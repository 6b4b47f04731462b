package synth

import "github.com/tickring/tickring/feed/itch"

// Each of these changes the book and returns the message that says so.

func (g *Generator) header(b *book) itch.Header {
	return itch.Header{StockLocate: b.locate, Timestamp: g.pace.now}
}

func (g *Generator) event(code itch.Char) []byte {
	m := itch.SystemEvent{Header: itch.Header{Timestamp: g.pace.now}, EventCode: code}
	return m.Append(g.message[:0])
}

func (g *Generator) directory(b *book) []byte {
	m := itch.StockDirectory{
		Header:                      g.header(b),
		Stock:                       b.stock,
		MarketCategory:              'Q',
		FinancialStatusIndicator:    'N',
		RoundLotSize:                100,
		RoundLotsOnly:               itch.No,
		IssueClassification:         'C',
		IssueSubType:                itch.NewAlpha2("Z"),
		Authenticity:                'P',
		ShortSaleThresholdIndicator: itch.No,
		IPOFlag:                     itch.No,
		LULDReferencePriceTier:      '1',
		ETPFlag:                     itch.No,
		InverseIndicator:            itch.No,
	}
	return m.Append(g.message[:0])
}

func (g *Generator) tradingAction(b *book) []byte {
	m := itch.StockTradingAction{
		Header: g.header(b), Stock: b.stock,
		TradingState: itch.StateTrading, Reserved: ' ', Reason: itch.NewAlpha4(""),
	}
	return m.Append(g.message[:0])
}

func (g *Generator) add(b *book) []byte {
	s := side(g.random.below(2))
	price, ok := g.price(b, s)
	if !ok {
		return g.delete(b, b.front(s.other()))
	}
	shares := g.size()
	g.ref++
	b.add(&g.pool, g.ref, s, shares, price)
	if g.random.oneIn(attributed) {
		m := itch.AddOrderMPID{
			Header: g.header(b), OrderReferenceNumber: g.ref, BuySellIndicator: s.letter(),
			Shares: shares, Stock: b.stock, Price: itch.Price4(price * tick),
			Attribution: [...]itch.Alpha4{{'S', 'Y', 'N', 'A'}, {'S', 'Y', 'N', 'B'}}[g.random.below(2)],
		}
		return m.Append(g.message[:0])
	}
	m := itch.AddOrder{
		Header: g.header(b), OrderReferenceNumber: g.ref, BuySellIndicator: s.letter(),
		Shares: shares, Stock: b.stock, Price: itch.Price4(price * tick),
	}
	return m.Append(g.message[:0])
}

func (g *Generator) delete(b *book, id int32) []byte {
	m := itch.OrderDelete{Header: g.header(b), OrderReferenceNumber: g.pool.orders[id].ref}
	b.remove(&g.pool, id)
	return m.Append(g.message[:0])
}

func (g *Generator) replace(b *book, id int32) []byte {
	old := g.pool.orders[id]
	price, _ := g.price(b, old.side) // there is one: the old order has it
	shares := old.shares
	if g.random.oneIn(4) {
		shares = g.size()
	}
	g.ref++
	b.remove(&g.pool, id)
	b.add(&g.pool, g.ref, old.side, shares, price)
	m := itch.OrderReplace{
		Header: g.header(b), OriginalOrderReferenceNumber: old.ref, NewOrderReferenceNumber: g.ref,
		Shares: shares, Price: itch.Price4(price * tick),
	}
	return m.Append(g.message[:0])
}

// cancel takes off a part of the order, so that something remains; of a single
// share there is no part.
func (g *Generator) cancel(b *book, id int32) []byte {
	o := &g.pool.orders[id]
	if o.shares == 1 {
		return g.delete(b, id)
	}
	shares := uint32(1 + g.random.below(uint64(o.shares-1)))
	o.shares -= shares
	m := itch.OrderCancel{Header: g.header(b), OrderReferenceNumber: o.ref, CancelledShares: shares}
	return m.Append(g.message[:0])
}

// execute trades what the aggressive order still wants with the order that is
// first in the queue at the best price. There is one.
func (g *Generator) execute() []byte {
	b, s := g.attack.book, g.attack.side
	id := b.front(s)
	o := &g.pool.orders[id]
	ref, price := o.ref, o.price
	shares := min(g.attack.shares, o.shares)
	g.attack.shares -= shares
	if o.shares -= shares; o.shares == 0 {
		b.remove(&g.pool, id)
	}
	g.match++
	if g.random.oneIn(improved) {
		// Half a tick better for the aggressor: still short of its own side.
		m := itch.OrderExecutedWithPrice{
			Header: g.header(b), OrderReferenceNumber: ref, ExecutedShares: shares,
			MatchNumber: g.match, Printable: itch.Yes,
			ExecutionPrice: itch.Price4(price*tick + s.better()*tick/2),
		}
		return m.Append(g.message[:0])
	}
	m := itch.OrderExecuted{
		Header: g.header(b), OrderReferenceNumber: ref, ExecutedShares: shares, MatchNumber: g.match,
	}
	return m.Append(g.message[:0])
}

// trade is between the best prices, with an order that nobody sees.
func (g *Generator) trade(b *book) []byte {
	price := b.fair * tick
	if b.count[buy] > 0 && b.count[sell] > 0 {
		price = (b.best[buy] + b.best[sell]) * tick / 2
	}
	g.match++
	m := itch.Trade{
		Header: g.header(b), BuySellIndicator: itch.Buy, Shares: g.size(),
		Stock: b.stock, Price: itch.Price4(price), MatchNumber: g.match,
	}
	return m.Append(g.message[:0])
}
