package ring

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Stamps says which messages carry the time of their publishing. Reading the clock
// is most of the price of a message.
type Stamps uint32

const (
	// StampDefault is what an existing ring has, and StampEvery for a new one.
	StampDefault Stamps = 0
	// StampEvery stamps every message; latencies can be measured.
	StampEvery Stamps = 1
	// StampNone stamps nothing.
	StampNone Stamps = 2
)

func (s Stamps) String() string {
	switch s {
	case StampDefault:
		return "default"
	case StampEvery:
		return "every"
	case StampNone:
		return "none"
	}
	return "unknown"
}

// Config says how a ring is made. The zero value is a good ring.
type Config struct {
	// Dir is the directory of rings. Empty: [DefaultDir].
	Dir string

	// Capacity is the ring's size in bytes of frames: a power of two from 256 KiB to
	// 1 TiB. A message takes its length and 8 bytes, rounded up to 64. 0: 64 MiB, or
	// what an existing ring has.
	Capacity uint64

	// MaxMessage is the largest message in bytes, at most [MaxMessage] and at most
	// Capacity/64 - 8. 0: as large as Capacity allows, or what an existing ring has.
	MaxMessage int

	// Stamps is which messages carry their publish time. 0: StampDefault.
	Stamps Stamps

	// Schema names what the messages are, for subscribers to check: at most 32
	// bytes. SchemaHash identifies their layout. Empty and 0: unknown, or what an
	// existing ring has.
	Schema     string
	SchemaHash uint64

	// Source says where the messages come from, for people: at most 64 bytes. Empty:
	// unknown, or what an existing ring has.
	Source string

	// Heartbeat is how often a goroutine of the publisher tells that it lives, by
	// which the others tell a quiet publisher from a hung one. 0: 100 ms. Negative:
	// no goroutine; call [Publisher.Beat].
	Heartbeat time.Duration

	// Poll is how often [Standby] asks whether the ring has lost its publisher, which
	// costs some system calls. At most 1 s. 0: 1 ms.
	Poll time.Duration

	// Waker starts a thread beside the publisher that wakes subscribers who sleep (see
	// [Sleeper]), until Close. It follows the ring as a subscriber does, and costs as
	// much. What it does between two looks is WakerWait, as in WakerOptions.
	// Wakers that outlive the publisher are processes: [Waker].
	Waker     bool
	WakerWait WaitStrategy

	// Group lets the group of the directory read the ring and have subscribers on
	// it, who name this user as Options.Owner. False: only this user. Modes of what is there already stay as they are.
	Group bool

	// Gates are subscribers that the publisher waits for, from the first message of a new
	// ring on and from now on in one that exists. The gates that a ring has stay its
	// gates, named here or not. See [Gate] and [Publisher.AddGate].
	Gates []Gate

	// OnLag is called when a gate begins to hold the publisher, OnDemote when one is let
	// go, demoted or dropped; both within the Publish that finds it out, or RemoveGate. They
	// must not use the publisher.
	OnLag, OnDemote func(GateLag)

	// Spikes records what takes at least that long, and what happened to the thread
	// meanwhile, in a file of the publisher's own that others can read ([Stat]): from Claim to Commit,
	// being held by a gate, and being late ([Publisher.RecordLate]). A goroutine looks at
	// the thread every 10 ms, from the one that calls Create on. 0: nothing is recorded.
	Spikes time.Duration

	// NoPrefault leaves the pages of the mapping to be mapped at first use, which
	// opens large rings sooner and makes the first lap slower.
	NoPrefault bool

	// HugePages asks for huge pages. Where there are none the ring works without. With
	// them the kernel takes a dead publisher down, and a standby goes on, in a time that
	// does not grow with the ring.
	HugePages bool

	// Mlock locks the mapping in memory. It fails where RLIMIT_MEMLOCK is too low.
	Mlock bool
}

// DefaultCapacity is that of a Config with none, in bytes.
const DefaultCapacity = 64 << 20

const (
	defaultHeartbeat = 100 * time.Millisecond
	defaultPoll      = time.Millisecond
)

func (c *Config) check() error {
	switch {
	case c.MaxMessage < 0:
		return fmt.Errorf("%w: MaxMessage %d is negative", ErrConfig, c.MaxMessage)
	case c.Stamps > StampNone:
		return fmt.Errorf("%w: Stamps %d is none of the policies", ErrConfig, c.Stamps)
	case len(c.Schema) > len(header{}.schema), strings.ContainsRune(c.Schema, 0):
		return fmt.Errorf("%w: schema %q is longer than %d bytes or has a zero byte", ErrConfig, c.Schema, len(header{}.schema))
	case len(c.Source) > len(header{}.source), strings.ContainsRune(c.Source, 0):
		return fmt.Errorf("%w: source %q is longer than %d bytes or has a zero byte", ErrConfig, c.Source, len(header{}.source))
	case c.Heartbeat > 0 && c.Heartbeat < time.Millisecond, c.Heartbeat > time.Hour:
		return fmt.Errorf("%w: a heartbeat every %v is not between 1 ms and 1 h", ErrConfig, c.Heartbeat)
	case c.Spikes < 0:
		return fmt.Errorf("%w: Spikes %v is negative", ErrConfig, c.Spikes)
	case c.Poll < 0, c.Poll > time.Second:
		return fmt.Errorf("%w: polling every %v is not between 0 and 1 s", ErrConfig, c.Poll)
	}
	for i, g := range c.Gates {
		if err := g.check(); err != nil {
			return err
		}
		if slices.ContainsFunc(c.Gates[:i], func(o Gate) bool { return o.Name == g.Name }) {
			return fmt.Errorf("%w: gate %q is named twice", ErrConfig, g.Name)
		}
	}
	if len(c.Gates) > maxGates {
		return fmt.Errorf("%w: %d gates are more than the %d that a ring can have", ErrConfig, len(c.Gates), maxGates)
	}
	if c.Capacity == 0 {
		return nil // that of a ring that may be there
	}
	_, err := newGeometry(c.Capacity, uint64(c.MaxMessage))
	return err
}

