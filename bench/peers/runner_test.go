package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tickring/tickring/bench/peers/internal/result"
)

func rtt(name string, p50, p99 float64) result.Result {
	return result.Result{Peer: name, Kind: result.RTT, PayloadBytes: 56, Processes: 2, Version: "v1", Differences: "None.",
		Trips: &result.Trips{Samples: 10, P50: p50, P90: p50, P99: p99, P999: p99, P9999: p99, Max: p99,
			Curve: [][2]float64{{0, p50}, {90, p99}}}}
}

func rate(name string, perSecond float64, lost int64) result.Result {
	return result.Result{Peer: name, Kind: result.Throughput, PayloadBytes: 56, Processes: 2,
		Stream: &result.Stream{PerSecond: perSecond, Delivered: 100, Lost: lost}}
}

func roundOf(results ...result.Result) round {
	r := round{}
	for _, v := range results {
		r.add(v)
	}
	return r
}

func TestMergeDividesWithinARound(t *testing.T) {
	rounds := []round{
		roundOf(rtt(limitName, 100, 200), rtt(tickringName, 150, 300), rtt("a", 300, 400), rate("a", 1e6, 3), rate(tickringName, 4e6, 0)),
		roundOf(rtt(limitName, 200, 200), rtt(tickringName, 200, 200), rtt("a", 200, 900)),
		roundOf(rtt("a", 1000, 1000)), // tickring had no result: no ratio
		roundOf(rtt(limitName, 100, 100)),
	}
	e := merge("a", rounds)
	if got, want := e.RTT.P50, (&spread{300, 200, 1000, []float64{300, 200, 1000}}); !reflect.DeepEqual(got, want) {
		t.Errorf("p50 %+v, want %+v", got, want)
	}
	if got, want := e.RTT.P50ToLimit, (&spread{2, 1, 3, []float64{3, 1}}); !reflect.DeepEqual(got, want) {
		t.Errorf("p50 to the limit %+v, want %+v", got, want)
	}
	if got, want := e.RTT.P50ToTickring.Rounds, []float64{2, 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("p50 to tickring %v, want %v", got, want)
	}
	if e.RTT.Samples != 30 || e.Throughput.Delivered != 100 || e.Throughput.Lost != 3 {
		t.Errorf("%d samples, %d delivered, %d lost", e.RTT.Samples, e.Throughput.Delivered, e.Throughput.Lost)
	}
	if got := e.Throughput.ToTickring.Median; got != 0.25 {
		t.Errorf("throughput to tickring %v, want 0.25", got)
	}
	if e.Throughput.ToLimit != nil {
		t.Errorf("a ratio to a limit that was not measured: %+v", e.Throughput.ToLimit)
	}
	if got, want := e.RTT.Curve, [][2]float64{{0, 300}, {90, 900}}; !reflect.DeepEqual(got, want) {
		t.Errorf("curve %v, want %v", got, want)
	}
	if e.Version != "v1" || e.Differences != "None." {
		t.Errorf("version %q, differences %q", e.Version, e.Differences)
	}
	if own := merge(tickringName, rounds); own.RTT.P50ToTickring != nil {
		t.Errorf("a ratio to itself: %+v", own.RTT.P50ToTickring)
	}
}

