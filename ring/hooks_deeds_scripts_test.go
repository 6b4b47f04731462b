//go:build linux && hooks

package ring

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// deedScripts are what goes on while something is done to the files. What comes before
// begin is as it should be.
var deedScripts = map[string]func(s *site){
	"create":  func(s *site) { s.publisher("Create", s.recording(), Create) },
	"go-on":   func(s *site) { s.ringBefore(); s.publisher("Create", s.recording(), Create) },
	"replace": func(s *site) { s.ringBefore(); s.publisher("Create", s.larger(), Create) },
	"standby": func(s *site) {
		s.ringBefore()
		s.publisher("Standby", s.everything(), func(name string, cfg Config) (*Publisher, error) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			return Standby(ctx, name, cfg)
		})
	},
	"publish":   deedsToPublisher,
	"held":      deedsToHeldPublisher,
	"subscribe": deedsToOpening,
	"read":      deedsToReader,
	"spikes":    deedsToSpikes,
	"late":      deedsToLate,
	"look":      deedsToLookers,
	"waker":     deedsToWaker,
	"remove": func(s *site) {
		s.ringBefore()
		s.begin()
		s.call("Remove", func() error { return Remove(s.dir, "r") })
		s.end()
	},
	"beside": deedsBeside,
}

// everything is a ring with all that a publisher can have but goroutines.
func (s *site) everything() Config {
	cfg := smallest(s.dir)
	cfg.Gates = []Gate{{Name: "gate"}, {Name: "dead", DropDead: true}}
	return cfg
}

// recording is the same with a file of the publisher's own.
func (s *site) recording() Config {
	cfg := s.everything()
	cfg.Spikes = time.Hour
	return cfg
}

func (s *site) larger() Config {
	cfg := s.everything()
	cfg.Capacity *= 2
	return cfg
}

// ringBefore makes a ring with gates that have read everything, and a subscriber's file.
func (s *site) ringBefore() {
	p := must(Create("r", s.everything()))
	gate := must(Open("r", Options{Dir: s.dir, Name: "gate"}))
	sub := must(Open("r", Options{Dir: s.dir, Name: "sub"}))
	for range 3 {
		must(0, p.Publish(1, []byte("before")))
		gate.Next()
		sub.Next()
	}
	must(0, p.RemoveGate("dead"))
	must(0, errors.Join(gate.Close(), sub.Close(), p.Close()))
}

// publisher becomes the publisher and publishes a little.
func (s *site) publisher(what string, cfg Config, become func(name string, cfg Config) (*Publisher, error)) {
	s.begin()
	defer s.end()
	p, err := become("r", cfg)
	s.look(what, err)
	if err != nil {
		return
	}
	s.loop("Publish", func() error { return p.Publish(1, make([]byte, 100)) })
	s.call("Close", p.Close)
}

// deedsToPublisher publishes in all ways.
func deedsToPublisher(s *site) {
	p := must(Create("r", s.everything()))
	must(0, p.RemoveGate("gate"))
	line, long := make([]byte, mem56), make([]byte, 3000)
	s.begin()
	defer s.end()
	for range 2 {
		s.loop("Publish", func() error { return p.Publish(1, line) })
		s.loop("Publish a long one", func() error { return p.Publish(1, long) })
		s.loop("PublishBatch", func() error { return p.PublishBatch([]Outgoing{{1, line}, {1, long[:100]}}) })
		s.loop("PublishMark", func() error { return p.PublishMark(1, line) })
		s.loop("Commit", func() error {
			b, err := p.Claim(100)
			if err == nil {
				clear(b)
				err = p.Commit(1, len(b))
			}
			return err
		})
		s.loop("Abort", func() error {
			_, err := p.Claim(10)
			p.Abort()
			return err
		})
		s.loop("RecordLate", func() error { p.RecordLate(time.Minute); return nil })
		s.call("AddGate", func() error { return p.AddGate(Gate{Name: "new", Hold: time.Hour}) })
		s.call("AddGate again", func() error { return p.AddGate(Gate{Name: "new", DropDead: true}) })
		s.call("Gates", func() error { p.Gates(); return nil })
		s.call("RemoveGate", func() error { return p.RemoveGate("new") })
		s.call("Beat", func() error { p.Beat(); return nil })
	}
	s.call("Close", p.Close)
}

