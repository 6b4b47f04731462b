package fix

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// rig is a session with its counterparty, driven as the runner does, and the orders as those
// who read the reports have them.
type rig struct {
	t     *testing.T
	name  string
	c     *counterparty
	w     *wire
	s     *Session
	dir   string
	seq   uint64
	out   *venue.Reports
	ers   []order.ExecutionReport // reported, not looked at yet
	crs   []order.OrderCancelReject
	books map[uint64]*order.Order

	marks int

	mu     sync.Mutex
	events []Event
}

const strategy = 7

func newRig(t *testing.T) *rig {
	r := &rig{t: t, name: "T" + strings.ReplaceAll(t.Name(), "/", "_"), dir: t.TempDir(), out: venue.NewReports(), books: map[uint64]*order.Order{}, seq: 100}
	r.c = newCounterparty(t, r.name)
	r.w = newWire(t, r.c.port)
	r.start()
	t.Cleanup(func() { r.s.Close() })
	return r
}

func (r *rig) config() Config {
	text := fmt.Sprintf("[DEFAULT]\nFileStorePath=%s\nFileStoreSync=N\nReconnectInterval=1\nLogoutTimeout=1\nHeartBtInt=30\nAccount=ACC\n"+
		"[SESSION]\nBeginString=FIX.4.4\nSenderCompID=%s\nTargetCompID=VENUE\nSocketConnectHost=127.0.0.1\nSocketConnectPort=%d\n[SYMBOLS]\n17077=ESH4\n",
		r.dir, r.name, r.w.port())
	cfg, err := ReadConfig(strings.NewReader(text), "test.cfg")
	if err != nil {
		r.t.Fatal(err)
	}
	cfg.Notify = func(e Event) {
		r.mu.Lock()
		r.events = append(r.events, e)
		r.mu.Unlock()
	}
	return cfg
}

// start starts a session with the orders that the rings would tell of.
func (r *rig) start() {
	r.t.Helper()
	s, err := New(r.config())
	if err != nil {
		r.t.Fatal(err)
	}
	r.s = s
	rec := venue.Recovery{GatewaySeq: r.seq}
	for _, o := range r.books {
		rec.Orders = append(rec.Orders, *o)
	}
	slices.SortFunc(rec.Orders, func(a, b order.Order) int { return int(a.OrderID) - int(b.OrderID) })
	if err := s.Recover(rec); err != nil {
		r.t.Fatal(err)
	}
	r.loggedOn()
}

// kill ends the session: what it has in memory is gone.
func (r *rig) kill() { r.s.Close() }

func (r *rig) loggedOn() {
	r.t.Helper()
	select {
	case <-r.c.logons:
	case <-time.After(waitFor):
		r.t.Fatalf("no logon: %v", r.events)
	}
	r.until("the session to be up", func() bool { return r.s.LoggedOn() && r.s.on })
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(waitFor); !ok(); {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain for %s; %v", what, r.events)
		}
		r.turn()
		time.Sleep(time.Millisecond)
	}
}

// heard says whether the session has told of this.
func (r *rig) heard(kind EventKind, text string) func() bool {
	return func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.ContainsFunc(r.events, func(e Event) bool { return e.Kind == kind && strings.Contains(e.Text, text) })
	}
}

func (r *rig) turn() {
	r.t.Helper()
	r.out.Reset(venue.MaxReports)
	if _, err := r.s.Turn(r.out); err != nil {
		r.t.Fatal(err)
	}
	r.take()
}

