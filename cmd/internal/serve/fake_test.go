package serve

import (
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/ring/monitor"
)

// fake is a source of made-up snapshots.
type fake struct {
	snapshot   atomic.Pointer[monitor.Snapshot]
	histograms map[string]*hdrhistogram.Histogram // by ring/sub
	heat       monitor.Heat
	closed     atomic.Bool
}

func (f *fake) Poll() *monitor.Snapshot {
	s := *f.snapshot.Load()
	s.Time = time.Now()
	return &s
}

func (f *fake) Histogram(ring, sub string, _ monitor.Span) (*hdrhistogram.Histogram, bool) {
	h, ok := f.histograms[ring+"/"+sub]
	return h, ok
}

func (f *fake) Heat(ring, sub string) (monitor.Heat, bool) {
	_, ok := f.histograms[ring+"/"+sub]
	return f.heat, ok
}

func (f *fake) Close() error {
	f.closed.Store(true)
	return nil
}

// latencies are n of them, from first ns on and each by step longer.
func latencies(n, first, step int64) *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, 10e9, 2)
	for i := range n {
		if err := h.RecordValue(first + i*step); err != nil {
			panic(err)
		}
	}
	return h
}

// newFake has a ring "es" with subscribers "alpha" and "beta" and a publisher that records
// how late it is, and a ring "nq" with nothing. No field of "es" and "alpha" has its zero
// value, so that all of them are in the JSON.
func newFake() *fake {
	var es monitor.Ring
	fill(reflect.ValueOf(&es).Elem(), new(int64))
	es.Name, es.Publisher, es.Stamps, es.Absent = "es", "live", "every message", false
	alpha := es.Subscribers[0]
	alpha.Name, alpha.State, alpha.Wait, alpha.Gate = "alpha", monitor.StateReading, "spin", "holding"
	alpha.Start.Max = 100_000
	es.Subscribers = []monitor.Subscriber{alpha, {Name: "beta", State: monitor.StateDead, LagTime: -1}}
	f := &fake{
		histograms: map[string]*hdrhistogram.Histogram{
			"es/alpha": latencies(1000, 100, 100), // 100 ns to 100 µs
			"es/beta":  latencies(0, 0, 0),
			"es/":      latencies(10, 1000, 1000),
		},
		heat: monitor.Heat{Start: time.Unix(1700000000, 0), Edges: []int64{10, 20, 50}, Counts: [][]uint64{{1, 2}, {3, 4}}},
	}
	f.snapshot.Store(&monitor.Snapshot{Took: time.Millisecond, Dir: "/dev/shm/rings", Rings: []monitor.Ring{es, {Name: "nq", Publisher: "dead"}}, Error: ""})
	return f
}

// fill sets everything that is exported below v to something else than its zero value.
func fill(v reflect.Value, next *int64) {
	*next++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), next)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1700000000+*next, 0)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), next)
			}
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("text")
	case reflect.Float64:
		v.SetFloat(float64(*next) + 0.5)
	case reflect.Uint8:
		v.SetUint(1) // a word of few
	default:
		if v.CanUint() {
			v.SetUint(uint64(*next))
		} else {
			v.SetInt(*next)
		}
	}
}

// newServer serves a source without a network; it has looked once.
func newServer(t testing.TB, source Source) *Server {
	t.Helper()
	s, err := Listen(Config{Source: source, Listen: "127.0.0.1:0", Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.limits.request, s.limits.answer, s.limits.end = time.Minute, time.Minute, time.Minute // the machine may be busy
	s.watch.look()
	return s
}
