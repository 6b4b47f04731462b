package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/tickring/tickring/ring"
)

// demoRun is a demonstration while it runs.
type demoRun struct {
	o     demoOptions
	stage *demoStage
	group *group

	publisher, gateway, exchange *child
	strategies                   []*child

	connected time.Time        // since when every process has had its rings; zero: some have not
	starter   *ring.Subscriber // the one the publisher waits for; nil: not yet, or no more
	tally     *demoTally       // nil: the market is not open yet

	err      error
	stopped  bool // by a signal
	hopeless bool // gateway or exchange are gone: strategies would wait for answers in vain
	pressing int  // how often the deadline has passed
	deadline <-chan time.Time
}

// How long the processes get to begin, to end by themselves, and after a signal or when
// another one has failed.
const (
	graceToConnect = 30 * time.Second
	graceToDrain   = 15 * time.Second
	graceToStop    = 10 * time.Second
	graceToFail    = time.Second
)

// runDemo starts the processes and sees them through to their ends. The report is never nil.
func runDemo(signals <-chan os.Signal, a *app, o demoOptions, stage *demoStage) (*demoReport, error) {
	// Children are to end with the thread that started them, if this process is
	// killed: so the thread has to last.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	group, err := newGroup(a.stderr)
	if err != nil {
		return &demoReport{}, err
	}
	defer group.kill()
	r := &demoRun{o: o, stage: stage, group: group}
	if err := r.start(o.quiet || !isTerminal(a.stderr)); err != nil {
		return &demoReport{}, err
	}
	r.supervise(signals)
	if r.starter != nil {
		r.starter.Close()
	}
	if r.tally != nil {
		defer r.tally.close()
		r.tally.finish()
	}
	return r.report()
}

// start starts the processes. They find each other in any order.
func (r *demoRun) start(quiet bool) (err error) {
	s := r.stage
	start := func(command []string, at seat, args ...string) (c *child) {
		if err != nil {
			return nil
		}
		args = append([]string{"--dir", s.dir, "--json", "--cpu", strconv.Itoa(at.CPU)}, args...)
		if at.Idle != "" {
			args = append([]string{"--quiet", "--idle", at.Idle}, args...)
		}
		if c, err = r.group.start(command[0], append(command[1:], args...)...); err == nil {
			c.name = strings.Join(command, " ")
		}
		return c
	}
	size := func(n uint64) string { return strconv.FormatUint(n, 10) }

	r.exchange = start([]string{"exchange"}, s.place.exchange, demoExchangeName,
		"--gateway", demoGatewayName, "--md", demoRing, "--capacity", size(s.sizes.exchange))
	r.gateway = start([]string{"gateway"}, s.place.gateway, demoGatewayName,
		"--venue", demoExchangeName, "--md", demoRing, "--limits", s.limits, "--measure", "--capacity", size(s.sizes.gateway))
	for i, kind := range demoKinds {
		r.strategies = append(r.strategies, start([]string{"strategy", kind}, s.place.strategies[i],
			"--gateway", demoGatewayName, "--id", strconv.Itoa(i+1), "--md", demoRing, "--until-closed",
			"--instrument", strconv.FormatUint(uint64(s.instrument), 10), "--qty", strconv.Itoa(s.qty), "--max-position", strconv.Itoa(s.maxPosition)))
	}
	pace := []string{"--speed", r.o.speed.String()}
	if r.o.rate > 0 {
		pace = []string{"--rate", r.o.rate.String()}
	}
	if quiet {
		pace = append(pace, "--quiet")
	}
	r.publisher = start([]string{"replay"}, s.place.publisher, append(pace, "--ring", demoRing, "--capacity", size(uint64(r.o.capacity)),
		"--wait", strconv.Itoa(len(demoKinds)+1), "--wait-silently", "--", r.o.path)...)
	return err
}

