package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/feed/book"
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/audit"
	"github.com/tickring/tickring/ring"
)

// Names of the kill test's rings.
const (
	killGateway = "g"
	killVenue   = "v"
	killMd      = "md"
)

func init() { roles["kills.load"] = killLoad }

// dieWithParent ends this process when the test does.
func dieWithParent() { unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) }

// patiently calls try until the kernel has let go of what a killed process held.
func patiently(try func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		err := try()
		if !errors.Is(err, ring.ErrPublisherActive) && !errors.Is(err, ring.ErrSubscriberActive) && !errors.Is(err, ring.ErrNoRing) || time.Now().After(end) {
			return err
		}
	}
}

// linesOf returns the lines that are read from r, as they come.
func linesOf(r io.Reader) <-chan string {
	ch := make(chan string)
	go func() {
		for in := bufio.NewScanner(r); in.Scan(); {
			ch <- in.Text()
		}
		os.Exit(1) // the test has gone
	}()
	return ch
}

// load is a strategy that sends whatever it can think of.
type load struct {
	number uint16
	rand   *rand.Rand
	client *order.Client
	md     *ring.Subscriber
	books  *book.Books
	mdSeq  uint64

	skipped, resyncs uint64
}

// loadView is what a strategy believes.
type loadView struct {
	LastClOrdID uint64           `json:"last_cl_ord_id"`
	Unjudged    int              `json:"unjudged"`
	Pending     int              `json:"pending"`
	Orders      []audit.Order    `json:"orders"`
	Positions   []audit.Position `json:"positions"`
	Skipped     uint64           `json:"skipped"`
	Resyncs     uint64           `json:"resyncs"`
}

// killLoad is the role: arguments are the directory, the strategy's number, the seed, the rate
// in requests a second, and "cancel" or "queue" for what it asks for.
func killLoad(args []string) error {
	dieWithParent()
	number, err1 := strconv.ParseUint(args[1], 10, 16)
	seed, err2 := strconv.ParseUint(args[2], 10, 64)
	rate, err3 := strconv.Atoi(args[3])
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	l := &load{number: uint16(number), rand: rand.New(rand.NewPCG(seed, uint64(os.Getpid()))), books: book.New(book.Config{})}
	if err := patiently(func() (err error) {
		l.client, err = order.Dial(order.ClientConfig{Gateway: killGateway, Strategy: l.number, Name: "load", Dir: args[0],
			CancelOnDisconnect: slices.Contains(args, "cancel"), Queue: slices.Contains(args, "queue")})
		return err
	}); err != nil {
		return err
	}
	defer l.client.Close()
	if err := patiently(func() (err error) {
		l.md, err = ring.Open(killMd, ring.Options{Dir: args[0], From: ring.FromLatest})
		return err
	}); err != nil {
		return err
	}
	defer l.md.Close()
	return l.run(linesOf(os.Stdin), rate)
}

func (l *load) run(commands <-chan string, rate int) error {
	stopped := false
	began, done := time.Now(), 0
	for {
		if err := l.poll(); err != nil {
			return err
		}
		select {
		case line := <-commands:
			switch line {
			case "stop":
				stopped = true
			case "go":
				stopped = false
			case "view":
				if err := json.NewEncoder(os.Stdout).Encode(l.view()); err != nil {
					return err
				}
			case "leave":
				return nil
			}
		default:
		}
		due := int(time.Since(began).Seconds() * float64(rate))
		if stopped || due-done > rate/10 {
			done = due
		}
		for ; done < due; done++ {
			if err := l.act(); err != nil {
				return err
			}
		}
		time.Sleep(time.Duration(l.rand.IntN(2000)) * time.Microsecond)
	}
}

// poll reads what there is, of the gateway and of the market.
func (l *load) poll() error {
	for e := l.client.Poll(); e != nil; e = l.client.Poll() {
		switch e.Kind {
		case order.EventIllegal, order.EventLost:
			return fmt.Errorf("strategy %d: %v in message %d: %w", l.number, e.Kind, e.Seq, e.Err)
		case order.EventResync:
			l.resyncs++
		}
	}
	for range 4096 {
		msg, st := l.md.Next()
		switch st {
		case ring.Message:
			if m, ok := dbn.AsMbo(msg); ok {
				l.books.Apply(m)
			}
			l.mdSeq = l.md.Seq()
		case ring.Gap:
			l.books.Clear()
		default:
			return nil
		}
	}
	return nil
}

