package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
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
	start := func(c **child, args ...string) {
		if err == nil {
			*c, err = r.group.start(args[0], append(args[1:], "--dir", s.dir, "--json")...)
		}
	}
	at := func(s seat) []string { return []string{"--cpu", strconv.Itoa(s.CPU), "--idle", s.Idle} }
	bytes := func(n uint64) string { return strconv.FormatUint(n, 10) }
	start(&r.exchange, append([]string{"exchange", demoExchangeName, "--gateway", demoGatewayName, "--md", demoRing, "--quiet",
		"--capacity", bytes(s.sizes.exchange)}, at(s.place.exchange)...)...)
	start(&r.gateway, append([]string{"gateway", demoGatewayName, "--venue", demoExchangeName, "--md", demoRing, "--quiet", "--measure",
		"--limits", s.limits, "--capacity", bytes(s.sizes.gateway)}, at(s.place.gateway)...)...)
	r.strategies = make([]*child, len(demoKinds))
	for i, kind := range demoKinds {
		start(&r.strategies[i], append([]string{"strategy", kind, "--gateway", demoGatewayName, "--id", strconv.Itoa(i + 1), "--md", demoRing,
			"--instrument", strconv.FormatUint(uint64(s.instrument), 10), "--qty", strconv.Itoa(s.qty), "--max-position", strconv.Itoa(s.maxPosition),
			"--until-closed", "--quiet"}, at(s.place.strategies[i])...)...)
		if err == nil {
			r.strategies[i].name += " " + kind
		}
	}
	pace := []string{"--speed", r.o.speed.String()}
	if r.o.rate > 0 {
		pace = []string{"--rate", r.o.rate.String()}
	}
	if quiet {
		pace = append(pace, "--quiet")
	}
	start(&r.publisher, append([]string{"replay", r.o.path, "--ring", demoRing, "--wait", strconv.Itoa(len(demoKinds) + 1), "--wait-silently",
		"--capacity", bytes(uint64(r.o.capacity)), "--cpu", strconv.Itoa(s.place.publisher.CPU)}, pace...)...)
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
				tick.Reset(tallyEvery)
				r.tally.drain()
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

// settle is how long everybody has had everything before the market opens: the gateway and
// the exchange look for rings every few milliseconds, and leave no trace on that of market
// data.
const settle = 50 * time.Millisecond

// open has the publisher begin when all others have their rings.
func (r *demoRun) open() {
	dir := r.stage.dir
	if !hasSubscribers(dir, demoGatewayName, demoExchangeName) || !hasSubscribers(dir, demoExchangeName, demoGatewayName) {
		return
	}
	var names []string
	for i := range demoKinds {
		if !hasSubscribers(dir, inputRing(i), demoGatewayName) {
			return
		}
		names = append(names, fmt.Sprintf("%s-%d", demoGatewayName, i+1))
	}
	if !hasSubscribers(dir, demoRing, names...) {
		return
	}
	now := time.Now()
	if r.connected.IsZero() {
		r.connected = now
	}
	if now.Sub(r.connected) < settle {
		return
	}
	var err error
	if r.tally, err = newDemoTally(dir); err != nil {
		r.fail(err, graceToStop)
		return
	}
	if r.starter, err = ring.Open(demoRing, ring.Options{Dir: dir, Name: "demo", Ephemeral: true, From: ring.FromOldest, NoHistogram: true}); err != nil {
		r.fail(err, graceToStop)
	}
	r.deadline = nil
}

// begun lets go of the market data as soon as there is some.
func (r *demoRun) begun() {
	if _, status := r.starter.Next(); status != ring.Empty {
		r.starter.Close()
		r.starter = nil
	}
}

// hasSubscribers says whether a ring is there, live, and read under these names.
func hasSubscribers(dir, name string, names ...string) bool {
	info, err := ring.Stat(dir, name)
	if err != nil || info.Publisher != ring.Live {
		return false
	}
	active := map[string]bool{}
	for _, s := range info.Subscribers {
		active[s.Name] = s.Active
	}
	for _, n := range names {
		if !active[n] {
			return false
		}
	}
	return true
}
