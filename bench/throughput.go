package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

// Throughput says how streams are measured. The zero value is the right one.
type Throughput struct {
	Duration time.Duration // 0: 6 s
}

// ThroughputResult is the rate at which messages of one line go from one process to
// another. The subscriber is a gate, so none can be lost: the publisher waits where it is
// too far behind. Limit is the same with lines of memory that carry a number.
//
// A rate is that of the reader, from its first message to its last; in several rounds it
// is the median.
type ThroughputResult struct {
	Run
	Limit     float64  `json:"limit_msgs_per_s"`
	Rate      float64  `json:"msgs_per_s"` // no stamps, one Publish each
	Delivered uint64   `json:"delivered"`  // of all streams
	Lost      uint64   `json:"lost"`
	Payload   int      `json:"payload_bytes"`
	Ratio     float64  `json:"ratio"` // of Rate to Limit: the median of the rounds' ratios
	Streams   []Stream `json:"streams"`
}

// Stream is one way to stream.
type Stream struct {
	Name      string      `json:"name"`
	Stamps    string      `json:"stamps"`
	Histogram bool        `json:"histogram"`
	Rate      float64     `json:"msgs_per_s"`
	Ratio     RatioSpread `json:"ratio"` // to the limit, round by round
	Publisher float64     `json:"publisher_msgs_per_s"`
	Delivered uint64      `json:"delivered"`
	Lost      uint64      `json:"lost"`
}

func (r *ThroughputResult) About() *Run     { return &r.Run }
func (r *ThroughputResult) Curves() []Curve { return nil }

func (r *ThroughputResult) Tables() []Table {
	t := Table{
		Title: fmt.Sprintf("Stream, one publisher, one subscriber that the publisher waits for, %d-byte messages", r.Payload),
		Head:  []string{"", "delivered", "/ limit", "least", "most", "publisher", "messages", "lost"},
		Rows:  [][]string{{"limit: lines of memory", text.PerSecond(r.Limit), "1.00", "", "", "", "", ""}},
	}
	for _, s := range r.Streams {
		t.Rows = append(t.Rows, []string{
			s.Name, text.PerSecond(s.Rate), ratioText(s.Ratio.Median), ratioText(s.Ratio.Least), ratioText(s.Ratio.Most),
			text.PerSecond(s.Publisher), fmt.Sprint(s.Delivered), fmt.Sprint(s.Lost),
		})
	}
	return []Table{t}
}

// streams are what one run compares, in the order of a round.
var streams = [...]struct {
	name      string
	form      form
	stamps    ring.Stamps
	histogram bool
}{
	{"no stamps", formOne, ring.StampNone, false},
	{"no stamps, PublishBatch and NextBatch", formBatch, ring.StampNone, false},
	{"no stamps, typed", formTyped, ring.StampNone, false},
	{"no stamps, typed, PublishBatch and NextBatch", formTypedBatch, ring.StampNone, false},
	{"a stamp on every message", formOne, ring.StampEvery, false},
	{"a stamp on every message, a histogram record on every read", formOne, ring.StampEvery, true},
}

// streamRound is how many messages of each stream a round has: a multiple of batchSize.
const streamRound = 1 << 21

const sinkName = "sink"

// Throughput measures streams. If ctx ends, the result is what there was until then.
func (s *Session) Throughput(ctx context.Context, config Throughput) (*ThroughputResult, error) {
	if config.Duration <= 0 {
		config.Duration = 6 * time.Second
	}
	r := &ThroughputResult{Run: s.run("throughput", "none and every"), Payload: mem.LinePayload}
	r.Ring.Subscriber = "a gate"
	if err := s.throughput(ctx, config, r); err != nil {
		return nil, fmt.Errorf("bench: throughput: %w", err)
	}
	s.finish(ctx, &r.Run)
	return r, nil
}

