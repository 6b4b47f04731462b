//go:build linux

package monitor

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tickring/tickring/ring"
)

// TestSpoiltFile: a subscriber whose file cannot be believed is broken, has no figures, and
// begins anew when it can.
func TestSpoiltFile(t *testing.T) {
	f := newFixture(t, Config{})
	f.create("r")
	f.open("r", "a")
	sub := f.file("r", "a")
	f.poll(0)
	broken := func(why string) {
		t.Helper()
		u := only(t, f.poll(time.Second))
		zero := Window{}
		if u.State != StateBroken || !strings.Contains(u.Error, why) || u.Second != zero || u.Minute != zero || u.Start != zero ||
			u.Rate != 0 || u.Lag != 0 || u.LagTime != -1 || u.Delivered != 0 || u.Spikes.List == nil || u.Trend == nil {
			t.Fatalf("%+v, want it broken: %s", u, why)
		}
	}
	good := func(second, start uint64) {
		t.Helper()
		u := only(t, f.poll(time.Second))
		if u.State != StateReading || u.Second.Count != second || u.Minute.Count != second || u.Start.Count != start {
			t.Fatalf("%+v, want %d of %d", u, second, start)
		}
	}
	sub.measure(100, 7)
	good(7, 7)
	sub.put(countsAt, 1<<63)
	broken("in one bucket")
	broken("in one bucket")
	sub.put(countsAt, 0)
	good(0, 7)
	sub.measure(100, 3)
	good(3, 10)
	sub.put(countsAt+8*100, 4) // it goes down
	good(0, 4)
	sub.put(countsAt, 1<<40)
	good(0, 0) // an owner that begins may look like that for a moment
	broken("latencies of 10 messages")
	sub.put(countsAt, 0)
	good(0, 4)
	sub.put(8, 0)
	broken("version")
	if err := sub.file.Truncate(100); err != nil {
		t.Fatal(err)
	}
	broken("")
	if err := os.Remove(sub.file.Name()); err != nil {
		t.Fatal(err)
	}
	if s := f.poll(time.Second); len(s.Rings[0].Subscribers) != 0 {
		t.Errorf("%+v", s.Rings[0].Subscribers)
	}
}

// TestWhileAllMoves polls as fast as it can while rings and subscribers come, go and are
// spoilt. Whatever it sees, it does not end, and figures are not absurd.
func TestWhileAllMoves(t *testing.T) {
	f := newFixture(t, Config{History: 5})
	stop := make(chan struct{})
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		all.Go(func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), 0))
			for {
				select {
				case <-stop:
					return
				default:
				}
				p, err := ring.Create(name, ring.Config{Dir: f.dir, Capacity: 1 << (18 + r.IntN(2)), Heartbeat: -1})
				if err != nil {
					t.Error(err)
					return
				}
				for _, sub := range []string{"x", "y"} {
					s, err := ring.Open(name, ring.Options{Dir: f.dir, Name: sub, From: ring.FromOldest})
					if err != nil {
						continue // somebody spoilt its file
					}
					for range 500 {
						_ = p.Publish(0, nil)
						s.Next()
					}
					s.Close()
				}
				path := filepath.Join(f.dir, name, "subs", "x")
				b, _ := os.ReadFile(path)
				switch r.IntN(4) {
				case 0:
					if len(b) > 0 {
						b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
					}
					_ = os.WriteFile(path, b, 0o600)
				case 1:
					_ = os.Truncate(path, r.Int64N(1<<16))
				case 2:
					_ = os.Remove(path)
				}
				p.Close()
				if r.IntN(3) == 0 {
					_ = ring.Remove(f.dir, name)
				}
			}
		})
	}
	seen := 0
	for until := time.Now().Add(time.Minute); seen < 100 && time.Now().Before(until); {
		s := f.poll(50 * time.Millisecond)
		for _, r := range s.Rings {
			for _, u := range r.Subscribers {
				seen++
				for _, w := range []Window{u.Second, u.Minute, u.Start} {
					if u.Error == "" && (w.Count > u.Delivered+1<<20 || w.P50 > w.P99 || w.P99 > w.P9999 || w.Count > 0 && w.Mean > 1e11) {
						t.Fatalf("%s %s: %+v", r.Name, u.Name, u)
					}
				}
			}
		}
	}
	close(stop)
	all.Wait()
	if seen == 0 {
		t.Error("it has seen no subscriber in a minute")
	}
}

