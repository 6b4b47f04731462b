package replay

import "time"

// Clock is the time that a replay is paced by. Run uses it from one goroutine.
type Clock interface {
	// Now is a monotonic time in nanoseconds; its origin does not matter. It
	// is called at least once per paced message and all the time in a spin.
	Now() int64

	// Sleep returns after about d, or as soon as done is closed. It may return
	// early.
	Sleep(d time.Duration, done <-chan struct{})
}

// systemClock reads the monotonic clock of package time.
type systemClock struct {
	base  time.Time
	timer *time.Timer // reused, so that a sleep does not allocate
}

func newSystemClock() *systemClock { return &systemClock{base: time.Now()} }

func (c *systemClock) Now() int64 { return int64(time.Since(c.base)) }

func (c *systemClock) Sleep(d time.Duration, done <-chan struct{}) {
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d)
	}
	select {
	case <-c.timer.C:
	case <-done:
		c.timer.Stop()
	}
}
