package itch

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// check tests what must always hold: counts, that an order is in one place, and
// that a search for it gets there.
func (t *orders) check() error {
	seen := map[uint64]bool{}
	young, old := 0, 0
	for i := range t.young {
		o := &t.young[i]
		if o.shares == 0 {
			continue
		}
		young++
		if seen[o.ref] {
			return fmt.Errorf("reference %d is there twice", o.ref)
		}
		seen[o.ref] = true
		if youngSlot(o.ref) != uint64(i) {
			return fmt.Errorf("reference %d in young slot %d, not %d", o.ref, i, youngSlot(o.ref))
		}
	}
	for i := range t.old {
		o := &t.old[i]
		if o.shares == 0 {
			continue
		}
		old++
		if seen[o.ref] {
			return fmt.Errorf("reference %d is there twice", o.ref)
		}
		seen[o.ref] = true
		if o.ref > t.maxOld {
			return fmt.Errorf("reference %d is above the maximum %d", o.ref, t.maxOld)
		}
		for j := t.home(o.ref); j != uint64(i); j = (j + 1) & t.mask {
			if t.old[j].shares == 0 {
				return fmt.Errorf("reference %d: hole at %d between home %d and slot %d", o.ref, j, t.home(o.ref), i)
			}
		}
	}
	if young != t.nYoung || old != t.nOld {
		return fmt.Errorf("%d young and %d old orders, counted as %d and %d", young, old, t.nYoung, t.nOld)
	}
	if old > len(t.old)/2 {
		return fmt.Errorf("%d orders in %d slots", old, len(t.old))
	}
	return nil
}

// refStreams are ways to give out references, kind and unkind.
var refStreams = map[string]func(i uint64, r *rand.Rand) uint64{
	"steps of 4":     func(i uint64, _ *rand.Rand) uint64 { return i * 4 },
	"steps of 1":     func(i uint64, _ *rand.Rand) uint64 { return i },
	"falling":        func(i uint64, _ *rand.Rand) uint64 { return 1<<62 - i*8 },
	"random":         func(_ uint64, r *rand.Rand) uint64 { return r.Uint64() },
	"few":            func(_ uint64, r *rand.Rand) uint64 { return r.Uint64N(300) },
	"one young slot": func(i uint64, _ *rand.Rand) uint64 { return i << 40 },
	"high bits":      func(i uint64, _ *rand.Rand) uint64 { return i<<48 | i },
	"extremes":       func(i uint64, _ *rand.Rand) uint64 { return i - 500 },
}

func TestOrdersAgainstMap(t *testing.T) {
	for name, stream := range refStreams {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			table, want := newOrders(0), map[uint64]order{}
			var refs []uint64
			for i := uint64(0); i < 60_000; i++ {
				ref := stream(i, r)
				// Mostly growth at first, then mostly removal.
				if i < 40_000 || r.IntN(4) == 0 {
					if _, dup := want[ref]; !dup {
						o := order{ref: ref, price: Price4(i), shares: uint32(i) + 1, book: bookSide{uint16(i), 'B'}}
						if got, _ := table.find(ref); got != nil {
							t.Fatalf("found %+v before it was inserted", *got)
						}
						table.insert(o)
						want[ref] = o
						refs = append(refs, ref)
					}
				}
				for k := r.IntN(3); len(refs) > 0 && (k > 1 || i >= 40_000 && k > 0); k-- {
					j := r.IntN(len(refs))
					gone := refs[j]
					refs[j] = refs[len(refs)-1]
					refs = refs[:len(refs)-1]
					o, at := table.find(gone)
					if o == nil || *o != want[gone] {
						t.Fatalf("reference %d: got %+v, want %+v", gone, o, want[gone])
					}
					table.remove(o, at)
					delete(want, gone)
					if o, _ := table.find(gone); o != nil {
						t.Fatalf("reference %d found after its removal", gone)
					}
				}
				if i%10_000 == 0 {
					if err := table.check(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := table.check(); err != nil {
				t.Fatal(err)
			}
			if table.len() != len(want) {
				t.Fatalf("%d orders, want %d", table.len(), len(want))
			}
			for ref, o := range want {
				if got, _ := table.find(ref); got == nil || *got != o {
					t.Fatalf("reference %d: got %+v, want %+v", ref, got, o)
				}
			}
		})
	}
}

// TestOrdersProbesStayShort counts the work itself, not the time: for references
// of every pattern an order in the old table is near its home.
func TestOrdersProbesStayShort(t *testing.T) {
	for name, stream := range refStreams {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			table := newOrders(0)
			for i := uint64(0); i < 150_000; i++ {
				ref := stream(i, r)
				if o, _ := table.find(ref); o == nil {
					table.insert(order{ref: ref, shares: 1})
				}
			}
			sum, worst := uint64(0), uint64(0)
			for i := range table.old {
				if o := &table.old[i]; o.shares != 0 {
					d := (uint64(i) - table.home(o.ref)) & table.mask
					sum += d
					worst = max(worst, d)
				}
			}
			// At half full linear probing is 0.5 slots away on average and some
			// tens at worst. The bounds are far above what chance can do.
			if table.nOld > 0 && (sum > 4*uint64(table.nOld) || worst > 1000) {
				t.Errorf("%d orders: %d slots from home in all, %d at worst", table.nOld, sum, worst)
			}
		})
	}
}

