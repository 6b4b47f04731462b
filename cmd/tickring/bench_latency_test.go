package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/tickring/tickring/bench"
	"github.com/tickring/tickring/feed/synth"
)

func TestRatesFlag(t *testing.T) {
	var f ratesFlag
	if err := f.Set("1000, 100k,2.5M"); err != nil || f.String() != "1000,100000,2500000" {
		t.Errorf("%v, %v", f, err)
	}
	for _, bad := range []string{"", "k", "1G", "0", "-1", "1,,2", "nan", "infM"} {
		if f.Set(bad) == nil {
			t.Errorf("%q is taken for %v", bad, f)
		}
	}
}

func TestReadTimes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "day.itch50")
	writeITCH(t, path, synth.Config{Messages: 1000, Seed: 1})
	r, err := readTimes(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "day.itch50" || len(r.Times) < 500 {
		t.Fatalf("%q, %d times", r.Name, len(r.Times))
	}
	s, err := openSession(context.Background(), path, sessionConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for i, got := range r.Times {
		if _, want, _, err := s.messages.Next(); err != nil || got != want {
			t.Fatalf("message %d: %d, want %d, %v", i, got, want, err)
		}
	}
	if _, err := readTimes(context.Background(), filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestBenchLatency(t *testing.T) {
	h := newBenchHost(t)
	path, _ := h.itchFile("day.itch50", 1000)
	p := h.run("bench", "latency", "--dir", h.dir, "--duration", "50ms", "--rates", "1M", "--file", path, "--json")
	p.want(exitOK)
	var r bench.LatencyResult
	p.json(&r)
	if len(r.Loads) != 3 || r.Loads[0].Asked != 1e6 || r.Loads[2].Name != "day.itch50" {
		t.Errorf("%+v", r.Loads)
	}
	for _, l := range r.Loads {
		if d := l.Default; d.Published == 0 || d.Delivered+d.Lost != d.Published {
			t.Errorf("%s: %+v", l.Name, d)
		}
	}
}

func TestBenchLatencyBadInput(t *testing.T) {
	h := newBenchHost(t)
	for _, c := range []struct {
		code  int
		words string
		args  []string
	}{
		{exitUsage, "100k", []string{"--rates", "fast"}},
		{exitUsage, "messages a second", []string{"--rates", "1M,5000M"}},
		{exitUsage, "--speed", []string{"--speed", "0"}},
		{exitUsage, "--cut", []string{"--cut", "-1s"}},
		{exitError, "no such file", []string{"--file", h.file("none")}},
		{exitError, "ring too small", []string{"--rates", "100M", "--capacity", "256KiB"}},
	} {
		h.run(append([]string{"bench", "latency", "--dir", h.dir}, c.args...)...).want(c.code).sentence(c.words)
	}
}
