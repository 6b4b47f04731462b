//go:build linux

package ring

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	soakFlag  = flag.Duration("soak", 0, "how long TestChaos goes on with new seeds")
	stepsFlag = flag.Int("steps", 0, "steps of a round of TestChaos; 0: 40, or 200 with -soak")
)

// chaosBound is within what everything has to happen that has to happen: a publisher that
// nobody holds publishes, a subscriber that is running reads, a process that was told to
// leave ends, a standby goes on.
const chaosBound = 30 * time.Second

// TestChaos: real processes, a publisher and its standby, gates and other subscribers,
// are killed, stopped, continued, started, closed and fenced, in an order that follows
// from a seed. Each checks every message that it gets; their books are right whenever they
// are killed: delivered + lost = published, nothing twice but what a killed predecessor
// had in hand, nothing lost at a gate, and nothing hangs for longer than chaosBound.
//
//	go test ./ring -run '^TestChaos$' -v -seed N        the round of that seed again
//	go test ./ring -run '^TestChaos$' -v -soak 1h       new rounds for so long
func TestChaos(t *testing.T) {
	rounds, steps := 2, 40
	if testing.Short() {
		rounds = 1
	}
	if *soakFlag > 0 {
		steps = 200
	}
	if *stepsFlag > 0 {
		steps = *stepsFlag
	}
	if *seedFlag != 0 {
		rounds = 1
	}
	began := time.Now()
	next := began
	var all chaosFigures
	base := seed(t)
	for round := 0; round < rounds || time.Since(began) < *soakFlag; round++ {
		s := base + uint64(round)
		c := &chaos{t: t, rand: rand.New(rand.NewPCG(s, 0)), seed: s, steps: steps, dir: filepath.Join(shmDir(t), "rings")}
		c.run()
		all.add(&c.figures)
		if *soakFlag > 0 && time.Since(next) > 0 {
			next = next.Add(time.Minute)
			t.Logf("%v: %v", time.Since(began).Round(time.Second), &all)
		}
	}
	all.Seconds = time.Since(began).Seconds()
	t.Logf("%v", &all)
	if *soakFlag > 0 {
		line, err := json.Marshal(&all)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s\n", line)
	}
	if all.LostAtGates != 0 {
		t.Errorf("gates have lost %d messages", all.LostAtGates)
	}
}

// chaosFigures are what happened, over all rounds.
type chaosFigures struct {
	Rounds        uint64  `json:"rounds"`
	Seconds       float64 `json:"seconds"`
	Messages      uint64  `json:"messages"`
	Bytes         uint64  `json:"bytes_of_frames"`
	Delivered     uint64  `json:"delivered"`
	Lost          uint64  `json:"lost"`
	Gaps          uint64  `json:"gaps"`
	LostAtGates   uint64  `json:"lost_at_gates"`
	Again         uint64  `json:"in_hand_again"`
	PublisherKill uint64  `json:"publishers_killed"`
	ReaderKill    uint64  `json:"subscribers_killed"`
	Stops         uint64  `json:"stops"`
	Fences        uint64  `json:"fenced"`
	Closes        uint64  `json:"closed"`
	TakeOvers     uint64  `json:"take_overs"`
	Replaced      uint64  `json:"rings_replaced"`
	Joins         uint64  `json:"joins"`
	Held          uint64  `json:"back_pressure"`
	Demotions     uint64  `json:"demotions"`
	WakerKill     uint64  `json:"wakers_killed"`
	Sleeps        uint64  `json:"sleeps"`
	Woken         uint64  `json:"woken"`
	Late          uint64  `json:"woken_late"`
}

func (f *chaosFigures) add(g *chaosFigures) {
	f.Rounds++
	f.Messages += g.Messages
	f.Bytes += g.Bytes
	f.Delivered += g.Delivered
	f.Lost += g.Lost
	f.Gaps += g.Gaps
	f.LostAtGates += g.LostAtGates
	f.Again += g.Again
	f.PublisherKill += g.PublisherKill
	f.ReaderKill += g.ReaderKill
	f.Stops += g.Stops
	f.Fences += g.Fences
	f.Closes += g.Closes
	f.TakeOvers += g.TakeOvers
	f.Replaced += g.Replaced
	f.Joins += g.Joins
	f.Held += g.Held
	f.Demotions += g.Demotions
	f.WakerKill += g.WakerKill
	f.Sleeps += g.Sleeps
	f.Woken += g.Woken
	f.Late += g.Late
}

