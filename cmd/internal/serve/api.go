package serve

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

func (s *Server) rings(w http.ResponseWriter, r *http.Request) {
	less, ok := lessOf(w, r)
	if !ok {
		return
	}
	b, err := s.watch.newest.Load().rings[less]()
	if err != nil {
		answerError(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	b.write(w, r, http.StatusOK)
}

func (s *Server) ring(w http.ResponseWriter, r *http.Request) {
	less, ok := lessOf(w, r)
	if !ok {
		return
	}
	if ring, ok := s.ringOf(w, r); ok {
		answer(w, r, trimmedRing(*ring, less))
	}
}

func (s *Server) subscriber(w http.ResponseWriter, r *http.Request) {
	less, ok := lessOf(w, r)
	if !ok {
		return
	}
	ring, ok := s.ringOf(w, r)
	if !ok {
		return
	}
	if sub, ok := subOf(w, r, ring); ok {
		answer(w, r, trimmedSub(*sub, less))
	}
}

// spikes, curves and heat are those of a subscriber, or of the publisher where the path
// has no subscriber.
func (s *Server) spikes(w http.ResponseWriter, r *http.Request) {
	ring, ok := s.ringOf(w, r)
	if !ok {
		return
	}
	if r.PathValue("subscriber") == "" {
		if late, ok := lateOf(w, r, ring); ok {
			answer(w, r, trimmedLog(late.Spikes, lessNothing))
		}
	} else if sub, ok := subOf(w, r, ring); ok {
		answer(w, r, trimmedLog(sub.Spikes, lessNothing))
	}
}

func (s *Server) curves(w http.ResponseWriter, r *http.Request) {
	ring, ok := s.ringOf(w, r)
	if !ok {
		return
	}
	var start monitor.Window
	name := r.PathValue("subscriber")
	if name == "" {
		late, ok := lateOf(w, r, ring)
		if !ok {
			return
		}
		start = late.Start
	} else {
		sub, ok := subOf(w, r, ring)
		if !ok {
			return
		}
		start = sub.Start
	}
	var c curves
	s.watch.borrow(func(source Source) { c = curvesOf(source, ring.Name, name, start.Max) })
	answer(w, r, c)
}

func (s *Server) heat(w http.ResponseWriter, r *http.Request) {
	ring, ok := s.ringOf(w, r)
	if !ok {
		return
	}
	name := r.PathValue("subscriber")
	if name == "" {
		_, ok = lateOf(w, r, ring)
	} else {
		_, ok = subOf(w, r, ring)
	}
	if !ok {
		return
	}
	h := monitor.Heat{}
	s.watch.borrow(func(source Source) { h, _ = source.Heat(ring.Name, name) })
	h.Edges, h.Counts = notNil(h.Edges), notNil(h.Counts)
	answer(w, r, h)
}

func (s *Server) ringOf(w http.ResponseWriter, r *http.Request) (*monitor.Ring, bool) {
	v, name := s.watch.newest.Load(), r.PathValue("ring")
	at, ok := slices.BinarySearchFunc(v.Rings, name, func(r monitor.Ring, name string) int { return strings.Compare(r.Name, name) })
	if !ok {
		answerError(w, r, http.StatusNotFound, fmt.Sprintf("there is no ring %s; /api/v1/rings lists those that are there", text.Clipped(name)))
		return nil, false
	}
	return &v.Rings[at], true
}

func subOf(w http.ResponseWriter, r *http.Request, ring *monitor.Ring) (*monitor.Subscriber, bool) {
	name := r.PathValue("subscriber")
	at, ok := slices.BinarySearchFunc(ring.Subscribers, name, func(s monitor.Subscriber, name string) int { return strings.Compare(s.Name, name) })
	if !ok {
		answerError(w, r, http.StatusNotFound, fmt.Sprintf("ring %s has no subscriber %s; /api/v1/rings/%[1]s lists those that are there", ring.Name, text.Clipped(name)))
		return nil, false
	}
	return &ring.Subscribers[at], true
}

func lateOf(w http.ResponseWriter, r *http.Request, ring *monitor.Ring) (*monitor.Publisher, bool) {
	if ring.Late == nil {
		answerError(w, r, http.StatusNotFound, fmt.Sprintf("the publisher of ring %s does not record how late it is", ring.Name))
		return nil, false
	}
	return ring.Late, true
}

// less says how much of what is long an answer leaves out.
type less uint8

const (
	lessNothing less = iota
	lessSpikes       // without lists of spikes
	lessTrends       // and without trends
	lessValues       // how many there are
)

// lessOf says what a request wants. ok is false if that cannot be told, and was answered.
func lessOf(w http.ResponseWriter, r *http.Request) (l less, ok bool) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		answerError(w, r, http.StatusBadRequest, "the query of the request cannot be read")
		return lessNothing, false
	}
	for _, v := range query["brief"] {
		switch v {
		case "0", "false":
			l = lessNothing
		case "spikes":
			l = lessSpikes
		case "1", "true":
			l = lessTrends
		default:
			answerError(w, r, http.StatusBadRequest, fmt.Sprintf("brief is %s; want 1, true, 0, false or spikes", text.Clipped(v)))
			return lessNothing, false
		}
	}
	return l, true
}

func answer(w http.ResponseWriter, r *http.Request, v any) {
	b, err := jsonBody(v)
	if err != nil {
		answerError(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	b.write(w, r, http.StatusOK)
}

// A trimmed value is a copy whose lists are never nil, which would be null in JSON, and
// empty where less is wanted.

func trimmed(v *monitor.Snapshot, l less) *monitor.Snapshot {
	copied := *v
	copied.Rings = make([]monitor.Ring, len(v.Rings))
	for i, r := range v.Rings {
		copied.Rings[i] = trimmedRing(r, l)
	}
	return &copied
}

func trimmedRing(r monitor.Ring, l less) monitor.Ring {
	subs := make([]monitor.Subscriber, len(r.Subscribers))
	for i, s := range r.Subscribers {
		subs[i] = trimmedSub(s, l)
	}
	r.Subscribers = subs
	if r.Late != nil {
		late := *r.Late
		late.Spikes = trimmedLog(late.Spikes, l)
		r.Late = &late
	}
	return r
}

func trimmedSub(s monitor.Subscriber, l less) monitor.Subscriber {
	s.Trend = notNil(s.Trend)
	if l >= lessTrends {
		s.Trend = []int64{}
	}
	s.Spikes = trimmedLog(s.Spikes, l)
	return s
}

func trimmedLog(log ring.SpikeLog, l less) ring.SpikeLog {
	log.List = notNil(log.List)
	if l >= lessSpikes {
		log.List = []ring.Spike{}
	}
	return log
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
