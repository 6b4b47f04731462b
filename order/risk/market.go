package risk

import (
	"math"

	"github.com/tickring/tickring/order"
)

// NoPrice is a price of [Market] that is not known. It is DBN's UndefPrice.
const NoPrice = math.MaxInt64

// Market is the prices of an instrument, in 1e-9. The zero value is not one without prices:
// that is [NoMarket].
type Market struct {
	Bid, Ask int64 // best ones
	Last     int64 // of the last trade
}

// NoMarket returns a market without any price.
func NoMarket() Market { return Market{NoPrice, NoPrice, NoPrice} }

// against returns the price that an order of this side would meet: the best of the other
// side, or that of the last trade if there is none.
func (m *Market) against(side order.Side) (int64, bool) {
	price := m.Ask
	if side == order.Sell {
		price = m.Bid
	}
	if price == NoPrice {
		price = m.Last
	}
	return price, price != NoPrice
}
