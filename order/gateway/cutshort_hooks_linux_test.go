//go:build linux && hooks

package gateway

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/order"
)

// TestRingCutShortAsItIsFound: a strategy cuts its ring's file short, or the gateway's own
// there, after any access that the gateway makes as it finds the ring. The gateway goes on.
func TestRingCutShortAsItIsFound(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	points := 0
	found := func(at int, name string) (ok bool) {
		r := newRig(t)
		r.startVenue()
		r.start()
		r.strategy(7)
		files := filepath.Join(r.dir, order.InputRing(gw, 7))
		points = 0
		point := func(path string) {
			if !strings.HasPrefix(path, files) {
				return
			}
			if points++; points == at {
				if err := os.Truncate(filepath.Join(files, name), 0); err != nil {
					t.Error(err)
				}
			}
		}
		mem.Hook = func(_ *uint64, _, done bool) {
			if done {
				point(files)
			}
		}
		mmap.Hook = func(_ int, path string, _ bool) { point(path) }
		defer func() { mem.Hook, mmap.Hook = nil, nil }()
		return mmap.Guard(func() error { return r.g.find(order.InputRing(gw, 7), 7) }) == nil
	}
	if !found(0, "ring") {
		t.Fatal("it is not found")
	}
	all := points
	for range 10 {
		for _, name := range []string{"ring", "subs/" + gw} {
			// At any, and at one of the last: there the ring is open already.
			for _, at := range []int{1 + rnd.IntN(all), all - rnd.IntN(min(all, 50))} {
				if !found(at, name) {
					t.Errorf("%s is cut short at point %d of %d: the gateway ends", name, at, all)
				}
			}
		}
	}
}
