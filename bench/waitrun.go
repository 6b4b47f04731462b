package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/ring"
)

// A turn of a strategy: a quarter of it nothing is published, and messages in the rest.
const (
	waitRounds = 3 // at least
	leastTurn  = 40 * time.Millisecond
	mostTurn   = 500 * time.Millisecond
	fewest     = 10 // messages of a turn
)

// waitRun is a strategy while it is measured.
type waitRun struct {
	waiting
	latency          *delays
	idle, busy       cpuSum // of the subscriber
	wakerIdle, wakes cpuSum // of the waker
	messages         uint64
}

// cpuSum is CPU time used in a time.
type cpuSum struct{ Used, Elapsed time.Duration }

func (c *cpuSum) add(o cpuSum) {
	c.Used += o.Used
	c.Elapsed += o.Elapsed
}

func (c cpuSum) percent() float64 {
	if c.Elapsed <= 0 {
		return 0
	}
	return 100 * float64(max(c.Used, 0)) / float64(c.Elapsed)
}

func (w *waitRun) strategy(limit Percentiles) Strategy {
	s := Strategy{
		Name: w.name, Latency: w.latency.sum(), Messages: w.messages,
		Busy:    CPUUse{w.busy.percent(), w.wakes.percent()},
		IdleUse: CPUUse{w.idle.percent(), w.wakerIdle.percent()},
	}
	s.Ratio = s.Latency.over(limit)
	s.CPU, s.Idle = s.Busy.Subscriber+s.Busy.Waker, s.IdleUse.Subscriber+s.IdleUse.Waker
	return s
}

