package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

// smallCapacity is the smallest ring's, which has room for 4096 MBO records; smallHeld
// is how many it takes while a gate has read none of them.
const (
	smallCapacity = "256KiB"
	smallHeld     = 4096 - 64
)

// TestGateLosesNothing: its subscriber comes late, leaves and is killed; the publisher is
// killed while it is held, and another one that was told of no gates goes on.
func TestGateLosesNothing(t *testing.T) {
	h := newHost(t)
	const records = 20_000
	path, _, _ := h.mboFile("session.dbn", records)
	first := h.start("replay", path, "--ring", "feed", "--capacity", smallCapacity, "--gate", "g")
	first.await("gate g holds the publisher: 4,032 messages wait for it, and no process has it open")
	if i := h.stat("feed", func(ring.Info) bool { return true }); i.Last != smallHeld || i.Refused == 0 {
		t.Fatalf("held at message %d, %d times", i.Last, i.Refused)
	}

	late := h.run("sub", "feed", "--name", "g", "--count", "1000", "--json").want(exitOK)
	late.sentence("g is a gate; 4,032 messages wait for it")
	if r := late.subReport(); r.FirstSeq != 1 || r.LastSeq != 1000 || r.Lost != 0 || r.Gate != "holding" {
		t.Errorf("the first subscriber: %+v", r)
	}
	h.stat("feed", func(i ring.Info) bool { return i.Last > smallHeld+500 })
	first.signal(syscall.SIGKILL)
	first.want(-1)

	killed := h.start("sub", "feed", "--name", "g")
	killed.await("has died") // it has read everything
	last := h.stat("feed", func(ring.Info) bool { return true }).Last
	killed.signal(syscall.SIGKILL)
	killed.want(-1)

	second := h.start("replay", path, "--ring", "feed", "--json")
	second.await("gate g holds the publisher")
	r := h.run("sub", "feed", "--name", "g", "--until-closed", "--json").want(exitOK).subReport()
	if r.FirstSeq != last+1 || r.LastSeq != last+records || r.Delivered != records || r.Lost != 0 || r.Gaps != 0 {
		t.Errorf("the last publisher ended with %d; after that %+v", last, r)
	}
	var pub replayReport
	second.want(exitOK).json(&pub)
	if pub.Messages != records || pub.Lost != 0 || pub.Held == 0 || pub.HeldNs < int64(tellAfter) || pub.Demoted != nil || pub.Dropped != nil {
		t.Errorf("%+v", pub)
	}
	if !strings.Contains(second.stderr.String(), "going on after") {
		t.Errorf("its notes:\n%s", second.stderr.String())
	}
}

// TestStandbyOfAHeldReplay goes on with the wait as with everything else.
func TestStandbyOfAHeldReplay(t *testing.T) {
	h := newHost(t)
	const records = 10_000
	path, _, counts := h.mboFile("session.dbn", records)
	first := h.start("replay", path, "--ring", "feed", "--capacity", smallCapacity, "--gate", "g")
	first.await("gate g holds the publisher")
	second := h.start("replay", path, "--ring", "feed", "--standby", "--json")
	second.await("standing by")
	first.signal(syscall.SIGKILL)
	second.await("going on with ring \"feed\" after 4,032 messages")
	second.await("gate g holds the publisher")
	r := h.run("sub", "feed", "--name", "g", "--until-closed", "--json").want(exitOK).subReport()
	agree(t, replayReport{Messages: r.Delivered, Lost: r.Lost, ByType: r.ByType}, records, counts)
	second.want(exitOK)
}

