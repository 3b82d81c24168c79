/* SPDX-License-Identifier: MIT */
/*
 * The pair of DESIGN.md 2.1 as these programs build it: the program's end and the stack's.
 */
#ifndef TESTS_ASSUME_PAIR_H
#define TESTS_ASSUME_PAIR_H

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/assume/tap.h"

#define FILL_BYTES 60000U

struct pair {
	int program, stack;
};

static inline struct pair pair_make(int type)
{
	int fd[2];

	MUST(socketpair(AF_UNIX, type, 0, fd) == 0);
	return (struct pair){ .program = fd[0], .stack = fd[1] };
}

static inline void pair_close(struct pair *p)
{
	if (p->program >= 0)
		close(p->program);
	if (p->stack >= 0)
		close(p->stack);
}

/* Every bit that poll() can show. */
static inline short pair_bits(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };

	MUST(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/* The throw-away bytes of a connect() in progress. */
static inline void pair_fill(const struct pair *p)
{
	static const char waste[FILL_BYTES];

	MUST(send(p->program, waste, sizeof(waste), MSG_DONTWAIT) == (ssize_t)sizeof(waste));
}

static inline void pair_drain(const struct pair *p)
{
	static char waste[FILL_BYTES];
	size_t left = FILL_BYTES;

	while (left > 0) {
		ssize_t got = recv(p->stack, waste, left, MSG_DONTWAIT);

		MUST(got > 0);
		left -= (size_t)got;
	}
}

/* An edge-triggered watch on fd. */
static inline int edge_watch(int fd)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET };
	int epoll = epoll_create1(0);

	MUST(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0);
	return epoll;
}

/* The bits of the next edge, 0 when there is none. */
static inline unsigned edge_next(int epoll)
{
	struct epoll_event e = { .events = 0 };
	int count = epoll_wait(epoll, &e, 1, 0);

	MUST(count >= 0);
	return count == 1 ? e.events : 0;
}

#endif