// supervise returns when all processes have ended. The publisher ends the ring, and the
// ring the strategies, which cancel what is open; then the gateway is told to end, and after
// it the exchange. Whatever goes wrong, and a signal, ends the publisher. A second signal
// ends them all at once.
func (r *demoRun) supervise(signals <-chan os.Signal) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	r.within(graceToConnect)
	for r.group.running() > 0 {
		select {
		case <-signals:
			if r.stopped {
				r.group.kill()
				break
			}
			r.stopped = true
			r.fail(errors.New("stopped by a signal"), graceToStop)
		case c := <-r.group.ended:
			r.group.reap(c)
			r.ended(c)
		case <-r.deadline:
			r.press()
		case <-tick.C:
			switch {
			case r.tally == nil:
				r.open()
			case r.starter != nil:
				r.begun()
			default:
				r.tally.drain()
				tick.Reset(tallyEvery)
			}
		}
	}
}

// tallyEvery is often enough not to lose messages, and too rare to be in the way.
const tallyEvery = 250 * time.Millisecond

// within sets the deadline of what comes next.
func (r *demoRun) within(d time.Duration) {
	if r.hopeless {
		d = graceToFail
	}
	r.deadline = time.After(d)
}

// fail takes note of what went wrong, if it is the first, and ends the publisher.
func (r *demoRun) fail(err error, grace time.Duration) {
	if r.err == nil {
		r.err = err
	}
	r.publisher.stop()
	if !r.joined() {
		// Nobody could be told of the end by a ring that is not there.
		r.stopStrategies()
	}
	r.within(grace)
}

func (r *demoRun) stopStrategies() {
	for _, c := range r.strategies {
		c.stop()
	}
}

// joined says whether the publisher was ready to begin.
func (r *demoRun) joined() bool { return r.tally != nil }

// ended is told of each process that has ended.
func (r *demoRun) ended(c *child) {
	switch {
	case c == r.publisher:
		r.within(graceToDrain)
		if c.err == nil {
			break
		}
		r.fail(c.failure(), graceToDrain)
		if !c.reported() {
			r.stopStrategies() // the ring may not have come to its end
		}
	case c == r.gateway || c == r.exchange:
		if c.err == nil && c.stopped {
			break
		}
		r.hopeless = true
		err := fmt.Errorf("the process of 'tickring %s' ended before the others", c.name)
		if c.err != nil {
			err = c.failure()
		}
		r.fail(err, graceToFail)
	case c.err != nil:
		r.fail(c.failure(), graceToStop)
	case r.group.alive[r.publisher] && !r.marketClosed():
		r.fail(fmt.Errorf("the process of 'tickring %s' ended before the market data", c.name), graceToStop)
	}
	r.wind()
}

// marketClosed says whether the publisher has ended the ring.
func (r *demoRun) marketClosed() bool {
	info, err := ring.Stat(r.stage.dir, demoRing)
	return err == nil && info.Publisher == ring.Ended
}

// wind ends the gateway when nobody sends orders any more, and the exchange when nobody
// forwards them.
func (r *demoRun) wind() {
	if r.group.alive[r.publisher] {
		return
	}
	for _, c := range r.strategies {
		if r.group.alive[c] {
			return
		}
	}
	next := r.gateway
	if !r.group.alive[next] {
		next = r.exchange
	}
	if r.group.alive[next] && !next.stopped {
		next.stop()
		r.within(graceToStop)
	}
}

// press is called when a deadline has passed.
func (r *demoRun) press() {
	if r.err == nil {
		r.err = fmt.Errorf("not ended in time: %s", r.group.names())
		if !r.joined() {
			r.err = errors.New("the processes did not find each other")
		}
	}
	if r.pressing++; r.pressing == 1 && r.hopeless {
		r.pressing++
	}
	r.within(graceToFail)
	switch r.pressing {
	case 1:
		r.publisher.stop()
		r.stopStrategies()
	case 2:
		for _, c := range append(r.strategies, r.publisher) {
			if r.group.alive[c] {
				_ = c.cmd.Process.Kill() // or it has ended by itself
			}
		}
	default:
		r.group.kill()
	}
}
