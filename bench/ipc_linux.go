package bench

import "golang.org/x/sys/unix"

// osWays are the ways that Linux has, as far as a system has them.
func osWays() []way {
	return []way{
		{
			name: "futex", how: "messages in shared memory, FUTEX_WAKE where the other sleeps",
			open: openFutex, join: joinFutex,
		},
		{
			name: "eventfd", how: "messages in shared memory, an eventfd tells of each",
			open: openEvents, join: joinEvents,
		},
		{name: "pipe", how: "two pipes", open: openPipes, join: joinStream},
		{name: "Unix socket, stream", how: "socketpair", open: openPair(unix.SOCK_STREAM), join: joinStream},
		{name: "Unix socket, seqpacket", how: "socketpair", open: openPair(unix.SOCK_SEQPACKET), join: joinPacket},
		{name: "TCP, loopback", how: "TCP_NODELAY", open: openTCP, join: joinStream},
		{name: "POSIX message queue", how: "two queues of as many messages as are allowed to everybody", open: openMQ, join: joinMQ},
		chanWay,
	}
}
