package synth

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/tickring/tickring/feed/itch"
)

// A checker reads a session as a stranger would, with books of its own that know
// nothing of the generator's, and reports the first thing that no exchange could
// have sent.
type checker struct {
	cfg    Config // with the defaults filled in
	stocks map[uint16]itch.Alpha8
	orders map[uint64]*checkedOrder
	books  map[uint16]*[2]checkedSide // of buys, of sells

	n         int
	events    []itch.Char
	time      uint64
	lastRef   uint64
	lastMatch uint64

	byType   itch.Counts
	byLocate map[uint16]int
	gaps     []uint64
	maxLive  int
}

type checkedOrder struct {
	ref    uint64
	locate uint16
	side   int
	price  uint32
	shares uint32
}

// checkedSide is the orders of a side, the first to be executed first.
type checkedSide []*checkedOrder

func sideOf(c itch.Char) (int, error) {
	switch c {
	case 'B':
		return 0, nil
	case 'S':
		return 1, nil
	}
	return 0, fmt.Errorf("side %q", byte(c))
}

// check reads the whole file.
func check(file []byte, cfg Config) (*checker, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &checker{
		cfg: cfg, stocks: map[uint16]itch.Alpha8{}, orders: map[uint64]*checkedOrder{},
		books: map[uint16]*[2]checkedSide{}, byLocate: map[uint16]int{}, time: uint64(cfg.Begin),
	}
	at := 0
	for {
		if len(file)-at < 2 {
			return nil, fmt.Errorf("the file ends at %d without an end marker", at)
		}
		size := int(binary.BigEndian.Uint16(file[at:]))
		if size == 0 {
			break
		}
		if len(file)-at-2 < size {
			return nil, fmt.Errorf("the message at %d is longer than the file", at)
		}
		if err := c.message(file[at+2 : at+2+size]); err != nil {
			return nil, fmt.Errorf("message %d at %d: %w", c.n, at, err)
		}
		c.n++
		at += 2 + size
	}
	switch live := 20_000 + 8*c.cfg.Instruments; {
	case at+2 != len(file):
		return nil, fmt.Errorf("%d bytes after the end marker", len(file)-at-2)
	case c.n != c.cfg.Messages:
		return nil, fmt.Errorf("%d messages, want %d", c.n, c.cfg.Messages)
	case string(asBytes(c.events)) != "OSQMEC":
		return nil, fmt.Errorf("system events %q", asBytes(c.events))
	case len(c.stocks) != c.cfg.Instruments:
		return nil, fmt.Errorf("%d stocks, want %d", len(c.stocks), c.cfg.Instruments)
	case c.time != uint64(c.cfg.End):
		return nil, fmt.Errorf("ends at %v, want %v", time.Duration(c.time), c.cfg.End)
	case c.maxLive > live:
		return nil, fmt.Errorf("%d live orders at once, want at most %d", c.maxLive, live)
	}
	return c, nil
}

func asBytes(s []itch.Char) (b []byte) {
	for _, c := range s {
		b = append(b, byte(c))
	}
	return b
}

func (c *checker) message(b []byte) error {
	m, err := itch.Decode(b)
	if err != nil {
		return err
	}
	c.byType[b[0]]++
	t := itch.Timestamp(b)
	if t < c.time || t > uint64(c.cfg.End) {
		return fmt.Errorf("time %v after %v in a session to %v", time.Duration(t), time.Duration(c.time), c.cfg.End)
	}
	c.gaps = append(c.gaps, t-c.time)
	c.time = t
	locate := itch.StockLocate(b)
	if e, ok := m.(*itch.SystemEvent); ok {
		return c.event(e)
	}
	if d, ok := m.(*itch.StockDirectory); ok {
		if len(c.events) != 1 || locate == 0 {
			return fmt.Errorf("directory of stock %d after events %q", locate, asBytes(c.events))
		}
		for l, s := range c.stocks {
			if l == locate || s == d.Stock {
				return fmt.Errorf("stock %d %v twice", locate, d.Stock)
			}
		}
		c.stocks[locate], c.books[locate] = d.Stock, new([2]checkedSide)
		return nil
	}
	if c.books[locate] == nil {
		return fmt.Errorf("unknown stock %d", locate)
	}
	if h, ok := m.(*itch.StockTradingAction); ok {
		if len(c.events) != 1 || h.Stock != c.stocks[locate] || h.TradingState != 'T' {
			return fmt.Errorf("trading action %+v", h)
		}
		return nil
	}
	if string(asBytes(c.events)) != "OSQ" {
		return fmt.Errorf("type %c after events %q", b[0], asBytes(c.events))
	}
	c.byLocate[locate]++
	if err := c.order(m, locate); err != nil {
		return fmt.Errorf("%+v: %w", m, err)
	}
	c.maxLive = max(c.maxLive, len(c.orders))
	if bids, asks := c.books[locate][0], c.books[locate][1]; len(bids) > 0 && len(asks) > 0 &&
		bids[0].price >= asks[0].price {
		return fmt.Errorf("crossed: bid %d, ask %d", bids[0].price, asks[0].price)
	}
	return nil
}

func (c *checker) event(e *itch.SystemEvent) error {
	c.events = append(c.events, e.EventCode)
	want := [...]int{0, 1 + 2*c.cfg.Instruments, 2 + 2*c.cfg.Instruments, c.cfg.Messages - 3, c.cfg.Messages - 2, c.cfg.Messages - 1}
	if i := len(c.events) - 1; i >= len(want) || c.n != want[i] || e.StockLocate != 0 {
		return fmt.Errorf("%+v is the event number %d", e, i)
	}
	return nil
}

