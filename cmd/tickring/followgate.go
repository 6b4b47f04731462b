package main

import (
	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/ring"
)

// lookAtGate learns whether the publisher waits for the subscriber. Of a ring that was
// cut short it learns nothing; who reads it finds out.
func (f *follower) lookAtGate() {
	_ = mmap.Guard(func() error {
		f.gate = f.sub.Gate()
		return nil
	})
}

// tellGate tells that the subscriber is a gate, or was one, when it has joined.
func (f *follower) tellGate() {
	was := f.gate
	f.lookAtGate()
	if f.gate == was {
		return
	}
	switch f.gate {
	case ring.GateHolding:
		info, err := ring.Stat(f.cfg.dir, f.cfg.ring)
		for _, s := range info.Subscribers {
			if err == nil && s.Name == f.cfg.name && s.Err == nil {
				f.note("%s is a gate; %s", f.cfg.name, waitingText(reportSub(s, info.Last).Lag))
			}
		}
	case ring.GateDemoted, ring.GateDropped:
		f.note("%s is a gate no more: it was %v; it may lose messages", f.cfg.name, f.gate)
	}
}

// tellDemoted tells that the subscriber is a gate no more.
func (f *follower) tellDemoted() {
	f.gate = f.sub.Gate()
	why := "the publisher took it out"
	switch f.gate {
	case ring.GateDemoted:
		why = "it held the publisher for longer than it may"
	case ring.GateDropped:
		why = "it held the publisher while no process had it open, or was taken out"
	}
	f.note("%s is a gate no more: %s; from here on it may lose messages", f.cfg.name, why)
}
