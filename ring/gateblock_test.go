//go:build linux

package ring

import (
	"fmt"
	"testing"
)

// TestGateAtABlocksEnd is TestGateAtTheNextHeader with files and messages of many lines:
// a gate that has read a block to its end, has its last message in hand, or has yet to
// read it, holds what it should, and loses nothing, also if another process goes on for it
// there. Pads are behind the last message if the size does not fit.
func TestGateAtABlocksEnd(t *testing.T) {
	for _, lines := range []int{1, 2, 3, 21, 22, 63, 64} {
		for _, left := range []string{"nothing", "in hand", "unread"} {
			for _, reopen := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d lines, %s, reopen %v", lines, left, reopen), func(t *testing.T) {
					gateAtABlocksEnd(t, lines, left, reopen)
				})
			}
		}
	}
}

func gateAtABlocksEnd(t *testing.T, lines int, left string, reopen bool) {
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "g"}}
	cfg.Stamps = StampNone
	p := mustCreate(t, "r", cfg)
	s := mustOpen(t, "r", Options{Dir: dir, Name: "g"})
	buf, want := make([]byte, lines*lineSize-headerBytes), make([]byte, lines*lineSize-headerBytes)
	message := func(b []byte, seq uint64) []byte { // many of its words look like headers, or 0
		for i := range b {
			b[i] = [8]byte{byte(seq), 0, byte(seq >> 8), 0}[i%8]
		}
		return b
	}
	publish := func(max int) (n int) {
		for ; n < max; n++ {
			switch err := p.Publish(uint16(lines), message(buf, p.seq)); err {
			case nil:
			case ErrBackPressure:
				return n
			default:
				t.Fatal(err)
			}
		}
		return n
	}
	next := uint64(1)
	read := func(max int) (n int) {
		t.Helper()
		for ; n < max; n++ {
			m, st := s.Next()
			if st == Empty {
				return n
			}
			if st != Message || s.Seq() != next || string(m) != string(message(want, next)) {
				t.Fatalf("%v, message %d, want %d (%v)", st, s.Seq(), next, s.Err())
			}
			next++
		}
		return n
	}
	perBlock := int(p.block) / lineSize / lines
	for range 3 {
		// A block, which it reads.
		start := p.pos
		if got := publish(perBlock); got != perBlock {
			t.Fatalf("%d of the %d messages of a block", got, perBlock)
		}
		if start%p.block != 0 && p.pos%p.block != 0 && int(p.block-p.pos%p.block) >= lines*lineSize {
			t.Fatalf("not at the end of a block, but at %d", p.pos)
		}
		switch left {
		case "nothing":
			if n := read(1 << 30); n == 0 {
				t.Fatal("nothing to read")
			}
		case "in hand":
			for next <= p.Seq() {
				read(1)
			}
		case "unread":
			for next < p.Seq() {
				read(1)
			}
		}
		if reopen {
			s.own.close() // as a kill does: the cursor is what it is
			s.own = nil
			inHand := next
			s = mustOpen(t, "r", Options{Dir: dir, Name: "g"})
			next = max(s.want, s.next)
			if next != inHand && next != inHand-1 {
				t.Fatalf("its successor goes on at %d, after %d", next, inHand)
			}
		}
		// All blocks but the one of what the gate has read last, and the one behind it,
		// whose first line belongs to the claim of that one. What was read last may be in
		// the block before, and its successor begins at a block's start.
		got, want := publish(1<<30), perBlock*int(p.blocks()-2)
		if got > want || got < want-2*perBlock || got != want && left == "nothing" && !reopen {
			t.Fatalf("%d messages until back pressure, want %d", got, want)
		}
		refused := p.Seq()
		if publish(1) != 0 {
			t.Fatal("what was refused once was not refused again")
		}
		for read(1<<30) == 0 { // it skips in its block
		}
		if next != refused+1 || s.Lost() != 0 {
			t.Fatalf("read to %d of %d, lost %d", next-1, refused, s.Lost())
		}
	}
}
