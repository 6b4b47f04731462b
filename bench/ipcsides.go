package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync/atomic"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/ring"
)

// near is the side of a way that measures round trips and writes streams.
type near interface {
	roundTrips(clock *tick.Clock, ticks []uint64) (wrong int, err error)
	write(n int) error
	hangUp()
	close()
}

// far is the other side, as the near one sees it.
type far interface {
	// begin returns when the far side does what the command says, or is about to.
	begin(farCommand) error
	end(*sinkReport) error
	// stop ends it, whatever it does. It is for any goroutine.
	stop()
}

// farCommand: send back N messages, or read a stream of so many. The answer, when that is
// done, is a sinkReport; a stream's reader has said before that it stands ready.
type farCommand struct {
	Way    string
	Stream bool
	N      int
}

// farSide is the other side itself, in its process. sink says that it stands ready, and reads
// a stream.
type farSide interface {
	echo(n int) (wrong int, err error)
	sink(c *child, n int) (sinkReport, error)
}

// farProcess is a far side in another process. One process has that of all ways.
type farProcess struct{ *other }

func (f farProcess) begin(cmd farCommand) error {
	if err := f.send(cmd); err != nil || !cmd.Stream {
		return err
	}
	return f.receive(nil)
}

func (f farProcess) end(r *sinkReport) error { return f.receive(r) }
func (f farProcess) stop()                   { f.close() }

// farThread is a far side in this process.
type farThread struct {
	user *user
	cpu  int
	done chan error
	got  sinkReport
}

func (f *farThread) begin(cmd farCommand) error {
	f.done = make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		f.done <- affinity.On(f.cpu, func() (err error) {
			close(ready)
			if cmd.Stream {
				f.got, err = f.user.read(cmd.N)
				return err
			}
			wrong, err := f.user.echo(cmd.N)
			f.got = sinkReport{Wrong: uint64(wrong)}
			return err
		})
	}()
	select {
	case <-ready:
		return nil
	case err := <-f.done: // of onCPU
		return err
	}
}

func (f *farThread) end(r *sinkReport) error {
	err := <-f.done
	*r = f.got
	return err
}

func (f *farThread) stop() { f.user.hangUp() }

// linesNear is the limit.
type linesNear struct{ *lines }

func (l linesNear) roundTrips(clock *tick.Clock, ticks []uint64) (int, error) {
	l.pingPong(clock, ticks)
	return 0, nil // if it ended early, the far side says why
}

func (l linesNear) write(n int) error {
	var msg [mem.LineWords]uint64
	l.lines.write(n, &msg)
	return nil
}

func (l linesNear) hangUp() {}
func (l linesNear) close()  { l.lines.close() }

// linesFar is the other side of it.
type linesFar struct{ *lines }

func (l linesFar) echo(n int) (int, error) {
	l.pongs(n)
	return 0, nil
}

func (l linesFar) sink(c *child, n int) (sinkReport, error) { return sinkLines(c, l.lines, n) }

// ringNear is the ring: two for round trips, one with a gate for streams.
type ringNear struct {
	trip   pair
	stream *ring.Publisher
	out    func(n int) error
}

const streamName = "stream"

func openRingNear(dir string, capacity uint64) (n *ringNear, err error) {
	n = &ringNear{}
	if n.trip.pub, err = ring.Create(ringOf(viaPlain, "ping"), ring.Config{Dir: dir, Capacity: capacity, Stamps: ring.StampNone}); err != nil {
		return n, err
	}
	n.stream, err = ring.Create(streamName, ring.Config{Dir: dir, Capacity: capacity, Stamps: ring.StampNone, Gates: []ring.Gate{{Name: sinkName}}})
	return n, err
}

// join completes it when the other side is there.
func (n *ringNear) join(dir string, gone *atomic.Bool) (err error) {
	n.trip.gone = gone
	if n.out, err = writer(n.stream, formOne, gone); err != nil {
		return err
	}
	n.trip.sub, err = ring.Open(ringOf(viaPlain, "pong"), ring.Options{Dir: dir})
	return err
}

func (n *ringNear) roundTrips(clock *tick.Clock, ticks []uint64) (int, error) {
	return 0, n.trip.roundTrips(clock, ticks) // which fails where something is wrong
}

func (n *ringNear) write(k int) error { return n.out(k) }
func (n *ringNear) hangUp()           {}

func (n *ringNear) close() {
	n.trip.close()
	if n.stream != nil {
		n.stream.Close()
	}
}

// ringFar is the other side of it.
type ringFar struct {
	trip pair
	dir  string
}

