//go:build linux

package gateway_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/gateway"
	"github.com/tickring/tickring/order/risk"
)

// A gateway and a strategy, whose order is above its limit. They would be two processes;
// nothing else would change. 'tickring gateway' is such a process.
func Example() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	limits, err := risk.Parse("limits.yaml", []byte(`
defaults: {max_qty: 10, max_notional: none, max_position: none, max_orders: 5, collar_ppm: none, rate: none}
instruments: {5602: {symbol: ESH4}}
`))
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	g, err := gateway.Open(ctx, gateway.Config{Dir: dir, Name: "gw", Venue: "sim", Limits: limits, Capacity: 1 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer g.Close()
	ended := make(chan error)
	go func() { ended <- g.Run(ctx) }()

	c, err := order.Dial(order.ClientConfig{Dir: dir, Gateway: "gw", Strategy: 7})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := c.NewOrder(&order.Request{SecurityID: 5602, Side: order.Buy, OrdType: order.Limit,
		TimeInForce: order.Day, OrderQty: 11, Price: 5000e9}); err != nil {
		log.Fatal(err)
	}
	for {
		if e := c.Poll(); e != nil && e.Kind == order.EventRejected {
			fmt.Printf("order %d: %s\n", e.ClOrdID, e.Text)
			break
		}
	}
	stop()
	<-ended
	counts := g.Counts()
	fmt.Println(counts.Forwarded, "forwarded,", counts.Refused, "refused")
	// Output:
	// order 1: OrderQty above the limit
	// 0 forwarded, 1 refused
}
