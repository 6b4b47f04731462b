package exchange

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// TestRealSession quotes and takes around the best prices of a real session. All that is
// reported passes the gateway's journal; no order trades through its limit, and what a trade
// of the market fills is at its price or better, and no more than its size.
func TestRealSession(t *testing.T) {
	f := newFloor(t, 1)
	e, out := NewEngine(0), venue.NewReports()
	limit := map[uint64]order.Request{} // by OrderID
	var passive, taken uint64
	check := func(m *dbn.MboMsg) {
		t.Helper()
		var byTrade [2]uint32
		for i := range out.Len() {
			er := out.Execution(i)
			if er == nil || er.ExecType != order.ExecTrade {
				continue
			}
			r := limit[er.OrderID]
			if side := sideOf(r.Side); r.OrdType == order.Limit && !reaches(side, r.Price, er.LastPx) {
				t.Fatalf("%+v of %+v", er, r)
			} else if m != nil && m.Action == dbn.ActionTrade {
				byTrade[side] += uint32(er.LastQty)
				if !better(side, er.LastPx, m.Price) {
					t.Fatalf("%+v by the trade %+v", er, m)
				}
			}
			if m == nil {
				taken += uint64(er.LastQty)
			} else {
				passive += uint64(er.LastQty)
			}
		}
		if m != nil && m.Action == dbn.ActionTrade && max(byTrade[bid], byTrade[ask]) > m.Size {
			t.Fatalf("%v was filled by the trade %+v", byTrade, m)
		}
	}
	for i, m := range realSession(t) {
		e.Market(&m)
		for done := false; !done; {
			out.Reset(venue.MaxReports)
			done = e.Work(out)
			check(&m)
			f.report(out)
		}
		if i%20 > 0 || m.Flags&dbn.FlagLast == 0 {
			continue
		}
		b, a := e.market.Get(m.InstrumentID).BBO()
		if b.Size == 0 || a.Size == 0 {
			continue
		}
		seq, typ, r, ok := f.around(m.InstrumentID, b.Price, a.Price)
		if !ok {
			continue
		}
		limit[seq] = r
		out.Reset(venue.MaxReports)
		e.Request(seq, typ, &r, false, out)
		check(nil)
		f.report(out)
	}
	c := e.Counts()
	t.Logf("%d orders, %d fills, %d taken, %d of resting orders, %d open", c.Orders, c.Fills, taken, passive, c.Open)
	// Before it opens, the book of this session is crossed after each of 891 events.
	if taken == 0 || passive == 0 || c.Anomalies != 891 {
		t.Errorf("%+v", c)
	}
}

// around makes a request about the best prices of a market.
func (f *floor) around(security uint32, bestBid, bestAsk int64) (uint64, order.MsgType, order.Request, bool) {
	const tick = 250_000_000
	typ := order.MsgNewOrderSingle
	r := order.Request{SecurityID: security, Side: order.Buy + order.Side(f.rng.IntN(2)),
		OrdType: order.Limit, TimeInForce: order.Day, OrderQty: 1 + f.rng.Int32N(5)}
	f.deliver(f.rng.IntN(len(f.late) + 1))
	strategy := 1 + f.rng.IntN(3)
	r.Price = bestBid - tick*f.rng.Int64N(2)
	if r.Side == order.Sell {
		r.Price = bestAsk + tick*f.rng.Int64N(2)
	}
	if f.rng.IntN(5) == 0 { // takes
		r.Price = bestBid + bestAsk - r.Price
	}
	if open := f.st.Orders(); len(open) > 20 {
		o := open[f.rng.IntN(len(open))]
		strategy, typ = int(o.Strategy), order.MsgOrderCancelRequest
		r = order.Request{SecurityID: o.SecurityID, Side: o.Side, OrigClOrdID: o.ClOrdID}
	}
	f.ids[strategy]++
	f.seqs[strategy]++
	r.ClOrdID = f.ids[strategy]
	r.Origin = order.Origin{Seq: uint32(f.seqs[strategy]), Epoch: 1, Ring: uint16(strategy)}
	if f.st.CheckRequest(typ, &r) != order.TextNone {
		f.ids[strategy]--
		f.seqs[strategy]--
		return 0, typ, r, false
	}
	f.frame(typ, r.Bytes())
	return f.st.Seq(), typ, r, true
}

// realSession returns the records of a day of one future, or skips the test.
func realSession(t testing.TB) (recs []dbn.MboMsg) {
	t.Helper()
	dir := os.Getenv("TICKRING_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, "dbn", "esh4-glbx-mdp3-20231225.mbo.dbn.zst")
	file, err := os.Open(path)
	if err != nil {
		t.Skipf("no real market data here: %v (TICKRING_TESTDATA names its folder)", err)
	}
	defer file.Close()
	r, err := dbn.NewReader(file, dbn.ReaderConfig{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return recs
		}
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := dbn.AsMbo(rec); ok {
			recs = append(recs, *m)
		}
	}
}
