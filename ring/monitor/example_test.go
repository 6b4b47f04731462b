//go:build linux

package monitor_test

import (
	"fmt"
	"log"
	"os"

	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// All rings of a directory, at a moment. Polled again, say every second, a Monitor knows
// rates and what latencies came to over the last second and the last minute.
func Example() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pub, err := ring.Create("trades", ring.Config{Dir: dir, Capacity: 256 << 10})
	if err != nil {
		log.Fatal(err)
	}
	defer pub.Close()
	sub, err := ring.Open("trades", ring.Options{Dir: dir, Name: "strategy"})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	for range 3 {
		if err := pub.Publish(1, []byte("ESH4 5023.25 x 2")); err != nil {
			log.Fatal(err)
		}
	}
	sub.Next()

	m := monitor.New(monitor.Config{Dir: dir})
	defer m.Close()
	for _, r := range m.Poll().Rings {
		for _, s := range r.Subscribers {
			fmt.Printf("%s of %s: %s, %d read\n", s.Name, r.Name, s.State, s.Delivered)
		}
	}
	// Output:
	// strategy of trades: reading, 1 read
}
