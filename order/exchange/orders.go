package exchange

import (
	"math/bits"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
)

// client is an order of a client of the exchange. Clients are named by their index in a
// pool; 0 is none.
type client struct {
	orderID  uint64
	clOrdID  uint64 // of its last accepted D or G
	price    int64  // limit, or stop price
	behind   uint64 // orders of the market with this Priority or less were there before it
	in       *instrument
	qty, cum int32
	ref      book.Ref // in its book
	next     uint32   // free one
	strategy uint16
	side     order.Side
	ordType  order.OrdType
	tif      order.TimeInForce
	status   order.OrdStatus // closed orders are remembered for a while
	place    place
	doomed   bool // restored, but of a kind that does not rest: to be expired
}

// place is the book that an order is in.
type place uint8

const (
	nowhere place = iota
	resting
	waiting // a stop order
)

func (o *client) leaves() int32 { return o.qty - o.cum }

// instrument is what is traded: the market's orders, those of the clients, and stop orders.
type instrument struct {
	id     uint32
	market *book.Book // nil: nothing is known of it
	// Orders to sell are asks, stop orders to sell bids: so the best one is the next that
	// a trade triggers.
	clients, stops *book.Book

	// first is where the search for what the market has left begins, while fresh.
	first [2]book.Walk
	fresh [2]bool

	// left is what the aggressor of the market's trade has left for orders of either side.
	left    [2]uint32
	settled bool // the market's last record ended an event
}

// Sides as indices.
const (
	bid = 0
	ask = 1
)

var dbnSides = [2]dbn.Side{dbn.SideBid, dbn.SideAsk}

func sideOf(s order.Side) int {
	if s == order.Buy {
		return bid
	}
	return ask
}

// reaches says whether an order of side s with this limit trades at a price of the other side.
func reaches(s int, limit, price int64) bool {
	if s == bid {
		return limit >= price
	}
	return limit <= price
}

// better says whether price a of side s trades before price b.
func better(s int, a, b int64) bool { return a != b && reaches(s, a, b) }

// names finds orders by strategy and ClOrdID: open addressing, linear probing, backward-shift
// deletion, at most half full.
type names struct {
	slots []named
	shift uint
	n     int
}

type named struct {
	clOrdID  uint64
	strategy uint16
	order    uint32 // 0: empty
}

func (t *names) init(n int) {
	t.slots, t.n = make([]named, n), 0
	t.shift = uint(64 - bits.TrailingZeros(uint(n)))
}

func (t *names) home(strategy uint16, clOrdID uint64) int {
	hi, lo := bits.Mul64(clOrdID^uint64(strategy)<<48, 0x9e3779b97f4a7c15)
	return int((hi ^ lo) >> t.shift)
}

func (t *names) slot(strategy uint16, clOrdID uint64) int {
	mask := len(t.slots) - 1
	for i := t.home(strategy, clOrdID); ; i++ {
		s := &t.slots[i&mask]
		if s.order == 0 || s.clOrdID == clOrdID && s.strategy == strategy {
			return i & mask
		}
	}
}

func (t *names) find(strategy uint16, clOrdID uint64) uint32 {
	return t.slots[t.slot(strategy, clOrdID)].order
}

// insert adds a name that is not there.
func (t *names) insert(strategy uint16, clOrdID uint64, o uint32) {
	if t.n >= len(t.slots)/2 {
		was := t.slots
		t.init(2 * len(was))
		for _, s := range was {
			if s.order != 0 {
				t.insert(s.strategy, s.clOrdID, s.order)
			}
		}
	}
	t.n++
	t.slots[t.slot(strategy, clOrdID)] = named{clOrdID, strategy, o}
}

func (t *names) remove(strategy uint16, clOrdID uint64) {
	mask := len(t.slots) - 1
	at := t.slot(strategy, clOrdID)
	if t.slots[at].order == 0 {
		return
	}
	t.n--
	for i := (at + 1) & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.order == 0 {
			break
		}
		if (i-t.home(s.strategy, s.clOrdID))&mask >= (i-at)&mask {
			t.slots[at] = *s
			at = i
		}
	}
	t.slots[at] = named{}
}