// BenchmarkOrders takes only the inserts and removals of a flow, so that the
// table itself is what is measured, and compares it with Go's map and with the
// old table on its own.
func BenchmarkOrders(b *testing.B) {
	for _, live := range []int{100_000, 1_000_000} {
		warm, ops := tableOps(live, 2_000_000)
		for _, kind := range []string{"map", "one", "two"} {
			b.Run(fmt.Sprintf("%s/live=%d", kind, live), func(b *testing.B) {
				b.StopTimer()
				b.ReportAllocs()
				var cpu cpuTimer
				for done := 0; done < b.N; {
					n := min(len(ops), b.N-done)
					switch kind {
					case "map":
						m := make(map[uint64]order, live)
						for _, op := range warm {
							m[op.ref] = order{ref: op.ref, shares: 1}
						}
						b.StartTimer()
						cpu.start()
						for _, op := range ops[:n] {
							if _, ok := m[op.ref]; ok == op.add {
								b.Fatal("flow is wrong")
							}
							if op.add {
								m[op.ref] = order{ref: op.ref, shares: 1}
							} else {
								delete(m, op.ref)
							}
						}
					case "one":
						t := newOrders(live)
						for _, op := range warm {
							t.insertOld(&order{ref: op.ref, shares: 1})
						}
						b.StartTimer()
						cpu.start()
						for _, op := range ops[:n] {
							o, at := t.findOld(op.ref)
							if (o != nil) == op.add {
								b.Fatal("flow is wrong")
							}
							if op.add {
								t.insertOld(&order{ref: op.ref, shares: 1})
							} else {
								t.remove(o, at)
							}
						}
					case "two":
						t := newOrders(live)
						for _, op := range warm {
							t.insert(order{ref: op.ref, shares: 1})
						}
						b.StartTimer()
						cpu.start()
						for _, op := range ops[:n] {
							o, at := t.find(op.ref)
							if (o != nil) == op.add {
								b.Fatal("flow is wrong")
							}
							if op.add {
								t.insert(order{ref: op.ref, shares: 1})
							} else {
								t.remove(o, at)
							}
						}
					}
					cpu.stop()
					b.StopTimer()
					done += n
				}
				cpu.report(b)
			})
		}
	}
}

type tableOp struct {
	ref uint64
	add bool
}

func tableOps(live, n int) (warm, ops []tableOp) {
	for _, o := range bookOrders(openingBook(1, live)) {
		warm = append(warm, tableOp{o.ref, true})
	}
	remaining := map[uint64]uint32{}
	for _, o := range bookOrders(openingBook(1, live)) {
		remaining[o.ref] = o.shares
	}
	for file := dayFlow(1, n, live); len(file) > 0; {
		m, err := Decode(file[2 : 2+int(file[1])])
		if err != nil {
			panic(err)
		}
		file = file[2+int(file[1]):]
		gone := uint64(0)
		switch m := m.(type) {
		case *AddOrder:
			ops = append(ops, tableOp{m.OrderReferenceNumber, true})
			remaining[m.OrderReferenceNumber] = m.Shares
		case *OrderReplace:
			ops = append(ops, tableOp{m.OriginalOrderReferenceNumber, false}, tableOp{m.NewOrderReferenceNumber, true})
			remaining[m.NewOrderReferenceNumber] = m.Shares
		case *OrderExecuted:
			if remaining[m.OrderReferenceNumber] -= m.ExecutedShares; remaining[m.OrderReferenceNumber] == 0 {
				gone = m.OrderReferenceNumber
			}
		case *OrderDelete:
			gone = m.OrderReferenceNumber
		}
		if gone != 0 {
			ops = append(ops, tableOp{gone, false})
		}
	}
	return warm, ops
}
