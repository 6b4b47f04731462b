package venue

import (
	"errors"
	"fmt"
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

var (
	// ErrConfig: a Config that no runner can have.
	ErrConfig = errors.New("invalid configuration")
	// ErrReports: the venue did not answer a request, or reported more than there was room for.
	ErrReports = errors.New("the venue broke its contract")
	// ErrLost: requests that the gateway has sent, or reports that it has not read, are missing.
	ErrLost = errors.New("messages are lost")
	// ErrNoGate: the gateway's ring does not wait for this venue.
	ErrNoGate = errors.New("the gateway's ring does not wait for this venue")
)

// Config says between which rings a venue stands.
type Config struct {
	// Dir is the directory of rings. Empty: ring.DefaultDir.
	Dir string
	// Name of the venue: of its ring, and of the gate that it is on the gateway's.
	Name string
	// Gateway is the name of the gateway's ring, which may be yet to come.
	Gateway string

	// Capacity of the venue's ring in bytes, at least 1 MiB. 0: 8 MiB, or what the ring has.
	Capacity uint64
	// Source says what the venue is, for people who look at its ring.
	Source string
	// Patience is how long a ring may be somebody else's, or not wait for this venue, before
	// that is an error: a process that was killed holds it for a moment. 0: 5 s.
	Patience time.Duration
	// Wait is what the runner does while there is nothing to do. nil: a ring.Backoff that
	// sleeps for at most 100 µs, as a gateway's.
	Wait ring.WaitStrategy
	// Notify, if set, is called when the gateway is found, ends or is replaced.
	Notify func(Event)
}

// Sizes of the venue's ring. A block of the smallest has room for four answers, so that what
// stays empty at its end is little.
const (
	defaultCapacity = 8 << 20
	leastCapacity   = 1 << 20
	frame           = 64 // bytes of a record in a ring
)

func (c *Config) check() error {
	for _, name := range []string{c.Name, c.Gateway} {
		if err := ring.CheckName(name); err != nil {
			return fmt.Errorf("venue: %q: %w", name, err)
		}
	}
	switch {
	case c.Name == c.Gateway:
		return fmt.Errorf("venue: %q cannot be its own gateway: %w", c.Name, ErrConfig)
	case c.Capacity != 0 && c.Capacity < leastCapacity:
		return fmt.Errorf("venue: a capacity of %d bytes is below 1 MiB: %w", c.Capacity, ErrConfig)
	}
	if c.Patience <= 0 {
		c.Patience = 5 * time.Second
	}
	if c.Wait == nil {
		c.Wait = ring.Backoff{Sleep: 100 * time.Microsecond}
	}
	return nil
}

// checkRing refuses a ring of another kind, which Create would replace: market data, or the
// journal of a gateway.
func (c *Config) checkRing() error {
	info, err := ring.Stat(c.Dir, c.Name)
	if err != nil {
		return nil // Create says what is wrong, unless there is none
	}
	what := ""
	if info.Schema != order.Schema {
		what = fmt.Sprintf("carries %q", info.Schema)
	}
	other, ours := "", false // the gates; a venue's ring may have others besides its gateway
	for _, s := range info.Subscribers {
		if s.Gate == ring.GateHolding {
			other, ours = s.Name, ours || s.Name == c.Gateway
		}
	}
	if what == "" && other != "" && !ours {
		what = fmt.Sprintf("waits for %q", other)
	}
	if what != "" {
		return fmt.Errorf("venue: ring %q %s and is not that of a venue of gateway %q; choose another name, or remove it ('tickring rm %s'): %w",
			c.Name, what, c.Gateway, c.Name, ErrConfig)
	}
	return nil
}

// Event is what Notify is told.
type Event uint8

const (
	GatewayFound Event = iota + 1 // its ring is there; it may have no process
	GatewayUp                     // a gateway publishes it
	GatewayDown                   // its process has ended
	GatewayNew                    // its ring was removed and made again: nothing is open
)

// Counts is what a runner has done.
type Counts struct {
	Requests  uint64 `json:"requests"`  // dealt with
	Reports   uint64 `json:"reports"`   // published, VenueStatus not counted
	Recovered int    `json:"recovered"` // open orders at the start
	Expired   uint64 `json:"expired"`   // requests whose time to live had passed
	Held      uint64 `json:"held"`      // times the gateway had not read enough to publish
}
