package main

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/ring"
)

// TestSpikesCommand: a subscriber and a publisher that record, and one that is watched
// from outside; what they were late with is shown as it comes, and when they have ended.
func TestSpikesCommand(t *testing.T) {
	h := newHost(t)
	h.run("spikes", "feed").want(exitError).sentence(`no such ring`, "feed")
	h.run("sub", "feed", "--spikes", "0s").want(exitUsage).sentence("--spikes", "want a time")
	h.run("sub", "feed", "--spikes", "1ms", "--anonymous").want(exitUsage)
	path, _, _ := h.mboFile("session.dbn", 30_000) // more than a minute
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
	outside := h.followSpikes("feed:two", "--above", "5ms")
	outside.await("TIME") // it looks on
	// Again and again: on a machine that is busy with other things, one stop may be the
	// smaller part of what somebody was late with.
	for inFile, seen := false, false; !inFile || !seen; {
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
		inFile = slices.ContainsFunc(info.Subscribers[0].Spikes.List, func(s ring.Spike) bool {
			return s.Explained && s.Cause == affinity.CauseStopped && s.Latency >= 50*time.Millisecond
		})
		for len(outside.lines) > 0 {
			line := <-outside.lines
			seen = seen || strings.Contains(line, "stopped") && strings.Contains(line, "each look found the thread stopped")
			if !strings.Contains(line, "~two") {
				t.Error(line)
			}
		}
	}
	outside.cmd.Process.Signal(os.Interrupt)
	outside.want(exitOK)
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
	for of, heads := range map[string][]string{"feed:one": {"one: "}, "feed:@publisher": {"the publisher: "}, "feed": {"one: ", "the publisher: "}} {
		out := h.run("spikes", of).want(exitOK).stdout.String()
		for _, head := range []string{"one: ", "the publisher: "} {
			if slices.Contains(heads, head) != strings.Contains(out, head) {
				t.Errorf("%s: %s", of, out)
			}
		}
	}
	for of, want := range map[string]string{"feed:": "subscriber", "feed:a/b": "subscriber", ":one": "ring", "feed:@x": "subscriber"} {
		h.run("spikes", of).want(exitUsage).sentence(want)
	}
	h.run("spikes", "feed:one", "--sub", "two").want(exitUsage).sentence("name it once")
	h.run("spikes", "feed:three").want(exitError).sentence(`no subscriber "three"`)
	for begun, want := range map[string]string{"": "feed\n:", "feed:": "feed:one\nfeed:two\nfeed:@publisher\n:"} {
		for _, cmd := range []string{"spikes", "hist"} {
			if out := h.run("__complete", cmd, begun).want(exitOK).stdout.String(); !strings.HasPrefix(out, want) {
				t.Errorf("%s %s: %s", cmd, begun, out)
			}
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

// TestSpikesOfAGateway: a gateway records what it reads late from each of its inputs, and a
// strategy what it reads late of the market data, with the cause.
func TestSpikesOfAGateway(t *testing.T) {
	h := newHost(t)
	gateway := h.market("--spikes", "5ms")
	var strategies []*process
	for _, id := range []string{"7", "8"} {
		strategies = append(strategies, h.start("strategy", "echo", "--gateway", "gw", "--id", id, "--md", "md", "--spikes", "5ms"))
		h.stat("gw.in."+id, func(i ring.Info) bool { return len(i.Subscribers) == 1 && i.Subscribers[0].Active })
	}
	file, _ := h.itchFile("day.itch50", 60_000) // a minute
	h.start("replay", file, "--ring", "md", "--rate", "1000", "-q")
	for _, id := range []string{"7", "8"} {
		h.stat("gw.in."+id, func(i ring.Info) bool { return i.Subscribers[0].Messages > 0 })
	}
	log := func(of, sub string) ring.SpikeLog {
		info, err := ring.Stat(h.dir, of)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range info.Subscribers {
			if s.Name == sub {
				if s.Spikes.Threshold != 5*time.Millisecond {
					t.Fatalf("%s:%s: %+v", of, sub, s.Spikes)
				}
				return s.Spikes
			}
		}
		t.Fatalf("ring %s has no subscriber %s", of, sub)
		return ring.SpikeLog{}
	}
	// stopped stops a process until each of the files says so.
	stopped := func(p *process, files ...[2]string) {
		t.Helper()
		var spikes []ring.Spike
		h.until(func() bool {
			p.signal(syscall.SIGSTOP)
			time.Sleep(80 * time.Millisecond)
			p.signal(syscall.SIGCONT)
			spikes = spikes[:0]
			for _, f := range files {
				list := log(f[0], f[1]).List
				i := slices.IndexFunc(list, func(s ring.Spike) bool { return s.Cause == affinity.CauseStopped })
				if i < 0 {
					return false
				}
				spikes = append(spikes, list[i])
			}
			return true
		})
		for i, s := range spikes {
			if s.Kind != ring.SpikeRead || s.TID != spikes[0].TID || !strings.Contains(s.Why, "stood still") {
				t.Errorf("%v: %+v", files[i], s)
			}
		}
	}
	stopped(gateway, [2]string{"gw.in.7", "gw"}, [2]string{"gw.in.8", "gw"})
	stopped(strategies[1], [2]string{"md", "gw-8"})
	for _, s := range log("md", "gw-7").List {
		if s.Cause == affinity.CauseStopped {
			t.Errorf("a strategy that was not stopped: %+v", s)
		}
	}

	out := h.run("spikes", "gw.in.7:gw").want(exitOK).stdout.String()
	for _, w := range []string{"gw: ", "of at least 5ms", "stopped"} {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	if out := h.run("spikes", "gw:@publisher").want(exitOK).stdout.String(); !strings.HasPrefix(out, "the publisher: ") || !strings.Contains(out, "of at least 5ms") {
		t.Error(out)
	}

	// Who is killed leaves what was recorded.
	before := log("gw.in.8", "gw")
	gateway.signal(syscall.SIGKILL)
	gateway.want(-1)
	if after := log("gw.in.8", "gw"); after.Spikes < before.Spikes || !slices.ContainsFunc(after.List, func(s ring.Spike) bool { return s.Cause == affinity.CauseStopped }) {
		t.Errorf("alive: %+v\nkilled: %+v", before, after)
	}
}

// spikesFollowed is 'spikes --follow', with its lines as they come.
type spikesFollowed struct {
	*process
	lines chan string
}

func (h *host) followSpikes(args ...string) *spikesFollowed {
	h.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		h.Fatal(err)
	}
	f := &spikesFollowed{h.startTo(w, append([]string{"spikes", "--follow"}, args...)...), make(chan string, 10000)}
	w.Close()
	go func() {
		defer r.Close()
		for lines := bufio.NewScanner(r); lines.Scan(); {
			f.lines <- lines.Text()
		}
	}()
	return f
}

// await returns when there is a line with that text, which is the next one then.
func (f *spikesFollowed) await(text string) {
	f.host.Helper()
	select {
	case line := <-f.lines:
		if !strings.Contains(line, text) {
			f.host.Fatal(line)
		}
	case <-time.After(patience):
		f.host.Fatalf("spikes --follow never told %q", text)
	}
}

// TestMapsFile: the process whose number is in a file need not be the one here.
func TestMapsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := mmap.Create(path, mmap.CreateOptions{Size: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if maps, err := mapsFile(os.Getpid(), path); maps || err != nil {
		t.Errorf("before it is mapped: %v, %v", maps, err)
	}
	r, err := f.Map(mmap.MapOptions{Length: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if maps, err := mapsFile(os.Getpid(), path); !maps || err != nil {
		t.Errorf("mapped: %v, %v", maps, err)
	}
	if _, err := mapsFile(os.Getpid(), path+"x"); err == nil {
		t.Error("a file that is not there")
	}
	p := &watchedProcess{pid: os.Getpid(), file: path}
	p.list()
	if p.failed != nil || p.unsure || len(p.threads) == 0 {
		t.Errorf("of this process: %+v", p)
	}
	first := p.threads[0]
	first.add(affinity.Activity{}) // it has ended, and another one has its number
	p.list()
	if p.failed != nil || slices.Contains(p.threads, first) || !slices.ContainsFunc(p.threads, func(t *watchedThread) bool { return t.tid == first.tid }) {
		t.Errorf("of a thread that has ended: %+v", p)
	}
	p.pid = 1<<22 + 1 // more than there are
	p.list()
	if p.failed == nil || len(p.threads) != 0 {
		t.Errorf("of none: %+v", p)
	}
	p.pid = os.Getppid()
	p.list()
	if !p.unsure && (p.failed == nil || len(p.threads) != 0) {
		t.Errorf("of another: %+v", p)
	}
	p.close()
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

	for _, c := range []struct {
		apart time.Duration
		told  bool
	}{{spikesEvery, false}, {100 * time.Millisecond, true}} {
		const took = 100 * time.Millisecond
		slept := &watchedThread{}
		for at := time.Duration(0); at <= 2*took; at += c.apart {
			slept.add(affinity.Activity{At: at, Known: affinity.KnowSched | affinity.KnowSwitches, Voluntary: uint64(at / (took / 2))})
		}
		s := ring.Spike{Latency: took}
		(&watchedProcess{threads: []*watchedThread{slept}}).explain(&s, took)
		if told := strings.Contains(s.Why, "or was stopped between looks, which were up to 100ms apart"); s.Cause != affinity.CauseSlept || told != c.told {
			t.Errorf("looks %v apart: %v: %s", c.apart, s.Cause, s.Why)
		}
	}
	if apart := w.apart(affinity.Activity{At: at}); apart != late {
		t.Errorf("looks were %v apart, want %v", apart, late)
	}
}
