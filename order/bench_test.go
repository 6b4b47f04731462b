package order

import (
	"strconv"
	"testing"

	"github.com/tickring/tickring/ring"
)

// warm returns a state with that many open orders of 8 strategies in 16 instruments.
func warm(tb testing.TB, open int) *State {
	st := NewState(Bounds{})
	up := func(ring uint16) {
		ss := SessionStatus{RingID: 1, Epoch: 1, Ring: ring, Status: SessionUp}
		if err := st.ApplySession(st.Seq()+1, &ss); err != nil {
			tb.Fatal(err)
		}
	}
	up(RingVenue)
	for n := range uint16(8) {
		up(n + 1)
	}
	for i := range open {
		if err := forward(st, uint16(1+i%8), uint32(1+i/8%16), Buy+Side(i/128%2)); err != nil {
			tb.Fatal(err)
		}
	}
	return st
}

func forward(st *State, strategy uint16, security uint32, side Side) error {
	in := st.Session(strategy)
	r := Request{ClOrdID: in.LastClOrdID + 1, Price: 5000_000000000, OrderQty: 10, SecurityID: security, Side: side, OrdType: Limit, TimeInForce: Day,
		Origin: Origin{Seq: uint32(in.Seq + 1), Epoch: 1, Ring: strategy}}
	return st.ApplyRequest(st.Seq()+1, MsgNewOrderSingle, &r)
}

// BenchmarkApply is what a gateway's state costs per order: the request forwarded, the venue's
// acceptance, its fill.
func BenchmarkApply(b *testing.B) {
	for _, open := range []int{10, 1000} {
		b.Run("open="+strconv.Itoa(open), func(b *testing.B) {
			st := warm(b, open)
			venue := uint32(st.Session(RingVenue).Seq)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				strategy := uint16(1 + n%8)
				n++
				if err := forward(st, strategy, 3, Buy); err != nil {
					b.Fatal(err)
				}
				o := st.Last()
				er := ExecutionReport{ClOrdID: o.ClOrdID, OrderID: o.OrderID, LeavesQty: 10, SecurityID: 3, Strategy: strategy, Side: Buy,
					ExecType: ExecNew, OrdStatus: StatusNew}
				venue++
				er.Origin = Origin{Seq: venue, Ring: RingVenue}
				if err := st.ApplyReport(st.Seq()+1, &er); err != nil {
					b.Fatal(err)
				}
				venue++
				er.Origin.Seq = venue
				er.ExecType, er.OrdStatus, er.LastPx, er.LastQty, er.CumQty, er.LeavesQty = ExecTrade, StatusFilled, 5000_000000000, 10, 10, 0
				if err := st.ApplyReport(st.Seq()+1, &er); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/3, "ns/frame")
		})
	}
}

// BenchmarkCheckpoint makes a checkpoint; it costs its publisher the copy on top.
func BenchmarkCheckpoint(b *testing.B) {
	st := warm(b, 300)
	var msgs []ring.Outgoing
	b.ReportAllocs()
	for b.Loop() {
		msgs = st.AppendCheckpoint(msgs[:0], 16<<10)
	}
	b.ReportMetric(float64(st.CheckpointBytes(16<<10)), "bytes")
}

// BenchmarkVerify holds a checkpoint of 300 orders against a state.
func BenchmarkVerify(b *testing.B) {
	st := warm(b, 300)
	msgs := st.AppendCheckpoint(nil, 16<<10)
	follower := warm(b, 300)
	b.ReportAllocs()
	for b.Loop() {
		follower.seq = st.seq
		for i, m := range msgs {
			if err := follower.Apply(st.seq+1+uint64(i), MsgType(m.Type), m.Data); err != nil {
				b.Fatal(err)
			}
		}
	}
}
