package synth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tickring/tickring/feed/itch"
)

func session(t testing.TB, cfg Config) ([]byte, Stats) {
	t.Helper()
	var b bytes.Buffer
	stats, err := Write(&b, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), stats
}

// If one of these changes, every session ever named by its seed has changed.
func TestSameBytesForEver(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{Messages: 20_000, Seed: 1}, "824abe6db50a76e1a37dabbf97c06a21e9295797d40c25d4693997342c0e1503"},
		{Config{Messages: 200_000, Seed: 2, Instruments: 1}, "dcf224923be571f99860b54436e3910fd9bab9412423cf365704d6f25e21a1ba"},
	} {
		file, _ := session(t, tt.cfg)
		sum := sha256.Sum256(file)
		if got := hex.EncodeToString(sum[:]); got != tt.want {
			t.Errorf("%+v: SHA-256 %s, want %s", tt.cfg, got, tt.want)
		}
	}
}

func TestSessionsAreValid(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
	}{
		{"default stocks", Config{Messages: 150_000, Seed: 1}},
		{"one stock", Config{Messages: 100_000, Seed: 2, Instruments: 1}},
		{"many stocks", Config{Messages: 50_000, Seed: 3, Instruments: 3000}},
		{"no bursts", Config{Messages: 50_000, Seed: 4, Burst: 1}},
		{"long bursts", Config{Messages: 50_000, Seed: 5, Burst: 5000}},
		{"whole day", Config{Messages: 50_000, Seed: 6, Begin: FirstTime, End: LastTime}},
		{"hardly any time", Config{Messages: 50_000, Seed: 7, Begin: FirstTime, End: FirstTime + 1000}},
		{"only the mandatory", Config{Messages: 26, Seed: 8, Instruments: 10}},
		{"one more", Config{Messages: 27, Seed: 9, Instruments: 10}},
		{"the least", Config{Messages: 8}},
		{"largest seed", Config{Messages: 20_000, Seed: math.MaxUint64}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file, stats := session(t, tt.cfg)
			c, err := check(file, tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			want := Stats{Messages: uint64(c.n), Bytes: uint64(len(file)), ByType: c.byType}
			if stats != want {
				t.Errorf("stats %+v, want %+v", stats, want)
			}
		})
	}
}

// The fair price of one busy stock walks much further than the window of its
// book: the book has to follow it.
func TestBookFollowsTheFairPrice(t *testing.T) {
	g, err := New(Config{Messages: 1_000_000, Instruments: 1, Seed: 10})
	if err != nil {
		t.Fatal(err)
	}
	b := &g.books[0]
	low, high := b.fair, b.fair
	for n := 0; ; n++ {
		if _, ok := g.Next(); !ok {
			break
		}
		low, high = min(low, b.fair), max(high, b.fair)
		if n < 100_000 || n%100 != 0 {
			continue
		}
		if b.count[buy] == 0 || b.count[sell] == 0 {
			t.Fatalf("message %d: %d bids, %d asks", n, b.count[buy], b.count[sell])
		}
		if mid := (b.best[buy] + b.best[sell]) / 2; mid < b.fair-half/2 || mid > b.fair+half/2 {
			t.Fatalf("message %d: middle of the book %d, fair price %d", n, mid, b.fair)
		}
	}
	if high-low < window {
		t.Errorf("the fair price stayed within %d to %d: this tests nothing", low, high)
	}
}

func TestFairPriceTurnsBack(t *testing.T) {
	b := book{fair: 300, low: 300, high: 301}
	for _, tt := range []struct{ step, want int32 }{{-1, 300}, {1, 301}, {1, 301}, {-1, 300}} {
		b.step = tt.step
		if id := b.move(); id != 0 || b.fair != tt.want || b.step != 0 {
			t.Errorf("step %d: fair price %d, step left %d, order %d in the way; want %d, 0, 0",
				tt.step, b.fair, b.step, id, tt.want)
		}
	}
}

