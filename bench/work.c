/* SPDX-License-Identifier: MIT */
/*
 * The workloads of `make bench` that no well-known tool measures the same way on both stacks. An
 * ordinary sockets program: it knows nothing of teachnet and runs unchanged on either stack. Each
 * mode prints one line of NAME=VALUE pairs.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static struct addrinfo *resolve(const char *host, const char *port, int type)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = type, .ai_flags = host ? 0 : AI_PASSIVE};
	struct addrinfo *result;
	int error = getaddrinfo(host, port, &hints, &result);

	if (error)
		errx(1, "%s:%s: %s", host ? host : "*", port, gai_strerror(error));
	return result;
}

static int dial(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype, 0);

	if (fd < 0)
		err(1, "socket");
	if (connect(fd, a->ai_addr, a->ai_addrlen))
		err(1, "connect");
	return fd;
}

static int serve(const char *port, int type)
{
	struct addrinfo *a = resolve(NULL, port, type);
	int fd = socket(a->ai_family, type, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, a->ai_addr, a->ai_addrlen) || (type == SOCK_STREAM && listen(fd, 4096)))
		err(1, "port %s", port);
	freeaddrinfo(a);
	return fd;
}

static void no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void many_descriptors(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool read_all(int fd, char *data, size_t bytes)
{
	while (bytes) {
		ssize_t got = read(fd, data, bytes);

		if (got <= 0)
			return false;
		data += got;
		bytes -= (size_t)got;
	}
	return true;
}

static void write_all(int fd, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t put = write(fd, data, bytes);

		if (put < 0)
			err(1, "write");
		data += put;
		bytes -= (size_t)put;
	}
}

/* ---- ping-pong ---- */

static int pong(char **argument)
{
	static char buffer[1 << 16];
	int listener = serve(argument[0], SOCK_STREAM);

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		ssize_t got;

		if (fd < 0)
			err(1, "accept");
		no_delay(fd);
		while ((got = read(fd, buffer, sizeof(buffer))) > 0)
			write_all(fd, buffer, (size_t)got);
		close(fd);
	}
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int ping(char **argument)
{
	static char buffer[1 << 16];
	size_t bytes = strtoul(argument[2], NULL, 10);
	size_t count = strtoul(argument[3], NULL, 10);
	uint64_t *sample = calloc(count, sizeof(*sample));
	int fd = dial(resolve(argument[0], argument[1], SOCK_STREAM));

	if (!sample || !count || bytes > sizeof(buffer))
		errx(2, "ping: too much or too little");
	no_delay(fd);
	for (size_t i = 0; i < count + count / 10; i++) {
		uint64_t start = now_ns();

		write_all(fd, buffer, bytes);
		if (!read_all(fd, buffer, bytes))
			errx(1, "the other side closed");
		if (i >= count / 10) /* the first tenth warms up */
			sample[i - count / 10] = now_ns() - start;
	}
	qsort(sample, count, sizeof(*sample), by_size);
	printf("median_us=%.2f p99_us=%.2f\n", (double)sample[count / 2] / 1e3,
	    (double)sample[count * 99 / 100] / 1e3);
	return 0;
}

/* ---- short connections ---- */

static int accept_short(char **argument)
{
	int listener = serve(argument[0], SOCK_STREAM);
	char byte;

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			err(1, "accept");
		if (read(fd, &byte, 1) == 1)
			write_all(fd, &byte, 1);
		close(fd);
	}
}

static int connect_short(char **argument)
{
	struct addrinfo *a = resolve(argument[0], argument[1], SOCK_STREAM);
	uint64_t start = now_ns(), end = start + strtoul(argument[2], NULL, 10) * 1000000000U;
	unsigned long count = 0;
	char byte = 'x';

	while (now_ns() < end) {
		int fd = dial(a);

		write_all(fd, &byte, 1);
		if (!read_all(fd, &byte, 1))
			errx(1, "no answer");
		close(fd);
		count++;
	}
	printf("connections_per_s=%.0f\n", (double)count * 1e9 / (double)(now_ns() - start));
	return 0;
}

