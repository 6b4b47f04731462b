//go:build linux

package strategy_test

import (
	"testing"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/strategy"
	"github.com/tickring/tickring/ring"
)

const (
	security = 5602
	unit     = 1_000_000_000 // a price of 1
)

// desk is gateway and venue in one, in the test's own goroutine: work accepts what was sent,
// unless it is to refuse it.
type desk struct {
	dir    string
	pub    *ring.Publisher
	in     *ring.Subscriber
	state  *order.State
	client *order.Client
	venue  uint32
	refuse bool
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// openDesk opens a desk with a client, both in dir.
func openDesk(dir string) *desk {
	d := &desk{dir: dir, state: order.NewState(order.Bounds{})}
	var err error
	d.pub, err = ring.Create("gw", ring.Config{Dir: dir, Capacity: 256 << 10, Schema: order.Schema})
	must(err)
	msgs := d.state.AppendCheckpoint(nil, d.pub.MaxMessage())
	must(d.pub.PublishSnapshot(msgs))
	d.state.Skip(len(msgs))
	d.dial()
	d.in, err = ring.Open(order.InputRing("gw", 7), ring.Options{Dir: dir, Name: "gw"})
	must(err)
	d.say(order.MsgSessionStatus, (&order.SessionStatus{RingID: d.in.RingID(), Epoch: 1, Ring: 7, Status: order.SessionUp}).Bytes())
	d.say(order.MsgSessionStatus, (&order.SessionStatus{RingID: 1, Epoch: 1, Ring: order.RingVenue, Status: order.SessionUp}).Bytes())
	return d
}

func (d *desk) dial() {
	var err error
	d.client, err = order.Dial(order.ClientConfig{Gateway: "gw", Strategy: 7, Dir: d.dir, Capacity: 256 << 10})
	must(err)
}

func (d *desk) close() {
	d.client.Close()
	d.in.Close()
	d.pub.Close()
}

func (d *desk) say(typ order.MsgType, msg []byte) {
	must(d.pub.Publish(uint16(typ), msg))
	must(d.state.Apply(d.pub.Seq(), typ, msg))
}

func (d *desk) report(o *order.Order, clOrdID uint64, exec order.ExecType, status order.OrdStatus, leaves, qty int32) {
	d.venue++
	er := order.ExecutionReport{ClOrdID: clOrdID, OrderID: o.OrderID, Origin: order.Origin{Seq: d.venue, Epoch: 1, Ring: order.RingVenue},
		LastQty: qty, CumQty: o.CumQty + qty, LeavesQty: leaves, SecurityID: o.SecurityID, Strategy: 7, ExecType: exec, OrdStatus: status, Side: o.Side}
	if qty > 0 {
		er.LastPx = o.Price
	}
	d.say(order.MsgExecutionReport, er.Bytes())
}

// fill fills an order wholly.
func (d *desk) fill(o *order.Order) {
	d.report(o, o.ClOrdID, order.ExecTrade, order.StatusFilled, 0, o.LeavesQty())
}

// work deals with all requests, tells the strategy, and returns what they were.
func (d *desk) work(s strategy.Strategy) (all []order.Sent) {
	for {
		msg, st := d.in.Next()
		if st != ring.Message {
			break
		}
		typ := order.MsgType(d.in.Type())
		view, _ := order.AsRequest(msg)
		r := *view
		all = append(all, order.Sent{Request: r, Type: typ})
		if in := d.state.Session(7); r.Origin.Epoch != uint16(in.Epoch) { // of another process
			d.say(order.MsgSessionStatus, (&order.SessionStatus{RingID: in.RingID, Epoch: d.in.Epoch(), Seq: in.Seq, Ring: 7, Status: order.SessionUp}).Bytes())
		}
		if d.refuse {
			d.say(order.MsgExecutionReport, (&order.ExecutionReport{ClOrdID: r.ClOrdID, Origin: r.Origin, SecurityID: r.SecurityID, Strategy: 7,
				ExecType: order.ExecRejected, OrdStatus: order.StatusRejected, Side: r.Side, Text: order.TextMaxQty}).Bytes())
			continue
		}
		d.say(typ, r.Bytes())
		switch o := d.state.Last(); typ {
		case order.MsgNewOrderSingle:
			d.report(o, o.ClOrdID, order.ExecNew, order.StatusNew, o.OrderQty, 0)
		case order.MsgOrderCancelRequest:
			d.report(o, r.ClOrdID, order.ExecCanceled, order.StatusCanceled, 0, 0)
		default:
			d.report(o, r.ClOrdID, order.ExecReplaced, order.StatusNew, r.OrderQty-o.CumQty, 0)
		}
	}
	for e := d.client.Poll(); e != nil; e = d.client.Poll() {
		s.Event(e)
	}
	return all
}

// feed makes books of one instrument.
type feed struct {
	books *book.Books
	seq   uint64
}

func (f *feed) apply(action dbn.Action, side dbn.Side, price float64, id uint64) *book.Book {
	if f.books == nil {
		f.books = book.New(book.Config{})
	}
	f.seq++
	m := dbn.MboMsg{OrderID: id, Price: int64(price * unit), Size: 5, Flags: dbn.FlagLast, Action: action, Side: side}
	m.Length, m.RType, m.InstrumentID = dbn.MboSize/4, dbn.RTypeMbo, security
	return f.books.Apply(&m).Book
}

// quote puts one bid and one ask in the place of those before.
func (f *feed) quote(bid, ask float64) *book.Book {
	f.apply(dbn.ActionClear, dbn.SideNone, 0, 0)
	f.apply(dbn.ActionAdd, dbn.SideBid, bid, f.seq)
	return f.apply(dbn.ActionAdd, dbn.SideAsk, ask, f.seq)
}

func (f *feed) trade(price float64) *book.Book {
	return f.apply(dbn.ActionTrade, dbn.SideBid, price, 0)
}

// want is a request as a test wants it.
type want struct {
	typ   order.MsgType
	side  order.Side
	price float64
}

func check(t *testing.T, what string, got []order.Sent, wants ...want) {
	t.Helper()
	ok := len(got) == len(wants)
	for i := range min(len(got), len(wants)) {
		r := &got[i].Request
		ok = ok && got[i].Type == wants[i].typ && r.Side == wants[i].side && r.Price == int64(wants[i].price*unit)
	}
	if !ok {
		t.Errorf("%s: sent %+v, want %v", what, got, wants)
	}
}
