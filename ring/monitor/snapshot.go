package monitor

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/ring"
)

// Snapshot is all rings of a directory at a moment. It is never changed once it is made, so
// that many may read it at once.
type Snapshot struct {
	Time  time.Time     `json:"time"`
	Took  time.Duration `json:"took_ns"` // to look at everything
	Dir   string        `json:"dir"`
	Rings []Ring        `json:"rings"` // by name
	// Error says why the directory cannot be read, if so. One that is not there has no rings.
	Error string `json:"error,omitempty"`
}

// Ring is a ring as the monitor sees it.
type Ring struct {
	Name       string        `json:"name"`
	Publisher  string        `json:"publisher"` // live, hung, dead, closed, superseded; as ring.Life has them
	PID        int           `json:"pid"`
	Epoch      uint64        `json:"epoch"` // how many publishers it has had
	Opened     time.Time     `json:"opened"`
	Beat       time.Duration `json:"since_heartbeat_ns"`
	Schema     string        `json:"schema"`
	Source     string        `json:"source"`
	Stamps     string        `json:"stamps"`
	Capacity   uint64        `json:"capacity"`
	MaxMessage int           `json:"max_message"`
	First      uint64        `json:"first_seq"`
	Oldest     uint64        `json:"oldest_seq"`
	Last       uint64        `json:"last_seq"`
	Mark       uint64        `json:"mark_seq"`
	Rate       float64       `json:"rate"`    // messages a second, over the last second
	Refused    uint64        `json:"refused"` // times a gate held the publisher: back pressure
	// RefusedRate is Refused a second, over the last second.
	RefusedRate float64      `json:"refused_rate"`
	Waker       bool         `json:"waker"`
	Subscribers []Subscriber `json:"subscribers"` // by name
	// Late has what the publisher recorded of itself, nil if it does not.
	Late *Publisher `json:"late,omitempty"`
	// Replaced counts the files of this name that the monitor has seen come after the first.
	Replaced uint64 `json:"replaced"`
	Absent   bool   `json:"absent"`          // there is no such ring: only of those that Config names
	Error    string `json:"error,omitempty"` // what is wrong; what cannot be told is 0
}

// Publisher is what a publisher's own file tells: how late it was against its own pace.
type Publisher struct {
	Second Window        `json:"second"`
	Minute Window        `json:"minute"`
	Start  Window        `json:"start"`
	Spikes ring.SpikeLog `json:"spikes"`
	Error  string        `json:"error,omitempty"` // why its file cannot be read
}

// Subscriber is a named subscriber as the monitor sees it.
type Subscriber struct {
	Name     string        `json:"name"`
	State    string        `json:"state"`
	PID      int           `json:"pid"`
	Opened   time.Time     `json:"opened"`
	Wait     string        `json:"wait"` // wait strategy: spin, yield, backoff, sleeper, other; "" unknown
	Gate     string        `json:"gate"` // holding, demoted, dropped; "": none
	Hold     time.Duration `json:"hold_ns"`
	DropDead bool          `json:"drop_dead"`

	Cursor    uint64        `json:"cursor"`
	Lag       uint64        `json:"lag"`    // messages published and not read
	LagTime   time.Duration `json:"lag_ns"` // how long ago the first of them was published; -1 unknown
	Moved     time.Duration `json:"since_moved_ns"`
	Delivered uint64        `json:"delivered"`
	Bytes     uint64        `json:"bytes"`
	Lost      uint64        `json:"lost"`
	Overruns  uint64        `json:"overruns"`
	Sleeps    uint64        `json:"sleeps"`
	Negative  uint64        `json:"latencies_below_0"`
	TooLong   uint64        `json:"latencies_above_10s"`
	Rate      float64       `json:"rate"`      // messages read a second, over the last second
	LostRate  float64       `json:"lost_rate"` // messages lost a second, over the last second

	Second Window `json:"second"`
	Minute Window `json:"minute"`
	Start  Window `json:"start"` // since its owner opened it

	// Trend is the p99 of each of the last seconds in ns, the newest last, at most 60; -1
	// where nothing was read.
	Trend  []int64       `json:"trend_p99_ns"`
	Spikes ring.SpikeLog `json:"spikes"`
	Error  string        `json:"error,omitempty"`
}

// Window sums up the latencies that were measured within a time.
type Window struct {
	Seconds float64 `json:"seconds"` // that it really covers: less while the monitor is young
	Summary
}

// Summary sums latencies up. All but Count are in ns, and 0 if Count is.
type Summary struct {
	Count uint64  `json:"count"`
	Mean  float64 `json:"mean"`
	P50   int64   `json:"p50"`
	P90   int64   `json:"p90"`
	P99   int64   `json:"p99"`
	P999  int64   `json:"p999"`
	P9999 int64   `json:"p9999"`
	// Max is exact, but in a window of a second or a minute: there it is the upper edge of the
	// highest bucket with a count, but never more than since the start.
	Max int64 `json:"max"`
}

// SummaryOf sums a histogram of ns up. largest is the largest value exactly, which h knows
// to some digits only; no percentile is above it.
func SummaryOf(h *hdrhistogram.Histogram, largest int64) Summary {
	at := func(percentile float64) int64 { return min(h.ValueAtQuantile(percentile), largest) }
	return Summary{
		Count: uint64(h.TotalCount()), Mean: h.Mean(),
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), P9999: at(99.99),
		Max: largest,
	}
}
