package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/tickring/tickring/ring"
)

// TestStandbyReplays: replays of one file stand by for each other and are killed one
// after the other. A subscriber gets the file's messages, each once.
func TestStandbyReplays(t *testing.T) {
	h := newHost(t)
	const records = 50_000
	path, data, _ := h.mboFile("session.dbn", records)
	sub := h.start("record", "feed", "-o", h.file("out.dbn"), "--idle", "backoff")
	sub.await("waiting for it")
	// Those that are to be killed would take minutes to come to the end.
	primary := h.start("replay", path, "--ring", "feed", "--rate", "500", "--quiet")
	seen := uint64(0)
	for _, rate := range []string{"500", "500", "500", "1e9"} {
		seen = h.stat("feed", func(i ring.Info) bool { return i.Last >= seen+100 }).Last
		standby := h.start("replay", path, "--ring", "feed", "--rate", rate, "--standby", "--json")
		standby.await("standing by")
		primary.signal(syscall.SIGKILL)
		primary.want(-1)
		standby.await("going on")
		primary = standby
	}
	var last replayReport
	primary.want(exitOK).json(&last)
	if last.LastSeq != records || last.FirstSeq <= seen || last.Messages != records-last.FirstSeq+1 {
		t.Errorf("the last standby: %+v", last)
	}
	sub.want(exitOK)
	got := h.read(h.file("out.dbn"))
	if len(got) < len(data) || !bytes.Equal(got[len(got)-len(data):], data) {
		t.Error("what was recorded is not what is in the file")
	}
	// One that comes late has nothing to do.
	var r replayReport
	h.run("replay", path, "--ring", "feed", "--standby", "--huge-pages", "--capacity", "4MiB", "--json").want(exitOK).json(&r)
	if r.Messages != 0 || r.LastSeq != 0 || r.Error != "" {
		t.Errorf("after the end: %+v", r)
	}
}

// TestStandbyOfAnotherFile: the standby notices while it waits.
func TestStandbyOfAnotherFile(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 5000)
	short, _, _ := h.mboFile("short.dbn", 5)
	h.start("replay", path, "--ring", "feed", "--rate", "500", "--quiet")
	h.stat("feed", func(i ring.Info) bool { return i.Last >= 10 })
	h.run("replay", short, "--ring", "feed", "--standby", "-q").want(exitError).sentence("has 5 messages in all", "remove it")

	// A second session on a ring: its messages have other numbers than in the file.
	h.replay(short, "--ring", "twice")
	live := h.start("replay", path, "--ring", "twice", "--rate", "500", "--quiet")
	h.stat("twice", func(i ring.Info) bool { return i.Last >= 20 })
	h.run("replay", path, "--ring", "twice", "--standby", "-q").want(exitError).sentence("another one in", path)
	live.signal(syscall.SIGTERM)
	live.want(exitError)
	h.run("replay", path, "--ring", "twice", "--standby", "-q").want(exitError).sentence("another one in", path)
}

// TestStandbyIsStopped: a signal ends the wait; what is not there is made at once.
func TestStandbyIsStopped(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 100)
	h.run("replay", path, "--ring", "feed", "--standby", "--wait", "1").want(exitUsage)
	var r replayReport
	h.run("replay", path, "--ring", "feed", "--standby", "--huge-pages", "--capacity", "4MiB", "--json").want(exitOK).json(&r)
	if r.Messages != 100 || r.FirstSeq != 1 {
		t.Errorf("a ring that was not there: %+v", r)
	}
	p, err := ring.Create("held", ring.Config{Dir: h.dir, Capacity: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	standby := h.start("replay", path, "--ring", "held", "--standby")
	standby.await("standing by")
	standby.signal(os.Interrupt)
	standby.want(exitError)
	if got := standby.stderr.String(); !strings.Contains(got, "stopped by a signal") {
		t.Errorf("it says %s", got)
	}
}