func (f *chaosFigures) String() string {
	return fmt.Sprintf("%d rounds, %d messages (%d MB of frames); killed %d publishers, %d subscribers, %d wakers; %d stops, %d fenced, %d closed, %d take-overs, %d rings replaced, %d joins; "+
		"delivered %d + lost %d in %d gaps, %d again that were in hand at a kill; back pressure %d times, %d demotions, lost at gates %d; %d sleeps, %d woken, %d late",
		f.Rounds, f.Messages, f.Bytes>>20, f.PublisherKill, f.ReaderKill, f.WakerKill, f.Stops, f.Fences, f.Closes, f.TakeOvers, f.Replaced, f.Joins,
		f.Delivered, f.Lost, f.Gaps, f.Again, f.Held, f.Demotions, f.LostAtGates, f.Sleeps, f.Woken, f.Late)
}

// chaos is one round.
type chaos struct {
	t       *testing.T
	rand    *rand.Rand
	seed    uint64
	steps   int
	dir     string
	figures chaosFigures

	publishers []*player // the first that gets the ring has it, the others wait
	readers    []*player
	waker      *player
	done       []string // what was done
}

// player is a role in the round, and the process that plays it.
type player struct {
	name    string
	args    []string
	book    *ledger
	cmd     *exec.Cmd // nil: nobody plays it
	in      io.WriteCloser
	ended   chan error
	stopped bool
	kills   uint64
}

// The gates may not lose anything, whatever happens; timed and dropped are gates that the
// publisher lets go; named goes on from its cursor, reader has none, and hopper joins
// anew every time. The sleeper sleeps until it is woken, and so does the second gate.
var (
	chaosGates   = []string{"gate1", "gate2", "timed", "dropped"}
	chaosReaders = append(chaosGates[:len(chaosGates):len(chaosGates)], "named", "sleeper", "reader", "hopper")
)

func (c *chaos) run() {
	if err := os.Mkdir(c.dir, 0o700); err != nil {
		c.t.Fatal(err)
	}
	for _, name := range []string{"first", "second"} {
		c.publishers = append(c.publishers, c.cast(name, append([]string{"chaos.publish"}, chaosGates...)))
	}
	for _, name := range chaosReaders {
		c.readers = append(c.readers, c.cast(name, []string{"chaos.read", name}))
	}
	c.waker = c.cast("waker", []string{"chaos.wake"})
	defer c.end()
	for _, p := range c.players() {
		c.start(p)
	}
	c.settle()
	for range c.steps {
		c.step()
		time.Sleep(time.Duration(c.rand.IntN(40)) * time.Millisecond)
	}
	c.settle()
	c.finish()
}

func (c *chaos) players() []*player {
	return slices.Concat(c.publishers, c.readers, []*player{c.waker})
}

func (c *chaos) cast(name string, args []string) *player {
	b, err := mapFile[ledger](c.bookOf(name))
	if err != nil {
		c.t.Fatal(err)
	}
	b.seed = c.rand.Uint64()
	return &player{name: name, args: args, book: b}
}

func (c *chaos) bookOf(name string) string { return c.dir + "." + name }

// fail ends the test with all there is to know.
func (c *chaos) fail(format string, args ...any) {
	c.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, format, args...)
	fmt.Fprintf(&b, "\nreplay with -run '^TestChaos$' -seed %d -steps %d", c.seed, c.steps)
	for _, p := range c.players() {
		state := "absent"
		if p.cmd != nil {
			state = fmt.Sprintf("process %d", p.cmd.Process.Pid)
		}
		if p.stopped {
			state += " stopped"
		}
		fmt.Fprintf(&b, "\n%s: %s, active %d, written %d, %+v", p.name, state, p.book.active, p.book.written, p.book.read())
	}
	i, err := Stat(c.dir, "r")
	i.Subscribers = nil
	fmt.Fprintf(&b, "\nStat: %+v, %v\nwhat was done: %s", i, err, strings.Join(c.done, ", "))
	c.t.Fatal(b.String())
}

func (c *chaos) start(p *player) {
	exe, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	p.cmd = exec.Command(exe, append([]string{c.dir, c.bookOf(p.name)}, p.args[1:]...)...)
	p.cmd.Env = append(os.Environ(), "TICKRING_TEST_ROLE="+p.args[0], "GOMAXPROCS=2")
	p.cmd.Stderr = os.Stderr
	p.in, err = p.cmd.StdinPipe()
	if err := errors.Join(err, p.cmd.Start()); err != nil {
		c.t.Fatal(err)
	}
	p.ended, p.stopped = make(chan error, 1), false
	go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(p.cmd, p.ended)
}

// gone notes how the process of p has ended.
func (c *chaos) gone(p *player, err error, bySignal bool) {
	c.t.Helper()
	var exit *exec.ExitError
	killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	p.cmd, p.stopped, p.book.active = nil, false, 0
	if killed != bySignal || err != nil && !killed {
		c.fail("%s has ended: %v", p.name, err)
	}
}

// await waits until the process of p has ended.
func (c *chaos) await(p *player, bySignal bool) {
	c.t.Helper()
	select {
	case err := <-p.ended:
		c.gone(p, err, bySignal)
	case <-time.After(chaosBound):
		c.fail("%s does not end within %v", p.name, chaosBound)
	}
}

