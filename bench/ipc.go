package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/text"
)

// IPC says how the operating system's ways are measured. The zero value is the right one.
type IPC struct {
	Duration time.Duration // of all ways together. 0: 8 s
}

// IPCResult compares the ways in which a message of one line can go from one process to
// another: the raw cache line, the ring, and what the operating system has. All do the same
// work in turns: round trips with one message in flight, and streams that lose nothing.
//
// The system's ways block in the kernel, in plain system calls of threads that are pinned
// and locked, past Go's poller, which would only add to them. A stream has a call for each
// message that is written; its reader takes what there is, up to 64 KiB, where the way
// allows that.
type IPCResult struct {
	Run
	Ways []IPCWay `json:"ways"` // the limit and the ring first
}

// IPCWay is what one way allows. All figures are 0 if it was skipped.
type IPCWay struct {
	Name      string      `json:"name"`
	How       string      `json:"how"`
	Skipped   string      `json:"skipped,omitempty"` // why the way is not to be had here
	RTT       Percentiles `json:"rtt"`
	Ratio     Ratio       `json:"ratio"`      // of its round trip to that of the limit
	RingRatio Ratio       `json:"ratio_ring"` // to that of the ring
	// Rate is that of the reader of a stream; in several rounds it is the median. RateRatio
	// and RingRateRatio are what it is of the rates of the limit and the ring.
	Rate          float64 `json:"msgs_per_s"`
	RateRatio     float64 `json:"rate_ratio"`
	RingRateRatio float64 `json:"rate_ratio_ring"`
	Delivered     uint64  `json:"delivered"` // of all streams, whole and in order
}

// The first of the ways.
const (
	limitWay = "limit: the cache line"
	ringWay  = "ring"
)

func (r *IPCResult) About() *Run { return &r.Run }

func (r *IPCResult) Tables() []Table {
	trips := Table{
		Title: fmt.Sprintf("Round trip, %d-byte messages, one in flight", r.Ring.Payload),
		Head:  slices.Concat([]string{""}, percentileHead, []string{"p50 / limit", "p50 / ring", "samples"}),
	}
	streams := Table{
		Title: fmt.Sprintf("Stream, %d-byte messages, nothing lost", r.Ring.Payload),
		Head:  []string{"", "delivered", "/ limit", "ring / this"},
	}
	for _, w := range r.Ways {
		if w.Skipped != "" {
			trips.Notes = append(trips.Notes, fmt.Sprintf("%s: skipped: %s", w.Name, w.Skipped))
			continue
		}
		trips.Rows = append(trips.Rows, slices.Concat([]string{w.Name}, w.RTT.cells(),
			[]string{ratioText(w.Ratio.P50), ratioText(w.RingRatio.P50), fmt.Sprint(w.RTT.Samples)}))
		streams.Rows = append(streams.Rows, []string{w.Name, text.PerSecond(w.Rate), shareText(w.RateRatio), ratioText(inverse(w.RingRateRatio))})
	}
	return []Table{trips, streams}
}

// shareText is a ratio that may be far below 1.
func shareText(r float64) string {
	if r == 0 {
		return "-"
	}
	return fmt.Sprintf("%.4f", r)
}

func inverse(r float64) float64 {
	if r == 0 {
		return 0
	}
	return 1 / r
}

func (r *IPCResult) Curves() []Curve {
	var curves []Curve
	for _, w := range r.Ways {
		if w.RTT.Samples == 0 {
			continue
		}
		c := w.RTT.Curve(w.Name)
		c.Limit = w.Name == limitWay
		curves = append(curves, c)
	}
	return curves
}

// IPC compares the ring with the operating system's ways. A way that this system does not
// have, or refuses, is skipped and says why. If ctx ends, the result is what there was until
// then.
func (s *Session) IPC(ctx context.Context, config IPC) (*IPCResult, error) {
	return s.ipcOf(ctx, config, osWays())
}

// ipcOf is IPC with other ways of the system. Those that other processes join are found
// there by name.
func (s *Session) ipcOf(ctx context.Context, config IPC, ways []way) (*IPCResult, error) {
	if config.Duration <= 0 {
		config.Duration = 8 * time.Second
	}
	r := &IPCResult{Run: s.run("ipc", "none")}
	r.Ring.Subscriber = "defaults; of streams, a gate"
	if err := s.ipc(ctx, config, ways, r); err != nil {
		return nil, fmt.Errorf("bench: ipc: %w", err)
	}
	s.finish(ctx, &r.Run)
	return r, nil
}