// deedsToHeldPublisher is held by gates, one of which it lets go.
func deedsToHeldPublisher(s *site) {
	cfg := s.everything()
	cfg.OnLag, cfg.OnDemote = func(GateLag) {}, func(GateLag) {}
	p := must(Create("r", cfg))
	gate := must(Open("r", Options{Dir: s.dir, Name: "gate"}))
	for p.Publish(1, make([]byte, 3000)) == nil {
	}
	s.begin()
	defer s.end()
	held := func(do func() error) func() error {
		return func() error {
			err := do()
			if errors.Is(err, ErrBackPressure) {
				err = nil
			}
			return err
		}
	}
	s.loop("Publish", held(func() error { return p.Publish(1, make([]byte, 3000)) }))
	s.loop("Next as a gate", func() error { gate.Next(); gate.Next(); return nil })
	s.call("AddGate", func() error { return p.AddGate(Gate{Name: "gate", Hold: 1}) })
	s.loop("Publish after its deadline", held(func() error { return p.Publish(1, make([]byte, 3000)) }))
	s.loop("Next", func() error { gate.Next(); return nil })
	s.call("Close the gate", gate.Close)
	s.call("Close", p.Close)
}

// opened opens a subscriber, or not, which has to say so in a sentence.
func (s *site) opened(opt Options) *Subscriber {
	opt.Dir = s.dir
	sub, err := Open("r", opt)
	s.look(fmt.Sprintf("Open %+v", opt), err)
	return sub
}

func deedsToOpening(s *site) {
	s.ringBefore()
	p := must(Create("r", s.everything()))
	for range 3 {
		must(0, p.Publish(1, []byte("one")))
	}
	s.begin()
	defer s.end()
	for _, opt := range []Options{
		{}, {From: FromOldest}, {From: FromMark}, {From: FromSeq, Seq: 2}, {Name: "gate"}, {Name: "sub"}, {Name: "sub", From: FromLatest},
		{Name: "new", Ephemeral: true, NoHistogram: true}, {Name: "spikes", Spikes: time.Hour},
	} {
		if sub := s.opened(opt); sub != nil {
			s.call("Waits", func() error { sub.Waits(Spin{}); return nil })
			s.call("Close", sub.Close)
		}
	}
	s.call("Close the publisher", p.Close)
}

// deedsToReader reads in all ways, and is lapped.
func deedsToReader(s *site) {
	p := must(Create("r", s.everything()))
	gate := must(Open("r", Options{Dir: s.dir, Name: "gate"}))
	sub := must(Open("r", Options{Dir: s.dir, Name: "sub"}))
	pure := must(Open("r", Options{Dir: s.dir}))
	sleeper := must(NewSleeper(SleepOptions{Spins: 1, Yields: 1, Longest: time.Millisecond}))
	publish := func() {
		for range 4 {
			must(0, errors.Join(p.Publish(1, []byte("a")), p.Publish(1, make([]byte, 100))))
		}
	}
	publish()
	s.begin()
	defer s.end()
	for _, r := range []*Subscriber{gate, sub, pure} {
		s.loop("Next", func() error { r.Next(); r.Next(); return nil })
		s.loop("View", func() error {
			if msg, st := r.View(); st == Message {
				_ = msg[0]
			}
			r.Valid()
			return nil
		})
		s.loop("NextBatch", func() error { b := NewBatch(2, 0); r.NextBatch(b); r.NextBatch(b); return nil })
		s.loop("Gate, Mark, Epoch, Ready, PublishTime, Age", func() error {
			r.Gate()
			r.Mark()
			r.Epoch()
			r.Ready()
			r.PublishTime()
			r.Age()
			return nil
		})
		s.loop("NextWait", func() error {
			for {
				ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
				_, st, _ := r.NextWait(ctx, sleeper)
				cancel()
				if st == Empty || st == Corrupt || st == Closed || st == Superseded {
					return nil
				}
			}
		})
		s.call("Info", func() error { r.Info(); return nil })
		s.call("Publisher", func() error { r.Publisher(); return nil })
	}
	s.loop("Poller", func() error {
		var poll Poller
		for _, r := range []*Subscriber{gate, sub, pure} {
			poll.Add(r, 0)
		}
		for range 6 {
			poll.Next()
		}
		for _, r := range []*Subscriber{gate, sub, pure} {
			poll.Remove(r)
		}
		return nil
	})
	s.call("Close the publisher", p.Close)
	s.loop("Next at the end", func() error { sub.Next(); gate.Next(); pure.Next(); return nil })
	s.call("Close the gate", gate.Close)
	s.call("Abandon", sub.Abandon)
	s.call("Close", pure.Close)
}

