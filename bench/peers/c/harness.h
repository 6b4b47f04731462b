/* What the C peers have in common: which core, how long, what a message looks like, and how
 * round trips and streams are measured.
 *
 * A program is started as "prog rtt" or "prog throughput". It forks before it touches its
 * library. The parent, on the first core of PEERS_CPUS, measures: it sends and waits for the
 * echo, or it receives the stream. The child, on the second, is the other end until it is
 * killed. Threads that a library starts are on the core of their process. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stdint.h>

/* Seven words, all written and all copied out by the receiver. */
typedef struct {
	uint64_t word[7];
} message;

struct peer {
	const char *name, *version, *differences;
	/* Each opens what it needs at the address. receive and echo read messages, the others send
	 * them; the sockets of a round trip go both ways. */
	void (*open_rtt)(const char *address, bool server);
	void (*open_sender)(const char *address);
	void (*open_receiver)(const char *address);
	void (*send)(const message *);
	void (*receive)(message *);
};

int run_peer(const struct peer *, int argc, char **argv);

/* Ends the program unless it holds, saying what failed and why. */
void must(bool holds, const char *what, const char *why);

#endif