// TestSlowGateIsDemoted: it is stopped for longer than it may hold the publisher.
func TestSlowGateIsDemoted(t *testing.T) {
	h := newHost(t)
	const records = 20_000
	path, _, _ := h.mboFile("session.dbn", records)
	pub := h.start("replay", path, "--ring", "feed", "--capacity", smallCapacity, "--gate", "slow,hold=200ms", "--wait", "2", "--json")
	h.stat("feed", func(ring.Info) bool { return true })
	slow := h.start("sub", "feed", "--name", "slow", "--until-closed", "--json")
	h.stat("feed", func(i ring.Info) bool { return i.Subscribers[0].Active })
	slow.await("slow is a gate; no messages wait for it")
	slow.stop()
	h.start("sub", "feed", "--name", "other")
	pub.await("gate slow was demoted")
	var r replayReport
	pub.want(exitOK).json(&r)
	if !slices.Equal(r.Demoted, []string{"slow"}) || r.Dropped != nil || r.Held == 0 || r.Messages != records {
		t.Errorf("%+v", r)
	}
	slow.signal(syscall.SIGCONT)
	slow.await("slow is a gate no more: it held the publisher for longer than it may")
	if s := slow.want(exitOK).subReport(); s.Gate != "demoted" || s.Lost == 0 || s.Delivered+s.Lost != records {
		t.Errorf("%+v", s)
	}
	// Named again it is a gate again.
	again := h.start("replay", path, "--ring", "feed", "--gate", "slow")
	again.await("gate slow holds the publisher")
	if s := h.run("sub", "feed", "--name", "slow", "--until-closed", "--json").want(exitOK).subReport(); s.Gate != "holding" || s.Delivered != records || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
	again.want(exitOK)
}

// stop stops a process and waits until it stands still.
func (p *process) stop() {
	p.host.Helper()
	p.signal(syscall.SIGSTOP)
	p.host.until(func() bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		check(p.host, err)
		_, state, _ := strings.Cut(string(text), ") ")
		return strings.HasPrefix(state, "T")
	})
}

