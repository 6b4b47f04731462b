package main

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/tickring/tickring/affinity"
)

// oneMeasures: benchmarks pin threads that spin, so two at a time would wait for each
// other's time slices.
var oneMeasures sync.Mutex

// needTwoCPUs skips a test of benchmarks where they cannot run.
func needTwoCPUs(t *testing.T) {
	t.Helper()
	cpus, err := affinity.Allowed()
	if err != nil || cpus.Len() < 2 {
		t.Skipf("a benchmark needs two CPUs, and this process may use %q (%v)", cpus, err)
	}
}

// newBenchHost is a host on which a benchmark runs, while no other does.
func newBenchHost(t *testing.T) *host {
	t.Helper()
	needTwoCPUs(t)
	h := newHost(t)
	oneMeasures.Lock()
	t.Cleanup(oneMeasures.Unlock)
	return h
}

// as little as there is to measure: one round.
var shortly = []string{"--duration", "1ms", "--capacity", "1MiB", "--json"}

// What programs read of the two benchmarks' JSON is fixed.
func TestBenchJSON(t *testing.T) {
	if raceDetector {
		t.Skip("millions of messages, each under the race detector")
	}
	h := newBenchHost(t)
	percentiles := []string{"p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"}
	for _, c := range []struct {
		name    string
		numbers map[string][]string // of the objects below these names; "" is the result itself
	}{
		{"rtt", map[string][]string{"limit": percentiles, "rtt": percentiles, "ratio": {"p50", "p99"}}},
		{"order", map[string][]string{"limit": percentiles, "order": percentiles, "book": percentiles, "ratio": {"p50", "p99"}}},
		{"throughput", map[string][]string{"": {"limit_msgs_per_s", "msgs_per_s", "delivered", "payload_bytes", "ratio"}}},
	} {
		p := h.run(append([]string{"bench", c.name, "--dir", h.dir}, shortly...)...).want(exitOK)
		var result map[string]json.RawMessage
		p.json(&result)
		for name, fields := range c.numbers {
			object := result
			if name != "" {
				object = nil
				if err := json.Unmarshal(result[name], &object); err != nil {
					t.Fatalf("%s: %s: %v", c.name, name, err)
				}
			}
			for _, field := range fields {
				var v float64
				if err := json.Unmarshal(object[field], &v); err != nil || v <= 0 {
					t.Errorf("%s: %s %s is %s, want a number above 0", c.name, name, field, object[field])
				}
			}
		}
		if c.name == "throughput" && string(result["lost"]) != "0" {
			t.Errorf("lost %s, want 0", result["lost"])
		}
		var about struct {
			Bench       string
			CPUs        []int
			Interrupted bool
			Machine     struct {
				CPU, Kernel, Go, Commit, Governor, Isolated string
				Noisy                                       *bool
			}
			Ring struct {
				Capacity uint64 `json:"capacity_bytes"`
			}
		}
		p.json(&about)
		if about.Bench != c.name || len(about.CPUs) != 2 || about.Interrupted || about.Ring.Capacity != 1<<20 {
			t.Errorf("%s: %+v", c.name, about)
		}
		if m := about.Machine; m.CPU == "" || m.Kernel == "" || m.Go == "" || m.Commit == "" || m.Governor == "" || m.Isolated == "" || m.Noisy == nil {
			t.Errorf("%s: the machine is not stated: %+v", c.name, m)
		}
		// For people: what it ran on, then the table.
		if text := p.stdout.String(); !strings.Contains(text, "GOMAXPROCS") || !strings.Contains(text, "limit") {
			t.Errorf("%s shows:\n%s", c.name, text)
		}
		if p.stderr.Len() > 0 {
			t.Errorf("%s: on stderr, which is no terminal: %s", c.name, p.stderr.String())
		}
	}
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// A signal ends a run, not its result.
func TestBenchInterrupted(t *testing.T) {
	h := newBenchHost(t)
	p := h.start("bench", "rtt", "--dir", h.dir, "--duration", "1h", "--capacity", "1MiB", "--json")
	h.until(func() bool { return len(h.rings()) > 0 }) // it has begun
	p.signal(os.Interrupt)
	p.want(exitError).sentence("interrupted")
	var r struct {
		Interrupted bool
		Notes       []string
	}
	p.json(&r)
	if !r.Interrupted || len(r.Notes) == 0 {
		t.Errorf("%+v in %s", r, p.stdout.String())
	}
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestBenchBadInput(t *testing.T) {
	h := newBenchHost(t)
	for _, c := range []struct {
		code  int
		words []string
		args  []string
	}{
		{exitError, []string{"no CPU 8000", "which has"}, []string{"rtt", "--cpus", "0,8000"}},
		{exitError, []string{"at least two"}, []string{"rtt", "--cpus", "0"}},
		{exitError, []string{"CPU 0 is given twice"}, []string{"throughput", "--cpus", "0,0"}},
		{exitUsage, []string{"--cpus", "such as"}, []string{"rtt", "--cpus", "0,x"}},
		{exitUsage, []string{"--cpus", "such as"}, []string{"rtt", "--cpus", ""}},
		{exitUsage, []string{"power of two", "256 KiB", "1 TiB"}, []string{"rtt", "--capacity", "1000000"}},
		{exitUsage, []string{"power of two"}, []string{"rtt", "--capacity", "64KiB"}},
		{exitUsage, []string{"power of two"}, []string{"rtt", "--capacity", "2TiB"}},
		{exitUsage, []string{"--capacity"}, []string{"rtt", "--capacity", "0"}},
		{exitUsage, []string{"--duration", "above 0"}, []string{"rtt", "--duration", "0s"}},
		{exitUsage, []string{"--duration"}, []string{"rtt", "--duration", "-1s"}},
		{exitUsage, []string{"one argument too many"}, []string{"rtt", "x"}},
		{exitUsage, []string{"no command \"rt\"", "rtt"}, []string{"rt"}},
		{exitError, []string{h.file("none"), "no such"}, []string{"rtt", "--dir", h.file("none")}},
		{exitError, []string{"no space left", "1099511"}, []string{"rtt", "--dir", h.dir, "--capacity", "1TiB"}},
	} {
		p := h.run(append([]string{"bench"}, c.args...)...).want(c.code)
		p.sentence(c.words...)
		if p.stdout.Len() > 0 {
			t.Errorf("%v: on stdout: %s", c.args, p.stdout.String())
		}
	}
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// All benchmarks, as short as they can be: every one is in the report, and its pictures.
func TestBenchAll(t *testing.T) {
	if raceDetector {
		t.Skip("millions of messages, each under the race detector")
	}
	h := newBenchHost(t)
	type report struct {
		Interrupted bool
		Results     []struct {
			Bench, Error string
			Pictures     []struct{ SVG, PNG string }
		}
		Peers any
	}
	peers := h.write("peers.json", []byte(`{"limit": {"peer": "limit"}, "tickring": {"peer": "tickring"}, "peers": [{"peer": "snail", "skipped": "asleep"}]}`))
	out := h.file("new/report")
	p := h.run(append([]string{"bench", "all", "--dir", h.dir, "-o", out, "--peers", peers}, shortly...)...).want(exitOK)
	var shown, written report
	p.json(&shown)
	if err := json.Unmarshal(h.read(out+"/report.json"), &written); err != nil {
		t.Fatal(err)
	}
	text := string(h.read(out + "/report.md"))
	if len(written.Results) != len(suite()) || len(shown.Results) != len(suite()) || written.Interrupted || written.Peers == nil {
		t.Fatalf("%+v", written)
	}
	for i, b := range suite() {
		r := written.Results[i]
		if r.Bench != b.name || r.Error != "" || len(r.Pictures) == 0 {
			t.Errorf("%s: %+v", b.name, r)
		}
		if !strings.Contains(text, "## "+b.name) || !strings.Contains(p.stdout.String(), "== "+b.name+" ==") {
			t.Errorf("%s is not in the report, or was not shown", b.name)
		}
		for _, pic := range r.Pictures {
			if len(h.read(out+"/"+pic.SVG)) == 0 || len(h.read(out+"/"+pic.PNG)) == 0 {
				t.Errorf("%+v is empty", pic)
			}
		}
	}
	if !strings.Contains(text, "snail: skipped: asleep") {
		t.Error("no peers in the report")
	}
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestBenchAllInterrupted(t *testing.T) {
	h := newBenchHost(t)
	out := h.file("report")
	p := h.start("bench", "all", "--dir", h.dir, "-o", out, "--duration", "1h", "--capacity", "1MiB", "--json")
	h.until(func() bool { return len(h.rings()) > 0 })
	p.signal(os.Interrupt)
	p.want(exitError).sentence("interrupted")
	var r struct{ Interrupted bool }
	p.json(&r)
	if !r.Interrupted || !strings.Contains(string(h.read(out+"/report.md")), "was interrupted") {
		t.Errorf("not marked: %s", p.stdout.String())
	}
}

func TestBenchAllBadInput(t *testing.T) {
	h := newBenchHost(t)
	file := h.write("file", nil)
	h.run("bench", "all", "-o", file+"/report").want(exitError).sentence(file, "not a directory")
	h.run("bench", "all", "-o", h.file("report"), "--peers", file).want(exitError).sentence(file, "not what bench/peers writes")
	h.run("bench", "all", "-o", h.file("report"), "--peers", h.file("none")).want(exitError).sentence("none", "no such file")
	if _, err := os.Stat(h.file("report")); err == nil {
		t.Error("a report of nothing")
	}
}

func TestCPUsFlagKeepsOrder(t *testing.T) {
	var f cpusFlag
	if err := f.Set("3,0-1"); err != nil || f.String() != "3,0,1" {
		t.Errorf("%v, %v; want 3,0,1", f.String(), err)
	}
}
