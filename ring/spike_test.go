//go:build linux

package ring

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/tickring/tickring/mmap"
)

// TestSpikesOfASubscriber: messages that wait in the ring are late, and one spike as long
// as they come one after another, however they are read.
func TestSpikesOfASubscriber(t *testing.T) {
	batch, values := NewBatch(16, 0), make([][3]uint64, 16)
	for name, read := range map[string]func(s *Subscriber) (int, Status){
		"next": func(s *Subscriber) (int, Status) { _, st := s.Next(); return 1, st },
		"view": func(s *Subscriber) (int, Status) {
			_, st := s.View()
			if st == Message && !s.Valid() {
				return 0, Empty
			}
			return 1, st
		},
		"batch": func(s *Subscriber) (int, Status) { st := s.NextBatch(batch); return batch.Len(), st },
		"typed": func(s *Subscriber) (int, Status) {
			return newTypedSubscriber[[3]uint64](&s.subscriber, 7).NextBatch(values)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := shmDir(t)
			p := mustCreate(t, "r", smallest(dir))
			defer p.Close()
			s := mustOpen(t, "r", Options{Dir: dir, Name: "a", Spikes: time.Nanosecond})
			defer s.Close()
			publish := func(n int) {
				for range n {
					if err := p.Publish(7, make([]byte, 24)); err != nil {
						t.Fatal(err)
					}
				}
			}
			readAll := func() (n int) {
				for {
					got, st := read(s)
					switch st {
					case Message:
						n += got
					case Empty:
						return n
					case Gap:
					default:
						t.Fatal(st)
					}
				}
			}
			publish(40)
			readAll()
			publish(70) // a block's end among them
			readAll()
			publish(2 * minCapacity / lineSize)
			after := readAll()
			first := s.Seq() - uint64(after) + 1

			l := onlySub(t, dir).Spikes
			if l.Threshold != 1 || l.Spikes != 2 || l.Messages != uint64(110+after) || len(l.List) != 2 {
				t.Fatalf("after %d messages: %+v", 110+after, l)
			}
			one, two := l.List[0], l.List[1]
			if one.Seq != 1 || one.Messages != 110 || one.Behind != 39 || one.BehindMore {
				t.Errorf("before the lap: %+v", one)
			}
			// The newest block ends what is counted, and has a frame at least.
			if two.Seq != first || two.Messages != uint64(after) || !two.BehindMore ||
				two.Behind >= uint64(after) || two.Behind+minBlock/lineSize < uint64(after) {
				t.Errorf("after the lap, from %d: %+v", first, two)
			}
			for _, got := range l.List {
				if got.Kind != SpikeRead || got.TID == 0 || got.CPU < 0 || got.Latency <= 0 || got.Latency > onlySub(t, dir).Max {
					t.Errorf("%+v", got)
				}
			}
			s.Close()
			for _, got := range onlySub(t, dir).Spikes.List {
				if !got.Explained || got.Why == "" || got.Happened.At <= 0 {
					t.Errorf("closed in order, and not explained: %+v", got)
				}
			}
			s = mustOpen(t, "r", Options{Dir: dir, Name: "a"})
			if l := onlySub(t, dir).Spikes; l.Threshold != 0 || l.Spikes != 0 || l.List != nil {
				t.Errorf("opened without Spikes: %+v", l)
			}
		})
	}
}

