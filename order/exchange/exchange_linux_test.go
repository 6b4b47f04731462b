package exchange

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
	"github.com/tickring/tickring/ring"
)

// feed is a ring of market data and an exchange that reads it.
type feed struct {
	*testing.T
	dir  string
	pub  *ring.Publisher
	x    *Exchange
	out  *venue.Reports
	told []Event
	seq  uint64
}

func newFeed(t *testing.T) *feed {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tickring-test-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	f := &feed{T: t, dir: dir, out: venue.NewReports()}
	t.Cleanup(func() {
		if f.x != nil {
			f.x.Close()
		}
		f.end()
	})
	return f
}

func (f *feed) begin(schema string) {
	f.Helper()
	var err error
	f.pub, err = ring.Create("md", ring.Config{Dir: f.dir, Capacity: 256 << 10, Schema: schema})
	if err != nil {
		f.Fatal(err)
	}
}

func (f *feed) end() {
	if f.pub != nil {
		f.pub.Close()
		f.pub = nil
	}
}

// open starts an exchange, which recovers these orders.
func (f *feed) open(orders ...order.Order) {
	f.Helper()
	var err error
	if f.x, err = New(Config{Dir: f.dir, MarketData: "md", Notify: func(e Event) { f.told = append(f.told, e) }}); err != nil {
		f.Fatal(err)
	}
	if err := f.x.Recover(venue.Recovery{Orders: orders}); err != nil {
		f.Fatal(err)
	}
}

func (f *feed) show(action dbn.Action, id uint64, side dbn.Side, price int64, size uint32) {
	f.Helper()
	m := dbn.MboMsg{RecordHeader: dbn.RecordHeader{Length: dbn.MboSize / 4, RType: dbn.RTypeMbo, InstrumentID: 1}, OrderID: id, Price: price,
		Size: size, Action: action, Side: side, Flags: dbn.FlagLast, TsRecv: 1}
	if err := f.pub.Publish(uint16(dbn.RTypeMbo), m.Append(nil)); err != nil {
		f.Fatal(err)
	}
}

// turns has the exchange take in what there is, with little room at a time.
func (f *feed) turns(room int) (said []string) {
	f.Helper()
	for busy := true; busy; {
		f.out.Reset(room)
		var err error
		if busy, err = f.x.Turn(f.out); err != nil {
			f.Fatal(err)
		}
		said = append(said, reported(f.out)...)
	}
	return said
}

func (f *feed) limit(side order.Side, price int64, qty int32) []string {
	f.Helper()
	f.seq++
	r := order.Request{ClOrdID: f.seq, SecurityID: 1, Side: side, OrdType: order.Limit, TimeInForce: order.Day, Price: price, OrderQty: qty,
		Origin: order.Origin{Ring: 5}}
	f.out.Reset(venue.MaxReports)
	if err := f.x.Request(f.seq, order.MsgNewOrderSingle, &r, false, f.out); err != nil {
		f.Fatal(err)
	}
	return reported(f.out)
}

func (f *feed) want(got []string, want ...string) { (&pit{T: f.T}).want(got, want...) }

const mboSchema = "dbn3/mbo"

func TestMarketData(t *testing.T) {
	f := newFeed(t)
	f.open()
	f.want(f.turns(venue.MaxReports))
	f.want(f.limit(order.Buy, 10, 1), "rejected 5/1") // there is no ring yet

	f.begin(mboSchema)
	f.show(dbn.ActionAdd, 1, dbn.SideAsk, 10, 2)
	f.show(dbn.ActionTrade, 0, dbn.SideBid, 10, 1)
	f.x.look = time.Time{}
	f.want(f.turns(venue.MaxReports))
	if len(f.told) != 1 || f.told[0].Kind != MarketFound || f.x.MdSeq() != 2 {
		t.Fatalf("told %+v, at %d", f.told, f.x.MdSeq())
	}
	f.want(f.limit(order.Buy, 10, 3), "new 5/2", "fill 5/2: 2 at 10, 2 of 3")
	f.show(dbn.ActionTrade, 0, dbn.SideAsk, 9, 5)
	f.want(f.turns(0)) // the gateway has not read enough
	if f.x.MdSeq() != 2 {
		t.Error("market data is read while nothing can be reported")
	}
	f.want(f.turns(1), "fill 5/2: 1 at 10, 3 of 3")
	// Records of other schemas, and rubbish, are passed over.
	if err := f.pub.Publish(uint16(dbn.RTypeMbp1), make([]byte, 80)); err != nil {
		t.Fatal(err)
	}
	if err := f.pub.Publish(uint16(dbn.RTypeMbo), []byte{1}); err != nil {
		t.Fatal(err)
	}
	f.turns(1)
	if c := f.x.Counts(); c.Records != 3 || f.x.MdSeq() != 5 {
		t.Errorf("%d records, at %d", c.Records, f.x.MdSeq())
	}
}

