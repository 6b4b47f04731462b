package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tickring/tickring/ring/monitor"
)

func TestTopOnce(t *testing.T) {
	h := newHost(t)
	top := func(args ...string) *process { return h.run(append([]string{"top", "--every", "50ms"}, args...)...) }
	if out := top("--once").want(exitOK).stdout.String(); !strings.Contains(out, "There are no rings in "+h.dir) {
		t.Error(out)
	}
	path, _, _ := h.mboFile("session.dbn", 3000)
	sub := h.start("sub", "feed", "--name", "alpha", "--until-closed")
	sub.await("waiting for it")
	h.replay(path, "--ring", "feed", "--wait", "1", "--rate", "100000", "--capacity", "1M")
	sub.want(exitOK)
	h.replay(path, "--ring", "other", "--capacity", "1M")

	out := top("--once", "--width", "100", "--window", "start").want(exitOK).stdout.String()
	for _, words := range []string{"2 rings, 1 subscriber ", "NAME", "\n feed ", "\n   alpha ", "closed", "other", "since start", "no subscribers"} {
		if !strings.Contains(out, words) {
			t.Errorf("no %q in\n%s", words, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("escape codes: %q", out)
	}
	if out := top("--once", "feed").want(exitOK).stdout.String(); strings.Contains(out, "other") {
		t.Error(out)
	}
	var snap monitor.Snapshot
	top("--once", "--json").want(exitOK).json(&snap)
	if len(snap.Rings) != 2 || len(snap.Rings[0].Subscribers) != 1 {
		t.Fatalf("%+v", snap)
	}
	if s := snap.Rings[0].Subscribers[0]; s.State != monitor.StateClosed || s.Delivered != 3000 || s.Start.Count == 0 || snap.Rings[0].Last != 3000 {
		t.Errorf("%+v", snap.Rings[0])
	}

	// What is wrong is said.
	file := filepath.Join(h.dir, "feed", "ring")
	if err := os.Truncate(file, 100); err != nil {
		t.Fatal(err)
	}
	if out := top("--once", "--width", "200").want(exitOK).stdout.String(); !strings.Contains(out, "1 broken") || !strings.Contains(out, "100 bytes") {
		t.Error(out)
	}
	absent := top("--once", "nothing").want(exitError)
	absent.sentence("no such ring", `"nothing"`)
	if out := absent.stdout.String(); !strings.Contains(out, "1 absent") || !strings.Contains(out, "there is no ring of this name") {
		t.Error(out)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	o := topOptions{once: true, every: time.Hour, sort: newWord("name"), window: newWord("second")}
	if err := (&app{dir: h.dir}).top(ended, o); err == nil || !strings.Contains(err.Error(), "signal") {
		t.Errorf("interrupted: %v", err)
	}
	h.run("top").want(exitError).sentence("no terminal", "--once")
	h.run("top", "--once", "--every", "49ms").want(exitUsage).sentence("--every", "50ms")
	h.run("top", "--json").want(exitUsage).sentence("--once")
	h.run("top", "--width", "100").want(exitUsage).sentence("--once")
	h.run("top", "--once", "--width", "-1").want(exitUsage).sentence("--width")
	h.run("top", "--once", "--sort", "color").want(exitUsage).sentence("--sort")
	h.run("top", "../x").want(exitUsage).sentence("name")
	h.run("top", "--once", "--dir", "/proc/self/mem").want(exitError).sentence("/proc/self/mem")
	unseen := h.run("top", "--once", "--json", "--every", "50ms", "--dir", "/proc/self/mem").want(exitError)
	unseen.sentence("/proc/self/mem")
	if snap = (monitor.Snapshot{}); json.Unmarshal(unseen.stdout.Bytes(), &snap) != nil || snap.Error == "" {
		t.Errorf("%s", unseen.stdout.String())
	}
}
