/* SPDX-License-Identifier: MIT */
/*
 * The story: a non-blocking connect() on a pair looks to poll and epoll as one on TCP does. While
 * it is in progress nothing is ready, because the pair is full of throw-away bytes; when they are
 * drained there is one edge, "writable"; when the far end closes over them there are TCP's bits.
 */
#include "tests/assume/pair.h"

static void in_progress(void)
{
	struct pair p = pair_make(SOCK_STREAM);
	char byte;

	CHECK_THAT(pair_bits(p.program) == POLLOUT, "an empty pair is writable");
	pair_fill(&p);
	CHECK_THAT(pair_bits(p.program) == 0, "60,000 throw-away bytes make poll say nothing");
	CHECK_THAT(recv(p.program, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "reading it would wait");
	pair_close(&p);
}

static void established(void)
{
	struct pair p = pair_make(SOCK_STREAM);
	int epoll;

	pair_fill(&p);
	epoll = edge_watch(p.program);
	CHECK_THAT(edge_next(epoll) == 0, "epoll has no edge for a connect() in progress");
	pair_drain(&p);
	CHECK_THAT(edge_next(epoll) == EPOLLOUT, "drained: one edge, writable");
	CHECK_THAT(edge_next(epoll) == 0, "and no second one");
	CHECK_THAT(pair_bits(p.program) == POLLOUT, "poll says writable");
	close(epoll);
	pair_close(&p);
}

static void refused(void)
{
	const short bits = POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR;
	struct pair p = pair_make(SOCK_STREAM);
	int epoll;
	int error = 0;
	socklen_t bytes = sizeof(error);

	pair_fill(&p);
	epoll = edge_watch(p.program);
	edge_next(epoll);
	close(p.stack);
	p.stack = -1;
	CHECK_THAT(pair_bits(p.program) == bits, "closed over unread bytes: IN OUT RDHUP HUP ERR, as TCP");
	CHECK_THAT(edge_next(epoll) == (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR), "the same for epoll, one edge");
	CHECK_THAT(getsockopt(p.program, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 && error == ECONNRESET,
	    "the kernel's own word for it is ECONNRESET");
	close(epoll);
	pair_close(&p);
}

/* What the shim adds to a quarter of the buffer is enough for any size of buffer. */
static void any_buffer(void)
{
	static const char waste[300000];
	static const int sizes[] = { 32768, 65536, 106496 };
	bool good = true;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pair p = pair_make(SOCK_STREAM);
		int room = 0;
		socklen_t bytes = sizeof(room);

		MUST(setsockopt(p.program, SOL_SOCKET, SO_SNDBUF, &sizes[i], sizeof(sizes[i])) == 0);
		MUST(getsockopt(p.program, SOL_SOCKET, SO_SNDBUF, &room, &bytes) == 0);
		good = good && send(p.program, waste, (size_t)room / 4 + 8192, MSG_DONTWAIT) > 0 &&
		    pair_bits(p.program) == 0;
		pair_close(&p);
	}
	CHECK_THAT(good, "a quarter of the send buffer and 8 KiB fill a pair of any size");
}

int main(void)
{
	in_progress();
	established();
	refused();
	any_buffer();
	return tap_done();
}
