package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/gaps"
)

// Measured is what a thread that did nothing but read the clock missed on a CPU: the gaps
// between two readings, of 200 ns and more.
type Measured struct {
	CPU     int     `json:"cpu"`
	Verdict Verdict `json:"verdict"`
	Error   string  `json:"error,omitempty"` // why nothing was measured; then the rest is 0

	Seconds   float64      `json:"seconds"`
	Gaps      int64        `json:"gaps"`
	PerSecond float64      `json:"gaps_per_s"`
	Lost      float64      `json:"lost_percent"` // of the time, in gaps
	P50       int64        `json:"p50_ns"`       // of the gaps
	P99       int64        `json:"p99_ns"`
	P999      int64        `json:"p999_ns"`
	Max       int64        `json:"max_ns"`
	Histogram []gaps.Range `json:"histogram,omitempty"`

	Moved []Moved `json:"moved,omitempty"` // what the kernel counted on the CPU meanwhile, most first
	Worst Worst   `json:"worst,omitzero"`  // the largest gap
}

// Moved is a line of /proc/interrupts or /proc/softirqs that went up.
type Moved struct {
	Name  string `json:"name"` // "LOC", "37"; softirqs have lower case, "timer"
	Text  string `json:"text,omitempty"`
	Count uint64 `json:"count"`
}

// String says what moved in a few characters: "LOC +500", "virtio1-input.0 +12".
func (m Moved) String() string {
	name := m.Name
	if strings.Trim(name, "0123456789") == "" && m.Text != "" {
		name = m.Text // a numbered line is known by its device
	}
	return fmt.Sprintf("%s +%d", name, m.Count)
}

// Worst is the largest gap, and what happened in the tenth of a second around it.
type Worst struct {
	Ns       int64             `json:"ns"`
	Cause    affinity.Cause    `json:"cause"` // and why it is thought so
	Why      string            `json:"why"`
	Moved    []Moved           `json:"moved,omitempty"`
	Happened affinity.Activity `json:"happened"` // to the thread and the CPU
}

// What a gap costs is judged by the tail it makes: these are much for a thread that has a
// CPU of its own, and more than any but a broken setup has.
const (
	longGap  = 50 * time.Microsecond
	worstGap = time.Millisecond
	muchLost = 0.1 // percent
	mostLost = 1
)

func (m *Measured) judge() Verdict {
	switch {
	case m.Seconds == 0:
		return Unknown
	case m.Max >= int64(worstGap) || m.Lost >= mostLost:
		return Bad
	case m.Max >= int64(longGap) || m.Lost >= muchLost:
		return Warn
	}
	return Good
}

// tally collects the gaps of a CPU.
type tally struct {
	hist    *hdrhistogram.Histogram
	counts  gaps.Counts
	largest int64
	inSlice int64 // the largest of the slice
}

const longest = int64(100 * time.Second)

func newTally() *tally { return &tally{hist: hdrhistogram.New(1, longest, 3)} }

func (t *tally) add(ns uint64) {
	v := int64(min(ns, uint64(longest)))
	_ = t.hist.RecordValue(max(v, 1)) // in range
	t.counts.Add(ns)
	t.largest, t.inSlice = max(t.largest, v), max(t.inSlice, v)
}

// sum fills what the gaps tell.
func (t *tally) sum(m *Measured) {
	at := func(q float64) int64 { return min(t.hist.ValueAtQuantile(q), t.largest) }
	m.Gaps, m.Histogram, m.Max = t.hist.TotalCount(), t.counts.Ranges(), t.largest
	if m.Gaps > 0 {
		m.P50, m.P99, m.P999 = at(50), at(99), at(99.9)
	}
	if m.Seconds > 0 {
		m.PerSecond = float64(m.Gaps) / m.Seconds
	}
	m.Verdict = m.judge()
}

// addMoved adds up what moved, the most first.
func addMoved(sum, more []Moved) []Moved {
	for _, n := range more {
		if i := slices.IndexFunc(sum, func(o Moved) bool { return o.Name == n.Name }); i >= 0 {
			sum[i].Count += n.Count
			continue
		}
		sum = append(sum, n)
	}
	slices.SortStableFunc(sum, func(a, b Moved) int { return cmp.Compare(b.Count, a.Count) })
	return sum
}
