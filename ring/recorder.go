package ring

import (
	"math"
	"sync"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// recorder finds out what happened during the spikes of a list: a goroutine beside the
// thread that is late, which looks at that thread now and then and keeps what it saw. Two
// looks around a spike say what happened between them.
type recorder struct {
	list    *spikeList
	witness *affinity.Witness
	delays  *affinity.Delays
	tid     int // whom it watches
	threads int // how many of that number have ended under the watch

	looks   [recorderLooks]threadLook
	count   uint64 // of all looks
	stood   time.Duration
	ran     time.Duration // the process, until the last pass
	usual   time.Duration // how long the process ran before a pass that was in time
	newest  uint64        // number of the newest spike that is explained
	took    uint64        // its latency then
	stop    chan struct{}
	stopped sync.WaitGroup
}

type threadLook struct {
	affinity.Activity
	tid, threads int // together they are one thread
}

const (
	recorderEvery = 10 * time.Millisecond // between looks, and
	recorderShare = 100                   // a look takes at most this part of the time
	recorderLooks = 512
)

// newRecorder watches the calling thread from now on. It looks on when it is started.
func newRecorder(list *spikeList) (*recorder, error) {
	r := &recorder{list: list, usual: recorderEvery, stop: make(chan struct{})}
	var w spikeWriter
	tid, _ := w.where()
	var err error
	if r.witness, err = affinity.NewWitness(0, tid); err != nil {
		return nil, err
	}
	r.tid = tid
	r.delays = affinity.NewDelays()
	r.delays.Longest()
	r.ran, _ = processTime()
	r.look()
	return r, nil
}

func (r *recorder) start() {
	r.stopped.Add(1)
	go func() {
		defer r.stopped.Done()
		// Who cuts the file short has ended the recording; the thread beside finds out itself.
		_ = mmap.Guard(func() error { r.run(); return nil })
	}()
}

// close explains what there is to explain, and ends.
func (r *recorder) close() {
	close(r.stop)
	r.stopped.Wait()
	r.witness.Close()
	r.delays.Close()
}

func (r *recorder) run() {
	timer := time.NewTimer(recorderEvery)
	defer timer.Stop()
	for {
		due := tick.Mono() + uint64(recorderEvery)
		timer.Reset(recorderEvery)
		select {
		case <-r.stop:
			r.pass(0)
			return
		case <-timer.C:
		}
		late := time.Duration(0)
		if now := tick.Mono(); now > due {
			late = time.Duration(now - due)
		}
		r.pass(late)
	}
}

// pass looks at the thread if it is time, or if there is something new to explain. It was
// to come so much earlier.
func (r *recorder) pass(late time.Duration) {
	r.stand(late)
	newest := mem.LoadAcquire(&r.list.begun) // these were noticed before the look that follows
	news := newest != r.newest || r.grown()
	every := max(recorderEvery, recorderShare*r.witness.Cost())
	if !news && time.Duration(tick.Mono())-r.last().At < every-recorderEvery/2 {
		return
	}
	r.look()
	if news {
		r.explainNew(newest)
	}
}

func (r *recorder) last() *threadLook { return &r.looks[(r.count-1)%recorderLooks] }

// stand takes into account that the recorder was late.
func (r *recorder) stand(late time.Duration) {
	now, ok := processTime()
	ran := now - r.ran
	r.ran = now
	waited := r.delays.Longest()
	switch {
	case !ok:
	case late <= time.Millisecond:
		r.usual = ran
	default:
		r.stood += stoodStill(late, ran, r.usual, waited)
	}
}

// stoodStill is how long of the time that the recorder was late no thread of the process ran
// that usually does, or waited for a CPU: without that it was late for want of a P or a
// CPU.
func stoodStill(late, ran, usual, waited time.Duration) time.Duration {
	return max(0, late-max(0, ran-usual)-waited)
}

// look looks at the thread and keeps what it sees.
func (r *recorder) look() {
	l := &r.looks[r.count%recorderLooks]
	l.tid, l.threads = r.tid, r.threads
	l.Stood, l.Known = r.stood, affinity.KnowStood
	r.witness.Look(&l.Activity)
	r.count++
}

// grown says whether the newest spike that is explained has become longer since.
func (r *recorder) grown() bool {
	return r.newest != 0 && mem.LoadAcquire(&r.list.record(r.newest).latency) > r.took
}

// explainNew explains the spikes up to newest, which is what the file says: any number.
func (r *recorder) explainNew(newest uint64) {
	from := r.newest + 1
	if r.grown() {
		from = r.newest
	}
	if newest >= MaxSpikes {
		from = max(from, newest-MaxSpikes+1)
	}
	if from <= newest {
		for i := range newest - from + 1 {
			r.explain(from + i)
		}
	}
	r.newest = newest
}

// explain says what happened during a spike, if it still has its place in the list.
func (r *recorder) explain(number uint64) {
	s := r.list.record(number)
	if mem.LoadAcquire(&s.number) != number {
		return
	}
	began, latency, who := mem.LoadAcquire(&s.began), mem.LoadAcquire(&s.latency), mem.LoadAcquire(&s.who)
	mem.LoadFence()
	if mem.LoadAcquire(&s.number) != number {
		return
	}
	tid := int(uint32(who))
	r.watch(tid)
	before, after := *r.before(began), *r.last()
	other := before.tid != tid || after.tid != tid || before.threads != after.threads
	if other {
		// Nor does it mean anything then that the recorder was late: it may have been alone.
		before.Known &^= affinity.KnowSched | affinity.KnowSwitches | affinity.KnowFaults | affinity.KnowStood
	}
	if after.tid != tid {
		after.CPU = -1
	}
	e := explanation{took: nanoseconds(latency), other: other, happened: after.Since(before.Activity)}
	e.cause, _ = affinity.Explain(e.took, e.happened)
	r.list.explain(number, e)
	r.took = latency
}

// watch makes it watch that thread, and look at it now, if it watched another one: the
// goroutine that reads or publishes has been moved to another thread, which may have got the
// number of one that has ended.
func (r *recorder) watch(tid int) {
	const alive = affinity.KnowSched | affinity.KnowSwitches | affinity.KnowFaults
	ended := tid == r.tid && r.last().Known&alive == 0
	if tid == r.tid && !ended || tid == 0 {
		return
	}
	w, err := affinity.NewWitness(0, tid)
	if err != nil {
		return // it has ended
	}
	r.witness.Close()
	r.witness, r.tid = w, tid
	if ended {
		r.threads++
	}
	r.look()
}

// before is the newest look that was not after a moment in CLOCK_MONOTONIC ns, or the
// oldest there is.
func (r *recorder) before(mono uint64) *threadLook {
	at := time.Duration(min(mono, math.MaxInt64))
	for i := r.count; i > 0 && i+recorderLooks > r.count; i-- {
		if l := &r.looks[(i-1)%recorderLooks]; l.At <= at {
			return l
		}
	}
	if r.count < recorderLooks {
		return &r.looks[0]
	}
	return &r.looks[r.count%recorderLooks]
}
