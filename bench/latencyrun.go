package bench

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

// pattern is a load as it is measured.
type pattern struct {
	name  string
	asked float64
	next  func() schedule // of a piece; it is used until the next call
}

// A run is this many rounds, or more where a piece is as long as it may be. In a round it
// is each load's turn twice, with both subscribers on the same schedule: two pieces.
const (
	latencyRounds = 16
	longestPiece  = 50 * time.Millisecond
	shortestPiece = time.Millisecond
	largestPiece  = 400_000 // messages
	// The first messages of a piece, so many ns long, but not more than a tenth, are not
	// counted.
	latencyWarmUp = 2 * time.Millisecond
	limitRound    = 5_000 // ping-pongs
	// startIn is from when the piece begins until its first message.
	startIn = 100 * time.Microsecond
	// onTime is how late the last message of a piece may be read without being late: a
	// message takes some time, and that is not falling behind.
	onTime = 10 * time.Microsecond
)

// Latency measures one way. Meanwhile the process collects no garbage but between rounds:
// a collector has threads that want the CPU of one that spins. If ctx ends, the result is what there was until then.
//
// Errors: [ErrConfig], [ErrTooSmall], [ErrChild], and those of rings.
func (s *Session) Latency(ctx context.Context, config Latency) (*LatencyResult, error) {
	if config.Duration <= 0 {
		config.Duration = 12 * time.Second
	}
	if config.Rates == nil {
		config.Rates = defaultRates
	}
	r := &LatencyResult{Run: s.run("latency", "every")}
	r.Ring.Subscriber = "defaults; never steps off"
	if err := s.latency(ctx, config, r); err != nil {
		return nil, fmt.Errorf("bench: latency: %w", err)
	}
	s.finish(ctx, &r.Run)
	return r, nil
}

// patterns are the loads of a run.
func (r *LatencyResult) patterns(config Latency) (ps []pattern, err error) {
	if err := config.check(r.Ring.Capacity); err != nil {
		return nil, err
	}
	loads := len(config.Rates) + 1
	if config.Recording != nil {
		loads++
	}
	length := min(max(config.Duration/time.Duration(latencyRounds*2*loads), shortestPiece), longestPiece)
	messages := func(rate float64) int { return min(int(length.Seconds()*rate)+burstSize, largestPiece) }
	for _, rate := range config.Rates {
		s := steady(rate, messages(rate))
		ps = append(ps, pattern{text.PerSecond(rate), rate, func() schedule { return s }})
	}
	rate := float64(burstSize) * 1e9 / float64((burstSize-1)*burstGap+burstPause)
	s := bursts(burstSize, burstGap, burstPause, messages(rate)/burstSize*burstSize)
	ps = append(ps, pattern{fmt.Sprintf("bursts of %d", burstSize), rate, func() schedule { return s }})
	r.Notes = append(r.Notes, fmt.Sprintf("Bursts of %d: %v between two messages, %v between two bursts.", burstSize, burstGap, burstPause))
	if config.Recording == nil {
		return ps, nil
	}
	p, err := config.Recording.schedule()
	if err != nil {
		return nil, err
	}
	tape := &reel{schedule: p.schedule}
	next := func() schedule { return tape.next(uint64(length), largestPiece) }
	r.Notes = append(r.Notes, config.Recording.describe(p))
	return append(ps, pattern{config.Recording.Name, p.schedule.rate(), next}), nil
}

// both is a load under way. Index 0 is the default subscriber, 1 the one that never
// steps off.
type both struct {
	pattern
	p                [2]Paced
	worst            [2]uint64    // ticks behind the schedule
	rates, parts     [2][]float64 // piece by piece: what was achieved; as a part of what was asked for
	ratio50, ratio99 []float64
}

func (s *Session) latency(ctx context.Context, config Latency, r *LatencyResult) error {
	patterns, err := r.patterns(config)
	if err != nil {
		return err
	}
	dir, err := s.subdir("latency")
	if err != nil {
		return err
	}
	l, err := openLines(dir+"/lines", lineSize)
	if err != nil {
		return err
	}
	defer l.close()
	const name = "paced"
	p, err := ring.Create(name, ring.Config{Dir: dir, Capacity: s.setup.Capacity})
	if err != nil {
		return err
	}
	defer p.Close()
	o, err := s.start("listen", s.setup.CPUs[1], listenParams{Dir: dir, Ring: name, Lines: dir + "/lines", Scale: uint64(s.scale), Keys: 2 * len(patterns)})
	if err != nil {
		return err
	}
	defer o.close()
	l.gone = &o.gone
	loads := make([]both, len(patterns))
	for i := range loads {
		loads[i].pattern = patterns[i]
	}
	limit := newDist()
	pingPongs, due := make([]uint64, warmUp+limitRound), []uint64(nil)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	began := time.Now()
	for time.Since(began) < config.Duration && ctx.Err() == nil {
		runtime.GC()
		if err := s.halfWays(o, l, pingPongs, limit); err != nil {
			return err
		}
		for i := range loads {
			if ctx.Err() != nil {
				break
			}
			s.progress(loads[i].name, int(time.Since(began)), int(config.Duration))
			plan := loads[i].next()
			due = plan.ticks(s.scale, due)
			if err := s.turn(o, p, &loads[i], 2*i, plan, due); err != nil {
				return err
			}
		}
	}
	return r.collect(o, loads, limit, s)
}

