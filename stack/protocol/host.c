/* SPDX-License-Identifier: MIT */
/* What every protocol needs of the host: room for timers, and a word about what was dropped. */
#include "stack/protocol/host.h"

#include <errno.h>

int stack_reserve_timers(struct stack *s, int count)
{
	uint32_t wanted = s->timers_reserved + (uint32_t)count;
	int error;

	CHECK(count >= 0 || s->timers_reserved >= (uint32_t)-count);
	if (count > 0) {
		error = timer_heap_reserve(&s->timers, wanted);
		if (error)
			return error;
	}
	s->timers_reserved = wanted;
	return 0;
}

void trace_drop(struct stack *s, const char *why, const char *reason, uint32_t bytes)
{
	struct trace_event e = {.kind = TRACE_DROP, .text = why, .reason = reason, .number = {bytes}};

	if (trace_on(s))
		trace_emit(s, &e);
}
