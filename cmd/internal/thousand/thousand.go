// Package thousand is what benchmarks look at: 100 rings with 10 subscribers each.
package thousand

import (
	"fmt"
	"os"
	"testing"

	"github.com/tickring/tickring/ring"
)

// Rings are open until the benchmark ends.
type Rings struct {
	Dir  string
	b    *testing.B
	pubs []*ring.Publisher
	subs []*ring.Subscriber
}

// New makes the rings in shared memory, and skips the benchmark where there is none.
func New(b *testing.B) *Rings {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tickring-test-")
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	r := &Rings{Dir: dir, b: b}
	for i := range 100 {
		name := fmt.Sprintf("ring%02d", i)
		p, err := ring.Create(name, ring.Config{Dir: dir, Capacity: 256 << 10})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { p.Close() })
		r.pubs = append(r.pubs, p)
		for j := range 10 {
			s, err := ring.Open(name, ring.Options{Dir: dir, Name: fmt.Sprintf("sub%d", j)})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { s.Close() })
			r.subs = append(r.subs, s)
		}
	}
	return r
}

// Trade publishes so many messages on each ring, and has them read by all subscribers: the
// later ones have waited longer, which spreads the latencies.
func (r *Rings) Trade(messages int) {
	r.b.Helper()
	for range messages {
		for _, p := range r.pubs {
			if err := p.Publish(1, []byte("a message of a few bytes")); err != nil {
				r.b.Fatal(err)
			}
		}
	}
	for range messages {
		for _, s := range r.subs {
			if _, status := s.Next(); status != ring.Message {
				r.b.Fatal(status)
			}
		}
	}
}