// halfWays measures the limit.
func (s *Session) halfWays(o *other, l *lines, ticks []uint64, limit *dist) error {
	if err := o.send(listenCommand{Pongs: len(ticks)}); err != nil {
		return err
	}
	if err := affinity.On(s.setup.CPUs[0], func() error { l.pingPong(&s.clock, ticks); return nil }); err != nil {
		return err
	}
	for _, t := range ticks[warmUp:] {
		limit.record(s.scale.Ns(t) / 2)
	}
	return o.receive(nil)
}

// turn measures a piece with both subscribers. Which of them is the first changes.
func (s *Session) turn(o *other, p *ring.Publisher, b *both, key int, plan schedule, due []uint64) error {
	var p50, p99 [2]float64
	first := b.p[0].Pieces % 2
	for i := range 2 {
		side := (first + i) % 2
		cmd := listenCommand{
			Key: key + side, NoStepOff: side == 1, First: p.Seq() + 1, N: len(plan),
			WarmUp: min(plan.before(uint64(latencyWarmUp)), len(plan)/10),
		}
		got, kept, err := s.piece(o, p, cmd, due)
		if err != nil {
			return err
		}
		paced := &b.p[side]
		if got.Delivered+got.Lost != uint64(len(plan)) || got.Wrong != 0 {
			return fmt.Errorf("%s: published %d, delivered %d of which %d wrong, lost %d: this must not be", b.name, len(plan), got.Delivered, got.Wrong, got.Lost)
		}
		paced.Published += uint64(len(plan))
		paced.Delivered += got.Delivered
		paced.Lost += got.Lost
		paced.Pieces++
		b.worst[side] = max(b.worst[side], kept.worst)
		if asked := plan.rate(); asked > 0 {
			took := max(s.scale.Ns(kept.end), s.scale.Ns(got.Ticks), uint64(onTime)) - uint64(onTime)
			rate := rateOver(len(plan), max(plan.span(), took))
			b.rates[side] = append(b.rates[side], rate)
			b.parts[side] = append(b.parts[side], rate/asked)
		}
		p50[side], p99[side] = got.P50, got.P99
	}
	if p50[1] > 0 {
		b.ratio50 = append(b.ratio50, p50[0]/p50[1])
		b.ratio99 = append(b.ratio99, p99[0]/p99[1])
	}
	return nil
}

// piece publishes by schedule what the other process reads. The end of pacing is counted
// from the first message's time.
func (s *Session) piece(o *other, p *ring.Publisher, cmd listenCommand, due []uint64) (got listenReport, kept pacing, err error) {
	if err := o.send(cmd); err != nil {
		return got, kept, err
	}
	if err := o.receive(nil); err != nil {
		return got, kept, err
	}
	err = affinity.On(s.setup.CPUs[0], func() (err error) {
		start := s.clock.Now() + s.scale.Ticks(uint64(startIn))
		kept, err = pace(p, &s.clock, start, due)
		kept.end -= start
		return err
	})
	if err != nil {
		return got, kept, err
	}
	return got, kept, o.receive(&got)
}

// collect makes the result of what was measured.
func (r *LatencyResult) collect(o *other, loads []both, limit *dist, s *Session) error {
	if err := o.send(listenCommand{Collect: true}); err != nil {
		return err
	}
	var all []measuredWire
	if err := o.receive(&all); err != nil {
		return err
	}
	if len(all) != 2*len(loads) {
		return fmt.Errorf("%w: it measured %d loads of %d", ErrChild, len(all), 2*len(loads))
	}
	r.Limit = limit.sum()
	for i := range loads {
		b := &loads[i]
		for side := range 2 {
			m, err := all[2*i+side].measured()
			if err != nil {
				return err
			}
			p := &b.p[side]
			p.Response, p.Transit = m.response.sum(), m.transit.sum()
			p.ResponseRatio, p.TransitRatio = p.Response.over(r.Limit), p.Transit.over(r.Limit)
			p.WorstLag = float64(s.scale.Ns(b.worst[side]))
			p.Held = p.Pieces > 0 && held(b.parts[side])
			if len(b.rates[side]) > 0 {
				p.Achieved = median(b.rates[side])
			}
		}
		load := Load{
			Name: b.name, Asked: b.asked, Default: b.p[0], NeverStepOff: b.p[1],
			Ratio: b.p[0].Response.over(b.p[1].Response.Percentiles), TransitRatio: b.p[0].Transit.over(b.p[1].Transit.Percentiles),
			Rounds: spreadOf(b.ratio50), Rounds99: spreadOf(b.ratio99),
		}
		r.Loads = append(r.Loads, load)
		r.say(&load)
	}
	return nil
}

// held says whether what was asked for was held, by the parts of it that were achieved in
// each piece: a machine that stops for a moment in a few of them can hold it.
func held(parts []float64) bool { return len(parts) == 0 || median(parts) >= heldFrom }
