package replay

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Source hands out messages in order.
//
// A source may also have a method Consumed() int64, which tells how many bytes
// of its input it has used up; Progress and errors then say so too.
type Source interface {
	// Next returns the next message: the type it shall have in the sink, the
	// source's own time in ns (0 or math.MaxUint64: unknown), and the data,
	// which stays valid until the next call. At the end the error is io.EOF
	// itself, not wrapped. With an error there is no message.
	//
	// The results are not one struct because Go passes four values in
	// registers, and a struct of this size through memory, which costs 10 ns a
	// message.
	Next() (typ uint16, time uint64, data []byte, err error)
}

// Sink takes messages. It must not keep msg.
//
// A sink may also have a method RecordLate(time.Duration), which is told after each message
// of a paced replay how much later than due it left, as Result.Late has it.
type Sink interface {
	Publish(typ uint16, msg []byte) error
}

// The range of the lateness histogram, with 3 significant digits.
const (
	LateMin = 1 * time.Nanosecond
	LateMax = 60 * time.Second
)

// Result is what a replay did, up to its end or to the error that ended it.
type Result struct {
	Messages uint64        // published
	Bytes    uint64        // of message data published
	Duration time.Duration // from the call of Run to its end

	// The timestamps of the first and the last published message that have
	// one, ns; 0 if none has. Backward counts the messages whose timestamp was
	// earlier than one before them.
	FirstTime, LastTime uint64
	Backward            uint64

	// Late has, for each published message, the nanoseconds from when it was
	// due until Publish had returned. nil at maximum speed. A message later
	// than LateMax is recorded as LateMax and counted in LateOver too;
	// LateWorst is exact however late it was.
	Late      *hdrhistogram.Histogram
	LateOver  uint64
	LateWorst time.Duration
}

// checkEvery is the number of messages between two looks at the clock and the
// context at maximum speed: about 5 µs apart, and too rare to be measured.
const checkEvery = 256

// spinCheckEvery is the same for turns of the spin, of about 50 ns each.
const spinCheckEvery = 1024

// Run publishes every message of src to sink, paced as cfg says, until the
// source ends (the error is then nil), the source or the sink fails, a timestamp
// is too far ahead (ErrGap), or ctx is done. The error wraps theirs, and the
// Result counts in each case what was published before it. A message that the
// sink refused is not counted.
func Run(ctx context.Context, src Source, sink Sink, cfg Config) (Result, error) {
	if src == nil || sink == nil {
		return Result{}, fmt.Errorf("replay: %w: a source and a sink are needed", ErrConfig)
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Result{}, err
	}
	r := &runner{ctx: ctx, done: ctx.Done(), src: src, sink: sink, cfg: cfg}
	r.offset, _ = src.(interface{ Consumed() int64 })
	r.record, _ = sink.(interface{ RecordLate(time.Duration) })
	r.began = cfg.Clock.Now()
	r.nextReport = r.began + int64(cfg.ProgressEvery)

	if cfg.Speed == 0 && cfg.Rate == 0 {
		err = r.flatOut()
	} else {
		r.res.Late = hdrhistogram.New(int64(LateMin), int64(LateMax), 3)
		err = r.paced()
	}
	r.finish()
	return r.res, err
}

// runner is one Run.
type runner struct {
	ctx    context.Context
	done   <-chan struct{}
	src    Source
	sink   Sink
	cfg    Config
	offset interface{ Consumed() int64 }          // nil if the source does not say
	record interface{ RecordLate(time.Duration) } // nil if the sink does not want it

	began      int64
	nextReport int64
	times      timeline
	res        Result
}

// flatOut publishes at maximum speed.
func (r *runner) flatOut() error {
	src, sink := r.src, r.sink
	for {
		if err := r.check(r.cfg.Clock.Now()); err != nil {
			return err
		}
		for range checkEvery {
			typ, t, data, err := src.Next()
			if err != nil {
				return r.sourceError(err)
			}
			if err := sink.Publish(typ, data); err != nil {
				return r.sinkError(err)
			}
			r.res.Messages++
			r.res.Bytes += uint64(len(data))
			r.times.see(t)
		}
	}
}

