package main

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/feed/replay"
	"github.com/tickring/tickring/feed/synth"
	"github.com/tickring/tickring/ring"
)

// The benchmarks carry an uncompressed file into a ring at maximum speed, on one
// thread, by all that 'tickring replay' does for it: read, decode, normalise, count,
// stamp, publish. Run them with
//
//	go test ./cmd/tickring -run '^$' -bench FileToRing

func BenchmarkFileToRingMBO(b *testing.B) {
	path := filepath.Join(b.TempDir(), "session.dbn")
	writeMBO(b, path, 1_000_000, 5_000_000)
	benchmarkFileToRing(b, path, false)
}

func BenchmarkFileToRingITCH(b *testing.B) {
	benchmarkFileToRing(b, benchSession(b), false)
}

func BenchmarkFileToRingITCHRaw(b *testing.B) {
	benchmarkFileToRing(b, benchSession(b), true)
}

func benchmarkFileToRing(b *testing.B, path string, raw bool) {
	dir := shmDir(b)
	pub, err := ring.Create("bench", ring.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer pub.Close()
	b.ReportAllocs()
	var messages, records uint64
	before := cpuSeconds(b)
	best := 0.0
	for b.Loop() {
		began, sofar := time.Now(), messages
		s, err := openSession(context.Background(), path, sessionConfig{raw: raw})
		if err != nil {
			b.Fatal(err)
		}
		sink := &gatedSink{ctx: context.Background(), gates: &gateWatch{}, pub: pub, tally: newTally(s.schema)}
		result, err := replay.Run(context.Background(), s.messages, sink, replay.Config{})
		if err != nil {
			b.Fatal(err)
		}
		records += result.Messages
		messages += result.Messages
		if s.book != nil {
			messages += s.book.Stats().Messages - result.Messages
		}
		b.SetBytes(s.file.size)
		s.close()
		best = max(best, float64(messages-sofar)/time.Since(began).Seconds())
	}
	b.ReportMetric(best/1e6, "best-Mmsg/s") // of a pass: on a busy machine, one that was left alone
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(float64(messages)/seconds/1e6, "Mmsg/s") // of the file
	b.ReportMetric(float64(records)/seconds/1e6, "Mpub/s")  // of the ring
	// By the time that the process was given, which is what a core of one's own has.
	b.ReportMetric(float64(messages)/(cpuSeconds(b)-before)/1e6, "Mmsg/cpu-s")
}

// cpuSeconds is the processor time of this process so far.
func cpuSeconds(b *testing.B) float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// benchSession writes a synthetic ITCH session.
func benchSession(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "session.itch50")
	writeITCH(b, path, synth.Config{Messages: 2_000_000, Seed: 1})
	return path
}

func writeITCH(tb testing.TB, path string, cfg synth.Config) {
	tb.Helper()
	if _, err := writeSession(context.Background(), path, cfg, true); err != nil {
		tb.Fatal(err)
	}
}

// writeMBO writes a DBN file of MBO records: those of a synthetic session of so many
// messages, again and again until there are enough.
func writeMBO(tb testing.TB, path string, session, records int) {
	tb.Helper()
	g, err := synth.New(synth.Config{Messages: session, Seed: 2})
	if err != nil {
		tb.Fatal(err)
	}
	var once []byte
	var out [itch.MaxRecords]dbn.MboMsg
	for n := itch.NewNormalizer(itch.NormalizerConfig{}); ; {
		msg, ok := g.Next()
		if !ok {
			break
		}
		for i := range n.Apply(msg, &out) {
			once = out[i].Append(once)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	buf := bufio.NewWriterSize(f, 1<<20)
	w, err := dbn.NewWriter(buf, dbn.Metadata{Dataset: "TEST.MBO", Schema: dbn.SchemaMbo}, dbn.WriterConfig{})
	if err != nil {
		tb.Fatal(err)
	}
	for left := records; left > 0; {
		for at := 0; at < len(once) && left > 0; at += dbn.MboSize {
			if err := w.Write(once[at : at+dbn.MboSize]); err != nil {
				tb.Fatal(err)
			}
			left--
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := buf.Flush(); err != nil {
		tb.Fatal(err)
	}
}

// shmDir returns a private directory for rings, in shared memory where there is one.
func shmDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tickring-test-")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
