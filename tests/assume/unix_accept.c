/* SPDX-License-Identifier: MIT */
/*
 * The story: an accept queue is a pair on which fixed-size records arrive, each with a descriptor.
 * Records are never merged, several acceptors share them one by one, and when the listener closes
 * the kernel drops the ends that nobody took, which the stack sees as hang-ups.
 */
#include <sys/wait.h>

#include "tests/assume/pair.h"

struct record {
	int number;
	char text[92];
};

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void hand_over(int to, int number, int fd)
{
	struct record r = { .number = number };
	union control control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = &r, .iov_len = sizeof(r) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	MUST(sendmsg(to, &m, 0) == (ssize_t)sizeof(r));
}

/* The descriptor, or -1. room: how much the reader offers. */
static int take(int from, struct record *r, size_t room, ssize_t *got)
{
	char large[1024];
	union control control;
	struct iovec iov = { .iov_base = large, .iov_len = room };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd = -1;

	*got = recvmsg(from, &m, 0);
	if (*got < 0)
		return -1;
	memcpy(r, large, sizeof(*r));
	if (m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void records(void)
{
	struct pair listener = pair_make(SOCK_STREAM);
	struct pair a = pair_make(SOCK_STREAM);
	struct pair b = pair_make(SOCK_STREAM);
	struct record r;
	ssize_t got;
	int fd;

	CHECK_THAT((pair_bits(listener.program) & POLLIN) == 0, "no connection: not readable");
	hand_over(listener.stack, 1, a.program);
	hand_over(listener.stack, 2, b.program);
	CHECK_THAT((pair_bits(listener.program) & POLLIN) != 0, "a connection: readable");
	fd = take(listener.program, &r, 1024, &got);
	CHECK_THAT(got == (ssize_t)sizeof(r) && r.number == 1, "with room for two, one record comes");
	CHECK_THAT(fd >= 0, "with its descriptor");
	close(fd);
	fd = take(listener.program, &r, 1024, &got);
	CHECK_THAT(got == (ssize_t)sizeof(r) && r.number == 2 && fd >= 0, "then the other, with its own");
	close(fd);
	pair_close(&a);
	pair_close(&b);
	pair_close(&listener);
}

static void several_acceptors(void)
{
	enum { COUNT = 20 };
	struct pair listener = pair_make(SOCK_STREAM);
	int taken = 0;
	pid_t child[2];

	for (int c = 0; c < 2; c++) {
		child[c] = fork();
		MUST(child[c] >= 0);
		if (child[c] == 0) {
			struct record r;
			ssize_t got;
			int mine = 0;

			close(listener.stack);
			while (take(listener.program, &r, 1024, &got) >= 0 && got == (ssize_t)sizeof(r))
				mine++;
			_exit(mine);
		}
	}
	for (int i = 0; i < COUNT; i++) {
		struct pair p = pair_make(SOCK_STREAM);

		hand_over(listener.stack, i, p.program);
		pair_close(&p);
	}
	MUST(shutdown(listener.stack, SHUT_WR) == 0);
	for (int c = 0; c < 2; c++) {
		int status;

		MUST(waitpid(child[c], &status, 0) == child[c]);
		taken += WEXITSTATUS(status);
	}
	CHECK_THAT(taken == COUNT, "two processes share the queue: each record goes to one of them, whole");
	pair_close(&listener);
}

static void listener_closes(void)
{
	struct pair listener = pair_make(SOCK_STREAM);
	struct pair queued = pair_make(SOCK_STREAM);

	hand_over(listener.stack, 1, queued.program);
	close(queued.program);
	queued.program = -1;
	CHECK_THAT((pair_bits(queued.stack) & POLLHUP) == 0, "a queued connection is alive");
	close(listener.program);
	listener.program = -1;
	CHECK_THAT((pair_bits(queued.stack) & POLLHUP) != 0, "its listener closes: the stack sees it hang up");
	pair_close(&queued);
	pair_close(&listener);
}

int main(void)
{
	records();
	several_acceptors();
	listener_closes();
	return tap_done();
}
