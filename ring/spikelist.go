package ring

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// This file is the protocol of a list of spikes: both halves of a record's two edges, each
// a seqlock with one writer whose number is that of the spike, and what reads copies of it.
// A writer that dies at any store leaves a record that is as it was, absent, or without its
// second half.

// reset empties the list. Records are gone first, so what is left of them after a death in
// here is what one finds of a list that is older than its head.
func (l *spikeList) reset() {
	if l.begun == 0 && l.records[0].number == 0 && l.threshold == 0 {
		return
	}
	for i := range l.records {
		mem.Exchange(&l.records[i].number, 0)
		mem.Store(&l.records[i].looked, 0)
	}
	mem.Store(&l.begun, 0)
	mem.Store(&l.late, 0)
	mem.Store(&l.threshold, 0)
}

// spikeList returns the list of a file. It does not touch the file's memory, which may
// fault: &f.spikes would.
func (f *subFile) spikeList() *spikeList {
	return (*spikeList)(unsafe.Add(unsafe.Pointer(f), unsafe.Offsetof(f.spikes)))
}

// newSpike is what the thread that was late knows.
type newSpike struct {
	time, began, seq, latency, behind, who uint64
}

func (l *spikeList) record(number uint64) *spikeRecord { return &l.records[(number-1)%MaxSpikes] }

// add makes the record of the next spike and returns its number. begun is stored after the
// record, so whoever sees it finds the record, unless a later one has taken its place.
func (l *spikeList) add(s newSpike) uint64 {
	number := mem.LoadAcquire(&l.begun) + 1
	r := l.record(number)
	mem.Exchange(&r.number, 0)
	mem.Store(&r.time, s.time)
	mem.Store(&r.began, s.began)
	mem.Store(&r.seq, s.seq)
	mem.Store(&r.messages, 1)
	mem.Store(&r.latency, s.latency)
	mem.Store(&r.behind, s.behind)
	mem.Store(&r.who, s.who)
	mem.StoreRelease(&r.number, number)
	mem.StoreRelease(&l.begun, number)
	mem.Add(&l.late, 1)
	return number
}

// extend counts one more late message in the newest spike. Each word is good by itself.
func (l *spikeList) extend(number, latency uint64) {
	r := l.record(number)
	mem.Add(&r.messages, 1)
	if latency > r.latency {
		mem.Store(&r.latency, latency)
	}
	mem.Add(&l.late, 1)
}

// explanation is what the recorder has found out about a spike.
type explanation struct {
	took     time.Duration
	cause    affinity.Cause
	other    bool // the thread was not the one watched before
	happened affinity.Activity
}

// explain writes the second half of a record. If the first half has become another spike's
// meanwhile, looked tells.
func (l *spikeList) explain(number uint64, e explanation) {
	r, a := l.record(number), &e.happened
	verdict := uint64(e.cause)
	if e.other {
		verdict |= spikeOther
	}
	mem.Exchange(&r.looked, 0)
	mem.Store(&r.took, uint64(e.took))
	mem.Store(&r.verdict, verdict)
	mem.Store(&r.covers, uint64(a.At))
	mem.Store(&r.cpu, uint64(a.CPU+1))
	mem.Store(&r.known, uint64(a.Known))
	for _, c := range r.counts(a) {
		mem.Store(c.word, *c.value)
	}
	mem.StoreRelease(&r.looked, number)
}

// count is a number of an Activity and the word that holds it.
type count struct{ word, value *uint64 }

func (r *spikeRecord) counts(a *affinity.Activity) [18]count {
	ns := func(d *time.Duration) *uint64 { return (*uint64)(unsafe.Pointer(d)) }
	return [...]count{
		{&r.onCPU, ns(&a.OnCPU)}, {&r.runDelay, ns(&a.RunDelay)},
		{&r.voluntary, &a.Voluntary}, {&r.involuntary, &a.Involuntary},
		{&r.minorFaults, &a.MinorFaults}, {&r.majorFaults, &a.MajorFaults},
		{&r.interrupts, &a.Interrupts}, {&r.timer, &a.Timer}, {&r.softirqs, &a.Softirqs}, {&r.steal, ns(&a.Steal)},
		{&r.khz, &a.KHz}, {&r.khzBefore, &a.KHzBefore},
		{&r.throttles, &a.Throttles}, {&r.throttled, ns(&a.Throttled)},
		{&r.gcs, &a.GCs}, {&r.stops, &a.Stops}, {&r.stopped, ns(&a.StopNs)},
		{&r.stood, ns(&a.Stood)},
	}
}

