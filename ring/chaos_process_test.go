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

const (
	chaosLargest = 1000 // bytes of a message
	chaosBatch   = 8    // messages that are read at once
)

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

	batch   *Batch   // nil: it reads one by one
	sleeper *Sleeper // nil: it backs off
	slept   SleepStats
	view    []byte // what was read in place

	s    *Subscriber
	due  uint64 // what s has to give next; 0: it has given nothing yet
	hand uint64 // number of the first message that s has given and that is in hand
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
	case "named", "gate1":
		c.batch = NewBatch(chaosBatch, 0)
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
	c.due, c.messages, c.lost = 0, 0, 0
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
	for idle, replaced := 0, false; !c.orders.leave.Load(); {
		st, err := c.next()
		if err != nil {
			return false, err
		}
		switch st {
		case Message:
			idle = 0
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
	}
	return false, nil
}

// next reads in one of the ways there are, and enters the messages into the book.
func (c *chaosReader) next() (Status, error) {
	switch c.rand.IntN(8) {
	case 0:
		m, st := c.s.View()
		if st != Message {
			return st, nil
		}
		c.view = append(c.view[:0], m...)
		if !c.s.Valid() {
			return Message, nil // it was overwritten while it was looked at; that is a gap now
		}
		c.hand = c.s.Seq()
		return st, c.message(c.s.Seq(), c.s.Type(), c.view)
	case 1, 2:
		if c.batch == nil {
			break
		}
		st := c.s.NextBatch(c.batch)
		for i := range c.batch.Len() {
			c.hand = c.batch.Seq(0)
			if err := c.message(c.batch.Seq(i), c.batch.Type(i), c.batch.Message(i)); err != nil {
				return st, err
			}
		}
		return st, nil
	}
	m, st := c.s.Next()
	if st != Message {
		return st, nil
	}
	c.hand = c.s.Seq()
	return st, c.message(c.s.Seq(), c.s.Type(), m)
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

// message enters a message into the book, and checks it. Now and then it takes its time,
// for a kill to find it with messages in hand, entered or not.
func (c *chaosReader) message(seq uint64, typ uint16, m []byte) error {
	c.messages++
	if want := fill(c.want, seq, chaosLargest); string(m) != string(want) || typ != typeOf(seq, len(m)) {
		return fmt.Errorf("message %d of type %d is torn or foreign:\n got %x\nwant %x", seq, typ, m, want)
	}
	c.doze()
	e := c.book.edit()
	if err := c.expect(e, seq, seq); err != nil {
		return err
	}
	if seq < e.next {
		e.again++
	} else {
		e.next++
		e.delivered++
	}
	e.bytes += uint64(len(m))
	c.entered(e, c.hand)
	c.doze()
	return nil
}

func (c *chaosReader) doze() {
	if c.rand.IntN(10_000) == 0 {
		time.Sleep(time.Duration(c.rand.IntN(20_000)) * time.Microsecond)
	}
}

// gap enters a gap into the book.
func (c *chaosReader) gap(first, last uint64) error {
	e := c.book.edit()
	if err := c.expect(e, first, last); err != nil {
		return err
	}
	if c.gate {
		return fmt.Errorf("the gate has lost %d-%d", first, last)
	}
	if last >= e.next {
		e.lost += last + 1 - e.next // the ones before had been given to somebody who was killed
		e.next = last + 1
	}
	e.gaps++
	c.entered(e, first)
	return nil
}

// expect checks that first is the number that is due, and last not before it. It is the
// next one of the book; but what comes first after a kill may be what was in hand.
func (c *chaosReader) expect(e *page, first, last uint64) error {
	from := e.next
	switch {
	case c.due != 0:
		from = c.due
	case e.next == 0:
		e.first, e.next, from = first, first, first
	case c.opt.Name != "" && e.clean == 0 && first < e.next:
		from = max(first, e.next-e.hand)
	}
	if first != from || last < first {
		return fmt.Errorf("%d-%d came where %d was due, of the book %d", first, last, from, e.next)
	}
	c.due = last + 1
	return nil
}

// entered turns the page, with what was given from number hand on in hand.
func (c *chaosReader) entered(e *page, hand uint64) {
	e.hand = e.next - min(hand, e.next)
	e.clean = 0
	c.book.turn()
}
