package ring

import (
	"bytes"
	"testing"
)

// batchOf publishes messages of these sizes, which are filled with their size.
func batchOf(t *testing.T, p *publisher, sizes ...int) {
	t.Helper()
	for i, n := range sizes {
		if err := p.Publish(uint16(i), bytes.Repeat([]byte{byte(n)}, n)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantBatch reads a batch, and wants messages of these sizes in it.
func wantBatch(t *testing.T, s *subscriber, b *Batch, sizes ...int) {
	t.Helper()
	first := s.next
	if st := s.NextBatch(b); st != Message || b.Len() != len(sizes) {
		t.Fatalf("%v %v, %d messages, want %d", st, s.Err(), b.Len(), len(sizes))
	}
	for i, n := range sizes {
		m := b.Message(i)
		if !bytes.Equal(m, bytes.Repeat([]byte{byte(n)}, n)) || cap(m) != n || b.Seq(i) != first+uint64(i) {
			t.Fatalf("message %d has number %d: %x, want %d bytes", i, b.Seq(i), m, n)
		}
	}
}

// TestBatchEnds: a batch takes what there is, but no more than it has room for, and
// nothing beyond its block or a time frame; a message of the largest size fits always.
func TestBatchEnds(t *testing.T) {
	base, g := heapRing(8, 1024)
	p := newHeapPublisher(base, g, stampClock)
	s := newHeapSubscriber(base, g, FromOldest, 0)
	large := int(g.maxMessage)
	var zero Batch
	if st := s.NextBatch(&zero); st != Empty || zero.Len() != 0 {
		t.Fatal(st)
	}
	batchOf(t, p, 0, 56, 57, 1) // 320 bytes
	wantBatch(t, s, &zero, 0, 56, 57, 1)
	if st := s.NextBatch(&zero); st != Empty || zero.Len() != 0 {
		t.Fatal(st, zero.Len())
	}
	batchOf(t, p, 3, 4, 5)
	few := NewBatch(2, 0)
	wantBatch(t, s, few, 3, 4)
	wantBatch(t, s, few, 5)
	batchOf(t, p, 3, 4, 60, 5) // ends at 832
	small := NewBatch(10, 3*lineSize)
	wantBatch(t, s, small, 3, 4)
	wantBatch(t, s, small, 60, 5)
	batchOf(t, p, 1, 2, 3, 4) // one in the next block
	wantBatch(t, s, &zero, 1, 2, 3)
	wantBatch(t, s, &zero, 4)
	batchOf(t, p, 5, 6)
	p.anchor -= 1 << 33
	batchOf(t, p, 7, 8)
	wantBatch(t, s, &zero, 5, 6)
	wantBatch(t, s, &zero, 7, 8)
	for _, b := range []*Batch{NewBatch(1, 1), new(Batch), small} {
		batchOf(t, p, 9, large, 10)
		wantBatch(t, s, b, 9)
		wantBatch(t, s, b, large)
		wantBatch(t, s, b, 10)
	}
	if st := s.NextBatch(&zero); st != Empty || s.Lost() != 0 {
		t.Error(st, s.Lost())
	}
}

// TestBatchStamps: the ages in a batch are those of its messages.
func TestBatchStamps(t *testing.T) {
	base, g := heapRing(8, 1024)
	p := newHeapPublisher(base, g, stampClock)
	s := newHeapSubscriber(base, g, FromOldest, 0)
	var b Batch
	for round := range 20 {
		before := p.clock.Now()
		batchOf(t, p, 1, 2, 3)
		after := p.clock.Now()
		if s.NextBatch(&b) != Message {
			t.Fatal("no batch")
		}
		p.anchor -= 1 << 33 * uint64(round%2)
		batchOf(t, p, 4) // another anchor
		s.Next()
		last := uint64(0)
		for i := range b.Len() {
			stamp := fullStamp(b.anchor, *b.word(i))
			if stamp < before || stamp > after || stamp < last {
				t.Fatalf("stamp %d of message %d is not in [%d, %d]", stamp, i, max(before, last), after)
			}
			last = stamp
			if age, ok := b.Age(i); !ok || age < 0 {
				t.Error(age, ok)
			}
		}
		for st := Message; st == Message; st = s.NextBatch(&b) {
		}
	}
}

// TestBatchOverrun: a batch that was lapped is a gap from its first message.
func TestBatchOverrun(t *testing.T) {
	base, g := heapRing(8, 1024)
	p := newHeapPublisher(base, g, stampNone)
	s := newHeapSubscriber(base, g, FromOldest, 0)
	s.stats = new(subFile)
	b := NewBatch(3, 0)
	batchOf(t, p, 1, 2, 3, 4, 5, 6, 7)
	wantBatch(t, s, b, 1, 2, 3)
	for p.pos < 2*g.capacity {
		batchOf(t, p, 8)
	}
	if st := s.NextBatch(b); st != Gap || b.Len() != 0 {
		t.Fatal(st, b.Len())
	}
	if first, last := s.Gap(); first != 4 || last != s.next-1 || s.stats.cursorSeq != 4 {
		t.Errorf("gap %d-%d, the cursor at %d", first, last, s.stats.cursorSeq)
	}
	wantBatch(t, s, b, 8, 8, 8)
	if s.stats.cursorSeq != s.next-3 || s.stats.messages != 6 || s.stats.bytes != 1+2+3+3*8 {
		t.Errorf("cursor %d, %d messages, %d bytes", s.stats.cursorSeq, s.stats.messages, s.stats.bytes)
	}
	for st := Message; st == Message; st = s.NextBatch(b) {
	}
	if s.stats.cursorSeq != p.seq || s.stats.messages+s.stats.lost != p.seq-1 {
		t.Errorf("cursor %d of %d, %d messages, lost %d", s.stats.cursorSeq, p.seq, s.stats.messages, s.stats.lost)
	}
}