func (s *Session) throughput(ctx context.Context, config Throughput, r *ThroughputResult) error {
	dir, err := s.subdir("throughput")
	if err != nil {
		return err
	}
	l, err := openLines(dir+"/lines", r.Ring.Capacity)
	if err != nil {
		return err
	}
	defer l.close()
	pubs := map[ring.Stamps]*ring.Publisher{}
	for _, stamps := range []ring.Stamps{ring.StampNone, ring.StampEvery} {
		p, err := ring.Create(stamps.String(), ring.Config{Dir: dir, Capacity: s.setup.Capacity, Stamps: stamps, Gates: []ring.Gate{{Name: sinkName}}})
		if err != nil {
			return err
		}
		defer p.Close()
		pubs[stamps] = p
	}
	o, err := s.start("sink", s.setup.CPUs[1], sinkParams{Dir: dir, Lines: dir + "/lines", Bytes: r.Ring.Capacity})
	if err != nil {
		return err
	}
	defer o.close()
	l.gone = &o.gone
	n := inRound(streamRound, config.Duration)
	var limits []float64
	rates, publishers, ratios := [len(streams)][]float64{}, [len(streams)][]float64{}, [len(streams)][]float64{}
	r.Streams = make([]Stream, len(streams))
	for until := time.Now().Add(config.Duration); time.Now().Before(until) && ctx.Err() == nil; {
		s.progress("streams", int(config.Duration-time.Until(until)), int(config.Duration))
		limit, _, err := s.stream(o, sinkCommand{N: n}, func(n int) error {
			var msg [mem.LineWords]uint64
			l.write(n, &msg)
			return nil
		})
		if err != nil {
			return err
		}
		limits = append(limits, limit.rate())
		for i, v := range streams {
			write, err := writer(pubs[v.stamps], v.form, &o.gone)
			if err != nil {
				return err
			}
			got, rate, err := s.stream(o, sinkCommand{Ring: v.stamps.String(), Name: sinkName, Form: v.form, Histogram: v.histogram, N: n}, write)
			if err != nil {
				return err
			}
			if got.Delivered+got.Lost != uint64(n) || got.Wrong != 0 {
				return fmt.Errorf("%s: published %d, delivered %d of which %d wrong, lost %d: this must not be", v.name, n, got.Delivered, got.Wrong, got.Lost)
			}
			rates[i] = append(rates[i], got.rate())
			publishers[i] = append(publishers[i], rate)
			ratios[i] = append(ratios[i], got.rate()/limit.rate())
			r.Streams[i].Delivered += got.Delivered
			r.Streams[i].Lost += got.Lost
		}
	}
	if len(limits) == 0 {
		return nil
	}
	r.Limit = median(limits)
	for i, v := range streams {
		st := &r.Streams[i]
		st.Name, st.Stamps, st.Histogram = v.name, v.stamps.String(), v.histogram
		st.Rate, st.Publisher, st.Ratio = median(rates[i]), median(publishers[i]), spreadOf(ratios[i])
		r.Delivered += st.Delivered
		r.Lost += st.Lost
	}
	r.Rate, r.Ratio = r.Streams[0].Rate, r.Streams[0].Ratio.Median
	return nil
}

// stream lets the other process read what write writes, and returns what it read and the
// writer's rate.
func (s *Session) stream(o *other, cmd sinkCommand, write func(n int) error) (got sinkReport, rate float64, err error) {
	if err := o.send(cmd); err != nil {
		return got, 0, err
	}
	if err := o.receive(nil); err != nil {
		return got, 0, err
	}
	var took time.Duration
	err = affinity.On(s.setup.CPUs[0], func() error {
		began := time.Now()
		err := write(cmd.N)
		took = time.Since(began)
		return err
	})
	if err != nil && !errors.Is(err, errGone) { // of which receive knows more
		return got, 0, err
	}
	return got, float64(cmd.N) / took.Seconds(), o.receive(&got)
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
