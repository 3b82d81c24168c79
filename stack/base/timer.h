/* SPDX-License-Identifier: MIT */
/*
 * Timers: a heap of due times, so that the next deadline is read in O(1), arming and cancelling
 * cost O(log n), and nothing is done per socket on a tick. A timer lives in the thing that it
 * times. Timers that are due at the same instant fire in the order in which they were armed, so
 * that a run replays exactly.
 */
#ifndef STACK_BASE_TIMER_H
#define STACK_BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/mem.h"
#include "stack/base/time.h"

struct timer {
	uint64_t due_ns;
	uint64_t order;   /* tie break: when it was armed */
	uint32_t position; /* in the heap, plus one; 0 means not armed */
	/* Called once when due, the timer already disarmed; may arm it again or free it. */
	void (*fire)(struct timer *t, uint64_t now_ns);
};

struct timer_heap {
	struct timer **slot;
	uint32_t count;
	uint32_t capacity;
	uint64_t armed_ever;
	const struct mem *mem;
};

void timer_heap_init(struct timer_heap *heap, const struct mem *mem);
/* Forgets all timers; does not touch them. */
void timer_heap_destroy(struct timer_heap *heap);

/* Makes room for count timers in all, so that arming cannot fail. 0 or -ENOMEM. */
int timer_heap_reserve(struct timer_heap *heap, uint32_t count);

static inline void timer_init(struct timer *t, void (*fire)(struct timer *, uint64_t))
{
	*t = (struct timer){.fire = fire};
}

static inline bool timer_armed(const struct timer *t)
{
	return t->position != 0;
}

/* Arms t, or moves it when armed. Room must have been reserved (one place per timer). */
void timer_arm(struct timer_heap *heap, struct timer *t, uint64_t due_ns);
/* Harmless when not armed. */
void timer_cancel(struct timer_heap *heap, struct timer *t);

/* When the first timer is due; TIME_NEVER when none is armed. */
uint64_t timer_heap_deadline(const struct timer_heap *heap);
/* Fires the timers that are due at now. Returns how many fired. */
uint32_t timer_heap_run(struct timer_heap *heap, uint64_t now_ns);

#endif
