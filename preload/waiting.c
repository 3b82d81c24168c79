/* SPDX-License-Identifier: MIT */
/*
 * poll(2) and ppoll(2). The kernel waits, on the pair; one thing it cannot know: a record at the
 * head of a datagram socket's pair may be an error (IP_RECVERR), which Linux shows as POLLERR and
 * not as POLLIN. Only results about such sockets are looked at; until a program has asked for
 * IP_RECVERR, a call costs one load more than the C library's.
 *
 * select() needs none of this: it shows an error as readable and as writable. epoll_wait() cannot
 * have it: an event carries the program's data and not the descriptor (tests/shim/DIFFERENCES.md).
 */
#include <poll.h>
#include <string.h>

#include "preload/real.h"
#include "preload/sockets.h"

#define READABLE (POLLIN | POLLRDNORM)

static bool wants_errors(int fd, struct descriptor *d)
{
	return descriptor_cached(fd, d) && descriptor_kind(d) == DESCRIPTOR_DATAGRAM &&
	    descriptor_is(d, DESCRIPTOR_RECVERR);
}

/* An error whose first telling is over waits in the error queue, where the kernel does not see it. */
static bool any_kept(const struct pollfd *set, nfds_t count)
{
	struct descriptor d;

	for (nfds_t i = 0; i < count; i++)
		if (wants_errors(set[i].fd, &d) && datagram_error_kept(&d))
			return true;
	return false;
}

/* Puts the result right, and counts again. */
static int translate(struct pollfd *set, nfds_t count)
{
	struct descriptor d;
	int ready = 0;

	for (nfds_t i = 0; i < count; i++) {
		if (wants_errors(set[i].fd, &d)) {
			bool error_first = (set[i].revents & READABLE) != 0 && datagram_error_next(&d);

			if (error_first)
				set[i].revents = (short)(set[i].revents & ~READABLE);
			if (error_first || datagram_error_kept(&d))
				set[i].revents |= POLLERR;
		}
		ready += set[i].revents != 0;
	}
	return ready;
}

int call_poll(struct pollfd *set, nfds_t count, int wait_ms)
{
	int result;

	if (!descriptors_want_errors())
		return real.poll(set, count, wait_ms);
	result = real.poll(set, count, any_kept(set, count) ? 0 : wait_ms);
	return result < 0 ? result : translate(set, count);
}

int call___poll(struct pollfd *set, nfds_t count, int wait_ms)
{
	return call_poll(set, count, wait_ms);
}

int call___poll_chk(struct pollfd *set, nfds_t count, int wait_ms, size_t room_bytes)
{
	if (room_bytes / sizeof(*set) < count)
		return real.__poll_chk(set, count, wait_ms, room_bytes); /* ends the program with its message */
	return call_poll(set, count, wait_ms);
}

int call_ppoll(struct pollfd *set, nfds_t count, const struct timespec *wait, const sigset_t *mask)
{
	static const struct timespec at_once = { .tv_sec = 0 };
	int result;

	if (!descriptors_want_errors())
		return real.ppoll(set, count, wait, mask);
	result = real.ppoll(set, count, any_kept(set, count) ? &at_once : wait, mask);
	return result < 0 ? result : translate(set, count);
}

int call___ppoll_chk(struct pollfd *set, nfds_t count, const struct timespec *wait, const sigset_t *mask,
    size_t room_bytes)
{
	if (room_bytes / sizeof(*set) < count)
		return real.__ppoll_chk(set, count, wait, mask, room_bytes);
	return call_ppoll(set, count, wait, mask);
}
