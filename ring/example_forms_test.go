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
