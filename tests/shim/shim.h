/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this folder are written with. Each prints lines "CASE: WHAT = WHAT IT SAW";
 * a line is a check: it must be the same on the kernel's stack and on ours (shim.t runs both).
 *
 *     CASE("refused");                     what follows belongs to this case
 *     TRY(connect(fd, to, sizeof(*to)));   the call, its result, errno's name when it failed
 *     SAY("port kept", "%d", same);        anything else
 *     BITS("after FIN", fd);               poll()'s bits
 *
 * Nothing may be printed that differs from run to run: ports are compared, not shown.
 */
#ifndef TESTS_SHIM_SHIM_H
#define TESTS_SHIM_SHIM_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *shim_case = "";

#define CASE(name) (shim_case = (name))

#define SAY(what, ...)                                                                             \
	do {                                                                                       \
		printf("%s: %s = ", shim_case, what);                                              \
		printf(__VA_ARGS__);                                                               \
		putchar('\n');                                                                     \
	} while (0)

static inline const char *shim_error(void)
{
	const char *name = strerrorname_np(errno);

	return name != NULL ? name : "?";
}

/* Evaluates the call once; its result is the macro's. */
#define TRY(call)                                                                                  \
	({                                                                                         \
		__auto_type shim_result = (errno = 0, (call));                                     \
		if (shim_result < 0)                                                               \
			SAY(#call, "%s", shim_error());                                            \
		else                                                                               \
			SAY(#call, "%ld", (long)shim_result);                                      \
		shim_result;                                                                       \
	})

/* Likewise for a call whose result is a descriptor: its number is nobody's business. */
#define TRY_FD(call)                                                                               \
	({                                                                                         \
		int shim_fd = (errno = 0, (call));                                                 \
		SAY(#call, "%s", shim_fd >= 0 ? "a descriptor" : shim_error());                    \
		shim_fd;                                                                           \
	})

/* AddressSanitizer looks at pointers before the call is made, and ends the program. */
#ifdef __SANITIZE_ADDRESS__
#define BAD_POINTERS false
#else
#define BAD_POINTERS true
#endif

/* What must work for the case to make sense. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("%s: %s:%d: %s failed: %s\n", shim_case, __FILE__, __LINE__, #condition, shim_error()); \
			fflush(stdout);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static inline void shim_bits(const char *what, short bits)
{
	static const struct {
		short bit;
		const char *name;
	} names[] = {
		{ POLLIN, "IN" }, { POLLOUT, "OUT" }, { POLLPRI, "PRI" }, { POLLRDHUP, "RDHUP" },
		{ POLLHUP, "HUP" }, { POLLERR, "ERR" }, { POLLNVAL, "NVAL" },
	};

	printf("%s: bits %s =", shim_case, what);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((bits & names[i].bit) != 0)
			printf(" %s", names[i].name);
	printf("%s\n", bits == 0 ? " none" : "");
}

static inline short shim_poll(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };

	(void)poll(&p, 1, wait_ms);
	return p.revents;
}

#define BITS(what, fd) shim_bits(what, shim_poll(fd, 0))

/* Waits (at most two seconds) until poll() shows one of these bits. */
static inline short shim_await(int fd, short bits)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	short seen = shim_poll(fd, 0);

	for (int i = 0; i < 2000 && (seen & bits) == 0; i++) {
		nanosleep(&pause, NULL);
		seen = shim_poll(fd, 0);
	}
	return seen;
}

static inline void shim_sleep(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		continue;
}

static inline struct sockaddr_in shim_address(in_addr_t host, unsigned port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(host),
	};
}

#define SA(address) ((struct sockaddr *)(address))

static inline struct sockaddr_in shim_name(int fd)
{
	struct sockaddr_in name = { 0 };
	socklen_t bytes = sizeof(name);

	MUST(getsockname(fd, SA(&name), &bytes) == 0);
	return name;
}

/* A listener on a port of its own; *at is where. */
static inline int shim_listener(struct sockaddr_in *at, int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*at = shim_address(INADDR_LOOPBACK, 0);
	MUST(fd >= 0 && bind(fd, SA(at), sizeof(*at)) == 0 && listen(fd, backlog) == 0);
	*at = shim_name(fd);
	return fd;
}

/* Both ends of a TCP connection. */
struct shim_pair {
	int client, server;
};

static inline struct shim_pair shim_connected(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	struct shim_pair p = { .client = socket(AF_INET, SOCK_STREAM, 0) };

	MUST(p.client >= 0 && connect(p.client, SA(&at), sizeof(at)) == 0);
	p.server = accept(listener, NULL, NULL);
	MUST(p.server >= 0);
	close(listener);
	return p;
}

static inline void shim_close(struct shim_pair *p)
{
	close(p->client);
	close(p->server);
}

/* A bound UDP socket. */
static inline int shim_datagram(struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	*at = shim_address(INADDR_LOOPBACK, 0);
	MUST(fd >= 0 && bind(fd, SA(at), sizeof(*at)) == 0);
	*at = shim_name(fd);
	return fd;
}

/* A port that nobody listens on: it was free a moment ago. */
static inline struct sockaddr_in shim_nobody(int type)
{
	struct sockaddr_in at = shim_address(INADDR_LOOPBACK, 0);
	int fd = socket(AF_INET, type, 0);

	MUST(fd >= 0 && bind(fd, SA(&at), sizeof(at)) == 0);
	at = shim_name(fd);
	close(fd);
	return at;
}

static inline void shim_nonblocking(int fd)
{
	MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

#endif
