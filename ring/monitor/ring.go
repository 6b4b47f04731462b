package monitor

import (
	"errors"
	"time"

	"github.com/tickring/tickring/ring"
)

// watchedRing is what the monitor remembers of a ring.
type watchedRing struct {
	watch *ring.Watch
	err   error // there can be no watch
	sight ring.Sight
	seen  time.Duration // the last poll that had it in its list
	flow  rates         // of messages, and of refusals
	files uint64        // as the watch counts them
	subs  map[string]*watchedSub
	late  *series // of the publisher itself, nil if it records nothing
}

func newRing(cfg Config, name string) *watchedRing {
	r := &watchedRing{subs: map[string]*watchedSub{}}
	r.watch, r.err = ring.OpenWatch(cfg.Dir, name)
	r.sight.Name = name
	return r
}

// leave lets go of the files and of what is known of them, but not of how many there were.
func (r *watchedRing) leave() {
	if r.watch != nil {
		r.watch.Close()
	}
	r.forget()
}

func (r *watchedRing) forget() {
	clear(r.subs)
	r.flow, r.late = rates{}, nil
}

func (r *watchedRing) poll(m *Monitor, t poll) Ring {
	err := r.err
	if err == nil {
		err = r.watch.Look(&r.sight)
	}
	i := &r.sight
	if err != nil || i.Replaced != r.files {
		r.forget()
		r.files = i.Replaced
	}
	s := Ring{Name: i.Name, Replaced: i.Replaced, Subscribers: []Subscriber{}}
	if err != nil {
		s.Error, s.Absent = err.Error(), errors.Is(err, ring.ErrNoRing)
		return s
	}
	s.Publisher, s.PID, s.Epoch, s.Opened, s.Beat = i.Publisher.String(), i.PID, i.Epoch, i.Opened, i.Beat
	s.Schema, s.Source, s.Stamps, s.Capacity, s.MaxMessage = i.Schema, i.Source, i.Stamps.String(), i.Capacity, i.MaxMessage
	s.First, s.Oldest, s.Last, s.Mark, s.Refused, s.Waker = i.First, i.Oldest, i.Last, i.Mark, i.Refused, i.Waker
	if i.Err != nil {
		s.Error = i.Err.Error()
		r.flow = rates{}
	} else {
		r.flow.add(t.now, i.Last, i.Refused)
		s.Rate, s.RefusedRate = r.flow.perSecond()
	}
	s.Late = r.pollOwn(m, t)
	s.Subscribers = make([]Subscriber, 0, len(i.Subs))
	for k := range i.Subs {
		sight := &i.Subs[k]
		u := r.subs[sight.Name]
		if u == nil {
			u = &watchedSub{series: newSeries(m)}
			r.subs[sight.Name] = u
		}
		u.seen = t.now
		s.Subscribers = append(s.Subscribers, u.poll(m, t, sight, i))
	}
	for name, u := range r.subs {
		if u.seen != t.now {
			delete(r.subs, name)
		}
	}
	return s
}

// pollOwn is poll for the publisher's own file.
func (r *watchedRing) pollOwn(m *Monitor, t poll) *Publisher {
	i := r.sight.Own
	if i == nil {
		r.late = nil
		return nil
	}
	if r.late == nil {
		s := newSeries(m)
		r.late = &s
	}
	p := &Publisher{Spikes: spikes(i.Spikes)}
	if i.Err != nil {
		p.Error = i.Err.Error()
		r.late.begin()
		r.late.poll(m, t, nil)
		return p
	}
	p.Second, p.Minute, p.Start = r.late.poll(m, t, &measured{i.Latencies, i.Opened, i.Max})
	return p
}
