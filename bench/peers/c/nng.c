/* Measures NNG over its ipc transport, a Unix socket.
 *
 * Round trip: a pair of Pair0 sockets. Throughput: Push0 to Pull0, which holds the sender up.
 * NNG runs its own threads, on the core of their process; the program sleeps in its calls. */
#include "harness.h"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

static nng_socket out, in;

static void ok(int err, const char *what) { must(err == 0, what, nng_strerror(err)); }

static void listening(nng_socket s, const char *address) { ok(nng_listen(s, address, NULL, 0), "nng_listen"); }

/* The other end may not listen yet: NNG tries again by itself. */
static void calling(nng_socket s, const char *address) { ok(nng_dial(s, address, NULL, NNG_FLAG_NONBLOCK), "nng_dial"); }

static void open_rtt(const char *address, bool server)
{
	ok(nng_pair0_open(&in), "nng_pair0_open");
	out = in;
	(server ? listening : calling)(in, address);
}

static void open_receiver(const char *address)
{
	ok(nng_pull0_open(&in), "nng_pull0_open");
	listening(in, address);
}

static void open_sender(const char *address)
{
	ok(nng_push0_open(&out), "nng_push0_open");
	ok(nng_setopt_int(out, NNG_OPT_SENDBUF, 1024), "nng_setopt_int"); /* messages; the default is none */
	calling(out, address);
}

static void put(const message *m) { ok(nng_send(out, (void *)m, sizeof *m, 0), "nng_send"); }

static void get(message *m)
{
	size_t size = sizeof *m;
	ok(nng_recv(in, m, &size, 0), "nng_recv");
	must(size == sizeof *m, "nng_recv", "a message of another size");
}

int main(int argc, char **argv)
{
	struct peer p = {
		"nng", nng_version(),
		"Two processes over a Unix socket through the kernel, with a library's threads between it and the program, all of which sleep; a system call for each message; lossless, the sender is held up.",
		open_rtt, open_sender, open_receiver, put, get,
	};
	return run_peer(&p, argc, argv);
}
