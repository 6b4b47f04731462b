package ring

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// TestHeadersAhead: whatever was called last, and whoever died, the headers at the head and
// one line behind it are 0, as the fast way of Publish needs them, and nothing was written
// but where the publisher was and in what it had claimed. The calls come in a random order
// from a seed; what they publish is full of words that look like headers.
func TestHeadersAhead(t *testing.T) {
	t.Parallel()
	rounds := 60
	if testing.Short() || mem.Portable {
		rounds = 6
	}
	base := seed(t)
	for round := range rounds {
		if err := headersAhead(rand.New(rand.NewPCG(base, uint64(round)))); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

func headersAhead(r *rand.Rand) error {
	how := []stamping{stampNone, stampClock, stampTicks}[r.IntN(3)]
	if how == stampTicks && !mem.HasTicks() {
		how = stampClock
	}
	base, g := heapRing(8, 64<<r.IntN(5)) // from blocks of one line
	if r.IntN(3) == 0 {
		g.maxMessage = min(g.maxMessage, r.Uint64N(100)) // messages may have to be shorter than a line
	}
	p := newHeapPublisher(base, g, how)
	gate := &heapGate{alive: true}
	words := unsafe.Slice((*uint64)(p.data), g.capacity/8)
	before := make([]uint64, len(words))
	buf := make([]byte, g.maxMessage)
	for range 1500 {
		copy(before, words)
		was := *p
		did, err := aheadCall(r, &p, gate, how, buf)
		if err != nil && err != ErrBackPressure && err != ErrTooLarge {
			return fmt.Errorf("%s: %w", did, err)
		}
		if err != nil && (p.pos != was.pos || p.seq != was.seq || p.end != was.end) {
			return fmt.Errorf("%s: %w, but the head went from %d to %d", did, err, was.pos, p.pos)
		}
		if p.pos > p.end || *p.claimed != p.end+lineSize {
			return fmt.Errorf("%s: head %d, end %d, claimed %d", did, p.pos, p.end, *p.claimed)
		}
		for i, w := range words {
			// How far behind the head of before; from there to what is claimed is the publisher's.
			far := (uint64(i)*8 - was.pos) & p.mask
			if w != before[i] && far >= *p.claimed-was.pos {
				return fmt.Errorf("%s: wrote %#x at %d, and only %d to %d was its own", did, w, was.pos+far, was.pos, *p.claimed)
			}
		}
		for _, at := range []uint64{p.pos, p.pos + lineSize} {
			if w := p.frameHeader(at); w != 0 && (p.pos < p.end || at == p.pos) {
				return fmt.Errorf("%s: went from %d to %d of %d, and the header at %d is %#x", did, was.pos, p.pos, p.end, at, w)
			}
		}
		h, err := p.findHead()
		if err != nil || h.pos != p.pos || h.seq != p.seq {
			return fmt.Errorf("%s: a successor would go on at %+v (%v), not at %d with %d", did, h, err, p.pos, p.seq)
		}
	}
	return nil
}

// aheadCall is one call of a publisher, or a death and what the next one does first.
func aheadCall(r *rand.Rand, at **publisher, gate *heapGate, how stamping, buf []byte) (string, error) {
	p := *at
	some := func() []byte {
		m := buf[:r.IntN(len(buf)+1)]
		if r.IntN(2) == 0 {
			m = buf[:min(len(buf), r.IntN(mem.LinePayload+1))]
		}
		for i := range m {
			m[i] = byte(1 + r.IntN(8)) // every word looks like a header
		}
		return m
	}
	if r.IntN(8) == 0 {
		p.anchor -= 1 << 33 // a time frame is due
	}
	switch r.IntN(24) {
	case 0:
		return "too large", p.Publish(1, make([]byte, p.maxMessage+1))
	case 1:
		return "a mark", p.PublishMark(1, some())
	case 2, 3:
		var msgs []Outgoing
		for range r.IntN(10) { // perhaps more than fit
			msgs = append(msgs, Outgoing{1, append([]byte(nil), some()...)})
		}
		return "a batch", p.PublishBatch(msgs)
	case 4:
		if p.maxMessage < typedSize {
			return "nothing", nil
		}
		vs := make([][typedSize]byte, r.IntN(9))
		for i := range vs {
			fillWith(vs[i][:], p.seq, r)
		}
		return "a typed batch", (&TypedPublisher[[typedSize]byte]{p, 1}).PublishBatch(vs)
	case 5, 6:
		claim, err := p.Claim(len(some()))
		if err != nil {
			return "a claim", err
		}
		mem.CopyIn(unsafe.Pointer(unsafe.SliceData(claim)), buf[:len(claim)])
		if err := p.Publish(1, nil); err != ErrClaimOpen {
			return "publish with an open claim", fmt.Errorf("%w is what it says", err)
		}
		if r.IntN(2) == 0 {
			p.Abort()
			return "abort", nil
		}
		if r.IntN(4) == 0 {
			p.anchor -= 1 << 33
		}
		return "commit", p.Commit(1, r.IntN(len(claim)+1))
	case 7:
		// It dies in the midst of a batch or a claim, and what it has written stays.
		if p.pos < p.end {
			for off := p.pos + 8; off < p.end; off += 8 {
				mem.Store((*uint64)(p.line(off)), r.Uint64())
			}
		}
		next := heapPublisher(unsafe.Pointer(p.hdr), p.geometry, how)
		h, err := next.findHead()
		if err != nil {
			return "a death", err
		}
		next.resume(h)
		*at = next
		return "a death", nil
	case 8:
		if len(p.gates) == 0 {
			addHeapGate(p, Gate{Name: "slow"}, gate)
		} else if r.IntN(2) == 0 {
			mem.Store(&gate.file.cursorPos, p.pos)
		} else {
			p.letGo(p.gates[0], gateDropped)
			p.limit = noLimit
		}
		return "a gate", nil
	}
	return "publish", p.Publish(1, some())
}
