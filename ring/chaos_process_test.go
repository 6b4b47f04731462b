//go:build linux

package ring

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// The processes of the chaos test. A message follows from its number, so each can check
// everything that it is given.

func init() {
	roles["chaos.publish"] = chaosPublish
	roles["chaos.read"] = chaosRead
	roles["chaos.wake"] = chaosWake
}

const chaosLargest = 1000 // bytes of a message

// orders are what a process is told by lines on stdin.
type orders struct {
	leave atomic.Bool   // close and end
	until atomic.Uint64 // the ring's last number: read up to it, close and end
	ctx   context.Context
}

// takeOrders calls came whenever there is an order.
func takeOrders(came func()) *orders {
	ctx, cancel := context.WithCancel(context.Background())
	o := &orders{ctx: ctx}
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			var last uint64
			if n, _ := fmt.Sscanf(in.Text(), "until %d", &last); n == 1 {
				o.until.Store(last)
			} else {
				o.leave.Store(true)
				cancel()
			}
			came()
		}
		os.Exit(3) // its driver has ended
	}()
	return o
}

// chaosPublish publishes, after it has waited for the ring if another has it: args are
// dir, book and the gates.
func chaosPublish(args []string) error {
	b, err := mapFile[ledger](args[1])
	if err != nil {
		return err
	}
	b.active = 0
	b.seed++
	r := rand.New(rand.NewPCG(b.seed, 7))
	o := takeOrders(func() {})
	cfg := Config{
		Dir: args[0], Capacity: minCapacity, MaxMessage: chaosLargest, Heartbeat: 20 * time.Millisecond,
		OnLag:    func(GateLag) { b.held++ },
		OnDemote: func(GateLag) { b.demoted++ },
		Waker:    r.IntN(2) == 0,
	}
	if r.IntN(8) == 0 {
		cfg.Capacity *= 2 // who gets the ring after another size replaces it
	}
	for _, g := range args[2:] {
		gate := Gate{Name: g}
		switch g {
		case "timed":
			gate.Hold = 20 * time.Millisecond
		case "dropped":
			gate.DropDead = true
		}
		cfg.Gates = append(cfg.Gates, gate)
	}
	p, err := chaosBecomePublisher(o, cfg, r.IntN(3) == 0)
	if p == nil {
		return err
	}
	atomic.StoreUint64(&b.active, 1)
	for !o.leave.Load() {
		for end := p.Seq() + r.Uint64N(2000); p.Seq() < end; {
			last, was := p.Seq(), p.pos
			form := chaosForm(r, &p.publisher)
			err := form()
			if err == ErrBackPressure {
				p.Abort()
				err = p.waitForGates(o.ctx, form)
			}
			if err != nil {
				if o.leave.Load() && errors.Is(err, ErrBackPressure) {
					break
				}
				return err
			}
			b.written += p.Seq() - last
			b.bytes += p.pos - was
		}
		time.Sleep(time.Duration(r.IntN(5000)) * time.Microsecond)
	}
	return p.Close()
}

// chaosForm is a call that publishes, in one of the ways there are. It may be repeated.
func chaosForm(r *rand.Rand, p *publisher) func() error {
	buf := make([]byte, chaosLargest)
	switch n := r.IntN(1000); {
	case n < 50:
		return func() error { return publishBatch(p, 1+n%8) }
	case n < 100:
		return func() error { return publishClaim(r, p, buf) }
	case n < 150:
		return func() error { return publishTyped(p, 1+n%4, fill) }
	case n < 152:
		return func() error {
			m := fill(buf, p.seq, chaosLargest)
			return p.PublishMark(typeOf(p.seq, len(m)), m)
		}
	}
	return func() error { return publishOne(p, buf) }
}

// chaosWake wakes who sleeps: args are dir and book.
func chaosWake(args []string) error {
	o := takeOrders(func() {})
	w, err := NewWaker("r", WakerOptions{Dir: args[0]})
	if err != nil {
		return err
	}
	if err := w.Run(o.ctx); !o.leave.Load() {
		return err
	}
	return nil
}

