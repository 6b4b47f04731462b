package exchange

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
	"github.com/tickring/tickring/ring"
)

// Config is what an Exchange needs.
type Config struct {
	// Dir is the directory of rings. Empty: ring.DefaultDir.
	Dir string
	// MarketData is the ring of the market data, which carries DBN records, those of schema
	// mbo among them. It may be yet to come.
	MarketData string
	// DayEnds is the end of the trading day, after midnight UTC.
	DayEnds time.Duration
	// Notify, if set, is called when something happens to the market data.
	Notify func(Event)
}

// Event is what happened to the market data.
type Event struct {
	Kind EventKind
	Seq  uint64 // up to here it was read
	Lost uint64 // messages
	Err  error
}

// EventKind is the kind of an Event.
type EventKind uint8

const (
	MarketFound EventKind = iota + 1 // the ring is open; what it had was taken in, up to Seq
	MarketLost                       // messages were lost: the market's books are empty
	MarketGone                       // the ring was removed or replaced, or is corrupt (Err)
	MarketBad                        // the ring cannot be read (Err); said once
)

// Exchange is a venue: an Engine, and the market data that it needs.
type Exchange struct {
	cfg    Config
	engine *Engine
	sub    *ring.Subscriber // nil: not found
	seq    uint64
	look   time.Time // when to look for the ring again
	bad    string    // what was said of it
}

var _ venue.Venue = (*Exchange)(nil)

// New returns an exchange that has not looked for its market data yet.
func New(cfg Config) (*Exchange, error) {
	if cfg.MarketData == "" {
		return nil, fmt.Errorf("exchange: %w: no ring of market data is named", venue.ErrConfig)
	}
	if cfg.DayEnds < 0 || cfg.DayEnds >= 24*time.Hour {
		return nil, fmt.Errorf("exchange: %w: the day ends %v after midnight: want 0 to 24h", venue.ErrConfig, cfg.DayEnds)
	}
	return &Exchange{cfg: cfg, engine: NewEngine(cfg.DayEnds)}, nil
}

// Counts returns what was done so far.
func (x *Exchange) Counts() Counts { return x.engine.Counts() }

// Close lets go of the market data.
func (x *Exchange) Close() error {
	if x.sub == nil {
		return nil
	}
	err := x.sub.Close()
	x.sub = nil
	return err
}

// Recover builds the books of what the market-data ring has, and puts the open orders into
// them.
func (x *Exchange) Recover(r venue.Recovery) error {
	x.find()
	x.engine.Reset()
	x.engine.Restore(r.Orders)
	return nil
}

// Request deals with a request.
func (x *Exchange) Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *venue.Reports) error {
	x.engine.Request(seq, typ, r, expired, out)
	return nil
}

// MdSeq is up to where the market data has been taken in.
func (x *Exchange) MdSeq() uint64 { return x.seq }

const (
	turnRecords = 64
	lookEvery   = 10 * time.Millisecond
)

// Turn takes in some market data, as long as what it means can be reported.
func (x *Exchange) Turn(out *venue.Reports) (busy bool, err error) {
	if out.Room() == 0 {
		return false, nil
	}
	if !x.engine.Work(out) {
		return out.Len() > 0, nil
	}
	if x.sub == nil {
		if now := time.Now(); now.After(x.look) {
			x.look = now.Add(lookEvery)
			x.find()
		}
		return out.Len() > 0, nil
	}
	for n := range turnRecords {
		if !x.next(x.engine.Market) {
			return n > 0 || out.Len() > 0, nil
		}
		if !x.engine.Work(out) {
			break
		}
	}
	return true, nil
}

// next takes in a message. It is false if there is none.
func (x *Exchange) next(take func(*dbn.MboMsg)) bool {
	if x.sub == nil {
		return false
	}
	msg, st := x.sub.Next()
	switch st {
	case ring.Message:
		x.seq = x.sub.Seq()
		if m, ok := dbn.AsMbo(msg); ok {
			take(m)
		}
		return true
	case ring.Gap:
		first, last := x.sub.Gap()
		x.seq = last
		x.engine.Lost(last - first + 1)
		x.notify(Event{Kind: MarketLost, Seq: x.seq, Lost: last - first + 1})
		return true
	case ring.Superseded, ring.Corrupt:
		x.notify(Event{Kind: MarketGone, Seq: x.seq, Err: x.sub.Err()})
		x.Close()
		x.engine.Lost(0)
	}
	return false
}

// find opens the ring and takes in what it has: history, which fills nothing.
func (x *Exchange) find() {
	if x.sub != nil {
		return
	}
	sub, err := ring.Open(x.cfg.MarketData, ring.Options{Dir: x.cfg.Dir, From: ring.FromOldest, Rejoin: ring.RejoinOldest})
	if err != nil {
		if !errors.Is(err, ring.ErrNoRing) {
			x.complain(err)
		}
		return
	}
	if schema, _ := sub.Schema(); !strings.HasPrefix(schema, "dbn") {
		sub.Close()
		x.complain(fmt.Errorf("exchange: ring %s carries %q and no DBN records: %w", x.cfg.MarketData, schema, ring.ErrSchema))
		return
	}
	x.sub, x.seq = sub, 0
	x.engine.Lost(0) // the books of another ring
	for head := x.head(); x.seq < head && x.next(x.engine.Load); {
	}
	x.notify(Event{Kind: MarketFound, Seq: x.seq})
}

// head is the number of the newest message of the ring.
func (x *Exchange) head() uint64 {
	if i, err := ring.Stat(x.cfg.Dir, x.cfg.MarketData); err == nil {
		return i.Last
	}
	return 0
}

func (x *Exchange) complain(err error) {
	if msg := err.Error(); msg != x.bad {
		x.bad = msg
		x.notify(Event{Kind: MarketBad, Err: err})
	}
}

func (x *Exchange) notify(e Event) {
	if x.cfg.Notify != nil {
		x.cfg.Notify(e)
	}
}
