//go:build linux

package strategy_test

import (
	"fmt"
	"log"
	"os"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order/strategy"
	"github.com/tickring/tickring/ring"
)

// The loop of an engine: market data in, the book built, the strategy asked, and told what
// became of its orders. 'tickring strategy' runs this, with a gateway and an exchange in
// processes of their own; here a desk in this one says yes to everything.
func Example() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	publish(dir)
	desk := openDesk(dir)
	defer desk.close()

	md, err := ring.Open("es", ring.Options{Dir: dir, From: ring.FromOldest})
	if err != nil {
		log.Fatal(err)
	}
	defer md.Close()
	client := desk.client // of order.Dial
	maker := &strategy.Maker{Trader: strategy.Trader{Client: client, SecurityID: security, Qty: 1, MaxPosition: 5}}
	books := book.New(book.Config{})

	for {
		msg, status := md.Next()
		switch status {
		case ring.Message:
			if m, ok := dbn.AsMbo(msg); ok {
				if b := books.Apply(m).Book; b.Instrument() == security && b.Settled() {
					if err := maker.Book(b, md.Seq()); err != nil {
						log.Fatal(err)
					}
				}
			}
		case ring.Gap:
			books.Clear() // what was missed could have ended any order
		case ring.Closed:
			return
		}
		for _, s := range desk.work(maker) { // an engine: for e := client.Poll(); e != nil; ... { maker.Event(e) }
			fmt.Printf("tick %d: %v %v at %v\n", s.Request.MdSeq, s.Type, s.Request.Side, float64(s.Request.Price)/unit)
		}
	}
	// Output:
	// tick 2: NewOrderSingle Buy at 5000
	// tick 2: NewOrderSingle Sell at 5000.5
	// tick 3: OrderCancelReplaceRequest Buy at 5000.25
}

// publish publishes three orders of a market.
func publish(dir string) {
	pub, err := ring.Create("es", ring.Config{Dir: dir, Capacity: 256 << 10, Schema: "dbn3/mbo"})
	if err != nil {
		log.Fatal(err)
	}
	for i, o := range []struct {
		side  dbn.Side
		price float64
	}{{dbn.SideBid, 5000}, {dbn.SideAsk, 5000.5}, {dbn.SideBid, 5000.25}} {
		m := dbn.MboMsg{OrderID: uint64(i + 1), Price: int64(o.price * unit), Size: 1, Flags: dbn.FlagLast, Action: dbn.ActionAdd, Side: o.side}
		m.Length, m.RType, m.InstrumentID = dbn.MboSize/4, dbn.RTypeMbo, security
		if err := pub.Publish(uint16(dbn.RTypeMbo), m.Bytes()); err != nil {
			log.Fatal(err)
		}
	}
	pub.Close()
}
