package serve

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/tickring/tickring/ring/monitor"
)

// family is a metric: what it tells of each T. What is made of a snapshot is some ten
// thousands of samples, so they are made for Prometheus' types directly, and not by a
// registry of collectors; a test has one check them.
type family[T any] struct {
	name, help string
	counter    bool // else a gauge
	always     bool // told also of what cannot be read
	value      func(T) (float64, bool)
}

func gauge[T any](name, help string, value func(T) float64) family[T] {
	return family[T]{name: name, help: help, value: func(t T) (float64, bool) { return value(t), true }}
}

func counter[T any](name, help string, value func(T) uint64) family[T] {
	return family[T]{name: name, help: help, counter: true, value: func(t T) (float64, bool) { return float64(value(t)), true }}
}

// always makes a family one that is told also of what cannot be read. All others are not:
// a counter that went to 0 and came back would have counted everything once more.
func always[T any](f family[T]) family[T] {
	f.always = true
	return f
}

// labelled is something to tell of, with the labels that all samples of it have.
type labelled[T any] struct {
	of     T
	labels []*dto.LabelPair
}

// both are all things of a kind, and those of them that could be read.
type both[T any] struct{ all, read []labelled[T] }

func (b *both[T]) add(l labelled[T], read bool) {
	b.all = append(b.all, l)
	if read {
		b.read = append(b.read, l)
	}
}

func (b *both[T]) of(always bool) []labelled[T] {
	if always {
		return b.all
	}
	return b.read
}

// sample is a metric and what it points to, in one allocation.
type sample struct {
	metric  dto.Metric
	gauge   dto.Gauge
	counter dto.Counter
	value   float64
}

func (f family[T]) of(all []labelled[T]) *dto.MetricFamily {
	samples := make([]sample, len(all))
	out := newFamily(f.name, f.help, dto.MetricType_GAUGE, len(all))
	if f.counter {
		out.Type = dto.MetricType_COUNTER.Enum()
	}
	for i, l := range all {
		value, known := f.value(l.of)
		if !known {
			continue
		}
		s := &samples[i]
		s.value, s.metric.Label = value, l.labels
		if f.counter {
			s.counter.Value, s.metric.Counter = &s.value, &s.counter
		} else {
			s.gauge.Value, s.metric.Gauge = &s.value, &s.gauge
		}
		out.Metric = append(out.Metric, &s.metric)
	}
	return out
}

func newFamily(name, help string, kind dto.MetricType, samples int) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &name, Help: &help, Type: kind.Enum(), Metric: make([]*dto.Metric, 0, samples)}
}

// pairs are labels: names and values by turns.
func pairs(namesAndValues ...string) []*dto.LabelPair {
	labels := make([]*dto.LabelPair, 0, len(namesAndValues)/2)
	for i := 0; i < len(namesAndValues); i += 2 {
		labels = append(labels, &dto.LabelPair{Name: proto.String(namesAndValues[i]), Value: proto.String(namesAndValues[i+1])})
	}
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return labels
}

// states is a family with a sample for each state that something can be in: 1 for the one
// that it is in.
func states[T any](name, help string, all []labelled[T], words []string, is func(T) string) *dto.MetricFamily {
	out := newFamily(name, help, dto.MetricType_GAUGE, len(all)*len(words))
	samples := make([]sample, len(all)*len(words))
	labels := make([]*dto.LabelPair, len(words))
	for i, word := range words {
		labels[i] = pairs("state", word)[0]
	}
	for i, l := range all {
		now := is(l.of)
		for j, word := range words {
			s := &samples[i*len(words)+j]
			if word == now {
				s.value = 1
			}
			s.gauge.Value, s.metric.Gauge = &s.value, &s.gauge
			s.metric.Label = withLabel(l.labels, labels[j])
			out.Metric = append(out.Metric, &s.metric)
		}
	}
	return out
}

// withLabel returns labels and one more, by name.
func withLabel(labels []*dto.LabelPair, more *dto.LabelPair) []*dto.LabelPair {
	at, _ := slices.BinarySearchFunc(labels, more.GetName(), func(p *dto.LabelPair, name string) int { return cmp.Compare(p.GetName(), name) })
	return slices.Insert(slices.Clip(labels), at, more)
}