// TestSpikesBelowTheThreshold: what is faster leaves no trace, and costs no allocation; nor
// does what is slower.
func TestSpikesBelowTheThreshold(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	defer p.Close()
	for name, threshold := range map[string]time.Duration{"never": time.Hour, "always": 1} {
		s := mustOpen(t, "r", Options{Dir: dir, Name: name, Spikes: threshold})
		allocs := testing.AllocsPerRun(100, func() {
			if err := p.Publish(1, nil); err != nil {
				t.Fatal(err)
			}
			if _, st := s.Next(); st != Message {
				t.Fatal(st)
			}
			s.spikes.next = 0 // the next one is a spike of its own
		})
		i, _ := s.Info()
		if want := map[string]uint64{"never": 0, "always": i.Messages}[name]; allocs != 0 || i.Spikes.Spikes != want || i.Spikes.Messages != want {
			t.Errorf("%s: %v allocations, %d spikes of %d messages", name, allocs, i.Spikes.Spikes, i.Messages)
		}
		s.Close()
	}
	// Longer than the histogram reaches.
	s := mustOpen(t, "r", Options{Dir: dir, Name: "long", Spikes: 20 * time.Second})
	defer s.Close()
	for _, seconds := range []uint64{15, 25} {
		publishCount(t, p, 1)
		s.joined = 0
		s.recordLatency(s.frameHeader(s.pos), s.fullStamp(s.frameHeader(s.pos))+s.scale.Ticks(seconds*1e9))
	}
	if i, _ := s.Info(); i.TooLong != 2 || i.Spikes.Spikes != 1 || i.Spikes.List[0].Latency < 24*time.Second {
		t.Errorf("%d too long, %+v", i.TooLong, i.Spikes)
	}
}

