package audit

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

func TestStoryIsInOrder(t *testing.T) {
	w := newTale(t)
	w.play()
	a := w.audit()
	for _, f := range a.Faults() {
		t.Error(f.Story())
	}
	f := a.Figures()
	want := Counts{Sent: 8, Forwarded: 5, Refused: 3, OwnCancels: 1, Acknowledged: 2, Replaced: 1, CancelRejects: 1, Fills: 2, Quantity: 7, Canceled: 2}
	if got := f.Total(); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	if !f.Whole || f.Frames != 24 || f.Commands != 1 || f.Open != 0 || f.Reports != 10 || f.Sessions != 4 {
		t.Errorf("figures %+v", f)
	}
	if got, want := a.Positions(), []Position{{strategy, 42, 7}}; !reflect.DeepEqual(got, want) {
		t.Errorf("positions %+v, want %+v", got, want)
	}
}

// TestOpenOrders stops the story before the strategy's end.
func TestOpenOrders(t *testing.T) {
	w := newTale(t)
	w.tamper = func(ring string, n int, typ order.MsgType, data []byte) []piece {
		if ring == "g" && n >= 18 || ring == "v" && n >= 9 || ring == "g.in.7" && n >= 8 || ring == "g.in.operator" {
			return nil
		}
		return []piece{{typ, data}}
	}
	w.play()
	a := w.audit()
	for _, f := range a.Faults() {
		t.Error(f.Story())
	}
	want := []Order{{OrderID: 4, Strategy: strategy, ClOrdID: 7, SecurityID: 42, Side: order.Buy, OrderQty: 8, Price: 98}}
	if got := a.Open(); !reflect.DeepEqual(got, want) {
		t.Errorf("open orders %+v, want %+v", got, want)
	}
}

// Ways to tamper with a message.
type act func(typ order.MsgType, data []byte) []piece

func drop(order.MsgType, []byte) []piece            { return nil }
func double(typ order.MsgType, data []byte) []piece { return []piece{{typ, data}, {typ, data}} }
func retype(to order.MsgType) act {
	return func(_ order.MsgType, d []byte) []piece { return []piece{{to, d}} }
}
func short(typ order.MsgType, data []byte) []piece { return []piece{{typ, data[:40]}} }
func instead(typ order.MsgType, record any) act {
	return func(order.MsgType, []byte) []piece {
		b := make([]byte, order.Size)
		binary.Encode(b, binary.LittleEndian, record)
		return []piece{{typ, b}}
	}
}
func set8(at int, v uint64) act {
	return func(typ order.MsgType, d []byte) []piece {
		binary.LittleEndian.PutUint64(d[at:], v)
		return []piece{{typ, d}}
	}
}
func set4(at int, v uint32) act {
	return func(typ order.MsgType, d []byte) []piece {
		binary.LittleEndian.PutUint32(d[at:], v)
		return []piece{{typ, d}}
	}
}
func set1(at int, v byte) act {
	return func(typ order.MsgType, d []byte) []piece {
		d[at] = v
		return []piece{{typ, d}}
	}
}

