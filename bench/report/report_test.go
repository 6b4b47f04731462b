package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tickring/tickring/bench"
)

// made is a result that nobody measured.
type made struct {
	bench.Run
	Figure int `json:"figure"`
	curves []bench.Curve
	bars   []bench.Bar
	dots   []bench.Dot
}

func (m *made) About() *bench.Run     { return &m.Run }
func (m *made) Curves() []bench.Curve { return m.curves }
func (m *made) Bars() []bench.Bar     { return m.bars }
func (m *made) Dots() []bench.Dot     { return m.dots }
func (m *made) Tables() []bench.Table {
	return []bench.Table{{
		Title: "Times of " + m.Bench,
		Head:  []string{"", "p50", "p99"},
		Rows:  [][]string{{"limit | raw", "100 ns", "200 ns"}, {"a *ring*", "110 ns"}},
		Notes: []string{"a note of the table"},
	}}
}

// curve looks like a distribution of latencies.
func curve(name string, base float64) bench.Curve {
	c := bench.Curve{Name: name}
	for x := 0.0; x < 5.5; x += 0.1 {
		ns := base * (1 + 0.1*x)
		if x > 3 {
			ns *= math.Pow(10, (x-3)*0.9)
		}
		c.Points = append(c.Points, bench.Point{Percentile: 100 * (1 - math.Pow(10, -x)), Ns: ns})
	}
	return bench.Curve{Name: c.Name, Points: append(c.Points, bench.Point{Percentile: 100, Ns: base * 1000})}
}

func newMade(name string) *made {
	m := &made{Run: bench.Run{Bench: name, Machine: bench.Machine{CPU: "Test 3000", Noisy: true, Reasons: []string{"it is made up"}, Load: 1, Steal: 2}}, Figure: 42}
	m.Notes = []string{"a note of the run"}
	limit := curve("limit: a word in a cache line", 120)
	limit.Limit = true
	m.curves = []bench.Curve{limit}
	for i := range 9 {
		m.curves = append(m.curves, curve(fmt.Sprintf("ring, way number %d", i), 140*math.Pow(1.6, float64(i))))
	}
	other := curve("ring", 90)
	other.Group = "transit"
	m.curves = append(m.curves, other, bench.Curve{Name: "empty"})
	m.bars = []bench.Bar{{Name: "limit: lines of memory", Rate: 290e6, Limit: true}, {Name: "no stamps, PublishBatch and NextBatch", Rate: 210e6}, {Name: "pipe", Rate: 0.8e6}}
	m.dots = []bench.Dot{{Name: "spin", CPU: 100, Ns: 150, Tail: 400}, {Name: "futex", CPU: 3, Ns: 9000, Tail: 60_000}, {Name: "yield", CPU: 99, Ns: 210, Tail: 3000}}
	return m
}

