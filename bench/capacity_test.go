package bench

import (
	"errors"
	"testing"

	"github.com/tickring/tickring/ring"
)

// The bounds are those of rings.
func TestCapacityIsThatOfRings(t *testing.T) {
	for _, n := range []uint64{0, leastCapacity, 1 << 20} {
		if err := checkCapacity(n); err != nil {
			t.Error(err)
		}
	}
	p, err := ring.Create("least", ring.Config{Dir: t.TempDir(), Capacity: leastCapacity})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	for _, n := range []uint64{1, leastCapacity / 2, leastCapacity + 1, 3 << 20, mostCapacity * 2} {
		if err := checkCapacity(n); !errors.Is(err, ErrConfig) {
			t.Errorf("%d: %v, want ErrConfig", n, err)
		}
		if _, err := ring.Create("none", ring.Config{Dir: t.TempDir(), Capacity: n}); !errors.Is(err, ring.ErrConfig) {
			t.Errorf("a ring of %d: %v, want ring.ErrConfig", n, err)
		}
	}
}
