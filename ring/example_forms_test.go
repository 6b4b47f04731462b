//go:build linux

package ring_test

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"

	"github.com/tickring/tickring/ring"
)

// A message that is made where it will be read saves the copy into the ring.
func ExamplePublisher_Claim() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pub, err := ring.Create("quotes", ring.Config{Dir: dir, Capacity: 256 << 10})
	if err != nil {
		log.Fatal(err)
	}
	defer pub.Close()
	sub, err := ring.Open("quotes", ring.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()

	quote, err := pub.Claim(1000) // at most so many bytes
	if err != nil {
		log.Fatal(err)
	}
	binary.LittleEndian.PutUint64(quote, 502325)
	n := 8 + copy(quote[8:], "ESH4")
	// Nobody sees anything of it yet; Abort would forget it.
	if err := pub.Commit(1, n); err != nil {
		log.Fatal(err)
	}

	msg, status := sub.Next()
	fmt.Println(status, binary.LittleEndian.Uint64(msg), string(msg[8:]))
	// Output: message 502325 ESH4
}

// What belongs together becomes visible together, or not at all.
func ExamplePublisher_PublishBatch() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pub, err := ring.Create("book", ring.Config{Dir: dir, Capacity: 256 << 10})
	if err != nil {
		log.Fatal(err)
	}
	defer pub.Close()
	sub, err := ring.Open("book", ring.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()

	const remove, add = 1, 2
	err = pub.PublishBatch([]ring.Outgoing{
		{Type: remove, Data: []byte("bid 5023.25")},
		{Type: add, Data: []byte("bid 5023.50")},
	})
	if err != nil {
		log.Fatal(err)
	}

	for {
		msg, status := sub.Next()
		if status != ring.Message {
			break
		}
		fmt.Println(sub.Seq(), sub.Type(), string(msg))
	}
	// Output:
	// 1 1 bid 5023.25
	// 2 2 bid 5023.50
}

// A struct of fixed size is published and read as it is. Programs that were built with
// another version of it are refused when they begin.
func ExampleTypedPublisher() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	type Trade struct {
		Price int64 // 1e-9
		Size  uint32
		Side  byte
	}
	hash, err := ring.LayoutHash[Trade]()
	if err != nil {
		log.Fatal(err)
	}
	pub, err := ring.Create("trades", ring.Config{Dir: dir, Capacity: 256 << 10, SchemaHash: hash})
	if err != nil {
		log.Fatal(err)
	}
	defer pub.Close()
	const trade = 1
	trades, err := ring.NewTypedPublisher[Trade](pub, trade)
	if err != nil {
		log.Fatal(err)
	}

	sub, err := ring.Open("trades", ring.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	in, err := ring.NewTypedSubscriber[Trade](sub, trade)
	if err != nil {
		log.Fatal(err)
	}

	if err := trades.Publish(&Trade{Price: 5023_250000000, Size: 2, Side: 'B'}); err != nil {
		log.Fatal(err)
	}
	err = trades.PublishBatch([]Trade{
		{Price: 5023_500000000, Size: 1, Side: 'B'},
		{Price: 5023_500000000, Size: 4, Side: 'A'},
	})
	if err != nil {
		log.Fatal(err)
	}
	for {
		t, status := in.Next()
		if status != ring.Message {
			break
		}
		fmt.Printf("%d: %d %c %d\n", sub.Seq(), t.Price, t.Side, t.Size)
	}

	_, err = ring.NewTypedPublisher[struct{ Symbol string }](pub, 2)
	fmt.Println(err)
	// Output:
	// 1: 5023250000000 B 2
	// 2: 5023500000000 B 1
	// 3: 5023500000000 A 4
	// ring: publish struct { Symbol string } on "trades": not a type for messages: struct { Symbol string }.Symbol cannot be shared, its type is string: it points to its bytes; use an array of bytes
}

// A message of which little is looked at need not be copied out. What was seen counts
// only after Valid has said so.
func ExampleSubscriber_View() {
	dir, err := os.MkdirTemp("", "tickring-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pub, err := ring.Create("books", ring.Config{Dir: dir, Capacity: 256 << 10})
	if err != nil {
		log.Fatal(err)
	}
	defer pub.Close()
	sub, err := ring.Open("books", ring.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	book := make([]byte, 2000)
	for i := range uint64(2) {
		binary.LittleEndian.PutUint64(book[800:], 502325+i)
		if err := pub.Publish(1, book); err != nil {
			log.Fatal(err)
		}
	}

	for {
		book, status := sub.View()
		switch status {
		case ring.Message:
			bid := binary.LittleEndian.Uint64(book[800:]) // perhaps rubbish as yet
			if sub.Valid() {
				fmt.Println(sub.Seq(), bid)
			}
			continue
		case ring.Gap: // also of what was not valid
			fmt.Println("lost", sub.Lost())
			continue
		}
		break
	}
	// Output:
	// 1 502325
	// 2 502326
}

// Many small messages are read for less by the batch.
func ExampleSubscriber_NextBatch() {
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
	sub, err := ring.Open("ticks", ring.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	for i := range 5 {
		if err := pub.Publish(1, fmt.Append(nil, "tick ", i)); err != nil {
			log.Fatal(err)
		}
	}

	batch := ring.NewBatch(3, 0) // made once
	for sub.NextBatch(batch) == ring.Message {
		for i := range batch.Len() {
			fmt.Printf("%d: %s, ", batch.Seq(i), batch.Message(i))
		}
		fmt.Println("that is", batch.Len())
	}
	// Output:
	// 1: tick 0, 2: tick 1, 3: tick 2, that is 3
	// 4: tick 3, 5: tick 4, that is 2
}
