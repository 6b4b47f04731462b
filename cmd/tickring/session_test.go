package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/feed/synth"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

// mboFile writes a DBN file of so many MBO records and returns the path, the records
// and how many there are of each action.
func (h *host) mboFile(name string, records int) (path string, data []byte, counts map[string]uint64) {
	h.Helper()
	path = h.file(name)
	writeMBO(h, path, max(1000, min(records, 20_000)), records)
	all := h.read(path)
	data = all[len(all)-records*dbn.MboSize:]
	counts = map[string]uint64{}
	for at := 0; at < len(data); at += dbn.MboSize {
		m, ok := dbn.AsMbo(data[at:])
		if !ok {
			h.Fatalf("record at %d is not MBO", at)
		}
		counts[string(rune(m.Action))]++
	}
	return path, data, counts
}

// itchFile writes a synthetic ITCH file and returns the path, and the number of
// messages of each type as the generator counts them.
func (h *host) itchFile(name string, messages int) (path string, counts map[string]uint64) {
	h.Helper()
	path = h.file(name)
	f, err := os.Create(path)
	if err != nil {
		h.Fatal(err)
	}
	defer f.Close()
	stats, err := synth.Write(f, synth.Config{Messages: messages, Seed: 7})
	if err != nil {
		h.Fatal(err)
	}
	counts = map[string]uint64{}
	for typ, n := range stats.ByType {
		if n > 0 {
			counts[string(rune(typ))] = n
		}
	}
	return path, counts
}

// normalized returns the actions of the records that an ITCH file means.
func normalized(t testing.TB, path string) (counts map[string]uint64, total uint64) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := itch.NewReader(bytes.NewReader(data), itch.ReaderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	counts = map[string]uint64{}
	n := itch.NewNormalizer(itch.NormalizerConfig{})
	var out [itch.MaxRecords]dbn.MboMsg
	for {
		msg, err := r.Next()
		if err != nil {
			return counts, total
		}
		for i := range n.Apply(msg, &out) {
			counts[string(rune(out[i].Action))]++
			total++
		}
	}
}

// agree demands that a publisher and its subscribers counted the same, and what is
// wanted, with nothing lost.
func agree(t *testing.T, pub replayReport, wantTotal uint64, want map[string]uint64, subs ...subReport) {
	t.Helper()
	if pub.Messages != wantTotal || pub.Lost != 0 || !maps.Equal(pub.ByType, want) {
		t.Errorf("published %d, lost %d, %v\nwant %d, %v", pub.Messages, pub.Lost, pub.ByType, wantTotal, want)
	}
	for _, s := range subs {
		if s.Delivered != wantTotal || s.Lost != 0 || !maps.Equal(s.ByType, want) {
			t.Errorf("%s: delivered %d, lost %d, %v\nwant %d, %v", s.Name, s.Delivered, s.Lost, s.ByType, wantTotal, want)
		}
		if s.Bytes != pub.Bytes || s.FirstSeq != pub.FirstSeq || s.LastSeq != pub.LastSeq {
			t.Errorf("%s: %d bytes, messages %d to %d; the publisher says %d bytes, %d to %d",
				s.Name, s.Bytes, s.FirstSeq, s.LastSeq, pub.Bytes, pub.FirstSeq, pub.LastSeq)
		}
	}
}

// carry replays a file to two subscribers that were there before the ring.
func (h *host) carry(args ...string) (replayReport, []subReport) {
	h.Helper()
	var subs []*process
	for _, name := range []string{"one", "two"} {
		p := h.start("sub", "feed", "--until-closed", "--json", "--name", name)
		p.await("waiting for it")
		subs = append(subs, p)
	}
	pub := h.replay(append([]string{"--ring", "feed", "--wait", "2", "--quiet"}, args...)...)
	var reports []subReport
	for _, p := range subs {
		reports = append(reports, p.want(exitOK).subReport())
	}
	return pub, reports
}

