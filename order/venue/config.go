package venue

import (
	"errors"

	"github.com/tickring/tickring/ring"
)

var (
	// ErrConfig: a Config that no runner can have.
	ErrConfig = errors.New("invalid configuration")
	// ErrReports: the venue did not answer a request, or reported more than there was room for.
	ErrReports = errors.New("the venue broke its contract")
	// ErrLost: requests are missing that the gateway has sent, or its ring contradicts itself.
	ErrLost = errors.New("requests of the gateway are lost")
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
	// Wait is what the runner does while there is nothing to do. nil: ring.Backoff{}.
	Wait ring.WaitStrategy
	// Notify, if set, is called when the gateway is found, ends or is replaced.
	Notify func(Event)
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
