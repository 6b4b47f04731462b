package monitor

import (
	"math"
	"time"

	"github.com/tickring/tickring/ring"
)

// Heat is latencies over time: Counts[i][j] of them were measured in second i after Start
// and were at least Edges[j] ns and less than Edges[j+1], within the two digits that
// histograms have. Those of 10 s and more count in the last column.
//
// Polls further apart than a second cannot tell when in between something was: what they
// bring is spread evenly.
type Heat struct {
	Start  time.Time  `json:"start"`
	Edges  []int64    `json:"edges_ns"` // len(Counts[i])+1 of them
	Counts [][]uint64 `json:"counts"`
}

// edges returns 0, and ten steps a decade from 10 ns to 10 s.
func edges() []int64 {
	all := []int64{0}
	for decade := int64(1); decade < 1e9; decade *= 10 {
		for _, tenths := range [...]int64{10, 12, 15, 20, 25, 30, 40, 50, 60, 80} {
			all = append(all, tenths*decade)
		}
	}
	return append(all, 1e10)
}

// heat keeps the last seconds of a series.
type heat struct {
	most    int     // seconds
	edges   []int64 // shared by all
	columns []cells // second n is at (n-first) mod most
	first   int64   // the first second that ever was
	next    int64   // the first that is not over
}

// add appends so many seconds, from second at on, with what they have together.
func (h *heat) add(at, seconds int64, s *sum) {
	if h.columns == nil {
		h.first = at
	}
	h.next = at + seconds
	for k := max(seconds-int64(h.most), 0); k < seconds; k++ {
		i := int((at + k - h.first) % int64(h.most))
		for len(h.columns) <= i {
			h.columns = append(h.columns, nil)
		}
		h.columns[i] = h.column(h.columns[i], s, uint64(k), uint64(seconds))
	}
}

// column returns, in the memory of old, the k-th of n equal parts of s. The last ones have
// one more if it cannot be parted.
func (h *heat) column(old cells, s *sum, k, n uint64) cells {
	c := old[:0]
	row, in := 0, uint64(0)
	flush := func() {
		if part := in / n; part > 0 || in%n > n-1-k {
			if in%n > n-1-k {
				part++
			}
			c = c.append(row, part)
		}
		in = 0
	}
	for i, count := range s.counts[s.from:s.to] {
		if count == 0 {
			continue
		}
		lowest, _ := ring.BucketRange(s.from + i)
		if row < len(h.edges)-2 && lowest >= h.edges[row+1] {
			flush()
			for row < len(h.edges)-2 && lowest >= h.edges[row+1] {
				row++
			}
		}
		in += min(count, math.MaxUint64-in)
	}
	flush()
	return c
}

// picture returns all of it; began is when second 0 was.
func (h *heat) picture(began time.Time) Heat {
	if h.columns == nil {
		return Heat{Start: began, Edges: h.edges, Counts: [][]uint64{}}
	}
	from := max(h.first, h.next-int64(h.most))
	p := Heat{Start: began.Add(time.Duration(from) * time.Second), Edges: h.edges, Counts: [][]uint64{}}
	for n := from; n < h.next; n++ {
		rows := make([]uint64, len(p.Edges)-1)
		h.columns[int((n-h.first)%int64(h.most))].each(func(row int, n uint64) { rows[row] += n })
		p.Counts = append(p.Counts, rows)
	}
	return p
}
