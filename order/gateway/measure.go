package gateway

import (
	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// Latencies are what a gateway has measured, in ns. They are not measured unless
// Config.Measure asks for it.
type Latencies struct {
	// Order is from the publishing of a request to the gateway's read of it.
	Order *hdrhistogram.Histogram
	// Tick is from the publishing of the market data that a request answers to the same.
	Tick *hdrhistogram.Histogram
	// Unknown is how many requests answer market data that is not remembered.
	Unknown uint64
}

// remembered is how many messages of market data are remembered with their times.
const remembered = 1 << 16

// measure is the latencies and the times of the last messages of market data.
type measure struct {
	Latencies
	clock clock
	ticks [remembered]struct{ seq, at uint64 }
}

func newMeasure() *measure {
	return &measure{clock: newClock(), Latencies: Latencies{
		Order: hdrhistogram.New(1, 1e10, 3), Tick: hdrhistogram.New(1, 1e10, 3)}}
}

// tick remembers when the message in hand was published.
func (m *measure) tick(sub *ring.Subscriber) {
	if age, ok := sub.Age(); ok {
		t := &m.ticks[sub.Seq()%remembered]
		t.seq, t.at = sub.Seq(), m.clock.read()-uint64(age)
	}
}

// arrived counts a request that was just read.
func (m *measure) arrived(g *Gateway, in *input) {
	now := m.clock.read()
	if age, ok := in.src.sub.Age(); ok {
		_ = m.Order.RecordValue(int64(max(age, 0)))
	}
	r, ok := order.AsRequest(in.msg)
	if !ok || r.MdSeq == 0 {
		return
	}
	g.market.readTo(r.MdSeq, &g.counts)
	t := &m.ticks[r.MdSeq%remembered]
	if t.seq != r.MdSeq {
		m.Unknown++
		return
	}
	_ = m.Tick.RecordValue(max(int64(now-t.at), 0))
}

// Latencies returns what was measured, nil if nothing was. Call it when Run has returned.
func (g *Gateway) Latencies() *Latencies {
	if g.measure == nil {
		return nil
	}
	return &g.measure.Latencies
}
