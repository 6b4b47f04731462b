package audit

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// tale is a strategy, a gateway and a venue that follow a script: what they publish is real,
// and what decides on it is the test. tamper changes what is published.
type tale struct {
	t      *testing.T
	dir    string
	in, g  *ring.Publisher
	v, op  *ring.Publisher
	told   []*message // of the venue
	passed int
	puts   map[string]int
	tamper func(ring string, n int, typ order.MsgType, data []byte) []piece // nil: as it is
	sent   []byte                                                           // the last that was published, as tamper left it
}

// piece is a message that takes the place of another.
type piece struct {
	typ  order.MsgType
	data []byte
}

const strategy = 7

func newTale(t *testing.T) *tale {
	dir := shmDir(t)
	w := &tale{t: t, dir: dir, puts: map[string]int{}}
	w.in = w.create("g.in.7")
	w.g = w.create("g")
	w.v = w.create("v")
	w.op = w.create("g.in.operator")
	return w
}

func (w *tale) create(name string) *ring.Publisher {
	w.t.Helper()
	p, err := ring.Create(name, ring.Config{Dir: w.dir, Capacity: 1 << 18, Schema: order.Schema, Heartbeat: -1})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { p.Close() })
	return p
}

// put publishes a record, or what tamper makes of it, and returns its number.
func (w *tale) put(p *ring.Publisher, typ order.MsgType, record any) uint64 {
	w.t.Helper()
	data := make([]byte, order.Size)
	if n, err := binary.Encode(data, binary.LittleEndian, record); err != nil || n > order.Size {
		w.t.Fatal(n, err)
	}
	w.puts[p.Name()]++
	pieces := []piece{{typ, data}}
	if w.tamper != nil {
		pieces = w.tamper(p.Name(), w.puts[p.Name()], typ, data)
	}
	w.sent = data
	for _, x := range pieces {
		if err := p.Publish(uint16(x.typ), x.data); err != nil {
			w.t.Fatal(err)
		}
		if p == w.v {
			w.told = append(w.told, &message{p.Seq(), x.typ, bytes.Clone(x.data)})
		}
	}
	return p.Seq()
}

// send publishes a strategy's request.
func (w *tale) send(typ order.MsgType, r order.Request) order.Request {
	r.Origin = order.Origin{Seq: uint32(w.in.Seq() + 1), Epoch: uint16(w.in.Epoch()), Ring: strategy}
	r.SecurityID, r.Side = 42, order.Buy
	if typ != order.MsgOrderCancelRequest {
		r.OrdType, r.TimeInForce = order.Limit, order.Day
	}
	w.put(w.in, typ, r)
	return decode[order.Request](&message{data: w.sent})
}

// forward has the gateway forward it.
func (w *tale) forward(typ order.MsgType, r order.Request) uint64 { return w.put(w.g, typ, r) }

// report has the venue report on request seq, or by itself (0).
func (w *tale) report(seq uint64, r order.ExecutionReport) {
	r.Origin = order.Origin{Seq: uint32(seq), Epoch: 1, Ring: strategy}
	if seq == 0 {
		r.Origin = order.Origin{Ring: order.RingVenue}
	}
	r.SecurityID, r.Side, r.Strategy = 42, order.Buy, strategy
	w.put(w.v, order.MsgExecutionReport, r)
}

// pass has the gateway pass on what the venue has published since.
func (w *tale) pass() {
	for ; w.passed < len(w.told); w.passed++ {
		m := w.told[w.passed]
		data := passed(m, order.Origin{Epoch: 1})
		switch m.typ {
		case order.MsgExecutionReport:
			r := decode[order.ExecutionReport](&message{data: data})
			w.put(w.g, m.typ, r)
		case order.MsgOrderCancelReject:
			r := decode[order.OrderCancelReject](&message{data: data})
			w.put(w.g, m.typ, r)
		default:
			r := decode[order.VenueStatus](&message{data: data})
			w.put(w.g, m.typ, r)
		}
	}
}

