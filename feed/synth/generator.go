package synth

import (
	"slices"
	"strconv"

	"github.com/tickring/tickring/feed/itch"
)

// Of a thousand decisions so many are to ...; the others add or delete an order.
const (
	tradeHidden   = 15
	sendAggressor = 28
	replaceOrder  = 62
	cancelPart    = 21
)

const (
	fairMoves   = 64     // the fair price moves at one in so many messages of its stock
	elsewhere   = 4      // one in so many messages of a burst is of another stock
	attributed  = 32     // one in so many new orders names its owner
	improved    = 40     // one in so many executions has a better price than the order's
	maxTarget   = 10_000 // live orders of all stocks, and some for each
	eachTarget  = 4
	maxDistance = 96 // ticks of a new order from the fair price; less than half
)

// Generator makes a session message by message. It allocates nothing after New.
type Generator struct {
	random random
	pace   pace
	books  []book
	pool   pool
	weight []uint64 // of the stocks' activity, summed up

	sent    int // messages
	total   int
	begin   uint64
	hot     *book // of this burst
	ref     uint64
	match   uint64
	attack  attack
	message [itch.MaxMessageSize]byte
}

// attack is what is left of an aggressive order.
type attack struct {
	book   *book
	side   side // of the orders that it takes
	shares uint32
}

// New returns the generator of the session that cfg describes. The error wraps
// ErrConfig.
func New(cfg Config) (*Generator, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Generator{
		random: random(cfg.Seed),
		books:  make([]book, cfg.Instruments),
		weight: make([]uint64, cfg.Instruments),
		total:  cfg.Messages,
		begin:  uint64(cfg.Begin),
	}
	flow := cfg.Messages - mandatory(cfg.Instruments)
	g.pace = pace{now: g.begin, end: uint64(cfg.End), left: uint64(flow), burst: uint64(cfg.Burst)}
	g.open(uint64(min(maxTarget, cfg.Messages/40)))
	return g, nil
}

// open sets up the books, for this number of live orders in all.
func (g *Generator) open(live uint64) {
	// Zipf: the stock of rank n has a share of 1/n. Ranks are dealt out by a
	// shuffle.
	for i := range g.weight {
		j := g.random.below(uint64(i + 1))
		g.weight[i] = g.weight[j]
		g.weight[j] = 1 << 32 / uint64(i+1)
	}
	sum := uint64(0)
	for i := range g.books {
		b := &g.books[i]
		share := g.weight[i]
		sum += share
		g.weight[i] = sum
		b.target = share // until the sum is known
		b.locate = uint16(i + 1)
		b.stock = itch.NewAlpha8("SYN" + strconv.Itoa(i+1))
		// 5 to 320 dollars, most of them in the lower part.
		b.fair = int32(500<<g.random.below(6) + g.random.below(500)<<g.random.below(6))
		b.low, b.high = max(2*half, b.fair/2), 2*b.fair
	}
	most := 0 // orders that can be live at once: flow keeps to twice the target
	for i := range g.books {
		b := &g.books[i]
		b.target = eachTarget + live*b.target/sum
		b.depth = 4 + min(b.target/80, 20)
		most += int(2 * b.target)
	}
	g.pool = newPool(most)
	ids := make([]int32, most)
	for i := range g.books {
		b := &g.books[i]
		n := 2 * b.target
		b.live, ids = ids[:0:n], ids[n:]
	}
}

// Next returns the next message, without a length prefix, which is valid until
// the next call; ok is false at the end of the session.
func (g *Generator) Next() (msg []byte, ok bool) {
	head := mandatory(len(g.books)) - 3
	switch n := g.sent; {
	case n >= g.total:
		return nil, false
	case n < head:
		msg = g.opening(n)
	case n >= g.total-3:
		msg = g.closing(n - (g.total - 3))
	default:
		msg = g.flow()
	}
	g.sent++
	return msg, true
}