// readSpikes reads the list in a file that may be written meanwhile. first is a copy of
// it that was read before; two more are read if there is anything in it.
func readSpikes(f *mmap.File, first *spikeList) (SpikeLog, error) {
	if first.begun == 0 && first.records[0].number == 0 {
		return first.log(first, first), nil
	}
	var more [2]spikeList
	for i := range more {
		l := &more[i]
		n, err := f.ReadAt(unsafe.Slice((*byte)(unsafe.Pointer(l)), unsafe.Sizeof(*l)), int64(unsafe.Offsetof(subFile{}.spikes)))
		if n < int(unsafe.Sizeof(*l)) {
			if err == nil || err == io.EOF {
				err = errCutShort
			}
			return SpikeLog{}, err
		}
	}
	return more[0].log(first, &more[1]), nil
}

// log is what a copy of a list says. before and after are other copies of it, made
// before and after this one: a record counts if its number was the same in both. Of a
// list that nobody writes one copy is all three. Whatever is in it, it is safe to read.
func (l *spikeList) log(before, after *spikeList) SpikeLog {
	s := SpikeLog{Threshold: nanoseconds(after.threshold), Spikes: after.begun, Messages: after.late}
	for i := range l.records {
		n := after.records[i].number
		// A writer that died before it stored begun has one more.
		if n == 0 || n > after.begun+1 || n+MaxSpikes <= after.begun || (n-1)%MaxSpikes != uint64(i) {
			continue
		}
		if n != before.records[i].number {
			continue // it is being written, or has been meanwhile
		}
		// What is found out again has the same number, but covers more.
		a, b := &before.records[i], &after.records[i]
		explained := a.looked == n && b.looked == n && a.took == b.took && a.covers == b.covers
		s.List = append(s.List, l.records[i].spike(n, explained))
		s.Spikes = max(s.Spikes, n)
	}
	slices.SortFunc(s.List, func(a, b Spike) int { return cmp.Compare(a.Number, b.Number) })
	tellShared(s.List)
	if len(s.List) > 0 && s.Messages < uint64(len(s.List)) {
		s.Messages = uint64(len(s.List)) // as for begun
	}
	return s
}

// tellShared says of spikes that came between the same two looks that they did: what
// happened may be the cause of another one of them.
func tellShared(list []Spike) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[0].Explained && list[n].Explained && list[n].Happened == list[0].Happened {
			n++
		}
		for i := range n {
			if n > 1 {
				list[i].Why += fmt.Sprintf("; %d spikes share these counts", n)
			}
		}
		list = list[n:]
	}
}

// spike is what a copy of a record says.
func (r *spikeRecord) spike(number uint64, explained bool) Spike {
	s := Spike{
		Number: number, Kind: SpikeKind(r.who >> 48), Time: unixTime(r.time), Seq: r.seq,
		Messages: r.messages, Latency: nanoseconds(r.latency),
		Behind: r.behind &^ spikeMore, BehindMore: r.behind&spikeMore != 0,
		TID: int(uint32(r.who)), CPU: int(uint16(r.who>>32)) - 1,
		Happened: affinity.Activity{CPU: -1},
	}
	if !explained {
		s.Why = "nobody has looked yet, or the process ended before"
		return s
	}
	s.Explained = true
	a := &s.Happened
	a.At, a.CPU, a.Known = nanoseconds(r.covers), int(uint32(r.cpu))-1, affinity.Counts(r.known)
	for _, c := range r.counts(a) {
		*c.value = min(*c.word, math.MaxInt64)
	}
	// The verdict is in the file for others; who has the evidence and the words gives it again.
	s.Cause, s.Why = affinity.Explain(nanoseconds(r.took), *a)
	if r.verdict&spikeOther != 0 {
		s.Why += "; the thread is not the one that was watched before, because the goroutine is not locked to one"
	}
	return s
}

// nanoseconds is a word as a duration, whatever is in it.
func nanoseconds(ns uint64) time.Duration { return time.Duration(min(ns, math.MaxInt64)) }

// waitText is what a file's wait word says.
func waitText(w uint64) string {
	switch w {
	case waitSpin:
		return "spin"
	case waitYield:
		return "yield"
	case waitBackoff:
		return "backoff"
	case waitSleeper:
		return "sleeper"
	case waitOther:
		return "other"
	}
	return ""
}
