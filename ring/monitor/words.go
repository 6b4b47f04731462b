package monitor

import "github.com/tickring/tickring/ring"

// The states of a subscriber.
const (
	StateReading = "reading" // it has an owner
	StateStuck   = "stuck"   // it has one, there are messages to read, and it has not moved for Config.Stuck
	StateDead    = "dead"    // its owner ended without closing it
	StateClosed  = "closed"
	StateNew     = "new"    // a gate that nobody has opened yet
	StateBroken  = "broken" // its file cannot be read; see Error
)

// StateOf is the state of a subscriber that was looked at once and can be read: all but
// StateStuck.
func StateOf(s *ring.SubscriberInfo) string {
	switch {
	case s.Active:
		return StateReading
	case s.Closed:
		return StateClosed
	case s.Opened.UnixNano() == 0:
		return StateNew
	}
	return StateDead
}

// GateHolding is the word for a gate that the publisher waits for.
const GateHolding = "holding"

// GateWord is the state of a gate in a word, empty for what never was one.
func GateWord(s ring.GateState) string {
	switch s {
	case ring.GateNone:
		return ""
	case ring.GateHolding:
		return GateHolding
	}
	return s.String()
}
