package venue

import (
	"context"
	"testing"
	"time"

	"github.com/tickring/tickring/order"
)

// chatty reports as much as it may, whenever it may.
type chatty struct{ o *order.Order }

func (v *chatty) MdSeq() uint64          { return 0 }
func (v *chatty) Recover(Recovery) error { return nil }

func (v *chatty) Request(seq uint64, _ order.MsgType, r *order.Request, _ bool, out *Reports) error {
	v.o = &order.Order{OrderID: seq, ClOrdID: r.ClOrdID, SecurityID: r.SecurityID, OrderQty: r.OrderQty, Strategy: r.Origin.Ring, Side: r.Side}
	out.Report(report(v.o, order.ExecNew))
	v.Turn(out)
	return nil
}

func (v *chatty) Turn(out *Reports) (bool, error) {
	n := 0
	for ; v.o != nil && out.Room() > 0; n++ {
		out.Report(report(v.o, order.ExecOrderStatus))
	}
	return n > 0, nil
}

// The venue answers all that a gateway may have outstanding though that reads none of it: so it
// is never the one that the gateway waits for while it waits for the gateway.
func TestAnswersAlwaysFit(t *testing.T) {
	g := newRig(t, 1)
	g.run.close()
	run, err := newRunner(context.Background(), Config{Dir: g.dir, Name: "v", Gateway: "g", Capacity: leastCapacity}, &chatty{})
	if err != nil {
		t.Fatal(err)
	}
	defer run.close()
	defer g.desk.kill()
	window := leastCapacity / frame / 4 / MaxReports
	for n := range 2 * window { // with the gateway's own cancels
		in := g.desk.st.Session(1)
		r := order.Request{ClOrdID: in.LastClOrdID + 1, Price: 1e9, OrderQty: 9, SecurityID: 7, Side: order.Buy, OrdType: order.Limit,
			TimeInForce: order.GTC, Origin: order.Origin{Seq: uint32(in.Seq + 1), Epoch: 1, Ring: 1}}
		if !g.desk.publish(order.MsgNewOrderSingle, r.Bytes()) {
			t.Fatal("the gateway's ring is full")
		}
		// Until it has answered, and has said by itself all that it may.
		for deadline := time.Now().Add(time.Minute); ; {
			busy, err := run.step()
			if err != nil {
				t.Fatal(err)
			}
			if run.held {
				t.Fatalf("the venue's ring is full with %d of %d requests answered", run.counts.Requests, 2*window)
			}
			if !busy && run.counts.Requests > uint64(n) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("no answer")
			}
		}
	}
}