func TestManyFillsOfOneRecord(t *testing.T) {
	f := newFeed(t)
	f.begin(mboSchema)
	f.show(dbn.ActionAdd, 1, dbn.SideAsk, 20, 2)
	f.open()
	for range 20 {
		f.limit(order.Buy, 10, 1)
	}
	f.show(dbn.ActionTrade, 0, dbn.SideAsk, 9, 15)
	f.show(dbn.ActionAdd, 2, dbn.SideAsk, 10, 4)
	f.out.Reset(3)
	if _, err := f.x.Turn(f.out); err != nil || f.out.Len() != 3 || f.x.MdSeq() != 2 {
		t.Errorf("%d reports, at %d, %v", f.out.Len(), f.x.MdSeq(), err)
	}
	if got := f.turns(3); len(got) != 16 || got[15] != "fill 5/19: 1 at 10, 1 of 1" {
		t.Errorf("%q", got)
	}
}

// TestLapped: what was missed could have ended any order of the market.
func TestLapped(t *testing.T) {
	f := newFeed(t)
	f.begin(mboSchema)
	f.show(dbn.ActionAdd, 1, dbn.SideAsk, 10, 2)
	f.open()
	for range 10_000 { // more than the ring holds
		f.show(dbn.ActionNone, 0, dbn.SideNone, 0, 0)
	}
	f.turns(venue.MaxReports)
	if n := len(f.told); n < 2 || f.told[n-1].Kind != MarketLost || f.x.Counts().Lost == 0 || f.x.Counts().Lost != f.told[n-1].Lost {
		t.Fatalf("told %+v", f.told)
	}
	f.want(f.limit(order.Buy, 10, 1), "new 5/1")
	f.show(dbn.ActionAdd, 2, dbn.SideAsk, 10, 2)
	f.want(f.turns(venue.MaxReports), "fill 5/1: 1 at 10, 1 of 1")
}

// TestRecovered: what happened while it was down fills nothing, but what the market shows now
// does.
func TestRecovered(t *testing.T) {
	f := newFeed(t)
	f.begin(mboSchema)
	f.show(dbn.ActionAdd, 1, dbn.SideAsk, 11, 2)
	f.show(dbn.ActionTrade, 0, dbn.SideAsk, 5, 9)
	f.show(dbn.ActionAdd, 2, dbn.SideAsk, 10, 2)
	o := order.Order{OrderID: 4, ClOrdID: 3, Strategy: 5, SecurityID: 1, Side: order.Buy, OrdType: order.Limit, TimeInForce: order.Day,
		Price: 10, OrderQty: 9, CumQty: 1, Priority: 4}
	odd := o
	odd.OrderID, odd.ClOrdID, odd.OrdType, odd.Price = 5, 4, order.Market, 0
	f.open(odd, o)
	f.want(f.turns(venue.MaxReports), "fill 5/3: 2 at 10, 3 of 9", "expired 5/4: 1")
	if f.x.MdSeq() != 3 {
		t.Errorf("at %d", f.x.MdSeq())
	}
	// The gateway's ring was made anew: nothing is open.
	if err := f.x.Recover(venue.Recovery{}); err != nil {
		t.Fatal(err)
	}
	f.show(dbn.ActionTrade, 0, dbn.SideAsk, 5, 9)
	f.want(f.turns(venue.MaxReports))
	if n := f.x.Counts().Open; n != 0 {
		t.Errorf("%d orders are open", n)
	}
}

// TestOtherRing: a ring that takes the place of another has books of its own.
func TestOtherRing(t *testing.T) {
	f := newFeed(t)
	f.begin(mboSchema)
	f.show(dbn.ActionAdd, 1, dbn.SideAsk, 10, 2)
	f.open()
	f.end()
	if err := ring.Remove(f.dir, "md"); err != nil {
		t.Fatal(err)
	}
	f.turns(1)
	f.want(f.limit(order.Buy, 10, 1), "new 5/1")
	f.begin("itch/raw")
	f.x.look = time.Time{}
	f.turns(1)
	f.x.look = time.Time{}
	f.turns(1)
	if n := len(f.told); n != 3 || f.told[1].Kind != MarketGone || f.told[2].Kind != MarketBad || !errors.Is(f.told[2].Err, ring.ErrSchema) {
		t.Fatalf("told %+v", f.told)
	}
	f.end()
	if err := ring.Remove(f.dir, "md"); err != nil {
		t.Fatal(err)
	}
	f.begin(mboSchema)
	f.show(dbn.ActionAdd, 7, dbn.SideBid, 9, 2)
	f.x.look = time.Time{}
	f.turns(1)
	if f.told[len(f.told)-1].Kind != MarketFound || f.x.MdSeq() != 1 {
		t.Errorf("told %+v", f.told)
	}
	f.show(dbn.ActionAdd, 8, dbn.SideAsk, 10, 2)
	f.want(f.turns(1), "fill 5/1: 1 at 10, 1 of 1")
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{}, {MarketData: "md", DayEnds: -1}, {MarketData: "md", DayEnds: 24 * time.Hour}} {
		if _, err := New(c); !errors.Is(err, venue.ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
