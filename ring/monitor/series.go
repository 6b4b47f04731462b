package monitor

import (
	"slices"
	"time"

	"github.com/tickring/tickring/ring"
)

// series is the latencies of one file over time.
type series struct {
	counts *ring.Counts // since the file's owner opened it; the watch's own. nil: none
	total  uint64       // of counts
	start  Summary      // of counts
	// Buckets of counts below from and from to on are 0.
	from, to int

	polls  []piece       // of the last second
	second piece         // what the second that runs has got
	anew   int           // of second.cells, what was there when the windows began anew
	spans  []piece       // the seconds before, for a minute
	minute *sum          // of spans and second; nil: none
	last   time.Duration // the last poll
	polled bool          // there was one
	begun  bool          // there was one since the windows began anew
	closed int64         // seconds that are over
	trend  []int64       // snapshots have it: never changed
	heat   heat
}

func newSeries(m *Monitor) series {
	return series{heat: heat{most: m.cfg.History, edges: m.edges}}
}

// measured is what a look saw of a file's latencies.
type measured struct {
	ring.Latencies
	opened  time.Time // by the file's owner
	largest time.Duration
}

// piece is what came in a time.
type piece struct {
	from, to time.Duration
	cells    cells
}

// trendLength is how many seconds Subscriber.Trend has at most.
const trendLength = 60

// begin begins the windows anew. What the running second has got stays in it, for the
// trend and the heat.
func (s *series) begin() {
	s.polls, s.spans = s.polls[:0], s.spans[:0]
	if s.minute != nil {
		s.minute.clear()
	}
	s.anew = len(s.second.cells)
	s.counts, s.start, s.begun = nil, Summary{}, false
	s.from, s.to, s.total = len(ring.Counts{}), 0, 0
}

// poll takes what a look has seen, nil if it saw nothing, and sums the windows up.
func (s *series) poll(m *Monitor, t poll, i *measured) (sec, min, start Window) {
	if !s.polled {
		s.polled, s.closed, s.second.from = true, t.second, t.now
	}
	if i != nil {
		s.take(m, t, i)
	}
	if t.second > s.closed {
		s.turn(m, t)
	}
	s.last = t.now
	if i == nil {
		return Window{}, Window{}, Window{}
	}
	return s.windows(m, t, i)
}

func (s *series) take(m *Monitor, t poll, i *measured) {
	from := s.last
	anew := i.Anew || !s.begun
	if anew {
		s.begin()
		if from = t.now; t.wall.Sub(i.opened) < t.gap { // nothing of the session was missed
			from -= max(t.wall.Sub(i.opened), 0)
		}
		s.second.from = from
	}
	s.begun = true
	if s.counts != i.Counts || len(i.New) > 0 || anew {
		s.counts = i.Counts
		s.sumUp(m, i, anew)
	}
	p := s.piece(from, t.now)
	for _, c := range i.New {
		p.cells = p.cells.append(c.Bucket, c.N)
		s.second.cells = s.second.cells.append(c.Bucket, c.N)
		if s.minute == nil {
			s.minute = new(sum)
		}
		s.minute.add(c.Bucket, c.N)
	}
	for len(s.polls) > 1 && nearer(t.now-s.polls[1].from, t.now-s.polls[0].from, time.Second) {
		s.polls = drop(s.polls)
	}
}

// sumUp makes s.start that of s.counts.
func (s *series) sumUp(m *Monitor, i *measured, anew bool) {
	s.start = Summary{}
	if s.counts == nil {
		return
	}
	if anew {
		for bucket, n := range s.counts {
			if n > 0 {
				s.hit(bucket, n)
			}
		}
	} else {
		for _, c := range i.New {
			s.hit(c.Bucket, c.N)
		}
	}
	s.start = m.middles.window(s.counts, s.from, s.to, s.total, int64(i.largest))
}