func TestDeadGateIsDropped(t *testing.T) {
	h := newHost(t)
	const records = 10_000
	path, _, _ := h.mboFile("session.dbn", records)
	p := h.run("replay", path, "--ring", "feed", "--capacity", smallCapacity, "--gate", "gone,drop-dead").want(exitOK)
	p.sentence("gate gone was dropped", "no process has it open", "252 KiB")
	if out := p.stdout.String(); !strings.Contains(out, "dropped    gone\n") || strings.Contains(out, "held") {
		t.Errorf("the summary:\n%s", out)
	}
	s := h.run("sub", "feed", "--name", "gone", "--until-closed", "--json").want(exitOK)
	if r := s.subReport(); r.Gate != "dropped" || r.Lost == 0 || r.Delivered+r.Lost != records {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(s.stderr.String(), "gone is a gate no more: it was dropped") {
		t.Errorf("its notes:\n%s", s.stderr.String())
	}
}

// TestDroppingWhatAGateHasNotRead lets the publisher go on.
func TestDroppingWhatAGateHasNotRead(t *testing.T) {
	h := newHost(t)
	const records = 6000
	path, _, _ := h.mboFile("session.dbn", records)
	p := h.start("replay", path, "--ring", "feed", "--capacity", smallCapacity, "--gate", "g")
	h.stat("feed", func(i ring.Info) bool { return i.Refused > 0 })
	r := h.run("sub", "feed", "--name", "g", "--from", "latest", "--count", "1", "--json").want(exitOK).subReport()
	if r.FirstSeq != smallHeld+1 || r.Lost != 0 || r.Gate != "holding" {
		t.Errorf("%+v", r)
	}
	p.want(exitOK)
}

// TestSignalEndsAHeldReplay, which then has published what there was room for.
func TestSignalEndsAHeldReplay(t *testing.T) {
	for _, pace := range [][]string{nil, {"--rate", "1000000"}} {
		t.Run(fmt.Sprint(pace), func(t *testing.T) {
			h := newHost(t)
			path, _, _ := h.mboFile("session.dbn", 10_000)
			p := h.start(append([]string{"replay", path, "--ring", "feed", "--capacity", smallCapacity, "--gate", "g", "--quiet", "--json"}, pace...)...)
			h.stat("feed", func(i ring.Info) bool { return i.Refused > 0 })
			p.signal(syscall.SIGINT)
			var r replayReport
			p.want(exitError).json(&r)
			p.sentence("stopped by a signal after 4,032 messages")
			info := h.stat("feed", func(i ring.Info) bool { return i.Publisher == ring.Ended })
			if r.Messages != smallHeld || info.Last != smallHeld || r.Lost != 0 || r.Held != 1 || r.HeldNs <= 0 {
				t.Errorf("%+v; the ring has %d", r, info.Last)
			}
			if late := r.Late; (late == nil) != (pace == nil) || late != nil && late.Count != smallHeld {
				t.Errorf("late: %+v", late)
			}
		})
	}
}

// TestGateFollowsIntoANewFile, which cannot be made while it would lose something.
func TestGateFollowsIntoANewFile(t *testing.T) {
	h := newHost(t)
	const records = 3000
	path, _, _ := h.mboFile("session.dbn", records)
	h.replay(path, "--ring", "feed", "--capacity", smallCapacity, "--gate", "g,hold=1h")
	h.run("replay", path, "--ring", "feed", "--capacity", "1MiB").want(exitError).sentence(`gate "g" has not read 3000 messages`, "let it read them, or remove the ring")
	sub := h.start("sub", "feed", "--name", "g", "--json")
	h.stat("feed", func(i ring.Info) bool { return i.Subscribers[0].Messages == records })
	h.stat("feed", func(i ring.Info) bool { return i.Subscribers[0].Cursor == records+1 })
	h.replay(path, "--ring", "feed", "--capacity", "1MiB")
	sub.await("going on with message 3001")
	info := h.stat("feed", func(i ring.Info) bool { return i.Subscribers[0].Cursor == 2*records+1 })
	if s := info.Subscribers[0]; s.Gate != ring.GateHolding || s.Hold.Hours() != 1 {
		t.Errorf("%+v", s)
	}
	sub.signal(syscall.SIGTERM)
	if r := sub.want(exitOK).subReport(); r.Delivered != 2*records || r.Lost != 0 || r.Gate != "holding" {
		t.Errorf("%+v", r)
	}
	for _, from := range []string{"oldest", "mark", "seq:7"} {
		h.run("sub", "feed", "--name", "g", "--from", from).want(exitUsage).sentence("--from "+from, `"g" is a gate`, "--from latest")
	}
}

// TestLookingAtGates: one of each state.
func TestLookingAtGates(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 5000)
	pub := h.start("replay", path, "--ring", "feed", "--capacity", smallCapacity,
		"--gate", "kept,hold=2h", "--gate", "timed,hold=1ms", "--gate", "dead,drop-dead,hold=1h", "--gate", "open,drop-dead", "--wait", "1")
	h.stat("feed", func(ring.Info) bool { return true })
	h.start("sub", "feed", "--name", "open")
	pub.await("gate kept holds the publisher: 4,032 messages wait for it, and no process has it open; waiting for 2h0m0s at most")
	h.stat("feed", func(i ring.Info) bool {
		return i.Subscribers[2].Name == "open" && i.Subscribers[2].Messages == smallHeld
	})

	refused := h.stat("feed", func(ring.Info) bool { return true }).Refused // 4 if "open" was not quick
	before := h.snapshot()
	for cmd, words := range map[string][]string{
		"ls": {"GATES", "  2/4  "},
		"stat feed": {"the publisher waits for 2 of 4 gates; held " + text.Count(refused) + " times by them",
			"kept: nobody has opened it yet\n    gate       the publisher waits for it for 2h0m0s at most\n", "4,032 behind",
			"    gate       the publisher waits for it for ever, while a process has it open",
			"    gate       demoted: the publisher waits for it no more", "    gate       dropped: the publisher waits"},
		"hist feed": {"feed:kept, a gate, new\n", "feed:timed, a gate that was demoted, new\n"},
	} {
		out := h.run(strings.Fields(cmd)...).want(exitOK).stdout.String()
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %q in\n%s", cmd, w, out)
			}
		}
	}
	var stat ringReport
	h.run("stat", "feed", "--json").want(exitOK).json(&stat)
	got := map[string]string{}
	for _, s := range stat.Subscribers {
		got[s.Name] = fmt.Sprintf("%s %s %v %d %v %d", s.Gate, s.State, s.Active, s.HoldNs, s.DropDead, s.Lag)
	}
	for name, want := range map[string]string{
		"kept": "holding new false 7200000000000 false 4032", "timed": "demoted new false 1000000 false 4032",
		"dead": "dropped new false 3600000000000 true 4032", "open": "holding reading true 0 true 0",
	} {
		if got[name] != want {
			t.Errorf("stat --json of %s: %s, want %s", name, got[name], want)
		}
	}
	if stat.Refused != refused || refused < 3 || stat.MarkSeq != 0 {
		t.Errorf("%+v", stat)
	}
	var hist histDocument
	h.run("hist", "feed", "--sub", "kept", "--json").want(exitOK).json(&hist)
	if len(hist.Distributions) != 1 || hist.Distributions[0].Gate != "holding" {
		t.Errorf("%+v", hist)
	}
	if after := h.snapshot(); after != before {
		t.Errorf("looking has changed something:\n%s\n%s", before, after)
	}

	check(h, os.Remove(h.dir+"/feed/subs/timed"))
	out := h.run("stat", "feed").want(exitOK).stdout.String()
	if !strings.Contains(out, "timed: the gate's file is not there") || !strings.Contains(out, "    gate       demoted") {
		t.Errorf("stat of a gate without a file:\n%s", out)
	}
}