func newReport(t *testing.T) *Report {
	t.Helper()
	r, err := New(filepath.Join(t.TempDir(), "deep", "report"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Report) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// jsonReport is report.json as a program sees it.
type jsonReport struct {
	Interrupted bool
	Results     []struct {
		Bench, Error string
		Result       *struct{ Figure int }
		Curves       []bench.Curve
		Bars         []bench.Bar
		Dots         []bench.Dot
		Pictures     []struct{ Title, SVG, PNG string }
	}
	Peers *struct{ Peers []struct{ Peer string } }
}

func (r *Report) json(t *testing.T) (v jsonReport) {
	t.Helper()
	if err := json.Unmarshal(r.read(t, "report.json"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReport(t *testing.T) {
	r := newReport(t)
	if err := r.Add(newMade("rtt")); err != nil {
		t.Fatal(err)
	}
	if err := r.AddFailure("latency", errors.New("no ring")); err != nil {
		t.Fatal(err)
	}
	v := r.json(t)
	if len(v.Results) != 2 || v.Interrupted {
		t.Fatalf("%+v", v)
	}
	s := v.Results[0]
	if s.Bench != "rtt" || s.Result.Figure != 42 || len(s.Curves) != 11 || len(s.Bars) != 3 || len(s.Dots) != 3 || len(s.Pictures) != 4 {
		t.Errorf("%+v", s)
	}
	if v.Results[1].Error != "no ring" || v.Results[1].Result != nil {
		t.Errorf("%+v", v.Results[1])
	}
	text := string(r.read(t, "report.md"))
	for _, want := range []string{
		"## Machine", "Test 3000", "A shared, noisy machine: it is made up", "## rtt", "### Times of rtt", "|  | p50 | p99 |\n|---|---:|---:|\n",
		`| limit \| raw | 100 ns | 200 ns |`, `| a \*ring\* | 110 ns |  |`, "a note of the table", "a note of the run",
		"stolen by the hypervisor 2.00 %", "## latency", "**It failed**: no ring",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "interrupted") {
		t.Error("it was not interrupted")
	}
	for _, p := range s.Pictures {
		if !strings.Contains(text, "("+p.SVG+")") || !strings.Contains(text, "("+p.PNG+")") || !strings.Contains(p.Title, "Test 3000") {
			t.Errorf("%+v is not in the report", p)
		}
		checkPNG(t, r.read(t, p.PNG))
		checkSVG(t, r.read(t, p.SVG))
	}
	svg := string(r.read(t, "rtt.svg"))
	for _, want := range []string{"percentile", "99.99%", "limit: a word in a cache line", "ring, way number 8", " µs", "Round trip"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in the picture of curves", want)
		}
	}
	if strings.Contains(svg, "empty") {
		t.Error("a curve without points is in the legend")
	}
	if left, err := filepath.Glob(filepath.Join(r.dir, "*.new")); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func checkPNG(t *testing.T, data []byte) {
	t.Helper()
	image, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Error(err)
		return
	}
	size := image.Bounds().Size()
	if size.X < 1000 || size.Y < 200 {
		t.Errorf("%v is too small to read", size)
	}
	colors := map[[3]uint32]bool{}
	for y := range size.Y {
		for x := range size.X {
			red, green, blue, _ := image.At(x, y).RGBA()
			colors[[3]uint32{red, green, blue}] = true
		}
	}
	if len(colors) < 4 {
		t.Errorf("a picture of %d colours", len(colors))
	}
}

func checkSVG(t *testing.T, data []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(data))
	for root := ""; ; {
		token, err := d.Token()
		if err == io.EOF {
			if root != "svg" {
				t.Errorf("the root is %q", root)
			}
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		if e, ok := token.(xml.StartElement); ok && root == "" {
			root = e.Name.Local
		}
	}
}

func TestInterruptedReportIsMarked(t *testing.T) {
	for name, interrupt := range map[string]func(*Report) error{
		"between benchmarks": (*Report).Interrupt,
		"within one": func(r *Report) error {
			m := newMade("wait")
			m.Interrupted, m.curves, m.bars, m.dots = true, nil, nil, nil
			return r.Add(m)
		},
	} {
		r := newReport(t)
		if err := interrupt(r); err != nil {
			t.Fatal(err)
		}
		if text := string(r.read(t, "report.md")); !r.json(t).Interrupted || !strings.Contains(text, "**The run was interrupted") {
			t.Errorf("%s: not marked:\n%s", name, text)
		}
	}
}

// A report of nothing is whole.
func TestEmptyReport(t *testing.T) {
	r := newReport(t)
	if v := r.json(t); v.Results == nil || len(v.Results) != 0 {
		t.Errorf("%+v", v)
	}
	if !bytes.HasPrefix(r.read(t, "report.md"), []byte("# ")) {
		t.Error("no title")
	}
}

func TestNewRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(filepath.Join(file, "report")); err == nil {
		t.Error("a directory in a file")
	}
}

func TestPeers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := newReport(t)
	for _, bad := range []string{"", "[]", "{}", `{"peers": 3}`, `{"peers": []}`} {
		write(bad)
		if err := CheckPeers(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	figure := `{"median": 150, "min": 120, "max": 300, "rounds": [150]}`
	trips := `{"p50_ns": ` + figure + `, "p99_ns": ` + figure + `, "curve": [[0, 100], [50, 150], [99, 300], [100, 5000]]}`
	write(`{"settings": {"rounds": 3, "seconds": 1, "payload_bytes": 56},
		"limit": {"peer": "limit", "rtt": ` + trips + `, "throughput": {"msgs_per_s": ` + figure + `}},
		"tickring": {"peer": "tickring", "rtt": ` + trips + `},
		"peers": [
			{"peer": "snail", "version": "v1.2", "rtt": ` + trips + `, "throughput": {"msgs_per_s": {"median": 2e6, "min": 1e6, "max": 3e6}, "lost": 7}, "differences": "it is slow"},
			{"peer": "absent", "skipped": "no toolchain"},
			{"peer": "broken", "faults": ["it fell over"]}]}`)
	if err := CheckPeers(path); err != nil {
		t.Fatal(err)
	}
	if err := r.AddPeers(path, "Test 3000"); err != nil {
		t.Fatal(err)
	}
	text := string(r.read(t, "report.md"))
	for _, want := range []string{"## Peers", "| snail | v1.2 | 150 ns |", "| 7 |", "snail: it is slow", "absent: skipped: no toolchain", "1 runs without a result: it fell over", "(peers.svg)", "(peers-rates.svg)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if v := r.json(t); v.Peers == nil || len(v.Peers.Peers) != 3 {
		t.Errorf("%+v", v.Peers)
	}
	checkSVG(t, r.read(t, "peers.svg"))
	if strings.Contains(string(r.read(t, "peers.svg")), "of this report") {
		t.Error("curves of another run, though there are those of this one")
	}
	checkPNG(t, r.read(t, "peers-rates.png"))
}

// Peers without tickring's curve stand beside that of the report.
func TestPeersWithoutOurCurve(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	text := `{"peers": [{"peer": "snail", "rtt": {"curve": [[0, 100], [50, 150], [99, 300]]}}]}`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := newReport(t)
	if err := r.Add(newMade("rtt")); err != nil {
		t.Fatal(err)
	}
	if err := r.AddPeers(path, "Test 3000"); err != nil {
		t.Fatal(err)
	}
	svg := string(r.read(t, "peers.svg"))
	for _, want := range []string{"snail", "limit: a word in a cache line, of this report", "ring, way number 0, of this report"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in the picture", want)
		}
	}
}
