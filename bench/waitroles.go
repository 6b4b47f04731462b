package bench

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/ring"
)

// waiterParams are those of the process that subscribes.
type waiterParams struct{ Dir, Lines string }

// waitCommand: wait for so many messages by a strategy. The first answer comes when the
// subscriber stands ready, the second, a waitReport, when it has read them.
type waitCommand struct {
	Strategy string
	N        int
}

// waitReport is what a subscriber found.
type waitReport struct {
	Ticks      []int64 // from publish to read, of each message
	Wrong      int     // messages that were not those that were due
	Idle, Busy cpuSum  // until the first message, and from then on
}

// waiter is the process that subscribes.
func waiter(c *child) error {
	var p waiterParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return err
	}
	l, err := openLines(p.Lines, lineSize)
	if err != nil {
		return err
	}
	defer l.close()
	if err := c.reply(nil); err != nil {
		return err
	}
	clock := tick.New()
	for {
		var cmd waitCommand
		if !c.next(&cmd) {
			return nil
		}
		r, err := waitTurnOf(c, p.Dir, l, &clock, cmd)
		if err != nil {
			return err
		}
		if err := c.reply(&r); err != nil {
			return err
		}
	}
}

func waitTurnOf(c *child, dir string, l *lines, clock *tick.Clock, cmd waitCommand) (r waitReport, err error) {
	w, err := waitingOf(cmd.Strategy)
	if err != nil {
		return r, err
	}
	await := wordAwaiter(l)
	if w.how != nil {
		how, err := w.how()
		if err != nil {
			return r, err
		}
		s, err := ring.Open(waitRing, ring.Options{Dir: dir, From: ring.FromLatest, NoHistogram: true})
		if err != nil {
			return r, err
		}
		defer s.Close()
		await = ringAwaiter(s, how)
	}
	r.Ticks = make([]int64, 0, cmd.N)
	before, err := processTime()
	if err != nil {
		return r, err
	}
	began := time.Now()
	if err := c.reply(nil); err != nil {
		return r, err
	}
	for n := range uint64(cmd.N) {
		number, published, err := await()
		if err != nil {
			return r, err
		}
		r.Ticks = append(r.Ticks, int64(clock.Now()-published))
		if number != n+1 {
			r.Wrong++
		}
		if n == 0 {
			r.Idle, err = since(&before, &began)
			if err != nil {
				return r, err
			}
		}
	}
	r.Busy, err = since(&before, &began)
	return r, err
}

// since is what this process took since then, and makes then now.
func since(before *time.Duration, began *time.Time) (c cpuSum, err error) {
	used, err := processTime()
	now := time.Now()
	c = cpuSum{used - *before, now.Sub(*began)}
	*before, *began = used, now
	return c, err
}

// awaiter waits for a message, and returns its number and when it was published, in ticks.
type awaiter func() (number, published uint64, err error)

// wordAwaiter is the other side of publishWord. With a call it says that it has seen what the
// last one returned.
func wordAwaiter(l *lines) awaiter {
	last := mem.LoadAcquire(l.ping)
	n := uint64(0)
	return func() (uint64, uint64, error) {
		mem.StoreRelease(l.pong, last)
		for {
			if v := mem.LoadAcquire(l.ping); v != last {
				last = v
				n++
				return n, v, nil
			}
		}
	}
}

func ringAwaiter(s *ring.Subscriber, how ring.WaitStrategy) awaiter {
	return func() (uint64, uint64, error) {
		m, st, err := s.NextWait(context.Background(), how)
		if err != nil {
			return 0, 0, err
		}
		if st != ring.Message || len(m) < 16 {
			return 0, 0, fmt.Errorf("ring %s: %v", s.Name(), st)
		}
		return binary.LittleEndian.Uint64(m), binary.LittleEndian.Uint64(m[8:]), nil
	}
}

// wakerParams are those of a waker's process.
type wakerParams struct {
	Dir   string
	Spins bool
	CPU   int // or anyCPU
}

const anyCPU = -1

// wakerRole is a process that wakes. It says when it follows the ring, and then, for every
// line that it gets, what CPU time it has taken.
func wakerRole(c *child) error {
	var p wakerParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return err
	}
	following := make(chan struct{}, 1)
	opt := ring.WakerOptions{Dir: p.Dir, Notify: func(s ring.WakerState) {
		if s == ring.WakerFollowing {
			select {
			case following <- struct{}{}:
			default:
			}
		}
	}}
	opt.Wait = waiting{spins: p.Spins}.wakerWait()
	w, err := ring.NewWaker(waitRing, opt)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	// In a goroutine, for its thread is not pinned as this one is.
	run := func() error { return w.Run(ctx) }
	go func() {
		if p.CPU == anyCPU {
			done <- run()
			return
		}
		done <- affinity.On(p.CPU, run)
	}()
	select {
	case err := <-done:
		return err
	case <-following:
	}
	if err := c.reply(nil); err != nil {
		return err
	}
	for {
		var ask struct{}
		if !c.next(&ask) {
			return nil
		}
		select {
		case err := <-done:
			return errors.Join(errors.New("the waker ended"), err)
		default:
		}
		used, err := processTime()
		if err != nil {
			return err
		}
		if err := c.reply(used); err != nil {
			return err
		}
	}
}