func TestDBNFileToTwoSubscribers(t *testing.T) {
	h := newHost(t)
	const records = 300_000
	path, _, want := h.mboFile("session.dbn", records)
	pub, subs := h.carry(path, "--speed", "max")
	agree(t, pub, records, want, subs...)
	if pub.Schema != "dbn3/mbo" || pub.Source != "TEST.MBO" || pub.Bytes != records*dbn.MboSize {
		t.Errorf("schema %q, source %q, %d bytes", pub.Schema, pub.Source, pub.Bytes)
	}
	for _, s := range subs {
		if s.Latency == nil || s.Latency.Count == 0 || s.Latency.P50 > s.Latency.P99 || s.Latency.P9999 > s.Latency.Max {
			t.Errorf("%s: latencies %+v", s.Name, s.Latency)
		}
	}
}

// A session in a wrapping that is not taken off is known for what it is, and the
// advice leads to a file that can be read, whichever format was named.
func TestWrappedSession(t *testing.T) {
	h := newHost(t)
	good, _ := h.itchFile("good.itch50", 500)
	data := h.read(good)
	for _, c := range []struct {
		name  string
		data  []byte
		words []string
	}{
		{"a.itch50.zst", compressed(t, data), []string{"ITCH BinaryFILE compressed with zstd", "zstd -d"}},
		{"b.itch50.gz.zst", compressed(t, gzipped(t, data)), []string{"gzip", "zstd -d"}},
		{"c.itch50.zst.zst", compressed(t, compressed(t, data)), []string{"twice", "zstd -d"}},
	} {
		path := h.write(c.name, c.data)
		out := h.run("replay", path, "--ring", "feed").want(exitError)
		out.sentence(append(c.words, path, "offset 0")...)
		if strings.Contains(out.stderr.String(), "neither") {
			t.Errorf("%s: %s", c.name, out.stderr.String())
		}
		h.run("replay", path, "--ring", "feed", "--format", "dbn").want(exitError).sentence(append(c.words, path)...)
		h.run("replay", path, "--ring", "feed", "--format", "itch").want(exitError).sentence(path, "zstd -d")
	}
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestITCHFileToTwoSubscribers(t *testing.T) {
	h := newHost(t)
	path, raw := h.itchFile("session", 100_000) // the name tells nothing
	want, total := normalized(t, path)
	pub, subs := h.carry(path)
	agree(t, pub, total, want, subs...)
	if pub.UnknownOrders != 0 || pub.Schema != "dbn3/mbo" || pub.Source != "XNAS.ITCH" {
		t.Errorf("%d unknown orders, schema %q, source %q", pub.UnknownOrders, pub.Schema, pub.Source)
	}

	// The same as it is, on a ring of its own.
	pub = h.replay(path, "--ring", "raw", "--as", "raw")
	sub := h.run("sub", "raw", "--until-closed", "--json").want(exitOK).subReport()
	agree(t, pub, 100_000, raw, sub)
	if pub.Schema != itchSchema || pub.LastSeq != 100_000 {
		t.Errorf("schema %q, last message %d", pub.Schema, pub.LastSeq)
	}
}

func TestSecondReplayGoesOnWithTheSequence(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 5000)
	first := h.replay(path, "--ring", "feed")
	second := h.replay(path, "--ring", "feed")
	if first.FirstSeq != 1 || first.LastSeq != 5000 || second.FirstSeq != 5001 || second.LastSeq != 10_000 {
		t.Errorf("first %d to %d, second %d to %d", first.FirstSeq, first.LastSeq, second.FirstSeq, second.LastSeq)
	}
	sub := h.run("sub", "feed", "--until-closed", "--json").want(exitOK).subReport()
	if sub.Delivered != 10_000 || sub.Lost != 0 {
		t.Errorf("delivered %d, lost %d", sub.Delivered, sub.Lost)
	}
}

func TestReplacedRingIsTold(t *testing.T) {
	h := newHost(t)
	path, _ := h.itchFile("session", 1000)
	first := h.replay(path, "--ring", "feed", "--capacity", "1MiB")
	p := h.run("replay", path, "--ring", "feed", "--as", "raw", "--json").want(exitOK)
	var second replayReport
	p.json(&second)
	if first.Replaced != "" || !strings.Contains(second.Replaced, "schema") {
		t.Errorf("first %q, second %q", first.Replaced, second.Replaced)
	}
	p.sentence(`ring "feed" was made anew: `+second.Replaced, "go on with "+text.Count(first.LastSeq+1))
}

