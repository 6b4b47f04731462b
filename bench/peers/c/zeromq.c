/* Measures ZeroMQ (libzmq) over its ipc transport, a Unix socket.
 *
 * Round trip: a pair of PAIR sockets. Throughput: PUSH to PULL, which holds the sender up at its
 * high-water mark. Each process has one of ZeroMQ's I/O threads, on its core; so the program
 * sleeps in its calls: to spin would keep that thread from running. */
#include "harness.h"

#include <errno.h>
#include <zmq.h>

static void *context, *out, *in;

static void *open_socket(int type)
{
	if (!context)
		context = zmq_ctx_new();
	void *s = zmq_socket(context, type);
	must(s, "zmq_socket", zmq_strerror(errno));
	return s;
}

static void listening(void *s, const char *address) { must(zmq_bind(s, address) == 0, "zmq_bind", zmq_strerror(errno)); }
static void calling(void *s, const char *address) { must(zmq_connect(s, address) == 0, "zmq_connect", zmq_strerror(errno)); }

static void open_rtt(const char *address, bool server)
{
	in = out = open_socket(ZMQ_PAIR);
	(server ? listening : calling)(in, address);
}

static void open_receiver(const char *address)
{
	in = open_socket(ZMQ_PULL);
	listening(in, address);
}

static void open_sender(const char *address)
{
	out = open_socket(ZMQ_PUSH);
	calling(out, address);
}

static void put(const message *m) { must(zmq_send(out, m, sizeof *m, 0) == sizeof *m, "zmq_send", zmq_strerror(errno)); }
static void get(message *m) { must(zmq_recv(in, m, sizeof *m, 0) == sizeof *m, "zmq_recv", zmq_strerror(errno)); }

int main(int argc, char **argv)
{
	struct peer p = {
		"zeromq", VERSION,
		"Two processes over a Unix socket through the kernel, each with an I/O thread beside the program on its core, both of which sleep; messages are batched inside; lossless, the sender is held up at the high-water mark.",
		open_rtt, open_sender, open_receiver, put, get,
	};
	return run_peer(&p, argc, argv);
}