// TestRejoin: subscribers that were stopped while the ring lapped them go on where they
// were told to, and lose what lies between.
func TestRejoin(t *testing.T) {
	h := newHost(t)
	const read, all, mark = 100, 10_000, 9_500
	pub, err := ring.Create("feed", ring.Config{Dir: h.dir, Capacity: 256 << 10})
	check(h, err)
	defer pub.Close()
	publish := func(to uint64) {
		for pub.Seq() < to {
			send := pub.Publish
			if pub.Seq()+1 == mark {
				send = pub.PublishMark
			}
			check(h, send(1, []byte("message")))
		}
	}
	subs := map[string]*process{}
	for _, where := range rejoinWords {
		subs[where] = h.start("sub", "feed", "--name", where, "--rejoin", where, "--until-closed", "--json")
	}
	publish(read)
	h.stat("feed", func(i ring.Info) bool {
		return len(i.Subscribers) == len(subs) && !slices.ContainsFunc(i.Subscribers, func(s ring.SubscriberInfo) bool { return s.Cursor != read+1 })
	})
	for _, p := range subs {
		p.stop()
	}
	publish(all)
	check(h, pub.Close())
	lost := map[string]uint64{}
	for where, p := range subs {
		p.signal(syscall.SIGCONT)
		r := p.want(exitOK).subReport()
		if lost[where] = r.Lost; r.Delivered+r.Lost != all || r.Gaps != 1 {
			t.Errorf("%s: %+v", where, r)
		}
	}
	if lost["mark"] != mark-1-read || lost["newest"] < all-64-read || !(lost["oldest"] < lost["middle"] && lost["middle"] < lost["newest"]) {
		t.Errorf("lost %v", lost)
	}
	if r := h.run("sub", "feed", "--from", "mark", "--until-closed", "--json").want(exitOK).subReport(); r.FirstSeq != mark || r.LastSeq != all {
		t.Errorf("from the mark: %+v", r)
	}
	if out := h.run("stat", "feed").want(exitOK).stdout.String(); !strings.Contains(out, "message 9,500 begins the last snapshot") {
		t.Errorf("stat:\n%s", out)
	}
}

func TestCompletionOfGates(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 10)
	h.replay(path, "--ring", "feed", "--gate", "alpha", "--gate", "beta,hold=5s")
	for want, args := range map[string][]string{
		"alpha\nbeta\n":                      {"replay", path, "--ring", "feed", "--gate", ""},
		"a,hold=\na,drop-dead\na,owner=\n":   {"replay", path, "--ring", "feed", "--gate", "a,"},
		"a,hold=1s,hold=\na,hold=1s,drop-de": {"replay", path, "--gate", "a,hold=1s,"},
		"oldest\nmiddle\nnewest\nmark\n":     {"record", "feed", "--rejoin", ""},
		"oldest\nlatest\ncursor\nmark\n":     {"sub", "feed", "--from", ""},
		"alpha\nbeta\n:":                     {"sub", "feed", "--name", ""},
	} {
		if out := h.run(append([]string{"__complete"}, args...)...).want(exitOK).stdout.String(); !strings.HasPrefix(out, want) {
			t.Errorf("%v: %s", args, out)
		}
	}
}
