package bench

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
)

// way is a way of the operating system for messages between two processes.
type way struct {
	name, how string
	// open makes the way, and returns this process's end of it and descriptors that are
	// given away: those that the other process needs for its end. dir is a directory that
	// both share. An error says why the way is not to be had.
	open func(dir string) (end, []int, error)
	// join makes the other process's end, of descriptors in the same order.
	join func(dir string, fds []int) (end, error)
	// threads is set instead of both for a way between threads of one process.
	threads func() (near, far end)
}

// message is what goes over a way: a number, and bytes that are always the same.
type message [mem.LinePayload]byte

func blankMessage() (m message) {
	for i := range m {
		m[i] = byte(i*37 + 11)
	}
	return m
}

func (m *message) number(n uint64) { binary.LittleEndian.PutUint64(m[:], n) }

// end is one end of a way. send and receive wait where they have to; nothing is lost. It is
// for one goroutine, but for hangUp.
type end interface {
	send(*message) error
	receive(*message) error
	// hangUp ends the send or receive that waits now, or else the next one that would,
	// if the other process's death does not do so by itself. What that one returns does not
	// matter.
	hangUp()
	close()
}

// errGone: the other side is not there any more.
var errGone = errors.New("the other side is gone")

// user is who uses an end, on either side. All messages that one side sends have numbers,
// from 1 on, and the other one expects them.
type user struct {
	end
	sent, want message
	numbers    struct{ sent, got uint64 }
	gone       atomic.Bool
}

func newUser(e end) *user { return &user{end: e, sent: blankMessage(), want: blankMessage()} }

// next is the next message to send.
func (u *user) next() *message {
	u.numbers.sent++
	u.sent.number(u.numbers.sent)
	return &u.sent
}

// due says whether m is the next message to receive.
func (u *user) due(m *message) bool {
	u.numbers.got++
	u.want.number(u.numbers.got)
	return *m == u.want
}

func (u *user) hangUp() {
	u.gone.Store(true)
	u.end.hangUp()
}

// roundTrips sends messages and waits for each to come back, and stores how many ticks it
// took. The other side is echo.
func (u *user) roundTrips(clock *tick.Clock, ticks []uint64) (wrong int, err error) {
	var back message
	for i := range ticks {
		m := u.next()
		t := clock.Now()
		if err := u.send(m); err != nil {
			return wrong, err
		}
		if err := u.receive(&back); err != nil {
			return wrong, err
		}
		ticks[i] = clock.Now() - t
		if u.gone.Load() {
			return wrong, errGone
		}
		if back != *m {
			wrong++
		}
	}
	return wrong, nil
}

func (u *user) echo(n int) (wrong int, err error) {
	var m message
	for range n {
		if err := u.receive(&m); err != nil {
			return wrong, err
		}
		if err := u.send(&m); err != nil {
			return wrong, err
		}
		if !u.due(&m) {
			wrong++
		}
	}
	return wrong, nil
}

// write sends n messages. The other side is read.
func (u *user) write(n int) error {
	for range n {
		if err := u.send(u.next()); err != nil {
			return err
		}
		if u.gone.Load() {
			return errGone
		}
	}
	return nil
}

// read reads n messages; the time counts from one of the first.
func (u *user) read(n int) (r sinkReport, err error) {
	var began time.Time
	var m message
	first := n / 8
	for i := range n {
		if i == first {
			began = time.Now()
		}
		if err := u.receive(&m); err != nil {
			return r, err
		}
		if !u.due(&m) {
			r.Wrong++
		}
	}
	r.Ns = time.Since(began).Nanoseconds()
	r.Delivered, r.Timed = uint64(n), uint64(n-first)
	return r, nil
}

// sink is read in the other process.
func (u *user) sink(c *child, n int) (sinkReport, error) {
	if err := c.reply(nil); err != nil {
		return sinkReport{}, err
	}
	return u.read(n)
}

// files wraps descriptors that are given away.
func files(fds []int) []*os.File {
	var fs []*os.File
	for _, fd := range fds {
		fs = append(fs, os.NewFile(uintptr(fd), "way"))
	}
	return fs
}