// chaosBecomePublisher waits for the ring, as a standby or as one who tries again and
// again. A ring of another size it takes as it is if a gate does not read what is in the
// way of replacing it. It returns nil if it was told to leave.
func chaosBecomePublisher(o *orders, cfg Config, again bool) (*Publisher, error) {
	for unread := 0; ; {
		var p *Publisher
		var err error
		if again {
			p, err = Create("r", cfg)
		} else {
			p, err = Standby(o.ctx, "r", cfg)
		}
		switch {
		case err == nil:
			return p, nil
		case o.leave.Load():
			return nil, nil
		case errors.Is(err, ErrUnread):
			if unread++; unread == 20 {
				cfg.Capacity = 0
			}
		case !errors.Is(err, ErrPublisherActive):
			return nil, err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// chaosReader reads as one of the subscribers of the chaos test.
type chaosReader struct {
	opt    Options
	gate   bool // that may not lose anything
	hops   bool // every join is a new one
	book   *ledger
	orders *orders
	rand   *rand.Rand
	want   []byte

	sleeper *Sleeper // nil: it backs off
	slept   SleepStats
	view    []byte // what was read in place

	s     *Subscriber
	fresh bool // nothing was given by s yet
	// What s has given, to compare with what its own file says.
	messages, lost uint64
}

// chaosRead is a subscriber: args are dir, book and who it is.
func chaosRead(args []string) error {
	b, err := mapFile[ledger](args[1])
	if err != nil {
		return err
	}
	b.seed++
	c := &chaosReader{book: b, rand: rand.New(rand.NewPCG(b.seed, 8)), want: make([]byte, chaosLargest), view: make([]byte, 0, chaosLargest)}
	who := args[2]
	came := func() {}
	if who == "sleeper" || who == "gate2" {
		if c.sleeper, err = NewSleeper(SleepOptions{Spins: 20, Yields: 5}); err != nil {
			return err
		}
		came = c.sleeper.Interrupt
	}
	c.orders = takeOrders(came)
	c.opt = Options{Dir: args[0], Name: who, Rejoin: []Rejoin{RejoinOldest, RejoinMiddle, RejoinNewest, RejoinMark}[c.rand.IntN(4)]}
	c.gate = strings.HasPrefix(who, "gate")
	switch who {
	case "reader":
		c.opt.Name = ""
	case "hopper":
		c.hops = true
		c.opt.Ephemeral = true
	}
	for again := true; again; {
		if err = c.join(); err == nil {
			again, err = c.read()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
		if again {
			err = c.leave(false)
		} else {
			err = c.leave(true)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
	}
	return nil
}

// join opens the ring, as soon as there is one and the name is free.
func (c *chaosReader) join() error {
	p := c.book.read()
	switch {
	case c.hops:
		c.opt.From = []From{FromOldest, FromLatest, FromMark}[c.rand.IntN(3)]
	case c.opt.Name == "" && p.next == 0:
		c.opt.From = FromOldest
	case c.opt.Name == "":
		c.opt.From, c.opt.Seq = FromSeq, p.next
	}
	for end := time.Now().Add(chaosBound); ; time.Sleep(time.Millisecond) {
		s, err := Open("r", c.opt)
		if err == nil {
			c.s = s
			if c.sleeper != nil {
				c.sleeper.For(s)
			}
			break
		}
		if !errors.Is(err, ErrNoRing) && !errors.Is(err, ErrSubscriberActive) || time.Now().After(end) {
			return err
		}
	}
	c.fresh, c.messages, c.lost = true, 0, 0
	e := c.book.edit()
	e.joins++
	if c.hops {
		e.before += e.next - e.first
		e.first, e.next = 0, 0
	}
	c.book.turn()
	return nil
}

// read reads until it is to end, or, if again, to join again.
func (c *chaosReader) read() (again bool, err error) {
	doze := 2 + c.rand.IntN(10_000)
	for idle, replaced := 0, false; ; {
		m, st := c.next()
		switch st {
		case Message:
			if m == nil {
				continue // it was overwritten while it was looked at; that is a gap now
			}
			idle = 0
			c.messages++
			// A kill is to find it with a message in hand now and then, entered or not.
			if doze--; doze == 1 {
				time.Sleep(time.Duration(c.rand.IntN(20_000)) * time.Microsecond)
			}
			if err := c.message(c.s.Seq(), c.s.Type(), m); err != nil {
				return false, err
			}
			if doze == 0 {
				doze = 2 + c.rand.IntN(10_000)
				time.Sleep(time.Duration(c.rand.IntN(20_000)) * time.Microsecond)
			}
		case Gap:
			first, last := c.s.Gap()
			c.lost += last - first + 1
			if err := c.gap(first, last); err != nil {
				return false, err
			}
		case Demoted:
			c.book.edit().demotions++
			c.book.turn()
			if c.gate {
				return false, errors.New("it was demoted")
			}
		case Superseded:
			return true, nil
		case Corrupt:
			return false, c.s.Err()
		default: // Empty, Closed
			if last := c.orders.until.Load(); last != 0 && (c.book.read().next > last || c.hops && st == Closed) {
				return false, nil
			}
			if replaced {
				return true, nil
			}
			if idle++; idle%30 == 0 {
				// Somebody may have replaced the ring who was killed before he could say so.
				replaced = c.s.Publisher() == Replaced
				continue
			}
			c.wait(idle)
		}
		if c.orders.leave.Load() {
			return false, nil
		}
	}
}

// next is Next, or a view now and then; nil is a message that was lost in view.
func (c *chaosReader) next() ([]byte, Status) {
	if c.rand.IntN(8) != 0 {
		return c.s.Next()
	}
	m, st := c.s.View()
	if st != Message {
		return nil, st
	}
	c.view = append(c.view[:0], m...)
	if !c.s.Valid() {
		return nil, Message
	}
	return c.view, Message
}

// wait waits after so many polls that found nothing.
func (c *chaosReader) wait(polls int) {
	if c.sleeper == nil {
		Backoff{Spins: 50, Yields: 5}.Wait(polls)
		return
	}
	c.sleeper.Wait(polls)
	s := c.sleeper.Stats()
	c.book.sleeps += s.Sleeps - c.slept.Sleeps
	c.book.woken += s.Sleeps - s.TimedOut - (c.slept.Sleeps - c.slept.TimedOut)
	c.book.late += s.Late - c.slept.Late
	c.slept = s
}

// leave closes the subscriber.
func (c *chaosReader) leave(end bool) error {
	i, named := c.s.Info()
	if err := c.s.Close(); err != nil {
		return err
	}
	if named && (i.Messages != c.messages || i.Lost != c.lost) {
		return fmt.Errorf("its file counts %d messages and %d lost, it was given %d and %d", i.Messages, i.Lost, c.messages, c.lost)
	}
	e := c.book.edit()
	e.clean = 1
	if !end {
		e.replaced++
	}
	c.book.turn()
	return nil
}

// message enters a message into the book, and checks it.
func (c *chaosReader) message(seq uint64, typ uint16, m []byte) error {
	if want := fill(c.want, seq, chaosLargest); string(m) != string(want) || typ != typeOf(seq, len(m)) {
		return fmt.Errorf("message %d of type %d is torn or foreign:\n got %x\nwant %x", seq, typ, m, want)
	}
	e := c.book.edit()
	switch {
	case c.inHand(e, seq):
		e.again++
	case e.next == 0:
		e.first, e.next = seq, seq+1
		e.delivered++
	case seq == e.next:
		e.next++
		e.delivered++
	default:
		return fmt.Errorf("message %d came where %d was due", seq, e.next)
	}
	e.bytes += uint64(len(m))
	c.entered(e)
	return nil
}

// gap enters a gap into the book.
func (c *chaosReader) gap(first, last uint64) error {
	e := c.book.edit()
	switch {
	case c.inHand(e, first):
		first++ // that one was delivered
	case e.next == 0:
		e.first, e.next = first, first
	}
	if first != e.next || last+1 < first {
		return fmt.Errorf("gap %d-%d came where %d was due", first, last, e.next)
	}
	if c.gate && last >= first {
		return fmt.Errorf("the gate has lost %d-%d", first, last)
	}
	e.lost += last + 1 - first
	e.next = last + 1
	e.gaps++
	c.entered(e)
	return nil
}

// inHand says whether seq is what the process before had in hand when it was killed.
func (c *chaosReader) inHand(e *page, seq uint64) bool {
	return c.fresh && c.opt.Name != "" && e.clean == 0 && e.next != 0 && seq == e.next-1
}

func (c *chaosReader) entered(e *page) {
	e.clean = 0
	c.fresh = false
	c.book.turn()
}