func (c *Config) pollEvery() time.Duration {
	if c.Poll == 0 {
		return defaultPoll
	}
	return c.Poll
}

func (c *Config) beatEvery() time.Duration {
	switch {
	case c.Heartbeat < 0:
		return 0
	case c.Heartbeat == 0:
		return defaultHeartbeat
	}
	return c.Heartbeat
}

// From says where a subscriber begins.
type From uint8

const (
	// FromCursor: where the subscriber of this name was, and so nothing is missed;
	// what has left the ring meanwhile is a gap. FromLatest for a new name, and for
	// a subscriber without one, unless Options.New says otherwise. The default.
	FromCursor From = iota
	// FromLatest: the next message that is published.
	FromLatest
	// FromOldest: the oldest message in the ring. While the ring has a publisher, a
	// block behind it, to have some time before it is overwritten.
	FromOldest
	// FromSeq: the message with number Options.Seq. If it has left the ring, what is
	// missing is a gap; if it is yet to come, the ones before are skipped.
	FromSeq
	// FromMark: the message that begins the last snapshot ([Publisher.PublishMark]). As
	// FromOldest if there is none in the ring.
	FromMark
)

// Rejoin says where a subscriber goes on that was lapped. What lies between is lost. A
// gate is lapped only in what was published before it became one, and loses no more
// than that.
type Rejoin uint8

const (
	// RejoinOldest: with the oldest messages that are an eighth of the ring away from
	// being overwritten. The default: it loses the least.
	RejoinOldest Rejoin = iota
	// RejoinMiddle: in the middle of the ring.
	RejoinMiddle
	// RejoinNewest: with the block that the publisher is in.
	RejoinNewest
	// RejoinMark: with the last snapshot mark, as RejoinOldest if that was read
	// already or has left the ring.
	RejoinMark
)

// Options says how a subscriber joins a ring.
type Options struct {
	// Dir is the directory of rings. Empty: [DefaultDir].
	Dir string

	// Name makes a named subscriber: it has a file with its cursor, counters and
	// histogram, which others can look at, and which outlives it. A name has one
	// owner at a time. Empty: a pure reader, which leaves no trace.
	Name string

	// Ephemeral removes the file of a named subscriber when it closes.
	Ephemeral bool

	// Owner is a user whose rings are trusted besides one's own and root's: the
	// publisher's uid on a host that is shared. 0: nobody.
	Owner uint32

	// From is where to begin. 0: FromCursor.
	From From
	// Seq is the first message for FromSeq.
	Seq uint64
	// New is where FromCursor begins without a cursor: under a new name, or none. A gate
	// always has one. 0: FromLatest.
	New From

	// Rejoin is where to go on after an overrun. 0: RejoinOldest.
	Rejoin Rejoin

	// NoHistogram leaves latencies unmeasured, which saves reading the clock with
	// every message.
	NoHistogram bool

	// Spikes records latencies of at least that, and what happened to the thread meanwhile,
	// in the subscriber's file, for others to read ([Stat], [Subscriber.Info]): for named
	// subscribers of rings with stamps that measure latencies. What is faster costs nothing. A
	// goroutine looks at the thread every 10 ms, from the one that calls Open on, so the
	// process needs a second core that Go may use (GOMAXPROCS). 0: none are recorded.
	Spikes time.Duration

	// NoStepOff keeps polling a publisher that is only just ahead. By default a
	// subscriber that has caught up with a steady stream leaves the publisher's
	// cache line alone for about a microsecond, which lets both run faster.
	NoStepOff bool

	// NoPrefault, HugePages, Mlock: as in [Config].
	NoPrefault bool
	HugePages  bool
	Mlock      bool
}

func (o *Options) check() error {
	switch {
	case o.From > FromMark:
		return fmt.Errorf("%w: From %d is none of the places to begin", ErrConfig, o.From)
	case o.New > FromMark:
		return fmt.Errorf("%w: New %d is none of the places to begin", ErrConfig, o.New)
	case o.Rejoin > RejoinMark:
		return fmt.Errorf("%w: Rejoin %d is none of the places to go on", ErrConfig, o.Rejoin)
	case o.Spikes < 0:
		return fmt.Errorf("%w: Spikes %v is negative", ErrConfig, o.Spikes)
	case o.Spikes > 0 && (o.Name == "" || o.NoHistogram):
		return fmt.Errorf("%w: Spikes is for named subscribers that measure latencies", ErrConfig)
	case o.Ephemeral && o.Name == "":
		return fmt.Errorf("%w: Ephemeral is for named subscribers", ErrConfig)
	}
	return nil
}
