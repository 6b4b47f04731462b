package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/ring"
)

// watchedProcess is the process of a subscriber that does not record spikes: its threads
// are looked at from outside, so that there is something to explain one with.
type watchedProcess struct {
	pid     int
	file    string // the subscriber's, which the process has mapped
	threads []*watchedThread
	listed  time.Time // when its threads were last listed
	failed  error
	unsure  bool // whether the process is the subscriber's cannot be seen
}

type watchedThread struct {
	tid     int
	witness *affinity.Witness
	looks   []affinity.Activity // the newest last
}

func (t *watchedThread) last() affinity.Activity { return t.looks[len(t.looks)-1] }

// add keeps a look. When there are many, some go: the longer ago something was, the coarser
// it needs to be known, and nothing of this day is too long ago.
func (t *watchedThread) add(a affinity.Activity) {
	if len(t.looks) == watchedLooks {
		kept := t.looks[:1]
		for i := 1; i < watchedLooks-1; i++ {
			from := kept[len(kept)-1].At
			if t.looks[i+1].At-from > (a.At-from)/watchedFineness {
				kept = append(kept, t.looks[i])
			}
		}
		kept = append(kept, t.last())
		if len(kept) == watchedLooks {
			kept = slices.Delete(kept, 0, 1)
		}
		t.looks = kept
	}
	t.looks = append(t.looks, a)
}

// since returns the look from before a message began to wait that took as long as that and
// was read after the look before the last one, which may be long ago if this process was
// starved. What stopped its reader may have done so before the message came.
func (t *watchedThread) since(longest time.Duration) affinity.Activity {
	read := t.looks[max(len(t.looks)-2, 0)].At
	before := t.looks[0]
	for _, l := range t.looks {
		if l.At <= read-longest-2*spikesEvery {
			before = l
		}
	}
	return before
}

// apart is the longest time between two looks since an earlier one.
func (t *watchedThread) apart(from affinity.Activity) (longest time.Duration) {
	for i := len(t.looks) - 1; i > 0 && t.looks[i].At > from.At; i-- {
		longest = max(longest, t.looks[i].At-t.looks[i-1].At)
	}
	return longest
}

// ended says whether the thread has ended; another one may have its number.
func (t *watchedThread) ended() bool {
	return len(t.looks) > 0 && t.last().Known&(affinity.KnowSwitches|affinity.KnowFaults) == 0
}

const (
	watchedThreads = 16                     // of a process, at most
	watchedLooks   = 256                    // that are kept of a thread
	listEvery      = 500 * time.Millisecond // how often threads are listed

	// watchedFineness: how long ago something was is known to this part of it.
	watchedFineness = 16
)

// watch looks at a subscriber that does not record: whether messages were late since the
// last look, and what happened to its process.
func (f *spikeFollower) watch(s *ring.SubSight, now time.Time) (ring.Spike, bool) {
	p := f.watched[s.Name]
	if !s.Active {
		return ring.Spike{}, false
	}
	if p == nil || p.pid != s.PID || s.Anew { // another process may have the number, or the same one another program
		if p != nil {
			p.close()
		}
		p = &watchedProcess{pid: s.PID, file: f.subFile(s.Name)}
		f.watched[s.Name] = p
	}
	p.look(now)
	if s.Anew {
		return ring.Spike{}, false
	}
	spike := ring.Spike{Kind: ring.SpikeRead, Time: now, CPU: -1, Happened: affinity.Activity{CPU: -1}}
	var longest time.Duration
	for _, c := range s.New {
		lowest, highest := ring.BucketRange(c.Bucket)
		if lowest >= int64(f.o.above) {
			spike.Messages += c.N
			spike.Latency, longest = max(spike.Latency, time.Duration(lowest)), max(longest, time.Duration(highest))
		}
	}
	if spike.Messages == 0 {
		return ring.Spike{}, false
	}
	p.explain(&spike, longest)
	return spike, true
}

// look looks at all threads.
func (p *watchedProcess) look(now time.Time) {
	if now.Sub(p.listed) >= listEvery {
		p.listed = now
		p.list()
	}
	for _, t := range p.threads {
		var a affinity.Activity
		t.witness.Look(&a)
		t.add(a)
	}
}

// list finds the threads of the process, the first of them if there are many.
func (p *watchedProcess) list() {
	maps, err := mapsFile(p.pid, p.file)
	if p.unsure = err != nil; err == nil && !maps {
		p.failed = errors.New("the process of that number is another one; it may be in another PID namespace")
		p.close()
		return
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.pid))
	if p.failed = err; err != nil {
		p.close()
		return
	}
	var tids []int
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil && len(tids) < watchedThreads {
			tids = append(tids, tid)
		}
	}
	p.threads = slices.DeleteFunc(p.threads, func(t *watchedThread) bool {
		gone := !slices.Contains(tids, t.tid) || t.ended()
		if gone {
			t.witness.Close()
		}
		return gone
	})
	for _, tid := range tids {
		if slices.ContainsFunc(p.threads, func(t *watchedThread) bool { return t.tid == tid }) {
			continue
		}
		if w, err := affinity.NewWitness(p.pid, tid); err == nil {
			p.threads = append(p.threads, &watchedThread{tid: tid, witness: w})
		}
	}
}

// explain says what happened to the thread that ran most while a message took longest at
// the most.
func (p *watchedProcess) explain(s *ring.Spike, longest time.Duration) {
	if p.failed != nil || len(p.threads) == 0 {
		s.Why = fmt.Sprintf("process %d cannot be looked at: %v", p.pid, p.failed)
		return
	}
	if p.unsure {
		defer func() { s.Why += fmt.Sprintf("; whether the subscriber is process %d here cannot be seen", p.pid) }()
	}
	t := slices.MaxFunc(p.threads, func(a, b *watchedThread) int { return cmp.Compare(a.last().OnCPU, b.last().OnCPU) })
	after, before := t.last(), t.since(longest)
	s.Happened = after.Since(before)
	s.TID, s.CPU = t.tid, after.CPU
	s.Explained = true
	s.Cause, s.Why = affinity.Explain(s.Latency, s.Happened)
	// Of a stop the time between the first and the last look into it counts.
	if apart := t.apart(before); s.Cause == affinity.CauseSlept && apart > s.Latency/4 {
		s.Why += fmt.Sprintf("; or was stopped between looks, which were up to %v apart", apart.Round(100*time.Microsecond))
	}
	if len(p.threads) > 1 {
		s.Why += fmt.Sprintf("; of thread %d, the one of %d that ran most", t.tid, len(p.threads))
	}
}

// mapsFile says whether a process has a file mapped. The error is that it cannot be seen.
func mapsFile(pid int, path string) (bool, error) {
	file, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	st, ok := file.Sys().(*syscall.Stat_t)
	if !ok {
		return false, errors.ErrUnsupported
	}
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return false, err
	}
	// Some file systems show another device there than stat does, and some containers
	// another path.
	where := fmt.Sprintf(" %02x:%02x %d ", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)), st.Ino)
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, where) || strings.HasSuffix(strings.TrimSpace(line), " "+path) {
			return true, nil
		}
	}
	return false, nil
}

func (p *watchedProcess) close() {
	for _, t := range p.threads {
		t.witness.Close()
	}
	p.threads = nil
}
