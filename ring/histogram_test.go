package ring

import (
	"math/rand/v2"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// TestHistogramIsTheLibrarys compares every bucket's edges, and random values, with
// where hdrhistogram-go counts them.
func TestHistogramIsTheLibrarys(t *testing.T) {
	if n := len(hdrhistogram.New(histLow, histHigh, histDigits).Export().Counts); n != histLen {
		t.Fatalf("the library has %d counts, the file %d", n, histLen)
	}
	check := func(ns uint64) {
		h := hdrhistogram.New(histLow, histHigh, histDigits)
		if err := h.RecordValue(int64(ns)); err != nil {
			t.Fatalf("%d ns: %v", ns, err)
		}
		i := histIndex(ns)
		if i >= histLen || h.Export().Counts[i] != 1 {
			t.Fatalf("%d ns is counted at %d, the library has it elsewhere", ns, i)
		}
	}
	for ns := uint64(0); ns < 2048; ns++ {
		check(ns)
	}
	for v := uint64(2048); v <= histHigh; v *= 2 {
		for _, d := range []uint64{0, 1, v / 256, v/256 - 1, v - 1} {
			if v+d <= histHigh {
				check(v + d)
				check(v + d - 1)
			}
		}
	}
	check(histHigh)
	r := rand.New(rand.NewPCG(seed(t), 0))
	for range 2000 {
		check(r.Uint64N(histHigh>>r.IntN(33) + 1))
	}
}

func TestHistogramImport(t *testing.T) {
	var counts [histLen]uint64
	for ns := uint64(1); ns <= 10_000; ns++ {
		counts[histIndex(ns)]++
	}
	h := importHistogram(&counts)
	if h.TotalCount() != 10_000 {
		t.Fatalf("%d samples came out of 10000", h.TotalCount())
	}
	for _, q := range []float64{50, 90, 99, 99.9} {
		got, want := float64(h.ValueAtQuantile(q)), q*100
		if got < want*0.99 || got > want*1.02 {
			t.Errorf("p%v is %v, want %v within 2 significant digits", q, got, want)
		}
	}
	counts[5] = 1 << 63 // a hostile file must not make a negative count
	if importHistogram(&counts).TotalCount() < 0 {
		t.Error("a count became negative")
	}
}

func BenchmarkHistogramIndex(b *testing.B) {
	var counts [histLen]uint64
	ns := uint64(1)
	for b.Loop() {
		ns = ns*6364136223846793005 + 1442695040888963407
		counts[histIndex(ns>>40)]++
	}
}
