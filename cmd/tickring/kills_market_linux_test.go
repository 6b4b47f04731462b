package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/ring"
)

// The instruments of the kill test, all around the same price.
const (
	killInstruments = 4
	killFirst       = 101 // instrument_id
	killPrice       = 100_000_000_000
	killTick        = 10_000_000
)

func init() { roles["kills.market"] = killMarket }

// killMarket publishes a market that never ends: arguments are the directory, the seed and
// the rate in messages a second. It begins with empty books whenever it is started.
func killMarket(args []string) error {
	dieWithParent()
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	rate, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	var pub *ring.Publisher
	if err := patiently(func() (err error) {
		pub, err = ring.Create(killMd, ring.Config{Dir: args[0], Schema: "dbn1/mbo", Capacity: 4 << 20})
		return err
	}); err != nil {
		return err
	}
	defer pub.Close()
	m := &fakeMarket{pub: pub, rand: rand.New(rand.NewPCG(seed, uint64(os.Getpid())))}
	for i := range m.books {
		m.begin(&m.books[i], uint32(killFirst+i))
	}
	commands := linesOf(os.Stdin)
	stopped := false
	began, sent := time.Now(), 0
	for m.err == nil {
		select {
		case line := <-commands:
			switch line {
			case "stop":
				stopped = true
			case "leave":
				return nil
			}
		default:
		}
		due := int(time.Since(began).Seconds() * float64(rate))
		if due-sent > rate/10 { // it was stopped
			sent = due
		}
		for ; sent < due && !stopped && m.err == nil; sent++ {
			m.turn(&m.books[m.rand.IntN(len(m.books))])
		}
		time.Sleep(time.Millisecond)
	}
	return m.err
}

// fakeMarket makes up market-by-order records of books that are never crossed.
type fakeMarket struct {
	pub   *ring.Publisher
	rand  *rand.Rand
	books [killInstruments]fakeBook
	next  uint64 // order id
	err   error
}

type fakeBook struct {
	instrument uint32
	mid        int64 // ticks: bids are below it, asks not
	side       [2][]fakeOrder
}

type fakeOrder struct {
	id    uint64
	price int64 // ticks
	size  uint32
}

const fakeDepth = 30 // orders of a side

func (m *fakeMarket) put(b *fakeBook, action dbn.Action, side int, o fakeOrder, flags uint8) {
	s := [...]dbn.Side{dbn.SideBid, dbn.SideAsk}[side]
	price := o.price * killTick
	if action == dbn.ActionClear {
		s, price = dbn.SideNone, dbn.UndefPrice
	}
	now := uint64(time.Now().UnixNano())
	r := dbn.MboMsg{RecordHeader: dbn.RecordHeader{RType: dbn.RTypeMbo, PublisherID: 1, InstrumentID: b.instrument, TsEvent: now},
		OrderID: o.id, Price: price, Size: o.size, Flags: flags, Action: action, Side: s, TsRecv: now}
	if err := m.pub.Publish(uint16(dbn.RTypeMbo), r.Append(nil)); err != nil && m.err == nil {
		m.err = fmt.Errorf("publish: %w", err)
	}
}

func (m *fakeMarket) begin(b *fakeBook, instrument uint32) {
	*b = fakeBook{instrument: instrument, mid: killPrice / killTick}
	m.put(b, dbn.ActionClear, 0, fakeOrder{}, dbn.FlagLast)
	for range fakeDepth {
		m.add(b, 0)
		m.add(b, 1)
	}
}

func (m *fakeMarket) add(b *fakeBook, side int) {
	m.next++
	o := fakeOrder{uint64(os.Getpid())<<32 | m.next, b.mid + int64(m.rand.IntN(8)), 1 + uint32(m.rand.IntN(20))}
	if side == 0 {
		o.price = b.mid - 1 - int64(m.rand.IntN(8))
	}
	b.side[side] = append(b.side[side], o)
	m.put(b, dbn.ActionAdd, side, o, dbn.FlagLast)
}

// turn does one thing.
func (m *fakeMarket) turn(b *fakeBook) {
	side := m.rand.IntN(2)
	orders := b.side[side]
	switch d := m.rand.IntN(100); {
	case len(orders) < fakeDepth/2 || d < 35 && len(orders) < 2*fakeDepth:
		m.add(b, side)
	case d < 70:
		i := m.rand.IntN(len(orders))
		m.put(b, dbn.ActionCancel, side, orders[i], dbn.FlagLast)
		b.side[side] = append(orders[:i], orders[i+1:]...)
	case d < 95:
		m.trade(b, side, b.best(side), 1+uint32(m.rand.IntN(25)))
	default:
		m.move(b, side)
	}
}

// best returns the index of the first order at the best price of a side.
func (b *fakeBook) best(side int) int {
	best := 0
	for i, o := range b.side[side] {
		if p := b.side[side][best].price; side == 0 && o.price > p || side == 1 && o.price < p {
			best = i
		}
	}
	return best
}

// trade takes size out of an order.
func (m *fakeMarket) trade(b *fakeBook, side, i int, size uint32) {
	o := b.side[side][i]
	o.size = min(o.size, size)
	m.put(b, dbn.ActionTrade, 1-side, fakeOrder{price: o.price, size: o.size}, 0)
	m.put(b, dbn.ActionFill, side, o, 0)
	m.put(b, dbn.ActionCancel, side, o, dbn.FlagLast)
	if left := &b.side[side][i]; left.size > o.size {
		left.size -= o.size
	} else {
		b.side[side] = append(b.side[side][:i], b.side[side][i+1:]...)
	}
}

// move moves the price by a tick or a few, over what stands on one side.
func (m *fakeMarket) move(b *fakeBook, side int) {
	by := 1 + int64(m.rand.IntN(3))
	if side == 0 {
		by = -by
	}
	if off := b.mid + by - killPrice/killTick; off > 200 || off < -200 {
		by = -by
		side = 1 - side
	}
	b.mid += by
	for {
		i := b.best(side)
		if len(b.side[side]) == 0 || side == 0 && b.side[side][i].price < b.mid || side == 1 && b.side[side][i].price >= b.mid {
			return
		}
		m.trade(b, side, i, 1<<30)
	}
}
