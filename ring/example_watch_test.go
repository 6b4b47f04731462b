//go:build linux

package ring_test

import (
	"fmt"
	"log"
	"os"

	"github.com/tickring/tickring/ring"
)

// Looking on from outside, at whatever pace. Neither publisher nor subscriber does anything
// for it.
func ExampleWatch() {
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

	watch, err := ring.OpenWatch(dir, "trades")
	if err != nil {
		log.Fatal(err)
	}
	defer watch.Close()
	var sight ring.Sight // is filled again with every look
	for range 2 {
		for range 10 {
			if err := pub.Publish(1, []byte("ESH4 5023.25 x 2")); err != nil {
				log.Fatal(err)
			}
		}
		for range 8 {
			sub.Next()
		}
		if err := watch.Look(&sight); err != nil {
			log.Fatal(err)
		}
		for _, s := range sight.Subs {
			fmt.Printf("%s has read %d of %d messages\n", s.Name, s.Messages, sight.Last)
			for _, c := range s.New { // latencies since the last look
				if from, _ := ring.BucketRange(c.Bucket); from > 10e9 {
					fmt.Printf("%d of them after more than %d ns\n", c.N, from)
				}
			}
		}
	}
	// Output:
	// strategy has read 8 of 10 messages
	// strategy has read 16 of 20 messages
}
