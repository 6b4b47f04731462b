package synth

import (
	"errors"
	"fmt"
	"time"
)

// ErrConfig says that a Config asks for a session that cannot be made.
var ErrConfig = errors.New("invalid configuration")

// Values that stand for zero in a Config, and limits.
const (
	DefaultMessages    = 1_000_000
	DefaultInstruments = 100
	DefaultBurst       = 16
	DefaultBegin       = 9*time.Hour + 30*time.Minute

	// DefaultPace is the mean number of messages per second of a session with
	// no End: that of a busy day of the whole market.
	DefaultPace = 20_000

	MaxInstruments = 20_000
	MaxBurst       = 100_000

	// The hours of the exchange, since midnight in New York.
	FirstTime = 4 * time.Hour
	LastTime  = 20 * time.Hour
)

// Config describes a session. Two sessions of one Config are the same, byte for
// byte. The zero Config is a session of a million messages.
type Config struct {
	// Messages is the number of messages in all, the system events and the
	// directory included, the end marker not. 0 means DefaultMessages. The
	// least that is possible is 6 and 2 for each instrument.
	Messages int

	// Seed selects one of the sessions that the rest describes. 0 is a seed
	// like any other.
	Seed uint64

	// Instruments is the number of stocks. 0 means DefaultInstruments, or a
	// fiftieth of Messages if that is fewer.
	Instruments int

	// Burst is about the mean number of messages in a burst. 0 means
	// DefaultBurst. With 1 there are none: every message comes on its own, but
	// for the executions of one aggressive order, which share their time.
	Burst int

	// Begin and End are the times of the first and the last message since
	// midnight, within FirstTime and LastTime. Begin 0 means DefaultBegin; End 0
	// means as long after Begin as DefaultPace needs, but not after LastTime.
	Begin, End time.Duration
}

// mandatory is how many messages a session has beside its order flow.
func mandatory(instruments int) int { return 6 + 2*instruments }

// withDefaults validates the Config and fills in what is zero.
func (c Config) withDefaults() (Config, error) {
	if c.Messages == 0 {
		c.Messages = DefaultMessages
	}
	if c.Messages < mandatory(1) {
		return c, fmt.Errorf("synth: %w: %d messages: want at least %d", ErrConfig, c.Messages, mandatory(1))
	}
	if c.Instruments == 0 {
		c.Instruments = max(1, min(DefaultInstruments, c.Messages/50))
	}
	if c.Instruments < 1 || c.Instruments > MaxInstruments {
		return c, fmt.Errorf("synth: %w: %d instruments: want 1 to %d", ErrConfig, c.Instruments, MaxInstruments)
	}
	if least := mandatory(c.Instruments); c.Messages < least {
		return c, fmt.Errorf("synth: %w: %d messages are too few for %d instruments: want at least %d",
			ErrConfig, c.Messages, c.Instruments, least)
	}
	if c.Burst == 0 {
		c.Burst = DefaultBurst
	}
	if c.Burst < 1 || c.Burst > MaxBurst {
		return c, fmt.Errorf("synth: %w: bursts of %d messages: want 1 to %d", ErrConfig, c.Burst, MaxBurst)
	}
	return c.withTimes()
}

func (c Config) withTimes() (Config, error) {
	if c.Begin == 0 {
		c.Begin = DefaultBegin
	}
	if c.Begin < FirstTime || c.Begin >= LastTime {
		return c, fmt.Errorf("synth: %w: begin %v after midnight: want %v or later, and before %v",
			ErrConfig, c.Begin, FirstTime, LastTime)
	}
	if c.End == 0 {
		c.End = LastTime
		// Compared as a quotient: the product could overflow.
		if room := LastTime - c.Begin; c.Messages/DefaultPace < int(room/time.Second) {
			c.End = c.Begin + time.Duration(c.Messages)*(time.Second/DefaultPace)
		}
	}
	if c.End <= c.Begin || c.End > LastTime {
		return c, fmt.Errorf("synth: %w: end %v after midnight: want later than the begin, %v, and no later than %v",
			ErrConfig, c.End, c.Begin, LastTime)
	}
	return c, nil
}
