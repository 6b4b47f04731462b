package hlog

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// sums reads a log and adds its intervals up, by tag.
func sums(text string) (by map[string]*hdrhistogram.Histogram, all []Interval, err error) {
	by = map[string]*hdrhistogram.Histogram{}
	err = Read(strings.NewReader(text), "x.hlog", func(i Interval) (err error) {
		all = append(all, i)
		by[i.Tag], err = Add(by[i.Tag], i.Hist)
		return err
	})
	return by, all, err
}

func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func near(got, want int64) bool { return math.Abs(float64(got-want)) <= 0.01*float64(want) }

// What the Java library wrote, with the figures that it printed of it.
func TestReadsJavasLog(t *testing.T) {
	by, all, err := sums(file(t, "java.hlog"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 6 || all[3].Tag != "A" || all[3].Start.UnixMilli() != 1441812280474 || all[3].Length != time.Second {
		t.Errorf("%+v", all)
	}
	for tag, want := range map[string][3]int64{"": {81919, 291071, 300031}, "A": {5731, 20367, 21007}} {
		h := by[tag]
		if h.TotalCount() != 3000 || !near(h.ValueAtQuantile(50), want[0]) || !near(h.ValueAtQuantile(99), want[1]) || !near(h.Max(), want[2]) {
			t.Errorf("%q: %d values, p50 %d, p99 %d, max %d, want %v", tag, h.TotalCount(), h.ValueAtQuantile(50), h.ValueAtQuantile(99), h.Max(), want)
		}
	}
}

func histogram(values ...int64) *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, 10_000_000_000, 2)
	for _, v := range values {
		if err := h.RecordValue(v); err != nil {
			panic(err)
		}
	}
	return h
}