// take applies what was reported to the books: it has to be legal.
func (r *rig) take() {
	r.t.Helper()
	for i := range r.out.Len() {
		if er := r.out.Execution(i); er != nil {
			o := r.books[er.OrderID]
			if o == nil {
				r.t.Fatalf("a report about order %d, which is not open: %+v", er.OrderID, er)
			}
			if err := o.Report(er); err != nil {
				r.t.Fatal(err)
			}
			if !o.Open() && o.Pending.Kind == order.PendingNone {
				delete(r.books, er.OrderID)
			}
			r.ers = append(r.ers, *er)
			continue
		}
		cr := r.out.CancelRejection(i)
		if o := r.books[cr.OrderID]; o != nil {
			if !o.Open() {
				delete(r.books, cr.OrderID)
			} else if err := o.CancelReject(cr); err != nil {
				r.t.Fatal(err)
			}
		}
		r.crs = append(r.crs, *cr)
	}
}

// request has the session deal with a request.
func (r *rig) request(typ order.MsgType, q order.Request, expired bool) uint64 {
	r.t.Helper()
	r.seq++
	q.Origin.Ring, q.SecurityID, q.Side = strategy, 17077, order.Buy
	if typ == order.MsgNewOrderSingle {
		r.books[r.seq] = &order.Order{OrderID: r.seq, ClOrdID: q.ClOrdID, Price: q.Price, SecurityID: q.SecurityID, OrderQty: q.OrderQty,
			Strategy: strategy, Side: q.Side, OrdType: q.OrdType, TimeInForce: q.TimeInForce}
	} else {
		for _, o := range r.books {
			if o.ClOrdID == q.OrigClOrdID {
				o.Pending = order.Pending{ClOrdID: q.ClOrdID, Seq: r.seq, Price: q.Price, OrderQty: q.OrderQty, Kind: order.Kind(typ)}
			}
		}
	}
	r.out.Reset(venue.MaxReports)
	if err := r.s.Request(r.seq, typ, &q, expired, r.out); err != nil {
		r.t.Fatal(err)
	}
	if r.out.Len() == 0 {
		r.t.Fatal("a request was not answered")
	}
	r.take()
	return r.seq
}

func (r *rig) buy(clOrdID uint64, qty int32) uint64 {
	r.t.Helper()
	return r.request(order.MsgNewOrderSingle, order.Request{ClOrdID: clOrdID, Price: 5_000_250_000_000, OrderQty: qty, OrdType: order.Limit, TimeInForce: order.Day}, false)
}

func (r *rig) cancel(clOrdID, orig uint64) {
	r.t.Helper()
	r.request(order.MsgOrderCancelRequest, order.Request{ClOrdID: clOrdID, OrigClOrdID: orig}, false)
}

func (r *rig) replace(clOrdID, orig uint64, qty int32) {
	r.t.Helper()
	r.request(order.MsgOrderCancelReplaceRequest, order.Request{ClOrdID: clOrdID, OrigClOrdID: orig, Price: 4_999_000_000_000, OrderQty: qty, OrdType: order.Limit, TimeInForce: order.Day}, false)
}

// next returns the next message that the venue gets, which has to be of this type.
func (r *rig) next(typ string) *quickfix.Message {
	r.t.Helper()
	r.until("a message to get to the venue", func() bool { return len(r.c.got) > 0 })
	return r.c.next(typ)
}

// wait returns the next report, which has to be of this type.
func (r *rig) wait(what order.ExecType) order.ExecutionReport {
	r.t.Helper()
	r.until("a report", func() bool { return len(r.ers) > 0 })
	er := r.ers[0]
	r.ers = r.ers[1:]
	if er.ExecType != what {
		r.t.Fatalf("report %+v, want ExecType %v", er, what)
	}
	return er
}

func (r *rig) waitReject() order.OrderCancelReject {
	r.t.Helper()
	r.until("an OrderCancelReject", func() bool { return len(r.crs) > 0 })
	cr := r.crs[0]
	r.crs = r.crs[1:]
	return cr
}

// open has an order accepted.
func (r *rig) open(clOrdID uint64, qty int32) uint64 {
	r.t.Helper()
	id := r.buy(clOrdID, qty)
	r.wait(order.ExecPendingNew)
	r.turn()
	r.next("D")
	r.c.report(fmt.Sprintf("7-%d", clOrdID), "0", "0", "14=0", fmt.Sprintf("151=%d", qty), "6=0")
	if er := r.wait(order.ExecNew); er.OrderID != id {
		r.t.Fatalf("%+v", er)
	}
	return id
}

