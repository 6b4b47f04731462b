package bench

import (
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// streamEnd is an end of a way that carries bytes: what is read may be a part of a message,
// or several.
type streamEnd struct {
	in, out int
	buf     []byte
	at, end int // what of buf was read and not yet received
}

// streamRead is how much one call may read, in bytes.
const streamRead = 64 << 10

func newStreamEnd(in, out int) *streamEnd {
	return &streamEnd{in: in, out: out, buf: make([]byte, streamRead)}
}

func joinStream(_ string, fds []int) (end, error) { return newStreamEnd(fds[0], fds[len(fds)-1]), nil }

func (s *streamEnd) send(m *message) error {
	for b := m[:]; len(b) > 0; {
		n, err := unix.Write(s.out, b)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("write: %w", err)
		}
		b = b[max(n, 0):]
	}
	return nil
}

func (s *streamEnd) receive(m *message) error {
	for s.end-s.at < len(m) {
		s.end = copy(s.buf, s.buf[s.at:s.end])
		s.at = 0
		n, err := unix.Read(s.in, s.buf[s.end:])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case n == 0:
			return io.ErrUnexpectedEOF
		default:
			s.end += n
		}
	}
	s.at += copy(m[:], s.buf[s.at:])
	return nil
}

// hangUp has nothing to do: the end of the other process ends reads and writes.
func (s *streamEnd) hangUp() {}

func (s *streamEnd) close() {
	closeAll(s.in)
	if s.out != s.in {
		closeAll(s.out)
	}
}

// packetEnd is an end of a way that carries messages.
type packetEnd struct{ fd int }

func joinPacket(_ string, fds []int) (end, error) { return packetEnd{fds[0]}, nil }

func (p packetEnd) send(m *message) error {
	for {
		_, err := unix.Write(p.fd, m[:])
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("write: %w", err)
		}
	}
}

func (p packetEnd) receive(m *message) error {
	for {
		n, err := unix.Read(p.fd, m[:])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case n != len(m):
			return io.ErrUnexpectedEOF
		default:
			return nil
		}
	}
}

func (p packetEnd) hangUp() {}
func (p packetEnd) close()  { closeAll(p.fd) }

func closeAll(fds ...int) {
	for _, fd := range fds {
		_ = unix.Close(fd) // nothing is written to it that could get lost
	}
}

// copies returns descriptors of the same things, to give away.
func copies(fds ...int) ([]int, error) {
	var dups []int
	for _, fd := range fds {
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			closeAll(dups...)
			return nil, fmt.Errorf("no more descriptors: %w", err)
		}
		dups = append(dups, dup)
	}
	return dups, nil
}

func openPipes(string) (end, []int, error) {
	var there, back [2]int
	if err := unix.Pipe2(there[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("no pipe is to be had: %w", err)
	}
	if err := unix.Pipe2(back[:], unix.O_CLOEXEC); err != nil {
		closeAll(there[:]...)
		return nil, nil, fmt.Errorf("no second pipe is to be had: %w", err)
	}
	return newStreamEnd(back[0], there[1]), []int{there[0], back[1]}, nil
}

// openPair opens a pair of connected Unix sockets.
func openPair(kind int) func(string) (end, []int, error) {
	return func(string) (end, []int, error) {
		fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, nil, fmt.Errorf("no such pair of Unix sockets is to be had: %w", err)
		}
		if kind == unix.SOCK_STREAM {
			return newStreamEnd(fds[0], fds[0]), fds[1:], nil
		}
		return packetEnd{fds[0]}, fds[1:], nil
	}
}

// openTCP connects two sockets over the loopback interface.
func openTCP(string) (end, []int, error) {
	near, far, err := tcpPair()
	if err != nil {
		return nil, nil, fmt.Errorf("no connection over 127.0.0.1 is to be had: %w", err)
	}
	return newStreamEnd(near, near), []int{far}, nil
}

func tcpPair() (near, far int, err error) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, err
	}
	defer closeAll(listener)
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, 0, err
	}
	if err := unix.Listen(listener, 1); err != nil {
		return 0, 0, err
	}
	at, err := unix.Getsockname(listener)
	if err != nil {
		return 0, 0, err
	}
	if near, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return 0, 0, err
	}
	if far, err = connect(near, at, listener); err != nil {
		closeAll(near)
		return 0, 0, err
	}
	for _, fd := range []int{near, far} {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			closeAll(near, far)
			return 0, 0, err
		}
	}
	return near, far, nil
}

// connect connects near with the listener, and returns the other end of that connection.
func connect(near int, at unix.Sockaddr, listener int) (far int, err error) {
	if err := unix.Connect(near, at); err != nil {
		return 0, err
	}
	self, err := unix.Getsockname(near)
	if err != nil {
		return 0, err
	}
	for { // others may connect too
		far, peer, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		if err != nil {
			return 0, err
		}
		if *peer.(*unix.SockaddrInet4) == *self.(*unix.SockaddrInet4) {
			return far, nil
		}
		closeAll(far)
	}
}
