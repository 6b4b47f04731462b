package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/ring"
)

// A round of either kind is so many pieces, of so many messages and round trips each. They
// are short, so that most of them are done between two looks.
const (
	monitorPieces = 40
	monitorStream = 1 << 17 // messages
	monitorTrips  = 10_000
)

// looked is one side of the comparison while it is measured.
type looked struct {
	rates, means []float64
	trips        *dist
	p50, p99     []float64 // by round, in ns
}

// monitorRun has what is looked at: a ring with a stream, and two with round trips.
type monitorRun struct {
	s      *Session
	dir    string
	sink   *other
	echo   *other
	stream *ring.Publisher
	pair   pair
	pieces int
	ticks  []uint64 // of the round trips of a piece
	timed  []uint64 // of those that count
}

func (s *Session) monitor(ctx context.Context, config Monitor, r *MonitorResult) error {
	dir, err := s.subdir("monitor")
	if err != nil {
		return err
	}
	// The rings have a directory of their own: monitors look at all that is in it.
	m := &monitorRun{s: s, dir: dir + "/rings", pieces: inRound(monitorPieces, config.Duration)}
	m.ticks, m.timed = timed(monitorTrips, config.Duration)
	defer m.close()
	if err := m.open(dir); err != nil {
		return err
	}
	sides := [2]looked{{trips: newDist()}, {trips: newDist()}}
	var all lookReport
	began := time.Now()
	for round := 0; (round == 0 || time.Since(began) < config.Duration) && ctx.Err() == nil; round++ {
		for i := range sides {
			s.progress("rounds", int(time.Since(began)), int(config.Duration))
			side := (round + i + 1) % 2 // monitors first: what keeps them from looking is told at once
			if ctx.Err() != nil {
				break
			}
			if side == 0 {
				err = m.measure(ctx, &sides[0])
			} else {
				err = m.watched(ctx, config, &sides[1], &all)
			}
			if err != nil {
				return err
			}
		}
	}
	r.collect(sides, all)
	return nil
}

// open makes the rings and starts who reads them.
func (m *monitorRun) open(dir string) (err error) {
	capacity := m.s.setup.Capacity
	if m.stream, err = ring.Create("stream", ring.Config{Dir: m.dir, Capacity: capacity, Stamps: ring.StampEvery, Gates: []ring.Gate{{Name: sinkName}}}); err != nil {
		return err
	}
	if m.pair.pub, err = ring.Create(ringOf(viaStamped, "ping"), ring.Config{Dir: m.dir, Capacity: capacity, Stamps: ring.StampEvery}); err != nil {
		return err
	}
	l, err := openLines(dir+"/lines", lineSize)
	if err != nil {
		return err
	}
	defer l.close()
	cpu := m.s.setup.CPUs[1]
	if m.sink, err = m.s.start("sink", cpu, sinkParams{Dir: m.dir, Lines: dir + "/lines", Bytes: lineSize}); err != nil {
		return err
	}
	if m.echo, err = m.s.start("echo", cpu, echoParams{Dir: m.dir, Lines: dir + "/words", Capacity: capacity}); err != nil {
		return err
	}
	m.pair.gone = &m.echo.gone
	m.pair.sub, err = ring.Open(ringOf(viaStamped, "pong"), ring.Options{Dir: m.dir, Name: "asks"})
	return err
}

func (m *monitorRun) close() {
	for _, o := range []*other{m.sink, m.echo} {
		if o != nil {
			o.close()
		}
	}
	m.pair.close()
	if m.stream != nil {
		m.stream.Close()
	}
}

