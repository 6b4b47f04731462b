package bench

import (
	"encoding/json"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Run says under what circumstances a result came about. It is part of every result.
type Run struct {
	Bench   string    `json:"bench"`
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	CPUs    []int     `json:"cpus"` // the publisher's first
	Machine Machine   `json:"machine"`
	Ring    Settings  `json:"ring"`
	// Interrupted: the run was ended before its time; the result is what there was.
	Interrupted bool     `json:"interrupted"`
	Notes       []string `json:"notes,omitempty"`
}

// Settings are those of the rings of a run.
type Settings struct {
	Capacity   uint64 `json:"capacity_bytes"`
	Stamps     string `json:"stamps"` // every or none; a result that compares both names each
	Payload    int    `json:"payload_bytes"`
	Histogram  bool   `json:"histogram"` // a record on every read
	Subscriber string `json:"subscriber"`
	Wait       string `json:"wait"`
}

// Result is what a benchmark found, for those who show it.
type Result interface {
	About() *Run
	// Tables are the result in words and numbers.
	Tables() []Table
	// Curves are the distributions of the result, for plots.
	Curves() []Curve
}

// Table is rows of cells below a row of names.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	Notes []string
}

// Curve is a distribution of times.
type Curve struct {
	Name   string  `json:"name"`
	Limit  bool    `json:"limit,omitempty"` // it is what the machine allows
	Group  string  `json:"group,omitempty"` // of curves that are compared; a limit is in all
	Points []Point `json:"points"`
}

// Point of a distribution: so many percent took Ns or less.
type Point struct {
	Percentile float64 `json:"percentile"`
	Ns         float64 `json:"ns"`
}

// Percentiles sums up a distribution of times, in ns. All are 0 if nothing was measured.
type Percentiles struct {
	Samples int64   `json:"samples"`
	P50     float64 `json:"p50_ns"`
	P90     float64 `json:"p90_ns"`
	P99     float64 `json:"p99_ns"`
	P999    float64 `json:"p999_ns"`
	P9999   float64 `json:"p9999_ns"`
	Max     float64 `json:"max_ns"`

	hist *hdrhistogram.Histogram
}

// dist collects times, in ns: three digits, 1 ns to 100 s.
type dist struct {
	h    *hdrhistogram.Histogram
	most int64
}

const longest = int64(100 * time.Second)

func newDist() *dist { return &dist{h: hdrhistogram.New(1, longest, 3)} }

func (d *dist) record(ns uint64) {
	v := int64(min(ns, uint64(longest)))
	d.most = max(d.most, v)
	_ = d.h.RecordValue(max(v, 1)) // in range
}

func (d *dist) sum() Percentiles {
	if d.h.TotalCount() == 0 {
		return Percentiles{}
	}
	// The histogram knows the largest to three digits; no percentile is above it.
	at := func(q float64) float64 { return float64(min(d.h.ValueAtQuantile(q), d.most)) }
	return Percentiles{
		Samples: d.h.TotalCount(),
		P50:     at(50),
		P90:     at(90),
		P99:     at(99),
		P999:    at(99.9),
		P9999:   at(99.99),
		Max:     float64(d.most),
		hist:    d.h,
	}
}

// CurveOf returns the distribution that h has, in ns. largest is the largest value exactly,
// which h knows to some digits only.
func CurveOf(name string, h *hdrhistogram.Histogram, largest int64) Curve {
	c := Curve{Name: name}
	if h.TotalCount() == 0 {
		return c
	}
	// The library's points end with the first that has the highest bucket; the curve goes on
	// to the percentile of the last value but one.
	last := 100 * (1 - 1/float64(h.TotalCount()))
	for _, b := range h.CumulativeDistributionWithTicks(10) {
		if n := len(c.Points); b.Quantile == 100 && n > 0 && c.Points[n-1].Percentile < last {
			c.Points = append(c.Points, Point{last, float64(min(h.ValueAtQuantile(last), largest))})
		}
		c.Points = append(c.Points, Point{b.Quantile, float64(min(b.ValueAt, largest))})
	}
	return c
}

// Curve returns the distribution that p sums up.
func (p Percentiles) Curve(name string) Curve {
	if p.hist == nil {
		return Curve{Name: name}
	}
	return CurveOf(name, p.hist, int64(p.Max))
}

// cells are the values for a table: p50 to the largest.
func (p Percentiles) cells() []string {
	cells := make([]string, 0, 6)
	for _, ns := range []float64{p.P50, p.P90, p.P99, p.P999, p.P9999, p.Max} {
		if p.Samples == 0 {
			cells = append(cells, "-")
			continue
		}
		cells = append(cells, nsText(ns))
	}
	return cells
}

// wire is a distribution on its way from the other process.
type wire []byte

func (d *dist) wire() (wire, error) {
	return json.Marshal(struct {
		S *hdrhistogram.Snapshot
		M int64
	}{d.h.Export(), d.most})
}

// dist is what was sent.
func (w wire) dist() (*dist, error) {
	var v struct {
		S *hdrhistogram.Snapshot
		M int64
	}
	if err := json.Unmarshal(w, &v); err != nil {
		return nil, err
	}
	return &dist{hdrhistogram.Import(v.S), v.M}, nil
}