/* ---- idle connections ---- */

static int hold(char **argument)
{
	int listener;

	many_descriptors();
	listener = serve(argument[0], SOCK_STREAM);
	while (accept(listener, NULL, NULL) >= 0)
		;
	err(1, "accept");
}

static int idle(char **argument)
{
	struct addrinfo *a = resolve(argument[0], argument[1], SOCK_STREAM);
	unsigned long count = strtoul(argument[2], NULL, 10);
	char byte;

	many_descriptors();
	for (unsigned long i = 0; i < count; i++)
		dial(a);
	printf("connected=%lu\n", count);
	fflush(stdout);
	return read(0, &byte, 1) < 0; /* until the caller has looked */
}

/* ---- datagrams ---- */

static int udp_send(char **argument)
{
	static char buffer[65536];
	size_t bytes = strtoul(argument[2], NULL, 10);
	int fd = dial(resolve(argument[0], argument[1], SOCK_DGRAM));
	uint64_t start = now_ns(), end = start + strtoul(argument[3], NULL, 10) * 1000000000U;
	unsigned long sent = 0;

	while (now_ns() < end)
		for (int i = 0; i < 64; i++)
			sent += send(fd, buffer, bytes, 0) == (ssize_t)bytes;
	printf("sent_per_s=%.0f\n", (double)sent * 1e9 / (double)(now_ns() - start));
	return 0;
}

/* Counts from the first datagram until none has come for half a second. */
static int udp_receive(char **argument)
{
	static char buffer[65536];
	int fd = serve(argument[0], SOCK_DGRAM);
	struct pollfd p = {fd, POLLIN, 0};
	uint64_t first = 0, last = 0;
	unsigned long count = 0;

	printf("ready=1\n");
	fflush(stdout);
	while (poll(&p, 1, count ? 500 : 20000) > 0) {
		while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) >= 0) {
			last = now_ns();
			first = count++ ? first : last;
		}
	}
	printf("received_per_s=%.0f\n", last > first ? (double)count * 1e9 / (double)(last - first) : 0.0);
	return 0;
}

/* ---- what a call costs that is not ours ---- */

static int native_call(char **argument)
{
	unsigned long count = strtoul(argument[0], NULL, 10);
	int pair[2];
	char byte = 0;
	uint64_t start;

	if (!count || pipe(pair))
		err(1, "pipe");
	start = now_ns();
	for (unsigned long i = 0; i < count; i++)
		if (write(pair[1], &byte, 1) != 1 || read(pair[0], &byte, 1) != 1)
			err(1, "pipe");
	printf("call_ns=%.1f\n", (double)(now_ns() - start) / (double)(2 * count));
	return 0;
}

static const struct mode {
	const char *name;
	int arguments;
	int (*run)(char **argument);
	const char *usage;
} modes[] = {
    {"pong", 1, pong, "PORT"},
    {"ping", 4, ping, "HOST PORT BYTES COUNT"},
    {"accept", 1, accept_short, "PORT"},
    {"connect", 3, connect_short, "HOST PORT SECONDS"},
    {"hold", 1, hold, "PORT"},
    {"idle", 3, idle, "HOST PORT COUNT"},
    {"udp-send", 4, udp_send, "HOST PORT BYTES SECONDS"},
    {"udp-receive", 1, udp_receive, "PORT"},
    {"native-call", 1, native_call, "COUNT"},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (argc > 1 && !strcmp(argv[1], modes[i].name) && argc - 2 == modes[i].arguments)
			return modes[i].run(argv + 2);
	fprintf(stderr, "usage:\n");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		fprintf(stderr, "  work %s %s\n", modes[i].name, modes[i].usage);
	return 2;
}
