package risk_test

import (
	"fmt"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/risk"
)

func Example() {
	limits, err := risk.Parse("limits.yaml", []byte(`
defaults: {max_qty: 10, max_notional: none, max_position: 20, max_orders: 5, collar_ppm: 10_000, rate: 100}
instruments:
  5602: {symbol: ESH4, multiplier: 50}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	market := risk.Market{Bid: 4999e9, Ask: 5000e9, Last: 5000e9}
	held := risk.Exposure{Net: 12}
	for _, o := range []risk.Order{
		{Price: 5000e9, Qty: 8, Adds: 8, Side: order.Buy, OrdType: order.Limit},
		{Price: 5000e9, Qty: 9, Adds: 9, Side: order.Buy, OrdType: order.Limit},
		{Price: 5100e9, Qty: 1, Adds: 1, Side: order.Buy, OrdType: order.Limit},
	} {
		fmt.Printf("%q\n", risk.Check(limits.Strategy(7), limits.Instrument(5602), &market, &held, &o))
	}
	_, err = risk.Parse("limits.yaml", []byte("defaults:\n  max_quantity: 5\n"+"instruments: {1: {}}\n"))
	fmt.Println(err)
	// Output:
	// ""
	// "position above the limit"
	// "price too far from the market"
	// invalid limits: limits.yaml:2: unknown name 'max_quantity'; here are known: max_qty, max_notional, max_position, collar_ppm, collar, max_orders, rate, burst
}
