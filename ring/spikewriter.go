package ring

import (
	"math"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
)

// spikeWriter is what the thread that may be late has of a list of spikes.
type spikeWriter struct {
	list      *spikeList
	threshold uint64 // ns
	newest    uint64 // number of the newest spike; 0: there is none
	kind      SpikeKind
	next      uint64 // a message that is late with this number belongs to the newest spike too

	clock tick.Clock // CLOCK_MONOTONIC ns
	cpu   uint32     // for the kernel to put it
}

// newSpikeWriter begins to record in a list that is empty.
func newSpikeWriter(list *spikeList, threshold time.Duration) *spikeWriter {
	w := &spikeWriter{list: list, threshold: uint64(threshold), clock: tick.NewMonotonic()}
	mem.Store(&list.threshold, w.threshold)
	return w
}

// goesOn says whether message seq, which is late, belongs to the newest spike, and counts
// it there if so.
func (w *spikeWriter) goesOn(kind SpikeKind, seq, ns uint64) bool {
	if w.newest == 0 || seq != w.next || kind != w.kind {
		return false
	}
	w.list.extend(w.newest, ns)
	w.next++
	return true
}

// begin records a spike that begins with message seq, whose latency of ns began ago ns before
// now. It makes two short system calls, and allocates nothing.
func (w *spikeWriter) begin(kind SpikeKind, seq, ns, ago, behind uint64) {
	tid, cpu := w.where()
	w.newest = w.list.add(newSpike{
		time: uint64(time.Now().UnixNano()), began: w.clock.Now() - ago,
		seq: seq, latency: ns, behind: behind,
		who: uint64(uint32(tid)) | uint64(uint16(cpu+1))<<32 | uint64(kind)<<48,
	})
	w.kind, w.next = kind, seq+1
}

// recordSpikes makes the subscriber record latencies of at least that.
func (s *subscriber) recordSpikes(threshold time.Duration) {
	s.spikes = newSpikeWriter(&s.stats.spikes, threshold)
	s.usual = min(histHigh, uint64(threshold)-1)
}

// unusual counts a latency above usual: one that is too long for the histogram, or a spike.
//
//go:noinline
func (s *subscriber) unusual(ns uint64) {
	if w := s.spikes; w != nil && ns >= w.threshold {
		seq, ago := s.next+s.ahead, ns
		if s.viewed != 0 { // it has been passed already, and was in view since it was seen
			seq--
			ago += s.scale.Ns(s.clock.Now() - s.seen)
		}
		if !w.goesOn(SpikeRead, seq, ns) {
			w.begin(SpikeRead, seq, ns, ago, s.behind(seq))
		}
	}
	if ns > histHigh {
		mem.Add(&s.stats.tooLong, 1)
		ns = histHigh
	}
	mem.Add(&s.stats.counts[histIndex(ns)], 1)
}

// spikeFrames is how many frames are walked to count what is behind a spike, besides those of
// the same batch.
const spikeFrames = 64

// behind is how many messages have been published after message seq, which is the one at
// pos or near it, with spikeMore if that is not all.
func (s *subscriber) behind(seq uint64) uint64 {
	pos, end, next := s.pos, s.end, s.next
	for range spikeFrames + seq - s.next {
		if pos == end {
			end += s.block
		}
		size := s.frameHeader(pos) & 0xFFFF
		if size == 0 && !s.overrun(s.pos) { // and not a 0 in somebody's payload
			return after(next, seq)
		}
		at, n, ok := s.frameEnd(pos, end, size)
		if !ok {
			break // rubbish of a later lap
		}
		pos, next = at, next+n
	}
	if k := mem.LoadAcquire(s.claimed); s.checkClaimed(k) == nil {
		if e, ok := s.readEntry(s.newest(k)); ok {
			next = max(next, e.seq)
		}
	}
	return min(after(next, seq), math.MaxInt64) | spikeMore
}

// after is how many messages there are behind seq and before next: 0 if next, in a ring that
// laps meanwhile, could not be brought that far.
func after(next, seq uint64) uint64 { return max(next, seq+1) - seq - 1 }
