package bench

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tickring/tickring/internal/text"
)

// Latency says how one way is measured. The zero value is the right one.
type Latency struct {
	// Rates in messages a second, evenly spaced. nil: 10 k, 100 k, 1 M, 5 M, 10 M and
	// 20 M, which is a message every 50 ns.
	Rates []float64
	// Recording is a timing to repeat besides. nil: none.
	Recording *Recording
	Duration  time.Duration // 0: 12 s
}

// LatencyResult is how long messages of one line take from one process to another, which
// polls. It is an open loop: the publisher keeps a schedule, whatever became of the
// messages before. When it falls behind, it does not leave out or put off anything.
//
// All loads are measured with a subscriber of the default settings and, in turns, with one
// that never steps off (ring.Options.NoStepOff).
type LatencyResult struct {
	Run
	Limit Percentiles `json:"limit"` // half of a ping-pong of one word
	Loads []Load      `json:"loads"`
}

// Load is a way to space messages.
type Load struct {
	Name         string  `json:"name"`
	Asked        float64 `json:"asked_msgs_per_s"`
	Default      Paced   `json:"default"`
	NeverStepOff Paced   `json:"never_step_off"`
	// Of the response times of Default to those of NeverStepOff: of the whole run, and
	// piece by piece.
	Ratio    Ratio       `json:"ratio"`
	Rounds   RatioSpread `json:"ratio_rounds"` // of the p50
	Rounds99 RatioSpread `json:"ratio_rounds_p99"`
	// Of the transit times.
	TransitRatio Ratio `json:"transit_ratio"`
}

// Paced is how a load went.
type Paced struct {
	// Achieved is what the slower of both sides came to, from when the first message of
	// a piece was meant to be sent until the last one was: the median of the pieces.
	Achieved float64 `json:"achieved_msgs_per_s"`
	// Held: Achieved is at least 0.99 of what was asked for.
	Held bool `json:"held"`
	// WorstLag is how far the publisher was behind its schedule, in ns.
	WorstLag float64 `json:"worst_lag_ns"`
	// Response is from when a message was meant to be sent until it was read, Transit
	// from when it was, just before Publish.
	Response Delays `json:"response"`
	Transit  Delays `json:"transit"`
	// Of Response and Transit to Limit.
	ResponseRatio Ratio  `json:"response_to_limit"`
	TransitRatio  Ratio  `json:"transit_to_limit"`
	Published     uint64 `json:"published"`
	Delivered     uint64 `json:"delivered"`
	Lost          uint64 `json:"lost"`
	Pieces        int    `json:"pieces"` // of the load, that is how often it was its turn
}

// heldFrom is the part of the rate asked for from which on it was held.
const heldFrom = 0.99

// The load of bursts.
const (
	burstSize  = 8
	burstGap   = 50 * time.Nanosecond
	burstPause = 5 * time.Microsecond
)

var defaultRates = []float64{10e3, 100e3, 1e6, 5e6, 10e6, 20e6}

// roomFor is what a ring has to hold at least, in time, of what is asked for. A reader
// whose CPU is taken away for longer than that is lapped.
const roomFor = 100 * time.Microsecond

func (l *Latency) check(capacity uint64) error {
	for _, rate := range l.Rates {
		if math.IsNaN(rate) || rate < 1 || rate > 1e9 {
			return fmt.Errorf("%w: %g messages a second; from 1 to 1000000000 can be asked for", ErrConfig, rate)
		}
		if holds := holdsFor(capacity, rate); holds < float64(roomFor) {
			return fmt.Errorf("%w: one of %d KiB holds %s of %s; a subscriber that is interrupted once is lapped; take one of %d KiB at least",
				ErrTooSmall, capacity>>10, nsText(holds), text.PerSecond(rate), uint64(math.Exp2(math.Ceil(math.Log2(float64(capacity)*float64(roomFor)/holds))))>>10)
		}
	}
	return nil
}

// holdsFor is how many ns of such a rate a ring holds: it is cut into blocks, one of which
// may be overwritten at any time.
func holdsFor(capacity uint64, rate float64) float64 {
	return float64(capacity-capacity/64) / lineSize / rate * 1e9
}

