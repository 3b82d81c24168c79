/* SPDX-License-Identifier: MIT */
/*
 * The two sides of every row of libc_calls.def: call_NAME is ours and is what programs reach when
 * they call NAME; real.NAME is the next library's function of that name (the C library's, or that
 * of another preloaded library such as AddressSanitizer's).
 *
 * real.NAME may be called at any time, also before our constructor and inside malloc: until it is
 * bound it points to a small function that binds it. Binding neither allocates nor locks more than
 * dlsym() does.
 */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

struct real {
#define CALL(type, name, parameters, arguments) type(*name) parameters;
#include "preload/libc_calls.def"
#undef CALL
};
extern struct real real;

#define CALL(type, name, parameters, arguments)                                                    \
	type call_##name parameters __asm__(#name) __attribute__((visibility("default")));
#include "preload/libc_calls.def"
#undef CALL

/* Binds all of real.* at once. */
void real_bind_all(void);

/* 0 or more stays; a negative errno becomes errno and -1: the face that programs see. */
static inline int answer_int(long result)
{
	if (result >= 0)
		return (int)result;
	errno = (int)-result;
	return -1;
}

static inline ssize_t answer_size(ssize_t result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

/* The other way: what a real call said, as 0 or more or a negative errno. */
static inline ssize_t outcome(ssize_t result)
{
	return result >= 0 ? result : -errno;
}

#endif
