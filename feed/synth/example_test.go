package synth_test

import (
	"fmt"
	"io"

	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/feed/synth"
)

// A session as a file: here it goes nowhere.
func ExampleWrite() {
	stats, err := synth.Write(io.Discard, synth.Config{Messages: 100_000, Seed: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stats.Messages, "messages of", stats.ByType.Of(itch.TypeStockDirectory), "stocks")
	// Output: 100000 messages of 100 stocks
}

// A session message by message.
func ExampleGenerator() {
	g, err := synth.New(synth.Config{Messages: 1000, Seed: 7, Instruments: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	adds := 0
	for {
		msg, ok := g.Next()
		if !ok {
			break
		}
		switch itch.Type(msg[0]) {
		case itch.TypeStockDirectory:
			var d itch.StockDirectory
			if err := d.Decode(msg); err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println("stock", d.StockLocate, "is", d.Stock)
		case itch.TypeAddOrder:
			adds++
		}
	}
	fmt.Println(adds > 300, "orders were added")
	// Output:
	// stock 1 is SYN1
	// stock 2 is SYN2
	// true orders were added
}
