// Command disruptor measures smarty/go-disruptor, the LMAX Disruptor's design in Go: sequences
// over a ring that the program owns, between two threads of one process.
//
// Round trip: two disruptors, one each way. The handler of the second takes the time and sends
// the next message itself, so that there are two threads and not three. Throughput: one
// disruptor, a reservation and a commit for each message; the handler gets whatever is there as
// one batch. A full ring holds the writer up. Everybody spins.
package main

import (
	"github.com/smarty/go-disruptor"
	"github.com/tickring/tickring/bench/peers/internal/harness"
)

const (
	capacity = 1 << 13
	mask     = capacity - 1
)

func main() {
	harness.Peer{
		Name: "go-disruptor", Module: "github.com/smarty/go-disruptor", Processes: 1, Threads: true,
		Differences: "Threads of one process, ring in private memory; messages are made in the ring, the reader gets batches; a full ring holds the writer up.",
		RTT:         roundTrips,
		Throughput:  stream,
	}.Main()
}

// spin is the wait strategy that does not wait.
type spin struct{}

func (spin) Gate(int64)    {}
func (spin) Idle(int64)    {}
func (spin) Reserve(int64) {}

// A queue is a disruptor with the ring it is about.
type queue struct {
	disruptor.Disruptor
	slots *[capacity]slot
}

// A slot has a cache line to itself.
type slot struct {
	harness.Message
	_ [8]byte
}

func newQueue(h disruptor.Handler, slots *[capacity]slot) (queue, error) {
	d, err := disruptor.New(
		disruptor.Options.BufferCapacity(capacity),
		disruptor.Options.WaitStrategy(spin{}),
		disruptor.Options.NewHandlerGroup(h))
	return queue{d, slots}, err
}

func (q queue) send(m *harness.Message) {
	seq := q.Reserve(1)
	q.slots[seq&mask].Message = *m
	q.Commit(seq, seq)
}

// roundTrips: this thread sends and listens to the echoes, the other one echoes.
func roundTrips(t *harness.Trips) error {
	e, p := &echo{in: new([capacity]slot)}, &pinger{in: new([capacity]slot), trips: t}
	there, err := newQueue(e, e.in)
	if err != nil {
		return err
	}
	back, err := newQueue(p, p.in)
	if err != nil {
		return err
	}
	e.out, p.out, p.stop = back, there, back.Close

	go func() {
		if err := harness.PinThread(harness.CPUs()[1]); err != nil {
			panic(err)
		}
		there.Listen()
	}()
	if err := harness.PinThread(harness.CPUs()[0]); err != nil {
		return err
	}
	t.Begin()
	p.send()
	back.Listen()
	return nil
}

type echo struct {
	in  *[capacity]slot
	out queue
}

func (e *echo) Handle(lower, upper int64) {
	for ; lower <= upper; lower++ {
		m := e.in[lower&mask].Message
		e.out.send(&m)
	}
}

type pinger struct {
	in      *[capacity]slot
	out     queue
	trips   *harness.Trips
	message harness.Message
	start   int64
	stop    func() error
}

func (p *pinger) send() {
	p.start = harness.Ticks()
	p.out.send(&p.message)
}

func (p *pinger) Handle(lower, upper int64) {
	p.message = p.in[upper&mask].Message
	if p.trips.Record(p.start, harness.Ticks()) {
		p.send()
	} else {
		p.stop()
	}
}

// stream: this thread receives, the other one sends.
func stream(s *harness.Stream) error {
	r := &receiver{in: new([capacity]slot), stream: s}
	q, err := newQueue(r, r.in)
	if err != nil {
		return err
	}
	r.stop = q.Close
	go func() {
		if err := harness.PinThread(harness.CPUs()[1]); err != nil {
			panic(err)
		}
		var m harness.Message
		for source := new(harness.Source); source.Next(&m); {
			q.send(&m)
		}
	}()
	if err := harness.PinThread(harness.CPUs()[0]); err != nil {
		return err
	}
	q.Listen()
	return nil
}

type receiver struct {
	in     *[capacity]slot
	stream *harness.Stream
	stop   func() error
}

func (r *receiver) Handle(lower, upper int64) {
	for ; lower <= upper; lower++ {
		if !r.stream.Take(&r.in[lower&mask].Message) {
			r.stop()
		}
	}
}
