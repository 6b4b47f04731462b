package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mqEnd is an end of two POSIX message queues. On Linux a queue is a file descriptor.
type mqEnd struct{ in, out int }

// mqAttr is struct mq_attr of linux/mqueue.h.
type mqAttr struct {
	flags, maxMessages, messageSize, messages int
	_                                         [4]int
}

// mqLimit holds how many messages a queue of an ordinary user may have.
const mqLimit = "/proc/sys/fs/mqueue/msg_max"

// mqUsual is the limit that kernels have by default.
const mqUsual = 10

func openMQ(string) (end, []int, error) {
	there, err := mqOpen("there")
	if err != nil {
		return nil, nil, err
	}
	back, err := mqOpen("back")
	if err != nil {
		closeAll(there)
		return nil, nil, err
	}
	fds, err := copies(there, back)
	if err != nil {
		closeAll(there, back)
		return nil, nil, err
	}
	return mqEnd{in: back, out: there}, fds, nil
}

func joinMQ(_ string, fds []int) (end, error) { return mqEnd{in: fds[0], out: fds[1]}, nil }

// mqOpen makes a queue that has no name any more when it returns.
func mqOpen(to string) (int, error) {
	attr := mqAttr{maxMessages: mqUsual, messageSize: len(message{})}
	if b, err := os.ReadFile(mqLimit); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
			attr.maxMessages = n
		}
	}
	name, err := unix.BytePtrFromString(fmt.Sprintf("tickring-bench-%d-%s", os.Getpid(), to))
	if err != nil {
		return 0, err
	}
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)),
		unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600, uintptr(unsafe.Pointer(&attr)), 0, 0)
	if errno != 0 {
		return 0, mqReason(errno)
	}
	unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(name)), 0, 0)
	return int(fd), nil
}

// mqReason says why there is no queue.
func mqReason(errno unix.Errno) error {
	switch errno {
	case unix.ENOSYS:
		return errors.New("this kernel has no POSIX message queues (CONFIG_POSIX_MQUEUE), or a sandbox hides them")
	case unix.EACCES, unix.EPERM:
		return fmt.Errorf("mq_open is not allowed to this process: %w", errno)
	case unix.EMFILE, unix.ENOSPC:
		return fmt.Errorf("no more queues or memory for them: see /proc/sys/fs/mqueue/queues_max and RLIMIT_MSGQUEUE (ulimit -q): %w", errno)
	case unix.EINVAL:
		return fmt.Errorf("a queue of %d-byte messages is more than the limits in /proc/sys/fs/mqueue allow: %w", len(message{}), errno)
	}
	return fmt.Errorf("mq_open: %w", errno)
}

func (q mqEnd) send(m *message) error { return mqSend(q.out, m[:], nil) }

func mqSend(fd int, b []byte, until *unix.Timespec) error {
	for {
		_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, uintptr(unsafe.Pointer(until)), 0)
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return fmt.Errorf("mq_send: %w", errno)
		}
	}
}

func (q mqEnd) receive(m *message) error { return mqReceive(q.in, m, nil) }

func mqReceive(fd int, m *message, until *unix.Timespec) error {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, uintptr(fd), uintptr(unsafe.Pointer(m)), uintptr(len(m)), 0, uintptr(unsafe.Pointer(until)), 0)
		switch {
		case errno == unix.EINTR:
		case errno != 0:
			return fmt.Errorf("mq_receive: %w", errno)
		case int(n) != len(m):
			return fmt.Errorf("mq_receive: %d bytes are no message", n)
		default:
			return nil
		}
	}
}

// hangUp makes one message for who waits for one, and room for who waits for that.
func (q mqEnd) hangUp() {
	var past unix.Timespec
	var m message
	_ = mqSend(q.in, m[:], &past)
	_ = mqReceive(q.out, &m, &past)
}

func (q mqEnd) close() { closeAll(q.in, q.out) }