func (s *Session) ipc(ctx context.Context, config IPC, ways []way, r *IPCResult) error {
	dir, err := s.subdir("ipc")
	if err != nil {
		return err
	}
	runs, err := s.openWays(dir, r.Ring.Capacity, ways)
	defer func() {
		for _, w := range runs {
			w.close()
		}
	}()
	if err != nil {
		return err
	}
	turn := min(max(config.Duration/time.Duration(2*8*len(runs)), time.Millisecond), maxTurn)
	until := time.Now().Add(config.Duration)
	for round := 0; (round == 0 || time.Now().Before(until)) && ctx.Err() == nil; round++ {
		s.progress("ways", int(config.Duration-time.Until(until)), int(config.Duration))
		for _, w := range runs {
			if ctx.Err() != nil {
				break
			}
			if err := s.measure(w, turn); err != nil {
				return fmt.Errorf("%s: %w", w.Name, err)
			}
		}
	}
	for _, w := range runs {
		w.sum()
	}
	limit, ring := runs[0].IPCWay, runs[1].IPCWay
	for _, w := range runs {
		w.Ratio, w.RingRatio = w.RTT.over(limit.RTT), w.RTT.over(ring.RTT)
		if limit.Rate != 0 && ring.Rate != 0 {
			w.RateRatio, w.RingRateRatio = w.Rate/limit.Rate, w.Rate/ring.Rate
		}
		r.Ways = append(r.Ways, w.IPCWay)
	}
	return nil
}

// maxTurn is how long a way may go on until it is the next one's turn, about.
const maxTurn = 20 * time.Millisecond

// wayRun is a way while it is measured.
type wayRun struct {
	IPCWay
	near  near
	far   far
	trips counts // round trips of a turn
	msgs  counts // messages of a turn's stream
	rtt   *dist
	rates []float64
}

// counts are how many there are of something in the next turn, and may be.
type counts struct{ next, least, most int }

// adapt chooses the next number by how long the last one took.
func (c *counts) adapt(took, turn time.Duration) {
	want := float64(c.next) * float64(turn) / float64(max(took, time.Microsecond))
	c.next = int(min(max(want, float64(c.least)), float64(c.most), float64(c.next)*8))
}

func (w *wayRun) close() {
	if w.far != nil {
		w.far.stop()
	}
	if w.near != nil {
		w.near.close()
	}
}

func (w *wayRun) sum() {
	if w.Skipped != "" {
		return
	}
	w.RTT = w.rtt.sum()
	if len(w.rates) > 0 {
		w.Rate = median(w.rates)
	}
}

// measure lets a way have its turn: round trips, then a stream.
func (s *Session) measure(w *wayRun, turn time.Duration) error {
	if w.Skipped != "" {
		return nil
	}
	warm := w.trips.next / 10
	ticks := make([]uint64, warm+w.trips.next)
	wrong := 0
	began := time.Now()
	back, err := s.both(w, farCommand{Way: w.Name, N: len(ticks)}, func() (err error) {
		wrong, err = w.near.roundTrips(&s.clock, ticks)
		return err
	})
	if err != nil {
		return err
	}
	if wrong != 0 || back.Wrong != 0 {
		return fmt.Errorf("of %d round trips %d brought back something else, and %d messages were not those that were due: this must not be", len(ticks), wrong, back.Wrong)
	}
	for _, t := range ticks[warm:] {
		w.rtt.record(s.scale.Ns(t))
	}
	w.trips.adapt(time.Since(began), turn)

	began = time.Now()
	n := w.msgs.next
	got, err := s.both(w, farCommand{Way: w.Name, Stream: true, N: n}, func() error { return w.near.write(n) })
	if err != nil {
		return err
	}
	if got.Delivered != uint64(n) || got.Wrong != 0 || got.Lost != 0 {
		return fmt.Errorf("sent %d, delivered %d of which %d were not those that were due, lost %d: this must not be", n, got.Delivered, got.Wrong, got.Lost)
	}
	w.rates = append(w.rates, got.rate())
	w.Delivered += got.Delivered
	w.msgs.adapt(time.Since(began), turn)
	return nil
}

// both lets the far side do what the command says, and this one do, and waits for both. If
// one of them fails the other is not left waiting.
func (s *Session) both(w *wayRun, cmd farCommand, do func() error) (r sinkReport, err error) {
	if err := w.far.begin(cmd); err != nil {
		return r, err
	}
	done := make(chan error, 1)
	go func() {
		err := affinity.On(s.setup.CPUs[0], do)
		if err != nil {
			w.far.stop()
		}
		done <- err
	}()
	err = w.far.end(&r)
	if err == nil {
		return r, <-done
	}
	w.near.hangUp()
	if here := <-done; here != nil && !errors.Is(here, errGone) {
		return r, here
	}
	return r, err
}

// The first turns are short: nobody knows yet how fast a way is.
func osCounts() (trips, msgs counts) {
	return counts{200, 100, rttRound}, counts{2000, 1000, 1 << 19}
}

// ringCounts are those of the limit and the ring, whose streams begin with unTimed messages.
func ringCounts() (trips, msgs counts) {
	return counts{1000, 1000, rttRound}, counts{1 << 15, 1 << 15, streamRound}
}