// A log that goes through our reader and through HdrHistogram's own is the same.
func TestWriteRead(t *testing.T) {
	var b bytes.Buffer
	start := time.UnixMilli(1_700_000_000_123)
	w, err := NewWriter(&b, start, "about\nit")
	if err != nil {
		t.Fatal(err)
	}
	in := []Interval{
		{"", start, time.Second, histogram(100, 200, 300)},
		{"es:alpha", start.Add(time.Second), 1500 * time.Millisecond, histogram(5, 9_999_999_999)},
		{"", start.Add(2 * time.Second), time.Second, histogram()},
	}
	for _, i := range in {
		if err := errors.Join(w.Interval(i), w.Comment("es:alpha\nhas gone")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Interval(Interval{Tag: "a b", Hist: histogram()}); err == nil {
		t.Error("a tag with a space")
	}
	text := b.String()
	_, out, err := sums(text)
	if err != nil || len(out) != len(in) {
		t.Fatalf("%v: %d intervals of\n%s", err, len(out), text)
	}
	theirs := hdrhistogram.NewHistogramLogReader(strings.NewReader(text))
	for k, i := range in {
		o := out[k]
		if o.Tag != i.Tag || !o.Start.Equal(i.Start) || o.Length != i.Length || !o.Hist.Equals(i.Hist) {
			t.Errorf("interval %d: %v %v %q", k, o.Start, o.Length, o.Tag)
		}
		h, err := theirs.NextIntervalHistogram()
		if err != nil || h == nil || h.Tag() != i.Tag || !h.Equals(i.Hist) || h.EndTimeMs()-h.StartTimeMs() != i.Length.Milliseconds() {
			t.Errorf("interval %d as HdrHistogram reads it: %v %+v", k, err, h)
		}
	}
	if h, err := theirs.NextIntervalHistogram(); h != nil || err != nil {
		t.Errorf("more: %v %v", h, err)
	}
}

// However much of the last line is there: what comes before it is read, and the cut is
// told, unless it is between two lines.
func TestReadsUpToTheCut(t *testing.T) {
	text := file(t, "java.hlog")
	last := strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n") + 1
	for cut := last; cut <= len(text); cut++ {
		if near := min(cut-last, len(text)-cut); near > 30 && near%11 > 0 {
			continue
		}
		_, all, err := sums(text[:cut])
		want, whole := 5, cut == last
		if cut >= len(text)-1 {
			want, whole = 6, true
		}
		if len(all) != want || (err == nil) != whole || err != nil && !errors.Is(err, ErrCutShort) {
			t.Fatalf("cut at %d of %d: %d intervals, %v", cut-last, len(text)-last, len(all), err)
		}
	}
}

func TestBadLogs(t *testing.T) {
	good := strings.SplitAfter(file(t, "java.hlog"), "\n")
	line := good[5]
	cells := strings.SplitN(line, ",", 4)
	for text, word := range map[string]string{
		"":                                "no line of it",
		"# only words\n":                  "no line of it",
		"a,b\n":                           "line 1",
		"Tag=A\n":                         "a tag without its interval",
		"1,2,3,HISTFAAA\n":                "cannot be read",
		"x,2,3," + cells[3]:               "its start",
		"NaN,2,3," + cells[3]:             "its start",
		"-1,2,3," + cells[3]:              "its start",
		"1e300,2,3," + cells[3]:           "its start",
		"1,inf,3," + cells[3]:             "its length",
		"1,2,x," + cells[3]:               "its maximum",
		"#[StartTime: soon]\n" + line:     "seconds",
		line + "junk\n" + line:            "line 2",
		line + strings.Repeat("x", 5<<20): "more than",
		"\x00\x01\x02\n":                  "line 1",
		line + strings.Replace(line, "H", "I", 1): "line 2",
	} {
		_, _, err := sums(text)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), "x.hlog") {
			t.Errorf("%.60q: %v, want %q", text, err, word)
		}
	}
	boom := errors.New("boom")
	if err := Read(strings.NewReader(line), "x", func(Interval) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
}

// A sum has room for all that is added to it.
func TestAddWidens(t *testing.T) {
	wide := hdrhistogram.New(1, math.MaxInt64/2, 3)
	_ = wide.RecordValue(1e15)
	narrow := hdrhistogram.New(1000, 1e6, 1)
	_ = narrow.RecordValue(5000)
	for _, order := range [][2]*hdrhistogram.Histogram{{wide, narrow}, {narrow, wide}} {
		var sum *hdrhistogram.Histogram
		var err error
		for _, h := range order {
			if sum, err = Add(sum, h); err != nil {
				t.Fatal(err)
			}
		}
		if sum.TotalCount() != 2 || !near(sum.Max(), 1e15) || sum.Min() > 5000 {
			t.Errorf("%d values, %d to %d", sum.TotalCount(), sum.Min(), sum.Max())
		}
	}
	full := histogram()
	_ = full.RecordValues(7, math.MaxInt64)
	if _, err := Add(full, histogram(1)); err == nil {
		t.Error("more than an int64 counts")
	}
}

func TestReadsJavasDistribution(t *testing.T) {
	d, err := ReadDistribution(strings.NewReader(file(t, "java.hgrm")), "java.hgrm")
	if err != nil {
		t.Fatal(err)
	}
	if d.Hist.TotalCount() != 10_000 || !near(d.Max, 370_000) || !near(int64(d.Mean), 185_018) || !near(d.Hist.ValueAtQuantile(50), 185_000) || !near(d.Hist.ValueAtQuantile(99.9), 369_630) {
		t.Errorf("%d values, mean %g, p50 %d, p99.9 %d, max %d", d.Hist.TotalCount(), d.Mean, d.Hist.ValueAtQuantile(50), d.Hist.ValueAtQuantile(99.9), d.Max)
	}
}

// What we write says the same as what the Java library writes of the same values.
func TestWritesJavasDistribution(t *testing.T) {
	h := hdrhistogram.New(1, 3_600_000_000, 2)
	for v := int64(1); v <= 10_000; v++ {
		_ = h.RecordValue(v * 37)
	}
	var b bytes.Buffer
	if err := WriteDistribution(&b, h, h.Max()); err != nil {
		t.Fatal(err)
	}
	theirs := file(t, "java.hgrm")
	for _, at := range []int{0, -2} { // the names, and the geometry
		ours, theirs := strings.Split(b.String(), "\n"), strings.Split(theirs, "\n")
		if o, w := ours[(at+len(ours))%len(ours)], theirs[(at+len(theirs))%len(theirs)]; o != w {
			t.Errorf("%q, want %q", o, w)
		}
	}
	w, _ := ReadDistribution(strings.NewReader(theirs), "theirs")
	d, err := ReadDistribution(&b, "ours")
	if err != nil || d.Max != w.Max || !near(int64(d.Mean), int64(w.Mean)) || d.Hist.ValueAtQuantile(75) != w.Hist.ValueAtQuantile(75) || d.Hist.TotalCount() != w.Hist.TotalCount() {
		t.Errorf("%v %+v, want %+v", err, d, w)
	}
	b.Reset()
	if err := WriteDistribution(&b, histogram(), 0); err != nil {
		t.Fatal(err)
	}
	if d, err := ReadDistribution(&b, "empty"); err != nil || d.Hist.TotalCount() != 0 {
		t.Errorf("%v %+v", err, d)
	}
}

func TestBadDistributions(t *testing.T) {
	foot := "#[Mean    =   1.000, StdDeviation   =   0.000]\n#[Max     =   100.000, Total count    =   2]\n"
	for text, word := range map[string]string{
		"":                                 "empty",
		"50 0.5 1 2\n":                     "cut short",
		"hello\n" + foot:                   "line 1",
		"-1 0.5 1 2\n" + foot:              "its value",
		"1e99 0.5 1 2\n" + foot:            "its value",
		"50 1.5 1 2\n" + foot:              "its percentile",
		"50 NaN 1 2\n" + foot:              "its percentile",
		"50 0.5 -1 2\n" + foot:             "its count",
		"50 0.5 1\n49 1 2\n" + foot:        "below that",
		"50 0.5 1\n" + foot:                "its end has 2",
		"#[Max = 1e99, Total count = 2]\n": "does not tell",
		strings.Repeat("x", 1<<17):         "token too long",
	} {
		_, err := ReadDistribution(strings.NewReader(text), "x.hgrm")
		if err == nil || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), "x.hgrm") {
			t.Errorf("%.60q: %v, want %q", text, err, word)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(f, "java.hlog"))
	f.Add("#[StartTime: 1e10\n#[BaseTime: 5]\nTag=A,1,2,3,HISTFAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		err := Read(strings.NewReader(text), "fuzz", func(i Interval) error {
			if n++; i.Hist == nil || i.Length < 0 || i.Start.Unix() < 0 {
				t.Errorf("%+v", i)
			}
			_ = fmt.Sprint(i.Start, i.Hist.TotalCount(), i.Hist.ValueAtQuantile(99))
			return nil
		})
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrCutShort) {
			t.Error(err)
		}
	})
}

func FuzzReadDistribution(f *testing.F) {
	f.Add(file(f, "java.hgrm"))
	f.Add("5 0.5 1\n#[Max = 5, Total count = 1]\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ReadDistribution(strings.NewReader(text), "fuzz")
		if err == nil && (d.Hist.TotalCount() < 0 || d.Hist.ValueAtQuantile(100) < 0) {
			t.Errorf("%+v", d)
		}
	})
}