// The other side reaches to the end of the window, so no price is left for an
// order of this side: what stands there has to go first.
func TestNoRoomForAPrice(t *testing.T) {
	for _, s := range []side{buy, sell} {
		deleted := false
		for seed := uint64(0); !deleted && seed < 64; seed++ {
			g, err := New(Config{Messages: 1000, Instruments: 1, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			b := &g.books[0]
			edge := b.fair - half
			if s == sell {
				edge = b.fair + half - 1
			}
			g.ref++
			b.add(&g.pool, g.ref, s.other(), 100, edge)
			if price, ok := g.price(b, s); ok {
				t.Fatalf("side %d: price %d, with the other side at %d", s, price, edge)
			}
			msg := g.add(b) // of either side, by chance
			if b.count[s] > 0 {
				t.Fatalf("side %d: an order was added where there is no room", s)
			}
			deleted = itch.Type(msg[0]) == itch.TypeOrderDelete && len(b.live) == 0
		}
		if !deleted {
			t.Errorf("side %d: nothing made room", s)
		}
	}
}

func TestTypeMix(t *testing.T) {
	const messages = 200_000
	for seed := range uint64(3) {
		_, stats := session(t, Config{Messages: messages, Seed: seed})
		for _, want := range []struct {
			types    string
			min, max float64 // percent
		}{
			{"AF", 43, 48}, {"F", 0.5, 3}, {"D", 37, 43}, {"U", 5, 7}, {"EC", 3, 6},
			{"C", 0.03, 0.5}, {"X", 1.5, 3}, {"P", 1, 2.5}, {"RHS", 0.05, 0.15},
		} {
			n := uint64(0)
			for _, letter := range want.types {
				n += stats.ByType.Of(itch.Type(letter))
			}
			if share := float64(n) / messages * 100; share < want.min || share > want.max {
				t.Errorf("seed %d: %.2f%% are of %s, want %g to %g", seed, share, want.types, want.min, want.max)
			}
		}
	}
}

func TestActivityIsUneven(t *testing.T) {
	cfg := Config{Messages: 100_000, Seed: 1}
	file, _ := session(t, cfg)
	c, err := check(file, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var counts []int
	for _, n := range c.byLocate {
		counts = append(counts, n)
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	// 1/n of a hundred: the first has 19%, the first ten 56%, each of the last
	// 0.2%.
	ten := 0
	for _, n := range counts[:10] {
		ten += n
	}
	if len(counts) != 100 || counts[0] < cfg.Messages*14/100 || counts[0] > cfg.Messages*25/100 ||
		ten < cfg.Messages/2 || ten > cfg.Messages*63/100 {
		t.Errorf("%d stocks, the busiest with %d and the first ten with %d of %d messages",
			len(counts), counts[0], ten, cfg.Messages)
	}
}

func TestBursts(t *testing.T) {
	cfg := Config{Messages: 100_000, Seed: 1}
	file, _ := session(t, cfg)
	c, err := check(file, cfg)
	if err != nil {
		t.Fatal(err)
	}
	near, quiet := 0, uint64(0)
	for _, gap := range c.gaps {
		if gap < 5_000 {
			near++
		}
		if gap > 100_000 {
			quiet += gap
		}
	}
	// 50 µs a message on average, so evenly spread none would be near.
	if share := near * 100 / len(c.gaps); share < 80 || share > 99 {
		t.Errorf("%d%% of the messages come within 5 µs of the one before, want 80 to 99%%", share)
	}
	if share := float64(quiet) / float64(5*time.Second) * 100; share < 90 {
		t.Errorf("gaps above 100 µs make up %.0f%% of the session, want 90%% or more", share)
	}
	// No half of the session may be without its share.
	half, first := uint64(0), 0
	for _, gap := range c.gaps {
		if half += gap; half < uint64(2500*time.Millisecond) {
			first++
		}
	}
	if first < cfg.Messages*4/10 || first > cfg.Messages*6/10 {
		t.Errorf("%d of %d messages in the first half of the time", first, cfg.Messages)
	}
}

// With Burst 1 nothing comes in bursts: each message begins one of its own, and
// the gaps are those of arrivals that know nothing of each other. The executions
// of one aggressive order, which carry one time, are the only exception.
func TestBurstOfOne(t *testing.T) {
	g, err := New(Config{Messages: 50_000, Seed: 1, Burst: 1})
	if err != nil {
		t.Fatal(err)
	}
	p, r := g.pace, g.random
	for n := 0; p.left > 0; n++ {
		if !p.next(&r) {
			t.Fatalf("message %d belongs to the burst of the one before", n)
		}
	}

	var last uint64
	flow, near := 0, 0
	for {
		msg, ok := g.Next()
		if !ok {
			break
		}
		now := itch.Timestamp(msg)
		typ, gap := itch.Type(msg[0]), now-last
		last = now
		if typ == itch.TypeOrderExecuted || typ == itch.TypeOrderExecutedWithPrice ||
			strings.ContainsRune("SRH", rune(msg[0])) {
			continue
		}
		flow++
		if gap < 5_000 {
			near++
		}
	}
	// 50 µs a message on average: a tenth of them by chance.
	if share := near * 100 / flow; share > 15 {
		t.Errorf("%d%% of the messages come within 5 µs of the one before, want some 10%%", share)
	}
}

func TestGeneratorAndWriteAgree(t *testing.T) {
	cfg := Config{Messages: 5000, Seed: 42}
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var frames []byte
	for {
		msg, ok := g.Next()
		if !ok {
			break
		}
		frames = itch.AppendFrame(frames, msg)
	}
	if msg, ok := g.Next(); ok || msg != nil {
		t.Errorf("after the end: %x, %v", msg, ok)
	}
	file, _ := session(t, cfg)
	if !bytes.Equal(append(frames, 0, 0), file) {
		t.Error("the generator's messages are not those of the file")
	}
	other, _ := session(t, Config{Messages: 5000, Seed: 43})
	if bytes.Equal(file, other) {
		t.Error("another seed gives the same session")
	}
}

func TestConfigErrors(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		says string
	}{
		{Config{Messages: -1}, "at least 8"},
		{Config{Messages: 7}, "at least 8"},
		{Config{Messages: 205, Instruments: 100}, "at least 206"},
		{Config{Instruments: -1}, "1 to 20000"},
		{Config{Instruments: MaxInstruments + 1}, "1 to 20000"},
		{Config{Burst: -1}, "1 to 100000"},
		{Config{Burst: MaxBurst + 1}, "1 to 100000"},
		{Config{Begin: FirstTime - 1}, "4h0m0s or later"},
		{Config{Begin: LastTime}, "before 20h0m0s"},
		{Config{Begin: -1}, "4h0m0s or later"},
		{Config{End: DefaultBegin}, "later than the begin"},
		{Config{End: LastTime + 1}, "no later than 20h0m0s"},
		{Config{End: -1}, "later than the begin"},
	} {
		var out bytes.Buffer
		_, err := Write(&out, tt.cfg)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), tt.says) || out.Len() != 0 {
			t.Errorf("%+v: %v after %d bytes, want ErrConfig saying %q", tt.cfg, err, out.Len(), tt.says)
		}
	}
}

func TestDefaults(t *testing.T) {
	for _, tt := range []struct{ cfg, want Config }{
		{Config{}, Config{Messages: 1_000_000, Instruments: 100, Burst: 16, Begin: 9*time.Hour + 30*time.Minute,
			End: 9*time.Hour + 30*time.Minute + 50*time.Second}},
		{Config{Messages: 500, Begin: 10 * time.Hour}, Config{Messages: 500, Instruments: 10, Burst: 16,
			Begin: 10 * time.Hour, End: 10*time.Hour + 25*time.Millisecond}},
		{Config{Messages: 8, Begin: LastTime - 1}, Config{Messages: 8, Instruments: 1, Burst: 16,
			Begin: LastTime - 1, End: LastTime}},
		{Config{Messages: math.MaxInt}, Config{Messages: math.MaxInt, Instruments: 100, Burst: 16,
			Begin: DefaultBegin, End: LastTime}},
	} {
		got, err := tt.cfg.withDefaults()
		if err != nil || got != tt.want {
			t.Errorf("%+v becomes %+v, %v; want %+v", tt.cfg, got, err, tt.want)
		}
	}
}

// quota takes so many bytes and then fails.
type quota int

func (q *quota) Write(b []byte) (int, error) {
	if *q -= quota(len(b)); *q < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestWriteError(t *testing.T) {
	q := quota(200_000)
	stats, err := Write(&q, Config{Messages: 50_000})
	if !errors.Is(err, io.ErrShortWrite) {
		t.Fatalf("got %v, want the writer's error", err)
	}
	if stats.Bytes < 190_000-64<<10 || stats.Bytes > 200_000 || stats.Messages == 0 || stats.ByType.Total() != stats.Messages {
		t.Errorf("stats %+v of a writer that took less than 200,000 bytes", stats)
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	g, err := New(Config{Messages: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	// Ten runs, because the runtime may allocate something of its own meanwhile; the
	// average is rounded down.
	n := testing.AllocsPerRun(10, func() {
		for range 30_000 {
			if _, ok := g.Next(); !ok {
				t.Fatal("the session has ended")
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations in 30,000 messages", n)
	}
}

// The numbers are those of the authors' C program for this seed.
func TestRandomIsSplitMix64(t *testing.T) {
	r := random(1234567)
	for _, want := range []uint64{
		6457827717110365317, 3203168211198807973, 9817491932198370423,
		4593380528125082431, 16408922859458223821,
	} {
		if got := r.next(); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	}
}

func TestExpIsNearlyExponential(t *testing.T) {
	r := random(1)
	const n, mean = 1_000_000, 10_000
	sum, above := uint64(0), [4]int{}
	for range n {
		x := r.exp(mean)
		sum += x
		for i := range above {
			if x > uint64(i*mean) {
				above[i]++
			}
		}
	}
	if got := float64(sum) / n; got < 0.95*mean || got > 1.1*mean {
		t.Errorf("mean %g, want about %d", got, mean)
	}
	for i := 1; i < len(above); i++ {
		want := math.Exp(-float64(i))
		if got := float64(above[i]) / n; got < 0.85*want || got > 1.15*want {
			t.Errorf("%.4f of the numbers are above %d means, want about %.4f", got, i, want)
		}
	}
	if r.exp(0) != 0 {
		t.Error("a mean of 0 gave something else")
	}
}

// Every Config is refused or gives a valid session.
func FuzzWrite(f *testing.F) {
	f.Add(0, uint64(0), 0, 0, int64(0), int64(0))
	f.Add(8, uint64(1), 1, 1, int64(FirstTime), int64(LastTime))
	f.Add(3000, uint64(2), 3, 2, int64(DefaultBegin), int64(DefaultBegin+1))
	f.Add(5000, uint64(3), 900, 100_000, int64(LastTime-1), int64(0))
	f.Add(-1, uint64(4), -1, -1, int64(-1), int64(-1))
	f.Fuzz(func(t *testing.T, messages int, seed uint64, instruments, burst int, begin, end int64) {
		cfg := Config{
			Messages: messages, Seed: seed, Instruments: instruments, Burst: burst,
			Begin: time.Duration(begin), End: time.Duration(end),
		}
		if messages == 0 || messages > 20_000 {
			cfg.Messages = 20_000
		}
		var b bytes.Buffer
		if _, err := Write(&b, cfg); err != nil {
			if !errors.Is(err, ErrConfig) || b.Len() != 0 {
				t.Fatal(err)
			}
			return
		}
		if _, err := check(b.Bytes(), cfg); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	var g *Generator
	b.ReportAllocs()
	for b.Loop() {
		ok := false
		if g != nil {
			_, ok = g.Next()
		}
		if !ok {
			b.StopTimer()
			var err error
			if g, err = New(Config{Messages: 10_000_000}); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
}

func BenchmarkWrite(b *testing.B) {
	b.ReportAllocs()
	messages := uint64(0)
	for b.Loop() {
		stats, err := Write(io.Discard, Config{})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(stats.Bytes))
		messages += stats.Messages
	}
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds()/1e6, "M/s")
}
