/* Measures nanomsg over its ipc transport, a Unix socket.
 *
 * Round trip: a pair of NN_PAIR sockets. Throughput: NN_PUSH to NN_PULL, which holds the sender
 * up when the buffers are full. A worker thread of the library is on the core of its process;
 * the program sleeps in its calls. */
#include "harness.h"

#include <nanomsg/nn.h>
#include <nanomsg/pair.h>
#include <nanomsg/pipeline.h>

static int out, in;

static void ok(int result, const char *what) { must(result >= 0, what, nn_strerror(nn_errno())); }

static int open_socket(int protocol)
{
	int s = nn_socket(AF_SP, protocol);
	ok(s, "nn_socket");
	return s;
}

static void open_rtt(const char *address, bool server)
{
	in = out = open_socket(NN_PAIR);
	ok((server ? nn_bind : nn_connect)(in, address), "open");
}

static void open_receiver(const char *address)
{
	in = open_socket(NN_PULL);
	ok(nn_bind(in, address), "nn_bind");
}

static void open_sender(const char *address)
{
	out = open_socket(NN_PUSH);
	ok(nn_connect(out, address), "nn_connect");
}

static void put(const message *m) { ok(nn_send(out, m, sizeof *m, 0), "nn_send"); }

static void get(message *m)
{
	int size = nn_recv(in, m, sizeof *m, 0);
	ok(size, "nn_recv");
	must(size == sizeof *m, "nn_recv", "a message of another size");
}

int main(int argc, char **argv)
{
	struct peer p = {
		"nanomsg", VERSION,
		"Two processes over a Unix socket through the kernel, with a library's thread between it and the program, all of which sleep; a system call for each message; lossless, the sender is held up.",
		open_rtt, open_sender, open_receiver, put, get,
	};
	return run_peer(&p, argc, argv);
}