// info is a family of ones, whose labels tell what numbers cannot.
func info[T any](name, help string, all []labelled[T], labels func(T) []string) *dto.MetricFamily {
	out := newFamily(name, help, dto.MetricType_GAUGE, len(all))
	for _, l := range all {
		more := l.labels
		for _, pair := range pairs(labels(l.of)...) {
			more = withLabel(more, pair)
		}
		out.Metric = append(out.Metric, &dto.Metric{Label: more, Gauge: &dto.Gauge{Value: proto.Float64(1)}})
	}
	return out
}

// gatherer makes the metrics of one snapshot.
type gatherer struct {
	server *Server
	view   *view
}

var _ prometheus.Gatherer = gatherer{}

// Gather is that of [prometheus.Gatherer]: families by name. It fails never.
func (g gatherer) Gather() ([]*dto.MetricFamily, error) {
	v := g.view
	var rings, late both[*monitor.Ring] // late: those whose publisher records how late it is
	var subs both[*monitor.Subscriber]
	for i := range v.Rings {
		r := &v.Rings[i]
		l := labelled[*monitor.Ring]{r, pairs("ring", label(r.Name))}
		rings.add(l, r.Publisher != "")
		if r.Late != nil {
			late.add(l, r.Late.Error == "")
		}
		for j := range r.Subscribers {
			s := &r.Subscribers[j]
			subs.add(labelled[*monitor.Subscriber]{s, pairs("ring", label(r.Name), "subscriber", label(s.Name))}, s.State != monitor.StateBroken)
		}
	}

	var out []*dto.MetricFamily
	for _, f := range serverFamilies(g.server) {
		out = append(out, f.of([]labelled[*view]{{v, nil}}))
	}
	out = append(out, info("tickring_build_info", "The build of tickring that serves this.", []labelled[*view]{{v, nil}},
		func(*view) []string { return []string{"version", label(g.server.cfg.Version)} }))
	for _, f := range ringFamilies() {
		out = append(out, f.of(rings.of(f.always)))
	}
	for _, f := range publisherFamilies() {
		out = append(out, f.of(late.of(f.always)))
	}
	for _, f := range subscriberFamilies() {
		out = append(out, f.of(subs.of(f.always)))
	}
	out = append(out,
		states("tickring_ring_publisher_state", "1 for the state that the ring's publisher is in: hung gives no sign of life, dead ended without closing.",
			rings.read, publisherStates(), func(r *monitor.Ring) string { return r.Publisher }),
		states("tickring_subscriber_state", "1 for the state that the subscriber is in: stuck has messages to read and does not move, dead ended without closing.",
			subs.all, subscriberStates(), func(s *monitor.Subscriber) string { return s.State }),
		info("tickring_ring_info", "What is in the ring, and who publishes.", rings.read, func(r *monitor.Ring) []string {
			return []string{"schema", label(r.Schema), "source", label(r.Source), "stamps", label(r.Stamps), "pid", strconv.Itoa(r.PID)}
		}),
		info("tickring_subscriber_info", "Who the subscriber is: its process, how it waits, and its gate if it is one.", subs.read, func(s *monitor.Subscriber) []string {
			return []string{"wait", label(s.Wait), "gate", label(s.Gate), "pid", strconv.Itoa(s.PID)}
		}),
		recentSpikes(subs.read),
		g.histograms("tickring_read_latency_seconds", "From publish to read, since the subscriber was opened.", len(subs.read), func(i int) (string, string, []*dto.LabelPair, time.Time) {
			s := subs.read[i]
			return s.labels[0].GetValue(), s.of.Name, s.labels, s.of.Opened
		}),
		g.histograms("tickring_publisher_lateness_seconds", "How much later than it meant to the publisher published, since it opened the ring.", len(late.read), func(i int) (string, string, []*dto.LabelPair, time.Time) {
			l := late.read[i]
			return l.of.Name, "", l.labels, l.of.Opened
		}),
	)
	out = slices.DeleteFunc(out, func(f *dto.MetricFamily) bool { return len(f.Metric) == 0 })
	slices.SortFunc(out, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return out, nil
}

// histograms is a family of n histograms: which says whose, with which labels, since when.
func (g gatherer) histograms(name, help string, n int, which func(i int) (ring, sub string, labels []*dto.LabelPair, since time.Time)) *dto.MetricFamily {
	out := newFamily(name, help, dto.MetricType_HISTOGRAM, n)
	for i := range n {
		ring, sub, labels, since := which(i)
		g.server.watch.borrow(func(source Source) {
			if h, ok := source.Histogram(ring, sub, monitor.SinceStart); ok {
				out.Metric = append(out.Metric, &dto.Metric{Label: labels, Histogram: g.server.scale.histogram(h, since)})
			}
		})
	}
	return out
}
