package order

import (
	"errors"
	"fmt"
	"time"

	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/ring"
)

var (
	// ErrNoGateway: no gateway lives that could read the request: it was never there, has
	// closed, died or hangs. Nothing was sent.
	ErrNoGateway = errors.New("no gateway")
	// ErrActive: another process is this strategy already.
	ErrActive = errors.New("the strategy runs already")
	// ErrRequest: what was asked for is no request at all.
	ErrRequest = errors.New("invalid request")
	// ErrUnknownOrder: the strategy has no open order of this ClOrdID, nor is one on its way.
	ErrUnknownOrder = errors.New("no such open order")
	// ErrPoll: the client has to Poll before it can send more.
	ErrPoll = errors.New("too many requests without Poll")
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("closed")
)

// ClientConfig says which strategy a [Client] is, and whose.
type ClientConfig struct {
	// Gateway is the gateway's name, which is that of its ring.
	Gateway string
	// Strategy is the number of this strategy, 1 to [MaxStrategy], by which the gateway knows
	// it. One process at a time has it.
	Strategy uint16
	// Name of the strategy, for people who look at its ring: at most 64 bytes. Empty: none.
	Name string

	// Dir is the directory of rings. Empty: [ring.DefaultDir].
	Dir string
	// Owner is the gateway's user, if that is another than one's own. 0: one's own, or root.
	Owner uint32
	// Capacity of the strategy's ring in bytes, 64 for each request that the gateway has
	// yet to read. 0: 1 MiB, or what the ring has.
	Capacity uint64

	// CancelOnDisconnect asks the gateway to cancel the open orders when this process ends.
	CancelOnDisconnect bool
	// TTL is for requests without one: within what time of its sending a request has to
	// reach the venue. 0: no limit.
	TTL time.Duration
	// Queue sends also while no gateway lives. The next one reads and judges what waits then,
	// if its TTL has not passed.
	Queue bool
}

const (
	clientCapacity = 1 << 20
	lookEvery      = 10 * time.Millisecond
)

// Client is a strategy's end of the order path: it sends requests on the strategy's own
// ring, which the gateway reads, and follows the gateway's ring, from which it knows every
// open order, position and profit, just as the gateway does.
//
// A client needs no file. One that is dialed after the last was killed knows its open
// orders, its last ClOrdID, and the requests that the gateway has yet to judge: all that is
// in the two rings.
//
// A gateway need not be there to dial; whoever comes later finds the other. Its methods are
// for one goroutine, which should call [Client.Poll] all the time.
type Client struct {
	cfg  ClientConfig
	pub  *ring.Publisher
	self uint64 // RingID of the strategy's ring
	// What the client was last told: by the gateway's ring, and about it.
	out    *ring.Subscriber // nil: no such ring yet
	poller ring.Poller      // of out, as that asks with one look
	state  *State
	synced bool // state is that of the ring at message state.Seq()
	life   ring.Life
	ready  bool // requests may be sent

	last     uint64 // ClOrdID
	epoch    uint16
	ttl      uint32 // µs
	unjudged unjudged
	event    Event
	broken   error  // why the state is not to be trusted
	resync   uint64 // it is, from a snapshot above this message on
	loading  bool   // that snapshot is being read
	lost     error  // why all is learned anew

	clock  tick.Clock
	scale  tick.Scale
	looked uint64
	every  uint64
	closed bool
}

// Dial makes the strategy's ring, or goes on with it, and learns from it and from the
// gateway's all that there is to know.
//
// Errors: [ErrActive], [ErrRequest] for a config that makes no sense, and those of packages
// ring and mmap.
func Dial(cfg ClientConfig) (*Client, error) {
	c, err := dial(cfg)
	if err != nil {
		return nil, fmt.Errorf("order: dial gateway %q as strategy %d: %w", cfg.Gateway, cfg.Strategy, err)
	}
	return c, nil
}

func dial(cfg ClientConfig) (_ *Client, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, clock: tick.New(), life: ring.Ended, ttl: uint32(cfg.TTL / time.Microsecond)}
	c.scale = c.clock.Calibrate(time.Millisecond)
	c.every = c.scale.Ticks(uint64(lookEvery))
	c.state = NewState(Bounds{Strategy: cfg.Strategy})
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	name := InputRing(cfg.Gateway, cfg.Strategy)
	if c.pub, err = ring.Create(name, cfg.ring(name)); err != nil {
		if errors.Is(err, ring.ErrPublisherActive) {
			err = fmt.Errorf("%w: %w", ErrActive, err)
		}
		return nil, err
	}
	c.epoch = uint16(c.pub.Epoch())
	c.unjudged.init(int(c.pub.Capacity() / 64))
	own, err := ring.Open(name, ring.Options{Dir: cfg.Dir, From: ring.FromOldest})
	if err != nil {
		return nil, err
	}
	c.self = own.RingID()
	own.Close()
	return c, mmap.Guard(c.learn)
}

