package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/ring"
)

// watchedProcess is the process of a subscriber that does not record spikes: its threads
// are looked at from outside, so that there is something to explain one with.
type watchedProcess struct {
	pid     int
	threads []*watchedThread
	listed  time.Time // when its threads were last listed
	failed  error
}

type watchedThread struct {
	tid     int
	witness *affinity.Witness
	looks   []affinity.Activity // the newest last
}

func (t *watchedThread) last() affinity.Activity { return t.looks[len(t.looks)-1] }

const (
	watchedThreads = 16                     // of a process, at most
	watchedLooks   = 256                    // that are kept of a thread
	listEvery      = 500 * time.Millisecond // how often threads are listed
)

// watch looks at a subscriber that does not record: whether messages were late since the
// last look, and what happened to its process.
func (f *spikeFollower) watch(s *ring.SubSight, now time.Time) (ring.Spike, bool) {
	p := f.watched[s.Name]
	if !s.Active {
		return ring.Spike{}, false
	}
	if p == nil || p.pid != s.PID {
		if p != nil {
			p.close()
		}
		p = &watchedProcess{pid: s.PID}
		f.watched[s.Name] = p
	}
	p.look(now)
	if s.Anew {
		return ring.Spike{}, false
	}
	spike := ring.Spike{Kind: ring.SpikeRead, Time: now, CPU: -1, Happened: affinity.Activity{CPU: -1}}
	for _, c := range s.New {
		lowest, _ := ring.BucketRange(c.Bucket)
		if lowest >= int64(f.o.above) {
			spike.Messages += c.N
			spike.Latency = max(spike.Latency, time.Duration(lowest))
		}
	}
	if spike.Messages == 0 {
		return ring.Spike{}, false
	}
	p.explain(&spike)
	return spike, true
}

// look looks at all threads.
func (p *watchedProcess) look(now time.Time) {
	if now.Sub(p.listed) >= listEvery {
		p.listed = now
		p.list()
	}
	for _, t := range p.threads {
		if len(t.looks) == watchedLooks {
			t.looks = slices.Delete(t.looks, 0, watchedLooks/2)
		}
		var a affinity.Activity
		t.witness.Look(&a)
		t.looks = append(t.looks, a)
	}
}

// list finds the threads of the process, the first of them if there are many.
func (p *watchedProcess) list() {
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
		gone := !slices.Contains(tids, t.tid)
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

// explain says what happened to the thread that ran most.
func (p *watchedProcess) explain(s *ring.Spike) {
	if p.failed != nil || len(p.threads) == 0 {
		s.Why = fmt.Sprintf("process %d cannot be looked at: %v", p.pid, p.failed)
		return
	}
	t := slices.MaxFunc(p.threads, func(a, b *watchedThread) int { return cmp.Compare(a.last().OnCPU, b.last().OnCPU) })
	after := t.last()
	// It was noticed since the look before the last one, at the earliest.
	before := t.looks[0]
	for _, l := range t.looks {
		if l.At <= after.At-s.Latency-2*spikesEvery {
			before = l
		}
	}
	s.Happened = after.Since(before)
	s.TID, s.CPU = t.tid, after.CPU
	s.Explained = true
	s.Cause, s.Why = affinity.Explain(s.Latency, s.Happened)
	if len(p.threads) > 1 {
		s.Why += fmt.Sprintf("; of thread %d, the one of %d that ran most", t.tid, len(p.threads))
	}
}

func (p *watchedProcess) close() {
	for _, t := range p.threads {
		t.witness.Close()
	}
	p.threads = nil
}

func (f *spikeFollower) close() {
	for _, p := range f.watched {
		p.close()
	}
}