// quiet checks that nothing else was reported of what the venue has said.
func (r *rig) quiet() {
	r.t.Helper()
	r.marks++
	mark := fmt.Sprintf("7-%d", 90000+r.marks)
	r.c.report(mark, "0", "0", "14=0", "151=1", "6=0")
	r.until("a message that fits no order", r.heard(Unmatched, "11="+mark+"|"))
	if len(r.ers)+len(r.crs) > 0 {
		r.t.Fatalf("reported besides: %+v %+v", r.ers, r.crs)
	}
}

func TestOrderOfALife(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.buy(1, 10)
	er := r.wait(order.ExecPendingNew)
	if er.OrdStatus != order.StatusPendingNew || er.LeavesQty != 10 {
		t.Errorf("%+v", er)
	}
	select {
	case m := <-r.c.got:
		t.Fatalf("sent before its intent was published: %s", printable(m))
	default:
	}
	r.turn()
	r.c.wants(r.next("D"), "11=7-1", "1=ACC", "55=ESH4", "54=1", "38=10", "40=2", "44=5000.25", "59=0", "21=1")
	r.c.report("7-1", "A", "A", "14=0", "151=10", "6=0") // says nothing new
	r.c.report("7-1", "0", "0", "14=0", "151=10", "6=0")
	r.wait(order.ExecNew)

	r.c.report("7-1", "F", "1", "32=4", "31=5000.25", "14=4", "151=6", "6=5000.25")
	if er = r.wait(order.ExecTrade); er.LastQty != 4 || er.LastPx != 5_000_250_000_000 || er.CumQty != 4 || er.LeavesQty != 6 {
		t.Errorf("%+v", er)
	}
	r.replace(2, 1, 8)
	r.wait(order.ExecPendingReplace)
	r.turn()
	r.c.wants(r.next("G"), "11=7-2", "41=7-1", "38=8", "44=4999", "54=1", "55=ESH4")
	r.c.report("7-2", "5", "1", "41=7-1", "14=4", "151=4", "6=5000.25")
	if er = r.wait(order.ExecReplaced); er.ClOrdID != 2 || er.LeavesQty != 4 {
		t.Errorf("%+v", er)
	}

	r.cancel(3, 2)
	r.wait(order.ExecPendingCancel)
	r.turn()
	r.c.wants(r.next("F"), "11=7-3", "41=7-2", "38=8", "54=1", "55=ESH4")
	r.c.say("9", "37=V1", "11=7-3", "41=7-2", "39=1", "434=1", "102=2")
	if cr := r.waitReject(); cr.ClOrdID != 3 || cr.OrigClOrdID != 2 || cr.CxlRejReason != order.CxlBroker || cr.OrdStatus != order.StatusPartiallyFilled {
		t.Errorf("%+v", cr)
	}
	r.cancel(order.GatewayBit|2, 2)
	r.wait(order.ExecPendingCancel)
	r.turn()
	own := fmt.Sprintf("7-2.%d", r.seq)
	r.c.wants(r.next("F"), "11="+own, "41=7-2")
	r.c.report("7-2", "F", "1", "32=1", "31=4999", "14=5", "151=3", "6=5000") // crosses the cancel
	r.wait(order.ExecTrade)
	r.c.report(own, "4", "4", "41=7-2", "14=5", "151=0", "6=5000")
	if er = r.wait(order.ExecCanceled); er.ClOrdID != order.GatewayBit|2 || er.CumQty != 5 || er.LeavesQty != 0 {
		t.Errorf("%+v", er)
	}

	r.open(4, 3)
	r.cancel(5, 4)
	r.wait(order.ExecPendingCancel)
	r.next("F")
	r.c.report("7-4", "F", "2", "32=3", "31=5000", "14=3", "151=0", "6=5000")
	if er = r.wait(order.ExecTrade); er.OrdStatus != order.StatusFilled {
		t.Errorf("%+v", er)
	}
	// Whatever the venue says of the cancel, it is too late.
	if cr := r.waitReject(); cr.ClOrdID != 5 || cr.CxlRejReason != order.CxlTooLate {
		t.Errorf("%+v", cr)
	}
	r.open(6, 3)
	r.c.report("7-6", "C", "C", "14=0", "151=0", "6=0")
	r.wait(order.ExecExpired)
	r.quiet()
	if len(r.books) != 0 {
		t.Errorf("open still: %+v", r.books)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.buy(1, 10)
	r.wait(order.ExecPendingNew)
	r.turn()
	r.next("D")
	r.c.report("7-1", "8", "8", "14=0", "151=0", "6=0", "103=3")
	if er := r.wait(order.ExecRejected); er.OrdRejReason != order.RejExceedsLimit || er.Text != order.TextVenue || er.LeavesQty != 0 {
		t.Errorf("%+v", er)
	}
	// BusinessMessageReject, and Reject of the session, name a number or a ClOrdID.
	r.buy(2, 10)
	r.wait(order.ExecPendingNew)
	r.turn()
	seq, _ := r.next("D").Header.GetInt(tagMsgSeqNum)
	r.c.say("j", fmt.Sprintf("45=%d", seq), "372=D", "380=4")
	r.wait(order.ExecRejected)
	r.buy(3, 10)
	r.wait(order.ExecPendingNew)
	r.turn()
	seq, _ = r.next("D").Header.GetInt(tagMsgSeqNum)
	r.c.say("3", fmt.Sprintf("45=%d", seq), "372=D", "373=5")
	r.wait(order.ExecRejected)
	r.open(4, 10)
	r.replace(5, 4, 20)
	r.wait(order.ExecPendingReplace)
	r.turn()
	r.next("G")
	r.c.say("j", "379=7-5", "45=999999", "372=G", "380=0")
	if cr := r.waitReject(); cr.ClOrdID != 5 || cr.CxlRejResponseTo != order.ToReplace || cr.OrdStatus != order.StatusNew {
		t.Errorf("%+v", cr)
	}
	// Ours: expired, unknown instrument, unknown order.
	r.request(order.MsgNewOrderSingle, order.Request{ClOrdID: 6, OrderQty: 1, Price: 1, OrdType: order.Limit, TimeInForce: order.Day}, true)
	if er := r.wait(order.ExecRejected); er.Text != order.TextExpired || er.OrdRejReason != order.RejTooLate {
		t.Errorf("%+v", er)
	}
	r.cancel(8, 7777)
	if cr := r.waitReject(); cr.CxlRejReason != order.CxlTooLate || cr.OrdStatus != order.StatusRejected || cr.OrderID != 0 {
		t.Errorf("%+v", cr)
	}
	delete(r.s.cfg.Symbols, 17077)
	r.buy(9, 1)
	if er := r.wait(order.ExecRejected); er.Text != order.TextUnknownSecurity || er.OrdRejReason != order.RejUnknownSymbol {
		t.Errorf("%+v", er)
	}
	// What does not fit a record goes back to the venue.
	for _, bad := range []string{"32=1.5", "32=9999999999", "31=99999999999", "31=x"} {
		r.c.report("7-4", "F", "1", "14=1", "151=9", "6=1", bad)
		select {
		case <-r.c.rejects:
		case <-time.After(waitFor):
			t.Fatalf("no Reject of %s", bad)
		}
	}
	r.quiet()
	select {
	case m := <-r.c.got:
		t.Errorf("sent: %s", printable(m))
	default:
	}
}

// A fill that comes again, as a possible duplicate, a resend or under another ExecID, is
// reported once.
func TestFillsAreReportedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.open(1, 10)
	for _, f := range []string{"97=N", "97=Y", "97=N"} {
		r.c.report("7-1", "F", "1", "32=4", "31=5000.25", "14=4", "151=6", "6=5000.25", f)
	}
	if er := r.wait(order.ExecTrade); er.CumQty != 4 {
		t.Errorf("%+v", er)
	}
	r.c.report("7-1", "0", "0", "14=0", "151=10", "6=0", "97=Y")
	r.quiet()
	before := r.s.Counts().Unmatched
	if n := r.s.Counts().Repeated; n != 3 {
		t.Errorf("%d repeated", n)
	}
	// One report was lost somewhere: the next one has both fills' quantity, and AvgPx their price.
	r.c.report("7-1", "F", "1", "32=1", "31=5002", "14=7", "151=3", "6=5000.75")
	if er := r.wait(order.ExecTrade); er.LastQty != 3 || er.CumQty != 7 || er.LastPx != 5_001_416_666_667 {
		t.Errorf("%+v", er)
	}
	// A correction changes nothing, and is told.
	r.c.report("7-1", "H", "1", "32=1", "31=5002", "14=6", "151=4", "6=5000")
	r.c.report("7-1", "F", "2", "32=9", "31=5002", "14=16", "151=0", "6=5000") // more than ordered
	r.quiet()
	if n := r.s.Counts().Unmatched - before; n != 3 { // with that of quiet
		t.Errorf("%d unmatched", n)
	}
}

