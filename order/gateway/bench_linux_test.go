package gateway

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// BenchmarkGateway is a gateway on one core with eight strategies, each of whose orders the
// venue fills at once. Mrequests/s are requests judged and forwarded, or refused; Mreports/s
// reports that close their orders, checked and passed on; Morders/s both for each order: per second
// of the thread. ns/op is the same by the clock. The rings are filled and read between the measured
// stretches, of 256 orders.
func BenchmarkGateway(b *testing.B) {
	for _, c := range []struct {
		name   string
		limits string
		reject bool
	}{
		{"fill", plainLimits, false},
		{"fill-all-checks", benchLimits, false},
		{"refuse", benchLimits, true},
	} {
		b.Run(c.name, func(b *testing.B) { benchmark(b, c.limits, c.reject) })
	}
}

const plainLimits = `
defaults: {max_qty: none, max_notional: none, max_position: none, max_orders: none, collar_ppm: none, rate: none}
instruments: {5602: {}}
`

const benchLimits = `
defaults: {max_qty: 100, max_notional: 1_000_000, max_position: 1_000_000_000, max_orders: 50_000, collar_ppm: none, rate: 1_000_000_000, burst: 1_000_000_000}
instruments: {5602: {multiplier: 2}}
`

func benchmark(b *testing.B, limits string, refuse bool) {
	const (
		strategies = 8
		turn       = 256 // requests between two stretches
	)
	r := newRig(b)
	r.cfg.Capacity = 8 << 20
	r.cfg.Limits = mustLimits(b, limits)
	create := func(name string, capacity uint64) *ring.Publisher {
		var pub *ring.Publisher
		pub, err := ring.Create(name, ring.Config{Dir: r.dir, Capacity: capacity, Schema: order.Schema, Heartbeat: -1, Gates: []ring.Gate{{Name: gw}}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { pub.Close() })
		return pub
	}
	v := create(venue, 4<<20)
	var strats [strategies]strategy
	for i := range strats {
		n := uint16(i + 1)
		strats[i] = strategy{rig: r, n: n, pub: create(order.InputRing(gw, n), 256<<10)}
	}
	r.start()
	sub, err := ring.Open(gw, ring.Options{Dir: r.dir, Name: venue, NoStepOff: true, NoHistogram: true})
	if err != nil {
		b.Fatal(err)
	}
	defer sub.Close()
	if err := r.g.settleAll(); err != nil {
		b.Fatal(err)
	}
	r.g.window = turn + 1
	drain := func() {
		for {
			msg, st := sub.Next()
			if st != ring.Message {
				return
			}
			if order.MsgType(sub.Type()) != order.MsgNewOrderSingle {
				continue
			}
			q, _ := order.AsRequest(msg)
			er := order.ExecutionReport{ClOrdID: q.ClOrdID, OrderID: sub.Seq(), LastPx: q.Price, LastQty: q.OrderQty, CumQty: q.OrderQty,
				Origin: order.Origin{Seq: uint32(sub.Seq()), Ring: q.Origin.Ring}, SecurityID: q.SecurityID,
				Strategy: q.Origin.Ring, ExecType: order.ExecTrade, OrdStatus: order.StatusFilled, Side: q.Side}
			if err := v.Publish(uint16(order.MsgExecutionReport), er.Bytes()); err != nil {
				b.Fatal(err)
			}
		}
	}
	// The benchmark's own clock stops the world to be read. That of the thread counts what the
	// gateway worked, on a machine that does other things too.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread := func() time.Duration {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
			b.Fatal(err)
		}
		return time.Duration(ts.Nano())
	}
	var requests, reports, wall time.Duration
	work := func(busy *time.Duration) {
		began, worked := time.Now(), thread()
		for idle := 0; idle < 2; {
			worked, err := r.g.step()
			if err != nil {
				b.Fatal(err)
			}
			if idle++; worked {
				idle = 0
			}
		}
		*busy += thread() - worked
		wall += time.Since(began)
		r.g.now = r.g.clock.read()
	}
	done := 0
	b.ReportAllocs()
	for b.ResetTimer(); done < b.N; done += turn {
		for i := range turn {
			s := &strats[i%strategies]
			side := order.Buy
			if i/strategies&1 == 1 {
				side = order.Sell
			}
			q := s.limit(side, 5, px)
			if refuse {
				q.OrderQty = 101
			}
			q.Origin = s.origin()
			if err := s.pub.Publish(uint16(order.MsgNewOrderSingle), q.Bytes()); err != nil {
				b.Fatal(err)
			}
		}
		work(&requests)
		drain()
		work(&reports)
		drain()
	}
	b.ReportMetric(float64(wall.Nanoseconds())/float64(done), "ns/op")
	b.ReportMetric(float64(done)/requests.Seconds()/1e6, "Mrequests/s")
	if !refuse {
		b.ReportMetric(float64(done)/reports.Seconds()/1e6, "Mreports/s")
		b.ReportMetric(float64(done)/(requests+reports).Seconds()/1e6, "Morders/s")
	}
	if want := uint64(done); r.g.counts.Requests != want || (r.g.counts.Forwarded != want) != refuse {
		b.Fatalf("%+v of %d", r.g.counts, want)
	}
}
