//go:build linux

package monitor

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/tickring/tickring/ring"
)

// crowd is rings with subscribers, each of which measures latencies between two polls.
type crowd struct {
	*fixture
	rings []*ring.Publisher
	files []*os.File
	all   []*ring.Counts
	n     []uint64
	r     *rand.Rand
}

func newCrowd(t testing.TB, rings, subs int, cfg Config) *crowd {
	c := &crowd{fixture: newFixture(t, cfg), r: rand.New(rand.NewPCG(1, 2))}
	for i := range rings {
		name := fmt.Sprintf("r%03d", i)
		c.rings = append(c.rings, c.create(name))
		for k := range subs {
			s := c.open(name, fmt.Sprintf("s%03d", k))
			f, err := os.OpenFile(filepath.Join(c.dir, name, "subs", fmt.Sprintf("s%03d", k)), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			c.files, c.all, c.n = append(c.files, f), append(c.all, new(ring.Counts)), append(c.n, 0)
			_ = s
		}
	}
	return c
}

// measure has every ring publish some messages, and every subscriber count latencies in
// 120 buckets, somewhere between 100 ns and 1 ms.
func (c *crowd) measure() {
	for _, p := range c.rings {
		for range 10 {
			if err := p.Publish(0, nil); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	const hit = 120
	for i, f := range c.files {
		from := 100 + c.r.IntN(1700)
		b := make([]byte, 0, 8*hit)
		for k := range hit {
			n := c.r.Uint64N(100)
			c.n[i] += n
			c.all[i][from+k] += n
			b = binary.LittleEndian.AppendUint64(b, c.all[i][from+k])
		}
		if _, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, c.n[i]), messagesAt); err != nil {
			c.t.Fatal(err)
		}
		if _, err := f.WriteAt(b, countsAt+8*int64(from)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// BenchmarkPoll1000 polls 1,000 subscribers of 100 rings ten times a second, all of which
// read all the time, after the monitor has run for five minutes. ms/poll-max is the
// longest of the polls, MB what the monitor has on the heap.
func BenchmarkPoll1000(b *testing.B) {
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / 1e6
	}
	c := newCrowd(b, 100, 10, Config{})
	without := heap()
	for range 301 {
		c.measure()
		c.poll(time.Second)
	}
	worst, total, polls := time.Duration(0), time.Duration(0), 0
	var s *Snapshot
	for b.Loop() {
		c.measure()
		c.now = c.now.Add(100 * time.Millisecond)
		at := time.Now()
		s = c.m.Poll()
		took := time.Since(at)
		total += took
		worst = max(worst, took)
		polls++
	}
	if n := len(s.Rings); n != 100 || len(s.Rings[99].Subscribers) != 10 || s.Rings[99].Subscribers[9].Minute.Count == 0 {
		b.Fatalf("%d rings", n)
	}
	b.ReportMetric(total.Seconds()*1e3/float64(polls), "ms/poll")
	b.ReportMetric(worst.Seconds()*1e3, "ms/poll-max")
	b.ReportMetric(heap()-without, "MB")
}
