package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

// Limit says how it is measured what the machine allows. The zero value is the right one.
type Limit struct {
	// Duration of the exchanges between CPUs; the noise is listened to for a third of it
	// besides. 0: 6 s.
	Duration time.Duration

	lines int // of a round's streams. 0: streamRound
}

// LimitResult is what the machine allows, whatever transport one makes for it: how fast a
// cache line goes to another CPU, what it costs to read the clock, how far the clocks of
// two CPUs can be apart, and how often a thread that spins stands still.
type LimitResult struct {
	Run
	RTT     Percentiles   `json:"rtt"` // of a word in a cache line, between the first two CPUs
	Streams []LimitStream `json:"streams"`
	Clock   ClockCost     `json:"clock"`
	Offsets []ClockOffset `json:"clock_offsets"`
	Noise   []Noise       `json:"noise"`
}

// LimitStream is a stream of cache lines through so much memory, between the first two
// CPUs. The median of the rounds, and the extremes.
type LimitStream struct {
	Capacity uint64  `json:"capacity_bytes"`
	Rate     float64 `json:"msgs_per_s"`
	Least    float64 `json:"least_msgs_per_s"`
	Most     float64 `json:"most_msgs_per_s"`
	Rounds   int     `json:"rounds"`
}

// ClockCost is how long a reading takes, back to back.
type ClockCost struct {
	Kind   string  `json:"kind"`        // counter or monotonic: the clock of the hot path
	Ns     float64 `json:"ns"`          // a reading of it
	TimeNs float64 `json:"time_now_ns"` // time.Now
}

func (r *LimitResult) About() *Run { return &r.Run }

// Curves is the round trip's.
func (r *LimitResult) Curves() []Curve {
	c := r.RTT.Curve("limit: a word in a cache line")
	c.Limit = true
	return []Curve{c}
}

func (r *LimitResult) Tables() []Table {
	streams := Table{
		Title: fmt.Sprintf("Stream of cache lines, %d bytes each and a number, none lost", r.Ring.Payload),
		Head:  []string{"through", "median", "least", "most", "rounds"},
	}
	for _, v := range r.Streams {
		streams.Rows = append(streams.Rows, []string{sizeText(v.Capacity), text.PerSecond(v.Rate), text.PerSecond(v.Least), text.PerSecond(v.Most), fmt.Sprint(v.Rounds)})
	}
	tables := []Table{{
		Title: fmt.Sprintf("Round trip of a word in a cache line, %d of them", r.RTT.Samples),
		Head:  slices.Concat([]string{""}, percentileHead),
		Rows:  [][]string{append([]string{fmt.Sprintf("CPU %d to %d and back", r.CPUs[0], r.CPUs[1])}, r.RTT.cells()...)},
	}, streams, {
		Title: "Reading the clock",
		Head:  []string{"", "ns"},
		Rows: [][]string{
			{"the clock of the hot path: " + r.Clock.Kind, fmt.Sprintf("%.1f", r.Clock.Ns)},
			{"time.Now", fmt.Sprintf("%.1f", r.Clock.TimeNs)},
		},
	}}
	return append(tables, offsetTable(r.Offsets), noiseTable(r.Noise), gapTable(r.Noise))
}

// Limit measures what the machine allows. If ctx ends, the result is what there was until
// then.
func (s *Session) Limit(ctx context.Context, config Limit) (*LimitResult, error) {
	if config.Duration <= 0 {
		config.Duration = 6 * time.Second
	}
	if config.lines == 0 {
		config.lines = inRound(streamRound, config.Duration)
	}
	r := &LimitResult{Run: s.run("limit", "none")}
	r.Ring.Subscriber = "none: lines of memory"
	if err := s.limit(ctx, config, r); err != nil {
		return nil, fmt.Errorf("bench: limit: %w", err)
	}
	s.finish(ctx, &r.Run)
	return r, nil
}

func (s *Session) limit(ctx context.Context, config Limit, r *LimitResult) error {
	r.Clock = s.clockCost()
	dir, err := s.subdir("limit")
	if err != nil {
		return err
	}
	sizes := []uint64{1 << 20, 16 << 20, ring.DefaultCapacity}
	if !slices.Contains(sizes, r.Ring.Capacity) {
		sizes = append(sizes, r.Ring.Capacity)
		slices.Sort(sizes)
	}
	for i, first := range s.setup.CPUs {
		for j, second := range s.setup.CPUs[i+1:] {
			if i == 0 && j == 0 {
				continue // the first pair does all the rest as well, and is the longest
			}
			if err := s.offsetOnly(ctx, dir, first, second, r); err != nil {
				return err
			}
		}
	}
	m, err := s.openMirror(dir, s.setup.CPUs[0], s.setup.CPUs[1], sizes)
	if err != nil {
		return err
	}
	err = m.measure(ctx, config, r)
	m.close()
	if err != nil {
		return err
	}
	r.Noise, err = s.noise(ctx, config.Duration/3)
	return err
}

// clockCost reads clocks back to back.
func (s *Session) clockCost() ClockCost {
	const readings = 100_000
	cost := func(read func()) float64 {
		best := ^uint64(0)
		for range 5 {
			began := s.clock.Now()
			read()
			best = min(best, s.clock.Now()-began)
		}
		return float64(s.scale.Ns(best)) / readings
	}
	return ClockCost{
		Kind: s.clock.Kind().String(),
		Ns: cost(func() {
			for range readings {
				s.clock.Now()
			}
		}),
		TimeNs: cost(func() {
			for range readings {
				_ = time.Now()
			}
		}),
	}
}