// opening returns the nth of the messages before the order flow.
func (g *Generator) opening(n int) []byte {
	i := len(g.books)
	switch {
	case n == 0:
		return g.event(itch.EventStartOfMessages)
	case n <= i:
		return g.directory(&g.books[n-1])
	case n <= 2*i:
		return g.tradingAction(&g.books[n-1-i])
	case n == 2*i+1:
		return g.event(itch.EventStartOfSystemHours)
	}
	return g.event(itch.EventStartOfMarketHours)
}

// closing returns the nth of the messages after the order flow.
func (g *Generator) closing(n int) []byte {
	g.pace.now = g.pace.end
	return g.event([]itch.Char{
		itch.EventEndOfMarketHours, itch.EventEndOfSystemHours, itch.EventEndOfMessages,
	}[n])
}

// flow returns a message of the order flow.
func (g *Generator) flow() []byte {
	if b := g.attack.book; b != nil {
		if g.attack.shares > 0 && b.count[g.attack.side] > 0 {
			g.pace.hold()
			return g.execute()
		}
		g.attack.book = nil
	}
	r := &g.random
	if g.pace.next(r) {
		g.hot = g.pick()
	}
	b := g.hot
	if r.oneIn(elsewhere) {
		b = g.pick()
	}
	if b.step == 0 && r.oneIn(fairMoves) {
		b.step = 1 - 2*int32(r.below(2))
	}
	if b.step != 0 {
		if id := b.move(); id != 0 {
			return g.delete(b, id)
		}
	}
	if len(b.live) == 0 {
		return g.add(b)
	}
	switch n := r.below(1000); {
	case n < tradeHidden:
		return g.trade(b)
	case n < tradeHidden+sendAggressor:
		g.attack = g.aggressor(b)
		return g.execute()
	case n < tradeHidden+sendAggressor+replaceOrder:
		return g.replace(b, b.live[r.below(uint64(len(b.live)))])
	case n < tradeHidden+sendAggressor+replaceOrder+cancelPart:
		return g.cancel(b, b.live[r.below(uint64(len(b.live)))])
	}
	// As many live orders as the target: one is as likely to come as to go.
	// Twice as many: none comes.
	if r.below(2*b.target) >= uint64(len(b.live)) {
		return g.add(b)
	}
	return g.delete(b, g.victim(b))
}

// pick draws a stock by its activity.
func (g *Generator) pick() *book {
	x := g.random.below(g.weight[len(g.weight)-1])
	i, _ := slices.BinarySearch(g.weight, x+1) // the first sum above x
	return &g.books[i]
}

// price draws a price for a new order that rests in the book. ok is false if
// there is none: the other side, long overdue, reaches to the end of the window,
// where this side has no orders.
func (g *Generator) price(b *book, s side) (price int32, ok bool) {
	distance := 1 + int32(min(g.random.exp(b.depth), maxDistance-1))
	price = b.fair - distance*s.better()
	if o := s.other(); b.count[o] > 0 && (price-b.best[o])*s.better() >= 0 {
		price = b.best[o] - s.better()
	}
	return price, b.holds(price)
}

// size draws a number of shares: mostly a round lot, at times several or an odd one.
func (g *Generator) size() uint32 {
	switch n := g.random.below(20); {
	case n < 12:
		return 100
	case n < 17:
		return 100 * uint32(1+g.random.below(10))
	}
	return uint32(1 + g.random.below(99))
}

// victim chooses the order to delete: one that the fair price has run through,
// else any.
func (g *Generator) victim(b *book) int32 {
	for _, s := range [...]side{buy, sell} {
		if b.stale(s) {
			return b.front(s)
		}
	}
	return b.live[g.random.below(uint64(len(b.live)))]
}

// aggressor sends an order that trades at once. The book has orders.
func (g *Generator) aggressor(b *book) attack {
	s := side(g.random.below(2))
	if b.count[s] == 0 || b.stale(s.other()) {
		s = s.other()
	}
	shares := g.pool.orders[b.front(s)].shares // all that is shown of the first
	if g.random.oneIn(2) {
		shares = 1 + uint32(g.random.exp(250))
	}
	return attack{book: b, side: s, shares: shares}
}