// until waits for a condition; it fails if a process ends that was not to end.
func (c *chaos) until(what string, cond func() bool) {
	c.t.Helper()
	for end := time.Now().Add(chaosBound); !cond(); time.Sleep(2 * time.Millisecond) {
		for _, p := range c.players() {
			if p.cmd == nil {
				continue
			}
			select {
			case err := <-p.ended:
				c.gone(p, err, false)
				c.fail("%s has ended by itself", p.name)
			default:
			}
		}
		if time.Now().After(end) {
			c.fail("%s: not within %v", what, chaosBound)
		}
	}
}

func (c *chaos) kill(p *player) {
	p.cmd.Process.Kill()
	p.kills++
	c.await(p, true)
}

func (c *chaos) stop(p *player) {
	if p.stopped {
		return
	}
	c.signal(p, unix.SIGSTOP)
	p.stopped = true
	c.figures.Stops++
}

func (c *chaos) goOn(p *player) {
	if p.stopped {
		c.signal(p, unix.SIGCONT)
		p.stopped = false
	}
}

func (c *chaos) signal(p *player, sig unix.Signal) {
	if err := p.cmd.Process.Signal(sig); err != nil {
		c.fail("%v to %s: %v", sig, p.name, err)
	}
}

func (c *chaos) tell(p *player, order string) { fmt.Fprintln(p.in, order) }

// leave lets the process of p end in order.
func (c *chaos) leave(p *player) {
	c.goOn(p)
	c.tell(p, "leave")
	c.await(p, false)
}

// active is the publisher that has the ring. If nobody has it, it waits for somebody who
// can get it; nil: those who could are stopped.
func (c *chaos) active() *player {
	var found *player
	can := false
	look := func() bool {
		for _, p := range c.publishers {
			if p.cmd != nil && p.book.active != 0 {
				found = p
			}
			can = can || p.cmd != nil && !p.stopped
		}
		return found != nil || !can
	}
	c.until("somebody publishes", look)
	return found
}

// standby is the publisher that has not got the ring.
func (c *chaos) standby() *player {
	a := c.active()
	for _, p := range c.publishers {
		if p != a {
			return p
		}
	}
	return nil
}

// last is the number of the last message.
func (c *chaos) last() uint64 {
	var last uint64
	c.until("Stat", func() bool {
		i, err := Stat(c.dir, "r")
		if err == nil {
			err = i.Err
		}
		if err != nil && !errors.Is(err, ErrNoRing) {
			c.fail("Stat: %v", err)
		}
		last = i.Last
		return err == nil
	})
	return last
}

// progress waits until so many messages more are published, if nobody is in the way who
// may be.
func (c *chaos) progress(n uint64) {
	a := c.active()
	if a == nil || a.stopped {
		return
	}
	for _, p := range c.readers {
		gate := strings.HasPrefix(p.name, "gate")
		if gate && p.cmd == nil || (gate || p.name == "dropped") && p.stopped {
			return // it may hold the publisher for ever
		}
	}
	to := c.last() + n
	c.until(fmt.Sprint("message ", to, " is published"), func() bool { return c.last() >= to })
}

// reader is one of the subscribers, or the waker.
func (c *chaos) reader() *player {
	if n := c.rand.IntN(len(c.readers) + 1); n > 0 {
		return c.readers[n-1]
	}
	return c.waker
}

// step does one thing.
func (c *chaos) step() {
	d := c.rand.IntN(100)
	var what string
	var p *player
	switch {
	case d < 12:
		what, p = "kill publisher", c.active()
	case d < 16:
		what, p = "kill standby", c.standby()
	case d < 22:
		what, p = "stop publisher", c.active()
	case d < 24:
		what, p = "stop standby", c.standby()
	case d < 30:
		what = "continue publishers"
	case d < 34:
		what, p = "close publisher", c.active()
	case d < 36:
		what = "fence"
	case d < 52:
		what, p = "kill", c.reader()
	case d < 62:
		what, p = "stop", c.reader()
	case d < 70:
		what = "continue"
	case d < 88:
		what = "start"
	case d < 92:
		what, p = "leave", c.reader()
	case d < 95:
		what = "settle"
	case d < 96:
		what = "kill everybody"
	default:
		what = "progress"
	}
	n := 1 + c.rand.Uint64N(5000)
	if p != nil {
		c.done = append(c.done, what+" "+p.name)
	} else {
		c.done = append(c.done, what)
	}
	switch what {
	case "kill publisher", "kill standby":
		if p != nil {
			c.kill(p)
			c.figures.PublisherKill++
			c.start(p)
		}
	case "stop publisher", "stop standby":
		if p != nil {
			c.stop(p)
		}
	case "continue publishers":
		for _, p := range c.publishers {
			c.goOn(p)
		}
	case "close publisher":
		if p != nil {
			c.leave(p)
			c.figures.Closes++
			c.start(p)
		}
	case "fence":
		c.fence()
	case "kill":
		if p.cmd != nil {
			c.kill(p)
			if p == c.waker {
				c.figures.WakerKill++
			} else {
				c.figures.ReaderKill++
			}
		}
	case "stop":
		if p.cmd != nil {
			c.stop(p)
		}
	case "continue":
		for _, p := range c.players()[len(c.publishers):] {
			c.goOn(p)
		}
	case "start":
		for _, p := range c.players()[len(c.publishers):] {
			if p.cmd == nil {
				c.start(p)
			}
		}
	case "leave":
		if p.cmd != nil {
			c.leave(p)
		}
	case "settle":
		c.settle()
	case "kill everybody":
		for _, p := range c.players() {
			if p.cmd != nil {
				c.kill(p)
			}
		}
		for _, p := range c.players() {
			c.start(p)
		}
	case "progress":
		c.progress(n)
	}
}