func (r *LatencyResult) About() *Run { return &r.Run }

// Tables are the response times, the transit times, and what stepping off costs.
func (r *LatencyResult) Tables() []Table {
	response := Table{
		Title: fmt.Sprintf("One way, open loop, %d-byte messages: response time, from when a message was meant to be sent until it was read", r.Ring.Payload),
		Head:  slices.Concat([]string{"load", "subscriber", "achieved"}, percentileHead, []string{"p50 / limit", "messages", "lost"}),
	}
	transit := Table{
		Title: "Transit time, from just before Publish until the message was read",
		Head:  slices.Concat([]string{"load", "subscriber"}, percentileHead, []string{"p50 / limit", "negative", "most negative"}),
		Rows:  [][]string{slices.Concat([]string{"limit: half a ping-pong of one word", ""}, r.Limit.cells(), []string{ratioText(r.Limit.over(r.Limit).P50), "", ""})},
	}
	steps := Table{
		Title: "Default subscriber / one that never steps off",
		Head:  []string{"load", "response p50", "p99", "p50 by rounds: median", "least", "most", "p99 by rounds: median", "least", "most", "transit p50", "p99"},
	}
	for _, l := range r.Loads {
		for _, v := range []struct {
			name string
			p    *Paced
		}{{"default", &l.Default}, {"never steps off", &l.NeverStepOff}} {
			achieved := text.PerSecond(v.p.Achieved)
			if !v.p.Held && v.p.Pieces > 0 {
				achieved += " NOT HELD"
			}
			response.Rows = append(response.Rows, slices.Concat([]string{l.Name, v.name, achieved}, v.p.Response.cells(),
				[]string{ratioText(v.p.ResponseRatio.P50), fmt.Sprint(v.p.Published), fmt.Sprint(v.p.Lost)}))
			least := "-"
			if v.p.Transit.Negative > 0 {
				least = "-" + nsText(-v.p.Transit.MostNegative)
			}
			transit.Rows = append(transit.Rows, slices.Concat([]string{l.Name, v.name}, v.p.Transit.cells(),
				[]string{ratioText(v.p.TransitRatio.P50), fmt.Sprint(v.p.Transit.Negative), least}))
		}
		steps.Rows = append(steps.Rows, []string{
			l.Name, ratioText(l.Ratio.P50), ratioText(l.Ratio.P99),
			ratioText(l.Rounds.Median), ratioText(l.Rounds.Least), ratioText(l.Rounds.Most),
			ratioText(l.Rounds99.Median), ratioText(l.Rounds99.Least), ratioText(l.Rounds99.Most),
			ratioText(l.TransitRatio.P50), ratioText(l.TransitRatio.P99),
		})
	}
	return []Table{response, transit, steps}
}

// Curves are those of the default subscriber.
func (r *LatencyResult) Curves() []Curve {
	limit := r.Limit.Curve("limit: half a ping-pong")
	limit.Limit = true
	curves := []Curve{limit}
	for _, l := range r.Loads {
		transit := l.Default.Transit.Curve(l.Name)
		transit.Group = "transit"
		curves = append(curves, l.Default.Response.Curve(l.Name), transit)
	}
	return curves
}

// say adds the sentences that the figures of a load need.
func (r *LatencyResult) say(l *Load) {
	for _, v := range []struct {
		who string
		p   *Paced
	}{{"the default subscriber", &l.Default}, {"a subscriber that never steps off", &l.NeverStepOff}} {
		if v.p.Pieces > 0 && !v.p.Held {
			r.Notes = append(r.Notes, fmt.Sprintf("%s with %s was NOT HELD: %s of %s a second were achieved, and the publisher was at most %s behind its schedule, which the response times include.",
				l.Name, v.who, text.PerSecond(v.p.Achieved), text.PerSecond(l.Asked), nsText(v.p.WorstLag)))
		}
		if v.p.Lost > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s: %s was lapped and lost %d of %d messages: the ring of %d KiB holds %s of that rate, and the subscriber was once further behind.",
				l.Name, v.who, v.p.Lost, v.p.Published, r.Ring.Capacity>>10, nsText(holdsFor(r.Ring.Capacity, l.Asked))))
		}
	}
}