// act sends something.
func (l *load) act() error {
	orders := l.client.Orders()
	d := l.rand.IntN(100)
	if len(orders) > 30 {
		d = 50 + d/2
	}
	r := order.Request{SecurityID: killFirst + uint32(l.rand.IntN(killInstruments)), Side: order.Buy, OrdType: order.Limit, TimeInForce: order.Day,
		OrderQty: 1 + int32(l.rand.IntN(30)), MdSeq: l.mdSeq}
	if l.rand.IntN(2) == 0 {
		r.Side = order.Sell
	}
	if l.rand.IntN(20) == 0 {
		r.TTL = 1 + uint32(l.rand.IntN(500)) // it may not make it
	}
	bid, ask := int64(killPrice-killTick), int64(killPrice)
	if b := l.books.Get(r.SecurityID); b != nil {
		x, y := b.BBO()
		if x.Price != dbn.UndefPrice && y.Price != dbn.UndefPrice {
			bid, ask = x.Price, y.Price
		}
	}
	own, other, away := bid, ask, int64(-killTick)
	if r.Side == order.Sell {
		own, other, away = ask, bid, killTick
	}
	var err error
	switch {
	case d < 30: // to wait
		r.Price = own + away*int64(l.rand.IntN(4))
		_, err = l.client.NewOrder(&r)
	case d < 42: // to trade at once
		r.Price = other - away*int64(l.rand.IntN(3))
		r.TimeInForce = []order.TimeInForce{order.Day, order.GTC, order.IOC, order.FOK}[l.rand.IntN(4)]
		_, err = l.client.NewOrder(&r)
	case d < 45:
		r.OrdType, r.TimeInForce = order.Market, []order.TimeInForce{order.Day, order.IOC, order.FOK}[l.rand.IntN(3)]
		_, err = l.client.NewOrder(&r)
	case d < 48:
		r.OrdType, r.Price = order.Stop, other-away*int64(1+l.rand.IntN(5))
		_, err = l.client.NewOrder(&r)
	case d < 50: // refused
		r.OrderQty, r.Price = 1_000_000, own
		_, err = l.client.NewOrder(&r)
	case len(orders) == 0:
	case d < 80:
		if o := l.choose(orders); o != nil {
			_, err = l.client.Cancel(o.ClOrdID, l.mdSeq)
		}
	default:
		o := l.choose(orders)
		if o == nil {
			break
		}
		r.OrderQty = o.CumQty + 1 + int32(l.rand.IntN(30))
		if o.OrdType != order.Market {
			r.Price = o.Price + killTick*int64(l.rand.IntN(5)-2)
		}
		_, err = l.client.Replace(o.ClOrdID, &r)
	}
	switch {
	case errors.Is(err, order.ErrNoGateway), errors.Is(err, ring.ErrBackPressure), errors.Is(err, order.ErrPoll):
		l.skipped++
		return nil
	case err != nil:
		return fmt.Errorf("strategy %d: %w", l.number, err)
	}
	return nil
}

// choose chooses an order, mostly one that has no request on its way.
func (l *load) choose(orders []order.Order) *order.Order {
	o := &orders[l.rand.IntN(len(orders))]
	if l.rand.IntN(20) == 0 {
		return o // it is going to be refused
	}
	if o.Pending.Kind != order.PendingNone || slices.ContainsFunc(l.client.Unjudged(), func(s order.Sent) bool { return s.Request.OrigClOrdID == o.ClOrdID }) {
		return nil
	}
	return o
}

func (l *load) view() loadView {
	v := loadView{LastClOrdID: l.client.LastClOrdID(), Unjudged: len(l.client.Unjudged()), Skipped: l.skipped, Resyncs: l.resyncs}
	for _, o := range l.client.Orders() {
		if o.Pending.Kind != order.PendingNone {
			v.Pending++
		}
	}
	v.Orders, v.Positions = audit.Rows(l.client.Orders(), l.client.Positions())
	return v
}
