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
	tid     int // whom it watches

	looks   [recorderLooks]threadLook
	count   uint64 // of all looks
	stood   time.Duration
	ran     uint64 // the process, at the last look, in ns
	newest  uint64 // number of the newest spike that is explained
	took    uint64 // its latency then
	stop    chan struct{}
	stopped sync.WaitGroup
}

type threadLook struct {
	affinity.Activity
	tid int
}

const (
	recorderEvery = 10 * time.Millisecond // between looks, and
	recorderShare = 100                   // a look takes at most this part of the time
	recorderLooks = 512
)

// newRecorder watches the calling thread from now on. It looks on when it is started.
func newRecorder(list *spikeList) (*recorder, error) {
	r := &recorder{list: list, stop: make(chan struct{})}
	var w spikeWriter
	tid, _ := w.where()
	var err error
	if r.witness, err = affinity.NewWitness(0, tid); err != nil {
		return nil, err
	}
	r.tid = tid
	r.ran, _ = processTime()
	r.look(0)
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
	last := r.last()
	every := max(recorderEvery, recorderShare*r.witness.Cost())
	if !r.news() && time.Duration(tick.Mono())-last.At < every-recorderEvery/2 {
		r.stand(late) // as long as nobody looks, it counts for the next look
		return
	}
	r.look(late)
	r.explainNew()
}

func (r *recorder) last() *threadLook { return &r.looks[(r.count-1)%recorderLooks] }

// stand takes into account that the recorder was late. It stood still as far as no other
// thread of the process ran meanwhile: without that it was late for want of a P or a CPU.
func (r *recorder) stand(late time.Duration) {
	now, ok := processTime()
	ran := time.Duration(now - r.ran)
	r.ran = now
	if ok && late > time.Millisecond {
		r.stood += max(0, min(late, recorderEvery+late-ran))
	}
}

// look looks at the thread and keeps what it sees.
func (r *recorder) look(late time.Duration) {
	r.stand(late)
	l := &r.looks[r.count%recorderLooks]
	l.tid = r.tid
	l.Stood, l.Known = r.stood, affinity.KnowStood
	r.witness.Look(&l.Activity)
	r.count++
}

// news says whether there is a spike to explain, or the newest one has grown since.
func (r *recorder) news() bool {
	n := mem.LoadAcquire(&r.list.begun)
	return n != r.newest || n != 0 && mem.LoadAcquire(&r.list.record(n).latency) > r.took
}

func (r *recorder) explainNew() {
	if !r.news() {
		return
	}
	newest := mem.LoadAcquire(&r.list.begun)
	from := r.newest + 1
	if newest == r.newest {
		from = newest // it has grown
	}
	if newest >= MaxSpikes {
		from = max(from, newest-MaxSpikes+1)
	}
	for n := from; n <= newest && r.explain(n); n++ {
		r.newest = n
	}
}

// explain says what happened during a spike, if it still has its place in the list. It is
// false if that was noticed only after the last look: it is for the next one then.
func (r *recorder) explain(number uint64) bool {
	s := r.list.record(number)
	if mem.LoadAcquire(&s.number) != number {
		return true
	}
	began, latency, who := mem.LoadAcquire(&s.began), mem.LoadAcquire(&s.latency), mem.LoadAcquire(&s.who)
	mem.LoadFence()
	if mem.LoadAcquire(&s.number) != number {
		return true
	}
	r.watch(int(uint32(who)))
	if began+latency > uint64(r.last().At) {
		return false
	}
	before, after := *r.before(began), r.last()
	other := before.tid != after.tid
	if other {
		// Nor does it mean anything then that the recorder was late: it may have been alone.
		before.Known &^= affinity.KnowSched | affinity.KnowSwitches | affinity.KnowFaults | affinity.KnowStood
	}
	e := explanation{took: nanoseconds(latency), other: other, happened: after.Since(before.Activity)}
	e.cause, _ = affinity.Explain(e.took, e.happened)
	r.list.explain(number, e)
	r.took = latency
	return true
}

// watch makes it watch that thread, and look at it now, if it watched another one: the
// goroutine that reads or publishes has been moved to another thread.
func (r *recorder) watch(tid int) {
	if tid == r.tid || tid == 0 {
		return
	}
	w, err := affinity.NewWitness(0, tid)
	if err != nil {
		return // it has ended
	}
	r.witness.Close()
	r.witness, r.tid = w, tid
	r.look(0)
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
