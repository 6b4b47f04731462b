package bench

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// eventEnd has the number of messages, and that of free slots, in eventfds, and nothing but
// messages in shared memory.
type eventEnd struct {
	out, in    slots
	outFD      eventFDs
	inFD       eventFDs
	free, full uint64 // of out, and in: known to be there
	taken      uint64 // of in, not yet told to the writer
}

// eventFDs are those of one queue.
type eventFDs struct{ put, taken int }

func openEvents(dir string) (end, []int, error) {
	var fds []int
	for range 4 {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err != nil {
			closeAll(fds...)
			return nil, nil, fmt.Errorf("no eventfd is to be had: %w", err)
		}
		fds = append(fds, fd)
	}
	dups, err := copies(fds...)
	if err != nil {
		closeAll(fds...)
		return nil, nil, err
	}
	e, err := newEventEnd(dir, false, fds)
	if err != nil {
		closeAll(dups...)
		return nil, nil, err
	}
	return e, dups, nil
}

func joinEvents(dir string, fds []int) (end, error) { return newEventEnd(dir, true, fds) }

func newEventEnd(dir string, far bool, fds []int) (end, error) {
	out, in, err := openSlots(dir, "eventfd", far)
	if err != nil {
		closeAll(fds...)
		return nil, err
	}
	e := &eventEnd{
		out: out, outFD: eventFDs{fds[0], fds[1]},
		in: in, inFD: eventFDs{fds[2], fds[3]},
		free: queueSlots,
	}
	if far {
		e.outFD, e.inFD = e.inFD, e.outFD
	}
	return e, nil
}

func (e *eventEnd) send(m *message) (err error) {
	if e.free == 0 {
		if e.free, err = eventRead(e.outFD.taken); err != nil {
			return err
		}
	}
	e.out.put(m)
	e.free--
	return eventAdd(e.outFD.put, 1)
}

func (e *eventEnd) receive(m *message) (err error) {
	if e.full == 0 {
		if e.full, err = eventRead(e.inFD.put); err != nil {
			return err
		}
	}
	e.in.take(m)
	e.full--
	if e.taken++; e.taken < queueBatch {
		return nil
	}
	n := e.taken
	e.taken = 0
	return eventAdd(e.inFD.taken, n)
}

// hangUp counts one of each that is not there.
func (e *eventEnd) hangUp() {
	_ = eventAdd(e.inFD.put, 1)
	_ = eventAdd(e.outFD.taken, 1)
}

func (e *eventEnd) close() {
	closeAll(e.inFD.put, e.inFD.taken, e.outFD.put, e.outFD.taken)
	e.out.lines.close()
	e.in.lines.close()
}

// eventAdd adds to an eventfd.
func eventAdd(fd int, n uint64) error {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], n)
	for {
		_, err := unix.Write(fd, b[:])
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("write to an eventfd: %w", err)
		}
	}
}

// eventRead waits until an eventfd is not 0, and makes it so.
func eventRead(fd int) (uint64, error) {
	var b [8]byte
	for {
		_, err := unix.Read(fd, b[:])
		if err == nil {
			return binary.NativeEndian.Uint64(b[:]), nil
		}
		if err != unix.EINTR {
			return 0, fmt.Errorf("read from an eventfd: %w", err)
		}
	}
}
