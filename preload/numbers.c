/* SPDX-License-Identifier: MIT */
/*
 * The calls that make, copy and close descriptor numbers. They are the kernel's; here the table
 * forgets, and our own descriptor is kept out of the way: to the program its number is not open.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "preload/gather.h"
#include "preload/real.h"
#include "preload/sockets.h"

/* ---- close ---- */

/*
 * SO_LINGER with a time: Linux's close() waits until all is acknowledged, also that of a non-blocking
 * socket. The queues are looked at, not waited on: nothing else tells when the last acknowledgement
 * has come. The FIN is not waited for: sending may not be shut here, others may hold the socket.
 */
static void linger(struct descriptor *d)
{
	struct linger option = { 0 };
	struct exchange x = {
		.request.argument = { SOL_SOCKET, SO_LINGER, sizeof(option) },
		.room = &option,
		.room_bytes = sizeof(option),
	};
	struct timespec pause = { .tv_nsec = 1000000 };
	int64_t left_ms;

	if (request_exchange(d, CONTROL_GETSOCKOPT, &x) < 0 || option.l_onoff == 0 || option.l_linger == 0)
		return;
	for (left_ms = (int64_t)option.l_linger * 1000; left_ms > 0; left_ms -= pause.tv_nsec / 1000000) {
		struct exchange queues = { 0 };
		int in_pair = 0;

		if (real.ioctl(d->fd, SIOCOUTQ, &in_pair) < 0 || request_exchange(d, CONTROL_QUEUES, &queues) < 0 ||
		    (in_pair == 0 && queues.reply.argument[1] == 0))
			return;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 32000000)
			pause.tv_nsec *= 2;
	}
}

int call_close(int fd)
{
	struct descriptor d;
	int result;

	if (descriptor_internal(fd))
		return answer_int(-EBADF);
	if (descriptor_cached(fd, &d)) {
		if (descriptor_is(&d, DESCRIPTOR_LINGERS))
			linger(&d);
		if (descriptor_kind(&d) == DESCRIPTOR_DATAGRAM)
			gather_forget(d.socket_id);
	}
	/* Before, because the number may belong to another thread's descriptor directly after;
	 * after, because somebody may have looked in between. */
	descriptor_forget(fd);
	result = real.close(fd);
	descriptor_forget(fd);
	return result;
}

int call___close(int fd)
{
	return call_close(fd);
}

int call_fclose(FILE *file)
{
	descriptor_forget(fileno(file));
	return real.fclose(file);
}

/* Calls close_range() on what lies between our own descriptors. */
static int close_around(unsigned first, unsigned last, int flags)
{
	unsigned from = first;
	int result = 0;

	for (int own = descriptor_next_internal(first, last); own >= 0 && result == 0;
	    own = descriptor_next_internal(from, last)) {
		if ((unsigned)own > from)
			result = real.close_range(from, (unsigned)own - 1, flags);
		from = (unsigned)own + 1;
		if (from > last)
			return result;
	}
	return result == 0 ? real.close_range(from, last, flags) : result;
}

int call_close_range(unsigned first, unsigned last, int flags)
{
	int result;

	if (first > last)
		return real.close_range(first, last, flags);
	result = close_around(first, last, flags);
	if (result == 0 && ((unsigned)flags & CLOSE_RANGE_CLOEXEC) == 0)
		descriptor_forget_range(first, last);
	return result;
}

void call_closefrom(int first)
{
	unsigned from = first < 0 ? 0 : (unsigned)first;

	if (descriptor_next_internal(from, ~0U) < 0)
		real.closefrom(first);
	else
		close_around(from, ~0U, 0);
	descriptor_forget_range(from, ~0U);
}

/* ---- copies ---- */

int call_dup(int fd)
{
	int copy;

	if (descriptor_internal(fd))
		return answer_int(-EBADF);
	copy = real.dup(fd);
	descriptor_forget(copy);
	return copy;
}

int call_dup3(int fd, int wanted, int flags)
{
	int result;

	if (descriptor_internal(fd))
		return answer_int(-EBADF);
	channel_yield_number(wanted);
	descriptor_forget(wanted);
	result = real.dup3(fd, wanted, flags);
	descriptor_forget(wanted);
	return result;
}

int call_dup2(int fd, int wanted)
{
	int result;

	if (descriptor_internal(fd))
		return answer_int(-EBADF);
	if (fd == wanted)
		return real.dup2(fd, wanted);
	channel_yield_number(wanted);
	descriptor_forget(wanted);
	result = real.dup2(fd, wanted);
	descriptor_forget(wanted);
	return result;
}

int call___dup2(int fd, int wanted)
{
	return call_dup2(fd, wanted);
}

static int fcntl_any(int (*next)(int fd, int command, long argument), int fd, int command, long argument)
{
	int result;

	if (descriptor_internal(fd))
		return answer_int(-EBADF);
	result = next(fd, command, argument);
	if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && result >= 0)
		descriptor_forget(result);
	return result;
}

int call_fcntl(int fd, int command, long argument)
{
	return fcntl_any(real.fcntl, fd, command, argument);
}

int call___fcntl(int fd, int command, long argument)
{
	return fcntl_any(real.__fcntl, fd, command, argument);
}

int call_fcntl64(int fd, int command, long argument)
{
	return fcntl_any(real.fcntl64, fd, command, argument);
}