func TestSpikesAreRefused(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	p.Close()
	cfg := smallest(dir)
	cfg.Stamps = StampNone
	mustCreate(t, "bare", cfg).Close()
	for name, c := range map[string]struct {
		ring string
		opt  Options
	}{
		"negative":     {"r", Options{Name: "a", Spikes: -1}},
		"no name":      {"r", Options{Spikes: 1}},
		"no histogram": {"r", Options{Name: "a", Spikes: 1, NoHistogram: true}},
		"no stamps":    {"bare", Options{Name: "a", Spikes: 1}},
	} {
		c.opt.Dir = dir
		if s, err := Open(c.ring, c.opt); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if subs := mustStat(t, dir, "bare").Subscribers; len(subs) != 0 {
		t.Errorf("a refused subscriber has left %+v", subs)
	}
	cfg.Spikes = -1
	if _, err := Create("r", cfg); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}

// TestSpikesOfAPublisher: claims that are held open, a gate in the way, and lateness that
// the caller tells of, in a file that outlives the publisher.
func TestSpikesOfAPublisher(t *testing.T) {
	for _, stamps := range []Stamps{StampEvery, StampNone} {
		dir := shmDir(t)
		cfg := smallest(dir)
		cfg.Stamps = stamps
		p := mustCreate(t, "r", cfg)
		p.RecordLate(time.Second) // nothing is recorded
		p.Close()
		if late := mustStat(t, dir, "r").Late; late != nil {
			t.Fatalf("%+v", late)
		}
		const threshold = 5 * time.Millisecond
		cfg.Spikes = threshold
		cfg.Gates = []Gate{{Name: "g"}}
		p = mustCreate(t, "r", cfg)
		claim := func(d time.Duration) {
			if _, err := p.Claim(8); err != nil {
				t.Fatal(err)
			}
			time.Sleep(d)
			if err := p.Commit(1, 8); err != nil {
				t.Fatal(err)
			}
		}
		claim(threshold)
		claim(threshold)
		p.RecordLate(time.Microsecond)
		p.RecordLate(-1)
		p.RecordLate(time.Minute)
		claimed := p.Seq()
		for p.Publish(1, nil) == nil {
		}
		held := p.Seq() + 1
		time.Sleep(threshold)
		g := mustOpen(t, "r", Options{Dir: dir, Name: "g"})
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		go func() {
			for range held / 2 {
				g.Next()
			}
			g.Close()
		}()
		if err := p.PublishWait(ctx, 1, nil); err != nil {
			t.Fatal(err)
		}
		p.Close()

		late := mustStat(t, dir, "r").Late
		if late == nil || late.Err != nil {
			t.Fatalf("%+v", late)
		}
		if late.PID != os.Getpid() || !late.Closed || late.Late != 3 || late.Max != time.Minute || late.Latency.TotalCount() != 2 || late.Spikes.Threshold != threshold {
			t.Errorf("%+v", late)
		}
		want := []struct {
			kind          SpikeKind
			seq, messages uint64
			least         time.Duration
		}{{SpikeClaim, 1, 2, threshold}, {SpikePace, claimed, 1, time.Minute}, {SpikeHeld, held, 1, threshold}}
		if len(late.Spikes.List) != len(want) || late.Spikes.Messages != 4 {
			t.Fatalf("%v: %+v", stamps, late.Spikes)
		}
		for i, s := range late.Spikes.List {
			if w := want[i]; s.Kind != w.kind || s.Seq != w.seq || s.Messages != w.messages || s.Latency < w.least || !s.Explained {
				t.Errorf("%v: want %+v, is %+v", stamps, w, s)
			}
		}

		// It stays until the next publisher that records, and goes with the ring.
		cfg.Spikes = 0
		p = mustCreate(t, "r", cfg)
		p.Close()
		if next := mustStat(t, dir, "r").Late; next == nil || next.Spikes.Spikes != 3 || !next.Opened.Equal(late.Opened) {
			t.Errorf("%+v", next)
		}
		cfg.Spikes = threshold
		p = mustCreate(t, "r", cfg)
		if next := mustStat(t, dir, "r").Late; next == nil || next.Spikes.Spikes != 0 || next.Closed {
			t.Errorf("%+v", next)
		}
		p.Close()
		if err := os.WriteFile(p.paths.publisher(), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, "Stat", mustStat(t, dir, "r").Late.Err, ErrCorrupt, p.paths.publisher())
		if err := Remove(dir, "r"); err != nil || names(t, dir) != "" {
			t.Errorf("%v, and leaves %q", err, names(t, dir))
		}
	}
}

// TestSpikesCutShort: a file that is cut short ends the recording, and nothing else.
func TestSpikesCutShort(t *testing.T) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Spikes = 1
	p := mustCreate(t, "r", cfg)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", Spikes: 1})
	publishCount(t, p, 3)
	for _, path := range []string{p.paths.sub("a"), p.paths.publisher()} {
		if err := os.Truncate(path, 0x1000); err != nil {
			t.Fatal(err)
		}
	}
	err := mmap.Guard(func() error { s.Next(); return nil })
	if !errors.Is(err, mmap.ErrFault) {
		t.Error(err)
	}
	s.recorder.stopped.Wait() // it finds out by itself
	p.late.recorder.stopped.Wait()
	publishCount(t, p, 3)
	if i := mustStat(t, dir, "r"); i.Late == nil || !errors.Is(i.Late.Err, ErrCorrupt) || !errors.Is(i.Subscribers[0].Err, ErrCorrupt) {
		t.Errorf("%+v", i)
	}
	s.Close()
	p.Close()
}

// TestHowItWaits: a file says how its subscriber waited last.
func TestHowItWaits(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	defer p.Close()
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	defer s.Close()
	sleeper, err := NewSleeper(SleepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expectWait := func(want string) {
		t.Helper()
		if i := onlySub(t, dir); i.Wait != want {
			t.Errorf("%q, want %q", i.Wait, want)
		}
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	s.Next()
	expectWait("")
	for want, w := range map[string]WaitStrategy{"spin": Spin{}, "yield": Yield{}, "backoff": nil, "sleeper": sleeper, "other": wrapped{Spin{}}} {
		if _, st, _ := s.NextWait(done, w); st != Empty {
			t.Fatal(st)
		}
		expectWait(want)
		var poll Poller
		poll.Add(s, 0)
		if _, _, st, _ := poll.NextWait(done, Spin{}); st != Empty {
			t.Fatal(st)
		}
		expectWait("spin")
		poll.NextWait(done, w)
		expectWait(want)
	}
	s.Waits(Backoff{})
	expectWait("backoff")
	s.Close()
	defer mustOpen(t, "r", Options{Dir: dir, Name: "a"}).Close()
	expectWait("")
}

type wrapped struct{ WaitStrategy }