// The connection breaks. What the venue said meanwhile comes again and is reported once; an
// order that got lost is not sent again when the venue asks for it: what became of it is asked
// for.
func TestDroppedConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.open(1, 10)
	r.w.close(true)
	r.until("the session to be down", func() bool { return !r.s.LoggedOn() && !r.s.on })
	r.c.report("7-1", "F", "1", "32=4", "31=5000.25", "14=4", "151=6", "6=5000.25") // sent into the void
	r.buy(2, 1)
	if er := r.wait(order.ExecRejected); er.Text != order.TextOffline || er.OrdRejReason != order.RejExchangeClosed {
		t.Errorf("%+v", er)
	}
	r.cancel(3, 1)
	if cr := r.waitReject(); cr.Text != order.TextOffline || cr.OrderID != id {
		t.Errorf("%+v", cr)
	}
	r.w.close(false)
	r.loggedOn()
	r.wait(order.ExecTrade)
	r.c.wants(r.next("H"), "11=7-1", "790=0")
	r.c.report("7-1", "I", "1", "790=0", "14=4", "151=6", "6=5000.25")
	r.quiet()

	// An order is lost on the way.
	r.w.loses()
	r.buy(4, 1)
	r.wait(order.ExecPendingNew)
	sent := r.s.Counts().Sent
	r.until("the order to be sent", func() bool { return r.s.Counts().Sent > sent })
	r.w.cut()
	if er := r.wait(order.ExecOrderStatus); er.Text != order.TextInDoubt || er.ClOrdID != 4 {
		t.Errorf("%+v", er)
	}
	r.loggedOn()
	seen := map[string]bool{}
	for !seen["11=7-1"] || !seen["11=7-4"] {
		m := r.next("H") // and no D
		for _, f := range []string{"11=7-1", "11=7-4"} {
			if strings.Contains("|"+printable(m)+"|", "|"+f+"|") {
				seen[f] = true
			}
		}
	}
	r.until("the order to be asked for again by the venue, and withheld", func() bool { return r.s.Counts().Withheld > 0 })
	r.c.report("7-4", "I", "8", "14=0", "151=0", "6=0", "103=5")
	if er := r.wait(order.ExecRejected); er.ClOrdID != 4 || er.OrdRejReason != order.RejUnknownOrder {
		t.Errorf("%+v", er)
	}
}