// fence ends a publisher that is stopped.
func (c *chaos) fence() {
	p := c.active()
	if p == nil {
		return
	}
	c.stop(p)
	ctx, cancel := context.WithTimeout(context.Background(), chaosBound)
	defer cancel()
	f, err := Fence(ctx, c.dir, "r", FenceOptions{Force: true})
	if err != nil || len(f.Ended) != 1 || f.Ended[0].PID != p.cmd.Process.Pid {
		c.fail("fence: %+v, %v; the publisher is process %d", f, err, p.cmd.Process.Pid)
	}
	c.await(p, true)
	c.figures.Fences++
	c.start(p)
}

// settle lets everybody come to rest: all run, the publisher goes on, and every
// subscriber gets to where the publisher was.
func (c *chaos) settle() {
	for _, p := range c.players() {
		if p.cmd == nil {
			c.start(p)
		}
		c.goOn(p)
	}
	c.progress(2000)
	last := c.last()
	for _, p := range c.readers {
		c.until(fmt.Sprint(p.name, " reads message ", last), func() bool { return p.book.read().next > last })
		c.check(p)
	}
}

// check looks into a subscriber's book.
func (c *chaos) check(p *player) {
	b := p.book.read()
	if err := b.whole(); err != nil {
		c.fail("%s: %v", p.name, err)
	}
	if strings.HasPrefix(p.name, "gate") && (b.first != 1 || b.lost != 0) {
		c.fail("%s begins with %d and has lost %d", p.name, b.first, b.lost)
	}
	if b.again > p.kills*chaosBatch {
		c.fail("%s was given %d messages again in %d kills", p.name, b.again, p.kills)
	}
}

// finish ends the round in order: everybody gets to the last message.
func (c *chaos) finish() {
	a := c.active()
	c.leave(c.standby())
	c.leave(a)
	last := c.last()
	for _, p := range c.readers {
		c.tell(p, fmt.Sprint("until ", last))
	}
	for _, p := range c.readers {
		c.await(p, false)
		c.check(p)
		b := p.book.read()
		if b.next != last+1 && p.name != "hopper" {
			c.fail("%s has read up to %d of %d", p.name, b.next-1, last)
		}
		c.figures.Delivered += b.delivered
		c.figures.Lost += b.lost
		c.figures.Gaps += b.gaps
		c.figures.Again += b.again
		c.figures.Joins += b.joins
		c.figures.Demotions += b.demotions
		c.figures.Sleeps += p.book.sleeps
		c.figures.Woken += p.book.woken
		c.figures.Late += p.book.late
		c.figures.Replaced = max(c.figures.Replaced, b.replaced)
		if strings.HasPrefix(p.name, "gate") {
			c.figures.LostAtGates += b.lost
		}
	}
	c.leave(c.waker)
	for _, p := range c.publishers {
		c.figures.Bytes += p.book.bytes
		c.figures.Held += p.book.held
	}
	c.figures.Messages = last
	i, err := Stat(c.dir, "r")
	if err != nil || i.Err != nil || i.Publisher != Ended {
		c.fail("Stat says %+v, %v", i, err)
	}
	c.figures.TakeOvers = i.Epoch - 1
	if err := Remove(c.dir, "r"); err != nil {
		c.fail("%v", err)
	}
	if got, err := os.ReadDir(c.dir); err != nil || len(got) != 0 {
		c.fail("Remove has left %v, %v", got, err)
	}
}

// end ends what is left.
func (c *chaos) end() {
	for _, p := range c.players() {
		if p.cmd != nil {
			p.cmd.Process.Kill()
			<-p.ended
		}
		unmapFile(p.book)
	}
	os.RemoveAll(filepath.Dir(c.dir))
}
