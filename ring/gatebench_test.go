//go:build linux

package ring

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tickring/tickring/internal/mem"
)

// BenchmarkGatedPublish compares publishing on a ring with gates to the same on one
// without, in turns, a lap at a time. Gates that lag stay as far behind as they may, so
// that every block that is entered has their cursors read from their files; those in
// step are read once in a while. The readers are not at work: this is the publisher's
// cost alone.
//
//	go test ./ring -run '^$' -bench GatedPublish -benchtime 201x
func BenchmarkGatedPublish(b *testing.B) {
	const capacity = 1 << 22
	type contender struct {
		name string
		p    *Publisher
		subs []*Subscriber
		lag  uint64 // bytes
		ns   []float64
	}
	for _, stamps := range []Stamps{StampNone, StampEvery} {
		b.Run("stamps="+stamps.String(), func(b *testing.B) {
			var all []*contender
			for _, v := range []struct {
				name  string
				gates int
				lag   bool
			}{{"lossy", 0, false}, {"1-in-step", 1, false}, {"16-in-step", 16, false}, {"1-lagging", 1, true}, {"16-lagging", 16, true}} {
				c := &contender{name: v.name}
				cfg := Config{Dir: shmDir(b), Capacity: capacity, Stamps: stamps}
				for i := range v.gates {
					cfg.Gates = append(cfg.Gates, Gate{Name: fmt.Sprint("g", i)})
				}
				c.p = mustCreate(b, "r", cfg)
				if v.lag {
					c.lag = capacity - 3*c.p.block
				}
				for i := range v.gates {
					c.subs = append(c.subs, mustOpen(b, "r", Options{Dir: cfg.Dir, Name: fmt.Sprint("g", i)}))
				}
				all = append(all, c)
			}
			var msg [mem.LinePayload]byte
			lap := func(c *contender) {
				for range c.p.blocks() {
					for _, s := range c.subs {
						mem.StoreRelease(&s.stats.cursorPos, max(c.p.pos, c.lag)-c.lag)
					}
					for range c.p.block / lineSize {
						if err := c.p.Publish(0, msg[:]); err != nil {
							b.Fatal(c.name, err)
						}
					}
				}
			}
			for _, c := range all {
				lap(c)
			}
			for b.Loop() {
				for _, c := range all {
					t0 := time.Now()
					lap(c)
					c.ns = append(c.ns, float64(time.Since(t0).Nanoseconds())/(capacity/lineSize))
				}
			}
			for _, c := range all {
				slices.Sort(c.ns)
			}
			lossy := all[0].ns[len(all[0].ns)/2]
			for _, c := range all {
				median := c.ns[len(c.ns)/2]
				b.ReportMetric(median, c.name+"-ns")
				if c != all[0] {
					b.ReportMetric(median/lossy, c.name+"/lossy")
				}
			}
		})
	}
}
