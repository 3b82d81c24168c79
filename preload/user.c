/* SPDX-License-Identifier: MIT */
/*
 * Copies between the program's memory and ours.
 */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include "preload/real.h"
#include "preload/user.h"

/* The kernel reads the mask before it finds that there is no such `how`: nothing is changed. The
 * call is one that every seccomp filter allows. An aligned word never crosses a page. */
static int probe_word(uintptr_t where)
{
	int saved = errno;
	long result = real.syscall(SYS_rt_sigprocmask, -1, (long)(where & ~(uintptr_t)7), 0, _NSIG / 8, 0, 0);
	int error = result < 0 && errno == EFAULT ? -EFAULT : 0;

	errno = saved;
	return error;
}

int user_probe(const void *from, size_t bytes)
{
	uintptr_t where = (uintptr_t)from;

	if (bytes == 0)
		return 0;
	if (probe_word(where) < 0)
		return -EFAULT;
	return (where & ~(uintptr_t)7) == ((where + bytes - 1) & ~(uintptr_t)7) ? 0 : probe_word(where + bytes - 1);
}

int user_take_address(struct control_address *to, const struct sockaddr *from, socklen_t bytes)
{
	memset(to, 0, sizeof(*to));
	if ((int)bytes < 0 || bytes > sizeof(struct sockaddr_storage))
		return -EINVAL;
	if (bytes > sizeof(to->sockaddr))
		bytes = sizeof(to->sockaddr);
	if (user_probe(from, bytes) < 0)
		return -EFAULT;
	memcpy(to->sockaddr, from, bytes);
	to->bytes = (uint16_t)bytes;
	return 0;
}

int user_give_value(void *to, socklen_t *bytes, const void *from, size_t from_bytes)
{
	socklen_t room;

	if (user_probe(bytes, sizeof(*bytes)) < 0)
		return -EFAULT;
	room = *bytes;
	if ((int)room < 0)
		return -EINVAL;
	if (room > from_bytes)
		room = (socklen_t)from_bytes;
	if (user_probe(to, room) < 0)
		return -EFAULT;
	memcpy(to, from, room);
	*bytes = room;
	return 0;
}

int user_give_address(struct sockaddr *to, socklen_t *bytes, const struct control_address *from)
{
	size_t length = from->bytes <= sizeof(from->sockaddr) ? from->bytes : sizeof(from->sockaddr);
	int error = user_give_value(to, bytes, from->sockaddr, length);

	if (error == 0)
		*bytes = (socklen_t)length;
	return error;
}
