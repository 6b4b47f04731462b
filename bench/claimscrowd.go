package bench

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/ring"
)

// The publisher and the process that has the subscribers take turns by two words of
// shared memory: the publisher says up to which message the gates are to read, and waits
// until they have.

// step lets the gates read up to a message. 0 is the end of a piece.
func (l *lines) step(target uint64) {
	l.already++
	mem.StoreRelease(l.read, target)
	mem.StoreRelease(l.ping, l.already)
	for polls := 1; mem.LoadAcquire(l.pong) != l.already; polls++ {
		if polls%askEvery == 0 && l.gone.Load() {
			return
		}
	}
}

// steps does what step says until the end of the piece. While it waits it calls idle.
func (l *lines) steps(idle func(), read func(target uint64) error) error {
	for {
		l.already++
		for mem.LoadAcquire(l.ping) != l.already {
			idle()
		}
		target := mem.LoadAcquire(l.read)
		if target > 0 {
			if err := read(target); err != nil {
				return err
			}
		}
		mem.StoreRelease(l.pong, l.already)
		if target == 0 {
			return nil
		}
	}
}

// crowdParams are those of the process that has the subscribers.
type crowdParams struct {
	Dir, Lines string
	Scale      uint64
}

// crowdCommand: be the subscribers of a crowd for a piece. The first answer comes when
// they are ready, the second when the piece is at its end.
type crowdCommand struct{ Crowd int }

// listeners are the subscribers of a crowd.
type listeners struct {
	gates []*ring.Subscriber
	lag   []*ring.Subscriber // those that read now and then; the sleepers do not
	next  int
	batch *ring.Batch
}

func ringOfCrowd(i int) string { return fmt.Sprintf("crowd%d", i) }
func gateName(i int) string    { return fmt.Sprintf("gate%d", i) }

// beCrowd is the process that has the subscribers.
func beCrowd(c *child) error {
	var p crowdParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return err
	}
	debug.SetGCPercent(-1) // garbage is collected between pieces; see Session.Claims
	l, err := openLines(p.Lines, lineSize)
	if err != nil {
		return err
	}
	defer l.close()
	var all []*listeners
	for i, v := range crowds {
		n, closeAll, err := v.join(p.Dir, ringOfCrowd(i))
		defer closeAll()
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	clock := tick.New()
	nap := tick.Scale(p.Scale).Ticks(uint64(napBetweenReads))
	if err := c.reply(nil); err != nil {
		return err
	}
	var cmd crowdCommand
	for c.next(&cmd) {
		n := all[cmd.Crowd]
		runtime.GC()
		if err := c.reply(nil); err != nil {
			return err
		}
		last := clock.Now()
		idle := func() {
			if now := clock.Now(); now-last > nap {
				n.readSome()
				last = now
			}
		}
		if err := l.steps(idle, n.readTo); err != nil {
			return err
		}
		if err := c.reply(nil); err != nil {
			return err
		}
	}
	return nil
}

// napBetweenReads is from when one of the subscribers that lag reads until another one
// does.
const napBetweenReads = 20 * time.Microsecond

// join opens the subscribers of a crowd.
func (v crowd) join(dir, name string) (n *listeners, closeAll func(), err error) {
	var open []*ring.Subscriber
	closeAll = func() {
		for _, s := range open {
			s.Close()
		}
	}
	n = &listeners{batch: ring.NewBatch(0, 0)}
	for i := range v.gates {
		s, err := ring.Open(name, ring.Options{Dir: dir, Name: gateName(i)})
		if err != nil {
			return nil, closeAll, err
		}
		open, n.gates = append(open, s), append(n.gates, s)
	}
	for i := range v.subs {
		s, err := ring.Open(name, ring.Options{Dir: dir, Name: fmt.Sprintf("sub%d", i)})
		if err != nil {
			return nil, closeAll, err
		}
		open = append(open, s)
		if i%2 == 0 {
			n.lag = append(n.lag, s)
		}
	}
	return n, closeAll, nil
}

// readSome lets the next one of those that lag read a batch. It is lapped most of the time.
func (n *listeners) readSome() {
	if len(n.lag) > 0 {
		n.next = (n.next + 1) % len(n.lag)
		n.lag[n.next].NextBatch(n.batch)
	}
}

// readTo lets the gates read up to a message.
func (n *listeners) readTo(target uint64) error {
	for _, g := range n.gates {
		for g.Seq() < target {
			switch _, st := g.Next(); st {
			case ring.Message, ring.Empty:
			default:
				return fmt.Errorf("gate of ring %s: %v", g.Name(), st)
			}
		}
	}
	return nil
}
