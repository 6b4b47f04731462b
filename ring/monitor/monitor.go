// Package monitor looks at all rings of a directory again and again, and sums up what
// subscribers have measured over the last second, the last minute and since they began. It
// only reads what lies in shared memory: publishers and subscribers do no more for it than
// without.
package monitor

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Config says what a Monitor looks at.
type Config struct {
	// Dir is the directory of rings. Empty: ring.DefaultDir.
	Dir string
	// Rings are the rings to look at. Empty: all that are there, and that come.
	Rings []string
	// Stuck is for how long a subscriber with messages to read may not move before it is
	// called stuck. 0: 1 s.
	Stuck time.Duration
	// History is how many seconds of latencies are kept for History. 0: 300.
	History int
}

// Monitor keeps what it has seen between two looks. It is for one goroutine; what it
// returns may go to any.
type Monitor struct{}

// New begins to monitor. Nothing is looked at yet.
func New(cfg Config) *Monitor { panic("to be written") }

// Poll looks at everything once. Call it at any pace from 10 ms to some seconds; windows are
// those of the polls nearest to their length. It never fails: what is wrong with a ring or a
// subscriber stands in the snapshot.
func (m *Monitor) Poll() *Snapshot { panic("to be written") }

// Close lets go of all files.
func (m *Monitor) Close() error { panic("to be written") }

// Span names a window.
type Span uint8

const (
	LastSecond Span = iota
	LastMinute
	SinceStart
)

// Histogram returns the latencies in ns of a subscriber over a window as of the last Poll;
// sub "" is the publisher's own lateness. It is false if there is none of these names.
func (m *Monitor) Histogram(ring, sub string, over Span) (*hdrhistogram.Histogram, bool) {
	panic("to be written")
}

// Heat is latencies over time: Counts[i][j] of them were measured in second i after Start
// and were at least Edges[j] ns and less than Edges[j+1].
type Heat struct {
	Start  time.Time  `json:"start"`
	Edges  []int64    `json:"edges_ns"` // len(Counts[i])+1 of them
	Counts [][]uint64 `json:"counts"`
}

// Heat returns the last seconds of a subscriber's latencies, at most Config.History.
func (m *Monitor) Heat(ring, sub string) (Heat, bool) { panic("to be written") }