func (s *series) hit(bucket int, n uint64) {
	s.from, s.to, s.total = min(s.from, bucket), max(s.to, bucket+1), s.total+n
}

// piece returns the one that a poll's latencies belong to.
func (s *series) piece(from, to time.Duration) *piece {
	if n := len(s.polls); n > 0 && s.polls[n-1].to-s.polls[n-1].from < together {
		s.polls[n-1].to = to
		return &s.polls[n-1]
	}
	s.polls = grow(s.polls, from, to)
	return &s.polls[len(s.polls)-1]
}

// turn ends the seconds before t.second.
func (s *series) turn(m *Monitor, t poll) {
	m.sum.clear()
	s.second.cells[s.anew:].each(m.sum.add)
	s.spans = grow(s.spans, s.second.from, t.now)
	last := &s.spans[len(s.spans)-1]
	last.cells = m.sum.cells(last.cells)
	s.second.cells[:s.anew].each(m.sum.add)

	seconds := t.second - s.closed
	trend := append(make([]int64, 0, trendLength+min(seconds, trendLength)), s.trend...)
	p99 := m.sum.percentile(99)
	for range min(seconds, trendLength) {
		trend = append(trend, p99)
	}
	s.trend = slices.Clip(trend[max(len(trend)-trendLength, 0):])
	s.heat.add(s.closed, seconds, &m.sum)

	s.closed, s.second.from = t.second, t.now
	s.second.cells, s.anew = s.second.cells[:0], 0
	for len(s.spans) > 0 {
		next := s.second.from
		if len(s.spans) > 1 {
			next = s.spans[1].from
		}
		if !nearer(t.now-next, t.now-s.spans[0].from, time.Minute) {
			break
		}
		s.spans[0].cells.each(s.expire)
		s.spans = drop(s.spans)
	}
}

func (s *series) expire(bucket int, n uint64) { s.minute.sub(bucket, n) }

// windows sums up what was measured until the last poll.
func (s *series) windows(m *Monitor, t poll, i *measured) (sec, min, start Window) {
	m.sum.clear()
	for _, p := range s.polls {
		p.cells.each(m.sum.add)
	}
	sec.Summary = m.window(&m.sum)
	if len(s.polls) > 0 {
		sec.Seconds = (t.now - s.polls[0].from).Seconds()
	}
	from := s.second.from
	if len(s.spans) > 0 {
		from = s.spans[0].from
	}
	if s.minute != nil {
		min.Summary = m.window(s.minute)
	}
	min.Seconds = (t.now - from).Seconds()
	start.Summary = s.start
	if start.Count > 0 { // nothing took longer than the longest of all, which is exact
		sec.atMost(start.Max)
		min.atMost(start.Max)
	}
	if start.Seconds = t.wall.Sub(i.opened).Seconds(); start.Seconds < 0 || i.opened.UnixNano() == 0 {
		start.Seconds = 0
	}
	return sec, min, start
}

// over returns the counts of a window, in the memory of sum if need be.
func (s *series) over(span Span, sum *sum) *ring.Counts {
	switch {
	case span == LastMinute && s.minute != nil:
		return &s.minute.counts
	case span == SinceStart && s.counts != nil:
		return s.counts
	}
	sum.clear()
	if span == LastSecond {
		for _, p := range s.polls {
			p.cells.each(sum.add)
		}
	}
	return &sum.counts
}

// grow appends an empty piece, in the memory of one that was dropped.
func grow(p []piece, from, to time.Duration) []piece {
	if len(p) == cap(p) {
		p = append(p, piece{})
	} else {
		p = p[:len(p)+1]
	}
	last := &p[len(p)-1]
	last.from, last.to, last.cells = from, to, last.cells[:0]
	return p
}

// drop takes the first piece out, and keeps its memory for grow.
func drop(p []piece) []piece {
	first := p[0]
	copy(p, p[1:])
	p[len(p)-1] = first
	return p[:len(p)-1]
}
