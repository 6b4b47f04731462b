#include "harness.h"

#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SEQ, PHASE };                       /* words of a message */
enum { WARMING, MEASURING, ENDED };        /* phases of a stream */

static const int64_t second = 1000000000;

void must(bool holds, const char *what, const char *why)
{
	if (!holds) {
		fprintf(stderr, "%s: %s\n", what, why);
		exit(1);
	}
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * second + t.tv_nsec;
}

/* PEERS_SECONDS, by default 3. */
static int64_t measured(void)
{
	const char *text = getenv("PEERS_SECONDS");
	double s = text ? atof(text) : 0;
	return (int64_t)((s > 0 ? s : 3) * (double)second);
}

/* Puts this process on the first or second core of PEERS_CPUS (0,1), and under SCHED_FIFO at the
 * priority PEERS_FIFO if there is one. */
static void pin(int which)
{
	int cpus[2] = {0, 1};
	const char *text = getenv("PEERS_CPUS");
	if (text)
		sscanf(text, "%d,%d", &cpus[0], &cpus[1]);
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpus[which], &set);
	must(sched_setaffinity(0, sizeof set, &set) == 0, "pin", "no such CPU, or not allowed");
	text = getenv("PEERS_FIFO");
	struct sched_param p = {.sched_priority = text ? atoi(text) : 0};
	if (p.sched_priority > 0)
		must(sched_setscheduler(0, SCHED_FIFO, &p) == 0, "SCHED_FIFO", "not allowed");
}

static int rising(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Of the median of many readings, in groups. */
static double clock_cost(void)
{
	uint32_t costs[1001];
	for (int i = 0; i < 1001; i++) {
		int64_t first = now();
		for (int k = 1; k < 100; k++)
			now();
		costs[i] = (uint32_t)(now() - first);
	}
	qsort(costs, 1001, sizeof costs[0], rising);
	return costs[500] / 100.0;
}

/* Nearest rank: the smallest sample that so much of all does not exceed. */
static uint32_t at(const uint32_t *sorted, size_t n, double quantile)
{
	size_t rank = (size_t)ceil(quantile * (double)n - 1e-9);
	return sorted[rank > 0 ? rank - 1 : 0];
}

/* Every sample is kept; they are sorted at the end. */
static void round_trips(const struct peer *p)
{
	const size_t most = 1 << 25;
	uint32_t *samples = malloc(most * sizeof *samples);
	must(samples, "samples", "no memory");
	message m = {{0}};
	size_t n = 0;
	for (int measuring = 0; measuring < 2; measuring++) {
		int64_t end = 0, ends = now() + (measuring ? measured() : second);
		for (n = 0; end < ends && n < most; n++) {
			int64_t start = now();
			p->send(&m);
			p->receive(&m);
			end = now();
			samples[n] = end - start < UINT32_MAX ? (uint32_t)(end - start) : UINT32_MAX;
		}
	}
	qsort(samples, n, sizeof *samples, rising);
	printf("\"samples\":%zu,\"p50_ns\":%u,\"p90_ns\":%u,\"p99_ns\":%u,\"p999_ns\":%u,\"p9999_ns\":%u,"
	       "\"max_ns\":%u,\"clock_ns\":%.1f,\"curve\":[",
	       n, at(samples, n, 0.5), at(samples, n, 0.9), at(samples, n, 0.99), at(samples, n, 0.999),
	       at(samples, n, 0.9999), samples[n - 1], clock_cost());
	/* Points at 100(1-10^-x) as long as at least one sample lies beyond. */
	for (int i = 0;; i++) {
		double beyond = pow(10, -i / 10.0);
		if (beyond * (double)n < 1)
			break;
		printf("[%.10g,%u],", 100 * (1 - beyond), at(samples, n, 1 - beyond));
	}
	printf("[100,%u]]}\n", samples[n - 1]);
}

static void echo(const struct peer *p)
{
	for (message m;;) {
		p->receive(&m);
		p->send(&m);
	}
}

/* Sends as fast as it goes: a second that is not measured, the seconds that are, and one message
 * that says it is over. The clock is looked at for every 256th. */
static void source(const struct peer *p)
{
	int64_t ends = now() + second;
	uint64_t phase = WARMING;
	for (uint64_t seq = 0; phase != ENDED; seq++) {
		if (seq % 256 == 0 && now() >= ends) {
			phase++;
			ends = now() + measured();
		}
		message m = {{seq, phase, seq, seq, seq, seq, seq}};
		p->send(&m);
	}
	pause(); /* the library still has messages to hand over; the receiver kills this process */
}

static void stream(const struct peer *p)
{
	uint64_t expected = 0, delivered = 0, lost = 0;
	int64_t began = 0;
	for (message m;;) {
		p->receive(&m);
		if (m.word[PHASE] == WARMING)
			continue;
		if (!began) {
			began = now();
			expected = m.word[SEQ];
		}
		lost += m.word[SEQ] - expected;
		expected = m.word[SEQ] + 1;
		if (m.word[PHASE] == ENDED)
			break;
		delivered++;
	}
	double took = (double)(now() - began) / (double)second;
	printf("\"msgs_per_s\":%.1f,\"delivered\":%lu,\"lost\":%lu}\n", (double)delivered / took, delivered, lost);
}

int run_peer(const struct peer *p, int argc, char **argv)
{
	bool rtt = argc == 2 && !strcmp(argv[1], "rtt");
	must(rtt || (argc == 2 && !strcmp(argv[1], "throughput")), "usage", "rtt|throughput");
	char path[64], address[80];
	snprintf(path, sizeof path, "/tmp/peers-%s-%d", p->name, getpid());
	snprintf(address, sizeof address, "ipc://%s", path);

	pid_t child = fork();
	must(child >= 0, "fork", "failed");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(1);
		if (rtt) {
			p->open_rtt(address, false);
			echo(p);
		}
		p->open_sender(address);
		source(p);
		return 0;
	}
	pin(0);
	if (rtt)
		p->open_rtt(address, true);
	else
		p->open_receiver(address);
	printf("{\"peer\":\"%s\",\"version\":\"%s\",\"language\":\"C\",\"kind\":\"%s\",\"processes\":2,"
	       "\"payload_bytes\":%zu,\"differences\":\"%s\",",
	       p->name, p->version, argv[1], sizeof(message), p->differences);
	if (rtt)
		round_trips(p);
	else
		stream(p);
	fflush(stdout);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unlink(path);
	_exit(0); /* without waiting for a library to take leave of an end that is gone */
}
