package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/risk"
	"github.com/tickring/tickring/ring"
)

// Config says how a gateway works.
type Config struct {
	// Dir is the directory of rings. Empty: ring.DefaultDir.
	Dir string
	// Name of the gateway and its ring; Venue is the venue's. Both are needed.
	Name, Venue string
	// MarketData is a ring of DBN records (mbo, mbp-1, tbbo, trades) to hold prices against.
	// Empty: none, so that orders for which a market is needed are refused.
	MarketData string

	// Limits of strategies and instruments. Needed.
	Limits *risk.Limits

	// Capacity of the gateway's ring in bytes. 0: that of the ring that is there, or
	// ring.DefaultCapacity. A ring that is there with another capacity is an error: it is
	// the journal.
	Capacity  uint64
	Source    string // for people, see ring.Config
	HugePages bool

	// Standby waits until the ring has no publisher, in Open.
	Standby bool

	// Measure keeps latencies, which costs reading the clock with every input.
	Measure bool

	// Spikes records what takes at least that long, with its cause: latencies of requests in
	// the gateway's files on its inputs, which implies keeping those, and what holds up the
	// publisher of its own ring. 0: nothing.
	Spikes time.Duration

	// Wait is what to do between two looks that found nothing. nil: a ring.Backoff that
	// sleeps for at most 100 µs.
	Wait ring.WaitStrategy

	// Notify is told what a person should know: rings that come, go, or cannot be read. It
	// is called between two inputs.
	Notify func(string)

	// heartbeat is ring.Config.Heartbeat: tests that play a kill have no goroutine left.
	heartbeat time.Duration
}

func (c Config) check() error {
	if err := ring.CheckName(c.Name); err != nil {
		return err
	}
	if err := ring.CheckName(order.InputRing(c.Name, order.RingOperator)); err != nil {
		return err // a name of 54 characters leaves none for the inputs
	}
	if err := ring.CheckName(c.Venue); err != nil {
		return err
	}
	switch {
	case c.Name == c.Venue || c.MarketData == c.Name || c.MarketData == c.Venue:
		return fmt.Errorf("gateway: gateway, venue and market data are three rings, with a name each: %w", ring.ErrConfig)
	case c.Limits == nil:
		return errors.New("gateway: no limits")
	}
	return nil
}

// The errors of this package besides those of packages ring and order.
var (
	// ErrLost: an input of the gateway is gone, so its journal cannot be whole.
	ErrLost = errors.New("an input is lost")
	// ErrReplaced: the gateway's ring cannot be the one that the journal was in.
	ErrReplaced = errors.New("no journal to go on with")
)

// Counts are what a gateway has done since it was opened.
type Counts struct {
	Requests  uint64 // of strategies
	Forwarded uint64
	Refused   uint64
	ByText    [64]uint64 // the refused, by order.Text
	Reports   uint64     // of the venue: executions and refusals
	Illegal   uint64     // reports that did not fit and were not applied
	Commands  uint64     // of the operator
	Cancels   uint64     // by the gateway itself
	Sessions  uint64     // comings and goings
	Skipped   uint64     // inputs that a predecessor had judged already
	Checks    uint64     // checkpoints
	Market    uint64     // messages of market data
	Lapped    uint64     // times that market data was lost
	Held      uint64     // requests that waited for the venue's answers
	Full      uint64     // inputs that waited for the venue to read
}
