//go:build linux

package ring_test

import (
	"fmt"
	"log"
	"os"

	"github.com/tickring/tickring/ring"
)

// A publisher and a subscriber. They would be two processes; nothing else would change.
func Example() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	// The zero Config is a good ring of 64 MiB; this one is as small as they come.
	pub, err := ring.Create("trades", ring.Config{Dir: dir, Capacity: 256 << 10, Schema: "text"})
	if err != nil {
		log.Fatal(err)
	}
	sub, err := ring.Open("trades", ring.Options{Dir: dir, Name: "strategy"})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()

	const trade = 1 // types are the publisher's own
	for _, msg := range []string{"ESH4 5023.25 x 2", "ESH4 5023.50 x 1"} {
		if err := pub.Publish(trade, []byte(msg)); err != nil {
			log.Fatal(err)
		}
	}
	pub.Close()

	wait := ring.Backoff{} // or ring.Spin, on a core of one's own
	for polls := 0; ; {
		msg, status := sub.Next()
		switch status {
		case ring.Message: // msg is good until the next call
			fmt.Printf("%d type %d: %s\n", sub.Seq(), sub.Type(), msg)
		case ring.Gap:
			first, last := sub.Gap()
			fmt.Printf("lost %d to %d\n", first, last)
		case ring.Empty:
			polls++
			wait.Wait(polls)
			continue
		default: // Closed, Superseded, Corrupt
			fmt.Println(status)
			return
		}
		polls = 0
	}
	// Output:
	// 1 type 1: ESH4 5023.25 x 2
	// 2 type 1: ESH4 5023.50 x 1
	// closed
}

// Who joins late asks for what it wants to have; what has left the ring is a gap with
// its exact range.
func Example_lateJoin() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pub, err := ring.Create("ticks", ring.Config{Dir: dir, Capacity: 256 << 10})
	if err != nil {
		log.Fatal(err)
	}
	defer pub.Close()
	for range 10_000 { // the ring holds 4,096 messages of this size
		if err := pub.Publish(0, []byte("tick")); err != nil {
			log.Fatal(err)
		}
	}

	sub, err := ring.Open("ticks", ring.Options{Dir: dir, From: ring.FromSeq, Seq: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	var delivered uint64
	for {
		_, status := sub.Next()
		if status == ring.Empty {
			break
		}
		switch status {
		case ring.Message:
			delivered++
		case ring.Gap:
			first, last := sub.Gap()
			fmt.Println("the gap begins with message", first, "and is all that was lost:", last-first+1 == sub.Lost())
		default:
			log.Fatal(status, sub.Err())
		}
	}
	fmt.Println("delivered and lost:", delivered+sub.Lost())

	// Anyone who may read the ring can ask for its state.
	info, err := ring.Stat(dir, "ticks")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("published:", info.Last, "by a publisher that is", info.Publisher)
	// Output:
	// the gap begins with message 1 and is all that was lost: true
	// delivered and lost: 10000
	// published: 10000 by a publisher that is live
}

// A gate holds the publisher until it has read; here that is after 63 blocks of 4 KiB.
func ExampleGate() {
	dir, err := os.MkdirTemp("", "rings")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pub, err := ring.Create("orders", ring.Config{
		Dir: dir, Capacity: 256 << 10, Gates: []ring.Gate{{Name: "gateway"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer pub.Close()

	sent := 0
	for pub.Publish(1, []byte("order")) == nil {
		sent++
	}
	fmt.Println(sent, "orders until back pressure")

	// The gateway need not have been there.
	gateway, err := ring.Open("orders", ring.Options{Dir: dir, Name: "gateway"})
	if err != nil {
		log.Fatal(err)
	}
	defer gateway.Close()
	read := 0
	for {
		if _, st := gateway.Next(); st != ring.Message {
			break
		}
		read++
	}
	fmt.Println(read, "orders read,", gateway.Lost(), "lost")
	fmt.Println("then:", pub.Publish(1, []byte("order")))
	// Output:
	// 4032 orders until back pressure
	// 4032 orders read, 0 lost
	// then: <nil>
}