func (cfg *ClientConfig) check() error {
	switch {
	case cfg.Strategy == 0 || cfg.Strategy > MaxStrategy:
		return fmt.Errorf("%w: strategies have numbers from 1 to %d", ErrRequest, MaxStrategy)
	case cfg.TTL < 0 || cfg.TTL/time.Microsecond >= 1<<32:
		return fmt.Errorf("%w: a TTL of %v; it can be up to 71 minutes, 0 for none", ErrRequest, cfg.TTL)
	case cfg.TTL > 0 && cfg.TTL < time.Microsecond:
		return fmt.Errorf("%w: a TTL of %v; it counts in µs", ErrRequest, cfg.TTL)
	}
	return ring.CheckName(cfg.Gateway)
}

// ring is how the strategy's own ring is made.
func (cfg *ClientConfig) ring(name string) ring.Config {
	r := ring.Config{
		Dir:      cfg.Dir,
		Capacity: cfg.Capacity,
		Stamps:   ring.StampEvery, // by which TTL counts
		Schema:   Schema,
		Source:   cfg.Name,
		Gates:    []ring.Gate{{Name: cfg.Gateway, Owner: cfg.Owner}},
	}
	if _, err := ring.Stat(cfg.Dir, name); r.Capacity == 0 && errors.Is(err, ring.ErrNoRing) {
		r.Capacity = clientCapacity
	}
	return r
}

// Close lets go of both rings. Open orders stay open, but for those that are to be canceled
// on disconnect. A second Close does nothing.
func (c *Client) Close() error {
	if c.closed {
		return nil
	}
	c.closed, c.ready = true, false
	c.leave()
	if c.pub != nil {
		return c.pub.Close()
	}
	return nil
}

// leave lets go of the gateway's ring.
func (c *Client) leave() {
	if c.out != nil {
		c.poller.Remove(c.out)
		c.out.Close()
		c.out = nil
	}
}

// Strategy returns the strategy's number.
func (c *Client) Strategy() uint16 { return c.cfg.Strategy }

// Gateway returns whether a gateway lives, as last seen by Poll: within 10 ms, while that is
// called. Ended also says that there never was one.
func (c *Client) Gateway() ring.Life { return c.life }

// Ready says whether a request could be sent now, but for back pressure.
func (c *Client) Ready() bool { return c.ready }

// Err says why no orders can be sent until the next resync: the gateway's ring holds what
// cannot be, or cannot be read ([EventIllegal]). It is nil otherwise.
func (c *Client) Err() error { return c.broken }

// LastClOrdID returns that of the strategy's last request, of whichever process.
func (c *Client) LastClOrdID() uint64 { return c.last }

// Session returns what the gateway knows of this strategy: counts over its whole life, and
// whether its kill switch is engaged; nil if it has not found it yet. It is good until the
// next Poll.
func (c *Client) Session() *Session { return c.state.Session(c.cfg.Strategy) }

// Orders returns the open orders as far as Poll has come, in no order, until the next Poll.
// Requests that the gateway has yet to judge are not in them: see [Client.Unjudged].
func (c *Client) Orders() []Order { return c.state.Orders() }

// Order returns the open order with this ClOrdID, or with a request of this ClOrdID pending;
// nil if there is none. It is good until the next Poll.
func (c *Client) Order(clOrdID uint64) *Order { return c.state.Order(c.cfg.Strategy, clOrdID) }

// Unjudged returns the requests that were sent, by this process or those before, and of which
// the gateway has not said yet whether it forwards them; the first sent first. They are good
// until the next call that polls or sends.
func (c *Client) Unjudged() []Sent { return c.unjudged.all() }

// Position returns what the strategy holds of an instrument and has made with it; nil if it
// has never had an order in it. It is good until the next Poll.
func (c *Client) Position(security uint32) *Position {
	return c.state.Position(c.cfg.Strategy, security)
}

// Positions returns those in all instruments, in no order, until the next Poll.
func (c *Client) Positions() []Position { return c.state.Positions() }

// Settled says that nothing is open and nothing is to come: the strategy has no open order, no
// request that the gateway has yet to judge or the venue to answer, as far as Poll has come.
func (c *Client) Settled() bool {
	return c.synced && len(c.state.Orders()) == 0 && len(c.state.Requests()) == 0 && len(c.unjudged.all()) == 0
}