func TestUnknownRecordTypesAreTold(t *testing.T) {
	h := newHost(t)
	path, data, _ := h.mboFile("session.dbn", 10)
	all := h.read(path)
	all[len(all)-len(data)+1] = 0x7F // the first record's type
	p := h.run("replay", h.write("odd.dbn", all), "--ring", "feed", "--json").want(exitOK)
	p.sentence("odd.dbn has 1 record of a type not known here")
	var r replayReport
	if p.json(&r); r.Messages != 10 {
		t.Errorf("%+v", r)
	}
}

func TestReplayOfPipes(t *testing.T) {
	h := newHost(t)
	path, data, want := h.mboFile("session.dbn", 3000)
	for _, name := range []string{"-", "/dev/stdin"} {
		p := h.startFrom(h.read(path), "replay", name, "--ring", "feed", "--json")
		var r replayReport
		p.want(exitOK).json(&r)
		agree(t, r, 3000, want)
	}

	// A signal ends the waiting for one who opens a pipe, and for one who writes.
	unopened, fifo := h.file("unopened"), h.file("fifo")
	check(h, syscall.Mkfifo(unopened, 0o600))
	check(h, syscall.Mkfifo(fifo, 0o600))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := openSession(ctx, unopened, sessionConfig{}); err == nil || !strings.Contains(err.Error(), "stopped by a signal") {
		t.Error(err)
	}

	idle := h.start("replay", fifo, "--ring", "idle", "--json")
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	check(h, err)
	defer w.Close()
	_, err = w.Write(h.read(path)[:len(h.read(path))-len(data)+100*dbn.MboSize])
	check(h, err)
	h.stat("idle", func(i ring.Info) bool { return i.Last == 100 })
	idle.signal(syscall.SIGTERM)
	idle.want(exitError).sentence("stopped by a signal after 100 messages")
}

func TestReplayAtARate(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 2000)
	r := h.replay(path, "--ring", "feed", "--rate", "50000")
	if r.Late == nil || r.Late.Count != 2000 || r.Late.P50 > r.Late.Max {
		t.Errorf("late %+v", r.Late)
	}
	// 2000 messages at 50,000 a second cannot take less than 1999/50,000 s.
	if r.DurationNs < 39_980_000 {
		t.Errorf("it took %d ns", r.DurationNs)
	}
}

func TestRealDBN(t *testing.T) {
	for _, c := range []struct {
		file   string
		total  uint64
		counts map[string]uint64
	}{
		{"dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst", 68_792,
			map[string]uint64{"A": 29_216, "C": 17_999, "M": 12_233, "F": 6_371, "T": 2_973}},
		{"dbn/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst", 2_288, map[string]uint64{"mbp-1": 2_288}},
		{"dbn/futures_trades_2024-07-01T23-58_2024-07-02T00-02.dbn.zst", 120, map[string]uint64{"trades": 120}},
	} {
		t.Run(c.file, func(t *testing.T) {
			path := realData(t, c.file)
			h := newHost(t)
			pub, subs := h.carry(path, "--speed", "max")
			agree(t, pub, c.total, c.counts, subs...)
		})
	}
}

func TestRealITCH(t *testing.T) {
	path := realData(t, "itch/ritch-ex20101224.fixedlen.itch50")
	h := newHost(t)
	pub, subs := h.carry(path, "--as", "raw")
	agree(t, pub, 12_012, map[string]uint64{"P": 5000, "A": 4997, "D": 1745, "E": 198, "X": 45, "U": 12, "S": 6, "R": 3, "H": 3, "F": 3}, subs...)

	want, total := normalized(t, path)
	pub = h.replay(path, "--ring", "mbo", "--date", "2010-12-24")
	agree(t, pub, total, want)
	if pub.UnknownOrders != 117 {
		t.Errorf("%d orders are not in the file, want 117", pub.UnknownOrders)
	}
}
