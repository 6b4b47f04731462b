//go:build linux

package ring

import (
	"testing"
	"time"
)

// BenchmarkReadNamed is what Next costs a named subscriber that measures latencies, from
// messages that are there: without spikes, with a threshold that no latency reaches, and
// with one that each reaches.
func BenchmarkReadNamed(b *testing.B) {
	for _, c := range []struct {
		name   string
		spikes time.Duration
	}{{"off", 0}, {"below", time.Hour}, {"above", time.Nanosecond}} {
		b.Run(c.name, func(b *testing.B) {
			const at = 4096 // messages in a turn
			dir := shmDir(b)
			p := mustCreate(b, "r", Config{Dir: dir, Capacity: 4 << 20, Heartbeat: -1})
			defer p.Close()
			s := mustOpen(b, "r", Options{Dir: dir, Name: "a", Spikes: c.spikes})
			defer s.Close()
			msg := make([]byte, 48)
			b.ReportAllocs()
			var spent time.Duration
			read := 0
			for b.Loop() {
				for range at {
					if p.Publish(1, msg) != nil {
						b.Fatal("not published")
					}
				}
				start := time.Now()
				for range at {
					if _, st := s.Next(); st != Message {
						b.Fatal(st)
					}
				}
				spent += time.Since(start)
				read += at
			}
			b.ReportMetric(float64(spent)/float64(read), "ns/read")
		})
	}
}
