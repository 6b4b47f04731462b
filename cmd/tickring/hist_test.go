package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/cmd/internal/hlog"
	"github.com/tickring/tickring/ring"
)

// measured is a ring in this process whose subscribers read when they are told to.
type measured struct {
	*host
	pub *ring.Publisher
}

func newMeasured(t *testing.T) *measured {
	h := newHost(t)
	m := &measured{host: h}
	m.publish(256 << 10)
	t.Cleanup(func() { m.pub.Close() })
	return m
}

func (m *measured) publish(capacity uint64) {
	m.Helper()
	pub, err := ring.Create("es", ring.Config{Dir: m.dir, Capacity: capacity, Schema: "text", Spikes: time.Hour})
	if err != nil {
		m.Fatal(err)
	}
	m.pub = pub
}

func (m *measured) open(name string) *ring.Subscriber {
	m.Helper()
	sub, err := ring.Open("es", ring.Options{Dir: m.dir, Name: name})
	if err != nil {
		m.Fatal(err)
	}
	return sub
}

// read publishes messages and has sub read them.
func (m *measured) read(sub *ring.Subscriber, n int) {
	m.Helper()
	for range n {
		if err := m.pub.Publish(1, []byte("tick")); err != nil {
			m.Fatal(err)
		}
		if _, st := sub.Next(); st != ring.Message {
			m.Fatal(st)
		}
	}
}

