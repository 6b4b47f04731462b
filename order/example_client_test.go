//go:build linux

package order_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/gateway"
	"github.com/tickring/tickring/order/risk"
	"github.com/tickring/tickring/order/venue"
)

// A strategy sends an order and follows it to its end. Gateway and venue would be processes
// of their own ('tickring gateway', 'tickring exchange'); nothing else would change.
func ExampleDial() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	defer market(dir)()

	client, err := order.Dial(order.ClientConfig{Gateway: "gw", Strategy: 7, Name: "example", Dir: dir, CancelOnDisconnect: true})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	const security, tick = 5602, 250_000_000 // prices are in 1e-9
	id, err := client.NewOrder(&order.Request{
		SecurityID:  security,
		Side:        order.Buy,
		OrdType:     order.Limit,
		TimeInForce: order.Day,
		Price:       20_000 * tick,
		OrderQty:    2,
	})
	if err != nil { // ErrNoGateway, ring.ErrBackPressure: not now
		log.Fatal(err)
	}
	for !client.Settled() { // a strategy would read market data here
		e := client.Poll()
		if e == nil {
			time.Sleep(10 * time.Microsecond)
			continue
		}
		if e.ClOrdID == id {
			fmt.Printf("%v: %v, %d left\n", e.Kind, e.Order.OrdStatus(), e.Order.LeavesQty())
		}
	}
	p := client.Position(security)
	fmt.Println("position", p.Net, "profit at 5001:", p.Profit(5001_000_000_000))
	// Output:
	// forwarded: PendingNew, 2 left
	// fill: PartiallyFilled, 1 left
	// fill: Filled, 0 left
	// position 2 profit at 5001: 2
}

// market starts a gateway and a venue that fills every order, one at a time.
func market(dir string) (end func()) {
	limits, err := risk.Parse("limits", []byte(`
defaults: {max_qty: 10, max_notional: none, max_position: 10, max_orders: 10, collar_ppm: none, rate: none}
instruments: {5602: {}}`))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	gw, err := gateway.Open(ctx, gateway.Config{Dir: dir, Name: "gw", Venue: "sim", Limits: limits, Capacity: 1 << 20})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{}, 2)
	go func() {
		gw.Run(ctx)
		done <- struct{}{}
	}()
	go func() {
		venue.Run(ctx, venue.Config{Dir: dir, Name: "sim", Gateway: "gw", Capacity: 1 << 20}, filler{})
		done <- struct{}{}
	}()
	return func() {
		cancel()
		<-done
		<-done
		gw.Close()
	}
}

// filler is a venue that fills everything at once.
type filler struct{}

func (filler) Recover(venue.Recovery) error             { return nil }
func (filler) Turn(*venue.Reports) (busy bool, _ error) { return false, nil }
func (filler) MdSeq() uint64                            { return 0 }

func (filler) Request(seq uint64, _ order.MsgType, r *order.Request, _ bool, out *venue.Reports) error {
	er := order.ExecutionReport{ClOrdID: r.ClOrdID, OrderID: seq, SecurityID: r.SecurityID, Strategy: r.Origin.Ring,
		Side: r.Side, ExecType: order.ExecTrade, LastPx: r.Price, LastQty: 1}
	for er.LeavesQty = r.OrderQty - 1; er.LeavesQty >= 0; er.LeavesQty-- {
		er.CumQty++
		if er.OrdStatus = order.StatusPartiallyFilled; er.LeavesQty == 0 {
			er.OrdStatus = order.StatusFilled
		}
		out.Report(er)
	}
	return nil
}
