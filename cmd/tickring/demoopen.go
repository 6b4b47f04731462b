package main

import (
	"fmt"
	"time"

	"github.com/tickring/tickring/ring"
)

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
	some := true
	err := guarded(demoRing, func() error {
		_, status := r.starter.Next()
		some = status != ring.Empty
		return nil
	})
	if err != nil {
		r.fail(err, graceToStop)
	}
	if some {
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