// TestPlantedFaults: whatever is wrong in a ring, the auditor says so, and says it of the
// right message first.
func TestPlantedFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		ring string
		n    int // of the message, as the story has it
		act  act
		want string
	}{
		{"forward lost", "g", 3, drop, "message 2 of g.in.7, but 1 to 1 have no frame"},
		{"forward doubled", "g", 3, double, "judged before: a frame twice"},
		{"refusal lost", "g", 11, drop, "but 4 to 4 have no frame"},
		{"refusal doubled", "g", 11, double, "judged before: a frame twice"},
		{"last request not judged", "g", 16, drop, "answers message 15 of g, which is no request"},
		{"forward of another quantity", "g", 3, set4(40, 11), "something else than was sent"},
		{"forward of another price", "g", 3, set8(24, 101), "something else than was sent"},
		{"forward of another ClOrdID", "g", 4, set8(0, 9), "something else than was sent"},
		{"time to live grows", "g", 3, set4(48, 60), "TTL of 60 for one of 50"},
		{"time to live vanishes", "g", 3, set4(48, 0), "TTL of 0 for one of 50"},
		{"forward as another type", "g", 10, retype('G'), "another kind of message"},
		{"ClOrdID reused", "g.in.7", 2, set8(0, 1), "ClOrdID 1 is not above 1"},
		{"ClOrdID of the gateway", "g.in.7", 2, set8(0, 1<<63|4), "not for strategies"},
		{"order of nothing", "g.in.7", 2, set4(40, 0), "an order of quantity 0"},
		{"cancel of another instrument", "g.in.7", 3, set4(44, 43), "of another instrument or side"},
		{"replace below what is filled", "g.in.7", 6, set4(40, 0), "replaces order 4, which has 0 filled, by one of 0"},
		{"invented forward", "g", 16, set4(32, 700), "comes from message 700 of g.in.7, but 7 to 699 have no frame"},
		{"refusal of what is not sent yet", "g.in.7", 8, drop, "message 8 of g.in.7, which does not exist: the last is 7"},
		{"from a ring that is not there", "g", 16, set1(38, 8), "ring g.in.8, which is not there"},
		{"report lost on the way", "g", 6, drop, "comes from message 3 of v, but 2 to 2 have no frame"},
		{"report doubled on the way", "g", 7, double, "judged before: a frame twice"},
		{"report lost before a status", "g", 20, drop, "but 9 to 9 have no frame"},
		{"fill under another ClOrdID", "v", 5, set8(0, 2), "ClOrdID 2 is not that of order 3"},
		{"last report lost on the way", "g", 21, drop, "v message 10: has no frame in g"},
		{"report changed on the way", "g", 7, set4(32, 5), "not what the venue has reported"},
		{"report found illegal", "g", 7, instead('j', order.BusinessMessageReject{Origin: order.Origin{Seq: 3, Epoch: 1, Ring: order.RingVenue}, RefMsgType: '8', Text: order.TextIllegal}), "finds a report illegal"},
		{"wrong CumQty", "v", 3, set4(36, 5), "CumQty of order 3 is 5, its fills are 4"},
		{"wrong LeavesQty", "v", 3, set4(40, 5), "do not add up"},
		{"wrong OrdStatus", "v", 3, set1(53, '2'), "OrdStatus of order 3"},
		{"overfill", "v", 3, set4(32, 40), "its fills are 40"},
		{"fill of nothing", "v", 3, set4(32, 0), "is a fill of 0"},
		{"fill doubled", "v", 3, double, "CumQty of order 3 is 4, its fills are 8"},
		{"fill lost", "v", 3, drop, "CumQty of order 3 is 7, its fills are 3"},
		{"acknowledgement lost", "v", 2, drop, "fills order 3 before it is acknowledged"},
		{"acknowledgement doubled", "v", 4, double, "acknowledges order 4 a second time"},
		{"request not answered", "v", 4, drop, "answers request 9 of g before request 4"},
		{"answered again later", "v", 5, set8(24, 3|1<<32|strategy<<48), "answers message 3 of g, which is no request, or was answered before"},
		{"answers what is no request", "v", 5, set8(24, 2|1<<32|strategy<<48), "answers message 2 of g, which is no request"},
		{"answers for another strategy", "v", 4, set8(24, 4|1<<32|8<<48), "in the name of 8"},
		{"reports by itself with a number", "v", 5, set4(24, 3), "names a message of its own"},
		{"answered twice, once by itself", "v", 6, double, "order 3, which is closed"},
		{"last answer lost", "v", 9, drop, "request 19 is not answered"},
		{"cancel reject doubled", "v", 8, double, "request 16 a second time"},
		{"cancel reject of another request", "v", 8, set8(0, 9), "does not answer request 16"},
		{"unknown order at the venue that is open", "v", 8, set1(46, byte(order.TextUnknownOrder)), "says that order 4 is not open"},
		{"closed with something left", "v", 6, set4(40, 3), "closes order 3"},
		{"report on another order", "v", 5, set8(8, 77), "order 77, which is closed or was never forwarded"},
		{"report in another's name", "v", 5, set1(48, 8), "another strategy, instrument or side"},
		{"replace to another quantity", "v", 7, set4(40, 9), "do not add up"},
		{"replace of another request", "v", 7, set8(0, 70), "ClOrdID 70 is not that of order 4"},
		{"venue says too much", "v", 1, set8(0, 4), "request 3 is not answered"},
		{"venue speaks of another gateway", "v", 1, set8(8, 3), "another ring than g"},
		{"wrong number in a session", "g", 18, set8(16, 6), "was judged up to 6; it was, up to 7"},
		{"gateway's cancel lost", "g", 19, drop, "answers message 18 of g, which is no request"},
		{"gateway's cancel under another ClOrdID", "g", 19, set8(0, 1<<63|8), "another ClOrdID than that of its order"},
		{"request for no order", "g.in.7", 7, set8(8, 70), "not open: strategy 7, ClOrdID 70"},
		{"refused for no reason", "g.in.7", 5, set8(8, 2), "says that ClOrdID 2 of strategy 7 is not open: it is order 4"},
		{"refusal in another's name", "g", 11, set1(48, 8), "in the name of 8"},
		{"refusal of another type", "g", 11, instead('9', order.OrderCancelReject{ClOrdID: 5, Origin: order.Origin{Seq: 4, Epoch: 1, Ring: strategy}, Strategy: strategy}), "refuses"},
		{"own decision that is none", "g", 11, instead('8', order.ExecutionReport{}), "comes from no input"},
		{"another command than the operator's", "g", 23, set1(10, 0), "another command than the operator's"},
		{"command lost", "g", 23, drop, "g.in.operator message 1: has no frame"},
		{"forwarded though killed", "g", 24, instead('D', order.Request{ClOrdID: 9, Origin: order.Origin{Seq: 8, Epoch: 1, Ring: strategy}, OrderQty: 1, Price: 99, SecurityID: 42,
			Side: order.Buy, OrdType: order.Limit, TimeInForce: order.Day}), "while the kill switch of strategy 7"},
		{"rubbish", "g", 11, short, "nothing that a gateway publishes"},
		{"rubbish of the venue", "v", 6, retype(0x300), "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTale(t)
			hit := false
			w.tamper = func(ring string, n int, typ order.MsgType, data []byte) []piece {
				if ring != c.ring || n != c.n {
					return []piece{{typ, data}}
				}
				hit = true
				return c.act(typ, data)
			}
			w.play()
			faults := w.audit().Faults()
			if !hit || len(faults) == 0 {
				t.Fatalf("nothing was found (tampered with: %v)", hit)
			}
			if !strings.Contains(faults[0].String(), c.want) {
				t.Errorf("the first fault is %q, want %q", faults[0].String(), c.want)
			}
			t.Log(faults[0].Story())
			if after := w.audit().After(&faults[0], 3); faults[0].Ring == "g" && faults[0].Seq < w.g.Seq() && len(after) == 0 {
				t.Error("nothing is shown of what follows")
			}
		})
	}
}

