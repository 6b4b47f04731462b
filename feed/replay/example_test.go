package replay_test

import (
	"context"
	"fmt"
	"io"

	"github.com/tickring/tickring/feed/replay"
)

// quotes is a source of three messages, a millisecond apart.
type quotes struct{ next int }

func (q *quotes) Next() (typ uint16, time uint64, data []byte, err error) {
	texts := []string{"ESH4 4812.25 bid", "ESH4 4812.50 ask", "ESH4 4812.25 trade"}
	if q.next == len(texts) {
		return 0, 0, nil, io.EOF
	}
	time = uint64(1 + q.next*1e6)
	data = []byte(texts[q.next])
	q.next++
	return 'Q', time, data, nil
}

// stdout stands where a ring's publisher would.
type stdout struct{}

func (stdout) Publish(typ uint16, msg []byte) error {
	fmt.Printf("%c %s\n", typ, msg)
	return nil
}

// Ten times as fast as it was: two messages wait 100 µs each.
func Example() {
	res, err := replay.Run(context.Background(), &quotes{}, stdout{}, replay.Config{Speed: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Messages, "messages,", res.Late.TotalCount(), "with their lateness on record")
	// Output:
	// Q ESH4 4812.25 bid
	// Q ESH4 4812.50 ask
	// Q ESH4 4812.25 trade
	// 3 messages, 3 with their lateness on record
}
