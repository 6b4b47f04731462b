package exchange

import (
	"encoding/binary"
	"testing"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// FuzzEngine feeds an engine with records and requests as bytes make them: it answers each
// request, never with more reports than there may be, and no order is filled beyond its
// quantity or at a price beyond its limit.
func FuzzEngine(f *testing.F) {
	f.Add([]byte("A1B 5A1A 7D1B 7F1B 5"))
	f.Add([]byte{0, 1, 1, 10, 5, 8, 1, 2, 10, 9, 9, 1, 2, 10, 3, 16, 0, 0, 4, 4})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, out := NewEngine(0), venue.NewReports()
		live := map[uint64]*order.Request{} // by OrderID
		filled := map[uint64]int64{}
		check := func() {
			t.Helper()
			for i := range out.Len() {
				er := out.Execution(i)
				if er == nil || er.ExecType != order.ExecTrade {
					continue
				}
				q := live[er.OrderID]
				if q == nil {
					t.Fatalf("a fill of nobody's order: %+v", er)
				}
				filled[er.OrderID] += int64(er.LastQty)
				if er.LastQty <= 0 || filled[er.OrderID] != int64(er.CumQty) || er.CumQty > q.OrderQty || er.LeavesQty != q.OrderQty-er.CumQty {
					t.Fatalf("%+v of %+v, %d filled", er, q, filled[er.OrderID])
				}
				if q.OrdType == order.Limit && (q.Side == order.Buy && er.LastPx > q.Price || q.Side == order.Sell && er.LastPx < q.Price) {
					t.Fatalf("%+v of %+v", er, q)
				}
			}
		}
		for seq := uint64(1); len(data) >= 5; seq++ {
			op, a, b, c, d := data[0], data[1], data[2], data[3], data[4]
			data = data[5:]
			if op%4 < 2 {
				m := dbn.MboMsg{RecordHeader: dbn.RecordHeader{InstrumentID: uint32(a % 3), PublisherID: uint16(a / 128)}, OrderID: uint64(b % 16),
					Price: int64(int8(c)), Size: uint32(d), Action: dbn.Action("AACMRTFN"[op>>2%8]), Side: dbn.Side("ABN"[b%3]),
					Flags: op & (dbn.FlagLast | dbn.FlagTOB), TsRecv: uint64(seq)}
				if c == 128 {
					m.Price = dbn.UndefPrice
				}
				if d == 255 {
					m.Size, m.TsRecv = 1<<31+uint32(b), binary.LittleEndian.Uint64([]byte{a, b, c, d, a, b, c, d})
				}
				e.Market(&m)
				for done := false; !done; {
					out.Reset(stopRoom)
					done = e.Work(out)
					check()
				}
				continue
			}
			r := &order.Request{ClOrdID: seq, SecurityID: uint32(a % 3), Side: order.Side('0' + b%3), OrdType: order.OrdType('0' + b/3%5),
				TimeInForce: order.TimeInForce('0' + b/15%6), Price: int64(int8(c)), OrderQty: int32(int8(d)), OrigClOrdID: uint64(a / 3)}
			r.Origin.Ring = 1
			typ := []order.MsgType{'D', 'F', 'G'}[op>>2%3]
			if typ == order.MsgNewOrderSingle {
				r.OrigClOrdID = 0
			} else if typ == order.MsgOrderCancelRequest {
				r.Price, r.OrderQty, r.OrdType, r.TimeInForce = 0, 0, 0, 0
			}
			if d == 127 {
				r.OrderQty = 1<<31 - 1
			}
			if typ == order.MsgNewOrderSingle {
				live[seq] = r
			}
			out.Reset(venue.MaxReports)
			e.Request(seq, typ, r, op >= 250, out)
			if out.Len() == 0 {
				t.Fatal("no answer")
			}
			if er := out.Execution(0); er != nil && er.ExecType == order.ExecReplaced {
				was := *live[er.OrderID]
				was.Price, was.OrderQty = r.Price, r.OrderQty
				live[er.OrderID] = &was
			}
			check()
		}
	})
}
