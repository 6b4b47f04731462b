package serve

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v3"
)

const monitoringDocs = "../../../docs/monitoring"

func monitoringFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(monitoringDocs, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantMetrics demands that all metrics that an expression names are told by the server, or
// are recorded by a rule.
func wantMetrics(t *testing.T, families map[string]*dto.MetricFamily, expr string, recorded, used map[string]bool) {
	t.Helper()
	names := regexp.MustCompile(`\btickring[_:][a-z0-9_:]*`).FindAllString(expr, -1)
	for _, name := range names {
		base := name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if cut, ok := strings.CutSuffix(name, suffix); ok && families[cut] != nil && families[cut].GetType().String() == "HISTOGRAM" {
				base = cut
			}
		}
		if families[base] == nil && !recorded[name] {
			t.Errorf("there is no %s: %s", name, expr)
		}
		used[base] = true
	}
}

func TestDashboard(t *testing.T) {
	var dashboard struct {
		Title, UID    string
		SchemaVersion int
		Templating    struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(monitoringFile(t, "grafana.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.Title == "" || dashboard.UID == "" || dashboard.SchemaVersion < 30 {
		t.Errorf("%+v", dashboard)
	}
	used, ids, kinds, taken := map[string]bool{}, map[int]bool{}, map[string]bool{}, map[[2]int]string{}
	variables := map[string]bool{}
	f := newFake()
	f.snapshot.Load().Rings[0].Late.Error = "" // or its lateness is not told
	families := metrics(t, f)
	for _, v := range dashboard.Templating.List {
		variables[v.Name] = true
		wantMetrics(t, families, v.Definition, nil, used)
	}
	for _, p := range dashboard.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have id %d", p.ID)
		}
		ids[p.ID], kinds[p.Type] = true, true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q lies on %q or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%q asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			wantMetrics(t, families, target.Expr, nil, used)
			for _, v := range regexp.MustCompile(`\$([a-z]+)`).FindAllStringSubmatch(target.Expr, -1) {
				if !variables[v[1]] {
					t.Errorf("%q: no variable %s", p.Title, v[1])
				}
			}
		}
	}
	for _, kind := range []string{"timeseries", "heatmap", "state-timeline", "stat"} {
		if !kinds[kind] {
			t.Errorf("no panel is a %s", kind)
		}
	}
	for _, name := range []string{"tickring_read_latency_seconds", "tickring_subscriber_lag_messages", "tickring_subscriber_lost_messages_total",
		"tickring_ring_back_pressure_total", "tickring_subscriber_state", "tickring_ring_publisher_state"} {
		if !used[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

func TestAlerts(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct{ Record, Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(monitoringFile(t, "alerts.yaml"), &rules); err != nil {
		t.Fatal(err)
	}
	var tests struct {
		Tests []struct {
			Series []struct{ Series string } `yaml:"input_series"`
			Alerts []struct {
				Alertname string
				Expected  []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal(monitoringFile(t, "alerts_test.yaml"), &tests); err != nil {
		t.Fatal(err)
	}
	families := metrics(t, newFake())
	recorded, fires := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, a := range test.Alerts {
			fires[a.Alertname] = fires[a.Alertname] || len(a.Expected) > 0
		}
		for _, s := range test.Series {
			wantMetrics(t, families, s.Series, nil, map[string]bool{})
		}
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			recorded[r.Record] = true
			wantMetrics(t, families, r.Expr, recorded, map[string]bool{})
			if r.Alert != "" && !fires[r.Alert] {
				t.Errorf("no test has %s go off", r.Alert)
			}
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("there is no promtool to test the alerts with")
	}
	for _, args := range [][]string{{"check", "config", "prometheus.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = monitoringDocs
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
