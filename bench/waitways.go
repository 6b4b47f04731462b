package bench

import (
	"fmt"
	"time"

	"github.com/tickring/tickring/ring"
)

// waiting is how a subscriber waits, and what wakes it.
type waiting struct {
	name string
	// how makes the strategy. nil: the limit, which has no ring.
	how   func() (ring.WaitStrategy, error)
	waker wakerPlace
	spins bool // the waker, between its looks
}

type wakerPlace uint8

const (
	noWaker wakerPlace = iota
	besidePublisher
	inProcess // of its own
)

// wakerWait is what the waker does. nil: what it does by default.
func (w waiting) wakerWait() ring.WaitStrategy {
	if w.spins {
		return ring.Spin{}
	}
	return nil
}

func sleeper() (ring.WaitStrategy, error) { return ring.NewSleeper(ring.SleepOptions{}) }

func strategy(w ring.WaitStrategy) func() (ring.WaitStrategy, error) {
	return func() (ring.WaitStrategy, error) { return w, nil }
}

// waitings are what one run compares, the limit first, in the order of a round.
func waitings() []waiting {
	return []waiting{
		{name: "limit"},
		{name: "Spin", how: strategy(ring.Spin{})},
		{name: "Yield", how: strategy(ring.Yield{})},
		{name: "Backoff", how: strategy(ring.Backoff{})},
		{name: "Backoff, sleeps of 100 µs", how: strategy(ring.Backoff{Sleep: 100 * time.Microsecond})},
		{name: "Sleeper, no waker", how: sleeper},
		{name: "Sleeper, waker thread", how: sleeper, waker: besidePublisher},
		{name: "Sleeper, waker thread that spins", how: sleeper, waker: besidePublisher, spins: true},
		{name: "Sleeper, waker process", how: sleeper, waker: inProcess},
		{name: "Sleeper, waker process that spins", how: sleeper, waker: inProcess, spins: true},
	}
}

// waitingOf is that of a name.
func waitingOf(name string) (waiting, error) {
	for _, w := range waitings() {
		if w.name == name {
			return w, nil
		}
	}
	return waiting{}, fmt.Errorf("there is no strategy called %q", name)
}