// logged sums a log up by tag.
func logged(t *testing.T, text []byte) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	err := hlog.Read(bytes.NewReader(text), "log", func(i hlog.Interval) error {
		counts[i.Tag] += i.Hist.TotalCount()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// What hist writes is what it reads again, and what others read.
func TestHistForms(t *testing.T) {
	m := newMeasured(t)
	a, b := m.open("alpha"), m.open("beta")
	m.read(a, 300)
	m.read(b, 200)
	a.Close()
	t.Cleanup(func() { b.Close() })

	out := m.run("hist", "es", "-o", m.file("all.json"), "-o", m.file("all.hlog"), "-o", m.file("all.svg"), "-o", m.file("all.png")).want(exitOK).stdout.String()
	for _, want := range []string{"es:alpha, closed\n  300 messages", "es:beta, reading\n  200 messages", "#"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	m.run("hist", "es:alpha", "-o", m.file("alpha.hgrm")).want(exitOK)

	var original, again histDocument
	m.run("hist", "es", "--json").want(exitOK).json(&original)
	m.run("hist", m.file("all.json"), m.file("all.hlog"), m.file("alpha.hgrm"), m.file("all.hlog:es:beta"), "--json").want(exitOK).json(&again)
	if len(original.Distributions) != 2 || len(again.Distributions) != 6 {
		t.Fatalf("%d and %d distributions", len(original.Distributions), len(again.Distributions))
	}
	for i, from := range []int{0, 1, 0, 1, 0, 1} {
		d := again.Distributions[i]
		got, want := *d.Latency, *original.Distributions[from].Latency
		if strings.Contains(d.Name, ".hgrm") && got.Count == want.Count && got.P50 >= want.P50 && got.Max == want.Max {
			continue // it has points of the curve only
		}
		if !strings.Contains(d.Name, ".json") { // max has the digits of the histogram
			for _, v := range []*int64{&got.P50, &got.P90, &got.P99, &got.P999, &got.P9999, &got.Max} {
				*v = min(*v, want.Max)
			}
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", d.Name, got, want)
		}
	}

	table := m.run("hist", "es:alpha", m.file("all.hlog:es:alpha"), "--title", "x").want(exitOK).stdout.String()
	if !strings.Contains(table, " ×1.00") || !strings.Contains(table, "times that of es:alpha") {
		t.Errorf("comparison:\n%s", table)
	}
	svg := m.text("all.svg")
	if err := xml.Unmarshal(svg, new(struct{})); err != nil || !bytes.Contains(svg, []byte("es:beta (200)")) {
		t.Errorf("SVG: %v", err)
	}
	if _, err := png.Decode(bytes.NewReader(m.text("all.png"))); err != nil {
		t.Error(err)
	}
	theirs := hdrhistogram.NewHistogramLogReader(bytes.NewReader(m.text("all.hlog")))
	for _, want := range original.Distributions {
		if h, err := theirs.NextIntervalHistogram(); err != nil || h == nil || h.Tag() != want.Name || uint64(h.TotalCount()) != want.Latency.Count {
			t.Errorf("%s, as HdrHistogram reads it: %v", want.Name, err)
		}
	}

	m.pub.RecordLate(3 * time.Millisecond)
	if out := m.run("hist", "es:@publisher").want(exitOK).stdout.String(); !strings.Contains(out, "es:@publisher, publishing\n  1 message, mean 3.0") {
		t.Errorf("of the publisher:\n%s", out)
	}
	m.run("hist", "es", "-o", m.file("all.svg")).want(exitError).sentence("already exists", "--force")
	m.run("hist", "es", "-o", m.file("all.svg"), "--force").want(exitOK)
	for _, name := range []string{"alpha.hgrm.svg", "none.hlog"} {
		if left, err := filepath.Glob(m.file("." + name + "*")); err != nil || len(left) != 0 {
			t.Errorf("left %v", left)
		}
	}
}

func (m *measured) text(name string) []byte { return m.host.read(m.file(name)) }

func TestHistOfBadFiles(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct {
		name, text string
		words      []string
	}{
		{"a.json", `{"distributions": [{"histogram": "HISTFAAA"}]}`, []string{"distribution 1", "cannot be read"}},
		{"b.json", `{"rings": []}`, []string{"it has no distributions"}},
		{"c.json", "{", []string{"not what 'tickring hist --json' writes"}},
		{"d.json", `{"distributions": []}`, []string{"no latencies"}},
		{"a.hlog", "ts,px\n", []string{"line 1"}},
		{"b.hlog", "", []string{"no line of it"}},
		{"a.hgrm", "1 2 3\n", []string{"line 1", "percentile"}},
		{"b.hgrm", "10 0.5 1\n", []string{"cut short"}},
	} {
		h.run("hist", h.write(c.name, []byte(c.text))).want(exitError).sentence(append(c.words, c.name)...)
	}
	h.run("hist", h.file("none.hlog")).want(exitError).sentence("none.hlog", "no such file")
	h.run("hist", "es").want(exitError).sentence("no such ring")
	for args, word := range map[string]string{
		"a/b.csv":                       ".hlog, .hgrm or .json",
		"es:a/b":                        "es:a/b",
		"es:":                           "it is empty",
		"x.hgrm:tag":                    "no tags",
		"es -o x.csv":                   "--output",
		"es -o .svg":                    "--output",
		"es -o x.hgrm":                  "one distribution",
		"es:a es:b --hgrm":              "one distribution",
		"es -o x.svg -o x.svg":          "twice",
		"es:a --sub b":                  "another subscriber",
		"es --watch":                    "-o FILE.hlog",
		"es --watch -o x.svg":           "x.svg is none",
		"es --watch --hlog -o x.hlog":   "one log",
		"x.hlog --watch -o y.hlog":      "is a file",
		"es --watch --hlog --every 1ms": "--every",
		"es --every 1s":                 "for --watch",
		"es --for 1s":                   "for --watch",
	} {
		h.run(append([]string{"hist"}, strings.Fields(args)...)...).want(exitUsage).sentence(word, "--help")
	}
}

// A log of intervals has every latency of whoever is watched, through whatever happens to
// them, but what a subscriber measured between the last look and its end if another one had
// taken its name by the next.
func TestHistWatch(t *testing.T) {
	m := newMeasured(t)
	var log, notes bytes.Buffer
	w := &histWatch{dir: m.dir, started: time.Now(), rings: map[string]*watchedRing{}, notes: &notes}
	var err error
	if w.log, err = hlog.NewWriter(&log, w.started, "test"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []histSource{{ring: "es"}, {ring: "es", part: ownPart}, {ring: "nq", part: "gamma"}} {
		check(m.host, w.add(s))
	}
	t.Cleanup(w.close)
	es := w.rings["es"]
	look := func(told string) {
		t.Helper()
		notes.Reset()
		w.look(es)
		if !strings.Contains(notes.String(), told) || told == "" && notes.Len() > 0 {
			t.Fatalf("it told %q, want %q", notes.String(), told)
		}
	}
	beta := m.open("beta") // before the watch looks, and after it began
	m.read(beta, 7)
	look("es:beta: reading, pid")
	m.read(beta, 10)
	m.pub.RecordLate(time.Millisecond)
	look("")
	alpha := m.open("alpha")
	m.read(alpha, 5)
	look("es:alpha: new, reading")
	m.read(alpha, 4)
	alpha.Close()
	look("es:alpha: closed")
	look("")
	alpha = m.open("alpha")
	m.read(alpha, 3)
	look("es:alpha: opened anew")
	path := filepath.Join(m.dir, "es", "subs", "alpha")
	whole := m.host.read(path)
	away := filepath.Join(m.dir, "away")
	check(m.host, os.Rename(path, away))
	look("es:alpha: its file is gone")
	check(m.host, os.WriteFile(path, whole[:100], 0o600))
	look("alpha: corrupt")
	look("")
	check(m.host, os.Rename(away, path))
	look("es:alpha: it can be read again")
	m.read(alpha, 2)
	look("")
	alpha.Close()
	beta.Close()
	m.pub.Close()
	check(m.host, ring.Remove(m.dir, "es"))
	look("no such ring")
	look("")
	m.publish(256 << 10)
	beta = m.open("beta")
	m.read(beta, 11)
	look("ring es: it is there")
	beta.Close()
	m.pub.Close()
	m.publish(512 << 10)
	look("ring es: it was replaced")
	w.look(w.rings["nq"])
	if w.err != nil {
		t.Fatal(w.err)
	}
	got := logged(t, log.Bytes())
	if got["es:alpha"] != 5+4+3+2 || got["es:beta"] != 7+10+11 || got["es:@publisher"] != 1 {
		t.Errorf("%v in\n%s", got, log.String())
	}
	for _, want := range []string{"# 20", "es:alpha: opened anew", "ring nq: ", "waiting for it"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log", want)
		}
	}
}

// A watch that is killed leaves a log that is read; one that is interrupted ends in order.
func TestHistWatchEnds(t *testing.T) {
	m := newMeasured(t)
	sub := m.open("alpha")
	t.Cleanup(func() { sub.Close() })
	watch := func(name string, args ...string) *process {
		p := m.start(append([]string{"hist", "es:alpha", "--watch", "-o", m.file(name), "--every", "10ms"}, args...)...)
		p.await("es:alpha: reading")
		m.read(sub, 50)
		m.until(func() bool {
			n := int64(0)
			err := hlog.Read(bytes.NewReader(m.text(name)), name, func(i hlog.Interval) error { n += i.Hist.TotalCount(); return nil })
			return n == 50 && (err == nil || errors.Is(err, hlog.ErrCutShort))
		})
		return p
	}
	killed := watch("killed.hlog")
	killed.signal(syscall.SIGKILL)
	killed.end()
	ended := watch("ended.hlog")
	m.run("hist", "es", "--watch", "-o", m.file("ended.hlog"), "--for", "1ms").want(exitError).sentence("already exists", "--force")
	ended.signal(os.Interrupt)
	if out := ended.want(exitOK).stdout.String(); !strings.Contains(out, "50 messages, to ") {
		t.Errorf("%s", out)
	}
	table := m.run("hist", m.file("killed.hlog"), m.file("ended.hlog")).want(exitOK).stdout.String()
	if strings.Count(table, "  50  ") != 2 {
		t.Errorf("\n%s", table)
	}
	// Half of the last line.
	text := m.text("ended.hlog")
	cut := m.write("cut.hlog", text[:bytes.LastIndexByte(text, '=')-3])
	m.run("hist", cut).want(exitOK).sentence("cut.hlog", "cut short", "those before it are good")
	m.run("hist", "es", "--watch", "--hlog", "--for", "20ms", "--every", "10ms", "-q").want(exitOK)
}

func TestHistSources(t *testing.T) {
	for arg, want := range map[string]histSource{
		"es":                    {ring: "es"},
		"es:alpha":              {ring: "es", part: "alpha"},
		"x.hlog":                {file: "x.hlog"},
		"d/x.hlog:es:alpha":     {file: "d/x.hlog", part: "es:alpha"},
		"a.json:x.hlog:tag":     {file: "a.json", part: "x.hlog:tag"},
		"x.hgrm":                {file: "x.hgrm"},
		"strange.hlog-ring":     {ring: "strange.hlog-ring"},
		"strange.hlog-ring:sub": {ring: "strange.hlog-ring", part: "sub"},
	} {
		if got, err := parseHistSource(arg); err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", arg, got, err, want)
		}
	}
}

// What cannot be written is told by the name that was given, never by a temporary one, and
// nothing is left behind.
func TestFilesThatCannotBeWritten(t *testing.T) {
	m := newMeasured(t)
	sub := m.open("alpha")
	defer sub.Close()
	m.read(sub, 10)
	none := m.file("none")
	for _, args := range []string{
		"hist es -o " + none + "/x.svg",
		"hist es --watch -o " + none + "/x.hlog",
		"record es -o " + none + "/x.dbn",
		"synth --messages 10 -o " + none + "/x.itch50",
	} {
		p := m.run(strings.Fields(args)...).want(exitError)
		p.sentence(args[strings.LastIndex(args, " ")+1:], "the directory "+none, "make it")
		if said := p.stderr.String(); strings.Contains(said, ".tmp-") {
			t.Errorf("%s: %s", args, said)
		}
	}
	// As on a full disk: every write fails.
	for name, write := range map[string]func(f *newFile) error{
		"x.svg": func(f *newFile) error {
			all, err := (&app{dir: m.dir}).ringDistributions(histSource{ring: "es"})
			check(m.host, err)
			return (&histOptions{}).writeForm(f, ".svg", all)
		},
		"x.hlog": func(f *newFile) error {
			_, err := hlog.NewWriter(f, time.Now(), "")
			return err
		},
	} {
		f, err := createFile(m.file(name), false)
		check(m.host, err)
		readOnly, err := os.Open(f.temp.Name())
		check(m.host, err)
		f.temp.Close()
		f.temp = readOnly
		if err := write(f); !errors.Is(err, syscall.EBADF) || err.Error() != "write "+m.file(name)+": "+syscall.EBADF.Error() {
			t.Errorf("%s: %v", name, err)
		}
		f.discard()
	}
	m.wantFiles()
}
