package serve

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"

	"github.com/tickring/tickring/ring/monitor"
)

// metrics are those that a server of a source tells.
func metrics(t testing.TB, f *fake) map[string]*dto.MetricFamily {
	t.Helper()
	s := newServer(t, f)
	// Gatherers checks what it gathers as a registry does: labels, duplicates, types.
	all, err := prometheus.Gatherers{gatherer{s, s.watch.newest.Load()}}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(all).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", err, problems)
	}
	families := map[string]*dto.MetricFamily{}
	for _, family := range all {
		if !strings.HasPrefix(family.GetName(), "tickring_") {
			t.Errorf("%s does not begin with tickring_", family.GetName())
		}
		families[family.GetName()] = family
	}
	return families
}

// value is that of a sample with the labels, which are written name=value.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) (v float64, found bool) {
	t.Helper()
	family := families[name]
	if family == nil {
		t.Fatalf("there is no %s", name)
	}
	for _, m := range family.Metric {
		has := 0
		for _, l := range m.Label {
			for _, want := range labels {
				if l.GetName()+"="+l.GetValue() == want {
					has++
				}
			}
		}
		if has < len(labels) {
			continue
		}
		if found {
			t.Errorf("%s has more than one of %v", name, labels)
		}
		found = true
		switch {
		case m.Counter != nil:
			v = m.Counter.GetValue()
		case m.Gauge != nil:
			v = m.Gauge.GetValue()
		}
	}
	return v, found
}

func TestMetrics(t *testing.T) {
	f := newFake()
	f.snapshot.Load().Rings[0].Late.Error = ""
	families := metrics(t, f)
	alpha := f.snapshot.Load().Rings[0].Subscribers[0]
	for _, m := range []struct {
		name   string
		want   float64
		labels []string
	}{
		{"tickring_monitor_rings", 2, nil},
		{"tickring_subscriber_lag_messages", float64(alpha.Lag), []string{"ring=es", "subscriber=alpha"}},
		{"tickring_subscriber_lag_seconds", alpha.LagTime.Seconds(), []string{"subscriber=alpha"}},
		{"tickring_subscriber_lost_messages_total", float64(alpha.Lost), []string{"subscriber=alpha"}},
		{"tickring_subscriber_messages_total", 0, []string{"subscriber=beta"}},
		{"tickring_subscriber_state", 1, []string{"subscriber=beta", "state=dead"}},
		{"tickring_subscriber_state", 0, []string{"subscriber=beta", "state=reading"}},
		{"tickring_subscriber_recent_spikes", 1, []string{"subscriber=alpha", "cause=stopped"}},
		{"tickring_ring_publisher_state", 1, []string{"ring=nq", "state=dead"}},
		{"tickring_ring_back_pressure_total", float64(f.snapshot.Load().Rings[0].Refused), []string{"ring=es"}},
		{"tickring_ring_present", 1, []string{"ring=es"}},
		{"tickring_ring_readable", 0, []string{"ring=es"}}, // it has an Error
		{"tickring_read_latency_max_seconds", 100e-6, []string{"subscriber=alpha"}},
		{"tickring_publisher_spikes_total", float64(f.snapshot.Load().Rings[0].Late.Spikes.Spikes), []string{"ring=es"}},
	} {
		if got, found := value(t, families, m.name, m.labels...); !found || got != m.want {
			t.Errorf("%s %v: %v %v, want %v", m.name, m.labels, got, found, m.want)
		}
	}
	if _, found := value(t, families, "tickring_subscriber_lag_seconds", "subscriber=beta"); found {
		t.Error("a lag that is not known is told")
	}
	if n := len(families["tickring_read_latency_seconds"].Metric); n != 2 {
		t.Errorf("%d histograms of subscribers", n)
	}
	if n := len(families["tickring_publisher_lateness_seconds"].Metric); n != 1 {
		t.Errorf("%d histograms of publishers", n)
	}
}

// Of what cannot be read it is told that it cannot, and nothing else: counters that went to
// 0 for a while would tell of losses that were told before.
func TestMetricsOfWhatCannotBeRead(t *testing.T) {
	f := newFake()
	s := *f.snapshot.Load()
	s.Rings = append([]monitor.Ring{}, s.Rings...)
	es := &s.Rings[0] // its publisher's file has an Error
	es.Last, es.Oldest = 0, 0
	broken := monitor.Subscriber{Name: "broken", State: monitor.StateBroken, LagTime: -1, Error: "why"}
	es.Subscribers = append(es.Subscribers[:1:1], broken)
	s.Rings[1] = monitor.Ring{Name: "nq", Replaced: 3, Error: "why"}
	s.Rings = append(s.Rings, monitor.Ring{Name: "zn", Absent: true, Error: "no such ring"})
	f.snapshot.Store(&s)
	told := map[string][]string{}
	for name, family := range metrics(t, f) {
		for _, m := range family.Metric {
			ring, sub := "", ""
			for _, l := range m.Label {
				switch l.GetName() {
				case "ring":
					ring = l.GetValue()
				case "subscriber":
					sub = l.GetValue()
				}
			}
			what := ring + "/" + sub
			if !slices.Contains(told[what], name) {
				told[what] = append(told[what], name)
			}
		}
	}
	for what, want := range map[string][]string{
		"nq/":       {"tickring_ring_present", "tickring_ring_readable", "tickring_ring_replaced_total"},
		"zn/":       {"tickring_ring_present", "tickring_ring_replaced_total"},
		"es/broken": {"tickring_subscriber_readable", "tickring_subscriber_state"},
	} {
		slices.Sort(told[what])
		if !slices.Equal(told[what], want) {
			t.Errorf("of %s is told %v", what, told[what])
		}
	}
	for _, name := range told["es/"] {
		if strings.HasPrefix(name, "tickring_ring_messages") || strings.HasPrefix(name, "tickring_publisher_") && name != "tickring_publisher_readable" {
			t.Errorf("%s is told of es", name)
		}
	}
	if len(told["es/"]) < 8 || len(told["es/alpha"]) < 15 {
		t.Errorf("of es is told %v", told)
	}
}