func (s *Session) wait(ctx context.Context, config Wait, r *WaitResult) error {
	dir, err := s.subdir("wait")
	if err != nil {
		return err
	}
	l, err := openLines(dir+"/lines", lineSize)
	if err != nil {
		return err
	}
	defer l.close()
	o, err := s.start("waiter", s.setup.CPUs[1], waiterParams{Dir: dir, Lines: dir + "/lines"})
	if err != nil {
		return err
	}
	defer o.close()
	var runs []*waitRun
	for _, w := range waitings() {
		runs = append(runs, &waitRun{waiting: w, latency: newDelays()})
	}
	turn := min(max(config.Duration/time.Duration(waitRounds*len(runs)), leastTurn), mostTurn)
	t := waitTurn{s: s, dir: dir, lines: l, other: o, every: config.Every, idle: turn / 4}
	t.n = max(int((turn-t.idle)/config.Every), fewest)
	until := time.Now().Add(config.Duration)
	for round := 0; (round == 0 || time.Now().Before(until)) && ctx.Err() == nil; round++ {
		for _, w := range runs {
			s.progress("strategies", int(config.Duration-time.Until(until)), int(config.Duration))
			if ctx.Err() != nil {
				break
			}
			if err := t.measure(w); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	r.Limit = runs[0].latency.sum()
	for _, w := range runs[1:] {
		r.Strategies = append(r.Strategies, w.strategy(r.Limit.Percentiles))
	}
	return nil
}

// waitTurn is what the turns of all strategies have in common.
type waitTurn struct {
	s     *Session
	dir   string
	lines *lines
	other *other // the subscriber
	every time.Duration
	idle  time.Duration // before the messages
	n     int           // messages
}

const waitRing = "wait"

// patience is how long a process may be kept from its CPU, on a machine that is very busy.
const patience = time.Minute

func (t *waitTurn) measure(w *waitRun) error {
	waker := cpuMeter(func() (time.Duration, error) { return 0, nil })
	publish := t.publishWord
	if w.how != nil {
		p, err := ring.Create(waitRing, ring.Config{
			Dir: t.dir, Capacity: t.s.setup.Capacity, Stamps: ring.StampNone,
			Waker: w.waker == besidePublisher, WakerWait: w.wakerWait(),
		})
		if err != nil {
			return err
		}
		defer p.Close()
		publish = t.publisher(p)
	}
	switch w.waker {
	case besidePublisher:
		waker = processTime
	case inProcess:
		o, err := t.startWaker(w)
		if err != nil {
			return err
		}
		defer o.close()
		waker = o.meter
	}
	if err := t.other.send(waitCommand{Strategy: w.name, N: t.n}); err != nil {
		return err
	}
	if err := t.other.receive(nil); err != nil {
		return err
	}
	var idle, busy cpuSum
	err := affinity.On(t.s.setup.CPUs[0], func() (err error) {
		own := threadTime
		if w.waker != besidePublisher {
			own = noTime
		}
		if idle, err = measureCPU(waker, own, func() error {
			pause(t.idle)
			return nil
		}); err != nil {
			return err
		}
		busy, err = measureCPU(waker, own, func() error {
			for range t.n {
				pause(t.every)
				if err := publish(); err != nil {
					return err
				}
			}
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	var got waitReport
	if err := t.other.receive(&got); err != nil {
		return err
	}
	if len(got.Ticks) != t.n || got.Wrong != 0 {
		return fmt.Errorf("published %d, delivered %d of which %d wrong: this must not be", t.n, len(got.Ticks), got.Wrong)
	}
	for _, ticks := range got.Ticks {
		w.latency.record(ticks, t.s.scale)
	}
	w.messages += uint64(len(got.Ticks))
	w.idle.add(got.Idle)
	w.busy.add(got.Busy)
	w.wakerIdle.add(idle)
	w.wakes.add(busy)
	return nil
}

// publishWord is the limit: a word that has the time. A reader that was kept from its CPU
// must not miss one, so the next waits until it has seen the last.
func (t *waitTurn) publishWord() error {
	for began := time.Now(); mem.LoadAcquire(t.lines.pong) != mem.LoadAcquire(t.lines.ping); pause(leastEvery) {
		if time.Since(began) > patience {
			return fmt.Errorf("%w: it has not seen a word for %v", ErrChild, patience)
		}
	}
	mem.StoreRelease(t.lines.ping, t.s.clock.Now())
	return nil
}

// publisher returns what publishes one message: its number, from 1 in each turn, and the time.
func (t *waitTurn) publisher(p *ring.Publisher) func() error {
	var msg [mem.LinePayload]byte
	var n uint64
	return func() error {
		n++
		binary.LittleEndian.PutUint64(msg[:], n)
		binary.LittleEndian.PutUint64(msg[8:], t.s.clock.Now())
		return p.Publish(0, msg[:])
	}
}

// wakerProcess is a waker as its parent sees it.
type wakerProcess struct{ *other }

// startWaker returns when the waker follows the ring.
func (t *waitTurn) startWaker(w *waitRun) (wakerProcess, error) {
	p := wakerParams{Dir: t.dir, Spins: w.spins, CPU: anyCPU}
	if len(t.s.setup.CPUs) > 2 {
		p.CPU = t.s.setup.CPUs[2]
	}
	o, err := t.s.start("waker", t.s.setup.CPUs[0], p)
	return wakerProcess{o}, err
}

// meter asks how much CPU time the waker has taken so far.
func (w wakerProcess) meter() (used time.Duration, err error) {
	if err := w.send(struct{}{}); err != nil {
		return 0, err
	}
	return used, w.receive(&used)
}

// cpuMeter tells how much CPU time something has taken so far.
type cpuMeter func() (time.Duration, error)

func noTime() (time.Duration, error) { return 0, nil }

// measureCPU measures what a waker takes while f runs, without what is own.
func measureCPU(waker, own cpuMeter, f func() error) (c cpuSum, err error) {
	used := func() (time.Duration, error) {
		w, err := waker()
		if err != nil {
			return 0, err
		}
		o, err := own()
		return w - o, err
	}
	before, err := used()
	if err != nil {
		return c, err
	}
	began := time.Now()
	if err := f(); err != nil {
		return c, err
	}
	after, err := used()
	return cpuSum{after - before, time.Since(began)}, err
}
