//go:build linux

package ring

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// The benchmarks of two processes want two CPUs and say what they measured as
// metrics; ns/op is the whole run divided by b.N.
//
//	go test ./ring -run '^$' -bench 'Stream|RoundTrip' -benchtime 20000000x

func init() {
	roles["echo"] = echo
	roles["rawecho"] = rawEcho
	roles["paced"] = paced
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
			reportLatencies(b, lat, s.scale)
		})
	}
}

// rawLines maps the two lines of the raw ping-pong.
func rawLines(dir string) (*mmap.Region, error) {
	f, _, err := mmap.OpenOrCreate(filepath.Join(dir, "lines"), mmap.CreateOptions{Size: 4096})
	if err != nil {
		return nil, err
	}
	return f.Map(mmap.MapOptions{Length: 4096, Access: mmap.ReadWrite, Prefault: true})
}

func rawEcho(args []string) error {
	n, _ := strconv.ParseUint(args[1], 10, 64)
	r, err := rawLines(args[0])
	if err != nil {
		return err
	}
	ping, pong := (*uint64)(r.Base()), (*uint64)(unsafe.Add(r.Base(), 256))
	pinTo(1)
	fmt.Println("ready")
	for i := uint64(1); i <= n; i++ {
		for mem.LoadAcquire(ping) != i {
		}
		mem.StoreRelease(pong, i)
	}
	return nil
}

// BenchmarkRoundTripLimit is what the hardware allows: one word there, one word back,
// nothing else. Run it in turn with BenchmarkRoundTrip and compare the ratio.
func BenchmarkRoundTripLimit(b *testing.B) {
	dir := shmDir(b)
	c := start(b, "rawecho", dir, strconv.Itoa(b.N))
	c.line()
	r, err := rawLines(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	ping, pong := (*uint64)(r.Base()), (*uint64)(unsafe.Add(r.Base(), 256))
	clock := tick.New()
	done := make(chan []uint64)
	go func() {
		pinTo(0)
		lat := make([]uint64, b.N)
		b.ResetTimer()
		for i := range lat {
			t0 := clock.Now()
			mem.StoreRelease(ping, uint64(i+1))
			for mem.LoadAcquire(pong) != uint64(i+1) {
			}
			lat[i] = clock.Now() - t0
		}
		b.StopTimer()
		done <- lat
	}()
	lat := <-done
	c.wait()
	reportLatencies(b, lat, clock.Calibrate(calibrateFor))
}

// reportLatencies reports percentiles of ticks as metrics in ns.
func reportLatencies(b *testing.B, ticks []uint64, scale tick.Scale) {
	slices.Sort(ticks)
	for _, p := range []struct {
		name string
		q    float64
	}{{"p50-ns", .5}, {"p99-ns", .99}, {"p99.9-ns", .999}} {
		b.ReportMetric(float64(scale.Ns(ticks[int(p.q*float64(len(ticks)-1))])), p.name)
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

// paced reads to the end and reports its latencies: args are dir and whether to step
// off.
func paced(args []string) error {
	s, err := Open("paced", Options{Dir: args[0], Name: "a", NoStepOff: args[1] == "never"})
	if err != nil {
		return err
	}
	defer s.Close()
	pinTo(1)
	fmt.Println("ready")
	for {
		switch _, st := s.Next(); st {
		case Closed:
			i, _ := s.Info()
			fmt.Println(i.Latency.ValueAtQuantile(50), i.Latency.ValueAtQuantile(99), i.Lost)
			return nil
		case Superseded, Corrupt:
			return fmt.Errorf("status %v: %w", st, s.Err())
		}
	}
}

// BenchmarkPaced measures latencies of traffic that is no flat-out stream. Stepping off
// must not show in it: compare each with never.
func BenchmarkPaced(b *testing.B) {
	for _, traffic := range []struct {
		name       string
		burst      int
		gap, pause uint64 // ns
	}{{"every=50ns", 1, 50, 0}, {"every=100ns", 1, 100, 0}, {"every=1us", 1, 1000, 0}, {"burst=8x50ns", 8, 50, 5000}} {
		for _, off := range []string{"default", "never"} {
			b.Run(traffic.name+"/stepoff="+off, func(b *testing.B) {
				dir := shmDir(b)
				p, err := Create("paced", Config{Dir: dir, Capacity: 1 << 24})
				if err != nil {
					b.Fatal(err)
				}
				c := start(b, "paced", dir, off)
				c.line()
				done := make(chan struct{})
				go func() {
					defer close(done)
					pinTo(0)
					scale := tick.Scale(p.first.scale)
					gap, pause := scale.Ticks(traffic.gap), scale.Ticks(traffic.pause)
					var msg [mem.LinePayload]byte
					b.ResetTimer()
					due := p.clock.Now()
					for i := range b.N {
						for p.clock.Now() < due {
						}
						p.Publish(0, msg[:])
						due += gap
						if i%traffic.burst == traffic.burst-1 {
							due += pause
						}
					}
					b.StopTimer()
				}()
				<-done
				p.Close()
				var p50, p99, lost float64
				fmt.Sscan(c.line(), &p50, &p99, &lost)
				c.wait()
				b.ReportMetric(p50, "p50-ns")
				b.ReportMetric(p99, "p99-ns")
				b.ReportMetric(lost, "lost")
			})
		}
	}
}
