package main

import (
	"encoding/json"
	"syscall"
	"testing"

	"github.com/tickring/tickring/ring"
)

// TestWakerCommand: it waits for the ring, wakes sleepers through the end of publishers,
// of the ring and of other wakers, and a signal ends it.
func TestWakerCommand(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 300)
	w := h.start("waker", "feed", "--json")
	w.await("not there")
	sub := h.start("sub", "feed", "--idle", "futex", "--json", "--name", "s")
	h.replay(path, "--ring", "feed", "--rate", "2000")
	w.await("is there")
	h.stat("feed", func(i ring.Info) bool {
		return i.Waker && len(i.Subscribers) == 1 && i.Subscribers[0].Messages == 300 && i.Subscribers[0].Sleeps > 0
	})
	h.replay(path, "--ring", "feed", "--rate", "2000")
	h.stat("feed", func(i ring.Info) bool { return i.Subscribers[0].Messages == 600 })
	var i ringReport
	h.run("stat", "feed", "--json").want(exitOK).json(&i)
	if !i.Waker || len(i.Subscribers) != 1 || i.Subscribers[0].Sleeps == 0 {
		t.Errorf("%+v", i)
	}

	h.run("rm", "feed").want(exitOK)
	w.await("not there")
	h.replay(path, "--ring", "feed", "--waker", "--rate", "2000")
	w.await("is there")
	h.stat("feed", func(i ring.Info) bool {
		return len(i.Subscribers) == 1 && i.Subscribers[0].Messages == 300
	})

	sub.signal(syscall.SIGTERM)
	if r := sub.want(exitOK).subReport(); r.Delivered != 900 || r.Lost != 0 {
		t.Errorf("%+v", r)
	}
	w.signal(syscall.SIGINT)
	var r wakerReport
	w.want(exitOK).json(&r)
	if r.Ring != "feed" || r.Wakes == 0 || r.DurationNs <= 0 || r.Error != "" {
		t.Errorf("%+v", r)
	}
	if i := h.stat("feed", func(ring.Info) bool { return true }); i.Waker {
		t.Error("the ring still has a waker")
	}
}

// TestWakerRefuses: a ring that it cannot follow is one sentence.
func TestWakerRefuses(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 10)
	h.replay(path, "--ring", "feed")
	if err := syscall.Truncate(h.dir+"/feed/ring", 100); err != nil {
		t.Fatal(err)
	}
	p := h.run("waker", "feed", "--json").want(exitError)
	p.sentence("100 bytes")
	var r wakerReport
	if err := json.Unmarshal(p.stdout.Bytes(), &r); err != nil || r.Error == "" {
		t.Errorf("%v %+v", err, r)
	}
}