func (c *checker) order(m itch.Message, locate uint16) error {
	switch m := m.(type) {
	case *itch.AddOrder:
		return c.add(m.OrderReferenceNumber, locate, m.BuySellIndicator, m.Shares, m.Stock, m.Price)
	case *itch.AddOrderMPID:
		if m.Attribution.String() == "" {
			return fmt.Errorf("no owner")
		}
		return c.add(m.OrderReferenceNumber, locate, m.BuySellIndicator, m.Shares, m.Stock, m.Price)
	case *itch.OrderDelete:
		o, err := c.find(m.OrderReferenceNumber, locate)
		if err == nil {
			c.drop(o)
		}
		return err
	case *itch.OrderCancel:
		o, err := c.find(m.OrderReferenceNumber, locate)
		if err != nil {
			return err
		}
		if m.CancelledShares == 0 || m.CancelledShares >= o.shares {
			return fmt.Errorf("of %d shares", o.shares)
		}
		o.shares -= m.CancelledShares
		return nil
	case *itch.OrderReplace:
		o, err := c.find(m.OriginalOrderReferenceNumber, locate)
		if err != nil {
			return err
		}
		c.drop(o)
		return c.add(m.NewOrderReferenceNumber, locate, itch.Char("BS"[o.side]), m.Shares, c.stocks[locate], m.Price)
	case *itch.OrderExecuted:
		_, err := c.execute(m.OrderReferenceNumber, locate, m.ExecutedShares, m.MatchNumber)
		return err
	case *itch.OrderExecutedWithPrice:
		o, err := c.execute(m.OrderReferenceNumber, locate, m.ExecutedShares, m.MatchNumber)
		if err != nil {
			return err
		}
		price, other := uint32(m.ExecutionPrice), c.books[locate][1-o.side]
		better := o.side == 0 && price > o.price || o.side == 1 && price < o.price
		within := len(other) == 0 || o.side == 0 && price < other[0].price || o.side == 1 && price > other[0].price
		if !better || !within || m.Printable != 'Y' {
			return fmt.Errorf("order at %d", o.price)
		}
		return nil
	case *itch.Trade:
		b := c.books[locate]
		for i, s := range b {
			if len(s) > 0 && (int64(m.Price)-int64(s[0].price))*int64(1-2*i) <= 0 && len(b[1-i]) > 0 {
				return fmt.Errorf("not between the best prices")
			}
		}
		if m.Shares == 0 || m.Price == 0 || m.Stock != c.stocks[locate] || m.BuySellIndicator != 'B' {
			return fmt.Errorf("want shares, a price and stock %v", c.stocks[locate])
		}
		return c.matched(m.MatchNumber)
	}
	return fmt.Errorf("type %v in the order flow", m.Type())
}

func (c *checker) add(ref uint64, locate uint16, letter itch.Char, shares uint32, stock itch.Alpha8, price itch.Price4) error {
	side, err := sideOf(letter)
	if err != nil {
		return err
	}
	if ref <= c.lastRef || shares == 0 || price == 0 || price%100 != 0 || price > 200_000_0000 || stock != c.stocks[locate] {
		return fmt.Errorf("after reference %d, stock %v", c.lastRef, c.stocks[locate])
	}
	c.lastRef = ref
	o := &checkedOrder{ref: ref, locate: locate, side: side, price: uint32(price), shares: shares}
	c.orders[ref] = o
	s := &c.books[locate][side]
	*s = slices.Insert(*s, s.after(o.price, side), o)
	return nil
}

// after returns the place behind all orders of this price.
func (s checkedSide) after(price uint32, side int) int {
	i, _ := slices.BinarySearchFunc(s, price, func(o *checkedOrder, price uint32) int {
		if o.price == price || side == 0 && o.price > price || side == 1 && o.price < price {
			return -1
		}
		return 1
	})
	return i
}

func (c *checker) find(ref uint64, locate uint16) (*checkedOrder, error) {
	o := c.orders[ref]
	if o == nil {
		return nil, fmt.Errorf("no such order is live")
	}
	if o.locate != locate {
		return nil, fmt.Errorf("the order is of stock %d", o.locate)
	}
	return o, nil
}

func (c *checker) drop(o *checkedOrder) {
	delete(c.orders, o.ref)
	s := &c.books[o.locate][o.side]
	for i := s.after(o.price, o.side) - 1; ; i-- {
		if (*s)[i] == o {
			*s = slices.Delete(*s, i, i+1)
			return
		}
	}
}

func (c *checker) execute(ref uint64, locate uint16, shares uint32, match uint64) (*checkedOrder, error) {
	o, err := c.find(ref, locate)
	if err != nil {
		return nil, err
	}
	if first := c.books[locate][o.side][0]; first != o {
		return nil, fmt.Errorf("%+v is executed before %+v", o, first)
	}
	if shares == 0 || shares > o.shares {
		return nil, fmt.Errorf("of %d shares", o.shares)
	}
	if o.shares -= shares; o.shares == 0 {
		c.drop(o)
	}
	return o, c.matched(match)
}

func (c *checker) matched(n uint64) error {
	if n <= c.lastMatch {
		return fmt.Errorf("match number after %d", c.lastMatch)
	}
	c.lastMatch = n
	return nil
}
