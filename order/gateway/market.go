package gateway

import (
	"fmt"
	"strings"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order/risk"
	"github.com/tickring/tickring/ring"
)

// market is the prices of all instruments, from a ring of market data. The gateway is no gate
// there: a feed waits for nobody.
type market struct {
	poll    ring.Poller
	sub     *ring.Subscriber // nil: there is none
	seq     uint64           // of the last message that was read
	most    uint64           // messages that the ring can have
	prices  map[uint32]*risk.Market
	none    risk.Market // of instruments that had no record
	books   *book.Books // of market by order
	measure *measure
}

// marketTurn is how many messages of market data are read at once before the gateway looks
// at its inputs.
const marketTurn = 64

func (m *market) init() { m.prices, m.none = map[uint32]*risk.Market{}, risk.NoMarket() }

func (m *market) closed() bool { return m.sub == nil }

// open joins the ring at its last mark, or else its oldest message, and reads what is there.
func (m *market) open(cfg Config, c *Counts) error {
	sub, err := ring.Open(cfg.MarketData, ring.Options{Dir: cfg.Dir, From: ring.FromMark, Rejoin: ring.RejoinNewest, NoStepOff: true})
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	if schema, _ := sub.Schema(); !strings.HasPrefix(schema, "dbn") {
		sub.Close()
		return fmt.Errorf("gateway: ring %s carries %q and no DBN records: %w", cfg.MarketData, schema, ring.ErrSchema)
	}
	m.sub, m.seq, m.books = sub, 0, book.New(book.Config{})
	m.most = sub.Capacity() / line
	m.poll.Add(sub, 0)
	// What is published meanwhile comes in its turn: a feed may be faster than the books.
	if info, err := ring.Stat(cfg.Dir, cfg.MarketData); err == nil {
		m.readTo(info.Last, c)
	}
	return nil
}

func (m *market) close() {
	if m.sub != nil {
		m.poll.Remove(m.sub)
		m.sub.Close()
		m.sub = nil
		m.forget()
	}
}

// read reads some of what is there. It is false if there was nothing.
func (m *market) read(c *Counts) bool {
	if m.sub == nil {
		return false
	}
	for n := range marketTurn {
		if !m.one(c) {
			return n > 0
		}
	}
	return true
}

// readTo reads on until message seq, or until there is no more. It reads no more than the ring
// can have had, so that a number that nobody has published does not keep the gateway with a
// feed that never pauses.
func (m *market) readTo(seq uint64, c *Counts) {
	for n := m.most; n > 0 && m.sub != nil && m.seq < seq && m.one(c); n-- {
	}
}

// one reads a message. It is false if there was none.
func (m *market) one(c *Counts) bool {
	sub, msg, st := m.poll.Next()
	switch st {
	case ring.Message:
		m.seq = sub.Seq()
		c.Market++
		if m.measure != nil {
			m.measure.tick(sub)
		}
		m.apply(msg)
		return true
	case ring.Gap:
		c.Lapped++
		m.forget()
		return true
	case ring.Superseded, ring.Corrupt:
		m.close() // discover finds the next one
	}
	return false
}

// forget empties the books: what is known of them is no more to be trusted. The price of the
// last trade is an old one, but was one.
func (m *market) forget() {
	m.books.Clear()
	for _, p := range m.prices {
		p.Bid, p.Ask = risk.NoPrice, risk.NoPrice
	}
}

// apply takes the prices out of a record.
func (m *market) apply(rec []byte) {
	switch dbn.RecordType(rec) {
	case dbn.RTypeMbo:
		if r, ok := dbn.AsMbo(rec); ok {
			m.applyMbo(r)
		}
	case dbn.RTypeMbp1:
		if r, ok := dbn.AsMbp1(rec); ok {
			p := m.priceOf(r.InstrumentID)
			p.Bid, p.Ask = r.Level.BidPx, r.Level.AskPx
			if r.Action == dbn.ActionTrade && r.Price != dbn.UndefPrice {
				p.Last = r.Price
			}
		}
	case dbn.RTypeMbp0:
		if r, ok := dbn.AsTrade(rec); ok && r.Price != dbn.UndefPrice {
			m.priceOf(r.InstrumentID).Last = r.Price
		}
	}
}

// priceOf returns the prices of an instrument, to be written.
func (m *market) priceOf(instrument uint32) *risk.Market {
	p := m.prices[instrument]
	if p == nil {
		none := risk.NoMarket()
		p = &none
		m.prices[instrument] = p
	}
	return p
}

// of returns the prices of an instrument.
func (m *market) of(instrument uint32) *risk.Market {
	if p := m.prices[instrument]; p != nil {
		return p
	}
	return &m.none
}
