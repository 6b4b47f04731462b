package exchange

import (
	"testing"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// BenchmarkOrders measures requests: ns/op is one of them. 200 orders rest on ten prices
// of either side, of eight strategies.
func BenchmarkOrders(b *testing.B) {
	for _, c := range []struct {
		name string
		next func(p *benchPit, i uint64)
	}{
		// A limit order that rests, and its cancel.
		{"rest-cancel", func(p *benchPit, i uint64) {
			if i%2 == 0 {
				p.limit(i, order.Buy, 90+int64(i/2%10), 5)
			} else {
				p.cancel(i, i-1, order.Buy)
			}
		}},
		// An order of a client that rests, and one of another that takes it: four reports.
		{"trade", func(p *benchPit, i uint64) {
			if i%2 == 0 {
				p.limit(i, order.Sell, 100, 5)
			} else {
				p.limit(i, order.Buy, 100, 5)
			}
		}},
		// Orders that take what the market shows, which shows new orders in between.
		{"take-market", func(p *benchPit, i uint64) {
			if i%64 == 0 {
				p.show(i, 1<<20)
			}
			p.limit(i, order.Buy, 100, 5)
		}},
		// A mix: six rest, two are replaced, two trade, of ten.
		{"mix", func(p *benchPit, i uint64) {
			switch n := i % 10; n {
			case 0, 1, 2:
				p.limit(i, order.Buy, 90+int64(i/10%10), 5)
			case 3:
				p.replace(i, i-3, order.Buy, 89+int64(i/10%10))
			case 4, 5:
				p.limit(i, order.Sell, 101+int64(i/10%10), 5)
			case 6, 7:
				p.cancel(i, i-5, order.Buy)
			case 8:
				p.limit(i, order.Sell, 89+int64(i/10%10), 5)
			case 9:
				p.limit(i, order.Buy, 112, 10)
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := newBenchPit()
			i := uint64(1000)
			for range 100_000 { // warm
				c.next(p, i)
				i++
			}
			b.ReportAllocs()
			for b.Loop() {
				c.next(p, i)
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Morders/s")
		})
	}
}

type benchPit struct {
	e   *Engine
	out *venue.Reports
	r   order.Request
	m   dbn.MboMsg
}

func newBenchPit() *benchPit {
	p := &benchPit{e: NewEngine(0), out: venue.NewReports()}
	p.show(1, 1)
	for i := range uint64(200) {
		p.limit(500+2*i, order.Buy, 80+int64(i%10), 5)
		p.limit(501+2*i, order.Sell, 120+int64(i%10), 5)
	}
	return p
}

func (p *benchPit) send(seq uint64, typ order.MsgType) {
	p.r.SecurityID = 1
	p.r.Origin.Ring = 1
	p.out.Reset(venue.MaxReports)
	p.e.Request(seq, typ, &p.r, false, p.out)
}

func (p *benchPit) limit(i uint64, s order.Side, price int64, qty int32) {
	p.r = order.Request{ClOrdID: i, Side: s, OrdType: order.Limit, TimeInForce: order.Day, Price: price, OrderQty: qty}
	p.send(i, order.MsgNewOrderSingle)
}

func (p *benchPit) cancel(i, orig uint64, s order.Side) {
	p.r = order.Request{ClOrdID: i, OrigClOrdID: orig, Side: s}
	p.send(i, order.MsgOrderCancelRequest)
}

func (p *benchPit) replace(i, orig uint64, s order.Side, price int64) {
	p.r = order.Request{ClOrdID: i, OrigClOrdID: orig, Side: s, OrdType: order.Limit, TimeInForce: order.Day, Price: price, OrderQty: 5}
	p.send(i, order.MsgOrderCancelReplaceRequest)
}

func (p *benchPit) show(id uint64, size uint32) {
	p.m = dbn.MboMsg{RecordHeader: dbn.RecordHeader{InstrumentID: 1}, OrderID: 1, Price: 100, Size: size, Action: dbn.ActionAdd,
		Side: dbn.SideAsk, Flags: dbn.FlagLast, TsRecv: 1}
	if id == 1 {
		p.m.Price = 300
	}
	p.e.Market(&p.m)
	p.out.Reset(venue.MaxReports)
	p.e.Work(p.out)
}
