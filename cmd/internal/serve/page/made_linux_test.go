package page_test

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// made is a source of what is hard to come by: many subscribers, each state, every kind of text.
type made struct {
	mu       sync.Mutex
	snapshot *monitor.Snapshot
	heat     monitor.Heat
}

func (m *made) Poll() *monitor.Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := *m.snapshot
	s.Time = time.Now()
	return &s
}

// change replaces the snapshot by a copy that f has changed.
func (m *made) change(f func(*monitor.Snapshot)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := *m.snapshot
	s.Rings = append([]monitor.Ring(nil), s.Rings...)
	for i := range s.Rings {
		s.Rings[i].Subscribers = append([]monitor.Subscriber(nil), s.Rings[i].Subscribers...)
	}
	f(&s)
	m.snapshot = &s
}

func (m *made) Histogram(_, _ string, over monitor.Span) (*hdrhistogram.Histogram, bool) {
	h := hdrhistogram.New(1, 10e9, 3)
	for i := range int64(100) << (over * 3) {
		h.RecordValue(100 + i)
	}
	return h, true
}

func (m *made) Heat(_, _ string) (monitor.Heat, bool) { return m.heat, true }

func (m *made) Close() error { return nil }

// makeRings makes rings "r00", "r01"... of subscribers "s0", "s1"... that have read a thousand
// messages each.
func makeRings(rings, subs int) *made {
	s := &monitor.Snapshot{Dir: "/dev/shm/rings"}
	at := time.Now().Add(-time.Hour)
	for i := range rings {
		r := monitor.Ring{Name: fmt.Sprintf("r%02d", i), Publisher: "live", PID: 100 + i, Opened: at, Stamps: "every", Capacity: 1 << 20, MaxMessage: 1024, First: 1, Oldest: 1, Last: 1000, Rate: 100}
		for j := range subs {
			w := monitor.Window{Seconds: 1, Summary: monitor.Summary{Count: 100, Mean: 200, P50: 150, P90: 190, P99: 198, P999: 199, P9999: 199, Max: 199}}
			r.Subscribers = append(r.Subscribers, monitor.Subscriber{Name: fmt.Sprintf("s%d", j), State: monitor.StateReading, PID: 1000 + j, Opened: at, Wait: "spin", Delivered: 1000, Bytes: 56000, Rate: 100, Cursor: 1001, Second: w, Minute: w, Start: w, Trend: slices.Repeat([]int64{198}, 60)})
			r.Subscribers[j].Start.Max = 6500
		}
		s.Rings = append(s.Rings, r)
	}
	return &made{snapshot: s}
}

// hostile is what somebody may have written as the name of a source or a schema, to be run.
const hostile = `<img src=x onerror="pwned=1"><script>pwned=1</script>`

// makeStates makes one subscriber of each state, a spike of each cause, and hostile texts
// wherever a text is not checked before.
func makeStates() *made {
	m := makeRings(3, 7)
	es := &m.snapshot.Rings[0]
	es.Schema, es.Source = hostile, hostile
	for i, state := range []string{monitor.StateReading, monitor.StateStuck, monitor.StateDead, monitor.StateClosed, monitor.StateNew, monitor.StateBroken} {
		es.Subscribers[i].State = state
	}
	es.Subscribers[1].Lag, es.Subscribers[1].LagTime = 12345, 3*time.Millisecond
	es.Subscribers[2].Lost, es.Subscribers[2].LostRate = 77, 7
	es.Subscribers[5].Error = hostile
	es.Subscribers[6].Gate = "demoted"
	log := &es.Subscribers[0].Spikes
	log.Threshold, log.Spikes, log.Messages = 100*time.Microsecond, uint64(affinity.CauseBusy)+2, 40
	for cause := affinity.CauseUnknown; cause <= affinity.CauseBusy; cause++ {
		log.List = append(log.List, ring.Spike{Number: uint64(cause) + 1, Kind: ring.SpikeRead, Time: time.Now().Add(-time.Duration(60-cause) * time.Second), Seq: 5, Messages: 3, Latency: time.Millisecond,
			Behind: 64, BehindMore: true, TID: 4711, CPU: 1, Explained: true, Cause: cause, Why: "So it was, " + hostile})
	}
	log.List = append(log.List, ring.Spike{Number: log.Spikes, Kind: ring.SpikeRead, Time: time.Now(), Latency: time.Second, CPU: -1})
	m.snapshot.Rings[1].Publisher = "hung"
	m.snapshot.Rings[2].Stamps = "none"
	for i := range m.snapshot.Rings[2].Subscribers {
		s := &m.snapshot.Rings[2].Subscribers[i]
		s.Second, s.Minute, s.Start = monitor.Window{}, monitor.Window{}, monitor.Window{}
	}
	// A minute in which everything took 1 to 10 µs, but one message that took 1 to 10 ms.
	m.heat = monitor.Heat{Start: time.Now().Add(-time.Minute).Truncate(time.Second), Edges: []int64{0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}}
	for range 60 {
		m.heat.Counts = append(m.heat.Counts, []uint64{0, 1000, 0, 0, 0, 0})
	}
	m.heat.Counts[30][4] = 1
	return m
}
