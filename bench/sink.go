package bench

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tickring/tickring/ring"
)

// sinkParams are those of the process that reads streams.
type sinkParams struct {
	Dir, Lines string
	Bytes      uint64 // of the lines' stream
}

// sinkCommand: read so many messages. The first answer comes when the reader stands
// ready, the second, a sinkReport, when it has read them.
type sinkCommand struct {
	Ring      string // empty: the lines
	Name      string
	Form      form
	Histogram bool
	N         int
}

// sinkReport is what was read.
type sinkReport struct {
	Delivered, Lost, Wrong uint64
	Timed                  uint64 // of the delivered, those that were read in Ns
	Ns                     int64
}

func (r sinkReport) rate() float64 {
	if r.Ns == 0 {
		return 0
	}
	return float64(r.Timed) * 1e9 / float64(r.Ns)
}

// sink is the process that reads streams.
func sink(c *child) error {
	var p sinkParams
	if err := json.Unmarshal(c.params, &p); err != nil {
		return err
	}
	l, err := openLines(p.Lines, p.Bytes)
	if err != nil {
		return err
	}
	defer l.close()
	if err := c.reply(nil); err != nil {
		return err
	}
	for {
		var cmd sinkCommand
		if !c.next(&cmd) {
			return nil
		}
		var r sinkReport
		if cmd.Ring == "" {
			r, err = sinkLines(c, l, cmd.N)
		} else {
			r, err = sinkRing(c, p.Dir, cmd)
		}
		if err != nil {
			return err
		}
		if err := c.reply(&r); err != nil {
			return err
		}
	}
}

func sinkLines(c *child, l *lines, n int) (r sinkReport, err error) {
	if err := c.reply(nil); err != nil {
		return r, err
	}
	r.Wrong = uint64(l.readLines(unTimed)) // the writer had not begun before
	began := time.Now()
	r.Wrong += uint64(l.readLines(n - unTimed))
	r.Ns = time.Since(began).Nanoseconds()
	r.Delivered, r.Timed = uint64(n), uint64(n-unTimed)
	return r, nil
}

// unTimed is how many messages of a stream come before the clock starts, at least.
const unTimed = 4096

func sinkRing(c *child, dir string, cmd sinkCommand) (r sinkReport, err error) {
	s, err := ring.Open(cmd.Ring, ring.Options{Dir: dir, Name: cmd.Name, NoHistogram: !cmd.Histogram})
	if err != nil {
		return r, err
	}
	defer s.Close()
	read, err := reader(s, cmd.Form)
	if err != nil {
		return r, err
	}
	if err := c.reply(nil); err != nil {
		return r, err
	}
	var began time.Time
	for {
		n, wrong, st := read(unTimed)
		r.Wrong += uint64(wrong)
		r.Delivered += uint64(n)
		switch st {
		case ring.Message, ring.Empty:
		case ring.Gap:
			from, to := s.Gap()
			r.Lost += to - from + 1
		default:
			return r, fmt.Errorf("ring %s: %v", s.Name(), st)
		}
		switch {
		case r.Delivered+r.Lost >= uint64(cmd.N):
			if !began.IsZero() {
				r.Timed += uint64(n)
				r.Ns = time.Since(began).Nanoseconds()
			}
			return r, nil
		case !began.IsZero():
			r.Timed += uint64(n)
		case r.Delivered >= unTimed:
			began = time.Now()
		}
	}
}