// Killed with orders and requests that have no answer: they are in doubt until the venue has
// told, and nothing is sent a second time.
func TestRestartInDoubt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.open(1, 10) // is replaced while nobody looks
	r.open(2, 10) // is canceled
	r.open(3, 10) // is filled, its cancel is too late
	r.open(4, 10) // its cancel never got there
	r.open(5, 10) // is forgotten by the venue
	r.buy(6, 10)  // got there
	r.buy(7, 10)  // did not
	r.buy(8, 10)  // has been partly filled
	r.replace(11, 1, 20)
	r.cancel(12, 2)
	r.cancel(13, 3)
	r.cancel(14, 4)
	r.turn()
	for range 3 {
		r.next("D")
	}
	r.next("G")
	for range 3 {
		r.next("F")
	}
	r.ers = nil
	r.kill()
	r.start()
	doubt := map[uint64]bool{}
	for range 7 {
		er := r.wait(order.ExecOrderStatus)
		if er.Text != order.TextInDoubt {
			t.Errorf("%+v", er)
		}
		doubt[er.ClOrdID] = true
	}
	for _, n := range []uint64{6, 7, 8, 11, 12, 13, 14} {
		if !doubt[n] {
			t.Errorf("%d is not in doubt", n)
		}
	}
	asked := map[string]string{}
	for range 9 { // by the replace's ClOrdID, too
		m := r.next("H")
		id, _ := m.Body.GetString(tagClOrdID)
		asked[id], _ = m.Body.GetString(tagOrdStatusReqID)
	}
	if len(asked) != 9 || asked["7-6"] != "0" || asked["7-4"] == "0" {
		t.Fatalf("asked for %v", asked)
	}
	say := func(id, status string, fields ...string) {
		r.c.report(id, "I", status, append(fields, "790="+asked[id])...)
	}
	say("7-1", "8", "14=0", "151=0", "6=0", "103=5") // not by this ClOrdID any more
	say("7-11", "0", "14=0", "151=20", "6=0")
	if er := r.wait(order.ExecReplaced); er.ClOrdID != 11 || er.LeavesQty != 20 {
		t.Errorf("%+v", er)
	}
	say("7-2", "4", "14=0", "151=0", "6=0")
	if er := r.wait(order.ExecCanceled); er.ClOrdID != 12 {
		t.Errorf("%+v", er)
	}
	say("7-3", "2", "14=10", "151=0", "6=5000.5")
	if er := r.wait(order.ExecTrade); er.LastQty != 10 || er.LastPx != 5_000_500_000_000 || er.OrdStatus != order.StatusFilled {
		t.Errorf("%+v", er)
	}
	if cr := r.waitReject(); cr.ClOrdID != 13 || cr.CxlRejReason != order.CxlTooLate {
		t.Errorf("%+v", cr)
	}
	say("7-4", "0", "14=0", "151=10", "6=0")
	if cr := r.waitReject(); cr.ClOrdID != 14 || cr.OrdStatus != order.StatusNew {
		t.Errorf("%+v", cr)
	}
	say("7-5", "8", "14=0", "151=0", "6=0", "103=5")
	if er := r.wait(order.ExecOrderStatus); er.ClOrdID != 5 || er.Text != order.TextInDoubt {
		t.Errorf("%+v", er)
	}
	say("7-6", "A", "14=0", "151=10", "6=0") // it has it, and has not accepted it
	if er := r.wait(order.ExecOrderStatus); er.ClOrdID != 6 || er.Text != order.TextNone || er.OrdStatus != order.StatusPendingNew {
		t.Errorf("%+v", er)
	}
	r.c.report("7-6", "0", "0", "14=0", "151=10", "6=0")
	r.wait(order.ExecNew)
	say("7-7", "8", "14=0", "151=0", "6=0", "103=5")
	r.wait(order.ExecRejected)
	say("7-8", "1", "14=3", "151=7", "6=5000")
	r.wait(order.ExecNew)
	if er := r.wait(order.ExecTrade); er.LastQty != 3 || er.LastPx != 5_000_000_000_000 {
		t.Errorf("%+v", er)
	}
	r.quiet()
	for {
		select {
		case m := <-r.c.got:
			t.Errorf("sent besides: %s", printable(m))
			continue
		default:
		}
		break
	}
	if len(r.books) != 5 {
		t.Errorf("%d open orders", len(r.books))
	}
	// In doubt no more, but for the one that the venue does not know.
	for _, o := range r.books {
		if o.InDoubt() != (o.ClOrdID == 5) {
			t.Errorf("order %d: in doubt %v", o.ClOrdID, o.InDoubt())
		}
	}
}