// watched is measure with monitors attached.
func (m *monitorRun) watched(ctx context.Context, config Monitor, to *looked, all *lookReport) error {
	p := lookParams{CPU: anyCPU}
	if config.Top != nil {
		p.Top = config.Top(m.dir)
	}
	if config.Serve != nil {
		p.Serve = config.Serve(m.dir)
	}
	cpu := m.s.setup.CPUs[0]
	if len(m.s.setup.CPUs) > 2 {
		p.CPU = m.s.setup.CPUs[2]
		cpu = p.CPU
	}
	o, err := m.s.start("looker", cpu, p)
	if err != nil {
		return err
	}
	defer o.close()
	if err := m.measure(ctx, to); err != nil {
		return err
	}
	if err := o.send(struct{}{}); err != nil {
		return err
	}
	var got lookReport
	if err := o.receive(&got); err != nil {
		return err
	}
	all.add(got)
	return nil
}

func (m *monitorRun) measure(ctx context.Context, to *looked) error {
	write, err := writer(m.stream, formOne, &m.sink.gone)
	if err != nil {
		return err
	}
	var rates []float64
	var ns int64
	messages := uint64(0)
	trips := newDist()
	for piece := 0; piece < m.pieces && ctx.Err() == nil; piece++ {
		got, _, err := m.s.stream(m.sink, sinkCommand{Ring: "stream", Name: sinkName, Form: formOne, Histogram: true, N: monitorStream}, write)
		if err != nil {
			return err
		}
		if got.Delivered != monitorStream || got.Wrong != 0 {
			return fmt.Errorf("published %d, delivered %d of which %d wrong, lost %d: this must not be", monitorStream, got.Delivered, got.Wrong, got.Lost)
		}
		rates, ns, messages = append(rates, got.rate()), ns+got.Ns, messages+got.Timed
		if err := m.roundTrips(trips, to.trips); err != nil {
			return err
		}
	}
	if len(rates) == 0 {
		return nil
	}
	to.rates = append(to.rates, median(rates))
	to.means = append(to.means, float64(messages)*1e9/float64(max(ns, 1)))
	sum := trips.sum()
	to.p50, to.p99 = append(to.p50, sum.P50), append(to.p99, sum.P99)
	return nil
}

func (m *monitorRun) roundTrips(to ...*dist) error {
	err := affinity.On(m.s.setup.CPUs[0], func() error {
		if err := m.echo.send(echoCommand{Way: viaStamped, N: len(m.ticks), Name: "answers"}); err != nil {
			return err
		}
		return m.pair.roundTrips(&m.s.clock, m.ticks)
	})
	if err != nil && !errors.Is(err, errGone) { // of which receive knows more
		return err
	}
	if err := m.echo.receive(nil); err != nil {
		return err
	}
	for _, n := range m.timed {
		for _, d := range to {
			d.record(m.s.scale.Ns(n))
		}
	}
	return nil
}

func (r *MonitorResult) collect(sides [2]looked, all lookReport) {
	for i, a := range []*Attached{&r.Without, &r.With} {
		if len(sides[i].rates) > 0 {
			*a = Attached{Rate: median(sides[i].rates), MeanRate: median(sides[i].means), RTT: sides[i].trips.sum()}
		}
	}
	ratios := func(of func(*looked) []float64) RatioSpread {
		without, with := of(&sides[0]), of(&sides[1])
		var all []float64
		for i := range min(len(without), len(with)) {
			all = append(all, with[i]/without[i])
		}
		return spreadOf(all)
	}
	r.Ratio = ratios(func(l *looked) []float64 { return l.rates })
	r.MeanRatio = ratios(func(l *looked) []float64 { return l.means })
	r.P50Ratio = ratios(func(l *looked) []float64 { return l.p50 })
	r.P99Ratio = ratios(func(l *looked) []float64 { return l.p99 })
	r.Looking = Looking{Scrapes: all.Scrapes, Failed: all.Failed, Bytes: all.Bytes, Drawn: all.Drawn, Seconds: all.Elapsed.Seconds()}
	if all.Elapsed > 0 {
		r.Looking.CPU = 100 * all.CPU.Seconds() / all.Elapsed.Seconds()
	}
}