func openRingFar(dir string, capacity uint64) (f *ringFar, err error) {
	f = &ringFar{dir: dir}
	f.trip.pub, err = ring.Create(ringOf(viaPlain, "pong"), ring.Config{Dir: dir, Capacity: capacity, Stamps: ring.StampNone})
	return f, err
}

func (f *ringFar) echo(n int) (int, error) {
	return 0, f.trip.echo(f.dir, echoCommand{Way: viaPlain, N: n})
}

func (f *ringFar) sink(c *child, n int) (sinkReport, error) {
	return sinkRing(c, f.dir, sinkCommand{Ring: streamName, Name: sinkName, Form: formOne, N: n})
}

// farParams are those of the process that has the far sides.
type farParams struct {
	Dir      string
	Capacity uint64 // of the rings, and of the limit's stream, in bytes
	Ways     []farWay
}

// farWay is a way that the process is to join, with so many of its descriptors, of which
// the first of the first way is firstFile.
type farWay struct {
	Name  string
	Files int
}

// firstFile is that of exec.Cmd.ExtraFiles.
const firstFile = 3

// openWays makes all ways. Those that are not to be had are skipped. What it returns is to
// be closed, even with an error.
func (s *Session) openWays(dir string, capacity uint64, ways []way) (runs []*wayRun, err error) {
	params := farParams{Dir: dir, Capacity: capacity}
	var handed []*os.File
	defer func() {
		for _, f := range handed { // the other process has its own
			f.Close()
		}
	}()
	add := func(name, how string, n near) *wayRun {
		w := &wayRun{IPCWay: IPCWay{Name: name, How: how}, near: n, rtt: newDist()}
		w.trips, w.msgs = osCounts()
		runs = append(runs, w)
		return w
	}

	l, err := openLines(dir+"/lines", capacity)
	if err != nil {
		return runs, err
	}
	w := add(limitWay, "one word there and one back; lines of memory with a number", linesNear{l})
	w.trips, w.msgs = ringCounts()
	rings, err := openRingNear(dir, capacity)
	w = add(ringWay, "Publish and Next, both spinning", rings)
	w.trips, w.msgs = ringCounts()
	if err != nil {
		return runs, err
	}
	for _, v := range ways {
		w := add(v.name, v.how, nil)
		if v.threads != nil {
			here, there := v.threads()
			w.near, w.far = newUser(here), &farThread{user: newUser(there), cpu: s.setup.CPUs[1]}
			continue
		}
		e, fds, err := v.open(dir)
		if err != nil {
			w.Skipped = err.Error()
			continue
		}
		w.near = newUser(e)
		handed = append(handed, files(fds)...)
		params.Ways = append(params.Ways, farWay{v.name, len(fds)})
	}

	o, err := s.start("far", s.setup.CPUs[1], params, handed...)
	if err != nil {
		return runs, err
	}
	for _, w := range runs {
		if w.far == nil && w.Skipped == "" {
			w.far = farProcess{o}
		}
	}
	l.gone = &o.gone
	return runs, rings.join(dir, &o.gone)
}

// farRole is the process that has the far sides.
func farRole(c *child) error {
	var p farParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return err
	}
	sides := map[string]farSide{}
	l, err := openLines(p.Dir+"/lines", p.Capacity)
	if err != nil {
		return err
	}
	defer l.close()
	sides[limitWay] = linesFar{l}
	rings, err := openRingFar(p.Dir, p.Capacity)
	if err != nil {
		return err
	}
	defer rings.trip.close()
	sides[ringWay] = rings
	fd := firstFile
	for _, f := range p.Ways {
		ways := osWays()
		i := slices.IndexFunc(ways, func(v way) bool { return v.name == f.Name })
		if i < 0 {
			return fmt.Errorf("there is no way called %q", f.Name)
		}
		var fds []int
		for range f.Files {
			fds = append(fds, fd)
			fd++
		}
		e, err := ways[i].join(p.Dir, fds)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		defer e.close()
		sides[f.Name] = newUser(e)
	}
	if err := c.reply(nil); err != nil {
		return err
	}
	for {
		var cmd farCommand
		if !c.next(&cmd) {
			return nil
		}
		var r sinkReport
		if cmd.Stream {
			r, err = sides[cmd.Way].sink(c, cmd.N)
		} else {
			var wrong int
			wrong, err = sides[cmd.Way].echo(cmd.N)
			r.Wrong = uint64(wrong)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", cmd.Way, err)
		}
		if err := c.reply(&r); err != nil {
			return err
		}
	}
}