// An answer to a question says nothing of a cancel that was sent after it.
func TestAnswerBeforeCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.open(1, 10)
	r.kill()
	r.start()
	m := r.next("H")
	r.c.wants(m, "11=7-1", "790=0")
	r.cancel(2, 1)
	r.wait(order.ExecPendingCancel)
	r.turn()
	r.next("F")
	r.c.report("7-1", "I", "0", "790=0", "14=0", "151=10", "6=0")
	r.quiet()
	r.c.report("7-2", "4", "4", "41=7-1", "14=0", "151=0", "6=0")
	r.wait(order.ExecCanceled)
}

func TestConfigErrorsNameTheLine(t *testing.T) {
	const session = "[SESSION]\nBeginString=FIX.4.4\nSenderCompID=A\nTargetCompID=B\nSocketConnectHost=h\nSocketConnectPort=1\nHeartBtInt=30\nFileStorePath=x\n"
	for text, want := range map[string]string{
		"":                          "no sessions declared",
		session:                     "[SYMBOLS]",
		"# a\nnonsense\n":           "f.cfg:2: ",
		"\nName=value\n" + session:  "f.cfg:2: ",
		session + "nonsense\n":      "f.cfg:9: ",
		session + "[SYMBOL]\n1=A\n": "f.cfg:9: ",
		"[SYMBOLS]\n1=A\n" + strings.Replace(session, "Port=1", "Port=x", 1):       "SocketConnectPort",
		session + "[SYMBOLS]\nx=ES\n":                                              "f.cfg:10: ",
		session + "[SYMBOLS]\n1=\n":                                                "f.cfg:10: ",
		session + "[SYMBOLS]\n\n1=A\n1=B":                                          "f.cfg:12: ",
		"[SYMBOLS]\n1=A\n" + strings.Replace(session, "FIX.4.4", "FIX.4.2", 1):     "FIX.4.4 is what",
		"[SYMBOLS]\n1=A\n" + strings.Replace(session, "FileStorePath=x", "", 1):    "FileStorePath is not set",
		"[SYMBOLS]\n1=A\n" + session + "ConnectionType=acceptor":                   "initiator",
		"[SYMBOLS]\n1=A\n" + session + strings.Replace(session, "=B\n", "=C\n", 1): "2 sessions",
	} {
		_, err := ReadConfig(strings.NewReader(text), "f.cfg")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "f.cfg") {
			t.Errorf("%q: %v", text, err)
		}
	}
	cfg, err := ReadConfig(strings.NewReader(" [symbols]\r\n# a note\n 17077 = ESH4 \n"+session), "f.cfg")
	if err != nil || cfg.Symbols[17077] != "ESH4" {
		t.Errorf("%v, %v", cfg.Symbols, err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("no settings are no error")
	}
}

func TestRefusedLogonAndNoConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.c.refuse.Store("not today")
	r.w.cut()
	r.until("the reason", r.heard(Refused, "not today"))
	r.w.ln.Close()
	r.w.cut()
	r.until("no connection", r.heard(Unreachable, "Failed to connect"))
	if r.s.LoggedOn() {
		t.Error("logged on")
	}
}

func TestExampleIsAConfig(t *testing.T) {
	cfg, err := ReadConfig(strings.NewReader(Example), "example.cfg")
	if err != nil || cfg.Symbols[17077] != "ESH4" {
		t.Errorf("%v, %v", cfg.Symbols, err)
	}
}
