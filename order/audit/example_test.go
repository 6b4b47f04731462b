//go:build linux

package audit_test

import (
	"fmt"
	"log"
	"os"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/audit"
	"github.com/tickring/tickring/ring"
)

// A gateway forwards ten times the quantity that was sent. The auditor reads the ring of the
// strategy beside that of the gateway, as 'tickring audit' does, and says so.
func Example() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	in := create(dir, order.InputRing("gw", 7))
	defer in.Close()
	r := order.Request{ClOrdID: 1, SecurityID: 5602, Price: 5000_250_000_000, OrderQty: 10,
		Side: order.Buy, OrdType: order.Limit, TimeInForce: order.Day,
		Origin: order.Origin{Seq: 1, Epoch: uint16(in.Epoch()), Ring: 7}}
	publish(in, order.MsgNewOrderSingle, r.Bytes())

	gw := create(dir, "gw")
	defer gw.Close()
	up := order.SessionStatus{RingID: ringID(dir, in.Name()), Epoch: in.Epoch(), Ring: 7, Status: order.SessionUp}
	publish(gw, order.MsgSessionStatus, up.Bytes())
	r.OrderQty *= 10
	publish(gw, order.MsgNewOrderSingle, r.Bytes())

	a, err := audit.Open(audit.Config{Dir: dir, Gateway: "gw", Venue: "sim"})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	for n := 1; n > 0; { // until there is no more to read
		if n, err = a.Step(1000); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("frames", a.Figures().Frames, "faults", a.Figures().Faults)
	for _, f := range a.Faults() {
		fmt.Println(f.String())
	}
	// Output:
	// frames 2 faults 1
	// gw message 2: forwards something else than was sent:        1 NewOrderSingle from strategy 7 1#1: ClOrdID 1 (of 0), security 5602, Buy 10 at 5000250000000, Limit, Day, flags 0, TTL 0, MdSeq 0
}

func create(dir, name string) *ring.Publisher {
	pub, err := ring.Create(name, ring.Config{Dir: dir, Capacity: 256 << 10, Schema: order.Schema})
	if err != nil {
		log.Fatal(err)
	}
	return pub
}

func publish(pub *ring.Publisher, typ order.MsgType, record []byte) {
	if err := pub.Publish(uint16(typ), record); err != nil {
		log.Fatal(err)
	}
}

func ringID(dir, name string) uint64 {
	sub, err := ring.Open(name, ring.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	return sub.RingID()
}
