package mem

import (
	"bytes"
	"testing"
	"unsafe"
)

// lines returns n 64-byte lines on a 64-byte boundary, filled with 0xEE.
func lines(n int) []uint64 {
	words := make([]uint64, 8*(n+1))
	for i := range words {
		words[i] = 0xEEEEEEEEEEEEEEEE
	}
	skip := (64 - int(uintptr(unsafe.Pointer(&words[0]))%64)) % 64 / 8
	return words[skip : skip+8*n]
}

func bytesOf(w []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), 8*len(w))
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + 1)
	}
	return b
}

func TestPublishLineEveryLength(t *testing.T) {
	for n := 0; n <= LinePayload; n++ {
		for _, shift := range []int{0, 1, 3, 7} { // the source needs no alignment
			src := append(make([]byte, shift), pattern(n)...)[shift:]
			var p unsafe.Pointer
			if n > 0 {
				p = unsafe.Pointer(&src[0])
			}
			for _, ticks := range []bool{false, true} {
				if ticks && !HasTicks() {
					continue
				}
				w := lines(3)
				const word = uint64(0x1234)<<16 | 99
				if ticks {
					if !PublishLineTicks(unsafe.Pointer(&w[0]), unsafe.Pointer(&w[8]), p, uint64(n), word, Ticks()-1) {
						t.Fatal("ticks of now are not within 2^32 of just now")
					}
				} else {
					PublishLine(unsafe.Pointer(&w[0]), unsafe.Pointer(&w[8]), p, uint64(n), word)
				}
				head := w[0]
				if ticks {
					head &= 1<<32 - 1
				}
				if head != word {
					t.Fatalf("n %d: header %#x, want %#x", n, head, word)
				}
				if w[8] != 0 {
					t.Fatalf("n %d: header ahead is %#x, want 0", n, w[8])
				}
				b := bytesOf(w)
				if !bytes.Equal(b[8:8+n], src) {
					t.Fatalf("n %d shift %d: payload %x, want %x", n, shift, b[8:8+n], src)
				}
				tail := b[8+(n+7)&^7 : 64]
				if !bytes.Equal(tail, bytes.Repeat([]byte{0xEE}, len(tail))) {
					t.Fatalf("n %d: wrote past the payload's last word: %x", n, tail)
				}
				for i := 9; i < 24; i++ {
					if w[i] != 0xEEEEEEEEEEEEEEEE {
						t.Fatalf("n %d: wrote to word %d of the following lines", n, i)
					}
				}
			}
		}
	}
}

func TestPublishLineTicksRefusesAnAmbiguousStamp(t *testing.T) {
	if !HasTicks() {
		t.Skip("no tick counter in this build or on this processor")
	}
	now := Ticks()
	for _, anchor := range []uint64{now - 1<<32 - 1, now - 1<<40, now + 1<<40, 0} {
		w := lines(2)
		src := pattern(LinePayload)
		if PublishLineTicks(unsafe.Pointer(&w[0]), unsafe.Pointer(&w[8]), unsafe.Pointer(&src[0]), LinePayload, 1, anchor) {
			t.Errorf("accepted an anchor %d ticks away", int64(now-anchor))
		}
		for i, v := range w {
			if v != 0xEEEEEEEEEEEEEEEE {
				t.Fatalf("wrote word %d though it refused", i)
			}
		}
	}
}

func TestCopies(t *testing.T) {
	for n := 0; n <= 200; n++ {
		w := lines(4)
		src := pattern(n)
		CopyIn(unsafe.Pointer(&w[1]), src)
		got := make([]byte, n)
		CopyOut(got, unsafe.Pointer(&w[1]))
		if !bytes.Equal(got, src) {
			t.Fatalf("%d bytes came back as %x", n, got)
		}
		b := bytesOf(w)
		for i := 8 + (n+7)&^7; i < len(b); i++ {
			if b[i] != 0xEE {
				t.Fatalf("n %d: wrote byte %d", n, i)
			}
		}
	}
	w := lines(1)
	copy(bytesOf(w)[8:], pattern(LinePayload))
	var out [LineWords]uint64
	CopyLineOut(&out, unsafe.Pointer(&w[0]))
	if !bytes.Equal(bytesOf(out[:]), pattern(LinePayload)) {
		t.Fatalf("line came out as %x", out)
	}
}

func TestWords(t *testing.T) {
	var w uint64
	StoreRelease(&w, 5)
	Store(&w, LoadAcquire(&w)+1)
	Add(&w, 4)
	if w != 10 {
		t.Fatalf("got %d, want 10", w)
	}
	Exchange(&w, 11)
	LoadFence()
	StoreFence()
	Pause()
	if LoadAcquire(&w) != 11 {
		t.Fatalf("got %d, want 11", w)
	}
}

func TestTicks(t *testing.T) {
	if !HasTicks() {
		if Portable && Ticks()|TicksAfter()|TicksHz() != 0 {
			t.Error("the portable build has no counter and must say 0")
		}
		t.Skip("no tick counter in this build or on this processor")
	}
	last := TicksAfter()
	for range 100_000 {
		now := TicksAfter()
		if now < last {
			t.Fatalf("counter went from %d to %d", last, now)
		}
		last = now
	}
}

func BenchmarkPublishLine(b *testing.B) {
	w := lines(2)
	src := pattern(LinePayload)
	for b.Loop() {
		PublishLine(unsafe.Pointer(&w[0]), unsafe.Pointer(&w[8]), unsafe.Pointer(&src[0]), LinePayload, 1)
	}
}

func BenchmarkPublishLineTicks(b *testing.B) {
	if !HasTicks() {
		b.Skip("no tick counter")
	}
	w := lines(2)
	src := pattern(LinePayload)
	anchor := Ticks()
	for b.Loop() {
		if !PublishLineTicks(unsafe.Pointer(&w[0]), unsafe.Pointer(&w[8]), unsafe.Pointer(&src[0]), LinePayload, 1, anchor) {
			anchor = Ticks()
		}
	}
}

func BenchmarkTicks(b *testing.B) {
	for b.Loop() {
		Ticks()
	}
}

func BenchmarkTicksAfter(b *testing.B) {
	for b.Loop() {
		TicksAfter()
	}
}
