// Package monitor looks at all rings of a directory again and again, and sums up what
// subscribers have measured over the last second, the last minute and since they began. It
// only reads what lies in shared memory: publishers and subscribers do no more for it than
// without.
package monitor

import (
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/ring"
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
	// History is how many seconds of latencies are kept for Heat. 0: 300.
	History int
}

// Monitor keeps what it has seen between two looks. It is for one goroutine; what it
// returns may go to any.
type Monitor struct {
	cfg   Config
	clock func() time.Time
	began time.Time     // the first poll
	wall  time.Time     // the last one
	last  time.Duration // the same, since the first
	polls uint64
	rings map[string]*watchedRing
	sum   sum     // where windows are summed up
	edges []int64 // of Heat

	middles *middles
}

// New begins to monitor. Nothing is looked at yet.
func New(cfg Config) *Monitor {
	if cfg.Dir == "" {
		cfg.Dir = ring.DefaultDir()
	}
	if cfg.Stuck <= 0 {
		cfg.Stuck = time.Second
	}
	if cfg.History <= 0 {
		cfg.History = 300
	}
	cfg.Rings = slices.Compact(slices.Sorted(slices.Values(cfg.Rings)))
	return &Monitor{cfg: cfg, clock: time.Now, rings: map[string]*watchedRing{}, edges: edges(), middles: newMiddles()}
}

// Poll looks at everything once. Call it at any pace from 10 ms to some seconds; windows are
// those of the polls nearest to their length. It never fails: what is wrong with a ring or a
// subscriber stands in the snapshot.
func (m *Monitor) Poll() *Snapshot {
	t := m.beginPoll()
	s := &Snapshot{Time: t.wall, Dir: m.cfg.Dir, Rings: []Ring{}}
	names := m.cfg.Rings
	if len(names) == 0 {
		var err error
		if names, err = ring.List(m.cfg.Dir); err != nil {
			s.Error = err.Error()
			names = m.seenAt(t.now - t.gap) // it may be for want of a file descriptor
		}
	}
	for _, name := range names {
		if m.rings[name] == nil {
			m.rings[name] = newRing(m.cfg, name)
		}
		r := m.rings[name]
		r.seen = t.now
		s.Rings = append(s.Rings, r.poll(m, t))
	}
	// What is gone is remembered for a while: Replaced tells that it came again.
	for name, r := range m.rings {
		if r.seen != t.now {
			r.leave()
		}
		if t.now-r.seen > time.Duration(m.cfg.History)*time.Second {
			delete(m.rings, name)
		}
	}
	s.Took = m.clock().Sub(t.wall)
	return s
}

// Close lets go of all files.
func (m *Monitor) Close() error {
	for _, r := range m.rings {
		r.leave()
	}
	clear(m.rings)
	return nil
}

// poll is the time of a poll.
type poll struct {
	wall time.Time
	now  time.Duration // since the first poll, as all times within a Monitor
	gap  time.Duration // since the poll before
	// Seconds before this one are over: the poll nearest to the end of a second ends it.
	second int64
}

func (m *Monitor) beginPoll() poll {
	t := poll{wall: m.clock()}
	if m.polls == 0 {
		m.began = t.wall
	}
	m.polls++
	t.now = max(t.wall.Sub(m.began), m.last)
	t.gap, m.last, m.wall = t.now-m.last, t.now, t.wall
	t.second = int64((t.now + min(t.gap, time.Second)/2) / time.Second)
	return t
}

// seenAt returns the rings of the poll at that time.
func (m *Monitor) seenAt(at time.Duration) []string {
	var names []string
	for name, r := range m.rings {
		if r.seen == at {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *Monitor) window(s *sum) Summary {
	return m.middles.window(&s.counts, s.from, s.to, s.total, 0)
}

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
	s := m.find(ring, sub)
	if s == nil {
		return nil, false
	}
	return s.over(over, &m.sum).Histogram(), true
}

// Heat returns the last seconds of a subscriber's latencies, at most Config.History.
func (m *Monitor) Heat(ring, sub string) (Heat, bool) {
	s := m.find(ring, sub)
	if s == nil {
		return Heat{}, false
	}
	return s.heat.picture(m.wall.Add(-m.last)), true
}

func (m *Monitor) find(ring, sub string) *series {
	r := m.rings[ring]
	if r == nil || r.seen != m.last {
		return nil
	}
	if sub == "" {
		return r.late
	}
	if s := r.subs[sub]; s != nil {
		return &s.series
	}
	return nil
}