// TestLeftOver stops the story at some place: what is on its way then is missing at the end.
func TestLeftOver(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, g, v int // the last messages of the rings
		want     string
	}{
		{"order not canceled at its strategy's end", 7, 18, 8, "order 4 of strategy 7 is open, though its process has ended"},
		{"request not judged", 7, 15, 7, "g.in.7 message 7: has no frame in g, whose last is 15"},
		{"request not answered", 7, 16, 7, "request 16 of g (F, strategy 7, ClOrdID 8) was never answered"},
		{"report not passed on", 7, 16, 8, "v message 8: has no frame in g"},
		{"nothing of the venue passed on", 2, 4, 5, "v message 1: has no frame in g"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTale(t)
			w.tamper = func(ring string, n int, typ order.MsgType, data []byte) []piece {
				if n > map[string]int{"g.in.7": c.in, "g": c.g, "v": c.v}[ring] {
					return nil
				}
				return []piece{{typ, data}}
			}
			w.play()
			faults := w.audit().Faults()
			if len(faults) == 0 || !strings.Contains(faults[0].String(), c.want) {
				t.Errorf("found %v, want %q", faults, c.want)
			}
		})
	}
}

// TestRingMadeAgain: a strategy's ring begins anew, and so do its epochs; an order of the process
// before is not one of the process that has the same epoch.
func TestRingMadeAgain(t *testing.T) {
	w := newTale(t)
	w.put(w.g, order.MsgSessionStatus, order.SessionStatus{RingID: w.ringID("g.in.7"), Epoch: 1, Ring: strategy, Status: order.SessionUp})
	w.forward('D', w.send('D', order.Request{ClOrdID: 1, OrderQty: 5, Price: 99, Flags: order.CancelOnDisconnect}))
	w.put(w.g, order.MsgSessionStatus, order.SessionStatus{RingID: w.ringID("g.in.7"), Epoch: 2, Seq: 1, Ring: strategy, Status: order.SessionUp})
	a, err := Open(Config{Dir: w.dir, Gateway: "g", Venue: "v"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Step(99); err != nil {
		t.Fatal(err)
	}
	w.in.Close()
	if err := ring.Remove(w.dir, "g.in.7"); err != nil {
		t.Fatal(err)
	}
	w.in = w.create("g.in.7")
	w.put(w.g, order.MsgSessionStatus, order.SessionStatus{RingID: w.ringID("g.in.7"), Epoch: 1, Ring: strategy, Status: order.SessionUp})
	w.forward('D', w.send('D', order.Request{ClOrdID: 2, OrderQty: 5, Price: 99, Flags: order.CancelOnDisconnect}))
	if _, err := a.Step(99); err != nil {
		t.Fatal(err)
	}
	if len(a.Faults()) != 0 {
		t.Errorf("found %v", a.Faults())
	}
	if got, err := a.Waiting(); err != nil || got.Orphans != 1 {
		t.Errorf("%+v, %v; want the first order to be canceled yet", got, err)
	}
}

// TestOverwritten: of rings that have gone around, the auditor checks what is left, and finds
// no fault where there is none.
func TestOverwritten(t *testing.T) {
	w := newTale(t)
	w.put(w.g, order.MsgSessionStatus, order.SessionStatus{RingID: w.ringID("g.in.7"), Epoch: 1, Ring: strategy, Status: order.SessionUp})
	w.put(w.g, order.MsgSessionStatus, order.SessionStatus{RingID: w.ringID("v"), Epoch: 1, Ring: order.RingVenue, Status: order.SessionUp})
	early, err := Open(Config{Dir: w.dir, Gateway: "g", Venue: "v"}) // reads some, and is left behind then
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	for cl := uint64(1); cl < 5000; cl += 2 {
		if cl < 100 {
			if _, err := early.Step(10); err != nil {
				t.Fatal(err)
			}
		}
		id := w.forward('D', w.send('D', order.Request{ClOrdID: cl, OrderQty: 10, Price: 100}))
		w.report(id, order.ExecutionReport{ClOrdID: cl, OrderID: id, LeavesQty: 10, ExecType: order.ExecNew, OrdStatus: order.StatusNew})
		w.pass()
		cancel := w.forward('F', w.send('F', order.Request{ClOrdID: cl + 1, OrigClOrdID: cl}))
		w.report(cancel, order.ExecutionReport{ClOrdID: cl + 1, OrderID: id, ExecType: order.ExecCanceled, OrdStatus: order.StatusCanceled})
		w.pass()
	}
	a := w.audit()
	for n := 1; n > 0; {
		if n, err = early.Step(1000); err != nil {
			t.Fatal(err)
		}
	}
	if err := early.Finish(); err != nil {
		t.Fatal(err)
	}
	for _, f := range append(early.Faults(), a.Faults()...) {
		t.Error(f.Story())
	}
	if f := early.Figures(); f.Whole || f.Frames < 1000 || f.Open != 0 || f.Unjudged != 0 || f.Unanswered != 0 {
		t.Errorf("figures of who was left behind %+v", f)
	}
	if f := a.Figures(); f.Whole || f.Frames < 1000 || f.Open != 0 || f.Unjudged != 0 || f.Unanswered != 0 {
		t.Errorf("figures %+v", f)
	}
}