// TestSpikesAndOwnFile: what a file tells of spikes, and a publisher of its own lateness,
// goes through as it is.
func TestSpikesAndOwnFile(t *testing.T) {
	f := newFixture(t, Config{})
	f.create("r")
	f.open("r", "a")
	sub := f.file("r", "a")
	record := func(at int64, number, latency uint64) {
		sub.put(at+0x100, number, 1, 1, 77, 3, latency, 5, 1<<48|9)
		sub.put(at, 1000, number, 3)
	}
	u := only(t, f.poll(0))
	if u.Spikes.Spikes != 0 || u.Spikes.List == nil {
		t.Errorf("%+v", u.Spikes)
	}
	record(spikesAt, 1, 5000)
	first := only(t, f.poll(time.Second)).Spikes
	if first.Threshold != 1000 || first.Spikes != 1 || first.Messages != 3 || len(first.List) != 1 || first.List[0].Latency != 5000 || first.List[0].Seq != 77 || first.List[0].Explained {
		t.Fatalf("%+v", first)
	}
	record(spikesAt, 1, 9000)
	if s := only(t, f.poll(time.Second)).Spikes; s.List[0].Latency != 9000 || first.List[0].Latency != 5000 {
		t.Errorf("%+v, and before %+v", s, first)
	}
	// The publisher's file is that of a subscriber, with another magic number.
	b, err := os.ReadFile(sub.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	copy(b, "TICKRPUB")
	path := filepath.Join(f.dir, "r", "publisher")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r := f.poll(time.Second).Rings[0]
	if r.Late == nil || r.Late.Error != "" || len(r.Late.Spikes.List) != 1 {
		t.Fatalf("%+v", r.Late)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	own := &subFile{t: t, file: file}
	own.measure(200, 11)
	if r := f.poll(time.Second).Rings[0]; r.Late.Second.Count != 11 || r.Late.Start.P50 != 200 || r.Late.Minute.Count != 11 {
		t.Errorf("%+v", r.Late)
	}
	if h, ok := f.m.Histogram("r", "", LastMinute); !ok || h.TotalCount() != 11 {
		t.Errorf("%v", ok)
	}
	if heat, ok := f.m.Heat("r", ""); !ok || len(heat.Counts) == 0 {
		t.Errorf("%v", ok)
	}
	if err := file.Truncate(9); err != nil {
		t.Fatal(err)
	}
	if r := f.poll(time.Second).Rings[0]; r.Late == nil || r.Late.Error == "" || r.Late.Start.Count != 0 || r.Late.Spikes.List == nil {
		t.Errorf("%+v", r.Late)
	}
}

// TestManySubscribers: what is seen of one of many is what it measured.
func TestManySubscribers(t *testing.T) {
	c := newCrowd(t, 5, 10, Config{})
	c.poll(0)
	for range 3 {
		c.measure()
		c.poll(500 * time.Millisecond)
	}
	s := c.poll(500 * time.Millisecond)
	i := 0
	for _, r := range s.Rings {
		for _, u := range r.Subscribers {
			if u.Start.Count != c.n[i] || u.Minute.Count != c.n[i] || u.Lag != 30 || u.State != StateReading && u.State != StateStuck {
				t.Errorf("%s %s: %+v, want %d", r.Name, u.Name, u, c.n[i])
			}
			i++
		}
	}
	if i != 50 {
		t.Errorf("%d subscribers", i)
	}
}
