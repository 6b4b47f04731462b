package main

import (
	"fmt"

	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// orderCounts are the orders of a strategy, as one side sees them.
type orderCounts struct {
	States    map[string]uint64 `json:"states"` // by OrdStatus, of open orders too
	Fills     uint64            `json:"fills"`
	FilledQty uint64            `json:"filled_qty"`
	Position  int64             `json:"position"`
}

func (c *orderCounts) filled(qty int32) {
	c.Fills++
	c.FilledQty += uint64(qty)
}

// add adds up the counts of several strategies.
func (c *orderCounts) add(d *orderCounts) {
	for state, n := range d.States {
		c.States[state] += n
	}
	c.Fills += d.Fills
	c.FilledQty += d.FilledQty
	c.Position += d.Position
}

// demoTally counts orders a second time, in what gateway and exchange have published: in the
// gateway's ring by the state that it folds up to, and in the exchange's by what each
// report says of its order. It is no gate, so it has to read often enough.
type demoTally struct {
	gateway  *ring.Subscriber
	exchange *ring.Subscriber
	state    *order.State
	orders   map[uint64]*reported // open ones of the exchange, by OrderID
	err      error                // why the counts are not whole

	byGateway, byExchange [len(demoKinds)]orderCounts
	refused               [len(demoKinds)]uint64 // of byGateway: orders that it did not forward
}

// reported is what the exchange has said last of an order.
type reported struct {
	strategy uint16
	status   order.OrdStatus
}

// newDemoTally begins at the first message of both rings, which have to be there.
func newDemoTally(dir string) (*demoTally, error) {
	t := &demoTally{state: order.NewState(order.Bounds{}), orders: map[uint64]*reported{}}
	for i := range t.byGateway {
		t.byGateway[i].States, t.byExchange[i].States = map[string]uint64{}, map[string]uint64{}
	}
	opt := ring.Options{Dir: dir, From: ring.FromOldest, NoHistogram: true}
	var err error
	if t.gateway, err = ring.Open(demoGatewayName, opt); err != nil {
		return nil, err
	}
	if t.exchange, err = ring.Open(demoExchangeName, opt); err != nil {
		t.gateway.Close()
		return nil, err
	}
	return t, nil
}

func (t *demoTally) close() {
	t.gateway.Close()
	t.exchange.Close()
}

// drain reads what there is.
func (t *demoTally) drain() {
	for _, r := range []struct {
		sub  *ring.Subscriber
		take func(seq uint64, typ order.MsgType, msg []byte) error
	}{{t.gateway, t.takeGateway}, {t.exchange, t.takeExchange}} {
		if t.err == nil {
			t.err = mmap.Guard(func() error { return drain(r.sub, r.take) })
		}
	}
}

func drain(sub *ring.Subscriber, take func(seq uint64, typ order.MsgType, msg []byte) error) error {
	for {
		switch msg, status := sub.Next(); status {
		case ring.Message:
			if err := take(sub.Seq(), order.MsgType(sub.Type()), msg); err != nil {
				return err
			}
		case ring.Gap:
			first, last := sub.Gap()
			return fmt.Errorf("%s of ring %q were overwritten before demo read them", numbersText(first, last), sub.Name())
		case ring.Corrupt:
			return fmt.Errorf("read ring %q: %w", sub.Name(), sub.Err())
		default:
			return nil
		}
	}
}

// of returns which of the counts is a strategy's.
func (t *demoTally) of(strategy uint16) (int, error) {
	if i := int(strategy) - 1; i >= 0 && i < len(demoKinds) {
		return i, nil
	}
	return 0, fmt.Errorf("an order of strategy %d, which demo has not started", strategy)
}

// takeGateway counts what the gateway has done with orders.
func (t *demoTally) takeGateway(seq uint64, typ order.MsgType, msg []byte) error {
	if err := t.state.Apply(seq, typ, msg); err != nil || typ != order.MsgExecutionReport {
		return err
	}
	er, _ := order.AsExecutionReport(msg) // Apply has looked at its size
	i, err := t.of(er.Strategy)
	if err != nil {
		return err
	}
	c := &t.byGateway[i]
	if er.Origin.Ring != order.RingVenue {
		t.refused[i]++
		c.States[order.StatusRejected.String()]++
		return nil
	}
	if er.ExecType == order.ExecTrade {
		c.filled(er.LastQty)
	}
	if o := t.state.Last(); o != nil && !o.Open() {
		c.States[o.OrdStatus().String()]++
	}
	return nil
}

// takeExchange counts what the exchange says of orders, and believes it.
func (t *demoTally) takeExchange(_ uint64, typ order.MsgType, msg []byte) error {
	er, ok := order.AsExecutionReport(msg)
	if typ != order.MsgExecutionReport || !ok {
		return nil
	}
	i, err := t.of(er.Strategy)
	if err != nil {
		return err
	}
	c := &t.byExchange[i]
	if er.ExecType == order.ExecTrade {
		c.filled(er.LastQty)
		if er.Side == order.Buy {
			c.Position += int64(er.LastQty)
		} else {
			c.Position -= int64(er.LastQty)
		}
	}
	if !er.OrdStatus.Open() {
		c.States[er.OrdStatus.String()]++
		delete(t.orders, er.OrderID)
		return nil
	}
	t.orders[er.OrderID] = &reported{er.Strategy, er.OrdStatus}
	return nil
}

// finish reads the rest, and counts what is open at the end.
func (t *demoTally) finish() {
	t.drain()
	orders := t.state.Orders()
	for i := range orders {
		t.byGateway[orders[i].Strategy-1].States[orders[i].OrdStatus().String()]++ // takeGateway knows all of them
	}
	for _, p := range t.state.Positions() {
		t.byGateway[p.Strategy-1].Position += p.Net
	}
	for _, o := range t.orders {
		t.byExchange[o.strategy-1].States[o.status.String()]++
	}
}
