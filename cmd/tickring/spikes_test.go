package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/ring"
)

// TestSpikesCommand: a subscriber and a publisher that record, and one that is watched
// from outside; what they were late with is shown as it comes, and when they have ended.
func TestSpikesCommand(t *testing.T) {
	h := newHost(t)
	h.run("spikes", "feed").want(exitError).sentence(`no such ring`, "feed")
	h.run("sub", "feed", "--spikes", "0s").want(exitUsage).sentence("--spikes", "want a time")
	h.run("sub", "feed", "--spikes", "1ms", "--anonymous").want(exitUsage)
	path, _, _ := h.mboFile("session.dbn", 9000) // half a minute
	one := h.start("sub", "feed", "--name", "one", "--until-closed", "--spikes", "5ms")
	two := h.start("sub", "feed", "--name", "two", "--until-closed")
	one.await("waiting for it")
	two.await("waiting for it")
	feed := h.start("replay", path, "--ring", "feed", "--wait", "2", "--rate", "300", "--spikes", "1h", "-q")
	for ready := 0; ready < 2; time.Sleep(time.Millisecond) {
		ready = 0
		info, _ := ring.Stat(h.dir, "feed")
		for _, s := range info.Subscribers {
			if s.Active && s.Messages > 0 {
				ready++
			}
		}
	}
	// Again and again: on a machine that is busy with other things, one stop may be the
	// smaller part of what somebody was late with.
	for explained := false; !explained; {
		for _, p := range []*process{one, two} {
			p.cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(100 * time.Millisecond)
			p.cmd.Process.Signal(syscall.SIGCONT)
		}
		time.Sleep(50 * time.Millisecond) // for somebody to have looked
		info, err := ring.Stat(h.dir, "feed")
		if err != nil || info.Publisher != ring.Live {
			t.Fatalf("no stop was recorded while the ring was live: %+v, %v", info.Subscribers, err)
		}
		explained = slices.ContainsFunc(info.Subscribers[0].Spikes.List, func(s ring.Spike) bool {
			return s.Explained && s.Cause == affinity.CauseStopped && s.Latency >= 50*time.Millisecond
		})
	}
	feed.signal(syscall.SIGINT)
	one.want(exitOK)
	two.want(exitOK)
	feed.want(exitError).sentence("stopped by a signal")

	before := h.snapshot()
	var r spikesReport
	h.run("spikes", "feed", "--json", "--above", "50ms").want(exitOK).json(&r)
	if len(r.Subscribers) != 2 || r.Publisher == nil || r.Publisher.Threshold != time.Hour {
		t.Fatalf("%+v", r)
	}
	log := r.Subscribers[0].Spikes
	found := false
	for _, s := range log.List {
		found = found || s.Explained && s.Cause == affinity.CauseStopped
	}
	if !found || log.Threshold != 5*time.Millisecond || r.Subscribers[1].Spikes.Threshold != 0 {
		t.Errorf("%+v", r.Subscribers)
	}
	out := h.run("spikes", "feed").want(exitOK).stdout.String()
	for _, w := range []string{"one: ", "of at least 5ms", "WHY", "stopped", "the publisher: 0 spikes"} {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	if out := h.run("spikes", "feed", "--sub", "two").want(exitOK).stdout.String(); !strings.Contains(out, "nobody records spikes") {
		t.Error(out)
	}
	h.run("spikes", "feed", "--sub", "three").want(exitError).sentence(`no subscriber "three"`)
	// Who follows is told if nothing can come.
	for _, c := range [][]string{{"nobody records", "--sub", "two"}, {`no subscriber "three" yet`, "--sub", "three"}} {
		p := h.start(append([]string{"spikes", "feed", "--follow"}, c[1:]...)...)
		p.await(c[0])
		p.cmd.Process.Signal(os.Interrupt)
		p.want(exitOK)
		if head := p.stdout.String(); strings.Join(strings.Fields(head), " ") != "TIME WHO LATE FROM MESSAGES BEHIND CAUSE WHY" {
			t.Error(head)
		}
	}
	if after := h.snapshot(); after != before {
		t.Errorf("looking has changed files:\n%s\n%s", before, after)
	}

	// A publisher's file that is spoilt does not hide what subscribers have recorded.
	if err := os.Truncate(filepath.Join(h.dir, "feed", "publisher"), 10); err != nil {
		t.Fatal(err)
	}
	out = h.run("spikes", "feed").want(exitOK).stdout.String()
	for _, w := range []string{"the publisher: ", "corrupt", "stopped"} {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	r = spikesReport{}
	if h.run("spikes", "feed", "--json").want(exitOK).json(&r); r.Publisher != nil || r.PublisherError == "" || len(r.Subscribers) != 2 {
		t.Errorf("%+v", r)
	}
}

// TestSpikeFollower tells each spike once: when somebody has looked at it, or when nobody
// will.
func TestSpikeFollower(t *testing.T) {
	now := time.Now()
	f := &spikeFollower{o: spikesOptions{above: thresholdFlag(time.Millisecond)}, told: map[string]spikesTold{}, watched: map[string]*watchedProcess{}}
	defer f.close()
	sub := ring.SubscriberInfo{Name: "a", Active: true, Opened: now}
	tell := func(first bool, numbers ...uint64) (told []uint64) {
		sub.Spikes.Threshold = 1
		for _, s := range f.news(&ring.Sight{Subs: []ring.SubSight{{SubscriberInfo: sub}}}, nil, now, first) {
			told = append(told, s.Spike.Number)
		}
		if len(told) != len(numbers) {
			t.Errorf("told %v, want %v", told, numbers)
		}
		return told
	}
	add := func(latency time.Duration, explained bool) {
		sub.Spikes.Spikes++
		sub.Spikes.List = append(sub.Spikes.List, ring.Spike{Number: sub.Spikes.Spikes, Time: now, Latency: latency, Explained: explained})
	}
	add(time.Second, true)
	tell(true) // was there before
	add(time.Second, true)
	add(time.Microsecond, true)
	add(time.Second, false)
	tell(false, 2)
	tell(false)
	now = now.Add(2 * unexplainedAfter)
	tell(false, 4)
	add(time.Second, false)
	sub.Spikes.List[4].Time = now
	tell(false)
	sub.Active = false
	tell(false, 5)
	sub.Opened, sub.Spikes = now, ring.SpikeLog{}
	add(time.Second, true)
	tell(false, 1)
}

// TestWatchedLooks: from outside, what happened to a thread is known from before the
// message came, however long ago that was and however late the watcher itself is.
func TestWatchedLooks(t *testing.T) {
	var w watchedThread
	at := time.Duration(0)
	for range 20_000 { // 200 s
		at += spikesEvery
		w.add(affinity.Activity{At: at})
	}
	if len(w.looks) > watchedLooks || w.looks[0].At != spikesEvery || w.last().At != at {
		t.Fatalf("%d looks, from %v to %v of %v", len(w.looks), w.looks[0].At, w.last().At, at)
	}
	late := 700 * time.Millisecond // since the look before
	read := at
	w.add(affinity.Activity{At: at + late})
	for _, took := range []time.Duration{0, time.Millisecond, time.Second, 10 * time.Second, 100 * time.Second} {
		from := w.since(took).At
		if wanted := read - took - 2*spikesEvery; from > wanted || wanted-from > spikesEvery+took/8 {
			t.Errorf("for %v from %v on, wanted %v", took, from, wanted)
		}
	}
	if from := w.since(time.Hour).At; from != spikesEvery {
		t.Errorf("from %v on", from)
	}
}
