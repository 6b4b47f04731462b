package bench

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/ring"
)

// RTT says how round trips are measured. The zero value is the right one.
type RTT struct {
	Duration time.Duration // 0: 4 s
}

// RTTResult is the round trip of a message of one line between two processes, each on a
// CPU: there on one ring, back on another. Limit is the same with one word there and one
// word back.
type RTTResult struct {
	Run
	Limit Percentiles `json:"limit"`
	// The limit again, with words that are loaded through mappings that cannot be written,
	// as a subscriber's is: what that protection costs on this machine.
	Protected Percentiles `json:"limit_protected"`
	// And with a pause of the processor between two polls, which on some processors lets a
	// line come earlier than plain polling does. Limit is the plain one.
	Paused     Percentiles `json:"limit_paused"`
	RTT        Percentiles `json:"rtt"`         // without stamps
	Every      Percentiles `json:"rtt_stamped"` // with a stamp on every message
	Ratio      Ratio       `json:"ratio"`       // of RTT to Limit
	EveryRatio Ratio       `json:"ratio_stamped"`
	PauseRatio Ratio       `json:"ratio_paused"` // of RTT to Paused
	Rounds     RatioSpread `json:"ratio_rounds"` // of the p50 of RTT to that of Limit, round by round
}

// Ratio is that of two distributions, at two points.
type Ratio struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// RatioSpread is how a ratio came out in the rounds of a run.
type RatioSpread struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
	Rounds int     `json:"rounds"`
}

func spreadOf(ratios []float64) RatioSpread {
	if len(ratios) == 0 {
		return RatioSpread{}
	}
	slices.Sort(ratios)
	return RatioSpread{ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1], len(ratios)}
}

func (p Percentiles) over(limit Percentiles) Ratio {
	if limit.Samples == 0 || p.Samples == 0 {
		return Ratio{}
	}
	return Ratio{p.P50 / limit.P50, p.P99 / limit.P99}
}

func (r *RTTResult) About() *Run { return &r.Run }

func (r *RTTResult) Tables() []Table {
	row := func(name string, p Percentiles, ratio Ratio) []string {
		cells := append([]string{name}, p.cells()...)
		return append(cells, ratioText(ratio.P50), ratioText(ratio.P99))
	}
	return []Table{{
		Title: fmt.Sprintf("Round trip, two processes, %d-byte messages, %d round trips each", r.Ring.Payload, r.RTT.Samples),
		Head:  slices.Concat([]string{""}, percentileHead, []string{"p50 / limit", "p99 / limit"}),
		Rows: [][]string{
			row("limit: a word in a cache line", r.Limit, r.Limit.over(r.Limit)),
			row("the same, mapped read-only by who reads", r.Protected, r.Protected.over(r.Limit)),
			row("the same, with a pause between polls", r.Paused, r.Paused.over(r.Limit)),
			row("ring, no stamps", r.RTT, r.Ratio),
			row("ring, a stamp on every message", r.Every, r.EveryRatio),
		},
		Notes: []string{fmt.Sprintf("p50 / limit, no stamps, in %d rounds: median %.2f, %.2f to %.2f; over the ping-pong that pauses: p50 %.2f, p99 %.2f", r.Rounds.Rounds, r.Rounds.Median, r.Rounds.Least, r.Rounds.Most, r.PauseRatio.P50, r.PauseRatio.P99)},
	}}
}

func (r *RTTResult) Curves() []Curve {
	limit := r.Limit.Curve("limit: a word in a cache line")
	limit.Limit = true
	return []Curve{limit, r.RTT.Curve("ring"), r.Every.Curve("ring, stamps")}
}

// The ways a round trip goes, in turn.
const (
	viaLines = iota
	viaProtected
	viaPaused
	viaPlain
	viaStamped
	ways
)

// rttRound is how many round trips of each way a round has; warmUp come before them.
const (
	rttRound = 20_000
	warmUp   = 2_000
)

type echoParams struct {
	Dir, Lines string
	Capacity   uint64
}

// echoCommand: send back so many messages. The answer comes when that is done. The first of
// a way says what the subscriber is called, if it is to have a name.
type echoCommand struct {
	Way, N int
	Name   string `json:",omitempty"`
}

// words are the limits' ping-pongs, by way.
type words [viaPlain]*lines

func openWords(path string) (w words, err error) {
	if w[viaLines], err = openLines(path, lineSize); err != nil {
		return w, err
	}
	if w[viaProtected], err = openProtected(path + "-protected"); err != nil {
		w[viaLines].close()
		return w, err
	}
	if w[viaPaused], err = openLines(path+"-paused", lineSize); err != nil {
		w[viaLines].close()
		w[viaProtected].close()
		return w, err
	}
	w[viaPaused].pauses = true
	return w, nil
}

func (w words) close() {
	for _, l := range w {
		l.close()
	}
}

// rings of a round trip.
type pair struct {
	pub  *ring.Publisher
	sub  *ring.Subscriber
	gone *atomic.Bool // the other side is
}

func (p pair) close() {
	if p.pub != nil {
		p.pub.Close()
	}
	if p.sub != nil {
		p.sub.Close()
	}
}

