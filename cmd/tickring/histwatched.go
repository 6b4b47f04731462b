package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/cmd/internal/hlog"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// watchedRing is what the last look at a ring has found.
type watchedRing struct {
	name     string
	watch    *ring.Watch
	sight    ring.Sight
	sources  []histSource
	seen     bool   // it has been looked at before
	trouble  string // why it cannot be looked at; "": it can
	replaced uint64 // as in sight
	subs     map[string]*watchedSub
}

func (r *watchedRing) wants(part string) bool {
	return slices.ContainsFunc(r.sources, func(s histSource) bool { return s.wants(part) })
}

// watchedSub is what the last look at a subscriber has found.
type watchedSub struct {
	seen    bool // it has been read before
	opened  time.Time
	state   string
	trouble string       // why it cannot be read; "": it can
	at      time.Time    // until when it is logged
	counts  loggedCounts // what it had measured then
	// reset: its file is being emptied for the next owner, so that nobody knows whose the
	// counts are.
	reset bool
	gone  time.Time // since when its file is not there; zero: it is
}

// forgetAfter is how long a subscriber is remembered whose file is gone, in case that very
// file is put back.
const forgetAfter = time.Minute

func (w *histWatch) look(r *watchedRing) {
	err := r.watch.Look(&r.sight)
	now := time.Now()
	if err != nil {
		why := strings.TrimPrefix(text.OneLine(noRing(err, w.dir, r.name)), fmt.Sprintf("ring: watch %q: ", r.name))
		if why != r.trouble {
			w.say("ring %s: %s; waiting for it", r.name, why)
			r.trouble = why
		}
		r.seen = true
		return // its subscribers are looked at again when it is there
	}
	switch {
	case r.trouble != "":
		w.say("ring %s: it is there", r.name)
	case r.replaced != r.sight.Replaced:
		w.say("ring %s: it was replaced by a new one", r.name)
	}
	first := !r.seen
	r.trouble, r.replaced, r.seen = "", r.sight.Replaced, true
	there := map[string]bool{}
	look := func(s ring.SubscriberInfo, counts *ring.Counts) {
		if r.wants(s.Name) {
			there[s.Name] = true
			w.take(r, s, counts, now, first)
		}
	}
	for i := range r.sight.Subs {
		s := &r.sight.Subs[i]
		look(s.SubscriberInfo, s.Counts)
	}
	if own := r.sight.Own; own != nil {
		look(ownPartOf(&r.sight.Info, &own.PublisherInfo), own.Counts)
	}
	for name, p := range r.subs {
		switch {
		case there[name]:
		case p.gone.IsZero():
			w.say("%s:%s: its file is gone", r.name, name)
			p.gone = now
		case now.Sub(p.gone) > forgetAfter:
			delete(r.subs, name)
		}
	}
	for _, s := range r.sources {
		if first && s.part != "" && !there[s.part] {
			w.say("%s:%s: it is not there; waiting for it", r.name, s.part)
		}
	}
}

// take logs what a subscriber has measured since it was looked at last. Of one that is seen
// for the first time that is what it has measured since the watch began, if that is known.
func (w *histWatch) take(r *watchedRing, s ring.SubscriberInfo, counts *ring.Counts, now time.Time, first bool) {
	name := r.name + ":" + s.Name
	p := r.subs[s.Name]
	if p == nil {
		p = &watchedSub{}
		r.subs[s.Name] = p
	}
	back := !p.gone.IsZero()
	p.gone = time.Time{}
	if s.Err != nil {
		if why := text.OneLine(s.Err); why != p.trouble {
			w.say("%s: %s", name, why)
			p.trouble = why
		}
		return
	}
	state := monitor.StateOf(&s)
	switch {
	case !p.seen:
		came := ""
		if !first {
			came = "new, "
		}
		w.say("%s: %s%s", name, came, stateText(s, state))
		*p = watchedSub{seen: true, opened: s.Opened, state: state, at: s.Opened}
		if s.Opened.Before(w.started) {
			p.at = now
			p.counts.set(counts)
			return
		}
	case !p.opened.Equal(s.Opened):
		w.say("%s: opened anew, %s; what its last owner measured after %s is not known", name, stateText(s, state), p.at.UTC().Format("15:04:05.000Z"))
		*p = watchedSub{seen: true, opened: s.Opened, state: state, at: s.Opened}
	case p.reset:
		return
	case p.trouble != "" || back:
		w.say("%s: it can be read again", name)
		p.trouble = ""
	}
	h, ok := p.counts.advance(counts)
	if !ok {
		w.say("%s: its counts went down; it is not logged until it is opened anew", name)
		p.reset = true
		return
	}
	if h.TotalCount() > 0 || state == monitor.StateReading || p.state == monitor.StateReading {
		tag := name
		if w.untagged {
			tag = ""
		}
		w.keep(w.log.Interval(hlog.Interval{Tag: tag, Start: p.at, Length: max(now.Sub(p.at), 0), Hist: h}))
		w.intervals++
		w.messages += uint64(h.TotalCount())
	}
	if state != p.state {
		w.say("%s: %s", name, stateText(s, state))
	}
	p.state, p.at = state, now
}

// stateText says what a subscriber does, or what became of it.
func stateText(s ring.SubscriberInfo, state string) string {
	switch state {
	case monitor.StateReading:
		if s.Name == ownPart {
			state = ownAlive
		}
		return fmt.Sprintf("%s, pid %d", state, s.PID)
	case monitor.StateDead:
		return fmt.Sprintf("dead, its pid was %d", s.PID)
	case monitor.StateNew:
		return "a gate that nobody has opened yet"
	}
	return state
}

// loggedCounts is what has been logged of the counts of a file.
type loggedCounts ring.Counts

// set takes it that all of now is logged; nil is nothing.
func (c *loggedCounts) set(now *ring.Counts) {
	*c = loggedCounts{}
	if now != nil {
		*c = loggedCounts(*now)
	}
}

// advance returns what now has more than c, and makes c now. It is false, and c stays, if
// now has less anywhere.
func (c *loggedCounts) advance(now *ring.Counts) (*hdrhistogram.Histogram, bool) {
	var none, more ring.Counts
	if now == nil {
		now = &none
	}
	for i, n := range now {
		if n < c[i] {
			return nil, false
		}
		more[i] = n - c[i]
	}
	c.set(now)
	return more.Histogram(), true
}
