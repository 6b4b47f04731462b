//go:build linux

package ring

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tickring/tickring/internal/mem"
)

// The benchmarks of two processes want two CPUs and say what they measured as
// metrics; ns/op is the whole run divided by b.N.
//
//	go test ./ring -run '^$' -bench 'Stream|RoundTrip' -benchtime 20000000x

func init() {
	roles["echo"] = echo
	roles["sink"] = sink
}

func stampsOf(s string) Stamps {
	if s == "none" {
		return StampNone
	}
	return StampEvery
}

// echo sends back what it gets: args are dir, stamps, count.
func echo(args []string) error {
	n, _ := strconv.Atoi(args[2])
	p, err := Create("pong", Config{Dir: args[0], Capacity: 1 << 22, Stamps: stampsOf(args[1])})
	if err != nil {
		return err
	}
	defer p.Close()
	s, err := Open("ping", Options{Dir: args[0]})
	if err != nil {
		return err
	}
	defer s.Close()
	pinTo(1)
	fmt.Println("ready")
	for range n {
		m, st := s.Next()
		for st == Empty {
			m, st = s.Next()
		}
		if st != Message {
			return fmt.Errorf("status %v", st)
		}
		if err := p.Publish(0, m); err != nil {
			return err
		}
	}
	bufio.NewReader(os.Stdin).ReadString('\n')
	return nil
}

func BenchmarkRoundTrip(b *testing.B) {
	for _, stamps := range []string{"none", "every"} {
		b.Run("stamps="+stamps, func(b *testing.B) {
			dir := shmDir(b)
			p, err := Create("ping", Config{Dir: dir, Capacity: 1 << 22, Stamps: stampsOf(stamps)})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			c := start(b, "echo", dir, stamps, strconv.Itoa(b.N))
			c.line()
			s, err := Open("pong", Options{Dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			done := make(chan []uint64)
			go func() { // its own goroutine: it stays pinned and is thrown away
				pinTo(0)
				lat := make([]uint64, b.N)
				var msg [mem.LinePayload]byte
				b.ResetTimer()
				for i := range lat {
					binary.LittleEndian.PutUint64(msg[:], uint64(i))
					t0 := s.clock.Now()
					p.Publish(0, msg[:])
					for _, st := s.Next(); st != Message; _, st = s.Next() {
					}
					lat[i] = s.clock.Now() - t0
				}
				b.StopTimer()
				done <- lat
			}()
			lat := <-done
			c.say("done")
			c.wait()
			slices.Sort(lat)
			for _, q := range []struct {
				name string
				q    float64
			}{{"p50-ns", .5}, {"p99-ns", .99}, {"p99.9-ns", .999}} {
				b.ReportMetric(float64(s.scale.Ns(lat[int(q.q*float64(len(lat)-1))])), q.name)
			}
		})
	}
}

// sink reads to the end and reports: args are dir, name, histogram.
func sink(args []string) error {
	s, err := Open("stream", Options{Dir: args[0], Name: args[1], NoHistogram: args[2] != "histogram"})
	if err != nil {
		return err
	}
	defer s.Close()
	pinTo(1)
	fmt.Println("ready")
	var got, lost, checked uint64
	var first time.Time
	for {
		m, st := s.Next()
		switch st {
		case Empty:
			continue
		case Message:
			if got == 0 {
				first = time.Now()
			}
			got++
			if binary.LittleEndian.Uint64(m) == s.Seq() {
				checked++
			}
			continue
		case Gap:
			a, b := s.Gap()
			lost += b - a + 1
			continue
		case Closed:
			fmt.Println(got, lost, checked, time.Since(first).Nanoseconds())
			return nil
		}
		return fmt.Errorf("status %v: %w", st, s.Err())
	}
}

func BenchmarkStream(b *testing.B) {
	for _, v := range []struct{ stamps, name, hist string }{
		{"none", "", "no"}, {"every", "", "no"}, {"every", "a", "no"}, {"every", "a", "histogram"},
	} {
		b.Run(fmt.Sprintf("stamps=%s/named=%t/hist=%s", v.stamps, v.name != "", v.hist), func(b *testing.B) {
			dir := shmDir(b)
			p, err := Create("stream", Config{Dir: dir, Capacity: 1 << 24, Stamps: stampsOf(v.stamps)})
			if err != nil {
				b.Fatal(err)
			}
			c := start(b, "sink", dir, v.name, v.hist)
			c.line()
			took := make(chan time.Duration)
			go func() {
				pinTo(0)
				var msg [mem.LinePayload]byte
				b.ResetTimer()
				t0 := time.Now()
				for i := range b.N {
					binary.LittleEndian.PutUint64(msg[:], uint64(i+1))
					p.Publish(0, msg[:])
				}
				took <- time.Since(t0)
				b.StopTimer()
			}()
			d := <-took
			p.Close()
			var got, lost, checked, ns uint64
			fmt.Sscan(c.line(), &got, &lost, &checked, &ns)
			c.wait()
			if got+lost != uint64(b.N) || checked != got {
				b.Fatalf("published %d, delivered %d, lost %d, right %d", b.N, got, lost, checked)
			}
			b.ReportMetric(float64(b.N)/d.Seconds()/1e6, "pub-M/s")
			b.ReportMetric(float64(got)*1e3/float64(ns), "read-M/s")
			b.ReportMetric(float64(got)*100/float64(b.N), "got-%")
		})
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, v := range []struct {
		stamps   string
		size     int
		capacity uint64
	}{{"none", 56, 1 << 18}, {"none", 56, 1 << 24}, {"every", 56, 1 << 18}, {"every", 24, 1 << 18}, {"every", 368, 1 << 18}, {"every", 4096, 1 << 22}} {
		b.Run(fmt.Sprintf("stamps=%s/size=%d/ring=%dK", v.stamps, v.size, v.capacity>>10), func(b *testing.B) {
			p, err := Create("pub", Config{Dir: shmDir(b), Capacity: v.capacity, Stamps: stampsOf(v.stamps)})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			msg := make([]byte, v.size)
			b.ReportAllocs()
			for b.Loop() {
				p.Publish(0, msg)
			}
		})
	}
}

func BenchmarkPublishNext(b *testing.B) {
	for _, v := range []struct{ stamps, name string }{{"none", ""}, {"every", ""}, {"every", "a"}} {
		b.Run(fmt.Sprintf("stamps=%s/named=%t", v.stamps, v.name != ""), func(b *testing.B) {
			dir := shmDir(b)
			p, err := Create("pub", Config{Dir: dir, Capacity: 1 << 18, Stamps: stampsOf(v.stamps)})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			s, err := Open("pub", Options{Dir: dir, Name: v.name})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var msg [56]byte
			b.ReportAllocs()
			for b.Loop() {
				p.Publish(0, msg[:])
				s.Next()
			}
		})
	}
}
