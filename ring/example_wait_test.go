//go:build linux

package ring_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/tickring/tickring/ring"
)

// A subscriber that sleeps until it is woken, by a thread beside the publisher, and until
// its context ends.
func ExampleSleeper() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pub, err := ring.Create("quotes", ring.Config{Dir: dir, Capacity: 256 << 10, Waker: true})
	if err != nil {
		log.Fatal(err)
	}
	sub, err := ring.Open("quotes", ring.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()

	go func() {
		for _, quote := range []string{"bid 99", "ask 101"} {
			time.Sleep(10 * time.Millisecond)
			if err := pub.Publish(0, []byte(quote)); err != nil {
				log.Print(err)
			}
		}
		pub.Close()
	}()

	sleeper, err := ring.NewSleeper(ring.SleepOptions{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		msg, status, err := sub.NextWait(ctx, sleeper)
		if err != nil {
			log.Fatal(err) // the context has ended
		}
		if status != ring.Message {
			fmt.Println(status)
			break
		}
		fmt.Printf("%s\n", msg)
	}
	// Output:
	// bid 99
	// ask 101
	// closed
}

// A gateway that reads a ring of each strategy: the risk desk's first, the others by turns.
func ExamplePoller() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	var poller ring.Poller
	for _, name := range []string{"alpha", "beta", "desk"} {
		pub, err := ring.Create(name, ring.Config{Dir: dir, Capacity: 256 << 10})
		if err != nil {
			log.Fatal(err)
		}
		for _, order := range []string{"buy", "sell"} {
			if err := pub.Publish(0, []byte(order)); err != nil {
				log.Fatal(err)
			}
		}
		pub.Close()
		sub, err := ring.Open(name, ring.Options{Dir: dir, From: ring.FromOldest})
		if err != nil {
			log.Fatal(err)
		}
		defer sub.Close()
		priority := 0
		if name == "desk" {
			priority = 1
		}
		poller.Add(sub, priority)
	}

	for poller.Len() > 0 {
		sub, msg, status, err := poller.NextWait(context.Background(), ring.Backoff{})
		switch {
		case err != nil:
			log.Fatal(err)
		case status == ring.Message:
			fmt.Printf("%s: %s\n", sub.Name(), msg)
		case status == ring.Closed:
			poller.Remove(sub)
		default:
			log.Fatal(sub.Name(), status)
		}
	}
	// Output:
	// desk: buy
	// desk: sell
	// alpha: buy
	// beta: buy
	// alpha: sell
	// beta: sell
}