var stampsOfWay = [ways]ring.Stamps{viaPlain: ring.StampNone, viaStamped: ring.StampEvery}

func ringOf(way int, to string) string { return to + "-" + stampsOfWay[way].String() }

// echo is the other process: it answers.
func echo(c *child) error {
	var p echoParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return err
	}
	words, err := openWords(p.Lines)
	if err != nil {
		return err
	}
	defer words.close()
	var pairs [ways]pair
	for way := viaPlain; way < ways; way++ {
		pairs[way].pub, err = ring.Create(ringOf(way, "pong"), ring.Config{Dir: p.Dir, Capacity: p.Capacity, Stamps: stampsOfWay[way]})
		if err != nil {
			return err
		}
		defer pairs[way].close()
	}
	if err := c.reply(nil); err != nil {
		return err
	}
	var cmd echoCommand
	for c.next(&cmd) {
		if cmd.Way < viaPlain {
			words[cmd.Way].pongs(cmd.N)
		} else if err := pairs[cmd.Way].echo(p.Dir, cmd); err != nil {
			return err
		}
		if err := c.reply(nil); err != nil {
			return err
		}
	}
	return nil
}

func (p *pair) echo(dir string, cmd echoCommand) (err error) {
	if p.sub == nil {
		p.sub, err = ring.Open(ringOf(cmd.Way, "ping"), ring.Options{Dir: dir, Name: cmd.Name, From: ring.FromOldest})
		if err != nil {
			return err
		}
	}
	for range cmd.N {
		m, st := p.sub.Next()
		for st == ring.Empty {
			m, st = p.sub.Next()
		}
		if st != ring.Message {
			return fmt.Errorf("ring %s: %v", p.sub.Name(), st)
		}
		if err := p.pub.Publish(0, m); err != nil {
			return err
		}
	}
	return nil
}

// roundTrips sends messages and waits for each, and stores how many ticks it took. It ends
// with errGone if the other side does.
func (p *pair) roundTrips(clock *tick.Clock, ticks []uint64) error {
	var msg [mem.LinePayload]byte
	for i := range ticks {
		binary.LittleEndian.PutUint64(msg[:], uint64(i))
		t := clock.Now()
		if err := p.pub.Publish(0, msg[:]); err != nil {
			return err
		}
		m, st := p.sub.Next()
		for polls := 1; st == ring.Empty; polls++ {
			if polls%askEvery == 0 && p.gone.Load() {
				return errGone
			}
			m, st = p.sub.Next()
		}
		ticks[i] = clock.Now() - t
		if st != ring.Message || binary.LittleEndian.Uint64(m) != uint64(i) {
			return fmt.Errorf("ring %s: %v, or not what was sent", p.sub.Name(), st)
		}
	}
	return nil
}

// RTT measures round trips. If ctx ends, the result is what there was until then.
func (s *Session) RTT(ctx context.Context, config RTT) (*RTTResult, error) {
	if config.Duration <= 0 {
		config.Duration = 4 * time.Second
	}
	r := &RTTResult{Run: s.run("rtt", "none and every")}
	if err := s.rtt(ctx, config, r); err != nil {
		return nil, fmt.Errorf("bench: rtt: %w", err)
	}
	s.finish(ctx, &r.Run)
	return r, nil
}

func (s *Session) rtt(ctx context.Context, config RTT, r *RTTResult) error {
	dir, err := s.subdir("rtt")
	if err != nil {
		return err
	}
	words, err := openWords(dir + "/lines")
	if err != nil {
		return err
	}
	defer words.close()
	var pairs [ways]pair
	for way := viaPlain; way < ways; way++ {
		pairs[way].pub, err = ring.Create(ringOf(way, "ping"), ring.Config{Dir: dir, Capacity: s.setup.Capacity, Stamps: stampsOfWay[way]})
		if err != nil {
			return err
		}
		defer func() { pairs[way].close() }()
	}
	o, err := s.start("echo", s.setup.CPUs[1], echoParams{Dir: dir, Lines: dir + "/lines", Capacity: s.setup.Capacity})
	if err != nil {
		return err
	}
	defer o.close()
	for _, l := range words {
		l.gone = &o.gone
	}
	for way := viaPlain; way < ways; way++ {
		pairs[way].gone = &o.gone
		if pairs[way].sub, err = ring.Open(ringOf(way, "pong"), ring.Options{Dir: dir}); err != nil {
			return err
		}
	}
	t, err := s.roundTrips(ctx, "round trips", config.Duration, o, ways, func(way int, ticks []uint64) error {
		if way < viaPlain {
			words[way].pingPong(&s.clock, ticks)
			return nil
		}
		return pairs[way].roundTrips(&s.clock, ticks)
	})
	if err != nil {
		return err
	}
	r.Limit, r.Protected, r.Paused = t.of(viaLines), t.of(viaProtected), t.of(viaPaused)
	r.RTT, r.Every = t.of(viaPlain), t.of(viaStamped)
	r.Ratio, r.EveryRatio = r.RTT.over(r.Limit), r.Every.over(r.Limit)
	r.PauseRatio = r.RTT.over(r.Paused)
	r.Rounds = t.ratios(viaPlain, viaLines)
	return nil
}
