package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/internal/text"
)

// histDocument is hist for machines, and for hist itself to read again.
type histDocument struct {
	Distributions []histReport `json:"distributions"`
}

type histReport struct {
	Name       string       `json:"name"` // RING:SUB, FILE or FILE:TAG
	Ring       string       `json:"ring,omitempty"`
	Subscriber string       `json:"subscriber,omitempty"`
	State      string       `json:"state,omitempty"` // reading, closed, dead or new
	Gate       string       `json:"gate,omitempty"`  // holding, demoted or dropped
	From       time.Time    `json:"from,omitzero"`   // when it began
	To         time.Time    `json:"to,omitzero"`     // until when it was looked at
	Latency    *percentiles `json:"latency_ns"`
	Buckets    []histBucket `json:"buckets"`
	// Histogram is all of it, in HdrHistogram's encoding V2, compressed, in base64.
	Histogram string `json:"histogram"`
}

// histBucket counts the latencies from FromNs up to, and without, ToNs.
type histBucket struct {
	FromNs int64 `json:"from_ns"`
	ToNs   int64 `json:"to_ns"`
	Count  int64 `json:"count"`
}

func writeHistJSON(w io.Writer, all []distribution) error {
	doc := histDocument{Distributions: []histReport{}}
	for _, d := range all {
		coded, err := d.hist.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		doc.Distributions = append(doc.Distributions, histReport{
			Name: d.name, Ring: d.ring, Subscriber: d.sub, State: d.state, Gate: d.gate, From: d.from, To: d.to,
			Latency: d.percentiles(), Buckets: bucketsOf(d.hist), Histogram: string(coded),
		})
	}
	return writeJSON(w, doc)
}

// readHistJSON reads what writeHistJSON has written.
func readHistJSON(in *input, s histSource) (all []distribution, err error) {
	const most = 64 << 20
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.file, err)
	}
	if len(data) > most {
		return nil, fmt.Errorf("read %s: it has more than %s; 'tickring hist --json' does not write so much", s.file, text.Bytes(most))
	}
	var doc histDocument
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("read %s: it is not what 'tickring hist --json' writes: %w", s.file, err)
	}
	if doc.Distributions == nil {
		return nil, fmt.Errorf("read %s: it is not what 'tickring hist --json' writes: it has no distributions", s.file)
	}
	for i, r := range doc.Distributions {
		if s.part != "" && r.Name != s.part {
			continue
		}
		h, err := hdrhistogram.Decode([]byte(r.Histogram))
		if err != nil {
			return nil, fmt.Errorf("read %s: distribution %d: its histogram cannot be read: %w", s.file, i+1, err)
		}
		d := distribution{
			name: fileName(s.file, r.Name), ring: r.Ring, sub: r.Subscriber, state: r.State, gate: r.Gate,
			from: r.From, to: r.To, hist: h, max: h.Max(), mean: h.Mean(),
		}
		if len(doc.Distributions) == 1 {
			d.name = s.file
		}
		if r.Latency != nil && h.ValuesAreEquivalent(r.Latency.Max, d.max) {
			d.max = r.Latency.Max // which is exact
		}
		all = append(all, d)
	}
	return all, nil
}

// bucketsOf sums a histogram up in steps of 1, 2 and 5, from the first to the last
// that has samples.
func bucketsOf(h *hdrhistogram.Histogram) []histBucket {
	all := []histBucket{{FromNs: 0, ToNs: 10}}
	for decade := int64(10); decade < 1e11; decade *= 10 {
		for _, step := range [][2]int64{{1, 2}, {2, 5}, {5, 10}} {
			all = append(all, histBucket{FromNs: step[0] * decade, ToNs: step[1] * decade})
		}
	}
	all = append(all, histBucket{FromNs: 1e11, ToNs: math.MaxInt64})
	for _, bar := range h.Distribution() {
		if bar.Count > 0 {
			at := slices.IndexFunc(all, func(b histBucket) bool { return bar.From < b.ToNs })
			all[max(at, 0)].Count += bar.Count
		}
	}
	first, last := len(all), -1
	for i, b := range all {
		if b.Count > 0 {
			first, last = min(first, i), i
		}
	}
	if last < 0 {
		return []histBucket{}
	}
	return all[first : last+1]
}
