//go:build linux

package ring

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tickring/tickring/internal/tick"
)

// lineValue is a message of one line.
type lineValue struct{ A, B, C, D, E, F, G uint64 }

// publishForms publish at least n messages of one line, n a multiple of formBatch.
const formBatch = 16

var publishForms = []struct {
	name string
	make func(p *Publisher) func(n int) error
}{
	{"publish", func(p *Publisher) func(int) error {
		var v lineValue
		return func(n int) error {
			for i := range n {
				v.A = uint64(i)
				if err := p.Publish(1, bytesOf(&v)); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"claim", func(p *Publisher) func(int) error {
		return func(n int) error {
			for i := range n {
				c, err := p.Claim(56)
				if err != nil {
					return err
				}
				for j := range c[:8] {
					c[j] = byte(i)
				}
				if err := p.Commit(1, 56); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"batch", func(p *Publisher) func(int) error {
		var vs [formBatch]lineValue
		var msgs [formBatch]Outgoing
		for i := range msgs {
			msgs[i] = Outgoing{1, bytesOf(&vs[i])}
		}
		return func(n int) error {
			for i := 0; i < n; i += formBatch {
				for j := range vs {
					vs[j].A = uint64(i + j)
				}
				if err := p.PublishBatch(msgs[:]); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"typed", func(p *Publisher) func(int) error {
		t, err := NewTypedPublisher[lineValue](p, 1)
		var v lineValue
		return func(n int) error {
			for i := range n {
				v.A = uint64(i)
				if err := t.Publish(&v); err != nil {
					return err
				}
			}
			return err
		}
	}},
	{"typedbatch", func(p *Publisher) func(int) error {
		t, err := NewTypedPublisher[lineValue](p, 1)
		var vs [formBatch]lineValue
		return func(n int) error {
			for i := 0; i < n; i += formBatch {
				for j := range vs {
					vs[j].A = uint64(i + j)
				}
				if err := t.PublishBatch(vs[:]); err != nil {
					return err
				}
			}
			return err
		}
	}},
}

// BenchmarkForms is what a message of 56 bytes costs its publisher in each form, by
// itself. Batches are of 16.
func BenchmarkForms(b *testing.B) {
	for _, stamps := range []string{"none", "every"} {
		for _, form := range publishForms {
			b.Run(fmt.Sprintf("stamps=%s/%s", stamps, form.name), func(b *testing.B) {
				p, err := Create("forms", Config{Dir: shmDir(b), Capacity: 1 << 18, Stamps: stampsOf(stamps)})
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				publish := form.make(p)
				b.ReportAllocs()
				b.ResetTimer()
				// In slices, of which some are not disturbed by other work of the host.
				var took []uint64
				for done := 0; done < b.N; done += formSlice {
					t0 := p.clock.Now()
					if err := publish(formSlice); err != nil {
						b.Fatal(err)
					}
					took = append(took, p.clock.Now()-t0)
				}
				reportSlices(b, took, tick.Scale(p.first.scale))
			})
		}
	}
}

// formSlice is how many messages are timed at once.
const formSlice = 1 << 12

// reportSlices reports the ns of a message in the median slice and in the least disturbed
// tenth.
func reportSlices(b *testing.B, ticks []uint64, scale tick.Scale) {
	slices.Sort(ticks)
	for name, i := range map[string]int{"p10-ns": len(ticks) / 10, "p50-ns": len(ticks) / 2} {
		b.ReportMetric(float64(scale.Ns(ticks[i]))/formSlice, name)
	}
}
