//go:build linux

package order

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// world is a gateway and a client that do something at random, and what the client has sent.
type world struct {
	*testing.T
	dir  string
	g    *scripted
	c    *Client
	rnd  *rand.Rand
	sent []Sent // by number in the strategy's ring, less 1
}

func newWorld(t *testing.T, dir string, seed uint64) *world {
	w := &world{T: t, dir: dir, rnd: rand.New(rand.NewPCG(seed, 1))}
	w.g = startGateway(t, dir)
	w.c = dialTest(t, clientConfig(dir))
	w.g.find()
	events(w.c)
	return w
}

// order returns one of the strategy's open orders, as the gateway knows it; nil: none.
func (w *world) order(pending Kind) *Order {
	var all []int
	for i, o := range w.g.state.Orders() {
		if o.Strategy == testStrategy && (pending == PendingNone || o.Pending.Kind == pending) {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &w.g.state.Orders()[all[w.rnd.IntN(len(all))]]
}

func (w *world) note(typ MsgType, id uint64, r Request, err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	r.ClOrdID = id
	w.sent = append(w.sent, Sent{r, typ})
}

// step does one thing, and says what it was.
func (w *world) step() string {
	w.Helper()
	if w.g.pub.Room() < 4*64 {
		w.g.checkpoint()
	}
	switch n := w.rnd.IntN(20); n {
	case 0, 1, 2, 3:
		if len(w.g.state.Orders()) > 10 { // a checkpoint has to fit into a block
			return "nothing"
		}
		r := buy(1+w.rnd.Int32N(9), 1+w.rnd.Int64N(100))
		if w.rnd.IntN(2) == 0 {
			r.Side = Sell
		}
		id, err := w.c.NewOrder(r)
		w.note(MsgNewOrderSingle, id, *r, err)
		return "new order"
	case 4, 5:
		if o := w.order(PendingNone); o != nil && w.c.Order(o.ClOrdID) != nil {
			r := Request{Price: 1 + w.rnd.Int64N(100), OrderQty: o.CumQty + 1 + w.rnd.Int32N(9)}
			id, err := w.c.Replace(o.ClOrdID, &r)
			w.note(MsgOrderCancelReplaceRequest, id, r, err)
			return "replace"
		}
	case 6, 7:
		if o := w.order(PendingNone); o != nil && w.c.Order(o.ClOrdID) != nil {
			id, err := w.c.Cancel(o.ClOrdID, 0)
			w.note(MsgOrderCancelRequest, id, Request{}, err)
			return "cancel"
		}
	case 8, 9, 10, 11:
		if w.g.judge(w.rnd.IntN(5) == 0) {
			return "judge"
		}
	case 12, 13:
		if o := w.order(PendingNone); o != nil {
			w.g.report(o, ExecTrade, 1+w.rnd.Int32N(o.LeavesQty()), 1+w.rnd.Int64N(100))
			return "fill"
		}
	case 14:
		if o := w.order(PendingNone); o != nil && o.Venue&VenueAccepted == 0 {
			w.g.report(o, []ExecType{ExecNew, ExecPendingNew, ExecRejected}[w.rnd.IntN(3)], 0, 0)
			return "new or not"
		}
	case 15:
		if o := w.order(PendingReplace); o != nil && o.Pending.OrderQty >= o.CumQty {
			if w.rnd.IntN(2) == 0 {
				w.g.cancelReject(o)
				return "replace refused"
			}
			w.g.report(o, ExecReplaced, 0, 0)
			return "replaced"
		}
	case 16:
		if o := w.order(PendingCancel); o != nil {
			if w.rnd.IntN(2) == 0 {
				w.g.cancelReject(o)
				return "cancel refused"
			}
			w.g.report(o, ExecCanceled, 0, 0)
			return "canceled"
		}
	case 17:
		if o := w.order(PendingNone); o != nil && o.Pending.Kind == PendingNone {
			r := GatewayCancel(o)
			w.g.publish(MsgOrderCancelRequest, r.Bytes())
			return "the gateway's cancel"
		}
	case 18:
		w.g.checkpoint()
		return "checkpoint"
	case 19:
		events(w.c)
		return "poll"
	}
	return "nothing"
}

// agrees holds what a client knows, when it has polled, against the gateway's state and what
// was sent.
func (w *world) agrees(c *Client, who string) {
	w.Helper()
	for _, e := range events(c) {
		if e.Kind == EventIllegal || e.Kind == EventLost {
			w.Fatalf("%s: %+v", who, e)
		}
	}
	byID := func(a, b Order) int { return int(a.OrderID) - int(b.OrderID) }
	want := slices.DeleteFunc(slices.Clone(w.g.state.Orders()), func(o Order) bool { return o.Strategy != testStrategy })
	got := slices.Clone(c.Orders())
	slices.SortFunc(want, byID)
	slices.SortFunc(got, byID)
	if !slices.Equal(got, want) {
		w.Fatalf("%s: orders\n%+v\nwant\n%+v", who, got, want)
	}
	for _, o := range want {
		if p := c.Order(o.ClOrdID); p == nil || *p != o {
			w.Fatalf("%s: order %d is not found by its ClOrdID", who, o.ClOrdID)
		}
	}
	p, q := c.Position(testSecurity), w.g.state.Position(testStrategy, testSecurity)
	if (p == nil) != (q == nil) || p != nil && *p != *q {
		w.Fatalf("%s: position %+v, want %+v", who, p, q)
	}
	judged := w.g.state.Session(testStrategy).Seq
	if c.LastClOrdID() != uint64(len(w.sent)) {
		w.Fatalf("%s: last ClOrdID %d, want %d", who, c.LastClOrdID(), len(w.sent))
	}
	u, left := c.Unjudged(), w.sent[judged:]
	if len(u) != len(left) {
		w.Fatalf("%s: %d unjudged, want %d", who, len(u), len(left))
	}
	for i := range u {
		if u[i].Type != left[i].Type || u[i].Request.ClOrdID != left[i].Request.ClOrdID || u[i].Request.OrderQty != left[i].Request.OrderQty {
			w.Fatalf("%s: unjudged %+v, want %+v", who, u[i], left[i])
		}
	}
	if settled := len(want) == 0 && len(left) == 0 && len(w.g.state.Requests()) == 0; c.Settled() != settled {
		w.Fatalf("%s: settled %v", who, c.Settled())
	}
}

// A client that is killed at any point of a session, and dialed again, knows what the
// gateway knows and what is on its way; and so does one that lived all the time. Each point
// is a copy of the rings' files: what a process finds there after the kill.
func TestClientRestart(t *testing.T) {
	steps := 120
	if testing.Short() {
		steps = 30
	}
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t, ringDir(t), seed)
			for i := range steps {
				what := w.step()
				if what == "nothing" {
					continue
				}
				who := fmt.Sprintf("step %d (%s)", i, what)
				copied := copyDir(t, w.dir)
				again, err := Dial(clientConfig(copied))
				if err != nil {
					t.Fatalf("%s: %v", who, err)
				}
				w.agrees(again, who+", dialed again")
				if w.rnd.IntN(10) == 0 {
					// The host goes on from here, with another gateway, too.
					again.Close()
					w.c.Close()
					w.g.close()
					copied = copyDir(t, copied)
					w.dir, w.g = copied, startGateway(t, copied)
					w.c = dialTest(t, clientConfig(copied))
					w.g.find()
				} else {
					again.Close()
					os.RemoveAll(copied)
				}
				if w.rnd.IntN(3) == 0 {
					w.agrees(w.c, who+", the one that lives")
				}
			}
			w.agrees(w.c, "at the end")
			if len(w.sent) < steps/10 {
				t.Errorf("only %d requests", len(w.sent))
			}
		})
	}
}
