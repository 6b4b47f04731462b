package venue

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// desk plays the gateway: it publishes requests that are legal, and passes on what the venue
// says. It can be killed as well.
type desk struct {
	t    *testing.T
	dir  string
	rng  *rand.Rand
	pub  *ring.Publisher
	sub  *ring.Subscriber // on the venue's ring
	st   *order.State
	msgs []ring.Outgoing

	hand     []byte // of the venue, not passed on yet
	handType order.MsgType

	sent  []uint64 // requests, by their number in the gateway's ring
	large bool     // orders of 63, and many of them
}

const strategies = 3

func newDesk(t *testing.T, dir string, rng *rand.Rand) *desk {
	d := &desk{t: t, dir: dir, rng: rng}
	d.start()
	return d
}

// start makes or goes on with the gateway's ring, and knows from it where it was.
func (d *desk) start() {
	pub, err := ring.Create("g", ring.Config{Dir: d.dir, Capacity: 8 << 20, Schema: order.Schema, Gates: []ring.Gate{{Name: "v"}}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.pub, d.st, d.hand = pub, order.NewState(order.Bounds{}), nil
	if pub.Seq() > 0 {
		sub, err := ring.Open("g", ring.Options{Dir: d.dir, From: ring.FromMark})
		if err != nil {
			d.t.Fatal(err)
		}
		defer sub.Close()
		if err := order.Recover(sub, d.st, pub.Seq()); err != nil {
			d.t.Fatal(err)
		}
	}
	for n := uint16(1); n <= strategies; n++ {
		if d.st.Session(n) == nil {
			ss := order.SessionStatus{RingID: uint64(n), Epoch: 1, Ring: n, Status: order.SessionUp}
			for !d.publish(order.MsgSessionStatus, ss.Bytes()) {
				d.t.Fatal("no room for the first messages")
			}
		}
	}
}

// kill ends the process; what it had in hand comes again.
func (d *desk) kill() {
	if d.sub != nil {
		d.sub.Abandon()
		d.sub = nil
	}
	d.pub.Close()
}

// publish publishes and applies a message, with a checkpoint before it where a block begins. It
// is false if the venue is in the way.
func (d *desk) publish(typ order.MsgType, msg []byte) bool {
	d.msgs = d.msgs[:0]
	if d.pub.Room() < 128 {
		d.msgs = d.st.AppendCheckpoint(d.msgs, d.pub.MaxMessage())
		if err := d.pub.PublishSnapshot(d.msgs); errors.Is(err, ring.ErrBackPressure) {
			return false
		} else if err != nil {
			d.t.Fatal(err)
		}
		d.st.Skip(len(d.msgs))
	}
	switch err := d.pub.Publish(uint16(typ), msg); {
	case errors.Is(err, ring.ErrBackPressure):
		return false
	case err != nil:
		d.t.Fatal(err)
	}
	if err := d.st.Apply(d.pub.Seq(), typ, msg); err != nil {
		d.t.Fatal(err)
	}
	return true
}

// request sends a request, if the strategy can send one.
func (d *desk) request() {
	if len(d.st.Requests()) > 50 {
		return // checkpoints have to fit into a block
	}
	strategy := uint16(1 + d.rng.IntN(strategies))
	in := d.st.Session(strategy)
	r := order.Request{ClOrdID: in.LastClOrdID + 1, Price: int64(1+d.rng.IntN(9)) * 1e9, OrderQty: int32(1 + d.rng.IntN(20)), SecurityID: 7,
		Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GTC,
		Origin: order.Origin{Seq: uint32(in.Seq + 1), Epoch: 1, Ring: strategy}}
	typ := order.MsgNewOrderSingle
	if d.rng.IntN(4) > 0 && len(d.st.Orders()) > 0 {
		o := d.st.Orders()[d.rng.IntN(len(d.st.Orders()))]
		if o.Strategy != strategy || o.Pending.Kind != 0 {
			return
		}
		r.OrigClOrdID, r.SecurityID, r.Side = o.ClOrdID, o.SecurityID, o.Side
		typ = order.MsgOrderCancelReplaceRequest
		if r.OrderQty += o.CumQty; d.rng.IntN(2) == 0 || len(d.st.Orders()) > 20 {
			typ = order.MsgOrderCancelRequest
			r.Price, r.OrderQty, r.OrdType, r.TimeInForce = 0, 0, 0, 0
		}
	} else if len(d.st.Orders()) > 25 && !d.large || len(d.st.Orders()) > 400 {
		return
	} else if d.large {
		r.OrderQty = MaxReports - 1
	}
	if d.publish(typ, r.Bytes()) {
		d.sent = append(d.sent, d.pub.Seq())
	}
}

// pass passes a message of the venue on. It is false if there is none, or no room.
func (d *desk) pass() bool {
	if d.sub == nil && !d.open() {
		return false
	}
	if d.hand == nil {
		msg, status := d.sub.Next()
		switch status {
		case ring.Message:
			d.hand, d.handType = msg, order.MsgType(d.sub.Type())
		case ring.Empty, ring.Closed:
			return false
		default:
			d.t.Fatalf("the venue's ring: %v", status)
		}
	}
	in := d.st.Session(order.RingVenue)
	if d.sub.Seq() <= in.Seq {
		d.hand = nil
		return true
	}
	if d.sub.Seq() != in.Seq+1 {
		d.t.Fatalf("message %d of the venue follows %d", d.sub.Seq(), in.Seq)
	}
	o := order.Origin{Seq: uint32(d.sub.Seq()), Epoch: 1, Ring: order.RingVenue}
	typ, out := d.handType, d.hand
	switch typ {
	case order.MsgExecutionReport:
		er, _ := order.AsExecutionReport(d.hand)
		c := *er
		if err := d.st.CheckReport(er); err != nil {
			d.t.Fatal(err)
		}
		c.Origin = o
		out = c.Bytes()
	case order.MsgOrderCancelReject:
		cr, _ := order.AsOrderCancelReject(d.hand)
		c := *cr
		if err := d.st.CheckCancelReject(cr); err != nil {
			d.t.Fatal(err)
		}
		c.Origin = o
		out = c.Bytes()
	case order.MsgVenueStatus:
		vs, _ := order.AsVenueStatus(d.hand)
		c := *vs
		c.Origin = o
		out = c.Bytes()
	}
	if !d.publish(typ, out) {
		return false
	}
	d.hand = nil
	return true
}

func (d *desk) open() bool {
	sub, err := ring.Open("v", ring.Options{Dir: d.dir, Name: "g"})
	if errors.Is(err, ring.ErrNoRing) {
		return false
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if sub.Gate() != ring.GateHolding {
		d.t.Fatal("the venue's ring does not wait for the gateway")
	}
	d.sub = sub
	in := d.st.Session(order.RingVenue)
	if in == nil || in.RingID != sub.RingID() {
		info, _ := sub.Info()
		ss := order.SessionStatus{RingID: sub.RingID(), Epoch: 1, Seq: max(info.Cursor, 1) - 1, Ring: order.RingVenue, Status: order.SessionUp}
		if !d.publish(order.MsgSessionStatus, ss.Bytes()) {
			sub.Abandon()
			d.sub = nil
			return false
		}
	}
	return true
}

// auditor reads the venue's ring on its own and keeps books that share nothing with State.
type auditor struct {
	t        *testing.T
	sub      *ring.Subscriber
	answered map[uint32]bool
	answers  []uint32 // in order
	open     map[uint64]*book
	closed   map[uint64]bool
	reports  int
	statuses int
	since    int // reports since the last VenueStatus
}

type book struct {
	clOrdID  uint64
	qty, cum int32
}

func newAuditor(t *testing.T, dir string) *auditor {
	sub, err := ring.Open("v", ring.Options{Dir: dir, From: ring.FromOldest})
	if err != nil {
		t.Fatal(err)
	}
	return &auditor{t: t, sub: sub, answered: map[uint32]bool{}, open: map[uint64]*book{}, closed: map[uint64]bool{}}
}

// read reads what there is.
func (a *auditor) read() {
	for {
		msg, status := a.sub.Next()
		switch status {
		case ring.Message:
			a.message(order.MsgType(a.sub.Type()), msg)
		case ring.Empty, ring.Closed:
			return
		default:
			a.t.Fatalf("auditor: %v", status)
		}
	}
}

func (a *auditor) message(typ order.MsgType, msg []byte) {
	if typ == order.MsgVenueStatus {
		a.statuses++
		a.since = 0
		return
	}
	a.reports++
	if a.since++; a.since > leastCapacity/64/frame {
		a.t.Fatal("a block of the venue's ring has no VenueStatus")
	}
	o, ok := originOf(typ, msg)
	if !ok {
		a.t.Fatalf("the venue published a message of type %v", typ)
	}
	// Answers to one request stand together, and those to different ones in order.
	if last := len(a.answers) - 1; o.Ring != order.RingVenue && (last < 0 || a.answers[last] != o.Seq) {
		if a.answered[o.Seq] || last >= 0 && a.answers[last] > o.Seq {
			a.t.Fatalf("request %d was answered again, or late", o.Seq)
		}
		a.answered[o.Seq] = true
		a.answers = append(a.answers, o.Seq)
	}
	if typ == order.MsgOrderCancelReject {
		return
	}
	er, _ := order.AsExecutionReport(msg)
	b := a.open[er.OrderID]
	switch er.ExecType {
	case order.ExecNew:
		if b != nil || a.closed[er.OrderID] {
			a.t.Fatalf("order %d is new again", er.OrderID)
		}
		a.open[er.OrderID] = &book{clOrdID: er.ClOrdID, qty: er.LeavesQty}
		return
	case order.ExecRejected:
		if b != nil || a.closed[er.OrderID] {
			a.t.Fatalf("order %d was rejected after it was new", er.OrderID)
		}
		a.closed[er.OrderID] = true
		return
	}
	if b == nil {
		a.t.Fatalf("report %v about order %d, which is not open", er.ExecType, er.OrderID)
	}
	switch er.ExecType {
	case order.ExecTrade:
		b.cum += er.LastQty
		if er.CumQty != b.cum || er.LeavesQty != b.qty-b.cum || er.LeavesQty < 0 {
			a.t.Fatalf("order %d: a fill of %d to %d with %d left; the books have %d of %d", er.OrderID, er.LastQty, er.CumQty, er.LeavesQty, b.cum, b.qty)
		}
	case order.ExecReplaced:
		b.clOrdID, b.qty = er.ClOrdID, er.CumQty+er.LeavesQty
	case order.ExecCanceled:
		b.qty = b.cum
	}
	if b.qty == b.cum {
		delete(a.open, er.OrderID)
		a.closed[er.OrderID] = true
	}
}

// check compares what a venue was given to recover with the books.
func (a *auditor) check(rec Recovery) error {
	if len(rec.Orders) != len(a.open) || len(rec.Requests) != 0 {
		return fmt.Errorf("%d orders and %d requests were recovered; %d are open", len(rec.Orders), len(rec.Requests), len(a.open))
	}
	for i, o := range rec.Orders {
		b := a.open[o.OrderID]
		if b == nil || b.clOrdID != o.ClOrdID || b.qty != o.OrderQty || b.cum != o.CumQty || o.Pending.Kind != 0 {
			return fmt.Errorf("recovered %+v; the books have %+v", o, b)
		}
		if i > 0 && rec.Orders[i-1].OrderID >= o.OrderID {
			return errors.New("recovered orders are not by OrderID")
		}
	}
	return nil
}