// paced publishes each message when it is due.
func (r *runner) paced() error {
	clock := r.cfg.Clock
	s := schedule{speed: r.cfg.Speed, rate: r.cfg.Rate}
	now := r.began
	for n := uint64(0); ; n++ {
		if n%checkEvery == 0 {
			if err := r.check(now); err != nil {
				return err
			}
		}
		typ, t, data, err := r.src.Next()
		if err != nil {
			return r.sourceError(err)
		}
		if n == 0 {
			// Not before: opening and reading the source is not lateness.
			now = clock.Now()
			s.start = now
		}
		seen := r.times
		if s.speed != 0 && r.cfg.MaxGap >= 0 && seen.ahead(t) > uint64(r.cfg.MaxGap) {
			return r.gapError(seen.ahead(t))
		}
		seen.see(t)
		due := s.due(n, &seen)
		// now is a moment old; that it is past due is true all the same.
		if now < due {
			if err := r.wait(due); err != nil {
				return err
			}
		}
		if err := r.sink.Publish(typ, data); err != nil {
			return r.sinkError(err)
		}
		now = clock.Now()
		r.times = seen
		r.res.Messages++
		r.res.Bytes += uint64(len(data))
		r.late(now - due)
	}
}

// wait returns when the clock has reached due.
func (r *runner) wait(due int64) error {
	clock, spinWithin := r.cfg.Clock, int64(r.cfg.SpinWithin)
	for turn := 1; ; turn++ {
		now := clock.Now()
		left := due - now
		if left <= 0 {
			return nil
		}
		if left <= spinWithin {
			if turn%spinCheckEvery == 0 {
				if err := r.check(now); err != nil {
					return err
				}
			}
			continue
		}
		if err := r.check(now); err != nil {
			return err
		}
		nap := left - spinWithin
		if r.cfg.Progress != nil {
			nap = min(nap, r.nextReport-now)
		}
		clock.Sleep(time.Duration(nap), r.done)
	}
}

// late records that a message left ns nanoseconds after it was due.
func (r *runner) late(ns int64) {
	if r.record != nil {
		r.record.RecordLate(time.Duration(ns))
	}
	r.res.LateWorst = max(r.res.LateWorst, time.Duration(ns))
	if ns > int64(LateMax) {
		r.res.LateOver++
		ns = int64(LateMax)
	}
	// In range by now, so there is no error to see; the clock is monotonic, so
	// ns is not negative.
	_ = r.res.Late.RecordValue(ns)
}

// check looks at the context and reports progress when that is due.
func (r *runner) check(now int64) error {
	select {
	case <-r.done:
		return fmt.Errorf("replay: stopped after %d messages: %w", r.res.Messages, r.ctx.Err())
	default:
	}
	if r.cfg.Progress != nil && now >= r.nextReport {
		r.nextReport = now + int64(r.cfg.ProgressEvery)
		r.report(now, false)
	}
	return nil
}

func (r *runner) report(now int64, final bool) {
	r.cfg.Progress(Progress{
		Messages: r.res.Messages,
		Bytes:    r.res.Bytes,
		Elapsed:  time.Duration(now - r.began),
		Time:     r.times.last,
		Consumed: r.consumed(),
		Final:    final,
	})
}

func (r *runner) finish() {
	now := r.cfg.Clock.Now()
	r.res.Duration = time.Duration(now - r.began)
	r.res.FirstTime, r.res.LastTime = r.times.first, r.times.last
	r.res.Backward = r.times.backward
	if r.cfg.Progress != nil {
		r.report(now, true)
	}
}

// consumed is the source's offset, -1 if it has none to tell.
func (r *runner) consumed() int64 {
	if r.offset == nil {
		return -1
	}
	return r.offset.Consumed()
}

func (r *runner) sourceError(err error) error {
	if err == io.EOF {
		return nil
	}
	return fmt.Errorf("replay: read message %d%s: %w", r.res.Messages+1, r.where(), err)
}

func (r *runner) sinkError(err error) error {
	return fmt.Errorf("replay: publish message %d%s: %w", r.res.Messages+1, r.where(), err)
}

func (r *runner) gapError(ns uint64) error {
	return fmt.Errorf("replay: message %d%s is %.1f hours after the latest before it: %w: "+
		"check the file, or replay it at a fixed rate or at maximum speed; a larger Config.MaxGap (now %v) waits",
		r.res.Messages+1, r.where(), float64(ns)/float64(time.Hour), ErrGap, r.cfg.MaxGap)
}

// where is the position for an error's text.
func (r *runner) where() string {
	if at := r.consumed(); at >= 0 {
		return fmt.Sprintf(" (%d bytes into the source)", at)
	}
	return ""
}
