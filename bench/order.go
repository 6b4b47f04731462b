package bench

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// Order says how tick to order is measured. The zero value is the right one.
type Order struct {
	Duration time.Duration // 0: 4 s
}

// OrderResult is how long it takes from the publishing of a tick until a gateway has the
// order that a strategy answers it with: there on the market data's ring, back on the
// strategy's own, through order.Client. Limit is one word there and one word back.
type OrderResult struct {
	Run
	Limit     Percentiles `json:"limit"`
	Order     Percentiles `json:"order"` // the strategy looks at the tick's price
	Book      Percentiles `json:"book"`  // it builds the book first, and looks at that
	Ratio     Ratio       `json:"ratio"` // of Order to Limit
	BookRatio Ratio       `json:"ratio_book"`
	Rounds    RatioSpread `json:"ratio_rounds"` // of the p50 of Order to that of Limit, round by round
}

func (r *OrderResult) About() *Run { return &r.Run }

func (r *OrderResult) Tables() []Table {
	row := func(name string, p Percentiles, ratio Ratio) []string {
		cells := append([]string{name}, p.cells()...)
		return append(cells, ratioText(ratio.P50), ratioText(ratio.P99))
	}
	return []Table{{
		Title: fmt.Sprintf("Tick to order, two processes, %d-byte messages, %d ticks each", r.Ring.Payload, r.Order.Samples),
		Head:  slices.Concat([]string{""}, percentileHead, []string{"p50 / limit", "p99 / limit"}),
		Rows: [][]string{
			row("limit: a word in a cache line", r.Limit, r.Limit.over(r.Limit)),
			row("strategy that answers the tick", r.Order, r.Ratio),
			row("strategy that builds the book", r.Book, r.BookRatio),
		},
		Notes: []string{fmt.Sprintf("p50 / limit of the first, in %d rounds: median %.2f, %.2f to %.2f; between two ticks the order is forwarded, reported and read, which is not counted",
			r.Rounds.Rounds, r.Rounds.Median, r.Rounds.Least, r.Rounds.Most)},
	}}
}

func (r *OrderResult) Curves() []Curve {
	limit := r.Limit.Curve("limit: a word in a cache line")
	limit.Limit = true
	return []Curve{limit, r.Order.Curve("tick to order"), r.Book.Curve("tick to order, with a book")}
}

// The ways a tick becomes an order, in turn, after the limit's.
const (
	orderLimit = iota
	orderTick
	orderBook
	orderWays
)

// Order measures tick to order. If ctx ends, the result is what there was until then.
func (s *Session) Order(ctx context.Context, config Order) (*OrderResult, error) {
	if config.Duration <= 0 {
		config.Duration = 4 * time.Second
	}
	r := &OrderResult{Run: s.run("order", "every")}
	r.Ring.Subscriber = "named, no histogram" // as a gateway's are
	if err := s.order(ctx, config, r); err != nil {
		return nil, fmt.Errorf("bench: order: %w", err)
	}
	s.finish(ctx, &r.Run)
	return r, nil
}

// noCollector ends the garbage collector's work, and has it do none until the returned function
// is called. What is measured allocates nothing. But the two processes have more on their heaps
// than in other benchmarks, and a collector's thread that waits for who spins, on the CPU on
// which the other process's spins, at a real-time priority, would wait for ever.
func noCollector() (undo func()) {
	runtime.GC()
	percent := debug.SetGCPercent(-1)
	return func() { debug.SetGCPercent(percent) }
}

func (s *Session) order(ctx context.Context, config Order, r *OrderResult) error {
	dir, err := s.subdir("order")
	if err != nil {
		return err
	}
	words, err := openLines(dir+"/lines", lineSize)
	if err != nil {
		return err
	}
	defer words.close()
	d, err := openDesk(dir, s.setup.Capacity)
	if err != nil {
		return err
	}
	defer d.close()
	o, err := s.start("strategist", s.setup.CPUs[1], strategistParams{Dir: dir, Lines: dir + "/lines"})
	if err != nil {
		return err
	}
	defer o.close()
	words.gone, d.gone = &o.gone, &o.gone
	if err := d.find(); err != nil {
		return err
	}
	defer noCollector()()
	t, err := s.roundTrips(ctx, "tick to order", config.Duration, o, orderWays, func(way int, ticks []uint64) error {
		if way == orderLimit {
			words.pingPong(&s.clock, ticks)
			return nil
		}
		return d.orders(&s.clock, &s.scale, ticks)
	})
	if err != nil {
		return err
	}
	r.Limit, r.Order, r.Book = t.of(orderLimit), t.of(orderTick), t.of(orderBook)
	r.Ratio, r.BookRatio = r.Order.over(r.Limit), r.Book.over(r.Limit)
	r.Rounds = t.ratios(orderTick, orderLimit)
	return nil
}