// play plays the story. The numbers are those of the messages in g.in.7, v and g.
func (w *tale) play() {
	w.put(w.g, order.MsgSessionStatus, order.SessionStatus{RingID: w.ringID("v"), Epoch: 1, Ring: order.RingVenue, Status: order.SessionUp}) // g 1
	status := order.SessionStatus{RingID: w.ringID("g.in.7"), Epoch: 1, Ring: strategy, Status: order.SessionUp}
	w.put(w.g, order.MsgSessionStatus, status) // g 2

	one := w.send('D', order.Request{ClOrdID: 1, OrderQty: 10, Price: 100, TTL: 50}) // in 1
	one.TTL = 40
	first := w.forward('D', one)                                                                           // g 3
	two := w.send('D', order.Request{ClOrdID: 2, OrderQty: 5, Price: 99, Flags: order.CancelOnDisconnect}) // in 2
	second := w.forward('D', two)                                                                          // g 4

	w.put(w.v, order.MsgVenueStatus, order.VenueStatus{Origin: order.Origin{Ring: order.RingVenue}, GatewayID: w.ringID("g")})                                                              // v 1
	w.report(first, order.ExecutionReport{ClOrdID: 1, OrderID: first, LeavesQty: 10, ExecType: order.ExecNew, OrdStatus: order.StatusNew})                                                  // v 2
	w.report(first, order.ExecutionReport{ClOrdID: 1, OrderID: first, LastQty: 4, LastPx: 100, CumQty: 4, LeavesQty: 6, ExecType: order.ExecTrade, OrdStatus: order.StatusPartiallyFilled}) // v 3
	w.report(second, order.ExecutionReport{ClOrdID: 2, OrderID: second, LeavesQty: 5, ExecType: order.ExecNew, OrdStatus: order.StatusNew})                                                 // v 4
	w.report(0, order.ExecutionReport{ClOrdID: 1, OrderID: first, LastQty: 3, LastPx: 100, CumQty: 7, LeavesQty: 3, ExecType: order.ExecTrade, OrdStatus: order.StatusPartiallyFilled})     // v 5
	w.pass()                                                                                                                                                                                // g 5 to 9

	cancel := w.forward('F', w.send('F', order.Request{ClOrdID: 3, OrigClOrdID: 1}))                                                                                                                                                                                                 // in 3, g 10
	five := w.send('D', order.Request{ClOrdID: 5, OrderQty: 1000, Price: 99})                                                                                                                                                                                                        // in 4
	w.put(w.g, '8', order.ExecutionReport{ClOrdID: 5, Origin: five.Origin, SecurityID: 42, Side: order.Buy, Strategy: strategy, ExecType: order.ExecRejected, OrdStatus: order.StatusRejected, Text: order.TextMaxQty, OrdRejReason: order.RejExceedsLimit})                         // g 11
	six := w.send('F', order.Request{ClOrdID: 6, OrigClOrdID: 99})                                                                                                                                                                                                                   // in 5
	w.put(w.g, '9', order.OrderCancelReject{ClOrdID: 6, OrigClOrdID: six.OrigClOrdID, Origin: six.Origin, SecurityID: 42, Strategy: strategy, Text: order.TextUnknownOrder, OrdStatus: order.StatusRejected, CxlRejReason: order.CxlUnknownOrder, CxlRejResponseTo: order.ToCancel}) // g 12
	w.report(cancel, order.ExecutionReport{ClOrdID: 3, OrderID: first, CumQty: 7, ExecType: order.ExecCanceled, OrdStatus: order.StatusCanceled})                                                                                                                                    // v 6
	w.pass()                                                                                                                                                                                                                                                                         // g 13

	replace := w.forward('G', w.send('G', order.Request{ClOrdID: 7, OrigClOrdID: 2, OrderQty: 8, Price: 98, Flags: order.CancelOnDisconnect}))    // in 6, g 14
	w.report(replace, order.ExecutionReport{ClOrdID: 7, OrderID: second, LeavesQty: 8, ExecType: order.ExecReplaced, OrdStatus: order.StatusNew}) // v 7
	w.pass()                                                                                                                                      // g 15

	again := w.forward('F', w.send('F', order.Request{ClOrdID: 8, OrigClOrdID: 7})) // in 7, g 16
	w.put(w.v, '9', order.OrderCancelReject{ClOrdID: 8, OrigClOrdID: 7, OrderID: second, Origin: order.Origin{Seq: uint32(again), Epoch: 1, Ring: strategy}, SecurityID: 42, Strategy: strategy,
		Text: order.TextVenue, OrdStatus: order.StatusNew, CxlRejResponseTo: order.ToCancel}) // v 8
	w.pass() // g 17

	status.Status, status.Seq = order.SessionDown, w.in.Seq()
	w.put(w.g, order.MsgSessionStatus, status)                                                                                                       // g 18
	own := w.put(w.g, 'F', order.Request{ClOrdID: 1<<63 | 7, OrigClOrdID: 7, SecurityID: 42, Side: order.Buy, Origin: order.Origin{Ring: strategy}}) // g 19
	w.report(own, order.ExecutionReport{ClOrdID: 1<<63 | 7, OrderID: second, ExecType: order.ExecCanceled, OrdStatus: order.StatusCanceled})         // v 9
	w.put(w.v, order.MsgVenueStatus, order.VenueStatus{Origin: order.Origin{Ring: order.RingVenue}, GatewayID: w.ringID("g"), GatewaySeq: own})      // v 10
	w.pass()                                                                                                                                         // g 20, 20

	w.put(w.g, order.MsgSessionStatus, order.SessionStatus{RingID: w.ringID("g.in.operator"), Epoch: 1, Ring: order.RingOperator, Status: order.SessionUp}) // g 22
	kill := order.KillSwitch{Origin: order.Origin{Seq: 1, Epoch: 1, Ring: order.RingOperator}, Strategy: strategy, Engaged: 1}
	w.put(w.op, order.MsgKillSwitch, kill)                                                                                                                                                                              // operator 1
	w.put(w.g, order.MsgKillSwitch, kill)                                                                                                                                                                               // g 23
	last := w.send('D', order.Request{ClOrdID: 9, OrderQty: 1, Price: 99})                                                                                                                                              // in 8
	w.put(w.g, '8', order.ExecutionReport{ClOrdID: 9, Origin: last.Origin, SecurityID: 42, Side: order.Buy, Strategy: strategy, ExecType: order.ExecRejected, OrdStatus: order.StatusRejected, Text: order.TextKilled}) // g 24
}

func (w *tale) ringID(name string) uint64 {
	w.t.Helper()
	s, err := ring.Open(name, ring.Options{Dir: w.dir})
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	return s.RingID()
}

// audit audits what there is.
func (w *tale) audit() *Auditor {
	w.t.Helper()
	a, err := Open(Config{Dir: w.dir, Gateway: "g", Venue: "v"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(a.Close)
	for n := 1; n > 0; {
		if n, err = a.Step(3); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := a.Finish(); err != nil {
		w.t.Fatal(err)
	}
	return a
}

func shmDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tickring-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