func TestCurveHasWhatEveryRoundHas(t *testing.T) {
	got := mergeCurves([]*result.Trips{
		{Curve: [][2]float64{{0, 1}, {90, 5}, {99, 8}, {100, 9}}},
		{Curve: [][2]float64{{0, 3}, {90, 7}, {100, 99}}},
	})
	if want := [][2]float64{{0, 2}, {90, 6}, {100, 54}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSpreadOfAnEvenNumber(t *testing.T) {
	if got, want := newSpread([]float64{4, 1, 3, 2}), (&spread{2.5, 1, 4, []float64{4, 1, 3, 2}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if newSpread(nil) != nil {
		t.Error("a spread of nothing")
	}
}

func TestParseTickring(t *testing.T) {
	limit, ours, err := parseTickring(result.RTT, []byte("words\n"+
		`{"limit":{"p50_ns":140,"p99_ns":180},"rtt":{"p50_ns":150,"p99_ns":200,"samples":7},"ratio":{"p50":1.07,"p99":1.1}}`+"\n"))
	if err != nil || limit.P50 != 140 || ours.P50 != 150 || ours.Samples != 7 {
		t.Errorf("limit %+v, ours %+v, %v", limit.Trips, ours.Trips, err)
	}
	limit, ours, err = parseTickring(result.Throughput, []byte(
		`{"limit_msgs_per_s":2e8,"msgs_per_s":1e8,"delivered":5,"lost":0,"payload_bytes":56,"ratio":0.5}`))
	if err != nil || limit.PerSecond != 2e8 || ours.PerSecond != 1e8 || ours.Delivered != 5 {
		t.Errorf("limit %+v, ours %+v, %v", limit.Stream, ours.Stream, err)
	}
	for kind, bad := range map[string]string{
		result.RTT:        `{"rtt":{"p50_ns":1}}`,
		result.Throughput: `{"limit_msgs_per_s":2e8,"msgs_per_s":1e8,"payload_bytes":64}`,
	} {
		if _, _, err := parseTickring(kind, []byte(bad)); err == nil {
			t.Errorf("%s of %s is taken", kind, bad)
		}
	}
	if _, _, err := parseTickring(result.RTT, []byte("Error: no such command\n")); !errors.Is(err, result.ErrNone) {
		t.Errorf("no JSON: %v", err)
	}
}

// script makes an executable that runs lines of shell.
func script(t *testing.T, dir, name, lines string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+lines+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func line(t *testing.T, v result.Result) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return "echo '" + string(b) + "'"
}

func TestRoundGoesOnAfterAFault(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "tickring", `case $2 in
rtt) echo '{"limit":{"samples":1,"p50_ns":100},"rtt":{"samples":1,"p50_ns":200}}' ;;
*) echo a word of why >&2; exit 3 ;;
esac`)
	script(t, dir, "good", "echo chatter\nif [ $1 = rtt ]; then "+line(t, rtt("good", 300, 500))+"; else "+line(t, rate("good", 1e6, 0))+"; fi")
	script(t, dir, "liar", line(t, rtt("good", 1, 2)))
	script(t, dir, "mute", "true")

	r := &runner{
		root: dir, settings: settings{Rounds: 1, Seconds: 1}, tickring: filepath.Join(dir, "tickring"),
		peers:  []peer{{name: "liar", run: []string{"./liar"}}, {name: "mute", run: []string{"./mute"}}, {name: "good", run: []string{"./good"}}},
		say:    t.Logf,
		faults: map[string][]string{},
	}
	r.round(context.Background(), 1)
	e := merge("good", r.rounds)
	if e.RTT == nil || e.RTT.P50ToLimit.Median != 3 || e.RTT.P50ToTickring.Median != 1.5 || e.Throughput == nil {
		t.Errorf("good: %+v", e)
	}
	for name, want := range map[string]string{
		tickringName: "exit status 3: a word of why",
		"liar":       "it calls itself good rtt",
		"mute":       result.ErrNone.Error(),
	} {
		if got := strings.Join(r.faults[name], "\n"); !strings.Contains(got, want) {
			t.Errorf("faults of %s are %q, want %q in them", name, got, want)
		}
	}

	var rep report
	rep.fill(r.rounds, []peer{{name: "gone"}, {name: "good"}}, map[string]string{"gone": "needs a thing"}, r.faults)
	if err := rep.write(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	md, err := os.ReadFile(filepath.Join(dir, "out", "peers.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"skipped: needs a thing", "| good | 2 | 300 ns", "**tickring**: no result in round 1"} {
		if !strings.Contains(string(md), want) {
			t.Errorf("%q is not in\n%s", want, md)
		}
	}
}

func TestRunKillsWhatAProgramStarted(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "prog", `(sleep 60; echo late) &
echo $! > child
touch "${TMPDIR:-/tmp}/peers-test-$$" "${TMPDIR:-/tmp}/peers-test-$$-more"
echo "${TMPDIR:-/tmp}/peers-test-$$" > left
echo said >&2
wait`)
	_, err := run(context.Background(), 300*time.Millisecond, dir, nil, []string{"./prog"})
	if err == nil || !strings.Contains(err.Error(), "not done after") {
		t.Fatalf("error %v, want one of the time", err)
	}
	left, err := filepath.Glob(word(filepath.Join(dir, "left")) + "*")
	if err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
	child := word(filepath.Join(dir, "child"))
	for range 500 {
		stat := word("/proc/" + child + "/stat")
		if stat == "" || strings.Contains(stat, ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %s goes on", child)
}

func TestInterruptedRoundKeepsWhatItHas(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "tickring", "exit 1")
	ctx, cancel := context.WithCancel(context.Background())
	r := &runner{
		root: dir, settings: settings{Rounds: 1, Seconds: 1}, tickring: filepath.Join(dir, "tickring"),
		peers:  []peer{{name: "good", run: []string{"./good"}}, {name: "never", run: []string{"./good"}}},
		say:    func(string, ...any) { cancel() }, // at the first word
		faults: map[string][]string{},
	}
	r.rounds = []round{roundOf(rtt("good", 1, 2))}
	r.round(ctx, 2)
	rep := report{Interrupted: true, Settings: settings{Rounds: 3}}
	rep.fill(r.rounds, r.peers, nil, r.faults)
	if rep.Peers[0].RTT == nil || rep.Peers[1].RTT != nil {
		t.Errorf("peers %+v", rep.Peers)
	}
	if md := rep.markdown(); !strings.Contains(md, "Interrupted in round 2 of 3") {
		t.Errorf("not marked:\n%s", md)
	}
}

func TestBuildsThatCannotBeAreSkipped(t *testing.T) {
	b := builder{t.TempDir(), t.Logf}
	got := b.peers(context.Background(), []peer{
		{name: "needs", needs: []need{tool("no-such-compiler", "a compiler")}},
		{name: "fails", build: []string{"sh", "-c", "echo first; echo the last line >&2; exit 1"}},
		{name: "works", build: []string{"true"}},
	})
	want := map[string]string{"needs": "needs a compiler", "fails": "build failed: the last line"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGist(t *testing.T) {
	for log, want := range map[string]string{
		"":                          "exit",
		"one\ntwo\n\n":              "two",
		"Updating\nerror: no x\nhm": "error: no x",
		"[ERROR] FAILED:\n[ERROR] could not\n[ERROR] [Help 1]": "[ERROR] could not",
	} {
		if got := gist([]byte(log), errors.New("exit")); got != want {
			t.Errorf("gist of %q is %q, want %q", log, got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	all := catalogue()
	got, err := choose(all, "nats,aeron")
	if err != nil || len(got) != 2 || got[0].name != "aeron" || got[1].name != "nats" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := choose(all, "aeron,nots"); err == nil || !strings.Contains(err.Error(), "nots; there are zeromq, ") {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestSettings(t *testing.T) {
	good := settings{Rounds: 1, Seconds: 1, CPUs: [2]int{0, 1}}
	for name, spoil := range map[string]func(*settings){
		"rounds":  func(s *settings) { s.Rounds = 0 },
		"seconds": func(s *settings) { s.Seconds = 0 },
		"same":    func(s *settings) { s.CPUs = [2]int{0, 0} },
		"absent":  func(s *settings) { s.CPUs = [2]int{0, 4000} },
		"fifo":    func(s *settings) { s.FIFO = 99 },
	} {
		s := good
		spoil(&s)
		if s.check() == nil {
			t.Errorf("%s: %+v is taken", name, s)
		}
	}
	if cpus, err := parseCPUs("2, 3"); err != nil || cpus != [2]int{2, 3} {
		t.Errorf("%v, %v", cpus, err)
	}
	for _, bad := range []string{"", "1", "1,2,3", "a,b"} {
		if _, err := parseCPUs(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestDigits(t *testing.T) {
	for ns, want := range map[float64]string{0: "0 ns", 7: "7.00 ns", 145: "145 ns", 999.6: "1.00 µs", 12345: "12.3 µs", 3.86e6: "3.86 ms", 2e9: "2.00 s"} {
		if got := nanos(ns); got != want {
			t.Errorf("%v: %s, want %s", ns, got, want)
		}
	}
	for n, want := range map[float64]string{12: "12.0", 1e3: "1.00 k", 59e6: "59.0 M", 312.4e6: "312 M"} {
		if got := count(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
}
