package serve

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tickring/tickring/ring/monitor"
)

// get asks for a path as a browser on this host does.
func get(t testing.TB, s *Server, path string, v any) int {
	t.Helper()
	r := httptest.NewRequest("GET", "http://localhost"+path, nil)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if v != nil {
		if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
			t.Fatalf("%s: %v\n%s", path, err, w.Body)
		}
	}
	return w.Code
}

func TestAPI(t *testing.T) {
	f := newFake()
	s := newServer(t, f)

	var all monitor.Snapshot
	if code := get(t, s, "/api/v1/rings", &all); code != http.StatusOK || len(all.Rings) != 2 || len(all.Rings[0].Subscribers[0].Spikes.List) != 1 || len(all.Rings[0].Subscribers[0].Trend) != 1 {
		t.Errorf("%d %+v", code, all)
	}
	all = monitor.Snapshot{}
	if get(t, s, "/api/v1/rings?brief=1", &all); len(all.Rings) != 2 || len(all.Rings[0].Subscribers[0].Spikes.List) != 0 || len(all.Rings[0].Subscribers[0].Trend) != 0 {
		t.Errorf("brief: %+v", all)
	}
	all = monitor.Snapshot{}
	if get(t, s, "/api/v1/rings?brief=spikes", &all); len(all.Rings) != 2 || len(all.Rings[0].Subscribers[0].Spikes.List) != 0 || len(all.Rings[0].Subscribers[0].Trend) != 1 {
		t.Errorf("brief as to spikes: %+v", all)
	}
	if kept := f.snapshot.Load().Rings[0]; len(kept.Subscribers[0].Trend) != 1 || len(kept.Late.Spikes.List) != 1 {
		t.Errorf("a brief answer has changed the snapshot: %+v", kept)
	}
	var es monitor.Ring
	if code := get(t, s, "/api/v1/rings/es", &es); code != http.StatusOK || es.Name != "es" || len(es.Subscribers) != 2 {
		t.Errorf("%d %+v", code, es)
	}
	var beta monitor.Subscriber
	if code := get(t, s, "/api/v1/rings/es/subscribers/beta", &beta); code != http.StatusOK || beta.Name != "beta" || beta.State != "dead" {
		t.Errorf("%d %+v", code, beta)
	}
	var heat monitor.Heat
	if code := get(t, s, "/api/v1/rings/es/subscribers/alpha/heat", &heat); code != http.StatusOK || len(heat.Counts) != 2 || heat.Counts[1][1] != 4 {
		t.Errorf("%d %+v", code, heat)
	}
	var plain map[string]json.RawMessage
	for _, path := range []string{"/api/v1/rings/nq", "/api/v1/rings/es/subscribers/beta", "/api/v1/rings/es/subscribers/beta/spikes", "/api/v1/rings/es/subscribers/beta/curves"} {
		get(t, s, path, &plain)
		for field, value := range plain {
			if string(value) == "null" {
				t.Errorf("%s: %s is null", path, field)
			}
		}
	}
}

func TestCurves(t *testing.T) {
	s := newServer(t, newFake())
	var c curves
	get(t, s, "/api/v1/rings/es/subscribers/alpha/curves", &c)
	n := len(c.Start)
	if n < 10 || c.Start[0] != (point{0, 100}) || c.Start[n-1].Percentile != 100 || len(c.Second) != n {
		t.Fatalf("%+v", c)
	}
	for i, p := range c.Second[1:] {
		if before := c.Second[i]; p.Percentile <= before.Percentile || p.Ns < before.Ns {
			t.Errorf("%+v after %+v", p, before)
		}
	}
	// A thousand values tell nothing apart above one in a thousand.
	if last := c.Second[n-2].Percentile; last != 99.9 {
		t.Errorf("the last but one is %v", last)
	}
	for _, q := range c.Second {
		if want := s.cfg.Source.(*fake).histograms["es/alpha"].ValueAtQuantile(q.Percentile); q.Percentile > 0 && q.Ns > want {
			t.Errorf("%v: %d, the histogram has %d", q.Percentile, q.Ns, want)
		}
	}
	var publisher curves
	if get(t, s, "/api/v1/rings/es/publisher/curves", &publisher); len(publisher.Minute) == 0 {
		t.Errorf("%+v", publisher)
	}
}

func TestNotThere(t *testing.T) {
	s := newServer(t, newFake())
	for path, words := range map[string]string{
		"/api/v1/rings/none":                           `no ring "none"`,
		"/api/v1/rings/es/subscribers/none":            `no subscriber "none"`,
		"/api/v1/rings/es/subscribers/none/curves":     `no subscriber "none"`,
		"/api/v1/rings/es/subscribers/none/heat":       `no subscriber "none"`,
		"/api/v1/rings/nq/publisher/heat":              "does not record",
		"/api/v1/rings/nq/publisher/spikes":            "does not record",
		"/api/v1/rings/" + strings.Repeat("x", 500):    `x"...`,
		"/api/v1/rings/%2e%2e%2f%2e%2e%2fetc%2fpasswd": "no ring",
		"/api/v2":                  "/openapi.json",
		"/static/none.js":          "no file",
		"/static/%2e%2e%2fpage.go": "no file",
		"/favicon.ico":             "nothing",
	} {
		var e struct{ Error string }
		if code := get(t, s, path, &e); code != http.StatusNotFound || !strings.Contains(e.Error, words) {
			t.Errorf("%s: %d %q", path, code, e.Error)
		}
	}
}