// What a ring says of itself may be anything.
func TestMetricsOfStrangeText(t *testing.T) {
	f := newFake()
	s := *f.snapshot.Load()
	s.Rings = append([]monitor.Ring{}, s.Rings...)
	s.Rings[0].Schema, s.Rings[0].Source = "a\xFFb\n\"", "\\"
	f.snapshot.Store(&s)
	if _, found := value(t, metrics(t, f), "tickring_ring_info", "schema=a\uFFFDb\n\"", `source=\`); !found {
		t.Error("no tickring_ring_info of it")
	}
	if line := `schema="a�b\n\"",source="\\"`; !strings.Contains(scraped(t, newServer(t, f), "", "").Body.String(), line) {
		t.Errorf("no %s in the text", line)
	}
}

func scraped(t testing.TB, s *Server, accept, encoding string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "http://localhost/metrics", nil)
	r.Header.Set("Accept", accept)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w
}

const acceptProto = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

func TestScrape(t *testing.T) {
	s := newServer(t, newFake())
	text := scraped(t, s, "", "")
	if got := text.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Error(got)
	}
	zipped := scraped(t, s, "", "gzip")
	if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Body.Len() > text.Body.Len()/3 {
		t.Errorf("%v, %d bytes of %d", zipped.Header(), zipped.Body.Len(), text.Body.Len())
	}
	encoded := scraped(t, s, acceptProto, "")
	d := expfmt.NewDecoder(encoded.Body, expfmt.ResponseFormat(encoded.Header()))
	natives := 0
	for {
		var family dto.MetricFamily
		if d.Decode(&family) != nil {
			break
		}
		if family.GetName() == "tickring_read_latency_seconds" {
			for _, m := range family.Metric {
				if m.Histogram.GetZeroThreshold() > 0 && len(m.Histogram.Bucket) > 20 { // as Prometheus tells them
					natives++
				}
			}
		}
	}
	if natives != 2 {
		t.Errorf("%d histograms that are native and classic", natives)
	}
	if promtool, err := exec.LookPath("promtool"); err != nil {
		t.Log("there is no promtool to check this")
	} else {
		check := exec.Command(promtool, "check", "metrics")
		check.Stdin = bytes.NewReader(text.Body.Bytes())
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool: %v\n%s", err, out)
		}
	}
}

// A histogram has to be as if Prometheus' own had counted the latencies.
func TestHistogram(t *testing.T) {
	mixed := hdrhistogram.New(1, 10e9, 2)
	for ns, n := range map[int64]int64{0: 3, 1: 1, 49: 2, 50: 2, 51: 1, 255: 7, 1000: 1, 1001: 4, 123456: 100, 999e6: 5, 1e9: 1, 5e9: 2, 10e9: 9} {
		if err := mixed.RecordValues(ns, n); err != nil {
			t.Fatal(err)
		}
	}
	for name, h := range map[string]*hdrhistogram.Histogram{"none": latencies(0, 0, 0), "one": latencies(1, 160, 0), "many": latencies(3000, 10, 997), "mixed": mixed} {
		sc := newScale()
		edges := make([]float64, len(sc.edges))
		copy(edges, sc.edges)
		reference := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "reference", Buckets: edges, NativeHistogramBucketFactor: 1.1})
		sum := 0.0
		for _, bar := range h.Distribution() {
			for range bar.Count {
				reference.Observe(float64(bar.To) / 1e9)
				sum += float64(bar.From+bar.To) / 2e9
			}
		}
		var m dto.Metric
		if err := reference.Write(&m); err != nil {
			t.Fatal(err)
		}
		want, opened := m.Histogram, time.Unix(1700000000, 0)
		got := sc.histogram(h, opened)
		if !got.CreatedTimestamp.AsTime().Equal(opened) {
			t.Errorf("%s: created %v", name, got.CreatedTimestamp.AsTime())
		}
		if diff := got.GetSampleSum() - sum; diff > sum*1e-9 || diff < -sum*1e-9 {
			t.Errorf("%s: sum %v, want %v", name, got.GetSampleSum(), sum)
		}
		want.SampleSum, want.CreatedTimestamp = got.SampleSum, got.CreatedTimestamp
		if !proto.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
}