// deedsToSpikes records spikes, and finds out why, on the script's own thread.
func deedsToSpikes(s *site) {
	p := must(Create("r", smallest(s.dir)))
	s.begin()
	defer s.end()
	sub := s.opened(Options{Name: "sub", Spikes: time.Nanosecond})
	if sub == nil {
		p.Close()
		return
	}
	for range 4 {
		s.loop("Publish", func() error { return p.Publish(1, nil) })
		s.loop("Next", func() error { sub.Next(); return nil })
		s.loop("explain", func() error { sub.recorder.look(); sub.recorder.explainNew(sub.own.stats.spikes.begun); return nil })
	}
	s.call("Info", func() error { sub.Info(); return nil })
	s.call("Stat", func() error { _, err := Stat(s.dir, "r"); return err })
	s.call("Close", sub.Close)
	s.call("Close the publisher", p.Close)
}

// deedsToLate has a publisher record what takes long.
func deedsToLate(s *site) {
	cfg := s.everything()
	cfg.Spikes = time.Nanosecond
	s.begin()
	defer s.end()
	p, err := Create("r", cfg)
	s.look("Create", err)
	if err != nil {
		return
	}
	for range 3 {
		s.loop("RecordLate", func() error { p.RecordLate(time.Minute); p.RecordLate(-1); return nil })
		s.loop("Claim", func() error {
			if _, err := p.Claim(1); err != nil {
				return err
			}
			return p.Commit(1, 1)
		})
	}
	s.call("Stat", func() error { _, err := Stat(s.dir, "r"); return err })
	s.call("Close", p.Close)
}

// deedsToLookers only look.
func deedsToLookers(s *site) {
	cfg := s.everything()
	cfg.Spikes = time.Nanosecond
	p := must(Create("r", cfg))
	must(0, p.RemoveGate("dead"))
	sub := must(Open("r", Options{Dir: s.dir, Name: "sub", Spikes: time.Nanosecond}))
	for range 5 {
		must(0, p.Publish(1, make([]byte, 100)))
		p.RecordLate(time.Second)
		sub.Next()
	}
	w := must(OpenWatch(s.dir, "r"))
	var sight Sight
	s.begin()
	for range 3 {
		s.call("Look", func() error { return w.Look(&sight) })
		s.call("Stat", func() error { _, err := Stat(s.dir, "r"); return err })
		s.call("List", func() error { _, err := List(s.dir); return err })
	}
	s.call("Close", w.Close)
	s.end()
	sub.Close()
	p.Close()
}

// deedsToWaker follows a ring as a waker.
func deedsToWaker(s *site) {
	p := must(Create("r", smallest(s.dir)))
	must(0, p.Publish(1, nil))
	ctx, end := context.WithTimeout(context.Background(), patience)
	w := must(NewWaker("r", WakerOptions{Dir: s.dir, Interval: 1, Wait: stopping{65, end}, Notify: func(state WakerState) {
		if state == WakerAway {
			end()
		}
	}}))
	s.begin()
	s.call("Run", func() error {
		if err := w.Run(ctx); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	s.end()
	p.Close()
}

// deedsBeside counts the points of the goroutines that a publisher and a subscriber have
// beside them: heartbeat, waker, recorders.
func deedsBeside(s *site) {
	cfg := s.everything()
	cfg.Heartbeat, cfg.Waker, cfg.WakerWait, cfg.Spikes = time.Millisecond, true, Backoff{Sleep: 100 * time.Microsecond}, time.Nanosecond
	cfg.Gates = nil
	s.beside = true
	p := must(Create("r", cfg))
	sub := must(Open("r", Options{Dir: s.dir, Name: "sub", Spikes: time.Nanosecond}))
	s.begin()
	defer s.end()
	for range 3 {
		s.loop("Publish", func() error { p.RecordLate(time.Second); return p.Publish(1, nil) })
		s.loop("Next", func() error { sub.Next(); return nil })
		time.Sleep(2 * time.Millisecond)
	}
	s.call("Close", sub.Close) // explains what there is to explain
	s.call("Close the publisher", p.Close)
}
