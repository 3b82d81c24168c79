/* SPDX-License-Identifier: MIT */
/*
 * Time in the stack: nanoseconds of a monotonic clock that the caller owns, as an argument
 * everywhere. The engine reads no clock. TIME_NEVER is later than every instant.
 */
#ifndef STACK_BASE_TIME_H
#define STACK_BASE_TIME_H

#include <stdint.h>

#define TIME_NEVER UINT64_MAX

#define NSEC_PER_USEC UINT64_C(1000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_SEC UINT64_C(1000000000)

static inline uint64_t time_earlier(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

/* now + span, never past TIME_NEVER. */
static inline uint64_t time_after(uint64_t now_ns, uint64_t span_ns)
{
	return span_ns > TIME_NEVER - now_ns ? TIME_NEVER : now_ns + span_ns;
}

#endif
