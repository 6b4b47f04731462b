package replay

import (
	"errors"
	"fmt"
	"math"
	"time"
)

var (
	// ErrConfig says that a Config asks for something that cannot be done.
	ErrConfig = errors.New("invalid configuration")

	// ErrGap says that a timestamp is further ahead of those before it than
	// Config.MaxGap.
	ErrGap = errors.New("a gap in time too long to wait for")
)

// Values that stand for zero in a Config.
const (
	DefaultSpinWithin    = 2 * time.Millisecond
	DefaultProgressEvery = 250 * time.Millisecond

	// DefaultMaxGap is longer than exchanges close over a weekend with
	// holidays on both sides, so that only files of rare messages need more.
	DefaultMaxGap = 7 * 24 * time.Hour
)

// Config says how a replay is paced and watched. The zero Config replays at
// maximum speed and reports nothing.
type Config struct {
	// Speed is the factor on the source's own pace: 1 is as it was, 2 is twice
	// as fast, 0.5 half as fast. 0 does not pace by timestamps.
	Speed float64

	// Rate is a fixed number of messages per second, whatever their
	// timestamps. 0 does not pace by rate. Speed and Rate exclude each other;
	// with both 0 the replay runs at maximum speed.
	Rate float64

	// MaxGap is the longest time, in the source's own time, that a message may
	// be ahead of the latest before it when Speed paces the replay: one wrong
	// timestamp would hold up all that follow for years. Run then ends with
	// ErrGap. 0 means DefaultMaxGap; less than 0 sets no limit.
	MaxGap time.Duration

	// SpinWithin is how much of a wait's end is spent spinning; what is longer
	// sleeps first. It has to be larger than the lateness of a sleep, which is
	// about a millisecond in Go. 0 means DefaultSpinWithin; less than 0 never
	// sleeps.
	SpinWithin time.Duration

	// Progress, if set, is called on Run's goroutine: every ProgressEvery or a
	// little later (also during a wait, but not while the source or the sink
	// blocks), and once more, with Final set, before Run returns.
	Progress func(Progress)

	// ProgressEvery is the time between two reports. 0 means
	// DefaultProgressEvery.
	ProgressEvery time.Duration

	// Clock replaces the system's monotonic clock. nil means the system's.
	Clock Clock
}

// Progress is how far a replay has come.
type Progress struct {
	Messages uint64        // published
	Bytes    uint64        // of message data published
	Elapsed  time.Duration // since Run began
	Time     uint64        // timestamp of the newest message that has one, ns; else 0
	Consumed int64         // what the source says it has consumed; -1 if it does not say
	Final    bool          // the last report of this replay, however it ended
}

// withDefaults validates the Config and fills in what is zero.
func (c Config) withDefaults() (Config, error) {
	if err := factor("speed", c.Speed); err != nil {
		return c, err
	}
	if err := factor("rate", c.Rate); err != nil {
		return c, err
	}
	if c.Speed != 0 && c.Rate != 0 {
		return c, fmt.Errorf("replay: %w: speed %g and rate %g exclude each other: set one",
			ErrConfig, c.Speed, c.Rate)
	}
	if c.ProgressEvery < 0 {
		return c, fmt.Errorf("replay: %w: progress every %v: want a positive duration, or 0 for %v",
			ErrConfig, c.ProgressEvery, DefaultProgressEvery)
	}
	if c.ProgressEvery == 0 {
		c.ProgressEvery = DefaultProgressEvery
	}
	if c.MaxGap == 0 {
		c.MaxGap = DefaultMaxGap
	}
	switch {
	case c.SpinWithin == 0:
		c.SpinWithin = DefaultSpinWithin
	case c.SpinWithin < 0:
		c.SpinWithin = math.MaxInt64
	}
	if c.Clock == nil {
		c.Clock = newSystemClock()
	}
	return c, nil
}

func factor(name string, v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return fmt.Errorf("replay: %w: %s %g: want a finite number above 0, or 0 for none", ErrConfig, name, v)
	}
	return nil
}
