package ring

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// TestSpikeList: what a list keeps is the newest spikes in order, and only those that no
// one was writing between two copies.
func TestSpikeList(t *testing.T) {
	l := new(spikeList)
	l.threshold = 1000
	const n = 3*MaxSpikes + 5
	messages := uint64(0)
	for i := uint64(1); i <= n; i++ {
		number := l.add(newSpike{time: i, began: 2 * i, seq: 10 * i, latency: 1000 + i, behind: i | spikeMore, who: 77 | 4<<32 | uint64(SpikeRead)<<48})
		for range i % 3 {
			l.extend(number, 1000+i/2)
		}
		l.extend(number, 2000+i)
		messages += 2 + i%3
	}
	s := l.log(l, l)
	if s.Threshold != time.Microsecond || s.Spikes != n || s.Messages != messages || len(s.List) != MaxSpikes {
		t.Fatalf("%v, %d spikes, %d messages, %d in the list", s.Threshold, s.Spikes, s.Messages, len(s.List))
	}
	for k, got := range s.List {
		i := uint64(n - MaxSpikes + 1 + k)
		if got.Number != i || got.Kind != SpikeRead || got.Time.UnixNano() != int64(i) || got.Seq != 10*i || got.Messages != 2+i%3 ||
			got.Latency != time.Duration(2000+i) || got.Behind != i || !got.BehindMore || got.TID != 77 || got.CPU != 3 || got.Explained {
			t.Fatalf("spike %d is %+v", i, got)
		}
	}

	before := *l
	l.add(newSpike{seq: 1})
	s = l.log(&before, l) // it took the oldest one's place between two copies
	if s.Spikes != n+1 || len(s.List) != MaxSpikes-1 || s.List[len(s.List)-1].Number != n {
		t.Errorf("%d spikes, %d in the list, the last %d", s.Spikes, len(s.List), s.List[len(s.List)-1].Number)
	}
	l.record(n + 1).number = 0 // dead while it wrote
	if s = l.log(l, l); s.Spikes != n+1 || len(s.List) != MaxSpikes-1 {
		t.Errorf("%d spikes, %d in the list", s.Spikes, len(s.List))
	}
	l.record(n + 1).number = n + 1
	l.begun = n // dead before it stored that
	if s = l.log(l, l); s.Spikes != n+1 || len(s.List) != MaxSpikes || s.List[MaxSpikes-1].Number != n+1 {
		t.Errorf("%d spikes, %d in the list", s.Spikes, len(s.List))
	}
	l.explain(n, explanation{took: 1})
	before = *l
	l.explain(n, explanation{took: 2}) // it has grown: found out anew between two copies
	if s = l.log(&before, l); s.List[MaxSpikes-2].Number != n || s.List[MaxSpikes-2].Explained || !l.log(l, l).List[MaxSpikes-2].Explained {
		t.Errorf("%+v", s.List[MaxSpikes-2])
	}
	l.reset()
	if s = l.log(l, l); s.Threshold != 0 || s.Spikes != 0 || s.Messages != 0 || s.List != nil {
		t.Errorf("after reset: %+v", s)
	}
}

// TestSpikeListOfRubbish: whatever is in a list, it can be read, and says no more than fits.
func TestSpikeListOfRubbish(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	l := new(spikeList)
	words := unsafe.Slice((*uint64)(unsafe.Pointer(l)), unsafe.Sizeof(*l)/8)
	found := 0
	for round := range 200 {
		for i := range words {
			words[i] = r.Uint64() >> (r.Uint32() % 64)
		}
		if round%2 == 0 { // records that are taken for good
			l.begun = 1<<64 - 1 - r.Uint64N(300)
			for i := range l.records {
				n := l.begun - l.begun%MaxSpikes + uint64(i) + 1
				l.records[i].number = n
			}
		}
		s := l.log(l, l)
		found += len(s.List)
		for i, got := range s.List {
			if got.Latency < 0 || got.Explained && got.Why == "" || i > 0 && got.Number <= s.List[i-1].Number {
				t.Fatalf("%+v", got)
			}
		}
	}
	if found == 0 {
		t.Error("no rubbish was believed, so nothing was tested")
	}
}
