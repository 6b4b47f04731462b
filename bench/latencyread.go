package bench

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/ring"
)

// listenParams are those of the process that reads paced messages.
type listenParams struct {
	Dir, Ring, Lines string
	Scale            uint64
	Keys             int // of what is measured: there are so many
}

// listenCommand: answer word by word (Pongs), or read a piece, or hand over what was
// measured (Collect). A piece has a first answer when the reader stands ready; a
// listenReport follows when it has read the piece.
type listenCommand struct {
	Pongs   int
	Collect bool

	Key       int
	NoStepOff bool
	First     uint64 // number of the first message
	N         int    // messages
	WarmUp    int    // of them, the first ones, which are not measured
}

// listenReport is what was read of a piece.
type listenReport struct {
	Delivered, Lost, Wrong uint64
	// From when the first message was meant to be sent until the last one was read.
	Ticks    uint64
	P50, P99 float64 // of the response times of this piece
}

// measured is what was measured under one key, in all pieces.
type measured struct{ response, transit *delays }

type measuredWire struct{ Response, Transit delaysWire }

func newMeasured() measured { return measured{newDelays(), newDelays()} }

func (m measured) wire() (w measuredWire, err error) {
	if w.Response, err = m.response.wire(); err != nil {
		return w, err
	}
	w.Transit, err = m.transit.wire()
	return w, err
}

func (w measuredWire) measured() (m measured, err error) {
	if m.response, err = w.Response.delays(); err != nil {
		return m, err
	}
	m.transit, err = w.Transit.delays()
	return m, err
}

// listener is the reader of paced messages.
type listener struct {
	params listenParams
	clock  tick.Clock
	scale  tick.Scale
	lines  *lines
	keys   []measured
	// What a piece's messages took, in ticks. They go into the histograms after the
	// piece: doing so in between would cost more than reading the message.
	response, transit []int64
	piece             *dist // of the response times of this piece
}

// listen is the process that reads paced messages.
func listen(c *child) error {
	l := &listener{clock: tick.New(), piece: newDist()}
	if err := json.Unmarshal(c.params, &l.params); err != nil {
		return err
	}
	l.scale = tick.Scale(l.params.Scale)
	for range l.params.Keys {
		l.keys = append(l.keys, newMeasured())
	}
	debug.SetGCPercent(-1) // hear does it
	var err error
	if l.lines, err = openLines(l.params.Lines, lineSize); err != nil {
		return err
	}
	defer l.lines.close()
	if err := c.reply(nil); err != nil {
		return err
	}
	for {
		var cmd listenCommand
		if !c.next(&cmd) {
			return nil
		}
		answer, err := l.do(c, cmd)
		if err != nil {
			return err
		}
		if err := c.reply(answer); err != nil {
			return err
		}
	}
}

func (l *listener) do(c *child, cmd listenCommand) (any, error) {
	switch {
	case cmd.Pongs > 0:
		l.lines.pongs(cmd.Pongs)
		return nil, nil
	case cmd.Collect:
		var all []measuredWire
		for _, m := range l.keys {
			w, err := m.wire()
			if err != nil {
				return nil, err
			}
			all = append(all, w)
		}
		return all, nil
	}
	return l.hear(c, cmd)
}

// hear reads a piece.
func (l *listener) hear(c *child, cmd listenCommand) (r listenReport, err error) {
	s, err := ring.Open(l.params.Ring, ring.Options{Dir: l.params.Dir, NoStepOff: cmd.NoStepOff})
	if err != nil {
		return r, err
	}
	defer s.Close()
	if cap(l.response) < cmd.N {
		l.response, l.transit = make([]int64, cmd.N), make([]int64, cmd.N)
	}
	clear(l.response[:cmd.N]) // or the first pieces would meet every page for the first time
	clear(l.transit[:cmd.N])
	runtime.GC() // see Session.Latency
	if err := c.reply(nil); err != nil {
		return r, err
	}
	n, err := l.read(s, cmd, &r)
	if err != nil {
		return r, err
	}
	l.count(n, cmd.Key, &r)
	return r, nil
}

// read reads the messages of a piece. It stores what n of them took, which are those
// that came and were sent after the warm-up.
func (l *listener) read(s *ring.Subscriber, cmd listenCommand, r *listenReport) (n int, err error) {
	clock, response, transit := l.clock, l.response[:cmd.N], l.transit[:cmd.N]
	first, counted := cmd.First, cmd.First+uint64(cmd.WarmUp)
	last := first + uint64(cmd.N) - 1
	var now, began uint64
	for next := first; next <= last; {
		m, st := s.Next()
		switch st {
		case ring.Empty:
			continue
		case ring.Message:
			now = clock.Now()
		case ring.Gap:
			from, to := s.Gap()
			r.Lost += to - from + 1
			next = to + 1
			continue
		default:
			return n, fmt.Errorf("ring %s: %v", s.Name(), st)
		}
		next = s.Seq() + 1
		r.Delivered++
		if len(m) < wordsEnd || binary.LittleEndian.Uint64(m[wordNumber:]) != next-1 {
			r.Wrong++
			continue
		}
		intended, actual := binary.LittleEndian.Uint64(m[wordIntended:]), binary.LittleEndian.Uint64(m[wordActual:])
		if began == 0 {
			began = intended
		}
		if next > counted {
			response[n], transit[n] = int64(now-intended), int64(now-actual)
			n++
		}
	}
	r.Ticks = now - began
	return n, nil
}

// count puts what n messages took into the histograms.
func (l *listener) count(n, key int, r *listenReport) {
	l.piece.h.Reset()
	l.piece.most = 0
	m := l.keys[key]
	for i := range n {
		m.response.record(l.response[i], l.scale)
		m.transit.record(l.transit[i], l.scale)
		if t := l.response[i]; t >= 0 {
			l.piece.record(l.scale.Ns(uint64(t)))
		}
	}
	p := l.piece.sum()
	r.P50, r.P99 = p.P50, p.P99
}
