package bench

import (
	"fmt"
	"slices"
	"time"
)

// Claims says how it is measured what subscribers cost the publisher. The zero value is
// the right one.
type Claims struct {
	Duration time.Duration // 0: 8 s
}

// ClaimsResult is what publishing a message of one line costs the publisher, by who
// listens, and how long those Publish calls take that claim a block.
//
// The publisher publishes block after block. Of gates the time is that of the publisher
// alone: they read, in another process, between two blocks, so that they never hold it.
// Those in step have read everything; those that lag stay as far behind as they may, so
// that every claim has to look at their cursors.
type ClaimsResult struct {
	Run
	Crowds []Crowd `json:"crowds"`
	// Noise is what a thread that only spins on the publisher's CPU misses, between the
	// rounds of this run.
	Noise Noise `json:"noise"`
}

// Crowd is who listens.
type Crowd struct {
	Name   string      `json:"name"`
	Cost   float64     `json:"publish_ns"`      // a message, the median of the pieces
	Nobody RatioSpread `json:"ratio_to_nobody"` // round by round
	One    RatioSpread `json:"ratio_to_one"`    // to one of the same kind, round by round
	// Claims are the Publish calls that enter a block.
	Claims    Percentiles `json:"claims"`
	Histogram []GapRange  `json:"claims_histogram"`
	Long      int64       `json:"claims_over_20_us"`
	// LongByNoise is how many of these there would be if a claim took no time of its own
	// but what others take from its CPU: the rate of gaps of that length in Noise, times
	// the time that the claims took.
	LongByNoise float64 `json:"claims_over_20_us_by_noise"`
	Messages    uint64  `json:"messages"`
}

// crowd is a Crowd as it is made.
type crowd struct {
	name   string
	one    int // which of the crowds is one of this kind
	subs   int // named subscribers: half of them sleep, the others read now and then
	gates  int
	behind bool // the gates lag
}

// The crowds, in the order of a round.
var crowds = [...]crowd{
	{name: "nobody"},
	{name: "1 named subscriber that lags", one: 1, subs: 1},
	{name: "64 named subscribers that lag or sleep", one: 1, subs: 64},
	{name: "1 gate in step", one: 3, gates: 1},
	{name: "16 gates in step", one: 3, gates: 16},
	{name: "1 gate that lags", one: 5, gates: 1, behind: true},
	{name: "16 gates that lag", one: 5, gates: 16, behind: true},
}

// longClaim is what a claim should never take.
const longClaim = 20_000 // ns

// claimBounds are those of the histogram, in ns; longClaim is one of them.
var claimBounds = [...]float64{0, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, longClaim, 5e4, 1e5, 1e6}

// ranges counts what took how long.
func ranges(ns []uint64) []GapRange {
	h := make([]GapRange, len(claimBounds))
	for i, from := range claimBounds {
		h[i].From = from
		if i+1 < len(claimBounds) {
			h[i].To = claimBounds[i+1]
		}
	}
	for _, v := range ns {
		i := len(h) - 1
		for float64(v) < h[i].From {
			i--
		}
		h[i].Count++
	}
	return h
}

// from counts what took so long or longer, which is one of the bounds.
func from(h []GapRange, ns float64) (n int64) {
	for _, r := range h {
		if r.From >= ns {
			n += r.Count
		}
	}
	return n
}

func (r *ClaimsResult) About() *Run { return &r.Run }

// Tables are the cost of a message, the claims, and what else takes the CPU.
func (r *ClaimsResult) Tables() []Table {
	cost := Table{
		Title: fmt.Sprintf("What a Publish costs the publisher, %d-byte messages with stamps, by who listens", r.Ring.Payload),
		Head:  []string{"", "a message", "/ nobody", "least", "most", "/ one of the kind", "least", "most", "messages"},
	}
	claims := Table{
		Title: "A Publish that claims a block",
		Head:  slices.Concat([]string{""}, percentileHead, []string{"claims", "over 20 µs", "of that by noise"}),
	}
	histogram := Table{Title: "How many of these claims took", Head: []string{""}}
	for i, b := range claimBounds {
		if i+1 < len(claimBounds) {
			histogram.Head = append(histogram.Head, "< "+nsText(claimBounds[i+1]))
		} else {
			histogram.Head = append(histogram.Head, ">= "+nsText(b))
		}
	}
	for _, c := range r.Crowds {
		cost.Rows = append(cost.Rows, []string{
			c.Name, fmt.Sprintf("%.1f ns", c.Cost),
			ratioText(c.Nobody.Median), ratioText(c.Nobody.Least), ratioText(c.Nobody.Most),
			ratioText(c.One.Median), ratioText(c.One.Least), ratioText(c.One.Most), fmt.Sprint(c.Messages),
		})
		claims.Rows = append(claims.Rows, slices.Concat([]string{c.Name}, c.Claims.cells(),
			[]string{fmt.Sprint(c.Claims.Samples), fmt.Sprint(c.Long), fmt.Sprintf("%.2f", c.LongByNoise)}))
		row := []string{c.Name}
		for _, h := range c.Histogram {
			row = append(row, fmt.Sprint(h.Count))
		}
		histogram.Rows = append(histogram.Rows, row)
	}
	tables := []Table{cost, claims, histogram}
	if r.Noise.Seconds > 0 {
		tables = append(tables, noiseTable([]Noise{r.Noise}), gapTable([]Noise{r.Noise}))
	}
	return tables
}

// Curves are the claims.
func (r *ClaimsResult) Curves() []Curve {
	var curves []Curve
	for _, c := range r.Crowds {
		curves = append(curves, c.Claims.Curve(c.Name))
	}
	return curves
}
