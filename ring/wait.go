package ring

import "time"

// WaitStrategy is what a subscriber does between two polls that found nothing.
// Wait is called after each, with their number since the last message, from 1.
//
//	for n := 0; ; {
//		msg, st := sub.Next()
//		if st == ring.Empty {
//			n++
//			wait.Wait(n)
//			continue
//		}
//		n = 0
//		...
//	}
type WaitStrategy interface {
	Wait(polls int)
}

// Spin polls without a pause: the lowest latency, for a core of one's own.
type Spin struct{}

// Wait returns at once.
func (Spin) Wait(int) {}

// Yield polls some times and then gives the core away between polls, for two
// threads that share one.
type Yield struct {
	// Spins is how many polls come first. 0: 100.
	Spins int
}

// Wait yields after the first Spins polls.
func (y Yield) Wait(polls int) {
	if polls > orDefault(y.Spins, yieldSpins) {
		yield()
	}
}

// Backoff polls some times, yields some times, and then sleeps between polls: for
// subscribers to whom some hundreds of microseconds do not matter, and an idle core does.
// A sleep takes some 50 µs longer than it says: so long may the kernel's timers be late.
// Sleeps below 1 ms take an OS thread; those of up to 100 µs can make Go's garbage
// collector wait for their end.
type Backoff struct {
	// Spins and Yields are how many polls of each kind come first. 0: 1000 and 100.
	Spins, Yields int
	// Sleep is the longest sleep; it begins with a tenth of that and doubles. 0: 1 ms.
	Sleep time.Duration
}

// Wait spins, yields or sleeps.
func (b Backoff) Wait(polls int) {
	polls -= orDefault(b.Spins, backoffSpins)
	if polls <= 0 {
		return
	}
	polls -= orDefault(b.Yields, backoffYields)
	if polls <= 0 {
		yield()
		return
	}
	longest := b.Sleep
	if longest <= 0 {
		longest = time.Millisecond
	}
	d := min(longest, longest/10<<min(polls-1, 8))
	if d < time.Millisecond {
		nap(d, polls) // with time.Sleep it would be one
		return
	}
	time.Sleep(d)
}

const (
	yieldSpins    = 100
	backoffSpins  = 1000
	backoffYields = 100
)

func orDefault(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}