// mirror is a process on another CPU that sends lines back, or reads them.
type mirror struct {
	s       *Session
	cpu     [2]int // ours and its
	words   *lines
	streams []*lines
	sizes   []uint64
	other   *other
}

type mirrorParams struct {
	Words   string
	Streams []string
	Sizes   []uint64
}

// mirrorCommand: do something n times. Before a stream is read there is an answer that
// the reader is ready; at the end of all there is one.
type mirrorCommand struct {
	Do     string
	Stream int
	N      int
}

const (
	doPong   = "pong"
	doStream = "stream"
	doTime   = "time"
)

func (p mirrorParams) open() (words *lines, streams []*lines, err error) {
	if words, err = openLines(p.Words, lineSize); err != nil {
		return nil, nil, err
	}
	for i, path := range p.Streams {
		l, err := openLines(path, p.Sizes[i])
		if err != nil {
			closeLines(words, streams)
			return nil, nil, err
		}
		streams = append(streams, l)
	}
	return words, streams, nil
}

func closeLines(words *lines, streams []*lines) {
	words.close()
	for _, l := range streams {
		l.close()
	}
}

func (s *Session) openMirror(dir string, first, second int, sizes []uint64) (*mirror, error) {
	m := &mirror{s: s, cpu: [2]int{first, second}, sizes: sizes}
	p := mirrorParams{Words: fmt.Sprintf("%s/words-%d-%d", dir, first, second), Sizes: sizes}
	for _, n := range sizes {
		p.Streams = append(p.Streams, fmt.Sprintf("%s/stream-%d", dir, n))
	}
	var err error
	if m.words, m.streams, err = p.open(); err != nil {
		return nil, err
	}
	if m.other, err = s.start("mirror", second, p); err != nil {
		m.close()
		return nil, err
	}
	m.words.gone = &m.other.gone
	for _, l := range m.streams {
		l.gone = &m.other.gone
	}
	return m, nil
}

func (m *mirror) close() {
	if m.other != nil {
		m.other.close()
	}
	closeLines(m.words, m.streams)
}

// run does something on our CPU while the other process does its part. That begins when
// we have our CPU: it spins until we come.
func (m *mirror) run(cmd mirrorCommand, ours func()) error {
	err := affinity.On(m.cpu[0], func() error {
		if err := m.other.send(cmd); err != nil {
			return err
		}
		ours()
		return nil
	})
	if err != nil {
		return err
	}
	return m.other.receive(nil)
}

// stream writes n lines and says what the other process read.
func (m *mirror) stream(i, n int, l *lines) (got sinkReport, err error) {
	err = affinity.On(m.cpu[0], func() error {
		if err := m.other.send(mirrorCommand{Do: doStream, Stream: i, N: n}); err != nil {
			return err
		}
		if err := m.other.receive(nil); err != nil {
			return err
		}
		var msg [mem.LineWords]uint64
		l.write(n, &msg)
		return nil
	})
	if err != nil {
		return got, err
	}
	if err := m.other.receive(&got); err != nil {
		return got, err
	}
	if got.Wrong != 0 {
		return got, fmt.Errorf("%d of %d lines had not the number they should: this must not be", got.Wrong, n)
	}
	return got, nil
}

// measure does all that two CPUs do, in turns.
func (m *mirror) measure(ctx context.Context, config Limit, r *LimitResult) error {
	s := m.s
	trips := newDist()
	rates := make([][]float64, len(m.streams))
	offset := newClockOffset(m.cpu)
	d := config.Duration
	ticks, counted := timed(rttRound, d)
	for until := time.Now().Add(d); time.Now().Before(until) && ctx.Err() == nil; {
		s.progress("cache lines", int(d-time.Until(until)), int(d))
		if err := m.run(mirrorCommand{Do: doPong, N: len(ticks)}, func() { m.words.pingPong(&s.clock, ticks) }); err != nil {
			return err
		}
		for _, t := range counted {
			trips.record(s.scale.Ns(t))
		}
		for i, l := range m.streams {
			got, err := m.stream(i, config.lines, l)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], got.rate())
		}
		if err := m.exchange(offset); err != nil {
			return err
		}
	}
	r.RTT = trips.sum()
	for i, v := range rates {
		if len(v) > 0 {
			r.Streams = append(r.Streams, LimitStream{m.sizes[i], median(v), slices.Min(v), slices.Max(v), len(v)})
		}
	}
	offset.addTo(r, &s.scale)
	return nil
}

// mirrored is the other process.
func mirrored(c *child) error {
	var p mirrorParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return err
	}
	words, streams, err := p.open()
	if err != nil {
		return err
	}
	defer closeLines(words, streams)
	if err := c.reply(nil); err != nil {
		return err
	}
	var cmd mirrorCommand
	for c.next(&cmd) {
		var report any
		switch cmd.Do {
		case doPong:
			words.pongs(cmd.N)
		case doTime:
			words.times(cmd.N)
		case doStream:
			got, err := sinkLines(c, streams[cmd.Stream], cmd.N)
			if err != nil {
				return err
			}
			report = &got
		default:
			return fmt.Errorf("%w: a mirror cannot %q", ErrConfig, cmd.Do)
		}
		if err := c.reply(report); err != nil {
			return err
		}
	}
	return nil
}
