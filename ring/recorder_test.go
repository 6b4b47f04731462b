//go:build linux

package ring

import (
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/tick"
)

// byHand is a recorder that runs when it is told to.
func byHand(t *testing.T) (*recorder, *spikeList) {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	l := new(spikeList)
	r, err := newRecorder(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r, l
}

func addSpike(l *spikeList, tid int, latency time.Duration) uint64 {
	return l.add(newSpike{began: tick.Mono() - uint64(latency), latency: uint64(latency), who: uint64(tid)})
}

// TestGrownSpikesAreExplainedAnew: also one that has got a successor meanwhile.
func TestGrownSpikesAreExplainedAnew(t *testing.T) {
	r, l := byHand(t)
	tid := unix.Gettid()
	first := addSpike(l, tid, time.Microsecond)
	r.pass(0)
	for _, successors := range []int{0, 1, 2} {
		latency := l.record(first).latency + 1000
		l.extend(first, latency)
		for range successors {
			addSpike(l, tid, time.Microsecond)
		}
		r.pass(0)
		for n := first; n <= l.begun; n++ {
			if s := l.record(n); s.looked != n || s.took != s.latency {
				t.Errorf("with %d successors, spike %d of %d ns is explained as number %d of %d ns", successors, n, s.latency, s.looked, s.took)
			}
		}
		first = l.begun
	}
}

// TestSpikeOfAThreadThatEnded: what is known of another thread says nothing of that one.
func TestSpikeOfAThreadThatEnded(t *testing.T) {
	r, l := byHand(t)
	addSpike(l, 1<<30, time.Millisecond) // the kernel numbers no thread as high
	r.pass(0)
	s := l.log(l, l).List[0]
	const of = affinity.KnowSched | affinity.KnowSwitches | affinity.KnowFaults | affinity.KnowInterrupt | affinity.KnowSoftirqs | affinity.KnowSteal | affinity.KnowStood
	if !s.Explained || s.Happened.Known&of != 0 || s.Happened.CPU != -1 || !strings.Contains(s.Why, "not the one") {
		t.Errorf("%+v", s)
	}
	addSpike(l, unix.Gettid(), time.Millisecond)
	r.pass(0)
	if s := l.log(l, l).List[1]; s.Happened.Known&affinity.KnowStood == 0 || s.Happened.CPU == -1 {
		t.Errorf("of the watched one: %+v", s)
	}
}

// TestSpikeOfAThreadWithAUsedNumber: a thread that has ended leaves its number to another
// one, whose counts are not to be subtracted from its own.
func TestSpikeOfAThreadWithAUsedNumber(t *testing.T) {
	r, l := byHand(t)
	tid := unix.Gettid()
	began := tick.Mono()
	r.witness.Close() // which then knows as much as one whose thread has ended
	r.look()
	for range 2 {
		l.add(newSpike{began: began, latency: tick.Mono() - began, who: uint64(tid)})
		r.pass(0)
	}
	list := l.log(l, l).List
	const of = affinity.KnowSched | affinity.KnowSwitches | affinity.KnowFaults
	for _, s := range list {
		if s.Happened.Known&of != 0 || !strings.Contains(s.Why, "not the one") {
			t.Errorf("%+v", s)
		}
	}
	addSpike(l, tid, 0)
	r.pass(0)
	if s := l.log(l, l).List[2]; s.Happened.Known&of == 0 {
		t.Errorf("the new one is not watched: %+v", s)
	}
}

// TestSpikesBetweenTwoLooks: it is not known to which of them belongs what happened, and that
// is told.
func TestSpikesBetweenTwoLooks(t *testing.T) {
	r, l := byHand(t)
	tid := unix.Gettid()
	add := func(spikes int) {
		for range spikes {
			addSpike(l, tid, time.Microsecond)
		}
		r.pass(0)
	}
	add(1)
	add(3)
	add(1)
	for i, s := range l.log(l, l).List {
		if want := i >= 1 && i <= 3; strings.Contains(s.Why, "; 3 spikes share these counts") != want || strings.Contains(s.Why, "share") != want {
			t.Errorf("spike %d: %s", s.Number, s.Why)
		}
	}
}

// TestStoodStill: only a process of which nothing runs nor waits for a CPU stands still,
// however many of its threads ran before.
func TestStoodStill(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct{ late, ran, usual, waited, want time.Duration }{
		{80 * ms, 10 * ms, 10 * ms, 0, 80 * ms},
		{80 * ms, 0, 10 * ms, 0, 80 * ms},
		{80 * ms, 160 * ms, 160 * ms, 0, 80 * ms}, // 16 threads that were stopped
		{80 * ms, 90 * ms, 10 * ms, 0, 0},         // one thread ran all the time
		{80 * ms, 1000 * ms, 160 * ms, 0, 0},
		{80 * ms, 50 * ms, 10 * ms, 0, 40 * ms},
		{80 * ms, 10 * ms, 10 * ms, 85 * ms, 0},       // the recorder had no CPU
		{80 * ms, 10 * ms, 10 * ms, 20 * ms, 60 * ms}, // it was stopped, and had no CPU for a while then
		{80 * ms, 50 * ms, 10 * ms, 30 * ms, 10 * ms},
	} {
		if got := stoodStill(c.late, c.ran, c.usual, c.waited); got != c.want {
			t.Errorf("%v late, ran %v, usually %v, waited %v: %v, want %v", c.late, c.ran, c.usual, c.waited, got, c.want)
		}
	}
}

// TestSpikeInTheMidstOfABatch: of a batch that was there in part before the subscriber, the
// first late message may be far from the first.
func TestSpikeInTheMidstOfABatch(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", Config{Dir: dir, Capacity: 4 << 20})
	defer p.Close()
	const before, after = 3 * spikeFrames, 10
	publishCount(t, p, before)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", New: FromOldest, Spikes: 1})
	defer s.Close()
	publishCount(t, p, after)
	b := NewBatch(before+after, 0)
	if st := s.NextBatch(b); st != Message || b.Len() != before+after {
		t.Fatal(st, b.Len())
	}
	l := onlySub(t, dir).Spikes
	if len(l.List) != 1 || l.List[0].Seq != before+1 || l.List[0].Messages != after || l.List[0].Behind != after-1 || l.List[0].BehindMore {
		t.Errorf("%+v", l)
	}
}

// TestSpikeInView: it began when the message was published, however long it is looked at.
func TestSpikeInView(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	defer p.Close()
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", Spikes: 1})
	defer s.Close()
	publishCount(t, p, 1)
	if _, st := s.View(); st != Message {
		t.Fatal(st)
	}
	seen := tick.Mono()
	time.Sleep(20 * time.Millisecond)
	if !s.Valid() {
		t.Fatal("lapped")
	}
	if r := s.stats.spikes.record(1); r.number != 1 || r.began > seen+uint64(time.Millisecond) {
		t.Errorf("began %v after it was seen", time.Duration(r.began-seen))
	}
}

// TestSpikeAtTheThreshold: a latency of just the threshold is one; and what is behind it is
// counted across time frames.
func TestSpikeAtTheThreshold(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	defer p.Close()
	const threshold = 12345
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a", Spikes: threshold})
	defer s.Close()
	s.scale, s.joined = 1<<32, 0 // a tick is 1 ns
	for range 3 {
		p.anchor -= 1 << 32 // as if a second had passed: a time frame comes first
		publishCount(t, p, 1)
	}
	if w, st := s.seek(s.frameHeader(s.pos)); st != Message {
		t.Fatal(w, st)
	}
	stamp := s.fullStamp(s.frameHeader(s.pos))
	s.recordLatency(s.frameHeader(s.pos), stamp+threshold-1)
	s.recordLatency(s.frameHeader(s.pos), stamp+threshold)
	list := &s.stats.spikes
	l := list.log(list, list)
	if len(l.List) != 1 || l.List[0].Latency != threshold || l.List[0].Behind != 2 || l.List[0].BehindMore {
		t.Errorf("%+v", l)
	}
}

// TestHeldIsOfTheMessageThatWasRefused: smaller ones that go through meanwhile end nothing.
func TestHeldIsOfTheMessageThatWasRefused(t *testing.T) {
	list := new(spikeList)
	l := &lateness{spikeWriter: *newSpikeWriter(list, time.Hour)}
	longAgo := time.Now().Add(-2 * time.Hour)
	l.refused(5)
	l.held = longAgo
	l.refused(5)
	l.through(6)
	if l.refused(7); list.begun != 0 || l.held.Equal(longAgo) {
		t.Errorf("%d spikes, held since %v", list.begun, l.held)
	}
	l.held = longAgo
	l.refused(7)
	l.through(7)
	l.through(8)
	if got := list.log(list, list).List; len(got) != 1 || got[0].Kind != SpikeHeld || got[0].Seq != 7 || got[0].Latency < 2*time.Hour {
		t.Errorf("%+v", got)
	}
}

// TestRecorderOfRubbish: whatever number somebody has written over the newest one, a pass ends.
func TestRecorderOfRubbish(t *testing.T) {
	r, l := byHand(t)
	for _, begun := range []uint64{1, math.MaxUint64, 0, math.MaxUint64 - 1, 1 << 63, 5, math.MaxUint64, 3} {
		addSpike(l, unix.Gettid(), time.Microsecond)
		l.begun = begun
		l.record(begun).number = begun
		r.pass(0)
		if r.newest != begun {
			t.Errorf("the newest is number %d, and it has looked up to %d", begun, r.newest)
		}
	}
}

// TestRecorderLeavesNothing: who is closed keeps no goroutine and no file, whether it was late
// or not.
func TestRecorderLeavesNothing(t *testing.T) {
	open := func() (goroutines, files int) {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return runtime.NumGoroutine(), len(fds)
	}
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Spikes = 1
	once := func() {
		p := mustCreate(t, "r", cfg)
		s := mustOpen(t, "r", Options{Dir: dir, Name: "a", Spikes: 1})
		publishCount(t, p, 2)
		for range 2 {
			if _, st := s.Next(); st != Message {
				t.Fatal(st)
			}
		}
		s.Close()
		s.Close()
		p.Close()
		p.Close()
	}
	once()
	goroutines, files := open()
	for range 5 {
		once()
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // those of earlier tests may end meanwhile
		g, f := open()
		if g <= goroutines && f <= files {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines and %d files, then %d and %d", goroutines, files, g, f)
		}
	}
}
